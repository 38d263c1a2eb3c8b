package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/attunedb/attune/bench/arrival"
	"github.com/attunedb/attune/bench/resource"
	"github.com/attunedb/attune/bench/stat"
)

// Options are what a run needs beside its configuration. The zero value is usable.
type Options struct {
	// Progress is told how far the run is; nil for nobody.
	Progress Progress
	// Resources begins to measure what the machine uses, and returns what ends that; it is called for the measurement. Nil for none.
	Resources func() (stop func() *resource.Report)
	// Durability is what an acknowledged write is, in words, for the Result.
	Durability string
	// GoTimers waits for scheduled arrivals by Go's timers, as tests under testing/synctest have to; without it, a timer
	// of the kernel is used, which is more precise.
	GoTimers bool
}

const (
	// deadAfter is for how long every operation has to fail, and deadErrors how many, for the subject to be given up.
	deadAfter  = 2 * time.Second
	deadErrors = 10
	// stuckAfter is how long cancelled operations may take to return.
	stuckAfter = 10 * time.Second
	// firstKneeRate is where a search begins that was not told.
	firstKneeRate = 100
)

// runner drives the crew through the phases. It belongs to the goroutine that called Run.
type runner struct {
	cfg   Config
	opt   Options
	crew  *crew
	names []string

	at         time.Duration // since the begin, the end of the last window
	phase      Phase
	phaseBegin time.Duration
	limit      time.Duration // the phase's bound
	timer      *time.Timer

	scratch *tally
	step    *tally // of a step of the ramp, nil outside
	total   *tally // of the measurement
	series  []Window
	kindOps []int64 // of the measurement's windows, by kind: row after row

	steady      time.Duration
	measureAt   time.Duration
	measured    time.Duration
	backlog     arrival.Backlog // at the measurement's end
	due         uint64          // arrivals intended in the measurement
	interrupted bool
	exited      bool // all workers ended
	dead        string
	lastGood    time.Duration // when an operation last succeeded
	failures    int64         // since then
	resources   *resource.Report
	unfinished  int64 // operations that were cut off
	stuck       int   // workers that did not return
	remarks     []Diagnostic
}

// Run measures a subject. cfg gets its defaults, and is validated. The workers are closed when it returns.
//
// An error says that nothing could be measured: the configuration, no worker that opens. Everything else is in the Result, with
// diagnostics: a subject that fails later, and a ctx that ends, after which operations under way may still end within the cool-down and the
// Result has what was seen so far.
//
// Threads goroutines run a Worker each. Connections is the subject's to honour; Run refuses fewer than Threads unless the subject is a Sharer
// that says it can.
func Run(ctx context.Context, name string, cfg Config, s Subject, opt Options) (*Result, error) {
	cfg = cfg.WithDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	names := s.Kinds()
	if len(names) == 0 {
		return nil, fmt.Errorf("bench: %s has no kinds of operations: there is nothing to run", name)
	}
	if cfg.Connections > 0 && cfg.Connections < cfg.Threads {
		if sharer, ok := s.(Sharer); !ok || !sharer.SharesConnections() {
			return nil, fmt.Errorf("bench: connections: %s cannot share %d connections among %d threads; leave connections out, or lower threads",
				name, cfg.Connections, cfg.Threads)
		}
	}
	r := &runner{
		cfg: cfg, opt: opt, names: names, steady: -1,
		crew:    &crew{cfg: cfg, kinds: len(names), newWaiter: newPreciseWaiter},
		scratch: newTally(len(names)), total: newTally(len(names)),
	}
	if opt.GoTimers {
		r.crew.newWaiter = func() (waiter, error) { return goWaiter{}, nil }
	}
	if cfg.open() {
		schedule, err := arrival.New(cfg.Arrivals, cfg.Seed)
		if err != nil {
			return nil, err
		}
		r.crew.schedule = schedule
	}
	failures := r.crew.open(ctx, s)
	if len(r.crew.workers) == 0 {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("bench: %s: interrupted before a worker opened: %w", name, err)
		}
		return nil, fmt.Errorf("bench: %s: none of %d workers opens; is it running, and is its address right? The first: %w", name, cfg.Threads, failures[0])
	}
	if len(failures) > 0 {
		r.remark(Invalid, "workers-missing", "%d of %d workers did not open, so that the load is not the one asked for; the first: %v",
			len(failures), cfg.Threads, failures[0])
	}

	// Operations outlive ctx, until the end of the cool-down.
	opCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	started := time.Now()
	r.crew.begin = started
	r.timer = time.NewTimer(time.Hour)
	defer r.timer.Stop()
	r.initialLoad()
	r.crew.start(opCtx)
	r.warmUp(ctx)
	if cfg.Ramp != RampNone && r.runs() {
		r.ramp(ctx)
	}
	if r.runs() {
		r.measure(ctx)
	}
	r.coolDown(context.WithoutCancel(ctx), cancel)
	return r.analyse(name, started), nil
}

