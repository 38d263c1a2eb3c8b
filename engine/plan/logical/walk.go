package logical

import "github.com/attunedb/attune/engine/expr"

// Exprs returns the expressions of the node itself, not of its inputs. Nil conditions are left out.
func Exprs(n Node) []expr.Expr {
	var out []expr.Expr
	add := func(es ...expr.Expr) {
		for _, e := range es {
			if e != nil {
				out = append(out, e)
			}
		}
	}
	switch n := n.(type) {
	case *Filter:
		add(n.Cond)
	case *Project:
		for _, it := range n.Items {
			add(it.Expr)
		}
	case *Join:
		add(n.On)
	case *Apply:
		add(n.On)
	case *Aggregate:
		for _, g := range n.Groups {
			add(g.Expr)
		}
		for _, a := range n.Aggs {
			add(a.Args...)
			add(a.Filter)
			for _, k := range a.OrderBy {
				add(k.Expr)
			}
		}
	case *Sort:
		for _, k := range n.Keys {
			add(k.Expr)
		}
	case *Limit:
		add(n.Count, n.Offset)
	case *Values:
		for _, r := range n.Rows {
			add(r...)
		}
	case *Write:
		for _, it := range n.Returning {
			add(it.Expr)
		}
		for _, c := range n.Checks {
			add(c.Cond)
		}
	}
	return out
}

// FreeColumns returns the columns that n and its descendants name and no descendant gives: the
// correlated ones.
func FreeColumns(n Node) Set {
	free := ExprColumns(Exprs(n)...)
	given := make(Set)
	for _, in := range n.Inputs() {
		for id := range FreeColumns(in) {
			free.Add(id)
		}
		for id := range OutputSet(in) {
			given.Add(id)
		}
	}
	if w, ok := n.(*Write); ok {
		for _, c := range w.Row {
			given.Add(c.ID)
		}
	}
	for id := range given {
		delete(free, id)
	}
	return free
}
