package scale

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize"
)

// Point is throughput at a size: nodes, or users.
type Point struct {
	N          float64 `json:"n"`
	Throughput float64 `json:"throughput"`
}

// Law is the universal scalability law (Gunther, "Guerrilla Capacity Planning", 2007, chapter 4):
//
//	X(N) = Lambda·N / (1 + Sigma·(N−1) + Kappa·N·(N−1))
//
// Lambda is the throughput of one, Sigma the share of work that is serial (contention), Kappa the cost of keeping each consistent
// with each other (coherency). None is negative.
type Law struct {
	Lambda float64 `json:"lambda"`
	Sigma  float64 `json:"sigma"`
	Kappa  float64 `json:"kappa"`
}

// At is the throughput at size n.
func (l Law) At(n float64) float64 { return l.Lambda * l.relative(n) }

// Efficiency is the throughput at n relative to n times that of one.
func (l Law) Efficiency(n float64) float64 { return l.relative(n) / n }

func (l Law) relative(n float64) float64 { return n / (1 + l.Sigma*(n-1) + l.Kappa*n*(n-1)) }

// Peak is the size of the greatest throughput, infinite where it never falls.
func (l Law) Peak() float64 {
	if l.Kappa <= 0 {
		return math.Inf(1)
	}
	return math.Sqrt(max(1-l.Sigma, 0) / l.Kappa)
}

// Fitted is a law, and how well it describes the points.
type Fitted struct {
	Law
	Points []Point `json:"points"`
	// RSquared is the share of the throughput's variance that the law explains, RelativeError the root mean square of relative
	// residuals.
	RSquared      float64 `json:"r_squared"`
	RelativeError float64 `json:"relative_error"`
	// boot are laws fitted to resampled residuals, for intervals.
	boot []Law
}

// ErrFewPoints is returned by Fit when there are fewer than three sizes.
var ErrFewPoints = errors.New("scale: the law has three parameters: measure at three sizes or more")

// resamples is the number of bootstrap fits behind an interval.
const resamples = 200

// Fit fits the law to the points, by least squares of relative residuals. Lambda is solved exactly for each trial of the others,
// which start from the transformed quadratic (Gunther, section 5.6). The seed is of the bootstrap behind Interval.
func Fit(points []Point, seed uint64) (*Fitted, error) {
	sizes := map[float64]bool{}
	for _, p := range points {
		if !(p.N >= 1) || !(p.Throughput > 0) || math.IsInf(p.N, 0) || math.IsInf(p.Throughput, 0) {
			return nil, fmt.Errorf("scale: a point of size %v and throughput %v cannot be fitted", p.N, p.Throughput)
		}
		sizes[p.N] = true
	}
	if len(sizes) < 3 {
		return nil, ErrFewPoints
	}
	law, err := fit(points)
	if err != nil {
		return nil, err
	}
	f := &Fitted{Law: law, Points: slices.Clone(points)}
	f.assess()
	f.resample(rand.New(rand.NewPCG(seed, 0x5ca1e)))
	return f, nil
}

func fit(points []Point) (Law, error) {
	s, k := transformed(points)
	// The squares keep both parameters from becoming negative.
	problem := optimize.Problem{Func: func(x []float64) float64 { return loss(points, profile(points, x[0]*x[0], x[1]*x[1])) }}
	best, bestLoss := profile(points, s, k), math.Inf(1)
	for _, start := range [][]float64{{math.Sqrt(s), math.Sqrt(k)}, {0.1, 0.01}, {0.5, 0.1}} {
		r, err := optimize.Minimize(problem, start, &optimize.Settings{
			FuncEvaluations: 20_000, Converger: &optimize.FunctionConverge{Absolute: 1e-14, Relative: 1e-12, Iterations: 200},
		}, &optimize.NelderMead{SimplexSize: 0.1})
		if r == nil {
			return Law{}, fmt.Errorf("scale: fitting the law: %w", err)
		}
		if r.F < bestLoss {
			best, bestLoss = profile(points, r.X[0]*r.X[0], r.X[1]*r.X[1]), r.F
		}
	}
	return best, nil
}

