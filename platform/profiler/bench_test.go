package profiler

import (
	"context"
	"fmt"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/test/bufconn"
)

// BenchmarkServingUnderProfile serves small calls with and without a profile of all parts running: the throughput under it is to be at
// least 98 % of that without. Where others share the machine, compare cpu-ns/op, which is the process's CPU time for a call.
//
//	go test -run xxx -bench ServingUnderProfile -count 10 -benchtime 3s ./profiler
func BenchmarkServingUnderProfile(b *testing.B) {
	for _, profiling := range []bool{false, true} {
		b.Run(fmt.Sprintf("profile=%v", profiling), func(b *testing.B) {
			cc := busyServer(b)
			client := healthpb.NewHealthClient(cc)
			if profiling {
				defer profileMeanwhile(b)()
			}
			used := rusage(b)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := client.Check(b.Context(), &healthpb.HealthCheckRequest{}); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.StopTimer()
			b.ReportMetric(float64(rusage(b)-used)/float64(b.N), "cpu-ns/op")
		})
	}
}

// BenchmarkServingUnderContinuous is the same for the continuous mode, with a window of a second in place of a minute: what it shows is
// thirty times what the mode costs, since its sample takes half of the time rather than a sixtieth.
func BenchmarkServingUnderContinuous(b *testing.B) {
	for _, running := range []bool{false, true} {
		b.Run(fmt.Sprintf("continuous=%v", running), func(b *testing.B) {
			client := healthpb.NewHealthClient(busyServer(b))
			if running {
				p := newProfiler(b, Config{Continuous: Continuous{Every: time.Second, Sample: time.Second / 2}}, Deps{})
				ctx, cancel := context.WithCancel(b.Context())
				var wg sync.WaitGroup
				wg.Go(func() {
					if err := p.Run(ctx); err != nil {
						b.Error(err)
					}
				})
				defer wg.Wait()
				defer cancel()
			}
			used := rusage(b)
			b.ResetTimer()
			for range b.N {
				if _, err := client.Check(b.Context(), &healthpb.HealthCheckRequest{}); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			b.ReportMetric(float64(rusage(b)-used)/float64(b.N), "cpu-ns/op")
		})
	}
}

type healthy struct {
	healthpb.UnimplementedHealthServer
}

func (healthy) Check(context.Context, *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	return &healthpb.HealthCheckResponse{Status: healthpb.HealthCheckResponse_SERVING}, nil
}

func busyServer(b *testing.B) *grpc.ClientConn {
	l := bufconn.Listen(1 << 20)
	s := grpc.NewServer()
	healthpb.RegisterHealthServer(s, healthy{})
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := s.Serve(l); err != nil {
			b.Error(err)
		}
	})
	cc, err := grpc.NewClient("passthrough:///x", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		cc.Close()
		s.Stop()
		serving.Wait()
	})
	return cc
}

// profileMeanwhile profiles until the returned function is called.
func profileMeanwhile(b *testing.B) (stop func()) {
	p := newProfiler(b, Config{}, Deps{})
	ctx, cancel := context.WithCancel(b.Context())
	begun := make(chan struct{})
	var once sync.Once
	var wg sync.WaitGroup
	wg.Go(func() {
		w := testWindow(p)
		w.duration = maxDuration
		_, err := p.measure(ctx, w, nil, func(float64) error { once.Do(func() { close(begun) }); return nil })
		if ctx.Err() == nil {
			b.Error(err)
		}
	})
	<-begun
	return func() {
		cancel()
		wg.Wait()
	}
}

// rusage is the CPU time that the process has used, in nanoseconds.
func rusage(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
