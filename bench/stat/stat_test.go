package stat

import (
	"math"
	"math/rand/v2"
	"testing"
)

// ar1 is an autoregressive series with mean 100: each value keeps phi of the last one's deviation. Its errors have deviation 1.
func ar1(r *rand.Rand, n int, phi float64) []float64 {
	x := make([]float64, n)
	v := r.NormFloat64() / math.Sqrt(1-phi*phi)
	for i := range x {
		x[i] = 100 + v
		v = phi*v + r.NormFloat64()
	}
	return x
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s: %v, want %v ± %v", what, got, want, tolerance)
	}
}

func TestMeanInterval(t *testing.T) {
	// R: t.test(c(5.1, 4.9, 6.2, 5.8, 5.5)): mean 5.5, interval 4.850722 to 6.149278.
	i := MeanInterval([]float64{5.1, 4.9, 6.2, 5.8, 5.5}, 0.95)
	near(t, "mean", i.Mean, 5.5, 1e-9)
	half := 2.776445105 * math.Sqrt(0.275/5) // the table's t, 4 degrees; the variance is 1.1/4
	near(t, "low", i.Low, 5.5-half, 1e-6)
	near(t, "high", i.High, 5.5+half, 1e-6)
	near(t, "relative error", i.RelativeError(), half/5.5, 1e-6)
	for _, x := range [][]float64{nil, {3}} {
		if i := MeanInterval(x, 0.95); i.Bounded() || !math.IsInf(i.RelativeError(), 1) {
			t.Errorf("%v: %+v has bounds", x, i)
		}
	}
}

func TestAutocorrelationAndEffectiveSize(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, phi := range []float64{0, 0.5, 0.9} {
		x := ar1(r, 50_000, phi)
		near(t, "lag 1", Autocorrelation(x, 1), phi, 0.02)
		near(t, "lag 3", Autocorrelation(x, 3), math.Pow(phi, 3), 0.05)
		want := 50_000 * (1 - phi) / (1 + phi)
		near(t, "effective size", EffectiveSampleSize(x[:5000]), want/10, 0.3*want/10)
	}
	if got := Autocorrelation([]float64{2, 2, 2}, 1); got != 0 {
		t.Errorf("a constant correlates: %v", got)
	}
}

func TestVonNeumannHoldsItsLevel(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	rejected, found := 0, 0
	for range 2000 {
		if _, p := VonNeumann(ar1(r, 30, 0)); p < 0.1 {
			rejected++
		}
		if _, p := VonNeumann(ar1(r, 30, 0.7)); p < 0.1 {
			found++
		}
	}
	near(t, "rejected though independent", float64(rejected)/2000, 0.1, 0.02)
	if found < 1800 {
		t.Errorf("found correlation of 0.7 in %d of 2000", found)
	}
}

// coverage is how often an interval at level 0.95 holds the true mean.
func coverage(n, runs int, phi float64, interval func([]float64) Interval) float64 {
	r := rand.New(rand.NewPCG(3, uint64(n)))
	hit := 0
	for range runs {
		if i := interval(ar1(r, n, phi)); i.Low <= 100 && 100 <= i.High {
			hit++
		}
	}
	return float64(hit) / float64(runs)
}

func TestIntervalsCover(t *testing.T) {
	batches := func(x []float64) Interval { return BatchMeans(x, 0.95).Interval }
	plain := func(x []float64) Interval { return MeanInterval(x, 0.95) }
	near(t, "Student on independent values", coverage(50, 2000, 0, plain), 0.95, 0.015)
	near(t, "batches of independent values", coverage(300, 2000, 0, batches), 0.95, 0.015)
	near(t, "batches, correlation 0.5", coverage(300, 2000, 0.5, batches), 0.95, 0.03)
	near(t, "batches, correlation 0.9", coverage(1200, 1000, 0.9, batches), 0.95, 0.05)
	// What batches are for: the plain interval misses far more often.
	if got := coverage(1200, 500, 0.9, plain); got > 0.5 {
		t.Errorf("the plain interval covers %v of correlated series: the test's series are not correlated", got)
	}
}

func TestBatchMeansSayWhenTooShort(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	short, long := 0, 0
	for range 200 {
		if !BatchMeans(ar1(r, 60, 0.98), 0.95).Independent {
			short++
		}
		if BatchMeans(ar1(r, 2000, 0.5), 0.95).Independent {
			long++
		}
	}
	if short < 170 || long < 160 {
		t.Errorf("%d of 200 short series are said to be too short, %d of 200 long ones long enough", short, long)
	}
	if b := BatchMeans(nil, 0.95); b.Bounded() {
		t.Errorf("no values have an interval: %+v", b)
	}
	if b := BatchMeans([]float64{7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7}, 0.95); b.Mean != 7 || b.RelativeError() != 0 {
		t.Errorf("a constant series: %+v", b)
	}
}

func TestQuantileRanksCover(t *testing.T) {
	for _, c := range []struct {
		n int64
		q float64
	}{{100, 0.5}, {1000, 0.99}, {5000, 0.9}} {
		low, high, ok := QuantileRanks(c.n, c.q, 0.95)
		if !ok || low >= high {
			t.Fatalf("%+v: ranks %d to %d, %v", c, low, high, ok)
		}
		r := rand.New(rand.NewPCG(5, 5))
		hit := 0
		for range 4000 {
			// Of uniform values the quantile q is q: count how many are below it.
			var below int64
			for range c.n {
				if r.Float64() < c.q {
					below++
				}
			}
			// low-th smallest <= q < high-th smallest
			if below >= low && below < high {
				hit++
			}
		}
		if got := float64(hit) / 4000; got < 0.94 || got > 0.985 {
			t.Errorf("%+v: covers %v", c, got)
		}
	}
	if _, _, ok := QuantileRanks(100, 0.99, 0.95); ok {
		t.Error("a hundred values bound the 99th percentile")
	}
	// The table in Conover, Practical Nonparametric Statistics: n = 16, median, the 4th and 13th enclose it with 0.979.
	if low, high, _ := QuantileRanks(16, 0.5, 0.95); low != 4 || high != 13 {
		t.Errorf("of 16 values %d and %d enclose the median, want 4 and 13", low, high)
	}
}

func TestGeometricMean(t *testing.T) {
	near(t, "of 1, 10, 100", GeometricMean([]float64{1, 10, 100}), 10, 1e-9)
	for _, x := range [][]float64{nil, {1, 0}, {-1}} {
		if got := GeometricMean(x); !math.IsNaN(got) {
			t.Errorf("%v: %v", x, got)
		}
	}
}
