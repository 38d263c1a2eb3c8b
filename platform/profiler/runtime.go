package profiler

import (
	"math"
	"runtime/debug"
	"runtime/metrics"
	"time"

	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

// runtimeStats is what the runtime counts.
type runtimeStats struct {
	heapBytes, liveBytes          uint64 // objects that are not yet freed; of them, those that the last collection found alive
	allocatedBytes, allocatedObjs uint64
	goroutines                    uint64
	cycles                        uint64 // not those that were forced
	gcNanos, assistNanos          int64
	mutexWaitNanos                int64
	pauseNanos                    int64
	latencies                     *metrics.Float64Histogram
	gcPauses, otherPauses         *metrics.Float64Histogram
}

var runtimeNames = []string{
	"/memory/classes/heap/objects:bytes",
	"/gc/heap/live:bytes",
	"/gc/heap/allocs:bytes",
	"/gc/heap/allocs:objects",
	"/sched/goroutines:goroutines",
	"/gc/cycles/automatic:gc-cycles",
	"/cpu/classes/gc/total:cpu-seconds",
	"/cpu/classes/gc/mark/assist:cpu-seconds",
	"/sync/mutex/wait/total:seconds",
	"/sched/latencies:seconds",
	"/sched/pauses/total/gc:seconds",
	"/sched/pauses/total/other:seconds",
}

func readRuntime() runtimeStats {
	samples := make([]metrics.Sample, len(runtimeNames))
	for i, name := range runtimeNames {
		samples[i].Name = name
	}
	metrics.Read(samples)
	n := func(i int) uint64 {
		if samples[i].Value.Kind() != metrics.KindUint64 {
			return 0
		}
		return samples[i].Value.Uint64()
	}
	seconds := func(i int) int64 {
		if samples[i].Value.Kind() != metrics.KindFloat64 {
			return 0
		}
		return int64(1e9 * samples[i].Value.Float64())
	}
	histogram := func(i int) *metrics.Float64Histogram {
		if samples[i].Value.Kind() != metrics.KindFloat64Histogram {
			return nil
		}
		return samples[i].Value.Float64Histogram()
	}
	var gc debug.GCStats
	debug.ReadGCStats(&gc)
	return runtimeStats{
		heapBytes: n(0), liveBytes: n(1), allocatedBytes: n(2), allocatedObjs: n(3), goroutines: n(4), cycles: n(5),
		gcNanos: seconds(6), assistNanos: seconds(7), mutexWaitNanos: seconds(8), pauseNanos: int64(gc.PauseTotal),
		latencies: histogram(9), gcPauses: histogram(10), otherPauses: histogram(11),
	}
}

// live returns the live heap, as of the last collection.
func (s runtimeStats) live() uint64 {
	if s.liveBytes > 0 {
		return s.liveBytes
	}
	return s.heapBytes
}

// lastCollections returns the end of the last collection but one: what happened before it is in the heap profile.
func lastCollections() time.Time {
	var gc debug.GCStats
	debug.ReadGCStats(&gc)
	if len(gc.PauseEnd) < 2 {
		return time.Time{}
	}
	return gc.PauseEnd[1]
}

// histogramSince returns the distribution of what a histogram of the runtime counted after an earlier reading; nil for nothing.
func histogramSince(now, then *metrics.Float64Histogram) *profilerv1.Latency {
	if now == nil {
		return nil
	}
	counts := make([]uint64, len(now.Counts))
	total, sum := uint64(0), 0.0
	for i, n := range now.Counts {
		if then != nil && i < len(then.Counts) {
			n -= then.Counts[i]
		}
		counts[i] = n
		total += n
		sum += float64(n) * middle(now.Buckets, i)
	}
	if total == 0 {
		return nil
	}
	out := &profilerv1.Latency{Count: total, SumNanos: int64(1e9 * sum)}
	p50, p99 := max(uint64(0.5*float64(total)+0.5), 1), max(uint64(0.99*float64(total)+0.5), 1)
	seen := uint64(0)
	for i, n := range counts {
		if n == 0 {
			continue
		}
		mid := int64(1e9 * middle(now.Buckets, i))
		if seen < p50 && seen+n >= p50 {
			out.P50Nanos = mid
		}
		if seen < p99 && seen+n >= p99 {
			out.P99Nanos = mid
		}
		if hi := now.Buckets[i+1]; !math.IsInf(hi, 1) {
			out.MaxNanos = int64(1e9 * hi)
		} else {
			out.MaxNanos = mid
		}
		seen += n
	}
	return out
}

// middle returns the middle of a bucket, or its finite end.
func middle(bounds []float64, i int) float64 {
	lo, hi := bounds[i], bounds[i+1]
	switch {
	case math.IsInf(lo, -1) || lo < 0:
		return max(hi, 0)
	case math.IsInf(hi, 1):
		return lo
	}
	return (lo + hi) / 2
}
