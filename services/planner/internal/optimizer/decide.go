package optimizer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/services/planner/internal/adapt"
	"github.com/attunedb/attune/services/planner/internal/bind"
	"github.com/attunedb/attune/services/planner/internal/cost"
	"github.com/attunedb/attune/services/planner/internal/physicalize"
	"github.com/attunedb/attune/services/planner/internal/relset"
	"github.com/attunedb/attune/services/planner/internal/rewrite"
	"github.com/attunedb/attune/services/planner/internal/statistics"
	"github.com/attunedb/attune/services/planner/internal/validate"
)

// candidate is one plan under consideration.
type candidate struct {
	name   string
	result *physicalize.Result
	cost   cost.Cost
	static bool
}

// attempt is the planning of one statement.
type attempt struct {
	o       *Optimizer
	ctx     context.Context
	r       *Request
	b       *bind.Result
	root    logical.Node
	rules   []string
	next    expr.ColumnID
	learned bool
	model   *cost.Model
	query   *statistics.Query
	session *physicalize.Session
	cands   []*candidate
	past    *Past
	limits  adapt.Limits
	report  physical.Report
	phase   time.Time
}

func (a *attempt) startPhase() { a.phase = a.o.d.Now() }

func (a *attempt) endPhase(name, format string, args ...any) {
	now := a.o.d.Now()
	a.report.Phases = append(a.report.Phases, physical.PhaseLine{Name: name, Nanos: now.Sub(a.phase).Nanoseconds(),
		Summary: fmt.Sprintf(format, args...)})
	a.phase = now
}

// begin prepares the planning of a bound statement.
func (o *Optimizer) begin(ctx context.Context, r *Request, b *bind.Result) (*attempt, error) {
	a := &attempt{o: o, ctx: ctx, r: r, b: b, learned: !r.static()}
	a.report.Optimizer = "static"
	a.model = o.d.Static
	if a.learned {
		a.report.Optimizer, a.model = "learned", o.d.Model
	}
	a.report.ModelVersion = a.model.Version()
	a.startPhase()
	rewritten, err := rewrite.Apply(b.Logical, b.NextColumn, r.Settings)
	if err != nil {
		return nil, err
	}
	a.root, a.rules, a.next = rewritten.Plan, rewritten.Applied, rewritten.NextColumn
	ids := make([]catalog.TableID, len(b.Tables))
	for i, t := range b.Tables {
		ids[i] = t.ID
	}
	o.d.Tables.Warm(ctx, ids)
	a.limits = adapt.Limits{Parallelism: o.parallelism(r), WorkMemBytes: adapt.ParseBytes(r.setting("attune.work_mem"), 64<<20)}
	a.query, a.session = a.open(a.learned, a.model)
	return a, nil
}

// open returns fresh knowledge of the statement, with or without what was measured.
func (a *attempt) open(feedback bool, m *cost.Model) (*statistics.Query, *physicalize.Session) {
	opts := statistics.Options{Sampler: a.o.sampler, Samples: a.o.samples, Params: a.r.Params}
	if feedback {
		opts.Feedback = a.o.d.Feedback
	}
	q := statistics.NewQuery(a.o.d.Tables, opts)
	return q, physicalize.NewSession(a.ctx, a.root, physicalize.Config{Query: q, Catalog: a.r.Catalog,
		Params: len(a.b.ParamTypes), Prices: m.Prices(), NextColumn: a.next})
}

// variant is the base of all variants under the session's settings.
func (a *attempt) variant(name string) physicalize.Variant {
	noise, seed := a.r.noise()
	return physicalize.Variant{Name: name, Force: a.r.setting("attune.force_join"), Noise: noise, Seed: seed,
		Eager: !a.r.off("attune.rules." + rewrite.EagerAggregation), RuntimeFilters: !a.r.off("attune.runtime_filters")}
}

// try plans a variant and adds it unless it is there already; it returns the candidate that has the plan.
func (a *attempt) try(s *physicalize.Session, v physicalize.Variant, m *cost.Model) (*candidate, error) {
	res, err := s.Plan(v)
	if err != nil {
		return nil, err
	}
	for _, c := range a.cands {
		if c.result.PlanID == res.PlanID {
			return c, nil
		}
	}
	c := &candidate{name: v.Name, result: res, cost: res.Cost(m, a.limits.Parallelism)}
	a.cands = append(a.cands, c)
	return c, nil
}

// Views of cardinalities that lead to plans of their own.
func upperBounds(_ relset.Set, e physical.Estimate) float64 {
	if e.UpperRows > 0 && e.Source < physical.SourceFeedback {
		return max(e.Rows, e.UpperRows)
	}
	return e.Rows
}

func scaled(base float64) func(relset.Set, physical.Estimate) float64 {
	return func(s relset.Set, e physical.Estimate) float64 {
		if e.Source >= physical.SourceFeedback {
			return e.Rows
		}
		return e.Rows * math.Pow(base, float64(s.Len()-1))
	}
}