func (r *runner) remark(severity Severity, code, format string, args ...any) {
	r.remarks = append(r.remarks, Diagnostic{Severity: severity, Code: code, Text: fmt.Sprintf(format, args...)})
}

// runs reports whether the run goes on.
func (r *runner) runs() bool { return !r.interrupted && !r.exited && r.dead == "" }

func (r *runner) now() time.Duration { return time.Since(r.crew.begin) }

// begin begins a phase.
func (r *runner) begin(p Phase, limit time.Duration) {
	r.phase, r.phaseBegin, r.limit = p, r.at, limit
	if r.opt.Progress != nil {
		r.opt.Progress.Phase(p, limit)
	}
}

// passed is how long the phase has lasted.
func (r *runner) passed() time.Duration { return r.at - r.phaseBegin }

// advance waits for the end of a window, which is not after the phase's bound, and adds it to the series. It reports whether the
// phase goes on.
func (r *runner) advance(ctx context.Context) bool {
	end := min(r.at+r.cfg.Interval, r.phaseBegin+r.limit)
	r.timer.Reset(max(0, end-r.now()))
	select {
	case <-r.timer.C:
	case <-ctx.Done():
		r.interrupted = true
	case <-r.crew.exited:
		r.exited = true
	}
	r.cut(r.phase == Measure)
	return r.runs() && r.passed() < r.limit
}

// cut ends a window; measuring says whether the next one belongs to the measurement.
func (r *runner) cut(measuring bool) {
	t := r.scratch
	t.reset()
	now := r.now()
	r.crew.collect(t, measuring)
	ops, failed := t.ops()
	w := Window{Begin: r.at, Width: now - r.at, Phase: r.phase, Ops: ops, Errors: failed}
	if ops > 0 {
		w.P50, w.P99 = t.latency.quantile(0.5), t.latency.quantile(0.99)
	}
	if r.crew.schedule != nil {
		w.Rate = r.crew.schedule.Rate(r.at)
	}
	r.at = now
	if w.Width <= 0 && ops+failed == 0 && r.phase != Measure {
		return
	}
	r.series = append(r.series, w)
	if r.phase == Measure {
		r.total.add(t)
		for _, k := range t.kinds {
			r.kindOps = append(r.kindOps, k.ops)
		}
	}
	if r.step != nil {
		r.step.add(t)
	}
	r.watch(ops, failed, t.lastErr)
	if r.opt.Progress != nil {
		r.opt.Progress.Tick(w, r.done())
	}
}

// done is how far the phase is.
func (r *runner) done() float64 {
	done := 1.0
	if r.limit > 0 {
		done = min(1, r.passed().Seconds()/r.limit.Seconds())
	}
	if r.phase == Measure && r.cfg.OperationCount > 0 {
		ops, failed := r.total.ops()
		done = min(1, max(done, float64(ops+failed)/float64(r.cfg.OperationCount)))
	}
	return done
}

// watch gives a subject up of which every operation fails.
func (r *runner) watch(ops, failed int64, last error) {
	if r.phase == Cooldown {
		return
	}
	if ops > 0 {
		r.lastGood, r.failures = r.at, 0
		return
	}
	r.failures += failed
	if failed > 0 && r.failures >= deadErrors && r.at-r.lastGood >= deadAfter {
		r.dead = fmt.Sprintf("every operation has failed for %v, %d of them, so the run was ended; the last: %v",
			(r.at - r.lastGood).Round(100*time.Millisecond), r.failures, last)
	}
}

// initialLoad sets the load of the warm-up.
func (r *runner) initialLoad() {
	threads, rate := len(r.crew.workers), r.cfg.Rate
	switch r.cfg.Ramp {
	case RampLinear, RampSteps:
		rate /= float64(r.cfg.RampSteps)
		threads = max(1, threads/r.cfg.RampSteps)
	case RampKnee:
		threads = 1
		if rate == 0 {
			rate = firstKneeRate
		}
	}
	if r.crew.schedule != nil {
		r.crew.active.Store(int64(len(r.crew.workers)))
		r.crew.schedule.SetRate(0, rate)
	} else {
		r.crew.active.Store(int64(threads))
	}
}

// warmUp runs until throughput is steady.
func (r *runner) warmUp(ctx context.Context) {
	if r.cfg.WarmupDuration < r.cfg.Interval {
		return
	}
	r.begin(Warmup, r.cfg.WarmupDuration)
	if r.settle(ctx) {
		r.steady = r.at
	}
}

// settle runs until the series is steady, or the phase's bound, and says whether it is. In an open loop throughput is the arrivals': there latency
// has to be steady as well.
func (r *runner) settle(ctx context.Context) bool {
	throughput := stat.NewDetector(r.cfg.RelativeError)
	latency := stat.NewDetector(2 * r.cfg.RelativeError)
	for more := true; more; {
		more = r.advance(ctx)
		w := r.series[len(r.series)-1]
		if !whole(w, r.cfg.Interval) {
			continue
		}
		steady := throughput.Add(float64(w.Ops) / w.Width.Seconds())
		if r.crew.schedule != nil && w.Ops > 0 {
			steady = latency.Add(float64(w.P50)) && steady
		}
		if steady && r.runs() {
			return true
		}
	}
	return false
}

