package rewrite

import (
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/services/planner/internal/scalar"
)

// pushFilters is rule push_filters.
//
// What: the conjuncts of filters and join conditions move to the lowest place that gives their columns: through projections, on group
// keys through aggregations, into both sides of set operations, into the inputs of joins.
//
// Why it is sound: a filter above an inner join, or on the preserved side of an outer one, drops the same rows below it. In
// an outer join's condition, only terms on the nullable side move, since the others decide whether a preserved row is extended. Volatile
// terms stay.
//
// Careless versions fail for
//
//	SELECT * FROM t LEFT JOIN s ON s.x = t.a AND t.b > 5
//
// which gives every row of t, and for
//
//	SELECT b, count(*) FROM t GROUP BY b HAVING count(*) > 1 AND b > 2
//
// where only b > 2 may be tested before grouping.
func (r *rewriter) pushFilters(n logical.Node) (logical.Node, error) { return push(n, nil), nil }

// push returns n filtered by terms, which name only columns of n.
func push(n logical.Node, terms []expr.Expr) logical.Node {
	switch x := n.(type) {
	case *logical.Filter:
		return push(x.Input, append(expr.Conjuncts(x.Cond), terms...))
	case *logical.Project:
		return pushProject(x, terms)
	case *logical.Join:
		return pushJoin(x, terms)
	case *logical.Aggregate:
		return pushAggregate(x, terms)
	case *logical.Sort:
		below, above := byVolatility(terms)
		return filter(rebuild(x, push(x.Input, below)), above)
	case *logical.SetOp:
		return pushSetOp(x, terms)
	case *logical.With:
		inputs := x.Inputs()
		for i := range inputs {
			if i == len(inputs)-1 {
				inputs[i] = push(inputs[i], terms)
			} else {
				inputs[i] = push(inputs[i], nil)
			}
		}
		return rebuild(x, inputs...)
	}
	inputs := n.Inputs()
	for i := range inputs {
		inputs[i] = push(inputs[i], nil)
	}
	return filter(rebuild(n, inputs...), terms)
}

// rebuild returns n over other inputs, n itself when they are the same.
func rebuild(n logical.Node, inputs ...logical.Node) logical.Node {
	for i, in := range n.Inputs() {
		if in != inputs[i] {
			return n.WithInputs(inputs)
		}
	}
	return n
}

func byVolatility(terms []expr.Expr) (stable, volatile []expr.Expr) {
	for _, t := range terms {
		if scalar.IsVolatile(t) {
			volatile = append(volatile, t)
		} else {
			stable = append(stable, t)
		}
	}
	return stable, volatile
}

func pushProject(p *logical.Project, terms []expr.Expr) logical.Node {
	volatile := logical.Set{}
	for _, it := range p.Items {
		if scalar.IsVolatile(it.Expr) {
			volatile.Add(it.ID)
		}
	}
	by := replacements(p.Items)
	var below, above []expr.Expr
	for _, t := range terms {
		if scalar.IsVolatile(t) || logical.ExprColumns(t).Intersects(volatile) {
			above = append(above, t)
			continue
		}
		below = append(below, expr.Conjuncts(scalar.Substitute(t, by))...)
	}
	return filter(rebuild(p, push(p.Input, below)), above)
}

func pushAggregate(a *logical.Aggregate, terms []expr.Expr) logical.Node {
	groups := map[expr.ColumnID]expr.Expr{}
	for _, g := range a.Groups {
		if !scalar.IsVolatile(g.Expr) {
			groups[g.ID] = g.Expr
		}
	}
	var below, above []expr.Expr
	for _, t := range terms {
		if len(groups) > 0 && !scalar.IsVolatile(t) && onlyOf(t, func(id expr.ColumnID) bool { return groups[id] != nil }) {
			below = append(below, scalar.Substitute(t, groups))
			continue
		}
		above = append(above, t)
	}
	return filter(rebuild(a, push(a.Input, below)), above)
}

func pushSetOp(s *logical.SetOp, terms []expr.Expr) logical.Node {
	below, above := byVolatility(terms)
	side := func(in logical.Node) logical.Node {
		by := map[expr.ColumnID]expr.Expr{}
		for i, c := range in.Columns() {
			by[s.Cols[i].ID] = c.Ref()
		}
		own := make([]expr.Expr, len(below))
		for i, t := range below {
			own[i] = scalar.Substitute(t, by)
		}
		return push(in, own)
	}
	return filter(rebuild(s, side(s.Left), side(s.Right)), above)
}

func pushJoin(j *logical.Join, terms []expr.Expr) logical.Node {
	left, right := logical.OutputSet(j.Left), logical.OutputSet(j.Right)
	var toLeft, toRight, on, above []expr.Expr
	ofLeft := func(t expr.Expr) bool { return onlyOf(t, left.Has) }
	ofRight := func(t expr.Expr) bool { return onlyOf(t, right.Has) }
	// Terms above the join.
	for _, t := range terms {
		switch {
		case scalar.IsVolatile(t):
			above = append(above, t)
		case j.Kind == physical.JoinFull:
			above = append(above, t)
		case ofLeft(t):
			toLeft = append(toLeft, t)
		case j.Kind == physical.JoinInner && ofRight(t):
			toRight = append(toRight, t)
		case j.Kind == physical.JoinInner:
			on = append(on, t)
		default:
			above = append(above, t)
		}
	}
	// Terms of the join's own condition.
	for _, t := range expr.Conjuncts(j.On) {
		columns := scalar.HasColumns(t)
		switch {
		case scalar.IsVolatile(t) || j.Kind == physical.JoinFull:
			on = append(on, t)
		case (j.Kind == physical.JoinInner || j.Kind == physical.JoinSemi) && ofLeft(t):
			toLeft = append(toLeft, t)
		case ofRight(t) && columns && (!j.NullAware || neverNull(t, j.Right)):
			toRight = append(toRight, t)
		default:
			on = append(on, t)
		}
	}
	newLeft, newRight := push(j.Left, toLeft), push(j.Right, toRight)
	var out logical.Node = j
	if newLeft != j.Left || newRight != j.Right || !sameTerms(on, expr.Conjuncts(j.On)) {
		out = join(j.Kind, newLeft, newRight, expr.Conjoin(on), j.Mark, j.NullAware)
	}
	return filter(out, above)
}

func sameTerms(a, b []expr.Expr) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// neverNull reports whether a term over n's columns is never NULL.
func neverNull(t expr.Expr, n logical.Node) bool {
	notNull := NotNull(n)
	return !scalar.MayBeNull(t, func(id expr.ColumnID) bool { return !notNull.Has(id) })
}
