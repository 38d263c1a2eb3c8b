package costmodel

import (
	"errors"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/attunedb/attune/engine/forest"
)

// twoMembers is a forest that answers −ln(1 µs a tuple) for scans of fewer than
// e^5 rows and −ln(10 µs) beyond, on which its members disagree by gap.
func twoMembers(gap float64) *forest.Forest {
	f := &forest.Forest{Schema: forest.SchemaVersion, Noise: 0.3,
		Low: make([]float64, forest.FeatureCount), High: make([]float64, forest.FeatureCount)}
	feature := -1
	for i, n := range forest.FeatureNames() {
		f.High[i] = 2
		if n == "log_source_rows" {
			feature, f.High[i] = i, 12
		}
		if n == "count_delete" {
			f.High[i] = 0
		}
	}
	for i := range 2 {
		at := int32(len(f.Nodes))
		shift := gap * (float64(i) - 0.5)
		f.Nodes = append(f.Nodes,
			forest.Node{Feature: int16(feature), Threshold: 5, Left: at + 1, Right: at + 2},
			forest.Node{Feature: forest.Leaf, Threshold: 0},
			forest.Node{Feature: forest.Leaf, Threshold: -math.Log(10)})
		f.Members = append(f.Members, forest.Member{Base: -math.Log(1e-6) + shift, Roots: []int32{at}})
	}
	return f
}

func scan(rows float64) forest.PipelineFeatures {
	f := forest.PipelineFeatures{SourceRows: rows, Parallelism: 1}
	f.AddOperator(forest.TableScan, rows, 0)
	return f
}

func TestPredictorPrefersASureForest(t *testing.T) {
	p := NewPredictor(Config{}, nil)
	if err := p.SetForest(twoMembers(0.2), 7); err != nil {
		t.Fatal(err)
	}
	for rows, want := range map[float64]float64{100: 100 * 1e3, 10000: 10000 * 1e4} {
		f := scan(rows)
		got := p.Predict(&f)
		if math.Abs(got.Nanos/want-1) > 1e-9 || got.Source != SourceForest || got.Fallback != FallbackNone || got.Version != 7 {
			t.Errorf("%v rows: %+v, want %v ns from the forest", rows, got, want)
		}
		// Members 0.2 apart deviate by 0.2/√2; noise is 0.3.
		if sigma := math.Log(got.Spread); math.Abs(sigma-math.Hypot(0.2/math.Sqrt2, 0.3)) > 1e-9 {
			t.Errorf("sigma %v", sigma)
		}
	}
}

func TestPredictorFallsBackAndSaysWhy(t *testing.T) {
	unseen := scan(100)
	unseen.AddOperator(forest.Delete, 100, 0)
	nan := scan(100)
	nan.SinkRows = math.NaN()
	// Finite nodes whose sum is not: Validate cannot see it.
	overflow := twoMembers(0)
	overflow.Nodes[1].Threshold = -math.MaxFloat64
	overflow.Members[0].Base = -math.MaxFloat64
	for name, c := range map[string]struct {
		model *forest.Forest
		f     forest.PipelineFeatures
		why   string
	}{
		"no model":        {nil, scan(100), FallbackNoModel},
		"members differ":  {twoMembers(4), scan(100), FallbackSpread},
		"too many rows":   {twoMembers(0), scan(1e11), FallbackOutside},
		"unseen operator": {twoMembers(0), unseen, FallbackOutside},
		"nan feature":     {twoMembers(0), nan, FallbackBadInput},
		"overflow":        {overflow, scan(100), FallbackNaN},
	} {
		p := NewPredictor(Config{}, nil)
		if err := p.SetForest(c.model, 1); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := p.Predict(&c.f)
		nanos, sigma := p.Classical().Predict(&c.f)
		want := Prediction{Nanos: nanos, Spread: math.Exp(sigma), Source: SourceClassical, Fallback: c.why}
		if got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

func TestSetForestRefusesAndKeepsTheFormer(t *testing.T) {
	p := NewPredictor(Config{}, nil)
	if err := p.SetForest(twoMembers(0), 1); err != nil {
		t.Fatal(err)
	}
	constant := twoMembers(0)
	for i := range constant.Nodes {
		if constant.Nodes[i].Feature == forest.Leaf {
			constant.Nodes[i].Threshold = 1
		}
	}
	broken := twoMembers(0)
	broken.Nodes[0].Left = 0
	if err := p.SetForest(constant, 2); !errors.Is(err, ErrConstant) {
		t.Errorf("constant: %v", err)
	}
	if err := p.SetForest(broken, 3); !errors.Is(err, forest.ErrMalformed) {
		t.Errorf("broken: %v", err)
	}
	if p.Version() != 1 {
		t.Errorf("version %d, want the former", p.Version())
	}
	if err := p.SetForest(nil, 0); err != nil || p.Version() != 0 {
		t.Errorf("nil: %v, version %d", err, p.Version())
	}
}

func TestSum(t *testing.T) {
	a := Prediction{Nanos: 300, Spread: 2, Source: SourceForest, Version: 4}
	b := Prediction{Nanos: 100, Spread: 6, Source: SourceClassical, Fallback: FallbackSpread}
	if got, want := Sum(a, b), (Prediction{Nanos: 400, Spread: 3, Source: "mixed", Fallback: FallbackSpread, Version: 4}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := Sum(a); got != a {
		t.Errorf("one part: %+v", got)
	}
	if got := Sum(); got.Nanos != 1 || got.Spread != 1 {
		t.Errorf("none: %+v", got)
	}
}

func TestPredictDoesNotAllocate(t *testing.T) {
	p := NewPredictor(Config{}, nil)
	f := scan(100)
	for _, model := range []*forest.Forest{nil, twoMembers(0)} {
		if err := p.SetForest(model, 1); err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() { p.Predict(&f) }); n != 0 {
			t.Errorf("%v allocations", n)
		}
	}
}

// A swap and a calibration in the middle of predictions: run under -race.
func TestPredictorIsSafeForConcurrentUse(t *testing.T) {
	p := NewPredictor(Config{}, nil)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(g), 0))
			for i := range 300 {
				f := pipeline(rng)
				if got := p.Predict(&f); !(got.Nanos > 0) || !(got.Spread >= 1) {
					t.Errorf("%+v", got)
				}
				switch g {
				case 0:
					p.Classical().Calibrate(&f, 1000)
				case 1:
					model := twoMembers(0.1)
					if i%3 == 0 {
						model = nil
					}
					if err := p.SetForest(model, uint64(i)); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkPredictClassical(b *testing.B) {
	p := NewPredictor(Config{}, nil)
	f := pipeline(rand.New(rand.NewPCG(1, 1)))
	b.ReportAllocs()
	for b.Loop() {
		p.Predict(&f)
	}
}
