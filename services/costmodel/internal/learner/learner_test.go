package learner

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/attunedb/attune/engine/costmodel"
	"github.com/attunedb/attune/engine/forest"
	"github.com/attunedb/attune/services/costmodel/internal/promote"
	"github.com/attunedb/attune/services/costmodel/internal/train"
)

const seed = 3

var small = Config{Seed: seed, Train: train.Config{Members: 2, Trees: 12, Depth: 4, TreeRows: 300}}

// world draws pipelines and their times on a machine that is slow to probe tables beyond its cache, by slowness.
type world struct {
	rng      *rand.Rand
	slowness float64
	n        int
}

func (w *world) pipeline() Pipeline {
	rows := math.Floor(math.Exp(4 + 8*w.rng.Float64()))
	f := forest.PipelineFeatures{SourceRows: rows, SourceWidthBytes: 8 + 100*w.rng.Float64(), SinkWidthBytes: 16, SinkRows: rows / 2, Parallelism: 1}
	f.LocationShare[forest.InRows] = 1
	f.AddOperator(forest.TableScan, rows, 0)
	perRow := 40.0
	for range w.rng.IntN(3) {
		table := math.Exp(12 * w.rng.Float64())
		f.AddOperator(forest.HashProbe, rows, table)
		perRow += 20
		if table > 5000 {
			perRow += 400
		}
	}
	nanos := (20_000 + perRow*rows) * w.slowness * math.Exp(0.1*w.rng.NormFloat64())
	return Pipeline{Features: f, Nanos: nanos}
}

func (w *world) execution(template string, pipelines int) *Execution {
	w.n++
	x := &Execution{ID: fmt.Sprint("x", w.n), Template: template}
	for range pipelines {
		x.Pipelines = append(x.Pipelines, w.pipeline())
	}
	return x
}

func (w *world) teach(l *Learner, executions int) {
	for i := range executions {
		l.Take(w.execution(fmt.Sprint("t", i%20), 2))
	}
}

// evidence makes templates with three plans each.
func (w *world) evidence(templates int) []promote.Template {
	out := make([]promote.Template, templates)
	for i := range out {
		out[i] = promote.Template{ID: fmt.Sprint("t", i)}
		for j := range 3 {
			p := w.pipeline()
			out[i].Alternatives = append(out[i].Alternatives, promote.Alternative{Plan: fmt.Sprint("p", j),
				Pipelines: []forest.PipelineFeatures{p.Features}, Nanos: p.Nanos})
		}
	}
	return out
}

func newWorld() *world { return &world{rng: rand.New(rand.NewPCG(seed, seed)), slowness: 1} }

