package rpc_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/attunedb/attune/platform/rpc"
)

func TestEveryKindOfAddressServes(t *testing.T) {
	ctx := testContext(t)
	deps := rpc.Deps{Network: rpc.NewNetwork()}
	e := &echo{call: func(_ context.Context, in string) (string, error) { return in + "!", nil }}
	s := serve(t, e, rpc.ServerConfig{Listen: []string{"mem://echo-1", "127.0.0.1:0", "unix://" + filepath.Join(t.TempDir(), "s")}}, deps)
	d := dialer(t, rpc.DialConfig{}, nil, deps)
	for _, address := range s.Addresses() {
		out, err := call(ctx, dial(t, d, address), "Safe", "hello")
		if err != nil || out != "hello!" {
			t.Errorf("%s: %q %v", address, out, err)
		}
	}
	if _, err := rpc.NewServer(rpc.ServerConfig{Listen: []string{"mem://echo-1"}}, deps); err == nil {
		t.Error("an in-memory address was taken twice")
	}
	if _, err := rpc.NewServer(rpc.ServerConfig{Listen: []string{"mem://x"}}, rpc.Deps{}); err == nil {
		t.Error("an in-memory address without a network was accepted")
	}
	begin := time.Now()
	if _, err := call(ctx, dial(t, d, "mem://nobody"), "Safe", ""); status.Code(err) != codes.Unavailable {
		t.Errorf("nobody listens: %v", err)
	}
	if w := time.Since(begin); w > 3*time.Second {
		t.Errorf("took %v to say that nobody listens", w)
	}
}

