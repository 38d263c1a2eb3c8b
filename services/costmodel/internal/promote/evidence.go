package promote

import (
	"math"
	"slices"

	"github.com/attunedb/attune/engine/costmodel"
	"github.com/attunedb/attune/engine/forest"
)

// Model prices pipelines the way a planner that holds it would: for a forest that
// is a costmodel.Predictor, with its fallback, not the bare forest. Answers must
// be deterministic.
type Model interface {
	Predict(*forest.PipelineFeatures) costmodel.Prediction
}

// Alternative is one plan of a template whose time is known.
type Alternative struct {
	// Plan identifies the plan in reasons and changes.
	Plan string
	// Pipelines are the features as the planner sees them when it has to choose;
	// with none, the alternative is passed over.
	Pipelines []forest.PipelineFeatures
	// Nanos is the measured time of the whole plan, best a median of its runs.
	Nanos float64
	// TimedOut says the run was cut off at Nanos, which is then a lower bound.
	TimedOut bool
}

// Template is a query template with the plans that were tried for it.
type Template struct {
	ID string
	// Weight is how often it ran recently; 0 counts as 1.
	Weight       float64
	Alternatives []Alternative
}

// Run is one executed pipeline that the challenger was not trained on.
type Run struct {
	Features forest.PipelineFeatures
	Nanos    float64
}

// Evidence is what the models are judged by.
type Evidence struct {
	Templates []Template
	HoldOut   []Run
}

// Metrics is how one model did. Rank, regret and times are over the templates
// that offer a choice: at least two usable alternatives, one of them finished,
// whose times differ by more than Config.TieMargin.
type Metrics struct {
	// Templates offer a choice, and Pairs of their alternatives have a known order.
	Templates, Pairs int
	// ChosenNanos is the weighted time of the plans the model would choose,
	// BestNanos that of the best ones, and Regret ChosenNanos ÷ BestNanos − 1.
	ChosenNanos, BestNanos, Regret float64
	// RankAccuracy is the share of pairs in the right order, averaged over
	// templates; a tie is half right. 0 without pairs.
	RankAccuracy float64
	// HoldOut is the runs the q-errors are over: their geometric mean, median and
	// 90th percentile, all ≥ 1, or 0 without runs.
	HoldOut                             int
	QErrorMean, QErrorMedian, QErrorP90 float64
	// Failures is the pipelines for which the model gave no finite, positive time.
	Failures int
	// LearnedShare is the share of pipelines that the classical model did not
	// have to answer for.
	LearnedShare float64
}

// choice is what a model would do for one template.
type choice struct {
	template string
	plan     string
	nanos    float64
}

// timedOutFactor prices a plan that was cut off, as the penalised average runtime
// (PAR2) of algorithm selection does: the true time is unknown but longer.
const timedOutFactor = 2

func (a *Alternative) usable() bool {
	return a.Nanos > 0 && !math.IsInf(a.Nanos, 1) && len(a.Pipelines) > 0
}

func (a *Alternative) cost() float64 {
	if a.TimedOut {
		return a.Nanos * timedOutFactor
	}
	return a.Nanos
}

// evaluation is one model's pass over the evidence.
type evaluation struct {
	model           Model
	metrics         Metrics
	choices         []choice
	learned, priced int
}

// evaluate replays the evidence with m. The choices are in the order of the
// templates that offer one, which does not depend on m.
func evaluate(m Model, e *Evidence, tieMargin float64) (Metrics, []choice) {
	v := evaluation{model: m}
	for i := range e.Templates {
		v.replay(&e.Templates[i], tieMargin)
	}
	if v.metrics.BestNanos > 0 {
		v.metrics.Regret = v.metrics.ChosenNanos/v.metrics.BestNanos - 1
	}
	if v.metrics.Templates > 0 {
		v.metrics.RankAccuracy /= float64(v.metrics.Templates)
	}
	v.holdOut(e.HoldOut)
	if v.priced > 0 {
		v.metrics.LearnedShare = float64(v.learned) / float64(v.priced)
	}
	return v.metrics, v.choices
}

