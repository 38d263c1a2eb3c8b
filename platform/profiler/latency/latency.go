// Package latency counts times into histograms that many goroutines record into at once, always on: recording takes no lock and
// allocates nothing.
//
// The layout is HdrHistogram's: sixteen linear buckets to a power of two, so a percentile is within 1/32 of the true value, from
// 256 ns to 18 minutes; below, within 8 ns. HdrHistogram's own library needs a lock to record, and eight times the memory.
package latency

import (
	"math/bits"
	"sync/atomic"
	"time"

	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

const (
	subBits = 4  // buckets to a power of two, as a power of two
	minExp  = 8  // below 2^minExp ns, buckets are 16 ns wide
	maxExp  = 40 // 2^maxExp ns and above share the last bucket
	buckets = (maxExp - minExp + 1) << subBits
)

// Histogram counts times. The zero value is ready. A nil Histogram records nothing.
type Histogram struct {
	counts [buckets]atomic.Uint64
	sum    atomic.Int64
	max    atomic.Int64
}

// Record counts one time; a negative one counts as 0.
func (h *Histogram) Record(d time.Duration) {
	if h == nil {
		return
	}
	nanos := max(int64(d), 0)
	h.counts[bucket(nanos)].Add(1)
	h.sum.Add(nanos)
	for {
		at := h.max.Load()
		if nanos <= at || h.max.CompareAndSwap(at, nanos) {
			return
		}
	}
}

func bucket(nanos int64) int {
	if nanos < 1<<minExp {
		return int(nanos >> (minExp - subBits))
	}
	e := bits.Len64(uint64(nanos)) - 1
	if e >= maxExp {
		return buckets - 1
	}
	return (e-minExp+1)<<subBits + int(nanos>>(e-subBits))&(1<<subBits-1)
}

// bounds returns the least time of a bucket, and of the one after it.
func bounds(i int) (lo, hi int64) {
	if i < 1<<subBits {
		return int64(i) << (minExp - subBits), int64(i+1) << (minExp - subBits)
	}
	e := i>>subBits + minExp - 1
	width := int64(1) << (e - subBits)
	lo = int64(1)<<e + int64(i&(1<<subBits-1))*width
	return lo, lo + width
}

// Snapshot is what a histogram held at one moment; only buckets that are not empty take space.
type Snapshot struct {
	buckets []counted
	sum     int64
	max     int64
}

type counted struct {
	bucket int
	count  uint64
}

// Snapshot returns what was recorded so far. Times that are being recorded meanwhile may be in it in part.
func (h *Histogram) Snapshot() Snapshot {
	var s Snapshot
	if h == nil {
		return s
	}
	for i := range h.counts {
		if n := h.counts[i].Load(); n > 0 {
			s.buckets = append(s.buckets, counted{i, n})
		}
	}
	s.sum, s.max = h.sum.Load(), h.max.Load()
	return s
}

// Since returns the distribution of what was recorded after an earlier snapshot of the same histogram, nil when that is nothing.
// The longest time is exact when it is the longest ever, and otherwise the bound of its bucket.
func (s Snapshot) Since(before Snapshot) *profilerv1.Latency {
	var left []counted
	total := uint64(0)
	b := before.buckets
	for _, c := range s.buckets {
		for len(b) > 0 && b[0].bucket < c.bucket {
			b = b[1:]
		}
		if len(b) > 0 && b[0].bucket == c.bucket {
			c.count -= b[0].count
		}
		if c.count > 0 {
			left = append(left, c)
			total += c.count
		}
	}
	if total == 0 {
		return nil
	}
	out := &profilerv1.Latency{Count: total, SumNanos: s.sum - before.sum, MaxNanos: s.max}
	if s.max == before.max {
		if _, hi := bounds(left[len(left)-1].bucket); hi < s.max {
			out.MaxNanos = hi
		}
	}
	out.P50Nanos = min(quantile(left, total, 0.5), out.MaxNanos)
	out.P99Nanos = min(quantile(left, total, 0.99), out.MaxNanos)
	return out
}

// quantile returns the middle of the bucket that holds the time of rank q.
func quantile(of []counted, total uint64, q float64) int64 {
	rank := max(uint64(q*float64(total)+0.5), 1)
	seen := uint64(0)
	for _, c := range of {
		if seen += c.count; seen >= rank {
			lo, hi := bounds(c.bucket)
			return (lo + hi) / 2
		}
	}
	return 0
}

// Merge returns one distribution of two, as far as the two tell: counts, sums and the longest are exact, the median is the mean of
// the medians by count, and the 99th percentile is the greater, which the true one does not exceed. Either may be nil.
func Merge(a, b *profilerv1.Latency) *profilerv1.Latency {
	if a.GetCount() == 0 {
		return b
	}
	if b.GetCount() == 0 {
		return a
	}
	n := a.GetCount() + b.GetCount()
	share := float64(a.GetCount()) / float64(n)
	return &profilerv1.Latency{
		Count: n, SumNanos: a.GetSumNanos() + b.GetSumNanos(),
		P50Nanos: int64(share*float64(a.GetP50Nanos()) + (1-share)*float64(b.GetP50Nanos())),
		P99Nanos: max(a.GetP99Nanos(), b.GetP99Nanos()),
		MaxNanos: max(a.GetMaxNanos(), b.GetMaxNanos()),
	}
}
