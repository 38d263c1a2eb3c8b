package algebra

import (
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
)

// MapExprs returns n with f applied to each of its own expressions, which keep their types. The inputs stay. A node without a change is
// returned as it is.
func MapExprs(n logical.Node, f func(expr.Expr) expr.Expr) logical.Node {
	m := mapper{f: f}
	switch n := n.(type) {
	case *logical.Filter:
		if cond := m.one(n.Cond); m.changed {
			return &logical.Filter{Input: n.Input, Cond: cond}
		}
	case *logical.Project:
		if items := m.items(n.Items); m.changed {
			return logical.NewProject(n.Input, items)
		}
	case *logical.Join:
		if on := m.one(n.On); m.changed {
			j := logical.NewJoin(n.Kind, n.Left, n.Right, on, n.Mark)
			j.NullAware = n.NullAware
			return j
		}
	case *logical.Apply:
		if on := m.one(n.On); m.changed {
			a := logical.NewApply(n.Kind, n.Left, n.Right, on, n.Mark)
			a.NullAware = n.NullAware
			return a
		}
	case *logical.Aggregate:
		groups := m.items(n.Groups)
		aggs := make([]logical.AggItem, len(n.Aggs))
		for i, a := range n.Aggs {
			a.Args = m.list(a.Args)
			a.Filter = m.one(a.Filter)
			a.OrderBy = m.keys(a.OrderBy)
			aggs[i] = a
		}
		if m.changed {
			return logical.NewAggregate(n.Input, groups, aggs)
		}
	case *logical.Sort:
		if keys := m.keys(n.Keys); m.changed {
			return &logical.Sort{Input: n.Input, Keys: keys}
		}
	case *logical.Limit:
		if count, offset := m.one(n.Count), m.one(n.Offset); m.changed {
			return &logical.Limit{Input: n.Input, Count: count, Offset: offset}
		}
	case *logical.Values:
		rows := make([][]expr.Expr, len(n.Rows))
		for i, r := range n.Rows {
			rows[i] = m.list(r)
		}
		if m.changed {
			return &logical.Values{Cols: n.Cols, Rows: rows}
		}
	case *logical.Write:
		returning := m.items(n.Returning)
		checks := make([]logical.BoundCheck, len(n.Checks))
		for i, c := range n.Checks {
			checks[i] = logical.BoundCheck{Name: c.Name, Cond: m.one(c.Cond)}
		}
		if m.changed {
			c := *n
			c.Returning, c.Checks = returning, checks
			return &c
		}
	}
	return n
}

// MapAllExprs is MapExprs for n and all its descendants.
func MapAllExprs(n logical.Node, f func(expr.Expr) expr.Expr) logical.Node {
	return Transform(n, func(n logical.Node) logical.Node { return MapExprs(n, f) })
}

// Transform rebuilds n bottom-up: f sees every node after its inputs were replaced. Nodes whose inputs did not change are
// not copied.
func Transform(n logical.Node, f func(logical.Node) logical.Node) logical.Node {
	inputs := n.Inputs()
	changed := false
	for i, in := range inputs {
		if next := Transform(in, f); next != in {
			inputs[i], changed = next, true
		}
	}
	if changed {
		n = n.WithInputs(inputs)
	}
	return f(n)
}

// Walk calls visit for n and its descendants, parents first, and does not descend where visit returns false.
func Walk(n logical.Node, visit func(logical.Node) bool) {
	if !visit(n) {
		return
	}
	for _, in := range n.Inputs() {
		Walk(in, visit)
	}
}

type mapper struct {
	f       func(expr.Expr) expr.Expr
	changed bool
}

func (m *mapper) one(e expr.Expr) expr.Expr {
	if e == nil {
		return nil
	}
	next := m.f(e)
	m.changed = m.changed || next != e
	return next
}

func (m *mapper) list(es []expr.Expr) []expr.Expr {
	if es == nil {
		return nil
	}
	out := make([]expr.Expr, len(es))
	for i, e := range es {
		out[i] = m.one(e)
	}
	return out
}

func (m *mapper) items(in []logical.Item) []logical.Item {
	if in == nil {
		return nil
	}
	out := make([]logical.Item, len(in))
	for i, it := range in {
		out[i] = logical.Item{Column: it.Column, Expr: m.one(it.Expr)}
	}
	return out
}

func (m *mapper) keys(in []logical.SortKey) []logical.SortKey {
	if in == nil {
		return nil
	}
	out := make([]logical.SortKey, len(in))
	for i, k := range in {
		k.Expr = m.one(k.Expr)
		out[i] = k
	}
	return out
}
