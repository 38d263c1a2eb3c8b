package promote

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/attunedb/attune/engine/costmodel"
	"github.com/attunedb/attune/engine/forest"
)

// plan is an alternative of one pipeline, whose number is its SourceRows, so that
// a test model can look up what it says of it.
func plan(number int, nanos float64) Alternative {
	return Alternative{Plan: fmt.Sprint("p", number), Nanos: nanos, Pipelines: []forest.PipelineFeatures{{SourceRows: float64(number)}}}
}

// says is a model that answers each pipeline number with a time, any other with
// rest.
type says struct {
	times map[int]float64
	rest  float64
	by    string
}

func (m says) Predict(f *forest.PipelineFeatures) costmodel.Prediction {
	p := costmodel.Prediction{Nanos: m.rest, Spread: 1, Source: m.by}
	if t, ok := m.times[int(f.SourceRows)]; ok {
		p.Nanos = t
	}
	return p
}

const ms = 1e6

// world is templates templates, of which number k has plans 10k, 10k+1 and 10k+2
// that take 10, 20 and 40 ms, and held-out pipelines that take 1 ms each.
func world(templates, heldOut int) *Evidence {
	e := &Evidence{}
	for k := range templates {
		e.Templates = append(e.Templates, Template{ID: fmt.Sprint("t", k),
			Alternatives: []Alternative{plan(10*k, 10*ms), plan(10*k+1, 20*ms), plan(10*k+2, 40*ms)}})
	}
	for range heldOut {
		e.HoldOut = append(e.HoldOut, Run{Features: forest.PipelineFeatures{SourceRows: -1}, Nanos: ms})
	}
	return e
}

// model knows the true times of the first knows templates and has those of the
// rest in the order given: "312" says that the slowest is fastest. Its q-error on
// held-out runs is q.
func model(templates, knows int, order string, q float64) says {
	m := says{times: map[int]float64{}, rest: q * ms, by: costmodel.SourceForest}
	for k := range templates {
		for i, truth := range []float64{10, 20, 40} {
			m.times[10*k+i] = truth * ms
			if k >= knows {
				m.times[10*k+i] = float64(order[i]-'0') * ms
			}
		}
	}
	return m
}

func with(m says, number int, nanos float64) says {
	m.times[number] = nanos
	return m
}

