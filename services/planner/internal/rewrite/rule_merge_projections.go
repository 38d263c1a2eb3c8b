package rewrite

import (
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/services/planner/internal/algebra"
	"github.com/attunedb/attune/services/planner/internal/scalar"
)

// mergeProjections is rule merge_projections.
//
// What: a projection over another becomes one, a projection that only passes columns on goes away, and projections move from the inputs
// of joins and below aggregations into what is above, so that joins stand next to joins.
//
// Why it is sound: columns are named by IDs, so that more or reordered columns change nothing where the order does not matter. A
// computed column is replaced by its expression, unless that is volatile, or costly and used more than once. Above an outer join's
// nullable side, an expression moves only if it is NULL there, as the column was.
//
// A careless version fails for
//
//	SELECT q.k FROM t LEFT JOIN (SELECT x, coalesce(y, 0) AS k FROM s) q ON q.x = t.a
//
// where a row of t without partner has k NULL, not 0.
func (r *rewriter) mergeProjections(n logical.Node) (logical.Node, error) {
	return mergeIn(n, false), nil
}

// mergeIn rewrites n and below. positional says that the order and number of n's columns matter.
func mergeIn(n logical.Node, positional bool) logical.Node {
	inputs := n.Inputs()
	changed := false
	for i, in := range inputs {
		childPositional := false
		switch n := n.(type) {
		case *logical.SetOp:
			childPositional = true
		case *logical.With:
			childPositional = i < len(n.Defs) || positional
		case *logical.Filter, *logical.Sort, *logical.Limit, *logical.SingleRow:
			childPositional = positional
		}
		next := mergeIn(in, childPositional)
		if next != in {
			inputs[i], changed = next, true
		}
	}
	if changed {
		n = n.WithInputs(inputs)
	}
	switch x := n.(type) {
	case *logical.Project:
		if !positional && passesOnly(x.Items) {
			return x.Input
		}
		return mergeProjects(x)
	case *logical.Join:
		return liftProjects(x, positional)
	case *logical.Aggregate:
		return projectIntoAggregate(x)
	}
	return n
}

// passesOnly reports whether items change nothing but the order and number of columns.
func passesOnly(items []logical.Item) bool {
	for _, it := range items {
		if c, ok := it.Expr.(*expr.Column); !ok || c.ID != it.ID {
			return false
		}
	}
	return true
}

// cheap reports whether an expression may be computed several times.
func cheap(e expr.Expr) bool {
	switch scalar.StripRelabel(e).(type) {
	case *expr.Column, *expr.Const, *expr.Param:
		return true
	}
	return false
}

// substitutable reports whether the items may be replaced by their expressions in what uses them.
func substitutable(items []logical.Item, uses ...expr.Expr) bool {
	count := map[expr.ColumnID]int{}
	for _, e := range uses {
		if e != nil {
			expr.Columns(e, func(c *expr.Column) { count[c.ID]++ })
		}
	}
	for _, it := range items {
		if scalar.IsVolatile(it.Expr) || count[it.ID] > 1 && !cheap(it.Expr) {
			return false
		}
	}
	return true
}

func replacements(items []logical.Item) map[expr.ColumnID]expr.Expr {
	by := map[expr.ColumnID]expr.Expr{}
	for _, it := range items {
		if c, ok := it.Expr.(*expr.Column); ok && c.ID == it.ID {
			continue
		}
		by[it.ID] = it.Expr
	}
	return by
}

func mergeProjects(p *logical.Project) logical.Node {
	in, ok := p.Input.(*logical.Project)
	if !ok || !substitutable(in.Items, logical.Exprs(p)...) {
		return p
	}
	by := replacements(in.Items)
	return algebra.MapExprs(p, func(e expr.Expr) expr.Expr { return scalar.Substitute(e, by) }).WithInputs([]logical.Node{in.Input})
}

func projectIntoAggregate(a *logical.Aggregate) logical.Node {
	in, ok := a.Input.(*logical.Project)
	if !ok || !substitutable(in.Items, logical.Exprs(a)...) {
		return a
	}
	by := replacements(in.Items)
	return algebra.MapExprs(a, func(e expr.Expr) expr.Expr { return scalar.Substitute(e, by) }).WithInputs([]logical.Node{in.Input})
}

// liftProjects moves the projections of a join's inputs above it.
func liftProjects(j *logical.Join, positional bool) logical.Node {
	if j.Kind == physical.JoinFull {
		return j
	}
	left, liftLeft := j.Left.(*logical.Project)
	right, liftRight := j.Right.(*logical.Project)
	on := j.On
	rightHidden := j.Kind == physical.JoinSemi || j.Kind == physical.JoinAnti || j.Kind == physical.JoinMark
	liftLeft = liftLeft && substitutable(left.Items, on)
	liftRight = liftRight && substitutable(right.Items, on) && (rightHidden || j.Kind == physical.JoinInner || nullTogether(right))
	if !liftLeft && !liftRight {
		return j
	}
	newLeft, newRight := j.Left, j.Right
	items := pass(j.Left.Columns())
	by := map[expr.ColumnID]expr.Expr{}
	if liftLeft {
		newLeft, items = left.Input, left.Items
		by = replacements(left.Items)
	}
	if liftRight {
		newRight = right.Input
		for id, e := range replacements(right.Items) {
			by[id] = e
		}
	}
	if on != nil {
		on = scalar.Substitute(on, by)
	}
	out := join(j.Kind, newLeft, newRight, on, j.Mark, j.NullAware)
	switch {
	case j.Kind == physical.JoinMark:
		items = append(append([]logical.Item(nil), items...), pass([]logical.Column{j.Mark})...)
	case rightHidden:
	case liftRight:
		items = append(append([]logical.Item(nil), items...), right.Items...)
	default:
		items = append(append([]logical.Item(nil), items...), pass(j.Right.Columns())...)
	}
	if !positional && passesOnly(items) {
		return out
	}
	return logical.NewProject(out, items)
}

// nullTogether reports whether all items are NULL when the projection's input row is made of NULLs.
func nullTogether(p *logical.Project) bool {
	own := logical.OutputSet(p.Input)
	for _, it := range p.Items {
		if !scalar.IsNullWhen(it.Expr, own.Has) {
			return false
		}
	}
	return true
}
