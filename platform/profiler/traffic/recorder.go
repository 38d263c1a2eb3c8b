package traffic

import (
	"cmp"
	"context"
	"maps"
	"math/rand/v2"
	"net/netip"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/attunedb/attune/platform/profiler/latency"
	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

// Config configures New.
type Config struct {
	// Name is the kind of client that this process is to the servers it calls, such as "executor"; it travels in the user agent.
	Name string
	// MaxEntries bounds the pairs of peer and method, of about 17 KB each; further peers are counted together. Default 512.
	MaxEntries int
	// SplitOneIn is of how many calls one is split into queue, wire and handler; four times as many are while somebody profiles.
	// Default 64.
	SplitOneIn int
}

// Recorder counts the calls of one process. It is safe for concurrent use. A nil *Recorder counts nothing.
type Recorder struct {
	cfg Config
	// details counts those who profile.
	details atomic.Int64

	// entries is replaced as a whole, under mu: every call looks it up, and it soon stops changing.
	mu      sync.Mutex
	entries atomic.Pointer[map[key]*entry]
}

// key names an entry without allocating. agent is a client's user agent, or the address that this process dialed.
type key struct {
	method, agent string
	host          netip.Addr
	server        bool
}

// othersAgent is the peer beyond the bound.
const othersAgent = "others"

type entry struct {
	key    key
	peer   string
	labels context.Context // of a served method's goroutines

	calls, failures             atomic.Uint64
	sentMessages, gotMessages   atomic.Uint64
	sentBytes, gotBytes         atomic.Uint64
	whole, queue, wire, handler latency.Histogram
}

// New returns a recorder without traffic.
func New(cfg Config) *Recorder {
	if cfg.MaxEntries <= 0 {
		cfg.MaxEntries = 512
	}
	if cfg.SplitOneIn <= 0 {
		cfg.SplitOneIn = 64
	}
	r := &Recorder{cfg: cfg}
	r.entries.Store(&map[key]*entry{})
	return r
}

// Name returns Config.Name.
func (r *Recorder) Name() string {
	if r == nil {
		return ""
	}
	return r.cfg.Name
}

// Detail sizes every message, and splits four times as many calls, until release is called.
func (r *Recorder) Detail() (release func()) {
	if r == nil {
		return func() {}
	}
	r.details.Add(1)
	return sync.OnceFunc(func() { r.details.Add(-1) })
}

// sizeOneIn is of how many messages one is sized while nobody profiles.
const sizeOneIn = 16

// splits decides whether a call is split.
func (r *Recorder) splits() bool {
	oneIn := uint32(r.cfg.SplitOneIn)
	if r.details.Load() > 0 {
		oneIn = max(oneIn/4, 1)
	}
	return rand.Uint32()%oneIn == 0
}

// entry returns the counters of a key, made when there are none.
func (r *Recorder) entry(k key) *entry {
	if e := (*r.entries.Load())[k]; e != nil {
		return e
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	old := *r.entries.Load()
	if e := old[k]; e != nil {
		return e
	}
	// Methods are few and known when the program is built, so that the last entries of each method fit beyond the bound.
	if len(old) >= r.cfg.MaxEntries {
		k.agent, k.host = othersAgent, netip.Addr{}
		if e := old[k]; e != nil {
			return e
		}
	}
	// The strings may be parts of larger buffers, which must not live as long as the entry.
	k.method, k.agent = strings.Clone(k.method), strings.Clone(k.agent)
	e := &entry{key: k, peer: k.peer()}
	if k.server {
		e.labels = pprof.WithLabels(context.Background(), pprof.Labels("service", Service(k.method), "method", k.method))
	}
	next := maps.Clone(old)
	next[k] = e
	r.entries.Store(&next)
	return e
}

// peer renders who is at the other end.
func (k key) peer() string {
	if !k.server {
		return k.agent
	}
	kind, _, _ := strings.Cut(k.agent, " ")
	kind, _, _ = strings.Cut(kind, "/")
	switch {
	case kind == othersAgent:
		return kind
	case kind == "":
		kind = "client"
	}
	if !k.host.IsValid() {
		return kind + "@local"
	}
	return kind + "@" + k.host.String()
}

// Service returns the service of a full method: "storage" for "/attune.storage.v1.StorageService/Scan", and the package for others'.
func Service(method string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(method, "/"), "/")
	if rest, ours := strings.CutPrefix(name, "attune."); ours {
		name, _, _ = strings.Cut(rest, ".")
		return name
	}
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		return name[:i]
	}
	return name
}

// Snapshot is what was counted until one moment.
type Snapshot map[*entry]entrySnapshot

type entrySnapshot struct {
	calls, failures             uint64
	sentMessages, gotMessages   uint64
	sentBytes, gotBytes         uint64
	whole, queue, wire, handler latency.Snapshot
}

// Snapshot returns what was counted so far.
func (r *Recorder) Snapshot() Snapshot {
	s := Snapshot{}
	if r == nil {
		return s
	}
	for _, e := range *r.entries.Load() {
		s[e] = entrySnapshot{
			calls: e.calls.Load(), failures: e.failures.Load(),
			sentMessages: e.sentMessages.Load(), gotMessages: e.gotMessages.Load(),
			sentBytes: e.sentBytes.Load(), gotBytes: e.gotBytes.Load(),
			whole: e.whole.Snapshot(), queue: e.queue.Snapshot(), wire: e.wire.Snapshot(), handler: e.handler.Snapshot(),
		}
	}
	return s
}

// Since returns what was counted after an earlier snapshot of the same recorder, the most bytes first.
func (s Snapshot) Since(before Snapshot) []*profilerv1.Traffic {
	var out []*profilerv1.Traffic
	for e, now := range s {
		then := before[e]
		t := &profilerv1.Traffic{
			Peer: e.peer, Method: e.key.method, Server: e.key.server,
			Calls: now.calls - then.calls, Failures: now.failures - then.failures,
			SentMessages: now.sentMessages - then.sentMessages, ReceivedMessages: now.gotMessages - then.gotMessages,
			SentBytes: now.sentBytes - then.sentBytes, ReceivedBytes: now.gotBytes - then.gotBytes,
			Latency: now.whole.Since(then.whole), Queue: now.queue.Since(then.queue),
			Wire: now.wire.Since(then.wire), Handler: now.handler.Since(then.handler),
		}
		if t.Calls > 0 || t.SentMessages > 0 || t.ReceivedMessages > 0 {
			out = append(out, t)
		}
	}
	Sort(out)
	return out
}

// Sort puts the most bytes first, then the most calls, then names.
func Sort(traffic []*profilerv1.Traffic) {
	slices.SortFunc(traffic, func(a, b *profilerv1.Traffic) int {
		return cmp.Or(
			cmp.Compare(b.GetSentBytes()+b.GetReceivedBytes(), a.GetSentBytes()+a.GetReceivedBytes()),
			cmp.Compare(b.GetCalls(), a.GetCalls()),
			cmp.Compare(a.GetMethod(), b.GetMethod()), cmp.Compare(a.GetPeer(), b.GetPeer()),
			// A client comes before its server.
			map[bool]int{true: 1}[a.GetServer()]-map[bool]int{true: 1}[b.GetServer()])
	})
}

// Totals returns the bytes that went in both directions so far, and the calls that were served.
func (r *Recorder) Totals() (bytes, served uint64) {
	if r == nil {
		return 0, 0
	}
	for _, e := range *r.entries.Load() {
		bytes += e.sentBytes.Load() + e.gotBytes.Load()
		if e.key.server {
			served += e.calls.Load()
		}
	}
	return bytes, served
}