func TestDecide(t *testing.T) {
	classical := model(10, 5, "213", 3)
	classical.by = costmodel.SourceClassical
	unlearned := model(10, 10, "", 1)
	unlearned.by = costmodel.SourceClassical
	for name, c := range map[string]struct {
		evidence             *Evidence
		champion, challenger Model
		promote              bool
		reason               string
	}{
		"first model that beats classical": {world(10, 50), nil, model(10, 10, "", 1.5), true, "first model"},
		"first model without any choice observed": {
			world(0, 50), nil, model(0, 0, "", 1.5), true, "first model"},
		"first model, q-error no better": {world(10, 50), nil, model(10, 10, "", 3), false, "q-error"},
		"first model, ranks worse":       {world(10, 50), nil, model(10, 0, "213", 1.01), false, "ranks 0.167 worse"},
		"first model, imperfect":         {world(10, 50), nil, model(10, 9, "231", 1.5), true, "first model"},
		"first model, ranks better, plans slower": {
			world(10, 50), nil, model(10, 8, "231", 1.5), false, "take 6.7 % longer"},
		"first model, hold-out too small":  {world(10, 29), nil, model(10, 10, "", 1.5), false, "29 of 30"},
		"better plans":                     {world(10, 50), model(10, 5, "213", 1.5), model(10, 10, "", 1.5), true, "plans save"},
		"better plans, worse q-error":      {world(10, 50), model(10, 5, "213", 1.1), model(10, 10, "", 9), true, "plans save"},
		"worse plans, far better q-error":  {world(10, 50), model(10, 10, "", 9), model(10, 5, "213", 1), false, "take 50.0 % longer"},
		"same plans, better rank":          {world(10, 50), model(10, 5, "132", 1.5), model(10, 10, "", 1.5), true, "ranks 0.167 better"},
		"same plans, worse rank, better q": {world(10, 50), model(10, 10, "", 9), model(10, 5, "132", 1), false, "ranks 0.167 worse"},
		"better plans, much worse rank":    {world(10, 50), model(10, 9, "213", 1.5), model(10, 0, "132", 1.5), false, "ranks 0.300 worse"},
		"level, better q-error":            {world(10, 50), model(10, 10, "", 2), model(10, 10, "", 1.5), true, "q-error 1.50 after 2.00"},
		"level, slightly better q-error":   {world(10, 50), model(10, 10, "", 2), model(10, 10, "", 1.9), false, "no better"},
		"level, q-error on too few runs":   {world(10, 5), model(10, 10, "", 9), model(10, 10, "", 1), false, "no better"},
		"level in everything":              {world(10, 50), model(10, 10, "", 2), model(10, 10, "", 2), false, "no better"},
		"too few templates":                {world(4, 50), model(4, 0, "213", 9), model(4, 4, "", 1), false, "too little evidence: 4 templates"},
		"no choice at all, far better q":   {world(0, 50), model(0, 0, "", 9), model(0, 0, "", 1), false, "too little evidence: 0 templates"},
		"one template four times slower":   {world(40, 50), model(40, 10, "213", 2), with(model(40, 40, "", 2), 2, 1), false, "template t0 would take 4.0 times"},
		"better than a bad champion, worse than classical": {
			world(10, 50), model(10, 0, "321", 2), model(10, 2, "213", 2), false, "longer than the classical"},
		"a pipeline without a time":     {world(10, 50), nil, with(model(10, 10, "", 1), 31, math.NaN()), false, "no finite time for 1 "},
		"an infinite time":              {world(10, 50), model(10, 0, "321", 9), with(model(10, 10, "", 1), 31, math.Inf(1)), false, "no finite time for 1 "},
		"leaves all to classical":       {world(10, 50), nil, unlearned, false, "only 0 %"},
		"a constant model":              {world(10, 50), model(10, 5, "213", 2), says{rest: ms, by: costmodel.SourceForest}, false, "longer"},
		"a constant model as the first": {world(10, 50), nil, says{rest: ms, by: costmodel.SourceForest}, false, "ranks"},
	} {
		d := Decide(Config{}, c.evidence, c.champion, c.challenger, classical)
		if d.Promote != c.promote || !strings.Contains(d.Reason, c.reason) {
			t.Errorf("%s: promote %v, %q; want %v, %q", name, d.Promote, d.Reason, c.promote, c.reason)
		}
		if again := Decide(Config{}, c.evidence, c.champion, c.challenger, classical); !reflect.DeepEqual(again, d) {
			t.Errorf("%s: not deterministic", name)
		}
	}
}

func TestMetricsAndChanges(t *testing.T) {
	e := world(2, 4)
	e.Templates[1].Weight = 3
	// Template 0 right, template 1 in the order 20, 40, 10 ms.
	d := Decide(Config{}, e, model(2, 2, "", 2), model(2, 1, "312", 2), model(2, 0, "321", 4))
	want := Metrics{Templates: 2, Pairs: 6, ChosenNanos: 10*ms + 3*20*ms, BestNanos: 40 * ms, Regret: 0.75,
		RankAccuracy: (1 + 1.0/3) / 2, HoldOut: 4, QErrorMean: 2, QErrorMedian: 2, QErrorP90: 2, LearnedShare: 1}
	got := d.Challenger
	for _, q := range []*float64{&got.QErrorMean, &got.QErrorMedian, &got.QErrorP90, &got.RankAccuracy, &got.Regret} {
		*q = math.Round(*q*1e9) / 1e9
	}
	want.RankAccuracy = math.Round(want.RankAccuracy*1e9) / 1e9
	if got != want {
		t.Errorf("challenger %+v\nwant       %+v", got, want)
	}
	if d.Champion.Regret != 0 || d.Champion.RankAccuracy != 1 || d.Classical.Regret != 3 || d.Classical.RankAccuracy != 0 {
		t.Errorf("champion %+v, classical %+v", d.Champion, d.Classical)
	}
	if !reflect.DeepEqual(d.Changes, []Change{{Template: "t1", From: "p10", To: "p11", FromNanos: 10 * ms, ToNanos: 20 * ms}}) {
		t.Errorf("changes %+v", d.Changes)
	}
}

