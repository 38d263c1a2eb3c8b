package stat

import (
	"math"
	"math/rand/v2"
	"slices"

	gonum "gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Summary is a mean, and how sure it is.
type Summary struct {
	Mean, StandardError, DegreesOfFreedom float64
}

// Summarize returns the summary of independent values. Of fewer than two the error is infinite.
func Summarize(x []float64) Summary {
	i := MeanInterval(x, 0.95)
	return Summary{Mean: i.Mean, StandardError: i.StandardError, DegreesOfFreedom: i.DegreesOfFreedom}
}

// Difference is the outcome of a test whether two means differ.
type Difference struct {
	// Interval is of the second mean less the first.
	Interval
	T float64
	// P is the probability of a difference as large, in either direction, if there is none.
	P float64
}

// Welch tests whether the means of b and a differ, without taking their variances to be equal (Welch, Biometrika 34, 1947).
func Welch(a, b Summary, level float64) Difference {
	difference := b.Mean - a.Mean
	va, vb := a.StandardError*a.StandardError, b.StandardError*b.StandardError
	se := math.Sqrt(va + vb)
	unknown := Difference{P: 1, Interval: Interval{Mean: difference, Low: math.Inf(-1), High: math.Inf(1), Level: level, StandardError: math.Inf(1)}}
	if math.IsInf(se, 0) || math.IsNaN(se) {
		return unknown
	}
	if se == 0 {
		d := Difference{P: 1, Interval: Interval{Mean: difference, Low: difference, High: difference, Level: level}}
		if difference != 0 {
			d.P, d.T = 0, math.Inf(int(math.Copysign(1, difference)))
		}
		return d
	}
	df := (va + vb) * (va + vb) / (ratio(va*va, a.DegreesOfFreedom) + ratio(vb*vb, b.DegreesOfFreedom))
	if !(df > 0) {
		return unknown
	}
	d := Difference{Interval: studentInterval(difference, se, df, level), T: difference / se}
	d.P = 2 * distuv.StudentsT{Mu: 0, Sigma: 1, Nu: df}.CDF(-math.Abs(d.T))
	return d
}

func ratio(x, y float64) float64 {
	if x == 0 {
		return 0
	}
	return x / y
}

// Ranks is the outcome of a Mann-Whitney test.
type Ranks struct {
	// U counts the pairs in which the second sample's value is larger, ties half.
	U float64
	// P is the probability of a U as far from its middle, if both samples are of one distribution.
	P float64
	// Superiority is the share of such pairs: 0.5 says no difference. It is the effect's size.
	Superiority float64
}

// MannWhitney tests whether values of one sample tend to be larger than the other's, whatever their distribution (Mann and Whitney,
// Annals of Mathematical Statistics 18(1), 1947). Small samples without ties are tested exactly, others with the normal approximation, corrected
// for ties and continuity.
func MannWhitney(a, b []float64) Ranks {
	na, nb := len(a), len(b)
	if na == 0 || nb == 0 {
		return Ranks{P: 1, Superiority: 0.5}
	}
	type ranked struct {
		value  float64
		second bool
	}
	all := make([]ranked, 0, na+nb)
	for _, v := range a {
		all = append(all, ranked{v, false})
	}
	for _, v := range b {
		all = append(all, ranked{v, true})
	}
	slices.SortFunc(all, func(x, y ranked) int {
		switch {
		case x.value < y.value:
			return -1
		case x.value > y.value:
			return 1
		}
		return 0
	})
	var rankSum, ties float64
	for i := 0; i < len(all); {
		j := i
		for j < len(all) && all[j].value == all[i].value {
			j++
		}
		rank := float64(i+j+1) / 2 // of 1-based ranks i+1 to j
		for _, v := range all[i:j] {
			if v.second {
				rankSum += rank
			}
		}
		t := float64(j - i)
		ties += t*t*t - t
		i = j
	}
	u := rankSum - float64(nb)*float64(nb+1)/2
	pairs := float64(na) * float64(nb)
	r := Ranks{U: u, Superiority: u / pairs}
	if ties == 0 && na+nb <= 40 {
		r.P = exactU(na, nb, int(math.Round(min(u, pairs-u))))
		return r
	}
	n := float64(na + nb)
	variance := pairs / 12 * (n + 1 - ties/(n*(n-1)))
	if variance <= 0 {
		r.P = 1
		return r
	}
	z := max(0, math.Abs(u-pairs/2)-0.5) / math.Sqrt(variance)
	r.P = 2 * distuv.UnitNormal.CDF(-z)
	return r
}

// exactU returns the probability, in both directions, of a U at most this small.
func exactU(na, nb, u int) float64 {
	// ways[i][j] counts the orders of i and j values with a U of j's; from those in which the largest value is one's or the other's.
	most := na * nb
	ways := make([][]float64, nb+1)
	for j := range ways {
		ways[j] = make([]float64, most+1)
		ways[j][0] = 1 // with none of a
	}
	for i := 1; i <= na; i++ {
		for j := 1; j <= nb; j++ {
			// The largest is one of b, and above all i of a: ways[i][j-1] shifted by i; or one of a: ways[i-1][j], which is in place.
			for s := i * j; s >= i; s-- {
				ways[j][s] += ways[j-1][s-i]
			}
		}
	}
	var below, all float64
	for s, w := range ways[nb] {
		all += w
		if s <= u {
			below += w
		}
	}
	return min(1, 2*below/all)
}

// BootstrapRatio is mean(b) ÷ mean(a) of independent values, with the percentile interval of so many resamples drawn from r (Efron and Tibshirani,
// An Introduction to the Bootstrap, chapter 13). Give it means of batches where values correlate. A mean of zero, or an empty sample, gives
// an interval without bounds.
func BootstrapRatio(a, b []float64, level float64, resamples int, r *rand.Rand) Interval {
	unknown := Interval{Mean: math.NaN(), Low: math.Inf(-1), High: math.Inf(1), Level: level, StandardError: math.Inf(1)}
	if len(a) < 2 || len(b) < 2 || resamples < 2 || gonum.Mean(a, nil) == 0 {
		return unknown
	}
	ratios := make([]float64, 0, resamples)
	for range resamples {
		if q := resampled(b, r) / resampled(a, r); !math.IsNaN(q) && !math.IsInf(q, 0) {
			ratios = append(ratios, q)
		}
	}
	unknown.Mean = gonum.Mean(b, nil) / gonum.Mean(a, nil)
	if len(ratios) < resamples {
		return unknown
	}
	slices.Sort(ratios)
	return Interval{
		Mean: unknown.Mean, Level: level, StandardError: gonum.StdDev(ratios, nil),
		Low:              gonum.Quantile((1-level)/2, gonum.LinInterp, ratios, nil),
		High:             gonum.Quantile((1+level)/2, gonum.LinInterp, ratios, nil),
		DegreesOfFreedom: float64(min(len(a), len(b)) - 1),
	}
}

func resampled(x []float64, r *rand.Rand) float64 {
	var sum float64
	for range x {
		sum += x[r.IntN(len(x))]
	}
	return sum / float64(len(x))
}
