package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/attunedb/attune/engine/forest"
)

// MaxLevels is the most levels a feature is binned to: golearn's search is
// quadratic in them.
const MaxLevels = 32

// Config sizes the ensemble. Zero fields take the defaults.
type Config struct {
	// Members is the boosted models in the ensemble. Default 5.
	Members int
	// Trees is the most trees of a member. Default 40.
	Trees int
	// Depth of a tree. Default 5.
	Depth int
	// Levels a feature is binned to, at most MaxLevels. Default 24.
	Levels int
	// Shrinkage is the share of each tree that is added. Default 0.15.
	Shrinkage float64
	// TreeRows is the most rows that one tree sees. Default 800.
	TreeRows int
	// MemberShare is the share of the training rows that a member sees, and
	// ColumnShare of the varying features that a tree sees. Defaults 0.8 and 0.6.
	MemberShare, ColumnShare float64
	// HoldOut is the share of rows kept from training. Default 0.2.
	HoldOut float64
	// Patience is the trees without a better hold-out error after which a member
	// is complete. Default 8.
	Patience int
	// MinRows is the fewest usable rows to train on. Default 50; at least 10.
	MinRows int
	// Seed fixes all sampling.
	Seed uint64
}

func (c Config) withDefaults() Config {
	whole := func(x *int, def int) {
		if *x <= 0 {
			*x = def
		}
	}
	share := func(x *float64, def, most float64) {
		if !(*x > 0 && *x <= most) {
			*x = def
		}
	}
	whole(&c.Members, 5)
	whole(&c.Trees, 40)
	whole(&c.Depth, 5)
	whole(&c.Levels, 24)
	whole(&c.TreeRows, 800)
	whole(&c.Patience, 8)
	whole(&c.MinRows, 50)
	share(&c.Shrinkage, 0.15, 1)
	share(&c.MemberShare, 0.8, 1)
	share(&c.ColumnShare, 0.6, 1)
	share(&c.HoldOut, 0.2, 0.5)
	c.Members = min(c.Members, forest.MaxMembers)
	c.Levels = min(max(c.Levels, 2), MaxLevels)
	c.TreeRows = max(c.TreeRows, 10)
	c.MinRows = max(c.MinRows, 10)
	return c
}

// Why there is no model. Each is a state of the data, not a fault: the caller
// keeps what it has and tries again with more.
var (
	ErrTooFew   = errors.New("train: too few usable samples")
	ErrConstant = errors.New("train: nothing to learn: targets or features are all alike")
)

// Result is a trained model and how it did on the rows held out.
type Result struct {
	Forest *forest.Forest
	// HeldOut are the indexes, in the order of Set.Add calls that returned true,
	// of the rows that shaped no tree, ascending.
	HeldOut []int
	Report  Report
}

// Report describes a training run; errors are on the held-out rows.
type Report struct {
	// Rows were usable, of which HeldOut were held out; Dropped were not usable.
	Rows, HeldOut, Dropped int
	// Features is the number of features that vary, Trees that of trees kept.
	Features, Trees int
	// R2 is 1 − squared error ÷ variance of the target.
	R2 float64
	// MedianQError, P90QError and MaxQError are factors ≥ 1 between predicted and
	// measured time.
	MedianQError, P90QError, MaxQError float64
}

// Fit trains a forest on set, which it does not change. A tree takes some 15 ms
// of one core at the default sizes, however large set is beyond TreeRows. Fit
// looks at ctx between trees; its error is then ctx's. With too little or with
// featureless data the error is ErrTooFew or ErrConstant.
func Fit(ctx context.Context, cfg Config, set *Set) (Result, error) {
	cfg = cfg.withDefaults()
	if set.Len() < cfg.MinRows {
		return Result{}, fmt.Errorf("%w: %d of %d, %d dropped", ErrTooFew, set.Len(), cfg.MinRows, set.Dropped())
	}
	rng := rand.New(rand.NewPCG(cfg.Seed, 0x5eed))
	order := rng.Perm(set.Len())
	held := order[:max(1, int(cfg.HoldOut*float64(len(order))))]
	kept := order[len(held):]
	slices.Sort(held)
	slices.Sort(kept)
	if slices.Min(pick(set.targets, kept)) == slices.Max(pick(set.targets, kept)) {
		return Result{}, fmt.Errorf("%w: %d equal targets", ErrConstant, len(kept))
	}
	b := booster{cfg: cfg, rows: pick(set.vectors, kept), targets: pick(set.targets, kept),
		heldRows: pick(set.vectors, held), heldTargets: pick(set.targets, held)}
	b.bins = bin(b.rows, cfg.Levels)
	if len(b.bins.features) == 0 {
		return Result{}, fmt.Errorf("%w: no feature varies over %d rows", ErrConstant, len(kept))
	}
	f := &forest.Forest{Schema: forest.SchemaVersion}
	f.Low, f.High = bounds(b.rows)
	for range cfg.Members {
		member, err := b.member(ctx, f, rand.New(rand.NewPCG(rng.Uint64(), rng.Uint64())))
		if err != nil {
			return Result{}, err
		}
		f.Members = append(f.Members, member)
	}
	if f.Constant() {
		return Result{}, fmt.Errorf("%w: no split helps on %d rows", ErrConstant, len(kept))
	}
	report := b.assess(f)
	report.Rows, report.HeldOut, report.Dropped = set.Len(), len(held), set.Dropped()
	if err := f.Validate(); err != nil {
		return Result{}, fmt.Errorf("train: %w", err)
	}
	return Result{Forest: f, HeldOut: held, Report: report}, nil
}