func TestAFirstModelThatLearntSomethingWins(t *testing.T) {
	l, w := New(small), newWorld()
	w.teach(l, 250)
	trained, err := l.Train(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if st := l.Status(); st.SinceTraining != 0 || st.Events != 250 || st.Samples != trained.Samples {
		t.Errorf("%+v, trained on %d", st, trained.Samples)
	}
	challenger := costmodel.NewPredictor(costmodel.Config{}, trained.Classical)
	if err := challenger.SetForest(trained.Forest, 2); err != nil {
		t.Fatal(err)
	}
	champion := costmodel.NewPredictor(costmodel.Config{}, nil)
	d := l.Judge(w.evidence(30), &trained, champion, challenger)
	if !d.Promote || d.Challenger.Regret >= d.Classical.Regret {
		t.Fatalf("seed %d: %s; regret %v, classical %v", seed, d.Reason, d.Challenger.Regret, d.Classical.Regret)
	}
	// Against itself it does not win.
	if d := l.Judge(w.evidence(30), &trained, challenger, challenger); d.Promote {
		t.Errorf("won against itself: %s", d.Reason)
	}
}

func TestTooLittleToTrainOn(t *testing.T) {
	l, w := New(small), newWorld()
	w.teach(l, 5)
	trained, err := l.Train(t.Context(), 1)
	if !errors.Is(err, train.ErrTooFew) || trained.Classical == nil || len(trained.HoldOut) != 10 {
		t.Fatalf("%v, %d runs", err, len(trained.HoldOut))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w.teach(l, 100)
	if _, err := l.Train(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func TestNewerUnitCostsWinOnlyWhenTheyAreBetter(t *testing.T) {
	l, w := New(small), newWorld()
	old := costmodel.NewPredictor(costmodel.Config{}, nil)
	w.slowness = 6
	w.teach(l, 150)
	trained, err := l.Train(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	fresh := costmodel.NewPredictor(costmodel.Config{}, trained.Classical)
	if d := l.JudgeUnits(nil, &trained, old, fresh); !d.Promote {
		t.Errorf("better costs refused: %s", d.Reason)
	}
	if d := l.JudgeUnits(nil, &trained, fresh, old); d.Promote {
		t.Errorf("worse costs won: %s", d.Reason)
	}
	if d := l.JudgeUnits(nil, &trained, fresh, fresh); d.Promote {
		t.Errorf("equal costs won: %s", d.Reason)
	}
}

func TestDriftIsSeenAndForgottenWithTheChampion(t *testing.T) {
	l, w := New(small), newWorld()
	w.teach(l, 250)
	trained, err := l.Train(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	p := costmodel.NewPredictor(costmodel.Config{}, trained.Classical)
	if err := p.SetForest(trained.Forest, 1); err != nil {
		t.Fatal(err)
	}
	l.SetChampion(p)
	w.teach(l, 100)
	if st := l.Status(); st.Drifted {
		t.Fatalf("seed %d: drift in a steady world, mean error %v", seed, st.MeanError)
	}
	w.slowness = 8
	w.teach(l, 100)
	if st := l.Status(); !st.Drifted || st.MeanError < 1 {
		t.Fatalf("seed %d: eight times slower went unseen: %+v", seed, st)
	}
	l.SetChampion(p)
	if l.Status().Drifted {
		t.Fatal("drift outlived its champion")
	}
}

func TestKnownAndUselessExecutionsTeachNothing(t *testing.T) {
	l, w := New(small), newWorld()
	x := w.execution("t", 2)
	if n := l.Take(x); n != 2 {
		t.Fatalf("%d samples", n)
	}
	if n := l.Take(x); n != 0 || l.Status().Events != 1 {
		t.Fatalf("%d samples the second time", n)
	}
	bad := w.execution("t", 2)
	bad.Pipelines[0].Nanos = math.NaN()
	bad.Pipelines[1].Features.SourceRows = math.Inf(1)
	if n := l.Take(bad); n != 0 || l.Status().Samples != 2 {
		t.Fatalf("%d samples of NaN and infinity", n)
	}
}

func TestTheWindowOfIdsIsBounded(t *testing.T) {
	l := New(Config{Seen: 10})
	for i := range 1000 {
		l.Take(&Execution{ID: fmt.Sprint(i)})
	}
	if len(l.seen.ids) != 10 || len(l.seen.order) != 10 || cap(l.seen.order) > 100 {
		t.Fatalf("%d ids, room for %d", len(l.seen.ids), cap(l.seen.order))
	}
}

func TestACheckpointGoesOnAsIfNothingHappened(t *testing.T) {
	l, w := New(small), newWorld()
	w.teach(l, 60)
	again := w.execution("t", 1)
	l.Take(again)
	b, err := l.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	back := New(small)
	if err := back.Restore(b); err != nil {
		t.Fatal(err)
	}
	if a, b := l.Status(), back.Status(); !reflect.DeepEqual(a, b) {
		t.Fatalf("%+v, restored %+v", a, b)
	}
	if back.Take(again) != 0 {
		t.Error("a known execution taught again")
	}
	a, err1 := l.Train(t.Context(), 1)
	c, err2 := back.Train(t.Context(), 1)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	u1, n1 := a.Classical.Units()
	u2, n2 := c.Classical.Units()
	if u1 != u2 || n1 != n2 || a.Samples != c.Samples {
		t.Error("unit costs differ after a restore")
	}
	for name, bad := range map[string][]byte{"empty": nil, "noise": []byte("noise"), "cut": b[:len(b)/2]} {
		if New(small).Restore(bad) == nil {
			t.Errorf("%s restored", name)
		}
	}
}
