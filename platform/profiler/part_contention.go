package profiler

import (
	"context"
	"errors"
	"runtime"
	"time"

	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

// blockSamples is how many samples of blocking a second there are at most: all goroutines together cannot wait for longer than their
// number allows, and a wait is sampled with the probability of its length to the rate.
const blockSamples = 2000

func blockRate(goroutines int) int {
	return max(goroutines, 1) * int(time.Second/blockSamples)
}

type contentionPart struct {
	set           bool
	mutexFraction int // before
	blockNanos    int // before
	rate          int
	// before and after are the profiles at begin and end, as the runtime writes them.
	mutexBefore, mutexAfter []byte
	blockBefore, blockAfter []byte
	then, now               runtimeStats
}

func (*contentionPart) part() profilerv1.Part { return profilerv1.Part_PART_CONTENTION }

func (c *contentionPart) begin(_ context.Context, w *window) (err error) {
	c.blockNanos = w.p.cfg.BlockRateNanos
	c.mutexFraction = runtime.SetMutexProfileFraction(w.p.cfg.MutexFraction)
	c.rate = blockRate(runtime.NumGoroutine())
	runtime.SetBlockProfileRate(c.rate)
	c.set = true
	// Under the new rates: the runtime scales all samples by the rate of the moment, so that older ones cancel out.
	if c.mutexBefore, err = lookup("mutex"); err != nil {
		return err
	}
	if c.blockBefore, err = lookup("block"); err != nil {
		return err
	}
	c.then = readRuntime()
	return nil
}

func (c *contentionPart) stop(*window) error {
	c.now = readRuntime()
	var merr, berr error
	c.mutexAfter, merr = lookup("mutex")
	c.blockAfter, berr = lookup("block")
	c.restore()
	return errors.Join(merr, berr)
}

func (c *contentionPart) end(w *window, out *profilerv1.ProcessProfile) error {
	out.Contention = contentionSince(c.now, c.then)
	if c.mutexAfter == nil || c.blockAfter == nil {
		return nil
	}
	mutexes, merr := delta("mutex", c.mutexAfter, c.mutexBefore, w.elapsed)
	blocked, berr := delta("block", c.blockAfter, c.blockBefore, w.elapsed)
	if err := errors.Join(merr, berr); err != nil {
		return err
	}
	contended := total(mutexes, valueOf(mutexes, "contentions")) / int64(w.p.cfg.MutexFraction)
	waits := total(blocked, valueOf(blocked, "delay")) / int64(c.rate)
	w.cost.samples.Add((contended + waits) * waitSampleNanos)
	out.Contention.MutexPprof, merr = encode(mutexes)
	out.Contention.BlockPprof, berr = encode(blocked)
	return errors.Join(merr, berr)
}

func (c *contentionPart) restore() {
	if !c.set {
		return
	}
	c.set = false
	runtime.SetMutexProfileFraction(c.mutexFraction)
	runtime.SetBlockProfileRate(c.blockNanos)
}

// contentionSince returns the counters of the runtime after an earlier reading.
func contentionSince(now, then runtimeStats) *profilerv1.ContentionProfile {
	return &profilerv1.ContentionProfile{
		MutexWaitNanos: now.mutexWaitNanos - then.mutexWaitNanos, Scheduling: histogramSince(now.latencies, then.latencies),
	}
}