func TestWhichAlternativesCount(t *testing.T) {
	cut := func(a Alternative) Alternative { a.TimedOut = true; return a }
	truth := says{times: map[int]float64{1: 1, 2: 2, 3: 3}, by: costmodel.SourceForest}
	liar := says{times: map[int]float64{1: 3, 2: 2, 3: 1}, by: costmodel.SourceForest}
	for name, c := range map[string]struct {
		alternatives     []Alternative
		templates, pairs int
		// The regret of the liar, who prefers the last alternative.
		regret float64
	}{
		"one":                       {[]Alternative{plan(1, 10)}, 0, 0, 0},
		"equal within the margin":   {[]Alternative{plan(1, 100), plan(2, 109)}, 0, 0, 0},
		"two":                       {[]Alternative{plan(1, 100), plan(2, 150)}, 1, 1, 0.5},
		"two of three equal":        {[]Alternative{plan(1, 100), plan(2, 105), plan(3, 300)}, 1, 2, 2},
		"unusable times":            {[]Alternative{plan(1, 100), plan(2, 0), plan(3, math.NaN())}, 0, 0, 0},
		"no features":               {[]Alternative{plan(1, 100), {Plan: "x", Nanos: 900}}, 0, 0, 0},
		"cut off at the best time":  {[]Alternative{plan(1, 100), cut(plan(2, 100))}, 1, 1, 1},
		"cut off before it is told": {[]Alternative{plan(1, 100), cut(plan(2, 60))}, 0, 0, 0},
		"all cut off":               {[]Alternative{cut(plan(1, 100)), cut(plan(2, 500))}, 0, 0, 0},
		"two cut off":               {[]Alternative{plan(1, 100), cut(plan(2, 100)), cut(plan(3, 200))}, 1, 2, 3},
	} {
		e := &Evidence{Templates: []Template{{ID: "t", Alternatives: c.alternatives}}}
		d := Decide(Config{}, e, liar, truth, liar)
		if m := d.Challenger; m.Templates != c.templates || m.Pairs != c.pairs || m.Regret != 0 || m.Templates > 0 && m.RankAccuracy != 1 {
			t.Errorf("%s: the truthful model has %+v, want %d templates, %d pairs", name, m, c.templates, c.pairs)
		}
		if m := d.Champion; math.Abs(m.Regret-c.regret) > 1e-9 || m.RankAccuracy != 0 {
			t.Errorf("%s: the liar has %+v, want regret %v", name, m, c.regret)
		}
	}
}

// A plan's predicted time is the sum over its pipelines.
func TestPlansOfSeveralPipelinesAreSummed(t *testing.T) {
	two := plan(1, 10)
	two.Pipelines = append(two.Pipelines, forest.PipelineFeatures{SourceRows: 2})
	e := &Evidence{Templates: []Template{{ID: "t", Alternatives: []Alternative{two, plan(3, 30)}}}}
	m := says{times: map[int]float64{1: 5, 2: 7, 3: 10}, by: costmodel.SourceForest}
	if got, _ := evaluate(m, e, 0.1); got.Regret != 2 {
		t.Errorf("5 + 7 against 10 must choose the second plan, regret 2: %+v", got)
	}
}

// The real models satisfy Model: a Predictor with and without a forest.
var _ Model = (*costmodel.Predictor)(nil)
