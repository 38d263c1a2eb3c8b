package bench

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// nothing is a subject that does as little as it can: what is left is the runner's own time.
type nothing struct{ left int }

func (n *nothing) Run(_ context.Context, ops []Op) {
	n.left -= len(ops)
	end := time.Now()
	for i := range ops {
		ops[i].End = end
	}
}
func (n *nothing) Close() error { return nil }

// loop runs one worker for so many operations.
func loop(n int, cfg Config) {
	cfg.PipelineDepth = max(1, cfg.PipelineDepth)
	c := &crew{cfg: cfg, kinds: 1, begin: time.Now()}
	w := &worker{crew: c, subject: &nothing{}, full: make([]*hdrhistogram.Histogram, 1), spare: newTally(1)}
	w.current.Store(newTally(1))
	w.current.Load().measuring = true
	c.workers = []*worker{w}
	c.active.Store(1)
	c.counting.Store(true)
	c.budget.Store(int64(n))
	w.run(context.Background())
}

func TestHotPathAllocatesNothing(t *testing.T) {
	few := testing.AllocsPerRun(5, func() { loop(10, Config{}) })
	many := testing.AllocsPerRun(5, func() { loop(10_000, Config{}) })
	if many > few+5 {
		t.Errorf("10 operations allocate %v times, 10,000 %v times", few, many)
	}
}

func BenchmarkRunner(b *testing.B) {
	for name, depth := range map[string]int{"single": 1, "pipelined16": 16} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.ResetTimer()
			loop(b.N, Config{PipelineDepth: depth})
		})
	}
	b.Run("time.Now", func(b *testing.B) {
		for b.Loop() {
			_ = time.Now()
		}
	})
}

// TestRealTime runs once without a bubble: a real subject on real timers, the kernel's among them.
func TestRealTime(t *testing.T) {
	s := &fake{serve: func(context.Context, *rand.Rand, *Op) {}}
	for _, cfg := range []Config{{}, {Arrivals: "poisson", Rate: 5000}} {
		cfg.Threads, cfg.WarmupDuration, cfg.MeasurementDuration, cfg.MinMeasurement = 2, None, 300*time.Millisecond, 300*time.Millisecond
		cfg.Interval = 10 * time.Millisecond
		res, err := Run(t.Context(), "nothing/here", cfg, s, Options{})
		if err != nil {
			t.Fatal(err)
		}
		// The machine may be busy: only what is sure is asked for.
		if res.Latency.Count == 0 || res.Throughput.Value <= 0 || res.Measured < 300*time.Millisecond {
			t.Errorf("%+v", res)
		}
		if cfg.Rate > 0 && res.Throughput.Value > 1.5*cfg.Rate {
			t.Errorf("%v operations per second at a rate of %v", res.Throughput.Value, cfg.Rate)
		}
		t.Logf("%.0f/s, p50 %d ns, p99 %d ns", res.Throughput.Value, res.Latency.P50, res.Latency.P99)
	}
}
