package profiler

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/attunedb/attune/platform/profiler"
	"github.com/attunedb/attune/platform/profiler/analysis"
	"github.com/attunedb/attune/platform/profiler/files"
	"github.com/attunedb/attune/platform/profiler/traffic"
	"github.com/attunedb/attune/platform/rpc"
	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

// method is what clients call; the service is made by hand, because it exists for these tests only.
const method = "/planted.v1.Planted/Do"

// work is what a node does for a call.
type work func(ctx context.Context, key string) error

// node is a server with a profiler, as a process has them.
type node struct {
	address string
	files   *files.Classes
	dialer  *rpc.Dialer
}

// start runs a server until the test ends. do may be set after: it is called with the node.
func start(t *testing.T, name string, make func(*node) work) *node {
	t.Helper()
	recorder := traffic.New(traffic.Config{Name: name})
	n := &node{files: files.New()}
	deps := rpc.Deps{Traffic: recorder}
	server, err := rpc.NewServer(rpc.ServerConfig{Listen: []string{"127.0.0.1:0"}}, deps)
	if err != nil {
		t.Fatal(err)
	}
	n.address = server.Address()
	if n.dialer, err = rpc.NewDialer(rpc.DialConfig{}, nil, deps); err != nil {
		t.Fatal(err)
	}
	p, err := profiler.New(profiler.Config{Services: []string{name}, Instance: n.address, Continuous: profiler.Continuous{Off: true}},
		profiler.Deps{Traffic: recorder, Files: n.files})
	if err != nil {
		t.Fatal(err)
	}
	p.Register(server)
	do := make(n)
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "planted.v1.Planted", HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{MethodName: "Do", Handler: func(_ any, ctx context.Context, decode func(any) error, in grpc.UnaryServerInterceptor) (any, error) {
			req := &wrapperspb.StringValue{}
			if err := decode(req); err != nil {
				return nil, err
			}
			return in(ctx, req, &grpc.UnaryServerInfo{FullMethod: method}, func(ctx context.Context, _ any) (any, error) {
				return &wrapperspb.StringValue{Value: "done"}, do(ctx, req.GetValue())
			})
		}}},
	}, nil)
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.SetReady(true)
	t.Cleanup(func() {
		// The test's context has ended; calls that are under way are cut.
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if err := server.Stop(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
	return n
}

// idle does nothing.
func idle(*node) work { return func(context.Context, string) error { return nil } }

// conn connects to another node.
func (n *node) conn(t *testing.T, to string) *grpc.ClientConn {
	t.Helper()
	c, err := n.dialer.Dial(to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// load calls a node from clients that call one after the other, until stop returns. pause is between two calls of a client.
func load(t *testing.T, n *node, clients int, key func(client, call int) string, pause time.Duration) (stop func()) {
	t.Helper()
	dialer, err := rpc.NewDialer(rpc.DialConfig{}, nil, rpc.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := dialer.Dial(n.address)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for client := range clients {
		all.Go(func() {
			for call := 0; ctx.Err() == nil; call++ {
				err := conn.Invoke(ctx, method, wrapperspb.String(key(client, call)), &wrapperspb.StringValue{})
				if err != nil && ctx.Err() == nil {
					t.Error("call:", err)
					return
				}
				if pause > 0 {
					select {
					case <-ctx.Done():
					case <-time.After(pause):
					}
				}
			}
		})
	}
	return func() {
		cancel()
		all.Wait()
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
}

// same is for calls that are all alike.
func same(int, int) string { return "k" }

// profile has a node profiled over gRPC and returns what the report says of it.
func profile(t *testing.T, n *node, d time.Duration, leaks bool) *analysis.Process {
	t.Helper()
	dialer, err := rpc.NewDialer(rpc.DialConfig{}, nil, rpc.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := dialer.Dial(n.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	stream, err := profilerv1.NewProfilerServiceClient(conn).Profile(t.Context(), &profilerv1.ProfileRequest{Duration: durationpb.New(d), FindLeaks: leaks})
	if err != nil {
		t.Fatal(err)
	}
	var data []byte
	for {
		r, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		data = append(data, r.GetPiece()...)
	}
	p := &profilerv1.ProcessProfile{}
	if err := proto.Unmarshal(data, p); err != nil {
		t.Fatal(err)
	}
	return analysis.Analyze([]*profilerv1.ProcessProfile{p}, analysis.Input{}).Processes[0]
}

// find returns the finding of a kind, the verdict among them.
func find(t *testing.T, p *analysis.Process, k analysis.Kind) analysis.Finding {
	t.Helper()
	all := append([]analysis.Finding{p.Verdict}, p.Findings...)
	i := slices.IndexFunc(all, func(f analysis.Finding) bool { return f.Kind == k })
	if i < 0 {
		t.Fatalf("no %s among\n%s", k, tell(p))
	}
	if len(all[i].Evidence) == 0 || len(all[i].Recommendations) == 0 {
		t.Errorf("%s comes without evidence or recommendation: %+v", k, all[i])
	}
	return all[i]
}

// none asks that findings of these kinds are not made.
func none(t *testing.T, p *analysis.Process, kinds ...analysis.Kind) {
	t.Helper()
	for _, f := range append([]analysis.Finding{p.Verdict}, p.Findings...) {
		if slices.Contains(kinds, f.Kind) {
			t.Errorf("false alarm: %s: %s %v", f.Kind, f.Summary, f.Evidence)
		}
	}
}

func tell(p *analysis.Process) string {
	var b strings.Builder
	for _, f := range append([]analysis.Finding{p.Verdict}, p.Findings...) {
		b.WriteString(string(f.Kind) + ": " + f.Summary + "\n")
	}
	for _, h := range p.Paths {
		if h.Profile == "mutex" || h.Profile == "cpu" {
			b.WriteString(h.Profile + ": " + strings.Join(h.Path, " < ") + "\n")
		}
	}
	for _, f := range p.Failures {
		b.WriteString("failed: " + f + "\n")
	}
	return b.String()
}
