package profiler

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

type memoryPart struct {
	// before and after are the heap profile at begin and end, as the runtime writes it.
	before, after         []byte
	then, now             runtimeStats
	arenasThen, arenasNow map[string]uint64
	goroutines            []byte
	forced, forcedPauses  int64 // what forced collections cost between begin and end
	leaks                 *leakSearch
}

func (*memoryPart) part() profilerv1.Part { return profilerv1.Part_PART_MEMORY }

// maxLag is how old the heap profile may be where no collection is forced.
func maxLag(duration time.Duration) time.Duration { return duration / 50 }

// freshen forces a collection unless the collector runs so often that the heap profile, which tells of the time before the last
// collection but one, is recent.
func freshen(w *window) {
	if time.Since(lastCollections()) > maxLag(w.duration) {
		w.cost.collect()
	}
}

func (m *memoryPart) begin(_ context.Context, w *window) (err error) {
	if w.findLeaks {
		m.leaks = newLeakSearch(w.duration)
		if err := m.leaks.look(w); err != nil {
			return err
		}
	} else {
		freshen(w)
	}
	if m.before, err = lookup("heap"); err != nil {
		return err
	}
	m.arenasThen = w.p.arenaBytes()
	m.forced, m.forcedPauses = w.cost.forced.Load(), w.cost.pauses.Load()
	m.then = readRuntime()
	return nil
}

// during looks for leaks between begin and end.
func (m *memoryPart) during(ctx context.Context, w *window) {
	if m.leaks != nil {
		m.leaks.run(ctx, w)
	}
}

func (m *memoryPart) stop(w *window) (err error) {
	m.now = readRuntime()
	m.forced, m.forcedPauses = w.cost.forced.Load()-m.forced, w.cost.pauses.Load()-m.forcedPauses
	m.arenasNow = w.p.arenaBytes()
	if m.leaks != nil {
		if err := m.leaks.look(w); err != nil {
			return err
		}
	} else {
		freshen(w)
	}
	if m.after, err = lookup("heap"); err != nil {
		return err
	}
	m.goroutines, err = lookup("goroutine")
	return err
}

func (m *memoryPart) end(w *window, out *profilerv1.ProcessProfile) error {
	o := memorySince(m.now, m.then)
	out.Memory = o
	// Collections that were forced while measuring are the profiler's own.
	o.GcCpuNanos = max(o.GcCpuNanos-m.forced, 0)
	o.PauseNanos = max(o.PauseNanos-m.forcedPauses, 0)
	o.MaxPauseNanos = min(o.MaxPauseNanos, o.PauseNanos)
	o.LimitBytes = w.p.host.memoryLimit()
	var errs []error
	var err error
	if o.RssBytes, o.MaxRssBytes, err = w.p.host.resident(); err != nil {
		errs = append(errs, err)
	}
	o.Arenas = arenasSince(m.arenasNow, m.arenasThen)
	o.GoroutinesPprof = m.goroutines
	errs = append(errs, m.profiles(w, o))
	return errors.Join(errs...)
}

// profiles adds what the heap's profiles tell.
func (m *memoryPart) profiles(w *window, o *profilerv1.MemoryProfile) error {
	if m.after == nil {
		return nil // stop has said why
	}
	if m.leaks != nil {
		o.Growing, o.GrowingGoroutines = m.leaks.growing()
		growth, err := m.leaks.growth(w.elapsed)
		if err != nil {
			return err
		}
		if o.GrowthPprof, err = encode(growth); err != nil {
			return err
		}
	}
	allocated, err := delta("heap", m.after, m.before, w.elapsed)
	if err != nil {
		return err
	}
	if o.AllocationsPprof, err = encode(only(allocated, "alloc_objects", "alloc_space")); err != nil {
		return err
	}
	heap, err := parse("heap", m.after)
	if err != nil {
		return err
	}
	o.HeapPprof, err = encode(only(heap, "inuse_objects", "inuse_space"))
	return err
}

func (*memoryPart) restore() {}

// memorySince returns the counters of the runtime after an earlier reading.
func memorySince(now, then runtimeStats) *profilerv1.MemoryProfile {
	out := &profilerv1.MemoryProfile{
		HeapBeginBytes: then.live(), HeapEndBytes: now.live(),
		AllocatedBytes: now.allocatedBytes - then.allocatedBytes, AllocatedObjects: now.allocatedObjs - then.allocatedObjs,
		Collections: uint32(now.cycles - then.cycles),
		GcCpuNanos:  now.gcNanos - then.gcNanos, GcAssistNanos: now.assistNanos - then.assistNanos,
		PauseNanos:      now.pauseNanos - then.pauseNanos,
		GoroutinesBegin: uint32(then.goroutines), GoroutinesEnd: uint32(now.goroutines),
	}
	// The histogram's bucket has an end beyond the pause itself, which the sum bounds.
	out.MaxPauseNanos = min(histogramSince(now.gcPauses, then.gcPauses).GetMaxNanos(), out.PauseNanos)
	return out
}

// arenasSince returns arenas with what changed, the largest first.
func arenasSince(now, then map[string]uint64) []*profilerv1.Arena {
	owners := map[string]struct{}{}
	for o := range now {
		owners[o] = struct{}{}
	}
	for o := range then {
		owners[o] = struct{}{}
	}
	var out []*profilerv1.Arena
	for _, o := range slices.Sorted(maps.Keys(owners)) {
		out = append(out, &profilerv1.Arena{Owner: o, Bytes: now[o], ChangeBytes: int64(now[o]) - int64(then[o])})
	}
	slices.SortStableFunc(out, func(a, b *profilerv1.Arena) int {
		switch {
		case a.GetBytes() > b.GetBytes():
			return -1
		case a.GetBytes() < b.GetBytes():
			return 1
		}
		return 0
	})
	return out
}
