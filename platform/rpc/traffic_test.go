package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/pprof"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/attunedb/attune/platform/profiler/traffic"
	"github.com/attunedb/attune/platform/rpc"
	"github.com/attunedb/attune/platform/telemetry"
	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

// slowConn delays what is written: a slow network.
type slowConn struct {
	net.Conn
	delay time.Duration
}

func (c *slowConn) Write(b []byte) (int, error) {
	time.Sleep(c.delay)
	return c.Conn.Write(b)
}

// find returns the traffic of a method at one end.
func find(t *testing.T, all []*profilerv1.Traffic, method string, server bool) *profilerv1.Traffic {
	t.Helper()
	var found *profilerv1.Traffic
	for _, x := range all {
		if x.GetMethod() == "/"+echoService+"/"+method && x.GetServer() == server {
			if found != nil {
				t.Fatalf("two entries of %s: %v and %v", method, found, x)
			}
			found = x
		}
	}
	if found == nil {
		t.Fatalf("no traffic of %s, server %v, in %v", method, server, all)
	}
	return found
}

// The clock is synctest's, so that times are exact: 30 ms in the handler, and at least 20 ms on the way there.
func TestTrafficSplitAddsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const handling, way = 30 * time.Millisecond, 20 * time.Millisecond
		network := rpc.NewNetwork()
		servers, clients := traffic.New(traffic.Config{}), traffic.New(traffic.Config{Name: "tester", SplitOneIn: 1})
		defer clients.Detail()()
		defer servers.Detail()()
		e := &echo{call: func(_ context.Context, in string) (string, error) {
			time.Sleep(handling)
			if in == "bad" {
				return "", status.Error(codes.InvalidArgument, "bad")
			}
			if in == "broken" {
				return "", status.Error(codes.Internal, "broken")
			}
			return in, nil
		}}
		s, err := rpc.NewServer(rpc.ServerConfig{Listen: []string{"mem://slow"}}, rpc.Deps{Network: network, Traffic: servers})
		if err != nil {
			t.Fatal(err)
		}
		s.RegisterService(e.desc(), e)
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.SetReady(true)
		defer s.Stop(context.Background())
		d := dialer(t, rpc.DialConfig{Options: []grpc.DialOption{
			grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
				c, err := network.Dial(ctx, address)
				return &slowConn{c, way}, err
			}),
		}}, nil, rpc.Deps{Network: network, Traffic: clients})
		cc, err := d.Dial("mem://slow")
		if err != nil {
			t.Fatal(err)
		}
		defer cc.Close()

		const calls = 200
		for i := range calls {
			in := map[int]string{0: "bad", 1: "broken"}[i]
			if in == "" {
				in = "hello"
			}
			_, err := call(t.Context(), cc, "Safe", in, grpc.WaitForReady(true))
			if (err != nil) != (i < 2) {
				t.Fatal(err)
			}
		}
		c := find(t, clients.Snapshot().Since(nil), "Safe", false)
		if c.GetPeer() != "mem://slow" || c.GetCalls() != calls || c.GetFailures() != 1 || c.GetLatency().GetCount() != calls {
			t.Errorf("at the client: %v", c)
		}
		// "hello" is a string of five with its tag and length, behind gRPC's five.
		if want := uint64(2*5+3+6+4) + (calls-2)*12; c.GetSentMessages() != calls || c.GetSentBytes() != want {
			t.Errorf("sent %d messages of %d bytes, want %d of %d", c.GetSentMessages(), c.GetSentBytes(), calls, want)
		}
		if c.GetReceivedMessages() != calls-2 || c.GetReceivedBytes() != (calls-2)*12 {
			t.Errorf("received %d messages of %d bytes", c.GetReceivedMessages(), c.GetReceivedBytes())
		}
		n := c.GetWire().GetCount()
		if n != calls || c.GetHandler().GetCount() != n || c.GetQueue().GetCount() != n {
			t.Fatalf("%d of %d calls were split", n, calls)
		}
		if got := time.Duration(c.GetHandler().GetSumNanos()); got != time.Duration(n)*handling {
			t.Errorf("%d handlers took %v in all, want %v each", n, got, handling)
		}
		if got := time.Duration(c.GetWire().GetSumNanos()); got < time.Duration(n)*way {
			t.Errorf("%d ways took %v in all, want at least %v each", n, got, way)
		}
		if least := calls * int64(handling+way); c.GetLatency().GetSumNanos() < least {
			t.Errorf("the calls took %v, want at least %d ns in all", c.GetLatency(), least)
		}

		on := find(t, servers.Snapshot().Since(nil), "Safe", true)
		if on.GetPeer() != "tester@local" || on.GetCalls() != calls || on.GetFailures() != 1 || on.GetReceivedBytes() != c.GetSentBytes() {
			t.Errorf("at the server: %v", on)
		}
		if got := time.Duration(on.GetHandler().GetSumNanos()); got != calls*handling {
			t.Errorf("the handlers took %v", got)
		}
	})
}

