package rewrite

import (
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/services/planner/internal/scalar"
)

// pushLimit is rule push_limit.
//
// What: a limit moves below a projection, so that it stands on the sort; a limit without offset is repeated in the inputs of a UNION
// ALL and, with the sort if it is by its columns, on the preserved side of a left join.
//
// Why it is sound: a projection keeps number and order of rows. Of a union the first n rows are among the first n of each input.
// A left join gives at least one row for each preserved row, so the first n come from the first n preserved ones.
//
// Careless versions fail for
//
//	SELECT * FROM t JOIN s ON s.x = t.a LIMIT 5
//
// where the first five rows of t may have no partner, and for a limit with offset on one side of a union.
func (r *rewriter) pushLimit(n logical.Node) (logical.Node, error) {
	return limitBelow(n), nil
}

func limitBelow(n logical.Node) logical.Node {
	inputs := n.Inputs()
	for i, in := range inputs {
		inputs[i] = limitBelow(in)
	}
	n = rebuild(n, inputs...)
	l, ok := n.(*logical.Limit)
	if !ok {
		return n
	}
	switch in := l.Input.(type) {
	case *logical.Project:
		for _, it := range in.Items {
			if scalar.IsVolatile(it.Expr) {
				return n
			}
		}
		return logical.NewProject(limitBelow(&logical.Limit{Input: in.Input, Count: l.Count, Offset: l.Offset}), in.Items)
	case *logical.SetOp:
		if in.Kind != logical.UnionAll || l.Offset != nil || l.Count == nil {
			return n
		}
		left, right := limited(in.Left, nil, l.Count), limited(in.Right, nil, l.Count)
		return rebuild(l, rebuild(in, left, right))
	case *logical.Join:
		if in.Kind != physical.JoinLeft || l.Offset != nil || l.Count == nil {
			return n
		}
		return rebuild(l, rebuild(in, limited(in.Left, nil, l.Count), in.Right))
	case *logical.Sort:
		j, ok := in.Input.(*logical.Join)
		if !ok || j.Kind != physical.JoinLeft || l.Offset != nil || l.Count == nil {
			return n
		}
		left := logical.OutputSet(j.Left)
		for _, k := range in.Keys {
			if !onlyOf(k.Expr, left.Has) || scalar.IsVolatile(k.Expr) {
				return n
			}
		}
		return rebuild(l, rebuild(in, rebuild(j, limited(j.Left, in.Keys, l.Count), j.Right)))
	}
	return n
}

// limited returns the first count rows of n in the given order, n itself when it is limited to them already.
func limited(n logical.Node, keys []logical.SortKey, count expr.Expr) logical.Node {
	if l, ok := bareLimit(n); ok && l.Offset == nil && l.Count != nil {
		if same, slots := scalar.Equal(l.Count, count); same && len(slots) == 0 {
			return n
		}
	}
	if len(keys) > 0 {
		n = &logical.Sort{Input: n, Keys: keys}
	}
	return limitBelow(&logical.Limit{Input: n, Count: count})
}

// bareLimit finds the limit on top of n, below projections.
func bareLimit(n logical.Node) (*logical.Limit, bool) {
	for {
		switch x := n.(type) {
		case *logical.Limit:
			return x, true
		case *logical.Project:
			n = x.Input
		default:
			return nil, false
		}
	}
}