// views are the variants beside the estimates themselves.
func (a *attempt) views() []physicalize.Variant {
	bounds, up, down, lazy := a.variant("bounds"), a.variant("scaled up"), a.variant("scaled down"), a.variant("lazy aggregation")
	bounds.Cards, up.Cards, down.Cards = upperBounds, scaled(3), scaled(1.0/3)
	lazy.Eager = false
	return []physicalize.Variant{bounds, up, down, lazy}
}

// decide plans a bound query or write and returns the plan to run, and after how many executions to ask again.
func (o *Optimizer) decide(ctx context.Context, r *Request, b *bind.Result) (*physical.Plan, uint32, error) {
	a, err := o.begin(ctx, r, b)
	if err != nil {
		return nil, 0, err
	}
	rewritten := a.o.d.Now().Sub(a.phase)
	a.startPhase()
	first, err := a.try(a.session, a.variant("estimates"), a.model)
	if err != nil {
		return nil, 0, err
	}
	guarded := a.learned && o.d.History != nil && !b.Writes
	if guarded {
		a.past = o.d.History.Template(ctx, b.Template.ID)
	}
	a.endPhase("statistics", "%d tables, %d measured sub-plans", len(b.Tables), a.query.KnownCount())
	if guarded && first.result.Joins > 0 {
		for _, v := range a.views() {
			if v.Name == "lazy aggregation" && !first.result.Eager {
				continue
			}
			if _, err := a.try(a.session, v, a.model); err != nil && !errors.Is(err, context.Canceled) {
				return nil, 0, err
			}
		}
	}
	if guarded {
		a.lastGood()
		if err := a.staticChoice(); err != nil {
			return nil, 0, err
		}
	}
	a.price()
	a.endPhase("cost", "%d candidates, model %s", len(a.cands), a.report.ModelVersion)
	a.report.Rules = a.rules
	a.report.Phases = append(a.report.Phases, physical.PhaseLine{Name: "rules", Nanos: rewritten.Nanoseconds(),
		Summary: fmt.Sprintf("%d rules, %d joins, %d pairs, %s", len(a.rules), first.result.Joins, first.result.Pairs, exactness(first.result))})
	a.startPhase()
	hint := adapt.Decide(a.cands[0].result.Root, time.Duration(a.cands[0].cost.Nanos), a.limits, a.tableRows)
	a.endPhase("adaptation", "%s", hint.Summary())
	chosen, again := a.choose(guarded)
	return a.plan(chosen), again, nil
}

func exactness(r *physicalize.Result) string {
	if r.Exact {
		return "all orders"
	}
	return "greedy order"
}

func (a *attempt) tableRows(n physical.Node) float64 {
	var t physical.TableRef
	switch n := n.(type) {
	case *physical.TableScan:
		t = n.Table
	case *physical.IndexScan:
		t = n.Table
	}
	if s := a.query.TableStats(t.ID); s != nil {
		return s.RowCount
	}
	return 0
}

// lastGood adds the accepted plan, made again from its shape, when no candidate is it already. A plan that comes out
// differently (the catalog or the rewrite rules changed) is not added: it would be another one.
func (a *attempt) lastGood() {
	if a.past == nil || a.past.Accepted == nil {
		return
	}
	id := a.past.Accepted.PlanID
	for _, c := range a.cands {
		if c.result.PlanID == id {
			return
		}
	}
	for _, eager := range []bool{true, false} {
		v := a.variant("last good")
		v.Force, v.Noise, v.Shape, v.Eager = "", 0, physicalize.ShapeOf(a.past.Accepted.Root), eager
		res, err := a.session.Plan(v)
		if err == nil && res.PlanID == id {
			a.cands = append(a.cands, &candidate{name: v.Name, result: res, cost: res.Cost(a.model, a.limits.Parallelism)})
			return
		}
	}
}

// staticChoice adds what the static optimizer would run, unless something measured can be run.
func (a *attempt) staticChoice() error {
	if a.past != nil {
		for _, c := range a.cands {
			for _, e := range a.past.Plans {
				if e.PlanID == c.result.PlanID && e.Median > 0 && e.State != validate.Rejected {
					return nil
				}
			}
		}
	}
	_, s := a.open(false, a.o.d.Static)
	c, err := a.try(s, a.variant("static"), a.model)
	if err != nil {
		return err
	}
	c.static = true
	return nil
}