func TestPanicFailsOneCallOnly(t *testing.T) {
	ctx := testContext(t)
	reg := prometheus.NewRegistry()
	deps := rpc.Deps{Network: rpc.NewNetwork(), Metrics: reg}
	e := &echo{
		call: func(_ context.Context, in string) (string, error) {
			if in == "boom" {
				panic("secret of another user")
			}
			return in, nil
		},
		chat: func(grpc.ServerStream) error { panic("stream") },
	}
	s := serve(t, e, rpc.ServerConfig{Listen: []string{"mem://p"}}, deps)
	cc := dial(t, dialer(t, rpc.DialConfig{}, nil, deps), s.Address())
	_, err := call(ctx, cc, "Safe", "boom")
	if status.Code(err) != codes.Internal || strings.Contains(err.Error(), "secret") {
		t.Fatalf("panic: %v", err)
	}
	st, err := chat(ctx, cc)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.RecvMsg(new(wrapperspb.StringValue)); status.Code(err) != codes.Internal {
		t.Fatalf("panic in a stream: %v", err)
	}
	if out, err := call(ctx, cc, "Safe", "still here"); err != nil || out != "still here" {
		t.Fatalf("after the panics: %q %v", out, err)
	}
	counts := map[string]float64{}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.Metric {
			key := f.GetName()
			for _, l := range m.Label {
				key += " " + l.GetValue()
			}
			counts[key] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	for key, want := range map[string]float64{
		"attune_rpc_server_panics_total":                                      2,
		"attune_rpc_server_requests_total Internal /" + echoService + "/Safe": 1,
		"attune_rpc_server_requests_total OK /" + echoService + "/Safe":       1,
		"attune_rpc_client_requests_total OK /" + echoService + "/Safe":       1,
		"attune_rpc_client_requests_total Internal /" + echoService + "/Chat": 1,
		"attune_rpc_server_requests_in_flight /" + echoService + "/Safe":      0,
		"attune_rpc_client_requests_in_flight /" + echoService + "/Chat":      0,
	} {
		if got, ok := counts[key]; !ok || got != want {
			t.Errorf("%s = %v (present %v), want %v", key, got, ok, want)
		}
	}
}

func TestUnaryCallsGetADeadline(t *testing.T) {
	deps := rpc.Deps{Network: rpc.NewNetwork()}
	left := make(chan time.Duration, 1)
	e := &echo{call: func(ctx context.Context, _ string) (string, error) {
		at, ok := ctx.Deadline()
		if !ok {
			return "", errors.New("no deadline")
		}
		left <- time.Until(at)
		return "", nil
	}}
	s := serve(t, e, rpc.ServerConfig{Listen: []string{"mem://d"}, DefaultDeadline: time.Minute}, deps)

	ours := dial(t, dialer(t, rpc.DialConfig{DefaultDeadline: 20 * time.Second}, nil, deps), s.Address())
	if _, err := call(context.Background(), ours, "Safe", ""); err != nil {
		t.Fatal(err)
	}
	if d := <-left; d > 20*time.Second || d < 10*time.Second {
		t.Errorf("client default: %v left of 20s", d)
	}
	// A client that is not ours sends none, and the server steps in.
	foreign, err := grpc.NewClient("passthrough:///mem://d", foreignOptions(deps.Network)...)
	if err != nil {
		t.Fatal(err)
	}
	defer foreign.Close()
	if _, err := call(context.Background(), foreign, "Safe", ""); err != nil {
		t.Fatal(err)
	}
	if d := <-left; d > time.Minute || d < 50*time.Second {
		t.Errorf("server default: %v left of 1m", d)
	}
}

func TestHealthFollowsTheLife(t *testing.T) {
	ctx := testContext(t)
	deps := rpc.Deps{Network: rpc.NewNetwork()}
	s, err := rpc.NewServer(rpc.ServerConfig{Listen: []string{"mem://h"}}, deps)
	if err != nil {
		t.Fatal(err)
	}
	e := &echo{call: func(_ context.Context, in string) (string, error) { return in, nil }}
	s.RegisterService(e.desc(), e)
	if err := s.Start(ctx); err != nil {
		t.Fatal(err)
	}
	foreign, err := grpc.NewClient("passthrough:///mem://h", foreignOptions(deps.Network)...)
	if err != nil {
		t.Fatal(err)
	}
	defer foreign.Close()
	check := func(want healthpb.HealthCheckResponse_ServingStatus) {
		t.Helper()
		for _, service := range []string{"", echoService} {
			resp, err := healthpb.NewHealthClient(foreign).Check(ctx, &healthpb.HealthCheckRequest{Service: service})
			if err != nil || resp.Status != want {
				t.Errorf("health of %q: %v %v, want %v", service, resp.GetStatus(), err, want)
			}
		}
		if ready := s.Ready(ctx) == nil; ready != (want == healthpb.HealthCheckResponse_SERVING) {
			t.Errorf("Ready says %v", ready)
		}
	}
	check(healthpb.HealthCheckResponse_NOT_SERVING)

	// A client of ours does not send to a server that is not ready, and does as soon as it is.
	ours := dial(t, dialer(t, rpc.DialConfig{}, nil, deps), "mem://h")
	short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	if _, err := call(short, ours, "Safe", "", grpc.WaitForReady(true)); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("call before ready: %v", err)
	}
	s.SetReady(true)
	check(healthpb.HealthCheckResponse_SERVING)
	if _, err := call(ctx, ours, "Safe", "", grpc.WaitForReady(true)); err != nil {
		t.Errorf("call when ready: %v", err)
	}
	if n := e.calls.Load(); n != 1 {
		t.Errorf("%d calls reached the handler, want 1", n)
	}

	stream, err := reflectionpb.NewServerReflectionClient(foreign).ServerReflectionInfo(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}}); err != nil {
		t.Fatal(err)
	}
	listed, err := stream.Recv()
	if err != nil || !strings.Contains(listed.String(), echoService) {
		t.Errorf("reflection: %v %v", listed, err)
	}
	stream.CloseSend()

	s.SetReady(false)
	check(healthpb.HealthCheckResponse_NOT_SERVING)
	if err := s.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
	if err := s.Stop(ctx); err != nil {
		t.Errorf("second stop: %v", err)
	}
}

