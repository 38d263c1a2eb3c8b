package stat

import (
	"math"
	"math/rand/v2"
	"testing"
)

// warming is a series that approaches 100, from half of it, with a time constant, and noise.
func warming(r *rand.Rand, n int, constant, noise float64) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = 100 - 50*math.Exp(-float64(i)/constant) + noise*r.NormFloat64()
	}
	return x
}

func TestMSERTruncatesTheWarmup(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	missed := 0 // noise moves the least of the statistic now and then, always towards cutting more
	for range 100 {
		cut, ok := MSER(warming(r, 400, 20, 3), 5)
		// After four constants 0.9 of a unit is left, below the noise of a batch.
		if cut < 30 {
			t.Errorf("truncated %d of a warm-up of 80", cut)
		}
		if !ok || cut > 150 {
			missed++
		}
		step := make([]float64, 200)
		for i := range step {
			step[i] = 100 + r.NormFloat64()
			if i < 37 {
				step[i] = 60
			}
		}
		cut, ok = MSER(step, 5)
		if cut < 35 {
			t.Errorf("of a step at 37, truncated %d", cut)
		}
		if !ok || cut > 95 {
			missed++
		}
	}
	if missed > 10 {
		t.Errorf("%d of 200 are cut far too much, or not called steady", missed)
	}
}

func TestMSERRefusesWhatKeepsRising(t *testing.T) {
	x := make([]float64, 200)
	for i := range x {
		x[i] = float64(i)
	}
	if cut, ok := MSER(x, 5); ok {
		t.Errorf("a line is steady after %d", cut)
	}
	if _, ok := MSER(x[:10], 5); ok {
		t.Error("two batches are steady")
	}
}

func TestDetector(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	at := func(x []float64) int {
		d := NewDetector(0.05)
		for i, v := range x {
			if d.Add(v) {
				return i + 1
			}
		}
		return -1
	}
	for range 50 {
		if got := at(warming(r, 400, 1e-9, 2)); got < 20 || got > 60 {
			t.Errorf("steady from the start: found after %d", got)
		}
		// 5 % of the way is left after 46 values, 1 % after 78.
		if got := at(warming(r, 400, 20, 2)); got < 46 || got > 200 {
			t.Errorf("steady after some 60: found after %d", got)
		}
	}
	line := make([]float64, 300)
	for i := range line {
		line[i] = 10 + float64(i) + r.NormFloat64()
	}
	if got := at(line); got != -1 {
		t.Errorf("a line is steady after %d", got)
	}
	if got := at(make([]float64, 100)); got != -1 {
		t.Errorf("nothing happens, steadily, after %d", got)
	}
	// A handful of operations in each window, as of long queries.
	few := make([]float64, 200)
	for i := range few {
		few[i] = float64(r.IntN(3))
	}
	if got := at(few); got < 20 {
		t.Errorf("few operations: found after %d", got)
	}
	long := NewDetector(0.0001)
	for i := range 10 * mostDetected {
		long.Add(float64(i))
	}
	if len(long.x) > mostDetected {
		t.Errorf("the detector keeps %d values", len(long.x))
	}
}

func TestOutliers(t *testing.T) {
	x := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9}
	low, high := TukeyFences(x, 1.5)
	if low > -3 || low < -6 || high < 13 || high > 16 {
		t.Errorf("fences %v and %v", low, high)
	}
	z := ModifiedZ([]float64{10, 11, 9, 10, 12, 8, 10, 100})
	// The median is 10, the median deviation 1.
	near(t, "the outlier", z[7], 90/1.482602, 1e-6)
	near(t, "the middle", z[0], 0, 1e-9)
	z = ModifiedZ([]float64{5, 5, 5, 5, 5, 5, 9})
	near(t, "where most are equal", z[6], 4/(1.253314*4/7), 1e-6)
	for _, v := range ModifiedZ([]float64{5, 5, 5}) {
		if v != 0 {
			t.Errorf("a constant has outliers: %v", v)
		}
	}
}
