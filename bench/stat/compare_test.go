package stat

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestWelch(t *testing.T) {
	// By hand: means 3 and 6, variances 1 and 4, of 3 and 5 values: t = 3/sqrt(1/3+4/5), df = (17/15)²/((1/9)/2+(16/25)/4).
	a, b := []float64{2, 3, 4}, []float64{6, 4, 8, 4, 8}
	d := Welch(Summarize(a), Summarize(b), 0.95)
	near(t, "t", d.T, 3/math.Sqrt(17.0/15), 1e-12)
	near(t, "degrees of freedom", d.DegreesOfFreedom, (17.0/15)*(17.0/15)/(1.0/18+0.16), 1e-9)
	near(t, "p", d.P, 0.0304, 0.001)
	back := Welch(Summarize(b), Summarize(a), 0.95)
	near(t, "the other way around", back.P, d.P, 1e-12)
	near(t, "difference", back.Mean, -d.Mean, 1e-12)
	if d := Welch(Summarize(a), Summarize([]float64{1}), 0.95); d.P != 1 || d.Bounded() {
		t.Errorf("one value differs: %+v", d)
	}
	if d := Welch(Summarize([]float64{1, 1}), Summarize([]float64{2, 2}), 0.95); d.P != 0 || d.Mean != 1 {
		t.Errorf("constants differ without doubt, but %+v", d)
	}
}

func TestTestsHoldTheirLevel(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	sample := func(n int, mean, sd float64) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = mean + sd*r.NormFloat64()
		}
		return x
	}
	const runs = 2000
	var welch, covered, mann, tied, power int
	for range runs {
		a, b := sample(10, 50, 1), sample(20, 50, 4)
		d := Welch(Summarize(a), Summarize(b), 0.95)
		if d.P < 0.05 {
			welch++
		}
		if d.Low <= 0 && 0 <= d.High {
			covered++
		}
		a, b = sample(12, 50, 2), sample(15, 50, 2)
		if MannWhitney(a, b).P < 0.05 {
			mann++
		}
		for i := range a {
			a[i] = math.Round(a[i])
		}
		for i := range b {
			b[i] = math.Round(b[i])
		}
		if MannWhitney(a, b).P < 0.05 {
			tied++
		}
		if MannWhitney(a, sample(15, 53, 2)).P < 0.05 {
			power++
		}
	}
	near(t, "Welch", float64(welch)/runs, 0.05, 0.015)
	if welch+covered != runs {
		t.Errorf("the interval covers in %d, the test rejects in %d of %d", covered, welch, runs)
	}
	near(t, "Mann-Whitney", float64(mann)/runs, 0.05, 0.015)
	near(t, "Mann-Whitney with ties", float64(tied)/runs, 0.05, 0.02)
	if power < runs*8/10 {
		t.Errorf("a shift of 1.5 deviations was found in %d of %d", power, runs)
	}
}

func TestMannWhitneyExact(t *testing.T) {
	// Tables: with 3 and 3 the smallest two-sided p is 2/20; with 5 and 5 it is 2/252.
	near(t, "3 and 3", MannWhitney([]float64{1, 2, 3}, []float64{4, 5, 6}).P, 0.1, 1e-12)
	r := MannWhitney([]float64{1, 2, 3, 4, 5}, []float64{6, 7, 8, 9, 10})
	near(t, "5 and 5", r.P, 2.0/252, 1e-12)
	near(t, "superiority", r.Superiority, 1, 0)
	// All orders of 4 and 5 values, counted: the distribution of U.
	counts := map[int]int{}
	for set := range 1 << 9 {
		u, ones := 0, 0
		for i := range 9 {
			if set>>i&1 == 1 {
				u += i - ones // how many of the others are below
				ones++
			}
		}
		if ones == 5 {
			counts[u]++
		}
	}
	below, all := 0, 126
	for u := range 11 {
		below += counts[u]
		near(t, "4 and 5", exactU(4, 5, u), min(1, 2*float64(below)/float64(all)), 1e-12)
	}
	// Large samples agree with the exact ones where both can be had.
	x, y := make([]float64, 20), make([]float64, 20)
	for i := range 20 {
		x[i], y[i] = float64(2*i), float64(2*i+7)
	}
	exact := MannWhitney(x, y)
	x = append(x, 1000)
	y = append(y, 1001)
	near(t, "normal against exact", MannWhitney(x, y).P, exact.P, 0.05)
	if got := MannWhitney([]float64{1, 1}, []float64{1, 1}); got.P != 1 || got.Superiority != 0.5 {
		t.Errorf("all tied: %+v", got)
	}
}

func TestBootstrapRatioCovers(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	hit := 0
	const runs = 400
	for range runs {
		a, b := make([]float64, 30), make([]float64, 30)
		for i := range a {
			a[i] = 10 + r.NormFloat64()
			b[i] = 15 + 3*r.NormFloat64()
		}
		if i := BootstrapRatio(a, b, 0.95, 500, r); i.Low <= 1.5 && 1.5 <= i.High {
			hit++
		}
	}
	near(t, "coverage", float64(hit)/runs, 0.935, 0.035)
	if i := BootstrapRatio([]float64{0, 0}, []float64{1, 2}, 0.95, 100, r); i.Bounded() {
		t.Errorf("a ratio to zero has bounds: %+v", i)
	}
}
