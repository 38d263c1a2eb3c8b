package demo

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/attunedb/attune/bench/workload/shop"
	"github.com/attunedb/attune/engine/sqltext"
	costmodelv1 "github.com/attunedb/attune/proto/gen/attune/costmodel/v1"
	feedbackv1 "github.com/attunedb/attune/proto/gen/attune/feedback/v1"
	historyv1 "github.com/attunedb/attune/proto/gen/attune/history/v1"
)

// observer looks at what the system has learned of the workload.
type observer struct {
	history   historyv1.HistoryServiceClient
	model     costmodelv1.CostModelServiceClient
	templates []uint64
}

func newObserver(s Server, queries []shop.Query) (*observer, error) {
	o := &observer{history: s.History, model: s.Model}
	for _, q := range queries {
		t, err := sqltext.Normalize(q.SQL)
		if err != nil {
			return nil, fmt.Errorf("demo: query %s: %w", q.Name, err)
		}
		o.templates = append(o.templates, t.ID)
	}
	return o, nil
}

// view is what was seen at one moment.
type view struct {
	// known is false where the server has no door to history; everything of plans is zero then.
	known bool
	// runs is the number of foreground runs taken in, backgroundRuns those of the background.
	runs, backgroundRuns uint64
	// deciding is the number of plans that are being tried.
	deciding    int
	transitions []*historyv1.PlanTransition
	executions  [][]*feedbackv1.Execution // by query, newest first

	modelKnown     bool
	champion       string
	promotions     uint64
	samples, fresh uint64
}

// recentRuns is how many runs of a template are looked at: those of one round and the background's between.
const recentRuns = 64

// look asks the services. A service that the door does not have is no failure.
func (o *observer) look(ctx context.Context, runs uint32) (*view, error) {
	v := &view{known: o.history != nil, modelKnown: o.model != nil}
	for _, id := range o.templates {
		if !v.known {
			break
		}
		t, err := o.history.GetTemplate(ctx, &historyv1.GetTemplateRequest{TemplateId: id, Runs: runs})
		if absent(err) {
			v.known = false
			break
		}
		if err != nil {
			return nil, fmt.Errorf("demo: asking history: %w", err)
		}
		v.runs += t.GetTemplate().GetRuns()
		for _, p := range t.GetPlans() {
			v.backgroundRuns += p.GetBackgroundRuns()
			if p.GetState() == historyv1.PlanState_PLAN_STATE_VALIDATING {
				v.deciding++
			}
		}
		v.transitions = append(v.transitions, t.GetTransitions()...)
		v.executions = append(v.executions, t.GetRuns())
	}
	if v.modelKnown {
		st, err := o.model.Status(ctx, &costmodelv1.StatusRequest{})
		switch {
		case absent(err):
			v.modelKnown = false
		case err != nil:
			return nil, fmt.Errorf("demo: asking the cost model: %w", err)
		}
		v.champion, v.promotions = st.GetChampion(), st.GetPromotions()
		v.samples, v.fresh = st.GetSamples(), st.GetSinceTraining()
	}
	return v, nil
}

func absent(err error) bool { return status.Code(err) == codes.Unimplemented }

// mark is what changes while the background works.
type mark struct {
	background, promotions uint64
	transitions, deciding  int
}

func (v *view) mark() mark {
	return mark{v.backgroundRuns, v.promotions, len(v.transitions), v.deciding}
}

// settle waits until history has taken in the expected number of foreground runs and the background has been quiet for a while, and at
// most for limit. It returns the last view, and whether the background had come to rest.
func (o *observer) settle(ctx context.Context, expected uint64, quiet, limit time.Duration, tell func(*view)) (*view, bool, error) {
	const every = 200 * time.Millisecond
	start := time.Now()
	var last mark
	changed := start
	for {
		v, err := o.look(ctx, 0)
		if err != nil {
			return nil, false, err
		}
		now := time.Now()
		if m := v.mark(); m != last || v.known && v.runs < expected {
			last, changed = m, now
		}
		tell(v)
		rest := now.Sub(changed) >= quiet && v.deciding == 0
		if rest || now.Sub(start) >= limit {
			v, err = o.look(ctx, recentRuns)
			return v, rest, err
		}
		timer := time.NewTimer(every)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, false, ctx.Err()
		}
	}
}

