package train

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/attunedb/attune/engine/forest"
)

// pipeline draws a pipeline and its time on a machine where no sum of per-tuple
// costs is right: a hash table that leaves the cache is six times slower to
// probe, remote rows are cheap in bulk and dear one by one, and LIKE costs by
// the width of the row.
func pipeline(rng *rand.Rand, noise float64) (forest.PipelineFeatures, float64) {
	rows := math.Floor(math.Exp(2 + rng.Float64()*11))
	f := forest.PipelineFeatures{SourceRows: rows, SourceWidthBytes: 8 + 120*rng.Float64(), SinkWidthBytes: 8 + 60*rng.Float64(),
		Parallelism: float64(1 + rng.IntN(2))}
	perTuple, fixed := 30.0, 15_000.0
	if rng.IntN(4) == 0 {
		f.LocationShare[forest.Remote] = 1
		perTuple, fixed = perTuple+90, fixed+800_000
	} else {
		f.LocationShare[forest.InRows] = 1
	}
	f.AddOperator(forest.TableScan, rows, 0)
	reach := rows
	if rng.IntN(3) > 0 {
		f.AddOperator(forest.Filter, rows, 0)
		if rng.IntN(2) == 0 {
			f.ExprEvals[forest.ExprLike] += rows
			perTuple += 2 * f.SourceWidthBytes
		} else {
			f.ExprEvals[forest.ExprCompare] += rows
			perTuple += 3
		}
		reach *= rng.Float64()
	}
	for range rng.IntN(4) {
		table := math.Exp(rng.Float64() * 15)
		probe := 25.0
		if table > 50_000 {
			probe = 150
		}
		f.AddOperator(forest.HashProbe, reach, table)
		perTuple += probe * reach / rows
		reach *= rng.Float64() * 1.5
	}
	switch rng.IntN(3) {
	case 0:
		f.AddOperator(forest.HashBuild, reach, reach)
		perTuple += 70 * reach / rows
	case 1:
		f.AddOperator(forest.SortBuild, reach, 0)
		perTuple += 9 * math.Log2(2+reach) * reach / rows
	}
	f.SinkRows = reach
	nanos := (fixed + perTuple*rows/(1+0.8*(f.Parallelism-1))) * math.Exp(noise*rng.NormFloat64())
	return f, nanos
}

func machine(seed uint64, n int, noise float64) *Set {
	rng := rand.New(rand.NewPCG(seed, 1))
	s := &Set{}
	for range n {
		f, nanos := pipeline(rng, noise)
		s.Add(&f, nanos)
	}
	return s
}

// score measures f on fresh pipelines without noise.
func score(f *forest.Forest, seed uint64) (r2, median, p90 float64) {
	test := machine(seed, 1000, 0)
	center := mean(test.targets)
	var squared, total float64
	var q []float64
	for i, v := range test.vectors {
		got, _ := f.Predict(v)
		d := got - test.targets[i]
		squared += d * d
		total += (test.targets[i] - center) * (test.targets[i] - center)
		q = append(q, math.Exp(math.Abs(d)))
	}
	slices.Sort(q)
	return 1 - squared/total, q[len(q)/2], q[len(q)*9/10]
}

func TestFitLearnsANonLinearMachine(t *testing.T) {
	start := time.Now()
	res, err := Fit(context.Background(), Config{Seed: 1}, machine(10, 2000, 0.15))
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	r2, median, p90 := score(res.Forest, 11)
	t.Logf("2,000 samples in %v: %+v; on unseen, noise-free pipelines R² %.3f, q-error median %.3f, p90 %.3f", took, res.Report, r2, median, p90)
	if r2 < 0.93 || median > 1.2 || p90 > 1.7 {
		t.Errorf("R² %.3f, q-error median %.3f, p90 %.3f; want ≥ 0.93, ≤ 1.2, ≤ 1.7", r2, median, p90)
	}
	if n := len(res.HeldOut); n != 400 || res.Report.HeldOut != n || res.Report.Rows != 2000 || !slices.IsSorted(res.HeldOut) {
		t.Errorf("held out %d, report %+v", n, res.Report)
	}
	if res.Report.R2 < 0.85 || res.Forest.Noise < 0.1 || res.Forest.Noise > 0.5 {
		t.Errorf("hold-out R² %.3f and noise %.3f for noise 0.15", res.Report.R2, res.Forest.Noise)
	}
}

// The spread must tell what the model knows from what it does not: pipelines
// like those seen against pipelines of operators and sizes never seen.
func TestSpreadGrowsWithIgnorance(t *testing.T) {
	few, err := Fit(context.Background(), Config{Seed: 1, Trees: 25}, machine(20, 120, 0.15))
	if err != nil {
		t.Fatal(err)
	}
	many, err := Fit(context.Background(), Config{Seed: 1, Trees: 25}, machine(20, 2000, 0.15))
	if err != nil {
		t.Fatal(err)
	}
	average := func(f *forest.Forest) float64 {
		sum := 0.0
		for _, v := range machine(21, 500, 0).vectors {
			_, spread := f.Predict(v)
			sum += spread
		}
		return sum / 500
	}
	if a, b := average(few.Forest), average(many.Forest); !(b > 0) || a < 1.2*b {
		t.Errorf("mean spread %.3f after 120 samples, %.3f after 2,000", a, b)
	}
}