// price is the model's time for a pipeline; without a finite one it counts a
// failure and returns the worst there is.
func (v *evaluation) price(f *forest.PipelineFeatures) float64 {
	p := v.model.Predict(f)
	v.priced++
	if p.Source != costmodel.SourceClassical {
		v.learned++
	}
	if !(p.Nanos > 0) || math.IsInf(p.Nanos, 1) {
		v.metrics.Failures++
		return math.MaxFloat64
	}
	return p.Nanos
}

func (v *evaluation) replay(t *Template, tieMargin float64) {
	var alts []*Alternative
	best, worst := math.Inf(1), 0.0
	for i := range t.Alternatives {
		a := &t.Alternatives[i]
		if !a.usable() {
			continue
		}
		alts = append(alts, a)
		worst = math.Max(worst, a.cost())
		if !a.TimedOut {
			best = math.Min(best, a.Nanos)
		}
	}
	if len(alts) < 2 || math.IsInf(best, 1) || worst <= best*(1+tieMargin) {
		return
	}
	predicted := make([]float64, len(alts))
	for i, a := range alts {
		for k := range a.Pipelines {
			predicted[i] += v.price(&a.Pipelines[k])
		}
	}
	chosen := 0
	for i := range alts {
		// A model that cannot tell two plans apart is charged for the worse one.
		if equal := alike(predicted[i], predicted[chosen]); !equal && predicted[i] < predicted[chosen] ||
			equal && alts[i].cost() > alts[chosen].cost() {
			chosen = i
		}
	}
	pairs, right := 0, 0.0
	for i, a := range alts {
		for k, b := range alts[:i] {
			faster := order(a, b, tieMargin)
			if faster == 0 {
				continue
			}
			pairs++
			switch {
			case alike(predicted[i], predicted[k]):
				right += 0.5
			case (predicted[i] < predicted[k]) == (faster < 0):
				right++
			}
		}
	}
	if pairs == 0 {
		return
	}
	weight := t.Weight
	if !(weight > 0) {
		weight = 1
	}
	v.choices = append(v.choices, choice{template: t.ID, plan: alts[chosen].Plan, nanos: alts[chosen].cost()})
	v.metrics.Templates++
	v.metrics.Pairs += pairs
	v.metrics.RankAccuracy += right / float64(pairs)
	v.metrics.ChosenNanos += weight * alts[chosen].cost()
	v.metrics.BestNanos += weight * best
}

// order is −1 when a is known to be faster than b by more than the margin, +1
// when b is, and 0 when it is not known or does not matter.
func order(a, b *Alternative, margin float64) int {
	switch {
	case !a.TimedOut && b.Nanos > a.Nanos*(1+margin) || !a.TimedOut && b.TimedOut && b.Nanos >= a.Nanos:
		return -1
	case !b.TimedOut && a.Nanos > b.Nanos*(1+margin) || !b.TimedOut && a.TimedOut && a.Nanos >= b.Nanos:
		return 1
	}
	return 0
}

func alike(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Max(a, b) }

func (v *evaluation) holdOut(runs []Run) {
	var errs []float64
	sum := 0.0
	for i := range runs {
		r := &runs[i]
		if !(r.Nanos > 0) || math.IsInf(r.Nanos, 1) {
			continue
		}
		e := math.Abs(math.Log(v.price(&r.Features)) - math.Log(r.Nanos))
		errs = append(errs, e)
		sum += e
	}
	if len(errs) == 0 {
		return
	}
	slices.Sort(errs)
	at := func(q float64) float64 { return math.Exp(errs[min(len(errs)-1, int(q*float64(len(errs))))]) }
	v.metrics.HoldOut = len(errs)
	v.metrics.QErrorMean = math.Exp(sum / float64(len(errs)))
	v.metrics.QErrorMedian, v.metrics.QErrorP90 = at(0.5), at(0.9)
}
