package rewrite

import (
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/services/planner/internal/algebra"
	"github.com/attunedb/attune/services/planner/internal/scalar"
)

// clone returns a copy of n in which every column it makes has a fresh ID, and the renaming. Columns from outside keep theirs.
func (r *rewriter) clone(n logical.Node) (logical.Node, map[expr.ColumnID]expr.ColumnID) {
	ids := map[expr.ColumnID]expr.ColumnID{}
	made := func(cols ...logical.Column) {
		for _, c := range cols {
			if c.ID != 0 && ids[c.ID] == 0 {
				ids[c.ID] = r.newID()
			}
		}
	}
	algebra.Walk(n, func(n logical.Node) bool {
		switch n := n.(type) {
		case *logical.Join:
			made(n.Mark)
		case *logical.Apply:
			made(n.Mark)
		default:
			made(n.Columns()...)
		}
		return true
	})
	rename := func(c logical.Column) logical.Column {
		if to, ok := ids[c.ID]; ok {
			c.ID = to
		}
		return c
	}
	columns := func(cols []logical.Column) []logical.Column {
		out := make([]logical.Column, len(cols))
		for i, c := range cols {
			out[i] = rename(c)
		}
		return out
	}
	items := func(in []logical.Item) []logical.Item {
		out := make([]logical.Item, len(in))
		for i, it := range in {
			out[i] = logical.Item{Column: rename(it.Column), Expr: it.Expr}
		}
		return out
	}
	inExpr := func(e expr.Expr) expr.Expr {
		return expr.Transform(e, func(x expr.Expr) expr.Expr {
			if c, ok := x.(*expr.Column); ok {
				if to, ok := ids[c.ID]; ok {
					return expr.NewColumn(to, c.Typ, c.Name)
				}
			}
			return x
		})
	}
	out := algebra.Transform(n, func(n logical.Node) logical.Node {
		switch x := algebra.MapExprs(n, inExpr).(type) {
		case *logical.Scan:
			return &logical.Scan{Table: x.Table, Alias: x.Alias, Ordinals: x.Ordinals, Cols: columns(x.Cols)}
		case *logical.Values:
			return &logical.Values{Cols: columns(x.Cols), Rows: x.Rows}
		case *logical.CTERef:
			return &logical.CTERef{CTE: x.CTE, Name: x.Name, Cols: columns(x.Cols)}
		case *logical.Project:
			return logical.NewProject(x.Input, items(x.Items))
		case *logical.Join:
			return join(x.Kind, x.Left, x.Right, x.On, rename(x.Mark), x.NullAware)
		case *logical.Apply:
			a := logical.NewApply(x.Kind, x.Left, x.Right, x.On, rename(x.Mark))
			a.NullAware = x.NullAware
			return a
		case *logical.Aggregate:
			aggs := make([]logical.AggItem, len(x.Aggs))
			for i, a := range x.Aggs {
				a.Column = rename(a.Column)
				aggs[i] = a
			}
			return logical.NewAggregate(x.Input, items(x.Groups), aggs)
		case *logical.SetOp:
			return &logical.SetOp{Kind: x.Kind, Left: x.Left, Right: x.Right, Cols: columns(x.Cols)}
		default:
			return x
		}
	})
	return out, ids
}

// isVolatile reports whether n or a descendant calls a volatile function: it must not be copied.
func isVolatile(n logical.Node) bool { return anyExpr(n, scalar.IsVolatile) }

func anyExpr(n logical.Node, f func(expr.Expr) bool) bool {
	found := false
	algebra.Walk(n, func(n logical.Node) bool {
		for _, e := range logical.Exprs(n) {
			found = found || f(e)
		}
		return !found
	})
	return found
}
