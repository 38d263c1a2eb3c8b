package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/attunedb/attune/platform/coord"
	"github.com/attunedb/attune/platform/coord/embedded"
	"github.com/attunedb/attune/platform/rpc"
	"github.com/attunedb/attune/platform/telemetry"
)

// foreignOptions make a plain gRPC client, without anything of this package but the way to in-memory addresses.
func foreignOptions(n *rpc.Network) []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithAuthority("test"),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) { return n.Dial(ctx, address) }),
	}
}

// named answers with its own name.
func named(name string) *echo {
	return &echo{call: func(context.Context, string) (string, error) { return name, nil }}
}

func TestTargetsAreFoundInEtcd(t *testing.T) {
	ctx := testContext(t)
	etcd, err := embedded.Start(ctx, embedded.Config{Dir: t.TempDir(), NoSync: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer etcd.Stop(context.Background())
	c, err := coord.Connect(ctx, coord.Config{Endpoints: []string{etcd.Endpoint()}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	discovery, err := coord.NewDiscovery(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	defer discovery.Close()

	deps := rpc.Deps{Network: rpc.NewNetwork()}
	cc := dial(t, dialer(t, rpc.DialConfig{}, discovery, deps), "attune:///echo")
	if _, err := call(ctx, cc, "Safe", ""); status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "no instance of echo is registered") {
		t.Fatalf("no instance registered: %v", err)
	}
	// One instance in memory and one on TCP, to the client the same.
	var registrations []*coord.Registration
	for name, listen := range map[string]string{"a": "mem://a", "b": "127.0.0.1:0"} {
		s := serve(t, named(name), rpc.ServerConfig{Listen: []string{listen}}, deps)
		reg, err := c.Register(ctx, coord.Instance{Service: "echo", ID: name, Address: s.Address()})
		if err != nil {
			t.Fatal(err)
		}
		registrations = append(registrations, reg)
	}
	got := map[string]bool{}
	for !got["a"] || !got["b"] {
		name, err := call(ctx, cc, "Safe", "", grpc.WaitForReady(true))
		if err != nil {
			t.Fatalf("after %v: %v", got, err)
		}
		got[name] = true
	}
	for _, reg := range registrations {
		if err := reg.Close(ctx); err != nil {
			t.Fatal(err)
		}
	}
	for {
		if _, err := call(ctx, cc, "Safe", ""); status.Code(err) == codes.Unavailable && strings.Contains(err.Error(), "no instance of echo") {
			break
		} else if err != nil && status.Code(err) != codes.Unavailable {
			t.Fatal(err)
		}
	}
}

func TestCallsGoToTheLeastLoaded(t *testing.T) {
	ctx := testContext(t)
	deps := rpc.Deps{Network: rpc.NewNetwork()}
	const parked = 8
	release := make(chan struct{})
	entered := make(chan string, parked)
	var addresses []string
	for i := range 3 {
		name := fmt.Sprintf("mem://l%d", i)
		serve(t, &echo{call: func(_ context.Context, in string) (string, error) {
			if in == "park" {
				entered <- name
				<-release
			}
			return name, nil
		}}, rpc.ServerConfig{Listen: []string{name}}, deps)
		addresses = append(addresses, name)
	}
	cc := dial(t, dialer(t, rpc.DialConfig{}, instances(addresses...), deps), "attune:///echo")
	awaitAll(t, ctx, cc, len(addresses))

	// Nine parked calls over three idle instances are three for each, whoever came first.
	var wg sync.WaitGroup
	perInstance := map[string]int{}
	for range 3 * 3 {
		wg.Go(func() {
			if _, err := call(ctx, cc, "Safe", "park"); err != nil {
				t.Error(err)
			}
		})
		perInstance[<-entered]++
	}
	for _, a := range addresses {
		if perInstance[a] != 3 {
			t.Errorf("parked calls per instance: %v", perInstance)
			break
		}
	}
	close(release)
	wg.Wait()
}

// awaitAll calls until n different instances have answered, which proves that the client is connected to all.
func awaitAll(t *testing.T, ctx context.Context, cc *grpc.ClientConn, n int) {
	t.Helper()
	seen := map[string]bool{}
	for len(seen) < n {
		name, err := call(ctx, cc, "Safe", "", grpc.WaitForReady(true))
		if err != nil {
			t.Fatalf("saw %v: %v", seen, err)
		}
		seen[name] = true
	}
}

func TestABusyInstanceIsAvoided(t *testing.T) {
	ctx := testContext(t)
	deps := rpc.Deps{Network: rpc.NewNetwork()}
	release := make(chan struct{})
	entered := make(chan struct{}, 10)
	busy := named("mem://busy")
	busy.chat = func(grpc.ServerStream) error {
		entered <- struct{}{}
		<-release
		return nil
	}
	free := named("mem://free")
	free.chat = busy.chat
	serve(t, busy, rpc.ServerConfig{Listen: []string{"mem://busy"}}, deps)
	d := instances("mem://busy")
	cc := dial(t, dialer(t, rpc.DialConfig{}, d, deps), "attune:///echo")
	awaitAll(t, ctx, cc, 1)
	var streams []grpc.ClientStream
	for range 3 {
		st, err := chat(ctx, cc)
		if err != nil {
			t.Fatal(err)
		}
		streams = append(streams, st)
		<-entered
	}
	// The second instance joins, idle; the load that the first carries must survive the change of the set.
	serve(t, free, rpc.ServerConfig{Listen: []string{"mem://free"}}, deps)
	d.set("mem://busy", "mem://free")
	for {
		name, err := call(ctx, cc, "Safe", "")
		if err != nil {
			t.Fatal(err)
		}
		if name == "mem://free" {
			break
		}
	}
	for range 20 {
		if name, err := call(ctx, cc, "Safe", ""); err != nil || name != "mem://free" {
			t.Fatalf("with 3 streams on mem://busy a call went to %q: %v", name, err)
		}
	}
	close(release)
	for _, st := range streams {
		if err := st.RecvMsg(new(wrapperspb.StringValue)); err == nil {
			t.Error("stream did not end")
		}
	}
}

func TestOnlySafeMethodsAreRetriedAndOnlyUnavailable(t *testing.T) {
	for _, tc := range []struct {
		method string
		code   codes.Code
		calls  int64
	}{
		{"Safe", codes.Unavailable, 3},
		{"Unsafe", codes.Unavailable, 1},
		{"Safe", codes.ResourceExhausted, 1},
		{"Safe", codes.Internal, 1},
		{"Safe", codes.DeadlineExceeded, 1},
	} {
		t.Run(tc.method+"/"+tc.code.String(), func(t *testing.T) {
			ctx := testContext(t)
			deps := rpc.Deps{Network: rpc.NewNetwork()}
			e := &echo{call: func(context.Context, string) (string, error) { return "", status.Error(tc.code, "no") }}
			s := serve(t, e, rpc.ServerConfig{Listen: []string{"mem://r"}}, deps)
			cc := dial(t, dialer(t, rpc.DialConfig{Retry: rpc.RetryPolicy{
				Safe: []string{echoService + "/Safe"}, Attempts: 3, InitialBackoff: time.Millisecond, MaxBackoff: time.Millisecond,
			}}, nil, deps), s.Address())
			if _, err := call(ctx, cc, tc.method, ""); status.Code(err) != tc.code {
				t.Errorf("got %v", err)
			}
			if n := e.calls.Load(); n != tc.calls {
				t.Errorf("%d attempts, want %d", n, tc.calls)
			}
		})
	}
	if _, err := rpc.NewDialer(rpc.DialConfig{Retry: rpc.RetryPolicy{Safe: []string{"/"}}}, nil, rpc.Deps{}); err == nil {
		t.Error("a safe method without a name was accepted")
	}
}

func TestRetrySucceedsOnAnotherAttempt(t *testing.T) {
	ctx := testContext(t)
	deps := rpc.Deps{Network: rpc.NewNetwork()}
	var n atomic.Int64
	e := &echo{call: func(context.Context, string) (string, error) {
		if n.Add(1) == 1 {
			return "", status.Error(codes.Unavailable, "once")
		}
		return "ok", nil
	}}
	s := serve(t, e, rpc.ServerConfig{Listen: []string{"mem://r"}}, deps)
	cc := dial(t, dialer(t, rpc.DialConfig{Retry: rpc.RetryPolicy{Safe: []string{echoService}}}, nil, deps), s.Address())
	if out, err := call(ctx, cc, "Unsafe", ""); err != nil || out != "ok" {
		t.Fatalf("%q %v (the whole service was declared safe)", out, err)
	}
}

func TestTraceCrossesGRPC(t *testing.T) {
	ctx := testContext(t)
	spans := telemetry.NewMemoryExporter(100)
	tracer, err := telemetry.NewTracer(telemetry.TracerConfig{Service: "test", Ratio: 1, Exporter: spans, Synchronous: true})
	if err != nil {
		t.Fatal(err)
	}
	deps := rpc.Deps{Network: rpc.NewNetwork(), Tracer: tracer}
	inHandler := make(chan string, 1)
	e := &echo{
		call: func(ctx context.Context, _ string) (string, error) {
			inHandler <- telemetry.TraceParent(ctx)
			return "", nil
		},
		chat: func(s grpc.ServerStream) error {
			inHandler <- telemetry.TraceParent(s.Context())
			return nil
		},
	}
	s := serve(t, e, rpc.ServerConfig{Listen: []string{"mem://t"}}, deps)
	cc := dial(t, dialer(t, rpc.DialConfig{}, nil, deps), s.Address())

	rootCtx, root := tracer.StartRoot(ctx, "root")
	trace := root.SpanContext().TraceID().String()
	if _, err := call(rootCtx, cc, "Safe", ""); err != nil {
		t.Fatal(err)
	}
	if tp := <-inHandler; len(tp) < 35 || tp[3:35] != trace {
		t.Errorf("unary handler has %q, want trace %s", tp, trace)
	}
	st, err := chat(rootCtx, cc)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.RecvMsg(new(wrapperspb.StringValue)); err == nil {
		t.Error("stream sent a message")
	}
	if tp := <-inHandler; len(tp) < 35 || tp[3:35] != trace {
		t.Errorf("stream handler has %q, want trace %s", tp, trace)
	}
	root.End()
	if err := s.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if n := len(spans.Trace(trace)); n != 5 {
		t.Errorf("%d spans in the trace, want root, 2 clients, 2 servers", n)
	}
}

func TestUnsampledCallsCarryNothing(t *testing.T) {
	ctx := testContext(t)
	tracer, err := telemetry.NewTracer(telemetry.TracerConfig{Service: "test", Ratio: 0})
	if err != nil {
		t.Fatal(err)
	}
	deps := rpc.Deps{Network: rpc.NewNetwork(), Tracer: tracer}
	e := &echo{call: func(ctx context.Context, _ string) (string, error) {
		if v := metadata.ValueFromIncomingContext(ctx, telemetry.TraceParentKey); v != nil {
			return "", errors.New("traceparent was sent")
		}
		return "", nil
	}}
	s := serve(t, e, rpc.ServerConfig{Listen: []string{"mem://u"}}, deps)
	if _, err := call(ctx, dial(t, dialer(t, rpc.DialConfig{}, nil, deps), s.Address()), "Safe", ""); err != nil {
		t.Fatal(err)
	}
}

func TestPoolIsBounded(t *testing.T) {
	ctx := testContext(t)
	deps := rpc.Deps{Network: rpc.NewNetwork()}
	for i := range 3 {
		a := fmt.Sprintf("mem://n%d", i)
		serve(t, named(a), rpc.ServerConfig{Listen: []string{a}}, deps)
	}
	p := dialer(t, rpc.DialConfig{}, nil, deps).NewPool(2)
	defer p.Close()
	get := func(address string) func() {
		t.Helper()
		cc, release, err := p.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		if name, err := call(ctx, cc, "Safe", ""); err != nil || name != address {
			t.Fatalf("%s answered %q %v", address, name, err)
		}
		return release
	}
	r0, r1, again := get("mem://n0"), get("mem://n1"), get("mem://n0")
	if _, _, err := p.Get("mem://n2"); !errors.Is(err, rpc.ErrPoolFull) {
		t.Fatalf("third connection of two: %v", err)
	}
	r0()
	r0() // a second release of one use must not free the other's
	if _, _, err := p.Get("mem://n2"); !errors.Is(err, rpc.ErrPoolFull) {
		t.Fatalf("while all are in use: %v", err)
	}
	r1()
	get("mem://n2")() // takes the place of n1, which nobody uses
	if p.Len() != 2 {
		t.Fatalf("%d connections, want 2", p.Len())
	}
	again()
	get("mem://n1")()
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.Get("mem://n0"); err == nil {
		t.Fatal("a closed pool gave a connection")
	}
}
