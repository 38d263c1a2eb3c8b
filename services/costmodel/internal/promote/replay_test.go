package promote_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/attunedb/attune/engine/costmodel"
	"github.com/attunedb/attune/engine/forest"
	"github.com/attunedb/attune/services/costmodel/internal/promote"
	"github.com/attunedb/attune/services/costmodel/internal/train"
)

// join is a scan of rows that probes a dimension of dim rows, keeping share of
// them, by hash table or by index, and its time on a machine where both cost by
// whether the dimension fits its caches: by hash, a probe and the build of the
// table; by index, a lookup that is cheap only in a small tree.
func join(rng *rand.Rand, rows, dim, share float64, byIndex bool) ([]forest.PipelineFeatures, []float64) {
	noise := func() float64 { return math.Exp(0.1 * rng.NormFloat64()) }
	probe := forest.PipelineFeatures{SourceRows: rows, SinkRows: rows * share, SourceWidthBytes: 16, SinkWidthBytes: 24, Parallelism: 1}
	probe.LocationShare[forest.InRows] = 1
	probe.AddOperator(forest.TableScan, rows, 0)
	if byIndex {
		lookup := 250.0
		if dim > 20_000 {
			lookup = 9000
		}
		probe.AddOperator(forest.IndexJoin, rows, dim)
		return []forest.PipelineFeatures{probe}, []float64{(20_000 + rows*(90+lookup)) * noise()}
	}
	build := forest.PipelineFeatures{SourceRows: dim, SinkRows: dim, SourceWidthBytes: 16, SinkWidthBytes: 16, Parallelism: 1}
	build.LocationShare[forest.InRows] = 1
	build.AddOperator(forest.TableScan, dim, 0)
	build.AddOperator(forest.HashBuild, dim, dim)
	probe.AddOperator(forest.HashProbe, rows, dim)
	lookup := 20.0
	if dim > 100_000 {
		lookup = 180
	}
	return []forest.PipelineFeatures{build, probe},
		[]float64{(20_000 + dim*300) * noise(), (20_000 + rows*(90+lookup)) * noise()}
}

func draw(rng *rand.Rand) (rows, dim, share float64) {
	return math.Floor(math.Exp(4 + 7*rng.Float64())), math.Floor(math.Exp(5 + 8*rng.Float64())), rng.Float64()
}

// From measurements to a decision with nothing faked: a forest trained on what
// ran, and a classical model calibrated on the same, choose between the plans of
// templates that neither saw.
func TestATrainedForestIsPromotedOnThePlansItChooses(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	classical := costmodel.NewClassical(costmodel.DefaultUnits())
	few, many := &train.Set{}, &train.Set{}
	evidence := &promote.Evidence{}
	for i := range 1200 {
		rows, dim, share := draw(rng)
		features, nanos := join(rng, rows, dim, share, i%2 == 0)
		for k := range features {
			if i >= 1100 {
				evidence.HoldOut = append(evidence.HoldOut, promote.Run{Features: features[k], Nanos: nanos[k]})
				continue
			}
			classical.Calibrate(&features[k], nanos[k])
			many.Add(&features[k], nanos[k])
			if i < 40 {
				few.Add(&features[k], nanos[k])
			}
		}
	}
	for i := range 60 {
		tmpl := promote.Template{ID: fmt.Sprint("t", i)}
		rows, dim, share := draw(rng)
		for _, byIndex := range []bool{false, true} {
			features, nanos := join(rng, rows, dim, share, byIndex)
			total := 0.0
			for _, n := range nanos {
				total += n
			}
			tmpl.Alternatives = append(tmpl.Alternatives, promote.Alternative{Plan: fmt.Sprint("index ", byIndex), Pipelines: features, Nanos: total})
		}
		evidence.Templates = append(evidence.Templates, tmpl)
	}
	predictor := func(set *train.Set) *costmodel.Predictor {
		res, err := train.Fit(context.Background(), train.Config{Members: 3, Trees: 30, Seed: 1}, set)
		if err != nil {
			t.Fatal(err)
		}
		p := costmodel.NewPredictor(costmodel.Config{}, classical)
		if err := p.SetForest(res.Forest, 1); err != nil {
			t.Fatal(err)
		}
		return p
	}
	alone := costmodel.NewPredictor(costmodel.Config{}, classical)
	young, grown := predictor(few), predictor(many)

	first := promote.Decide(promote.Config{}, evidence, nil, grown, alone)
	t.Logf("classical %+v", first.Classical)
	t.Logf("forest    %+v: %s", first.Challenger, first.Reason)
	if !first.Promote || first.Challenger.Regret > 0.1 || first.Challenger.Regret >= first.Classical.Regret ||
		first.Challenger.RankAccuracy < 0.9 || first.Challenger.LearnedShare < 0.9 {
		t.Errorf("not promoted over the classical model, or no better than it")
	}
	if d := promote.Decide(promote.Config{}, evidence, young, grown, alone); !d.Promote {
		t.Errorf("over a model of few samples: %s (champion %+v)", d.Reason, d.Champion)
	}
	if d := promote.Decide(promote.Config{}, evidence, grown, young, alone); d.Promote {
		t.Errorf("a model of few samples replaced one of many: %s (%+v)", d.Reason, d.Challenger)
	}
}