// Learning is what a round taught.
type Learning struct {
	// Known is false where the server does not tell.
	Known bool
	// Changed counts queries whose learned plan differs from that of the round before. The others count the guard's transitions.
	Changed, Accepted, Rejected, RolledBack int
	// Background counts trial runs, Promoted model versions put into use.
	Background, Promoted int
	// Champion is the model in use.
	Champion string
	// Settled is how long the wait for the background was, Rest whether it had come to rest.
	Settled time.Duration
	Rest    bool
}

// learned compares two views, those after the round before and after this one.
func learned(before, after *view, plansBefore, plans []uint64) Learning {
	l := Learning{Known: after.known, Champion: after.champion}
	l.Promoted = int(after.promotions - min(before.promotions, after.promotions))
	l.Background = int(after.backgroundRuns - min(before.backgroundRuns, after.backgroundRuns))
	type event struct {
		template, plan uint64
		at             int64
		to             historyv1.PlanState
	}
	seen := map[event]bool{}
	of := func(t *historyv1.PlanTransition) event {
		return event{t.GetTemplateId(), t.GetPlanId(), t.GetAtMicros(), t.GetTo()}
	}
	for _, t := range before.transitions {
		seen[of(t)] = true
	}
	for _, t := range after.transitions {
		if seen[of(t)] {
			continue
		}
		switch t.GetTo() {
		case historyv1.PlanState_PLAN_STATE_ACCEPTED:
			l.Accepted++
		case historyv1.PlanState_PLAN_STATE_REJECTED:
			l.Rejected++
		case historyv1.PlanState_PLAN_STATE_ROLLED_BACK:
			l.RolledBack++
		}
	}
	for i, id := range plans {
		if i < len(plansBefore) && plansBefore[i] != 0 && id != 0 && plansBefore[i] != id {
			l.Changed++
		}
	}
	return l
}

// plans returns the plan of each query's newest foreground run of a mode, 0 where none is known.
func (v *view) plans(m Mode) []uint64 {
	out := make([]uint64, len(v.executions))
	for i, runs := range v.executions {
		if e := newest(runs, m, 0); e != nil {
			out[i] = e.GetPlanId()
		}
	}
	return out
}

// qErrors returns the q-errors of the row counts of all operators that ran to their end, in each query's newest foreground run of a
// mode since a moment, ascending. The q-error is the factor between estimate and truth, both at least 1 (Moerkotte et al.,
// Preventing Bad Plans by Bounding the Impact of Cardinality Estimation Errors, VLDB 2009).
func (v *view) qErrors(m Mode, since time.Time) []float64 {
	var out []float64
	for _, runs := range v.executions {
		e := newest(runs, m, since.UnixMicro())
		for _, op := range e.GetOperators() {
			if !op.GetComplete() {
				continue
			}
			estimated, actual := math.Max(op.GetEstimatedRows(), 1), math.Max(float64(op.GetActualRows()), 1)
			out = append(out, math.Max(estimated/actual, actual/estimated))
		}
	}
	slices.Sort(out)
	return out
}

func newest(runs []*feedbackv1.Execution, m Mode, sinceMicros int64) *feedbackv1.Execution {
	for _, e := range runs {
		if e.GetForeground() && e.GetOptimizer() == string(m) && e.GetStartMicros() >= sinceMicros &&
			e.GetOutcome() == feedbackv1.Outcome_OUTCOME_COMPLETED {
			return e
		}
	}
	return nil
}

// quantile returns the q-quantile of ascending values by nearest rank, 0 for none.
func quantile[T float64 | time.Duration](sorted []T, q float64) T {
	if len(sorted) == 0 {
		return 0
	}
	i := int(math.Ceil(q*float64(len(sorted)))) - 1
	return sorted[min(max(i, 0), len(sorted)-1)]
}

// median returns the middle of values in any order, 0 for none; of an even number the mean of the middle two.
func median(values []time.Duration) time.Duration {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