// Every call's parts, one at a time, are its whole.
func TestEverySplitCallAddsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network, rec := rpc.NewNetwork(), traffic.New(traffic.Config{SplitOneIn: 1})
		defer rec.Detail()()
		e := &echo{call: func(_ context.Context, in string) (string, error) {
			time.Sleep(time.Duration(len(in)) * time.Millisecond)
			return in, nil
		}}
		deps := rpc.Deps{Network: network, Traffic: rec}
		s, err := rpc.NewServer(rpc.ServerConfig{Listen: []string{"mem://x"}}, deps)
		if err != nil {
			t.Fatal(err)
		}
		s.RegisterService(e.desc(), e)
		s.Start(t.Context())
		s.SetReady(true)
		defer s.Stop(context.Background())
		cc, err := dialer(t, rpc.DialConfig{}, nil, deps).Dial("mem://x")
		if err != nil {
			t.Fatal(err)
		}
		defer cc.Close()
		for range 20 {
			before := rec.Snapshot()
			if _, err := call(t.Context(), cc, "Safe", "seven ms", grpc.WaitForReady(true)); err != nil {
				t.Fatal(err)
			}
			c := find(t, rec.Snapshot().Since(before), "Safe", false)
			if parts := c.GetQueue().GetSumNanos() + c.GetWire().GetSumNanos() + c.GetHandler().GetSumNanos(); parts != c.GetLatency().GetSumNanos() {
				t.Errorf("parts take %d ns, the whole %d", parts, c.GetLatency().GetSumNanos())
			}
		}
	})
}

func TestTrafficOfStreams(t *testing.T) {
	ctx := testContext(t)
	rec := traffic.New(traffic.Config{Name: "tester", SplitOneIn: 1})
	defer rec.Detail()()
	deps := rpc.Deps{Network: rpc.NewNetwork(), Traffic: rec}
	s := serve(t, &echo{chat: func(ss grpc.ServerStream) error {
		for {
			in := new(wrapperspb.StringValue)
			if err := ss.RecvMsg(in); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return err
			}
			if err := ss.SendMsg(in); err != nil {
				return err
			}
		}
	}}, rpc.ServerConfig{Listen: []string{"127.0.0.1:0"}}, deps)
	cc := dial(t, dialer(t, rpc.DialConfig{}, nil, deps), s.Address())
	const messages, streams = 5, 40
	for range streams {
		cs, err := chat(ctx, cc)
		if err != nil {
			t.Fatal(err)
		}
		for range messages {
			if err := cs.SendMsg(wrapperspb.String("abc")); err != nil {
				t.Fatal(err)
			}
			if err := cs.RecvMsg(new(wrapperspb.StringValue)); err != nil {
				t.Fatal(err)
			}
		}
		cs.CloseSend()
		if err := cs.RecvMsg(new(wrapperspb.StringValue)); !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
	}
	all := rec.Snapshot().Since(nil)
	c, on := find(t, all, "Chat", false), find(t, all, "Chat", true)
	for _, x := range []*profilerv1.Traffic{c, on} {
		if x.GetCalls() != streams || x.GetSentMessages() != streams*messages || x.GetReceivedMessages() != streams*messages ||
			x.GetSentBytes() != streams*messages*10 || x.GetReceivedBytes() != streams*messages*10 {
			t.Errorf("got %v", x)
		}
	}
	if c.GetWire().GetCount() != streams || c.GetPeer() != s.Address() {
		t.Errorf("at the client: %v", c)
	}
	if on.GetPeer() != "tester@127.0.0.1" {
		t.Errorf("the server calls its client %q", on.GetPeer())
	}
}

// A handler, and what it starts, run under the labels of their method; labels further in add to them.
func TestHandlersAreLabelled(t *testing.T) {
	ctx := testContext(t)
	got := map[string]string{}
	deps := rpc.Deps{Network: rpc.NewNetwork(), Traffic: traffic.New(traffic.Config{})}
	serve(t, &echo{call: func(ctx context.Context, _ string) (string, error) {
		pprof.Do(ctx, pprof.Labels("template", "7"), func(ctx context.Context) {
			pprof.ForLabels(ctx, func(k, v string) bool { got[k] = v; return true })
		})
		return "", nil
	}}, rpc.ServerConfig{Listen: []string{"mem://l"}}, deps)
	cc := dial(t, dialer(t, rpc.DialConfig{}, nil, deps), "mem://l")
	if _, err := call(ctx, cc, "Safe", "", grpc.WaitForReady(true)); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"service": "test", "method": "/" + echoService + "/Safe", "template": "7"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("labels are %v, want %v", got, want)
	}
}

// processNanos is the CPU time that the process has used: it tells more than the clock where others share the machine.
func processNanos(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// Observing may cost two per cent of a small unary call; run with -count and compare cpu-ns/op with benchstat.
func BenchmarkTraffic(b *testing.B) {
	for _, mode := range []string{"none", "always", "detail"} {
		b.Run(mode, func(b *testing.B) {
			deps := rpc.Deps{Network: rpc.NewNetwork(), Metrics: telemetry.NewRegistry()}
			if mode != "none" {
				deps.Traffic = traffic.New(traffic.Config{Name: "bench"})
			}
			if mode == "detail" {
				defer deps.Traffic.Detail()()
			}
			s, err := rpc.NewServer(rpc.ServerConfig{Listen: []string{"mem://x"}}, deps)
			if err != nil {
				b.Fatal(err)
			}
			e := &echo{call: func(_ context.Context, in string) (string, error) { return in, nil }}
			s.RegisterService(e.desc(), e)
			s.Start(b.Context())
			s.SetReady(true)
			defer s.Stop(context.Background())
			d, err := rpc.NewDialer(rpc.DialConfig{}, nil, deps)
			if err != nil {
				b.Fatal(err)
			}
			cc, err := d.Dial("mem://x")
			if err != nil {
				b.Fatal(err)
			}
			defer cc.Close()
			if _, err := call(b.Context(), cc, "Safe", "x", grpc.WaitForReady(true)); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.ResetTimer()
			used := processNanos(b)
			defer func() { b.ReportMetric(float64(processNanos(b)-used)/float64(b.N), "cpu-ns/op") }()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := call(b.Context(), cc, "Safe", "hello"); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
