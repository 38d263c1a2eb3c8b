package validate

import (
	"fmt"
	"slices"
	"time"
)

// State is the guard's state of a plan within its template. The numbers are those of history's protocol.
type State uint8

// The states.
const (
	Unknown State = iota
	Candidate
	Validating
	Accepted
	Rejected
	RolledBack
)

// String returns the name EXPLAIN shows.
func (s State) String() string {
	return [...]string{"UNKNOWN", "CANDIDATE", "VALIDATING", "ACCEPTED", "REJECTED", "ROLLED_BACK"}[min(s, RolledBack)]
}

const (
	// SlowerLimit is how much slower than the best one a plan may be before it is rolled back.
	SlowerLimit = 1.1
	// Margin is how much faster than the accepted plan a plan must be measured to take its place.
	Margin = 0.05
	// calmMargin replaces Margin for a template whose accepted plan changed often.
	calmMargin = 0.085
	// calmAfter is the number of changes of the accepted plan from which on the template counts as oscillating.
	calmAfter = 4
	// trials is the number of plans of a template that may be queued at once.
	trials = 4
)

// Evidence is what is known of one plan of a template.
type Evidence struct {
	PlanID       uint64
	State        State
	StateVersion uint64
	// Runs and BackgroundRuns are completed ones.
	Runs, BackgroundRuns uint64
	// Median is the median time of recent completed runs, 0 for none.
	Median time.Duration
	// Censored is the longest time after which a run was stopped, 0 for none.
	Censored time.Duration
	// Static tells that the static optimizer chose the plan, WasGood that it was accepted once and has not failed since: both are
	// kept as what to fall back on.
	Static, WasGood bool
}

func (e *Evidence) measured() bool { return e.Median > 0 && e.Runs+e.BackgroundRuns > 0 }

// pending reports whether the plan waits for its first measurement.
func (e *Evidence) pending() bool {
	return !e.measured() && (e.State == Candidate || e.State == Validating)
}

// barred reports whether the plan is out for good.
func (e *Evidence) barred() bool { return e.State == Rejected || e.State == RolledBack }

// Template is what history knows of a template.
type Template struct {
	Plans []Evidence
	// Changes is how often the accepted plan was replaced.
	Changes int
}

// Choice is a candidate of this planning.
type Choice struct {
	PlanID uint64
	// Predicted is the expected time, Spread the factor by which the prediction is commonly off.
	Predicted time.Duration
	Spread    float64
	// Static marks the static optimizer's choice.
	Static bool
}

// Transition is a change of a plan's state to be recorded.
type Transition struct {
	PlanID  uint64
	Version uint64
	To      State
	Reason  string
}

// Decision is the guard's answer.
type Decision struct {
	// PlanID is the plan to run: one of the choices.
	PlanID uint64
	State  State
	Reason string
	// Transitions are in the order in which to record them.
	Transitions []Transition
	// Again asks for another planning after so many executions, 0 for no need.
	Again uint32
}

// Decide chooses among candidates, of which there is at least one, the most promising first.
func Decide(t Template, choices []Choice) Decision {
	g := &guard{t: t, choices: choices, d: Decision{}}
	g.decide()
	return g.d
}

type guard struct {
	t       Template
	choices []Choice
	d       Decision
}

func (g *guard) evidence(id uint64) *Evidence {
	for i := range g.t.Plans {
		if g.t.Plans[i].PlanID == id {
			return &g.t.Plans[i]
		}
	}
	return nil
}

func (g *guard) choice(id uint64) *Choice {
	for i := range g.choices {
		if g.choices[i].PlanID == id {
			return &g.choices[i]
		}
	}
	return nil
}

func (g *guard) run(id uint64, s State, reason string, args ...any) {
	g.d.PlanID, g.d.State, g.d.Reason = id, s, fmt.Sprintf(reason, args...)
}

func (g *guard) move(e *Evidence, to State, reason string, args ...any) {
	g.d.Transitions = append(g.d.Transitions, Transition{e.PlanID, e.StateVersion, to, fmt.Sprintf(reason, args...)})
	e.State = to
}

func (g *guard) decide() {
	best := g.best()
	if best == nil {
		g.first()
		return
	}
	accepted := g.accepted(best)
	g.judge(accepted)
	if c := g.trial(accepted); c != nil {
		return
	}
	g.settle(accepted)
}

// best returns the fastest measured plan that is not barred, or, when all are, the fastest of those.
func (g *guard) best() *Evidence {
	var best *Evidence
	for _, barred := range []bool{false, true} {
		for i := range g.t.Plans {
			e := &g.t.Plans[i]
			if e.measured() && e.barred() == barred && (best == nil || e.Median < best.Median) {
				best = e
			}
		}
		if best != nil {
			return best
		}
	}
	return nil
}

// first answers for a template that was never measured.
func (g *guard) first() {
	g.d.Again = 1
	for _, c := range g.choices {
		if c.Static {
			g.run(c.PlanID, Unknown, "nothing measured yet: the static choice goes first")
			return
		}
	}
	g.run(g.choices[0].PlanID, Unknown, "nothing measured yet")
}

