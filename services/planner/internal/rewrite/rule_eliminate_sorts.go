package rewrite

import (
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/services/planner/internal/scalar"
)

// eliminateSorts is rule eliminate_sorts.
//
// What: a sort goes away whose order nothing sees, or whose input has at most one row; keys go away that are constant, repeated, or come
// after keys that already tell all rows apart.
//
// Why it is sound: a set has no order, and an order among equal or single rows says nothing.
//
// Careless versions fail for
//
//	SELECT string_agg(c, ',') FROM (SELECT c FROM t ORDER BY b) q
//
// where the aggregate shows the order of its input, and for ORDER BY … LIMIT in a subquery, where it decides which rows there are.
func (r *rewriter) eliminateSorts(n logical.Node) (logical.Node, error) {
	return unsort(n, true), nil
}

// orderBlind are the aggregates that give the same for every order of their input.
var orderBlind = map[string]bool{
	"count": true, "min": true, "max": true, "bool_and": true, "bool_or": true, "every": true, "bit_and": true, "bit_or": true,
}

// unsort rewrites n; seen says that the order of its rows matters.
func unsort(n logical.Node, seen bool) logical.Node {
	inputs := n.Inputs()
	for i, in := range inputs {
		inputs[i] = unsort(in, orderPasses(n, seen))
	}
	n = rebuild(n, inputs...)
	s, ok := n.(*logical.Sort)
	if !ok {
		return n
	}
	if !seen {
		return s.Input
	}
	keys := sortKeys(s)
	switch len(keys) {
	case 0:
		return s.Input
	case len(s.Keys):
		return n
	}
	return &logical.Sort{Input: s.Input, Keys: keys}
}

// orderPasses reports whether the order of n's inputs matters.
func orderPasses(n logical.Node, seen bool) bool {
	switch n := n.(type) {
	case *logical.Sort, *logical.Join, *logical.SetOp, *logical.SingleRow, *logical.Write:
		return false
	case *logical.Limit:
		return true
	case *logical.With:
		return seen
	case *logical.Aggregate:
		for _, a := range n.Aggs {
			exactSum := (a.Fn.Name == "sum" || a.Fn.Name == "avg") && len(a.Args) == 1 && !a.Args[0].Type().Kind.IsFloat()
			if len(a.OrderBy) == 0 && !orderBlind[a.Fn.Name] && !exactSum {
				return true
			}
		}
		return false
	}
	return seen
}

// fixedColumns returns columns that have one value in all rows of n.
func fixedColumns(n logical.Node) logical.Set {
	switch n := n.(type) {
	case *logical.Filter:
		return union(fixedColumns(n.Input), equatedColumns(n.Cond, logical.OutputSet(n)))
	case *logical.Project:
		below, out := fixedColumns(n.Input), logical.Set{}
		for _, it := range n.Items {
			if !scalar.IsVolatile(it.Expr) && onlyOf(it.Expr, below.Has) {
				out.Add(it.ID)
			}
		}
		return out
	}
	return logical.Set{}
}

// sortKeys returns the keys that matter.
func sortKeys(s *logical.Sort) []logical.SortKey {
	unique := Keys(s.Input)
	var out []logical.SortKey
	sorted := fixedColumns(s.Input)
	for _, k := range s.Keys {
		if hasKeyIn(unique, sorted) {
			break
		}
		if !scalar.HasColumns(k.Expr) && !scalar.IsVolatile(k.Expr) {
			continue
		}
		if c, ok := k.Expr.(*expr.Column); ok {
			if sorted.Has(c.ID) {
				continue
			}
			sorted.Add(c.ID)
		}
		out = append(out, k)
	}
	return out
}
