package profiler

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"

	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

func newProfiler(t testing.TB, cfg Config, deps Deps) *Profiler {
	t.Helper()
	if cfg.Services == nil {
		cfg.Services = []string{"tester"}
	}
	p, err := New(cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// connect serves a profiler in memory.
func connect(t testing.TB, p *Profiler) profilerv1.ProfilerServiceClient {
	t.Helper()
	l := bufconn.Listen(1 << 20)
	s := grpc.NewServer()
	p.Register(s)
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	cc, err := grpc.NewClient("passthrough:///x", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cc.Close()
		s.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return profilerv1.NewProfilerServiceClient(cc)
}

// receive reads a profile to its end.
func receive(s grpc.ServerStreamingClient[profilerv1.ProfileResponse]) (*profilerv1.ProcessProfile, []float64, error) {
	var b []byte
	var progress []float64
	for {
		m, err := s.Recv()
		if errors.Is(err, io.EOF) {
			out := &profilerv1.ProcessProfile{}
			return out, progress, proto.Unmarshal(b, out)
		}
		if err != nil {
			return nil, progress, err
		}
		switch m := m.GetMessage().(type) {
		case *profilerv1.ProfileResponse_Progress:
			progress = append(progress, m.Progress)
		case *profilerv1.ProfileResponse_Piece:
			b = append(b, m.Piece...)
		}
	}
}

func testWindow(p *Profiler) *window {
	return &window{p: p, duration: time.Second, elapsed: time.Second, cpuRate: defaultCPURate, started: time.Now()}
}

func mustParse(t testing.TB, data []byte) *profile.Profile {
	t.Helper()
	p, err := profile.Parse(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// sumUnder adds up a value of the samples that pass a function.
func sumUnder(p *profile.Profile, value, function string) int64 {
	at, n := valueOf(p, value), int64(0)
	for _, s := range p.Sample {
		for _, f := range path(s) {
			if strings.HasSuffix(f, function) {
				n += s.Value[at]
				break
			}
		}
	}
	return n
}
