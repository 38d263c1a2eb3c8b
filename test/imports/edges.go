package imports

// An Edge says of the packages From: among the imports Of, only Only are allowed. An empty Only forbids all of them.
// Test files may import Tests as well. Reason is printed with every violation.
type Edge struct {
	From   Pattern
	Of     []Pattern
	Only   []Pattern
	Tests  []Pattern
	Reason string
}

// An Exception lifts every edge for one import of one place. It must be in use: a stale one fails the test.
type Exception struct {
	From   Pattern
	To     Pattern
	Reason string
}

// own selects every package of the workspace.
var own = []Pattern{"./..."}

// testLibraries may be imported by any test.
var testLibraries = []Pattern{
	"github.com/cockroachdb/datadriven",
	"github.com/google/go-cmp/...",
	"pgregory.net/rapid",
}

// Edges is the table of DESIGN's house: who may import whom.
var Edges = []Edge{
	{
		From:   "./engine/...",
		Of:     own,
		Only:   []Pattern{"./engine/..."},
		Reason: "engine is the ground floor: what it imported of ours would be imported by all",
	},
	{
		From: "./engine/...",
		Of:   []Pattern{"third-party"},
		Only: []Pattern{
			"github.com/cockroachdb/apd/v3",           // decimals
			"github.com/apache/datasketches-go/...",   // sketches in statistics
			"github.com/RoaringBitmap/roaring/v2/...", // bitmaps
			"github.com/cespare/xxhash/v2",            // hashing of fingerprints and keys
			"github.com/klauspost/compress/...",       // compression of buffers
			"gonum.org/v1/gonum/...",                  // numerics
			"golang.org/x/exp/...",                    // the standard library to be
			"golang.org/x/sys/cpu",                    // which kernels this processor runs
		},
		Tests:  testLibraries,
		Reason: "engine is pure: a library it uses computes, and neither reads, listens nor logs",
	},
	{
		From: "./engine/...",
		Of: []Pattern{
			"C", "database/sql/...", "expvar", "log/...", "net/...", "os/...", "plugin", "syscall/...", "testing/...",
		},
		Tests: []Pattern{
			"net/netip", "net/url", // values, not connections
			"os", // golden files
			"testing/...",
		},
		Reason: "engine is pure: whoever calls it owns I/O, so that the same code plans and runs in every shape and in tests",
	},
	{
		From:   "./proto/...",
		Of:     own,
		Only:   []Pattern{"./proto/..."},
		Reason: "proto is a contract between programs: it knows nothing of ours",
	},
	{
		From:   "./proto/...",
		Of:     []Pattern{"third-party"},
		Only:   []Pattern{"google.golang.org/genproto/...", "google.golang.org/grpc/...", "google.golang.org/protobuf/..."},
		Reason: "proto holds generated code only, and what generated code needs",
	},
	{
		From:   "./wire/...",
		Of:     own,
		Only:   []Pattern{"./engine/...", "./proto/...", "./wire/..."},
		Reason: "wire is the codec between engine values and proto messages, and nothing else",
	},
	{
		From:   "./wire/...",
		Of:     []Pattern{"database/sql/...", "net/...", "os/..."},
		Tests:  []Pattern{"net", "os"},
		Reason: "a codec turns buffers into buffers: connections and files are its callers'",
	},
	{
		From:   "./platform/...",
		Of:     own,
		Only:   []Pattern{"./engine/memory/...", "./engine/sqlerr/...", "./platform/...", "./proto/..."},
		Reason: "platform serves every service alike: it knows no service, and no plan, expression or statistic",
	},
	{
		From:   "./client/...",
		Of:     own,
		Only:   []Pattern{"./client/...", "./engine/...", "./proto/...", "./wire/..."},
		Reason: "client is linked into users' programs: it brings a codec, not a server, etcd or NATS",
	},
	{
		From:   "./services/*/...",
		Of:     own,
		Only:   []Pattern{"./engine/...", "./platform/...", "./proto/...", "./wire/..."},
		Reason: "services meet over proto only, so that each is built, scaled and replaced alone",
	},
	{
		From:   "./services/*/internal/...",
		Of:     []Pattern{"./proto/...", "./wire/...", "google.golang.org/grpc/..."},
		Reason: "internal is the domain: the service's server decodes, calls it, and encodes; the domain knows no proto (the parser's own tree is a protobuf message, and not ours)",
	},
	{
		From:   "./bench/...",
		Of:     own,
		Only:   []Pattern{"./bench/...", "./client/...", "./engine/...", "./proto/...", "./wire/..."},
		Reason: "the benchmark runner comes in through the doors that users have",
	},
	{
		From: "./cmd/attune/...",
		Of:   own,
		Only: []Pattern{
			"./bench/...", "./client/...", "./cmd/attune/...", "./engine/...", "./platform/...", "./proto/...", "./services/*", "./wire/...",
		},
		Reason: "the command wires the services by their root packages, and decodes the plans and errors they answer with; what is below a root is the service's own",
	},
	{
		From: "./test/...",
		Of:   own,
		Only: []Pattern{
			"./bench/...", "./client/...", "./engine/...", "./platform/...", "./proto/...", "./services/*", "./test/...", "./wire/...",
		},
		Reason: "tests of the whole stand outside: they start programs or root packages and use their doors",
	},
}

// Exceptions are the places where an edge of the table does not hold.
var Exceptions = []Exception{
	{
		From:   "./engine/memory/...",
		To:     "golang.org/x/sys/unix",
		Reason: "off-heap slabs, huge pages and NUMA placement are system calls; they move no data in or out",
	},
	{
		From:   "./engine/memory/...",
		To:     "os",
		Reason: "page size, and the machine's topology, which the kernel publishes as files",
	},
}
