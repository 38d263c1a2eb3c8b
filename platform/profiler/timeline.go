package profiler

import (
	"runtime"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

// momentEvery returns how often a time line is taken: 100 ms to 1 s, about 600 moments at most.
func momentEvery(duration time.Duration) time.Duration {
	return min(max(duration/600, 100*time.Millisecond), time.Second)
}

// timeline takes moments. One goroutine uses it.
type timeline struct {
	p       *Profiler
	last    reading
	moments []*profilerv1.Moment
}

// reading is what moments are differences of.
type reading struct {
	at               time.Time
	cpuNanos         int64
	gcNanos          int64
	read, written    uint64
	networkBytes     uint64
	served           uint64
	heap, goroutines uint64
}

func (p *Profiler) read(at time.Time) reading {
	user, system := processCPU()
	r := readRuntime()
	out := reading{at: at, cpuNanos: user + system, gcNanos: r.gcNanos, heap: r.heapBytes, goroutines: r.goroutines}
	// Without the kernel's count the rates are 0; the I/O part says why.
	if io, err := p.host.processIO(); err == nil {
		out.read, out.written = io.ReadBytes, io.WriteBytes
	}
	out.networkBytes, out.served = p.deps.Traffic.Totals()
	return out
}

func (p *Profiler) newTimeline(begin time.Time) *timeline {
	return &timeline{p: p, last: p.read(begin)}
}

// take adds the moment at a time; one less than a millisecond after the one before would be all noise, and is left out.
func (l *timeline) take(at time.Time) {
	span := at.Sub(l.last.at)
	if span < time.Millisecond {
		return
	}
	now := l.p.read(at)
	rate := func(now, then uint64) float64 {
		if now < then {
			return 0
		}
		return float64(now-then) / span.Seconds()
	}
	l.moments = append(l.moments, &profilerv1.Moment{
		At:               timestamppb.New(at),
		ProcessorsBusy:   float64(now.cpuNanos-l.last.cpuNanos) / float64(span),
		HeapBytes:        now.heap,
		RssBytes:         l.p.host.rss(),
		Goroutines:       uint32(now.goroutines),
		GcShare:          float64(now.gcNanos-l.last.gcNanos) / (float64(span) * float64(runtime.GOMAXPROCS(0))),
		ReadBytesRate:    rate(now.read, l.last.read),
		WriteBytesRate:   rate(now.written, l.last.written),
		NetworkBytesRate: rate(now.networkBytes, l.last.networkBytes),
		CallsRate:        rate(now.served, l.last.served),
	})
	l.last = now
}
