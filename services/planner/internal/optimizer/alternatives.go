package optimizer

import (
	"context"
	"fmt"
	"slices"

	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/services/planner/internal/algebra"
	"github.com/attunedb/attune/services/planner/internal/bind"
	"github.com/attunedb/attune/services/planner/internal/physicalize"
)

// maxAlternatives bounds how many plans may be asked for.
const maxAlternatives = 32

// Alternatives gives at most limit plans of a query that differ from each other and were neither measured nor refused, most promising
// first, and the parameters to run them with: the request's, then the statement's literals. A statement that is no query has none.
func (o *Optimizer) Alternatives(ctx context.Context, r Request, limit int) ([]*physical.Plan, []types.Datum, error) {
	limit = max(1, min(limit, maxAlternatives))
	b, err := o.bind(r)
	if err != nil {
		return nil, nil, err
	}
	if b.Logical == nil || b.Writes {
		return nil, nil, sqlerr.New(sqlerr.FeatureNotSupported, "only queries have alternatives")
	}
	a, err := o.begin(ctx, &r, b)
	if err != nil {
		return nil, nil, err
	}
	if o.d.History != nil {
		a.past = o.d.History.Template(ctx, b.Template.ID)
	}
	variants := append([]physicalize.Variant{a.variant("estimates")}, a.views()...)
	for _, m := range []string{"hash", "index"} {
		v := a.variant("force " + m)
		v.Force = m
		variants = append(variants, v)
	}
	for seed := range uint64(2 * limit) {
		v := a.variant(fmt.Sprintf("noise %d", seed+1))
		v.Noise, v.Seed = 0.7+0.3*float64(seed%4), seed+1
		variants = append(variants, v)
	}
	for i, v := range variants {
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		if _, err := a.try(a.session, v, a.model); err != nil {
			return nil, nil, err
		}
		if i == 0 && a.cands[0].result.Joins == 0 {
			break
		}
	}
	if _, s := a.open(false, o.d.Static); s != nil {
		if _, err := a.try(s, a.variant("static"), a.model); err != nil {
			return nil, nil, err
		}
	}
	a.price()
	var out []*physical.Plan
	for _, c := range a.cands {
		if len(out) < limit && !a.settled(c.result.PlanID) {
			a.report.Reason = "alternative: " + c.name
			out = append(out, a.plan(c))
		}
	}
	return out, append(slices.Clone(r.Params), literals(b)...), nil
}

// literals are the values of a bound statement's literals, NULL for those that are part of the plan.
func literals(b *bind.Result) []types.Datum {
	out := make([]types.Datum, len(b.LiteralTypes))
	for i, t := range b.LiteralTypes {
		out[i] = types.Null(t.Kind)
	}
	algebra.Walk(b.Logical, func(n logical.Node) bool {
		for _, e := range logical.Exprs(n) {
			expr.Walk(e, func(e expr.Expr) bool {
				if c, ok := e.(*expr.Const); ok && c.Slot > 0 {
					out[c.Slot-1] = c.Value
				}
				return true
			})
		}
		return true
	})
	return out
}

// settled reports whether a plan was measured, stopped or refused.
func (a *attempt) settled(id uint64) bool {
	if a.past == nil {
		return false
	}
	for _, e := range a.past.Plans {
		if e.PlanID == id {
			return e.Median > 0 || e.Censored > 0 || e.State > 2
		}
	}
	return false
}