// booster holds what the members of one Fit share.
type booster struct {
	cfg                  Config
	rows, heldRows       [][]float64
	targets, heldTargets []float64
	bins                 binned
}

// member boosts one model and appends its trees to f.Nodes.
func (b *booster) member(ctx context.Context, f *forest.Forest, rng *rand.Rand) (forest.Member, error) {
	mine := rng.Perm(len(b.rows))[:max(1, int(b.cfg.MemberShare*float64(len(b.rows))))]
	m := forest.Member{Base: mean(pick(b.targets, mine))}
	fitted, heldFitted := constant(len(b.rows), m.Base), constant(len(b.heldRows), m.Base)
	bestError, bestTrees, bestNodes := meanAbs(b.heldTargets, heldFitted), 0, len(f.Nodes)
	for len(m.Roots) < b.cfg.Trees && len(m.Roots)-bestTrees < b.cfg.Patience {
		if err := ctx.Err(); err != nil {
			return m, fmt.Errorf("train: stopped: %w", err)
		}
		rng.Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
		seen := mine[:min(len(mine), b.cfg.TreeRows)]
		columns := rng.Perm(len(b.bins.features))[:max(1, int(math.Ceil(b.cfg.ColumnShare*float64(len(b.bins.features)))))]
		slices.Sort(columns)
		residuals := make([]float64, len(seen))
		codes := make([][]float64, len(seen))
		for i, row := range seen {
			residuals[i] = b.targets[row] - fitted[row]
			codes[i] = pick(b.bins.codes[row], columns)
		}
		if slices.Min(residuals) == slices.Max(residuals) {
			break
		}
		tree, err := fitTree(codes, residuals, b.cfg.Depth)
		if err != nil {
			return m, err
		}
		var root int32
		f.Nodes, root = flatten(f.Nodes, tree, &b.bins, columns, b.cfg.Shrinkage)
		m.Roots = append(m.Roots, root)
		addTree(f.Nodes, root, b.rows, fitted)
		addTree(f.Nodes, root, b.heldRows, heldFitted)
		if e := meanAbs(b.heldTargets, heldFitted); e < bestError {
			bestError, bestTrees, bestNodes = e, len(m.Roots), len(f.Nodes)
		}
	}
	m.Roots, f.Nodes = m.Roots[:bestTrees], f.Nodes[:bestNodes]
	return m, nil
}

// assess measures f on the held-out rows and sets its Noise.
func (b *booster) assess(f *forest.Forest) Report {
	r := Report{Features: len(b.bins.features), Trees: f.Trees()}
	center := mean(b.heldTargets)
	errs := make([]float64, len(b.heldRows))
	var squared, total float64
	for i, row := range b.heldRows {
		got, _ := f.Predict(row)
		errs[i] = math.Abs(got - b.heldTargets[i])
		squared += errs[i] * errs[i]
		total += (b.heldTargets[i] - center) * (b.heldTargets[i] - center)
	}
	if total > 0 {
		r.R2 = 1 - squared/total
	}
	slices.Sort(errs)
	at := func(q float64) float64 { return errs[min(len(errs)-1, int(q*float64(len(errs))))] }
	// 68 % of a normal distribution lie within one deviation; unlike the mean
	// square, this quantile ignores a few hiccups in the measurements.
	f.Noise = at(0.68)
	r.MedianQError, r.P90QError, r.MaxQError = math.Exp(at(0.5)), math.Exp(at(0.9)), math.Exp(at(1))
	return r
}

// addTree adds the value of the tree at root to each row's sum.
func addTree(nodes []forest.Node, root int32, rows [][]float64, sums []float64) {
	for i, row := range rows {
		n := &nodes[root]
		for n.Feature >= 0 {
			if row[n.Feature] < n.Threshold {
				n = &nodes[n.Left]
			} else {
				n = &nodes[n.Right]
			}
		}
		sums[i] += n.Threshold
	}
}

func bounds(rows [][]float64) (low, high []float64) {
	low, high = slices.Clone(rows[0]), slices.Clone(rows[0])
	for _, row := range rows {
		for i, x := range row {
			low[i], high[i] = min(low[i], x), max(high[i], x)
		}
	}
	return low, high
}

func pick[T any](from []T, at []int) []T {
	out := make([]T, len(at))
	for i, k := range at {
		out[i] = from[k]
	}
	return out
}

func constant(n int, x float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = x
	}
	return out
}

func mean(xs []float64) float64 {
	sum := 0.0
	for _, x := range xs {
		sum += x
	}
	return sum / float64(len(xs))
}

func meanAbs(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += math.Abs(a[i] - b[i])
	}
	return sum / float64(len(a))
}
