package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/attunedb/attune/bench/resource"
)

// fake is a subject whose operations do what serve does, which is called by all workers at once.
type fake struct {
	kinds  []string
	serve  func(ctx context.Context, r *rand.Rand, op *Op)
	open   func(id int) error
	shares bool
	seed   uint64

	opened, closed atomic.Int64
}

func (f *fake) Kinds() []string {
	if f.kinds == nil {
		return []string{"op"}
	}
	return f.kinds
}

func (f *fake) SharesConnections() bool { return f.shares }

func (f *fake) Worker(_ context.Context, id int) (Worker, error) {
	if f.open != nil {
		if err := f.open(id); err != nil {
			return nil, err
		}
	}
	f.opened.Add(1)
	return &fakeWorker{f, rand.New(rand.NewPCG(11+f.seed, uint64(id)))}, nil
}

type fakeWorker struct {
	f *fake
	r *rand.Rand
}

func (w *fakeWorker) Run(ctx context.Context, ops []Op) {
	for i := range ops {
		w.f.serve(ctx, w.r, &ops[i])
		ops[i].End = time.Now()
	}
}

func (w *fakeWorker) Close() error {
	w.f.closed.Add(1)
	return nil
}

// sleep waits on the bubble's clock, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// takes serves every operation alone in a time that varies by a tenth.
func takes(d time.Duration) func(context.Context, *rand.Rand, *Op) {
	return func(ctx context.Context, r *rand.Rand, op *Op) {
		op.Err = sleep(ctx, time.Duration(float64(d)*(0.9+0.2*r.Float64())))
	}
}

// run runs a subject in a bubble and checks what holds of every result.
func run(t *testing.T, cfg Config, s *fake, opt Options) (res *Result) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { res = runHere(t, t.Context(), cfg, s, opt) })
	return res
}

func runHere(t *testing.T, ctx context.Context, cfg Config, s *fake, opt Options) *Result {
	t.Helper()
	opt.GoTimers = true
	res, err := Run(ctx, "fake/fake", cfg, s, opt)
	if err != nil {
		t.Fatal(err)
	}
	if s.closed.Load() != s.opened.Load() {
		t.Errorf("%d workers were opened and %d closed", s.opened.Load(), s.closed.Load())
	}
	var ops, kinds int64
	at := time.Duration(0)
	for _, w := range res.Series {
		if w.Begin < at || w.Width < 0 {
			t.Errorf("window at %v is %v wide and begins before %v", w.Begin, w.Width, at)
		}
		at = w.Begin + w.Width
		if w.Phase == Measure {
			ops += w.Ops
		}
	}
	for _, k := range res.Kinds {
		kinds += k.Latency.Count
	}
	if ops != res.Latency.Count || ops != kinds {
		t.Errorf("the series has %d operations, latency %d, the kinds %d", ops, res.Latency.Count, kinds)
	}
	return res
}

func has(res *Result, code string) *Diagnostic {
	for i, d := range res.Diagnostics {
		if d.Code == code {
			return &res.Diagnostics[i]
		}
	}
	return nil
}

func wantCode(t *testing.T, res *Result, code string, severity Severity) {
	t.Helper()
	if d := has(res, code); d == nil || d.Severity != severity {
		t.Errorf("no %s remark %q in %+v", severity, code, res.Diagnostics)
	} else {
		t.Log(d.Text)
	}
}

func within(t *testing.T, what string, got, want, share float64) {
	t.Helper()
	if !(math.Abs(got-want) <= share*want) {
		t.Errorf("%s: %v, want %v within %v", what, got, want, share)
	}
}

type progress struct {
	phases []Phase
	ticks  int
	last   float64
}

func (p *progress) Phase(phase Phase, _ time.Duration) { p.phases = append(p.phases, phase) }
func (p *progress) Tick(_ Window, done float64)        { p.ticks, p.last = p.ticks+1, done }