func TestDrainLetsRunningCallsEnd(t *testing.T) {
	ctx := testContext(t)
	deps := rpc.Deps{Network: rpc.NewNetwork()}
	entered, release := make(chan struct{}), make(chan struct{})
	e := &echo{call: func(_ context.Context, in string) (string, error) {
		if in == "slow" {
			close(entered)
			<-release
		}
		return in, nil
	}}
	s := serve(t, e, rpc.ServerConfig{Listen: []string{"mem://g"}}, deps)
	cc := dial(t, dialer(t, rpc.DialConfig{}, nil, deps), s.Address())
	slow := make(chan error, 1)
	go func() {
		_, err := call(ctx, cc, "Unsafe", "slow")
		slow <- err
	}()
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- s.Stop(ctx) }()
	<-s.Draining()
	// Until the drain has closed the listener a call may still get in; from then on it is refused.
	for {
		if _, err := call(ctx, cc, "Unsafe", "late"); status.Code(err) == codes.Unavailable {
			break
		} else if err != nil {
			t.Fatalf("late call: %v", err)
		}
	}
	select {
	case err := <-stopped:
		t.Fatalf("stopped before the running call ended: %v", err)
	default:
	}
	close(release)
	if err := <-slow; err != nil {
		t.Errorf("the running call was cut: %v", err)
	}
	if err := <-stopped; err != nil {
		t.Errorf("stop: %v", err)
	}
}

func TestDrainCutsWhatOverstays(t *testing.T) {
	ctx := testContext(t)
	deps := rpc.Deps{Network: rpc.NewNetwork()}
	entered := make(chan struct{})
	left := make(chan struct{})
	e := &echo{chat: func(s grpc.ServerStream) error {
		close(entered)
		<-s.Context().Done()
		close(left)
		return s.Context().Err()
	}}
	s := serve(t, e, rpc.ServerConfig{Listen: []string{"mem://o"}, DrainTimeout: 50 * time.Millisecond}, deps)
	st, err := chat(ctx, dial(t, dialer(t, rpc.DialConfig{}, nil, deps), s.Address()))
	if err != nil {
		t.Fatal(err)
	}
	<-entered
	if err := s.Stop(ctx); err == nil {
		t.Error("a stream was cut and Stop did not say so")
	}
	select {
	case <-left:
	default:
		t.Error("Stop returned before the handler did")
	}
	if err := st.RecvMsg(new(wrapperspb.StringValue)); status.Code(err) != codes.Unavailable && status.Code(err) != codes.Canceled {
		t.Errorf("the client of the cut stream got %v", err)
	}
}

func TestStopDoesNotWaitForADeafHandler(t *testing.T) {
	ctx := testContext(t)
	deps := rpc.Deps{Network: rpc.NewNetwork()}
	entered, release := make(chan struct{}), make(chan struct{})
	e := &echo{call: func(context.Context, string) (string, error) {
		close(entered)
		<-release
		return "", nil
	}}
	s := serve(t, e, rpc.ServerConfig{Listen: []string{"mem://deaf"}, DrainTimeout: 20 * time.Millisecond}, deps)
	cc := dial(t, dialer(t, rpc.DialConfig{}, nil, deps), s.Address())
	done := make(chan error, 1)
	go func() {
		_, err := call(ctx, cc, "Unsafe", "")
		done <- err
	}()
	<-entered
	if err := s.Stop(ctx); err == nil || !strings.Contains(err.Error(), "abandoned") {
		t.Errorf("stop: %v", err)
	}
	if err := <-done; status.Code(err) != codes.Unavailable {
		t.Errorf("the cut call: %v", err)
	}
	close(release)
}

func TestMessageLimitIsEnforced(t *testing.T) {
	ctx := testContext(t)
	deps := rpc.Deps{Network: rpc.NewNetwork()}
	e := &echo{call: func(_ context.Context, in string) (string, error) { return in, nil }}
	s := serve(t, e, rpc.ServerConfig{Listen: []string{"mem://m"}, MaxRecvBytes: 1 << 10}, deps)
	cc := dial(t, dialer(t, rpc.DialConfig{}, nil, deps), s.Address())
	if _, err := call(ctx, cc, "Safe", strings.Repeat("x", 2<<10)); status.Code(err) != codes.ResourceExhausted {
		t.Fatalf("oversized message: %v", err)
	}
	if _, err := call(ctx, cc, "Safe", "small"); err != nil {
		t.Fatalf("after it: %v", err)
	}
}
