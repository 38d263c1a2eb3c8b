package stat

import (
	"math"
	"slices"

	gonum "gonum.org/v1/gonum/stat"
)

// MSER finds how many values at the begin of a series belong to its warm-up: those without which the mean's standard error, estimated as if values were
// independent, is least, over means of batches of so many values. With batches of 5 it is MSER-5 (White, An Effective Truncation Heuristic for
// Bias Reduction in Simulation Output, Simulation 69(6), 1997; Spratt, 1998). At most half of the series is taken for warm-up. ok is false where that is not enough: then it
// is too short, or never steady.
func MSER(x []float64, batch int) (truncate int, ok bool) {
	batch = max(batch, 1)
	n := len(x) / batch
	if n < 4 {
		return 0, false
	}
	means := make([]float64, n) // the remainder is left out at the end
	for i := range means {
		means[i] = gonum.Mean(x[i*batch:(i+1)*batch], nil)
	}
	best, at := math.Inf(1), 0
	var sum, squares float64
	origin := means[n-1] // keeps the squares small
	for d := n - 1; d >= 0; d-- {
		v := means[d] - origin
		sum, squares = sum+v, squares+v*v
		k := float64(n - d)
		if d > n/2 { // few values agree by chance
			continue
		}
		if mser := max(0, squares-sum*sum/k) / (k * k); mser <= best {
			best, at = mser, d
		}
	}
	return at * batch, at < n/2
}

// Detector finds, while a series goes on, when it is steady: when the part after MSER-5's truncation is at least half of it, and that part's
// halves agree: they differ by less than a tolerance, or by no more than chance explains where values vary too much for that. The
// zero value is not usable; it belongs to one goroutine.
type Detector struct {
	tolerance float64
	x         []float64
	truncated int
	steady    bool
}

// mostDetected bounds what a Detector keeps: beyond it, neighbours are merged.
const mostDetected = 4096

// fewestSteady is the number of values of which a part that is called steady has at least so many.
const fewestSteady = 20

// NewDetector returns a detector with a tolerance relative to the mean, such as 0.05.
func NewDetector(tolerance float64) *Detector { return &Detector{tolerance: tolerance} }

// Add takes the next value and reports whether the series is steady. Once it is, it stays so.
func (d *Detector) Add(v float64) bool {
	if d.steady {
		return true
	}
	if len(d.x) == mostDetected {
		d.x = batchMeans(d.x, 2)
	}
	d.x = append(d.x, v)
	if len(d.x) < fewestSteady || len(d.x)%5 != 0 {
		return false
	}
	truncated, ok := MSER(d.x, 5)
	if !ok || len(d.x)-truncated < fewestSteady {
		return false
	}
	d.truncated = truncated
	d.steady = flat(d.x[truncated:], d.tolerance)
	return d.steady
}

// flat reports whether the halves of a series agree.
func flat(x []float64, tolerance float64) bool {
	first, second := x[:len(x)/2], x[len(x)/2:]
	difference := math.Abs(gonum.Mean(second, nil) - gonum.Mean(first, nil))
	mean := math.Abs(gonum.Mean(x, nil))
	if mean == 0 {
		return false
	}
	if difference <= tolerance*mean {
		return true
	}
	// Few operations in a window, such as long queries, vary too much to be held to the tolerance: twice as many are asked for.
	return len(x) >= 2*fewestSteady && Welch(Summarize(batchMeans(first, 5)), Summarize(batchMeans(second, 5)), 0.95).P > 0.1
}

// Truncated is how many values belong to the warm-up, once Add reported that the series is steady.
func (d *Detector) Truncated() int { return d.truncated }

// TukeyFences are the bounds outside which values are outliers: k interquartile ranges beyond the quartiles; k is 1.5, and 3 for those far out
// (Tukey, Exploratory Data Analysis, 1977). Without values there are none.
func TukeyFences(x []float64, k float64) (low, high float64) {
	if len(x) == 0 {
		return math.Inf(-1), math.Inf(1)
	}
	sorted := slices.Sorted(slices.Values(x))
	q1 := gonum.Quantile(0.25, gonum.LinInterp, sorted, nil)
	q3 := gonum.Quantile(0.75, gonum.LinInterp, sorted, nil)
	return q1 - k*(q3-q1), q3 + k*(q3-q1)
}

// ModifiedZ is by how many standard deviations each value differs from the median, with the deviation estimated from the median of absolute
// deviations, which outliers do not move; 3.5 marks one (Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993). Where more than half
// of the values are equal, the mean absolute deviation takes its place.
func ModifiedZ(x []float64) []float64 {
	z := make([]float64, len(x))
	if len(x) == 0 {
		return z
	}
	median := Median(x)
	deviations := make([]float64, len(x))
	for i, v := range x {
		deviations[i] = math.Abs(v - median)
	}
	scale := 1.482602 * Median(deviations) // 1 ÷ the normal distribution's 0.75 quantile
	if scale == 0 {
		scale = 1.253314 * gonum.Mean(deviations, nil) // the square root of π/2
	}
	if scale == 0 {
		return z
	}
	for i, v := range x {
		z[i] = (v - median) / scale
	}
	return z
}

// Median of values; NaN without any.
func Median(x []float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(x))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}