func TestClosedLoop(t *testing.T) {
	s := &fake{kinds: []string{"read", "write"}, serve: func(ctx context.Context, r *rand.Rand, op *Op) {
		op.Kind = r.IntN(4) / 3
		op.Rows, op.Bytes = 2, 10
		takes(time.Duration(1+op.Kind)*4*time.Millisecond)(ctx, r, op)
	}}
	p := &progress{}
	stopped := 0
	res := run(t, Config{Threads: 5, ConfidenceLevel: 0.99}, s, Options{Progress: p, Durability: "none", Resources: func() func() *resource.Report {
		return func() *resource.Report { stopped++; return &resource.Report{Cores: 2} }
	}})
	// Of four operations three take 4 ms and one 8: 5 on average.
	within(t, "throughput", res.Throughput.Value, 1000, 0.03)
	if res.Throughput.Low > 1000 || res.Throughput.High < 1000 {
		t.Errorf("%+v does not hold the truth", res.Throughput)
	}
	within(t, "reads", res.Kinds[0].Throughput.Value, 750, 0.05)
	within(t, "a write's median", float64(res.Kinds[1].Latency.P50), 8e6, 0.03)
	if res.Kinds[0].Rows != 2*res.Kinds[0].Latency.Count || res.Kinds[1].Bytes != 10*res.Kinds[1].Latency.Count {
		t.Errorf("rows and bytes: %+v", res.Kinds)
	}
	if !res.Reached || res.Measured < 5*time.Second || res.Measured > 7*time.Second {
		t.Errorf("reached %v after %v", res.Reached, res.Measured)
	}
	if res.Steady < 2*time.Second || res.Steady > 10*time.Second || stopped != 1 || res.Resources == nil || res.Durability != "none" {
		t.Errorf("steady at %v, resources stopped %d times", res.Steady, stopped)
	}
	if fmt.Sprint(p.phases) != "[warm-up measurement cool-down]" || p.ticks < 50 {
		t.Errorf("progress: %v, %d ticks", p.phases, p.ticks)
	}
	if len(res.Diagnostics) != 0 {
		t.Errorf("remarks about a clean run: %+v", res.Diagnostics)
	}
}

// server serves one operation at a time and stalls once.
type server struct {
	slot  chan struct{} // a mutex would stop the bubble's clock
	begin time.Time
	stall time.Duration // after so long it stands still for so long again
	took  time.Duration
}

func (s *server) serve(context.Context, *rand.Rand, *Op) {
	s.slot <- struct{}{}
	defer func() { <-s.slot }()
	if s.stall > 0 && time.Since(s.begin) > s.stall {
		time.Sleep(s.stall)
		s.stall = 0
	}
	time.Sleep(s.took)
}

func TestStallIsSeenInOpenLoopOnly(t *testing.T) {
	var p99 [2]time.Duration
	for i, cfg := range []Config{{}, {Arrivals: "constant", Rate: 200}} {
		cfg.Threads, cfg.WarmupDuration, cfg.MeasurementDuration, cfg.MinMeasurement = 2, None, 20*time.Second, 20*time.Second
		synctest.Test(t, func(t *testing.T) {
			s := &server{slot: make(chan struct{}, 1), begin: time.Now(), stall: 3 * time.Second, took: time.Millisecond}
			res := runHere(t, t.Context(), cfg, &fake{serve: s.serve}, Options{})
			p99[i] = time.Duration(res.Latency.P99)
			wantCode(t, res, "stall", Doubt)
		})
	}
	if p99[0] > 5*time.Millisecond {
		t.Errorf("in a closed loop two operations saw the stall, but the 99th percentile is %v", p99[0])
	}
	// Of 20 s of arrivals, those of 3 s and of the time to catch up waited; the slowest hundredth of all waited most of the stall.
	if p99[1] < 2500*time.Millisecond || p99[1] > 3*time.Second {
		t.Errorf("in an open loop the 99th percentile is %v", p99[1])
	}
}

func TestQueueMatchesTheory(t *testing.T) {
	// M/M/1: the mean time in the system is 1 ÷ (service rate - arrival rate), and exponentially distributed.
	s := &fake{serve: func(_ context.Context, r *rand.Rand, _ *Op) {
		time.Sleep(time.Duration(r.ExpFloat64() * float64(10*time.Millisecond)))
	}}
	res := run(t, Config{
		Threads: 1, Arrivals: "poisson", Rate: 60, Seed: 5, WarmupDuration: 10 * time.Second,
		MeasurementDuration: 600 * time.Second, MinMeasurement: 600 * time.Second,
	}, s, Options{})
	within(t, "throughput", res.Throughput.Value, 60, 0.02)
	within(t, "mean", float64(res.Latency.Mean), 25e6, 0.1)
	within(t, "median", float64(res.Latency.P50), 25e6*math.Ln2, 0.1)
	within(t, "p99", float64(res.Latency.P99), 25e6*math.Log(100), 0.2)
}

func TestOpenLoopHasNoCoordinatedOmission(t *testing.T) {
	// Twice the load that is served: in time the queue grows, and so do latencies.
	s := &fake{serve: func(context.Context, *rand.Rand, *Op) { time.Sleep(10 * time.Millisecond) }}
	res := run(t, Config{Threads: 2, Arrivals: "constant", Rate: 400, WarmupDuration: None, MeasurementDuration: 10 * time.Second, MinMeasurement: 10 * time.Second}, s, Options{})
	within(t, "throughput", res.Throughput.Value, 200, 0.02)
	within(t, "longest latency", float64(res.Latency.Max), 5e9, 0.05)
	wantCode(t, res, "overload", Doubt)
	wantCode(t, res, "workers-busy", Doubt)
}

func TestWarmupIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		s := &fake{serve: func(ctx context.Context, r *rand.Rand, op *Op) {
			// Four times slower at first; within 5 % of its speed after some 8 s.
			warm := 1 + 3*math.Exp(-time.Since(begin).Seconds()/2)
			takes(time.Duration(warm*float64(4*time.Millisecond)))(ctx, r, op)
		}}
		res := runHere(t, t.Context(), Config{Threads: 4}, s, Options{})
		if res.Steady < 6*time.Second || res.Steady > 25*time.Second {
			t.Errorf("steady at %v", res.Steady)
		}
		within(t, "throughput", res.Throughput.Value, 1000, 0.03)
		if d := has(res, "warm-up-left"); d != nil {
			t.Error(d.Text)
		}
	})
}

func TestWarmupThatIsTooShortIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		s := &fake{serve: func(ctx context.Context, r *rand.Rand, op *Op) {
			warm := 1.0
			if time.Since(begin) < 4*time.Second {
				warm = 2
			}
			takes(time.Duration(warm*float64(4*time.Millisecond)))(ctx, r, op)
		}}
		res := runHere(t, t.Context(), Config{Threads: 4, WarmupDuration: time.Second, MeasurementDuration: 12 * time.Second, MinMeasurement: 12 * time.Second}, s, Options{})
		if res.Steady >= 0 {
			t.Errorf("steady at %v within a second", res.Steady)
		}
		wantCode(t, res, "not-steady", Doubt)
		wantCode(t, res, "warm-up-left", Doubt)
	})
}

func TestNeverSteady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		s := &fake{serve: func(ctx context.Context, r *rand.Rand, op *Op) { // ever slower
			takes(time.Duration(1+time.Since(begin).Seconds())*time.Millisecond)(ctx, r, op)
		}}
		res := runHere(t, t.Context(), Config{Threads: 4, WarmupDuration: 10 * time.Second, MeasurementDuration: 20 * time.Second}, s, Options{})
		if res.Reached || res.Steady >= 0 {
			t.Errorf("reached %v, steady %v", res.Reached, res.Steady)
		}
		wantCode(t, res, "not-steady", Doubt)
		wantCode(t, res, "trend", Doubt)
		if has(res, "interval-too-wide") == nil && has(res, "autocorrelated") == nil {
			t.Errorf("the interval is not doubted: %+v", res.Diagnostics)
		}
	})
}

func TestPipeline(t *testing.T) {
	s := &fake{serve: takes(time.Millisecond)}
	res := run(t, Config{Threads: 2, PipelineDepth: 10}, s, Options{})
	within(t, "throughput", res.Throughput.Value, 2000, 0.03)
	within(t, "median", float64(res.Latency.P50), 5.5e6, 0.15) // the n-th of ten ends after n ms
}

func TestOperationCountIsExact(t *testing.T) {
	for _, cfg := range []Config{
		{Threads: 7, OperationCount: 1001},
		{Threads: 3, OperationCount: 1000, PipelineDepth: 16},
		{Threads: 3, OperationCount: 1000, Arrivals: "poisson", Rate: 500},
		{Threads: 3, OperationCount: 1, WarmupDuration: None},
	} {
		s := &fake{serve: func(ctx context.Context, r *rand.Rand, op *Op) {
			takes(time.Millisecond)(ctx, r, op)
			if r.IntN(300) == 0 {
				op.Err = errors.New("now and then")
			}
		}}
		res := run(t, cfg, s, Options{})
		if got := res.Latency.Count + res.Kinds[0].Errors; got != int64(cfg.OperationCount) {
			t.Errorf("%d operations of %d", got, cfg.OperationCount)
		}
	}
	res := run(t, Config{Threads: 1, OperationCount: 1_000_000, MeasurementDuration: time.Second}, &fake{serve: takes(time.Millisecond)}, Options{})
	wantCode(t, res, "operations-missing", Doubt)
}

func TestConnections(t *testing.T) {
	for _, c := range []struct {
		connections int
		shares, ok  bool
	}{{0, false, true}, {8, false, true}, {4, false, false}, {4, true, true}} {
		synctest.Test(t, func(t *testing.T) {
			_, err := Run(t.Context(), "x", Config{Connections: c.connections, MeasurementDuration: time.Second},
				&fake{serve: takes(time.Millisecond), shares: c.shares}, Options{GoTimers: true})
			if (err == nil) != c.ok {
				t.Errorf("%+v: %v", c, err)
			}
		})
	}
}
