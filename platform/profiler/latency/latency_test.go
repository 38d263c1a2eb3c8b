package latency

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

func TestBucketsCoverTheirTimes(t *testing.T) {
	for i := range buckets - 1 {
		lo, hi := bounds(i)
		if bucket(lo) != i || bucket(hi-1) != i || bucket(hi) != i+1 {
			t.Fatalf("bucket %d spans [%d, %d) but holds %d, %d and not %d", i, lo, hi, bucket(lo), bucket(hi-1), bucket(hi))
		}
	}
	if got := bucket(math.MaxInt64); got != buckets-1 {
		t.Errorf("the longest time is in bucket %d", got)
	}
}

// Percentiles of a log-normal distribution against the sorted times themselves.
func TestPercentilesAreWithinTheirError(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var h Histogram
	early := []int64{5_000_000_000, 300, 300}
	for _, n := range early {
		h.Record(time.Duration(n))
	}
	before := h.Snapshot()
	var times []int64
	sum := int64(0)
	for range 20_000 {
		n := int64(math.Exp(rng.NormFloat64()*1.5 + 12))
		times = append(times, n)
		sum += n
		h.Record(time.Duration(n))
	}
	slices.Sort(times)
	got := h.Snapshot().Since(before)
	if got.GetCount() != 20_000 || got.GetSumNanos() != sum {
		t.Errorf("%d times of %d ns, want 20000 of %d", got.GetCount(), got.GetSumNanos(), sum)
	}
	for _, c := range []struct {
		name      string
		got, want int64
		tolerance float64
	}{
		{"p50", got.GetP50Nanos(), times[10_000], 1. / 32},
		{"p99", got.GetP99Nanos(), times[19_800], 1. / 32},
		{"max", got.GetMaxNanos(), times[19_999], 1. / 16},
	} {
		if off := math.Abs(float64(c.got-c.want)) / float64(c.want); off > c.tolerance+0.002 {
			t.Errorf("%s is %d, want %d: off by %.3f", c.name, c.got, c.want, off)
		}
	}
	if again := h.Snapshot(); again.Since(again) != nil {
		t.Error("nothing was recorded since, but it is not nil")
	}
}

func TestTheLongestEverIsExact(t *testing.T) {
	var h Histogram
	h.Record(10 * time.Microsecond)
	before := h.Snapshot()
	h.Record(123457 * time.Nanosecond)
	if got := h.Snapshot().Since(before); got.GetMaxNanos() != 123457 || got.GetCount() != 1 {
		t.Errorf("got %v", got)
	}
}

func TestManyRecordAtOnce(t *testing.T) {
	var h Histogram
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 1000 {
				h.Record(time.Duration(i))
			}
		})
	}
	wg.Wait()
	if got := h.Snapshot().Since(Snapshot{}); got.GetCount() != 8000 || got.GetSumNanos() != 8*999*500 || got.GetMaxNanos() != 999 {
		t.Errorf("got %v", got)
	}
	var none *Histogram
	none.Record(1)
	if none.Snapshot().Since(Snapshot{}) != nil {
		t.Error("nil recorded")
	}
}

func TestMerge(t *testing.T) {
	a := &profilerv1.Latency{Count: 1, SumNanos: 10, P50Nanos: 10, P99Nanos: 10, MaxNanos: 10}
	b := &profilerv1.Latency{Count: 3, SumNanos: 60, P50Nanos: 20, P99Nanos: 25, MaxNanos: 30}
	got := Merge(a, b)
	if got.GetCount() != 4 || got.GetSumNanos() != 70 || got.GetP50Nanos() != 17 || got.GetP99Nanos() != 25 || got.GetMaxNanos() != 30 {
		t.Errorf("got %v", got)
	}
	if Merge(nil, b) != b || Merge(a, nil) != a {
		t.Error("merging with nothing changes something")
	}
}

func BenchmarkRecord(b *testing.B) {
	var h Histogram
	b.RunParallel(func(pb *testing.PB) {
		for d := time.Duration(0); pb.Next(); d += 997 {
			h.Record(d)
		}
	})
}