// accepted returns the accepted plan, after it made way for the best one where that is due.
func (g *guard) accepted(best *Evidence) *Evidence {
	var accepted *Evidence
	for i := range g.t.Plans {
		if g.t.Plans[i].State == Accepted {
			accepted = &g.t.Plans[i]
		}
	}
	switch {
	case accepted == nil || !accepted.measured():
		g.move(best, Accepted, "fastest measured: %s", show(best.Median))
		return best
	case accepted == best:
		return best
	}
	margin := Margin
	if g.t.Changes >= calmAfter {
		margin = calmMargin
	}
	if float64(best.Median) > (1-margin)*float64(accepted.Median) {
		return accepted
	}
	// What served before and is faster tells of a regression; anything else of progress.
	if (best.Static || best.WasGood) && accepted.Runs >= 2 && float64(accepted.Median) > SlowerLimit*float64(best.Median) {
		g.move(accepted, RolledBack, "took %s, the plan before %s", show(accepted.Median), show(best.Median))
	}
	g.move(best, Accepted, "took %s, the accepted plan %s", show(best.Median), show(accepted.Median))
	return best
}

// judge rejects what was measured and is no better.
func (g *guard) judge(accepted *Evidence) {
	for i := range g.t.Plans {
		e := &g.t.Plans[i]
		if e == accepted || e.barred() || e.State == Accepted || e.Static || e.WasGood {
			continue
		}
		switch {
		case e.measured():
			g.move(e, Rejected, "took %s, the accepted plan %s", show(e.Median), show(accepted.Median))
		case !e.measured() && e.Censored >= accepted.Median && e.Censored > 0:
			g.move(e, Rejected, "stopped after %s, the accepted plan took %s", show(e.Censored), show(accepted.Median))
		}
	}
}

// trial finds an unmeasured plan to run at once, and queues the other promising ones.
func (g *guard) trial(accepted *Evidence) *Choice {
	var chosen *Choice
	queued := 0
	for i := range g.t.Plans {
		if g.t.Plans[i].pending() {
			queued++
		}
	}
	for i := range g.choices {
		c := &g.choices[i]
		e := g.evidence(c.PlanID)
		if e != nil && (e.measured() || e.barred() || e.PlanID == accepted.PlanID) {
			continue
		}
		gain := float64(accepted.Median) / max(1, float64(c.Predicted))
		fresh := e == nil || e.State == Unknown
		if e == nil {
			e = &Evidence{PlanID: c.PlanID}
		}
		switch {
		case chosen == nil && gain > max(1, c.Spread)*(1+Margin) && e.State != Validating:
			chosen = c
			g.move(e, Validating, "predicted %s ±×%.2g, the accepted plan took %s: the gain exceeds the uncertainty",
				show(c.Predicted), c.Spread, show(accepted.Median))
			g.run(c.PlanID, Validating, "predicted %.3gx faster than the accepted plan, beyond the uncertainty of %.3gx",
				gain, max(1, c.Spread))
			g.d.Again = 1
		case fresh && gain > 1 && queued < trials:
			queued++
			g.move(e, Candidate, "predicted %s ±×%.2g, the accepted plan took %s", show(c.Predicted), c.Spread, show(accepted.Median))
		}
	}
	return chosen
}

// settle runs the accepted plan, or the best measured one among the candidates where it could not be made again.
func (g *guard) settle(accepted *Evidence) {
	g.d.Again = g.again(accepted)
	if g.choice(accepted.PlanID) != nil {
		g.run(accepted.PlanID, Accepted, "accepted: median %s over %d runs", show(accepted.Median), accepted.Runs+accepted.BackgroundRuns)
		return
	}
	var known []*Evidence
	for i := range g.choices {
		if e := g.evidence(g.choices[i].PlanID); e != nil && e.measured() {
			known = append(known, e)
		}
	}
	if len(known) > 0 {
		e := slices.MinFunc(known, func(a, b *Evidence) int { return int(a.Median - b.Median) })
		g.run(e.PlanID, e.State, "the accepted plan cannot be made again; fastest measured of the others: %s", show(e.Median))
		return
	}
	for _, c := range g.choices {
		if c.Static {
			g.run(c.PlanID, Unknown, "the accepted plan cannot be made again: the static choice")
			return
		}
	}
	g.run(g.choices[0].PlanID, Unknown, "the accepted plan cannot be made again")
}

// again says after how many executions there may be something new: soon while plans are on trial, later when settled.
func (g *guard) again(accepted *Evidence) uint32 {
	for i := range g.t.Plans {
		if g.t.Plans[i].pending() {
			return 1
		}
	}
	switch {
	case len(g.d.Transitions) > 0 || accepted.Runs < 4:
		return 1
	case accepted.Median < time.Millisecond:
		return 4096
	}
	return 64
}

func show(d time.Duration) string {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(100 * time.Nanosecond).String()
}
