package stat

import (
	"math"

	gonum "gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Interval is an estimate of a mean with its confidence interval.
type Interval struct {
	Mean, Low, High float64
	// Level is the confidence level, 0 to 1.
	Level float64
	// StandardError is of the mean, and DegreesOfFreedom are of that.
	StandardError    float64
	DegreesOfFreedom float64
}

// RelativeError is half the interval's width relative to its middle; infinite where the mean is zero or the interval has no bounds.
func (i Interval) RelativeError() float64 {
	if i.Mean == 0 || math.IsInf(i.High, 0) || math.IsNaN(i.High) {
		return math.Inf(1)
	}
	return (i.High - i.Low) / 2 / math.Abs(i.Mean)
}

// Bounded reports whether the interval has bounds.
func (i Interval) Bounded() bool { return !math.IsInf(i.Low, 0) && !math.IsInf(i.High, 0) }

// MeanInterval is the mean of independent values, with Student's interval. Fewer than two values give one without bounds.
func MeanInterval(x []float64, level float64) Interval {
	if len(x) == 0 {
		return Interval{Low: math.Inf(-1), High: math.Inf(1), Level: level, StandardError: math.Inf(1)}
	}
	if len(x) == 1 {
		return Interval{Mean: x[0], Low: math.Inf(-1), High: math.Inf(1), Level: level, StandardError: math.Inf(1)}
	}
	mean, sd := gonum.MeanStdDev(x, nil)
	return studentInterval(mean, gonum.StdErr(sd, float64(len(x))), float64(len(x)-1), level)
}

func studentInterval(mean, standardError, df, level float64) Interval {
	half := standardError * StudentQuantile(df, (1+level)/2)
	return Interval{Mean: mean, Low: mean - half, High: mean + half, Level: level, StandardError: standardError, DegreesOfFreedom: df}
}

// StudentQuantile is the quantile p of Student's t distribution; infinite without degrees of freedom, or if p is not between 0 and 1.
func StudentQuantile(df, p float64) float64 {
	if !(df > 0 && p > 0 && p < 1) {
		return math.Inf(1)
	}
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: df}.Quantile(p)
}

// Autocorrelation is the correlation of a series with itself so many values later; 0 where that is not defined.
func Autocorrelation(x []float64, lag int) float64 {
	n := len(x)
	if lag < 0 || lag >= n || n < 2 {
		return 0
	}
	mean := gonum.Mean(x, nil)
	var variance, covariance float64
	for i, v := range x {
		variance += (v - mean) * (v - mean)
		if i+lag < n {
			covariance += (v - mean) * (x[i+lag] - mean)
		}
	}
	if variance == 0 {
		return 0
	}
	return covariance / variance
}

// EffectiveSampleSize is how many independent values would say as much about the mean as a series does: n ÷ (1 + 2 × the sum of
// its autocorrelations), which is summed while pairs of neighbouring lags are positive and fall (Geyer, Practical Markov Chain Monte Carlo, Statistical
// Science 7(4), 1992, section 3.3). It is at most n.
func EffectiveSampleSize(x []float64) float64 {
	n := len(x)
	if n < 4 {
		return float64(n)
	}
	sum, before := 0.0, math.Inf(1)
	for lag := 0; lag+1 < n/2; lag += 2 {
		pair := Autocorrelation(x, lag) + Autocorrelation(x, lag+1)
		if pair <= 0 {
			break
		}
		before = min(pair, before)
		sum += before
	}
	return min(float64(n), max(1, float64(n)/(2*sum-1)))
}

// VonNeumann tests a series for autocorrelation between neighbours: the ratio of the sum of squared differences of neighbours to that of
// squared deviations from the mean (von Neumann, Annals of Mathematical Statistics 12(4), 1941), which is about 2 without. p is the
// probability of one as low, if the values are independent: a low p says that neighbours are alike.
func VonNeumann(x []float64) (ratio, p float64) {
	n := float64(len(x))
	if n < 4 {
		return 2, 1
	}
	mean := gonum.Mean(x, nil)
	var differences, deviations float64
	for i, v := range x {
		deviations += (v - mean) * (v - mean)
		if i > 0 {
			differences += (v - x[i-1]) * (v - x[i-1])
		}
	}
	if deviations == 0 {
		return 2, 1
	}
	ratio = differences / deviations
	sd := math.Sqrt(4 * (n - 2) / ((n - 1) * (n + 1)))
	return ratio, distuv.UnitNormal.CDF((ratio - 2) / sd)
}