func TestFitIsDeterministicAndSeeded(t *testing.T) {
	cfg := Config{Members: 2, Trees: 6, TreeRows: 200}
	encode := func(seed uint64) []byte {
		cfg.Seed = seed
		res, err := Fit(context.Background(), cfg, machine(30, 400, 0.1))
		if err != nil {
			t.Fatal(err)
		}
		data, err := res.Forest.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	if !bytes.Equal(encode(5), encode(5)) {
		t.Error("one seed, two models")
	}
	if bytes.Equal(encode(5), encode(6)) {
		t.Error("two seeds, one model")
	}
}

func TestHeldOutRowsShapeNoTree(t *testing.T) {
	// With one tree at most, and that one kept or not, changing the held-out
	// targets by a constant cannot change any threshold or leaf.
	cfg := Config{Members: 1, Trees: 1, Seed: 3}
	a := machine(40, 300, 0.1)
	first, err := Fit(context.Background(), cfg, a)
	if err != nil {
		t.Fatal(err)
	}
	b := machine(40, 300, 0.1)
	for _, i := range first.HeldOut {
		b.targets[i] += 0.01
	}
	second, err := Fit(context.Background(), cfg, b)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(first.Forest.Nodes, second.Forest.Nodes) || first.Forest.Members[0].Base != second.Forest.Members[0].Base {
		t.Error("held-out targets changed the model")
	}
}

func TestFitRefusesWhatCannotBeLearned(t *testing.T) {
	alike, noFeatures, unrelated := &Set{}, &Set{}, &Set{}
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 200 {
		f, _ := pipeline(rng, 0)
		alike.AddVector(f.Vector(nil), 3)
		noFeatures.AddVector(make([]float64, forest.FeatureCount), float64(i))
		// The target is a coin that no feature knows of.
		v := make([]float64, forest.FeatureCount)
		v[0] = float64(i % 2)
		unrelated.AddVector(v, float64(rng.IntN(2)))
	}
	for name, c := range map[string]struct {
		set  *Set
		want error
	}{
		"empty":       {&Set{}, ErrTooFew},
		"few":         {machine(1, 49, 0), ErrTooFew},
		"one target":  {alike, ErrConstant},
		"one feature": {noFeatures, ErrConstant},
	} {
		if _, err := Fit(context.Background(), Config{}, c.set); !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", name, err, c.want)
		}
	}
	// Pure noise either teaches nothing or a model that admits to its error.
	if res, err := Fit(context.Background(), Config{}, unrelated); err != nil && !errors.Is(err, ErrConstant) {
		t.Errorf("noise: %v", err)
	} else if err == nil && (res.Report.R2 > 0.3 || res.Forest.Noise < 0.3) {
		t.Errorf("noise was learned: %+v, noise %v", res.Report, res.Forest.Noise)
	}
}

func TestSetDropsPoison(t *testing.T) {
	s := machine(50, 100, 0.1)
	bad := forest.PipelineFeatures{SourceRows: math.Inf(1)}
	good := forest.PipelineFeatures{SourceRows: 10}
	for name, kept := range map[string]bool{
		"nan time":     s.Add(&good, math.NaN()),
		"zero time":    s.Add(&good, 0),
		"inf time":     s.Add(&good, math.Inf(1)),
		"inf rows":     s.Add(&bad, 100),
		"short vector": s.AddVector([]float64{1}, 1),
		"nan target":   s.AddVector(make([]float64, forest.FeatureCount), math.NaN()),
	} {
		if kept {
			t.Errorf("%s: kept", name)
		}
	}
	if s.Len() != 100 || s.Dropped() != 6 {
		t.Fatalf("%d kept, %d dropped", s.Len(), s.Dropped())
	}
	res, err := Fit(context.Background(), Config{Members: 1, Trees: 3}, s)
	if err != nil || res.Report.Dropped != 6 {
		t.Errorf("report %+v, error %v", res.Report, err)
	}
}

// expiring is a context that is cancelled at the nth look.
type expiring struct {
	context.Context
	looks *int
}

func (c expiring) Err() error {
	if *c.looks--; *c.looks < 0 {
		return context.Canceled
	}
	return nil
}

func TestFitStopsBetweenTrees(t *testing.T) {
	looks := 4
	_, err := Fit(expiring{context.Background(), &looks}, Config{TreeRows: 100}, machine(60, 300, 0.1))
	if !errors.Is(err, context.Canceled) || looks != -1 {
		t.Errorf("error %v after %d further looks", err, -1-looks)
	}
}

// The retraining that happens in production: 2,000 samples, default size.
func BenchmarkFit2000(b *testing.B) {
	s := machine(70, 2000, 0.15)
	for b.Loop() {
		if _, err := Fit(context.Background(), Config{}, s); err != nil {
			b.Fatal(err)
		}
	}
}