// profile returns the law with these two parameters whose Lambda fits the points best.
func profile(points []Point, sigma, kappa float64) Law {
	l := Law{Lambda: 1, Sigma: sigma, Kappa: kappa}
	var num, den float64
	for _, p := range points {
		f := l.relative(p.N) / p.Throughput
		num += f
		den += f * f
	}
	l.Lambda = num / den
	return l
}

func loss(points []Point, l Law) float64 {
	var sum float64
	for _, p := range points {
		e := l.At(p.N)/p.Throughput - 1
		sum += e * e
	}
	return sum
}

// transformed solves y = a·x² + b·x with x = N−1 and y = (N/C(N))−1, C being throughput relative to the smallest size's; then
// Kappa = a and Sigma = b − a.
func transformed(points []Point) (sigma, kappa float64) {
	first := slices.MinFunc(points, func(a, b Point) int { return int(math.Copysign(1, a.N-b.N)) })
	one := first.Throughput / first.N
	a := mat.NewDense(len(points), 2, nil)
	y := mat.NewVecDense(len(points), nil)
	for i, p := range points {
		x := p.N - 1
		a.SetRow(i, []float64{x * x, x})
		y.SetVec(i, p.N*one/p.Throughput-1)
	}
	var c mat.VecDense
	if err := c.SolveVec(a, y); err != nil {
		return 0.05, 0.001
	}
	kappa = max(c.AtVec(0), 0)
	return max(c.AtVec(1)-kappa, 0), kappa
}

func (f *Fitted) assess() {
	var mean, residual, total float64
	for _, p := range f.Points {
		mean += p.Throughput / float64(len(f.Points))
	}
	for _, p := range f.Points {
		residual += math.Pow(p.Throughput-f.At(p.N), 2)
		total += math.Pow(p.Throughput-mean, 2)
	}
	if total > 0 {
		f.RSquared = 1 - residual/total
	}
	f.RelativeError = math.Sqrt(loss(f.Points, f.Law) / float64(len(f.Points)))
}

// resample fits again to points whose relative residuals are drawn anew, scaled for the degrees of freedom the fit took.
func (f *Fitted) resample(r *rand.Rand) {
	n := len(f.Points)
	residuals := make([]float64, n)
	grow := math.Sqrt(float64(n) / float64(max(n-3, 1)))
	for i, p := range f.Points {
		residuals[i] = (p.Throughput/f.At(p.N) - 1) * grow
	}
	for range resamples {
		drawn := make([]Point, n)
		for i, p := range f.Points {
			drawn[i] = Point{N: p.N, Throughput: f.At(p.N) * max(1+residuals[r.IntN(n)], 1e-3)}
		}
		if l, err := fit(drawn); err == nil {
			f.boot = append(f.boot, l)
		}
	}
}

// Interval bounds the efficiency at n at a confidence level, by the percentiles of a residual bootstrap (Efron, 1979). It says how sure
// the fit is if the law holds, and nothing of whether it does beyond the sizes measured.
func (f *Fitted) Interval(n, level float64) (low, high float64) {
	if len(f.boot) == 0 {
		return f.Efficiency(n), f.Efficiency(n)
	}
	values := make([]float64, len(f.boot))
	for i, l := range f.boot {
		values[i] = l.Efficiency(n)
	}
	return percentiles(values, level)
}

// percentiles returns the bounds of the middle part of values, which it sorts.
func percentiles(values []float64, level float64) (low, high float64) {
	slices.Sort(values)
	at := func(q float64) float64 {
		return values[min(max(int(math.Round(q*float64(len(values)-1))), 0), len(values)-1)]
	}
	return at((1 - level) / 2), at((1 + level) / 2)
}
