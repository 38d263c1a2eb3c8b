package algebra

import (
	"slices"

	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
)

// Same reports whether two trees are the same plan made of the same expressions, which are compared by identity: a quick way to see
// whether a rewrite changed anything. It may say no for plans that are equal.
func Same(a, b logical.Node) bool {
	if a == b {
		return true
	}
	if !sameNode(a, b) {
		return false
	}
	x, y := a.Inputs(), b.Inputs()
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if !Same(x[i], y[i]) {
			return false
		}
	}
	return true
}

func sameNode(a, b logical.Node) bool {
	if a.Op() != b.Op() || !slices.Equal(a.Columns(), b.Columns()) {
		return false
	}
	switch a := a.(type) {
	case *logical.Filter:
		return slices.Equal(expr.Conjuncts(a.Cond), expr.Conjuncts(b.(*logical.Filter).Cond))
	case *logical.Join:
		b := b.(*logical.Join)
		return a.Kind == b.Kind && a.NullAware == b.NullAware && slices.Equal(expr.Conjuncts(a.On), expr.Conjuncts(b.On))
	case *logical.Scan:
		return slices.Equal(a.Ordinals, b.(*logical.Scan).Ordinals)
	case *logical.SetOp:
		return a.Kind == b.(*logical.SetOp).Kind
	case *logical.Limit:
		b := b.(*logical.Limit)
		return a.Count == b.Count && a.Offset == b.Offset
	case *logical.With:
		return slices.Equal(a.CTEs, b.(*logical.With).CTEs)
	case *logical.Values:
		return slices.EqualFunc(a.Rows, b.(*logical.Values).Rows, func(x, y []expr.Expr) bool { return slices.Equal(x, y) })
	case *logical.Aggregate:
		b := b.(*logical.Aggregate)
		return len(a.Groups) == len(b.Groups) && slices.Equal(logical.Exprs(a), logical.Exprs(b))
	case *logical.Sort:
		return slices.Equal(a.Keys, b.(*logical.Sort).Keys)
	}
	return slices.Equal(logical.Exprs(a), logical.Exprs(b))
}
