package profiler

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

// collector measures one part between begin and end.
type collector interface {
	part() profilerv1.Part
	begin(ctx context.Context, w *window) error
	// stop ends measuring, keeps what was measured as it is, and leaves all further work to end.
	stop(w *window) error
	// end adds to out what is known, also when stop failed or it returns an error itself.
	end(w *window, out *profilerv1.ProcessProfile) error
	// restore sets back what begin set and stop did not. It is called
	// in the end, whatever happened, also without a begin.
	restore()
}

// window is the time that a profile measures.
type window struct {
	p         *Profiler
	duration  time.Duration
	cpuRate   int
	findLeaks bool
	started   time.Time
	elapsed   time.Duration
	cost      cost
}

// cost is what measuring itself took. It is safe for concurrent use.
type cost struct {
	own    atomic.Int64 // CPU time of the profiler's goroutines
	forced atomic.Int64 // CPU time of collections it forced
	// pauses are those of forced collections.
	pauses  atomic.Int64
	samples atomic.Int64 // what the samples cost, by count
}

const (
	cpuSampleNanos  = 5000
	waitSampleNanos = 2000
)

// do runs work of the profiler and counts its CPU time.
func (c *cost) do(work func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	start := threadNanos()
	defer func() { c.own.Add(threadNanos() - start) }()
	work()
}

// threadNanos is the CPU time of the calling thread.
func threadNanos() int64 {
	var t unix.Timespec
	// It fails for bad arguments only.
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t)
	return t.Nano()
}

// collect forces a collection.
func (c *cost) collect() {
	before := readRuntime()
	runtime.GC()
	after := readRuntime()
	c.forced.Add(after.gcNanos - before.gcNanos)
	c.pauses.Add(after.pauseNanos - before.pauseNanos)
}

// share is the whole cost as a share of the time that the processors had.
func (c *cost) share(wall time.Duration) float64 {
	if wall <= 0 {
		return 0
	}
	nanos := c.own.Load() + c.forced.Load() + c.samples.Load()
	return float64(nanos) / (float64(wall) * float64(runtime.GOMAXPROCS(0)))
}

// collectors returns what measures the parts, of all for none.
func collectors(parts []profilerv1.Part) []collector {
	all := []collector{&memoryPart{}, &ioPart{}, &networkPart{}, &contentionPart{}, &cpuPart{}}
	if len(parts) == 0 {
		return all
	}
	return slices.DeleteFunc(all, func(c collector) bool { return !slices.Contains(parts, c.part()) })
}

// measure profiles the process until the window's duration or ctx ends; then it returns ctx's error. progress is called now and
// then, from this goroutine; an error of it ends the profile.
func (p *Profiler) measure(ctx context.Context, w *window, parts []profilerv1.Part, progress func(float64) error) (*profilerv1.ProcessProfile, error) {
	out := p.head()
	wall := time.Now()
	fail := func(c collector, err error) {
		if err != nil {
			out.Failures = append(out.Failures, &profilerv1.PartFailure{Part: c.part(), Reason: err.Error()})
		}
	}
	all := collectors(parts)
	defer func() {
		for _, c := range all {
			c.restore()
		}
	}()
	var measuring []collector
	for _, c := range all {
		var err error
		w.cost.do(func() { err = c.begin(ctx, w) })
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if fail(c, err); err == nil {
			measuring = append(measuring, c)
		}
	}
	w.started = time.Now()
	line := p.newTimeline(w.started)
	if err := p.wait(ctx, w, measuring, line, progress); err != nil {
		return nil, err
	}
	w.elapsed = time.Since(w.started)
	// The CPU profile, begun last, stops first: what follows is the profiler's own work.
	slices.Reverse(measuring)
	for _, c := range measuring {
		w.cost.do(func() { fail(c, c.stop(w)) })
	}
	for _, c := range measuring {
		w.cost.do(func() { fail(c, c.end(w, out)) })
	}
	out.Begin, out.Elapsed = timestamppb.New(w.started), durationpb.New(w.elapsed)
	out.Timeline = line.moments
	out.Overhead = w.cost.share(time.Since(wall))
	return out, nil
}

// during is a collector that works while the others wait.
type during interface {
	during(ctx context.Context, w *window)
}

// wait returns when the window is over.
func (p *Profiler) wait(ctx context.Context, w *window, measuring []collector, line *timeline, progress func(float64) error) error {
	ctx, cancel := context.WithCancel(ctx)
	var working sync.WaitGroup
	defer working.Wait()
	defer cancel()
	for _, c := range measuring {
		if d, ok := c.(during); ok {
			working.Go(func() { d.during(ctx, w) })
		}
	}
	end := time.NewTimer(w.duration)
	defer end.Stop()
	tick := time.NewTicker(momentEvery(w.duration))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-end.C:
			w.cost.do(func() { line.take(time.Now()) })
			return nil
		case now := <-tick.C:
			w.cost.do(func() { line.take(now) })
			if err := progress(min(float64(now.Sub(w.started))/float64(w.duration), 1)); err != nil {
				return err
			}
		}
	}
}

// head returns a profile that says whose it is.
func (p *Profiler) head() *profilerv1.ProcessProfile {
	return &profilerv1.ProcessProfile{
		Services: p.cfg.Services, Instance: p.cfg.Instance, Host: p.cfg.Host, Version: p.cfg.Version,
		Processors: uint32(runtime.GOMAXPROCS(0)),
	}
}
