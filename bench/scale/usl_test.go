package scale

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

func points(l Law, noise float64, sizes ...float64) []Point {
	r := rand.New(rand.NewPCG(7, 7))
	var out []Point
	for _, n := range sizes {
		out = append(out, Point{N: n, Throughput: l.At(n) * (1 + noise*r.NormFloat64())})
	}
	return out
}

func TestTheFitRecoversALaw(t *testing.T) {
	for _, l := range []Law{
		{Lambda: 1000, Sigma: 0.02, Kappa: 0.0001}, {Lambda: 3, Sigma: 0.3, Kappa: 0.01}, {Lambda: 5e5, Sigma: 0.05}, {Lambda: 42},
	} {
		f, err := Fit(points(l, 0, 1, 2, 4, 8, 16, 32), 1)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "lambda", f.Lambda, l.Lambda, 1e-4)
		if math.Abs(f.Sigma-l.Sigma) > 1e-4 || math.Abs(f.Kappa-l.Kappa) > 1e-5 {
			t.Errorf("%+v fitted as %+v", l, f.Law)
		}
		if f.RSquared < 0.999999 || f.RelativeError > 1e-4 {
			t.Errorf("%+v: R² %v, error %v", l, f.RSquared, f.RelativeError)
		}
	}
}

// The published example: the ray-tracing benchmark of "Guerrilla Capacity Planning", table 4.2, whose fit in the book is sigma 0.0498 and
// kappa 1.15e-5.
func TestTheFitAgreesWithThePublishedExample(t *testing.T) {
	f, err := Fit([]Point{{1, 20}, {4, 78}, {8, 130}, {12, 170}, {16, 190}, {20, 200}, {24, 210}, {28, 230}, {32, 260}, {48, 280}, {64, 310}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(f.Sigma-0.0498) > 0.01 || f.Kappa > 3e-4 {
		t.Errorf("sigma %v, kappa %v", f.Sigma, f.Kappa)
	}
}

func TestTheIntervalHoldsTheTruth(t *testing.T) {
	truth := Law{Lambda: 1000, Sigma: 0.03, Kappa: 0.0005}
	f, err := Fit(points(truth, 0.01, 1, 2, 3, 4, 6, 8, 12, 16), 1)
	if err != nil {
		t.Fatal(err)
	}
	low, high := f.Interval(16, 0.95)
	if e := truth.Efficiency(16); e < low || e > high || high-low > 0.1 || high <= low {
		t.Errorf("efficiency %v in %v to %v", e, low, high)
	}
}

func TestPeakAndEfficiency(t *testing.T) {
	l := Law{Lambda: 10, Sigma: 0.1, Kappa: 0.01}
	near(t, "peak", l.Peak(), math.Sqrt(0.9/0.01), 1e-12)
	if !math.IsInf((Law{Lambda: 1}).Peak(), 1) || l.Efficiency(1) != 1 || l.At(1) != 10 {
		t.Error("edges")
	}
}

func TestWhatCannotBeFitted(t *testing.T) {
	if _, err := Fit([]Point{{1, 1}, {2, 2}, {2, 2.1}}, 1); !errors.Is(err, ErrFewPoints) {
		t.Errorf("two sizes: %v", err)
	}
	for _, p := range []Point{{0, 1}, {1, 0}, {math.NaN(), 1}, {2, math.Inf(1)}} {
		if _, err := Fit([]Point{p, {2, 2}, {3, 3}, {4, 4}}, 1); err == nil {
			t.Errorf("%v is fitted", p)
		}
	}
}