// Batches is a mean that was estimated from means of batches.
type Batches struct {
	Interval
	// Size is how many values are in a batch, Means are their means.
	Size  int
	Means []float64
	// P is the significance of the batches' autocorrelation (VonNeumann), and Independent whether there is none to speak of. If
	// not, the series is too short for how it is correlated, and the interval is too narrow.
	P           float64
	Independent bool
}

const (
	// mostBatches: more make the interval hardly narrower and batches more alike (Schmeiser, Batch Size Effects in the Analysis of
	// Simulation Output, Operations Research 30(3), 1982, finds no use for more than 30).
	mostBatches = 32
	// fewestBatches: below this the quantile of Student's t widens the interval fast, and the test for autocorrelation is blind.
	fewestBatches = 10
	// batchSignificance: above the usual, as a test that does not reject leaves correlation in.
	batchSignificance = 0.2
)

// BatchMeans is the mean of a correlated series, with the interval of Student's t over means of batches of it. The size of batches is
// doubled until neighbouring batches are not correlated (Fishman, Grouping Observations in Digital Simulation, Management Science 24(5),
// 1978; Law and Kelton, Simulation Modeling and Analysis, section 9.5.3). What does not fill a batch is left out at the series' begin.
func BatchMeans(x []float64, level float64) Batches {
	size := max(1, len(x)/mostBatches)
	for {
		means := batchMeans(x, size)
		_, p := VonNeumann(means)
		b := Batches{Size: size, Means: means, P: p, Independent: p >= batchSignificance && len(means) >= fewestBatches}
		if b.Independent || len(x)/(2*size) < fewestBatches {
			b.Interval = MeanInterval(means, level)
			return b
		}
		size *= 2
	}
}

// batchMeans returns the means of consecutive batches, the last of which ends with the series.
func batchMeans(x []float64, size int) []float64 {
	x = x[len(x)%size:]
	means := make([]float64, 0, len(x)/size)
	for len(x) > 0 {
		means = append(means, gonum.Mean(x[:size], nil))
		x = x[size:]
	}
	return means
}

// GeometricMean is that of positive values; NaN if one is not, or if there are none.
func GeometricMean(x []float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	for _, v := range x {
		if !(v > 0) {
			return math.NaN()
		}
	}
	return gonum.GeometricMean(x, nil)
}

// QuantileRanks returns which order statistics, counted from 1, of a sample of n independent values enclose the quantile q of the
// distribution, with a probability of at least level, and as evenly as they can: the number of values below the quantile has a
// binomial distribution (David and Nagaraja, Order Statistics, section 7.1). ok is false where the sample is too small: then they
// are its ends.
func QuantileRanks(n int64, q, level float64) (low, high int64, ok bool) {
	if n < 1 || !(q > 0 && q < 1) {
		return min(1, n), n, false
	}
	b := distuv.Binomial{N: float64(n), P: q}
	tail := (1 - level) / 2
	// The quantile is below order statistic r if fewer than r values are below it: P(B < r).
	low = lastWhere(n, func(r int64) bool { return cdf(b, r-1) <= tail })
	high = lastWhere(n, func(r int64) bool { return 1-cdf(b, r-1) > tail }) + 1
	ok = low >= 1 && high <= n
	return max(low, 1), min(high, n), ok
}

func cdf(b distuv.Binomial, k int64) float64 {
	if k < 0 {
		return 0
	}
	if k >= int64(b.N) {
		return 1
	}
	return b.CDF(float64(k))
}

// lastWhere returns the largest number from 0 to n for which the condition holds, which holds for all below it; 0 is taken to.
func lastWhere(n int64, holds func(int64) bool) int64 {
	low, high := int64(0), n+1
	for low+1 < high {
		middle := low + (high-low)/2
		if holds(middle) {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}
