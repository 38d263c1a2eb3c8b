package profiler

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/attunedb/attune/platform/profiler/traffic"
	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

// errNothingKept says that the continuous mode has nothing of a span.
var errNothingKept = errors.New("nothing is kept of this span of time")

// momentsPerWindow are the moments that a window of the continuous mode keeps.
const momentsPerWindow = 6

// Run samples until ctx is done, and returns nil then. With Continuous.Off it only waits.
func (p *Profiler) Run(ctx context.Context) error {
	if p.cfg.Continuous.Off {
		<-ctx.Done()
		return nil
	}
	c := p.newSampler(time.Now())
	moments := time.NewTicker(p.cfg.Continuous.Every / momentsPerWindow)
	defer moments.Stop()
	for i := 1; ; i++ {
		select {
		case <-ctx.Done():
			return nil
		case now := <-moments.C:
			c.cost.do(func() { c.line.take(now) })
		}
		if i%momentsPerWindow > 0 {
			continue
		}
		cpu, err := p.sampleCPU(ctx)
		if err != nil {
			// Somebody else uses the profiler; the rest of the window is as good without.
			p.deps.Log.Debug("no CPU sample in this window", "error", err)
		}
		if ctx.Err() != nil {
			return nil
		}
		window, err := proto.Marshal(c.cut(time.Now(), cpu))
		if err != nil {
			return fmt.Errorf("profiler: keep a window: %w", err)
		}
		p.kept.add(kept{begin: c.windowBegin, end: c.begin, bytes: window})
	}
}

// sampleCPU takes one CPU sample, as far as nobody else wants the profiler.
func (p *Profiler) sampleCPU(ctx context.Context) ([]byte, error) {
	ctx, ok := p.cpu.tryTake(ctx)
	if !ok {
		return nil, errors.New("a profile runs")
	}
	defer p.cpu.release()
	var b bytes.Buffer
	stop, err := p.cpu.start(&b, defaultCPURate)
	if err != nil {
		return nil, err
	}
	end := time.NewTimer(p.cfg.Continuous.Sample)
	defer end.Stop()
	select {
	case <-end.C:
	case <-ctx.Done():
	}
	stop()
	sample, err := parse("CPU", b.Bytes())
	if err != nil {
		return nil, err
	}
	labelService(sample, p.cfg.Services)
	return encode(sample)
}

// sampler cuts the time into windows.
type sampler struct {
	p                  *Profiler
	windowBegin, begin time.Time // of the window that was cut last, and of the one after
	line               *timeline
	cpu                cpuCounters
	runtime            runtimeStats
	io                 ioCounters
	traffic            traffic.Snapshot
	arenas             map[string]uint64
	cost               cost
}

func (p *Profiler) newSampler(now time.Time) *sampler {
	c := &sampler{p: p, begin: now, line: p.newTimeline(now), runtime: readRuntime(), traffic: p.deps.Traffic.Snapshot(), arenas: p.arenaBytes()}
	// What cannot be read is told with every window.
	c.cpu, _ = p.host.cpuCounters()
	c.io, _ = p.ioCounters()
	return c
}

// cut ends a window. pprof is its CPU sample, nil for none.
func (c *sampler) cut(now time.Time, pprof []byte) *profilerv1.ProcessProfile {
	p, elapsed := c.p, now.Sub(c.begin)
	out := p.head()
	out.Continuous = true
	out.Begin, out.Elapsed = timestamppb.New(c.begin), durationpb.New(elapsed)
	fail := func(part profilerv1.Part, err error) {
		if err != nil {
			out.Failures = append(out.Failures, &profilerv1.PartFailure{Part: part, Reason: err.Error()})
		}
	}
	c.cost.do(func() {
		cpu, err := p.host.cpuCounters()
		fail(profilerv1.Part_PART_CPU, err)
		out.Cpu = &profilerv1.CpuProfile{Pprof: pprof}
		cpu.since(c.cpu, out.Cpu)

		runtime, arenas := readRuntime(), p.arenaBytes()
		out.Memory = memorySince(runtime, c.runtime)
		out.Memory.Arenas = arenasSince(arenas, c.arenas)
		out.Memory.LimitBytes = p.host.memoryLimit()
		out.Memory.RssBytes, out.Memory.MaxRssBytes, err = p.host.resident()
		fail(profilerv1.Part_PART_MEMORY, err)
		out.Contention = contentionSince(runtime, c.runtime)

		io, err := p.ioCounters()
		fail(profilerv1.Part_PART_IO, err)
		out.Io = io.since(c.io, elapsed)

		traffic := p.deps.Traffic.Snapshot()
		out.Network = &profilerv1.NetworkProfile{Traffic: traffic.Since(c.traffic)}
		c.cpu, c.runtime, c.arenas, c.io, c.traffic = cpu, runtime, arenas, io, traffic
	})
	if pprof != nil {
		// All processors may have been busy while the sample was taken.
		c.cost.samples.Add(int64(p.cfg.Continuous.Sample.Seconds()*defaultCPURate*float64(out.Processors)) * cpuSampleNanos)
	}
	out.Overhead = c.cost.share(elapsed)
	c.cost = cost{}
	out.Timeline, c.line.moments = c.line.moments, nil
	c.windowBegin, c.begin = c.begin, now
	return out
}

// kept is a window, serialized.
type kept struct {
	begin, end time.Time
	bytes      []byte
}

// ring keeps the last windows, within a number and within bytes. It is safe for concurrent use.
type ring struct {
	maxWindows, maxBytes int

	mu      sync.Mutex
	windows []kept // oldest first
	size    int
}

// add keeps a window, and forgets the oldest that no longer fit; one that is larger than all may be is not kept.
func (r *ring) add(k kept) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.windows = append(r.windows, k)
	r.size += len(k.bytes)
	drop := 0
	for len(r.windows)-drop > r.maxWindows || r.size > r.maxBytes {
		r.size -= len(r.windows[drop].bytes)
		drop++
	}
	// Copied, so that what is dropped can be freed.
	r.windows = append([]kept(nil), r.windows[drop:]...)
}

// between returns the windows that a span touches; a zero end is open.
func (r *ring) between(begin, end time.Time) []kept {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []kept
	for _, k := range r.windows {
		if k.end.After(begin) && (end.IsZero() || k.begin.Before(end)) {
			out = append(out, k)
		}
	}
	return out
}

// recent merges what is kept of a span.
func (p *Profiler) recent(begin, end time.Time) (*profilerv1.ProcessProfile, error) {
	found := p.kept.between(begin, end)
	if len(found) == 0 {
		if p.cfg.Continuous.Off {
			return nil, fmt.Errorf("%w: the continuous mode is off", errNothingKept)
		}
		return nil, fmt.Errorf("%w: the continuous mode keeps %d windows of %v", errNothingKept, p.cfg.Continuous.Windows, p.cfg.Continuous.Every)
	}
	windows := make([]*profilerv1.ProcessProfile, len(found))
	for i, k := range found {
		windows[i] = &profilerv1.ProcessProfile{}
		if err := proto.Unmarshal(k.bytes, windows[i]); err != nil {
			return nil, fmt.Errorf("read a window: %w", err)
		}
	}
	return merge(windows)
}
