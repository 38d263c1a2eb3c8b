package bench

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestCoarseHistogram(t *testing.T) {
	var c, d coarse
	if c.quantile(0.5) != 0 {
		t.Error("an empty histogram has a median")
	}
	r := rand.New(rand.NewPCG(1, 1))
	var all []int64
	for range 20_000 {
		v := int64(math.Exp(r.Float64() * math.Log(float64(longestLatency))))
		all = append(all, v)
		if v%2 == 0 {
			c.record(v)
		} else {
			d.record(v)
		}
	}
	c.add(&d)
	slices.Sort(all)
	for _, q := range []float64{0, 0.01, 0.3, 0.5, 0.9, 0.99, 0.999, 1} {
		want := float64(all[max(1, int(q*float64(len(all))+0.5))-1])
		if got := float64(c.quantile(q)); math.Abs(got-want) > 0.008*want+0.5 {
			t.Errorf("quantile %v: %v, want %v", q, got, want)
		}
	}
	last := -1
	for v := int64(0); v < longestLatency; v += 1 + v/100 {
		if b := coarseBucket(v); b < last || b >= coarseBuckets {
			t.Fatalf("value %d is in bucket %d, after %d", v, b, last)
		} else {
			last = b
		}
	}
	if b := coarseBucket(longestLatency); b >= coarseBuckets {
		t.Errorf("the longest is in bucket %d of %d", b, coarseBuckets)
	}
}