// price puts what was measured in place of predictions and sorts the candidates by cost. Where a plan was measured, the model's
// error there is taken to be its error on the statement's other plans too: what is wrong with all of them alike (a cold cache,
// another machine) must not make every new plan look like a gain.
func (a *attempt) price() {
	if a.past != nil {
		bias, trusted := 1.0, validate.Evidence{}
		measured := make(map[*candidate]bool)
		for _, c := range a.cands {
			for _, e := range a.past.Plans {
				if e.PlanID != c.result.PlanID || e.Median <= 0 {
					continue
				}
				if e.State == validate.Accepted || trusted.State != validate.Accepted && e.Runs > trusted.Runs {
					bias, trusted = float64(e.Median)/max(c.cost.Nanos, 1), e
				}
				c.cost, measured[c] = cost.Measured(float64(e.Median)), true
			}
		}
		for _, c := range a.cands {
			if !measured[c] {
				c.cost.Nanos *= min(maxBias, max(1/maxBias, bias))
			}
		}
	}
	slices.SortStableFunc(a.cands, func(x, y *candidate) int {
		switch {
		case x.cost.Nanos < y.cost.Nanos:
			return -1
		case x.cost.Nanos > y.cost.Nanos:
			return 1
		}
		return 0
	})
}

// maxBias bounds how far a measured plan corrects the predictions of the others.
const maxBias = 20.0

// choose asks the guard.
func (a *attempt) choose(guarded bool) (*candidate, uint32) {
	if !guarded {
		a.report.Guard, a.report.Reason = "OFF", "least expected cost"
		switch {
		case !a.learned:
			a.report.Reason = "static optimizer: least expected cost"
		case a.b.Writes:
			a.report.Reason = "a write: least expected cost"
		}
		a.endPhase("validation", "%s", a.report.Reason)
		return a.cands[0], 0
	}
	choices := make([]validate.Choice, len(a.cands))
	for i, c := range a.cands {
		choices[i] = validate.Choice{PlanID: c.result.PlanID, Predicted: time.Duration(min(c.cost.Nanos, 1e18)),
			Spread: c.cost.Spread * guesswork(c.result.Root), Static: c.static}
	}
	var t validate.Template
	if a.past != nil {
		t = a.past.Template
	}
	d := validate.Decide(t, choices)
	a.report.Guard, a.report.Reason = d.State.String(), d.Reason
	var chosen *candidate
	for _, c := range a.cands {
		if c.result.PlanID == d.PlanID {
			chosen = c
		}
	}
	a.endPhase("validation", "%s: %s", d.State, d.Reason)
	if len(d.Transitions) > 0 {
		plans := make(map[uint64]*physical.Plan)
		for _, tr := range d.Transitions {
			for _, c := range a.cands {
				if c.result.PlanID == tr.PlanID {
					plans[tr.PlanID] = a.plan(c)
				}
			}
		}
		origin := "learned"
		a.o.d.History.Record(a.b.Template.ID, d.Transitions, plans, origin)
	}
	return chosen, d.Again
}

const (
	// guessFactor is the factor by which each row count that was not measured is taken to widen a prediction: errors of join sizes
	// multiply (Ioannidis and Christodoulakis, On the Propagation of Errors in the Size of Join Results, 1991).
	guessFactor = 2.0
	maxGuesses  = 10
)

// guesswork is the factor by which a plan's time may be off because the model was told guessed row counts, at least 1: a model's own
// uncertainty is over measured ones.
func guesswork(root physical.Node) float64 {
	guesses := 0
	physical.Walk(root, func(n physical.Node) {
		switch n := n.(type) {
		case *physical.Aggregate:
			if len(n.Groups) == 0 {
				return
			}
		case *physical.HashJoin, *physical.NestedLoopJoin, *physical.IndexJoin:
		default:
			return
		}
		if s := n.Head().Est.Source; s != physical.SourceFeedback && s != physical.SourceExact {
			guesses++
		}
	})
	return math.Pow(guessFactor, float64(min(guesses, maxGuesses)))
}

// plan hands out a candidate with the report.
func (a *attempt) plan(chosen *candidate) *physical.Plan {
	p := &physical.Plan{Root: chosen.result.Root, TemplateID: a.b.Template.ID, PlanID: chosen.result.PlanID,
		CatalogRevision: a.r.Catalog.Revision, Report: a.report}
	if chosen.result.Eager {
		p.Report.Rules = append(slices.Clone(p.Report.Rules), rewrite.EagerAggregation)
	}
	p.Report.Candidates = make([]physical.Candidate, len(a.cands))
	for i, c := range a.cands {
		p.Report.Candidates[i] = physical.Candidate{Name: c.name, PlanID: c.result.PlanID, CostNanos: c.cost.Nanos, Spread: c.cost.Spread,
			CostSource: c.cost.Source, Chosen: c == chosen, Summary: c.result.Summary}
	}
	return p
}

// parallelism is the number of workers of the session: its setting, or the executors' usual one.
func (o *Optimizer) parallelism(r *Request) int {
	n := 0
	if _, err := fmt.Sscan(r.setting("attune.parallelism"), &n); err != nil || n < 1 {
		return o.d.Parallelism
	}
	return min(n, 1024)
}
