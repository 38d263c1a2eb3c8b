package profiler

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/pprof"
	"sync"

	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

// defaultCPURate is what runtime/pprof samples at.
const defaultCPURate = 100

// startCPU begins to write a CPU profile. Another rate than the default makes the runtime say on stderr that it keeps it.
func startCPU(w io.Writer, rate int) (stop func(), err error) {
	if rate != defaultCPURate {
		runtime.SetCPUProfileRate(rate)
	}
	if err := pprof.StartCPUProfile(w); err != nil {
		// Somebody else's profile runs on; its rate is not ours to end.
		return nil, err
	}
	return pprof.StopCPUProfile, nil
}

// cpuProfiler hands out the one CPU profiler of the process.
type cpuProfiler struct {
	start func(w io.Writer, rate int) (stop func(), err error)
	slot  chan struct{} // holds one token while it is taken

	mu    sync.Mutex
	yield context.CancelFunc // ends the continuous mode's sample; nil when there is none
}

// take waits for the CPU profiler, which the continuous mode gives up.
func (c *cpuProfiler) take(ctx context.Context) error {
	c.mu.Lock()
	if c.yield != nil {
		c.yield()
	}
	c.mu.Unlock()
	select {
	case c.slot <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// tryTake is take for the continuous mode: it does not wait, and the context that it returns ends when somebody wants the profiler.
func (c *cpuProfiler) tryTake(ctx context.Context) (context.Context, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case c.slot <- struct{}{}:
	default:
		return nil, false
	}
	ctx, c.yield = context.WithCancel(ctx)
	return ctx, true
}

// release gives the profiler back.
func (c *cpuProfiler) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.yield != nil {
		c.yield()
		c.yield = nil
	}
	<-c.slot
}

// cpuCounters are what the kernel counts of CPU time.
type cpuCounters struct {
	user, system   int64
	busy, steal    int64
	throttled      uint64
	throttledNanos int64
}

// cpuCounters returns also what it could read when it returns an error.
func (h host) cpuCounters() (c cpuCounters, err error) {
	c.user, c.system = processCPU()
	var machine, group error
	c.busy, c.steal, machine = h.machineCPU()
	c.throttled, c.throttledNanos, group = h.throttling()
	return c, errors.Join(machine, group)
}

// since fills in what was counted after an earlier reading.
func (c cpuCounters) since(then cpuCounters, out *profilerv1.CpuProfile) {
	out.UserNanos, out.SystemNanos = c.user-then.user, c.system-then.system
	out.MachineBusyNanos, out.StealNanos = max(c.busy-then.busy, 0), max(c.steal-then.steal, 0)
	if c.throttled >= then.throttled {
		out.ThrottledCount, out.ThrottledNanos = c.throttled-then.throttled, c.throttledNanos-then.throttledNanos
	}
}

type cpuPart struct {
	p         *Profiler
	stopCPU   func()
	taken     bool
	data      bytes.Buffer
	then, now cpuCounters
}

func (*cpuPart) part() profilerv1.Part { return profilerv1.Part_PART_CPU }

func (c *cpuPart) begin(ctx context.Context, w *window) (err error) {
	c.p = w.p
	if err := w.p.cpu.take(ctx); err != nil {
		return err
	}
	c.taken = true
	if c.stopCPU, err = w.p.cpu.start(&c.data, w.cpuRate); err != nil {
		return fmt.Errorf("the CPU profiler is in use, such as by /debug/pprof/profile: try again later: %w", err)
	}
	// What cannot be read at the begin fails again at the end, and is told there.
	c.then, _ = w.p.host.cpuCounters()
	return nil
}

func (c *cpuPart) stop(w *window) (err error) {
	c.now, err = w.p.host.cpuCounters()
	c.restore()
	return err
}

func (c *cpuPart) end(w *window, out *profilerv1.ProcessProfile) error {
	out.Cpu = &profilerv1.CpuProfile{Pprof: c.data.Bytes()}
	c.now.since(c.then, out.Cpu)
	pprof, err := parse("CPU", out.Cpu.Pprof)
	if err != nil {
		return err
	}
	w.cost.samples.Add(total(pprof, valueOf(pprof, "samples")) * cpuSampleNanos)
	labelService(pprof, w.p.cfg.Services)
	labelled, err := encode(pprof)
	if err == nil {
		out.Cpu.Pprof = labelled
	}
	return err
}

func (c *cpuPart) restore() {
	if c.stopCPU != nil {
		c.stopCPU()
		c.stopCPU = nil
	}
	if c.taken {
		c.p.cpu.release()
		c.taken = false
	}
}