// measure runs until throughput's interval is narrow enough, or the phase's bound.
func (r *runner) measure(ctx context.Context) {
	if r.crew.schedule != nil {
		r.crew.schedule.Skip(r.now()) // what the warm-up left waiting is not the measurement's
	}
	if r.cfg.OperationCount > 0 {
		r.crew.budget.Store(int64(min(r.cfg.OperationCount, 1<<62)))
		r.crew.counting.Store(true)
	}
	var stop func() *resource.Report
	if r.opt.Resources != nil {
		stop = r.opt.Resources()
	}
	r.cut(true)
	r.begin(Measure, r.cfg.MeasurementDuration)
	r.measureAt = r.at
	check := r.cfg.MinMeasurement
	for more := true; more; {
		more = r.advance(ctx)
		if r.cfg.OperationCount == 0 && r.passed() >= check && r.narrow() {
			break
		}
		if r.passed() >= check {
			// To look all the time would find an interval that is narrow by chance: each look comes after a tenth more.
			check = max(check, r.passed()) + r.passed()/10
		}
	}
	r.endMeasurement()
	r.measured = r.passed()
	if s := r.crew.schedule; s != nil {
		r.backlog = s.Backlog(r.at)
		r.due = s.Due(r.at) - s.Due(r.measureAt)
	}
	if stop != nil {
		r.resources = stop()
	}
}

// endMeasurement lets operations from here on not be measured, and adds those that ended since the last window to that.
func (r *runner) endMeasurement() {
	t := r.scratch
	t.reset()
	r.crew.collect(t, false)
	r.total.add(t)
	ops, failed := t.ops()
	last := &r.series[len(r.series)-1]
	last.Ops += ops
	last.Errors += failed
	row := r.kindOps[len(r.kindOps)-len(r.names):]
	for i, k := range t.kinds {
		row[i] += k.ops
	}
}

// narrow reports whether throughput is as sure as it has to be.
func (r *runner) narrow() bool {
	b := stat.BatchMeans(r.rates(), r.cfg.ConfidenceLevel)
	return b.Independent && b.RelativeError() <= r.cfg.RelativeError
}

// rates returns the measurement's throughput by window.
func (r *runner) rates() []float64 {
	return seriesOf(r.series, r.cfg.Interval, func(w Window) float64 { return float64(w.Ops) / w.Width.Seconds() })
}

// seriesOf returns a figure of every whole window of the measurement.
func seriesOf(windows []Window, interval time.Duration, of func(Window) float64) []float64 {
	var x []float64
	for _, w := range windows {
		if w.Phase == Measure && whole(w, interval) {
			x = append(x, of(w))
		}
	}
	return x
}

// whole reports whether a window is long enough for its throughput to be comparable with the others'.
func whole(w Window, interval time.Duration) bool { return w.Width > 0 && w.Width >= interval/2 }

// coolDown lets the operations under way end, cuts off those that do not, and waits for the workers.
func (r *runner) coolDown(ctx context.Context, cancel context.CancelFunc) {
	r.crew.stop()
	r.begin(Cooldown, r.cfg.CooldownDuration)
	r.drain(ctx)
	if !r.exited {
		r.crew.cancelled.Store(true)
		cancel()
		r.limit += stuckAfter
		r.drain(ctx)
	}
	var closing error
	for _, w := range r.crew.workers {
		if !w.ended.Load() {
			r.stuck++
			continue
		}
		r.unfinished += int64(w.cancelled)
		closing = errors.Join(closing, w.closing)
	}
	if closing != nil {
		r.remark(Info, "close", "workers did not close properly: %v", closing)
	}
}

// drain waits until all workers have ended, or the phase's bound.
func (r *runner) drain(ctx context.Context) {
	for !r.exited && r.passed() < r.limit {
		end := min(r.at+r.cfg.Interval, r.phaseBegin+r.limit)
		r.timer.Reset(max(0, end-r.now()))
		select {
		case <-r.timer.C:
		case <-r.crew.exited:
			r.exited = true
		case <-ctx.Done():
			return
		}
		r.cut(false)
	}
}

// histograms returns the measurement's latencies by kind, of the workers that ended.
func (r *runner) histograms() []*hdrhistogram.Histogram {
	merged := make([]*hdrhistogram.Histogram, len(r.names))
	for i := range merged {
		merged[i] = newHistogram()
		for _, w := range r.crew.workers {
			if w.ended.Load() && w.full[i] != nil {
				merged[i].Merge(w.full[i])
			}
		}
	}
	return merged
}
