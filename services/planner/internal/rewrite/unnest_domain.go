package rewrite

import (
	"slices"

	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/services/planner/internal/algebra"
)

// push evaluates n for all rows of the domain at once: the result has n's columns and the domain's, and for each row of the domain
// just the rows that n gives for it.
func (d *domain) push(n logical.Node) (logical.Node, []logical.Column, error) {
	if len(correlated(n, d.set)) == 0 {
		dom, cols := d.instance()
		return join(physical.JoinInner, dom, n, nil, logical.Column{}, false), cols, nil
	}
	switch n := n.(type) {
	case *logical.Filter:
		in, cols, err := d.push(n.Input)
		if err != nil {
			return nil, nil, err
		}
		return filter(in, expr.Conjuncts(d.inner(n.Cond, cols))), cols, nil
	case *logical.Project:
		in, cols, err := d.push(n.Input)
		if err != nil {
			return nil, nil, err
		}
		items := make([]logical.Item, 0, len(n.Items)+len(cols))
		for _, it := range n.Items {
			items = append(items, logical.Item{Column: it.Column, Expr: d.inner(it.Expr, cols)})
		}
		return logical.NewProject(in, append(items, pass(cols)...)), cols, nil
	case *logical.Sort:
		return d.push(n.Input)
	case *logical.Join:
		return d.pushJoin(n)
	case *logical.Aggregate:
		return d.pushAggregate(n)
	case *logical.SetOp:
		return d.pushSetOp(n)
	case *logical.Values:
		return d.pushValues(n)
	case *logical.SingleRow:
		return d.pushSingleRow(n)
	case *logical.Limit:
		return nil, nil, sqlerr.New(sqlerr.FeatureNotSupported, "LIMIT in a correlated subquery is not supported")
	}
	return nil, nil, sqlerr.New(sqlerr.FeatureNotSupported, "this kind of correlated subquery is not supported (%s)", n.Op())
}

func (d *domain) pushJoin(n *logical.Join) (logical.Node, []logical.Column, error) {
	onLeft, onRight := len(correlated(n.Left, d.set)) > 0, len(correlated(n.Right, d.set)) > 0
	if n.Kind == physical.JoinFull {
		return nil, nil, sqlerr.New(sqlerr.FeatureNotSupported, "a full join in a correlated subquery is not supported")
	}
	if n.Kind == physical.JoinInner && onRight && !onLeft {
		right, cols, err := d.push(n.Right)
		if err != nil {
			return nil, nil, err
		}
		return join(n.Kind, n.Left, right, d.innerOn(n.On, cols), n.Mark, n.NullAware), cols, nil
	}
	// The preserved side must come with the domain, so that its rows are there for each value.
	left, cols, err := d.push(n.Left)
	if err != nil {
		return nil, nil, err
	}
	on := expr.Conjuncts(d.innerOn(n.On, cols))
	right := n.Right
	if onRight {
		var more []logical.Column
		if right, more, err = d.push(n.Right); err != nil {
			return nil, nil, err
		}
		on = append(on, d.same(cols, more)...)
	}
	return join(n.Kind, left, right, expr.Conjoin(on), n.Mark, n.NullAware), cols, nil
}

func (d *domain) innerOn(on expr.Expr, cols []logical.Column) expr.Expr {
	if on == nil {
		return nil
	}
	return d.inner(on, cols)
}

func (d *domain) pushAggregate(n *logical.Aggregate) (logical.Node, []logical.Column, error) {
	in, cols, err := d.push(n.Input)
	if err != nil {
		return nil, nil, err
	}
	inner := algebra.MapExprs(n, func(e expr.Expr) expr.Expr { return d.inner(e, cols) }).(*logical.Aggregate)
	if len(n.Groups) > 0 {
		return logical.NewAggregate(in, append(slices.Clone(inner.Groups), pass(cols)...), inner.Aggs), cols, nil
	}
	// Without groups there is a row for every value of the domain, also where there is no input.
	aggs, items := d.emptyGroups(inner)
	grouped := logical.NewAggregate(in, pass(cols), aggs)
	dom, all := d.instance()
	j := join(physical.JoinLeft, dom, grouped, expr.Conjoin(d.same(all, cols)), logical.Column{}, false)
	return logical.NewProject(j, append(items, pass(all)...)), all, nil
}

func (d *domain) pushSetOp(n *logical.SetOp) (logical.Node, []logical.Column, error) {
	side := func(in logical.Node) (logical.Node, []logical.Column, error) {
		out, cols, err := d.push(in)
		if err != nil {
			return nil, nil, err
		}
		// Set operations combine by position.
		return logical.NewProject(out, append(pass(in.Columns()), pass(cols)...)), cols, nil
	}
	left, cols, err := side(n.Left)
	if err != nil {
		return nil, nil, err
	}
	right, _, err := side(n.Right)
	if err != nil {
		return nil, nil, err
	}
	out := make([]logical.Column, len(cols))
	for i, c := range cols {
		out[i] = d.newColumn(c.Name, c.Type)
	}
	return &logical.SetOp{Kind: n.Kind, Left: left, Right: right, Cols: append(slices.Clone(n.Cols), out...)}, out, nil
}

// pushValues makes a projection of the domain of every row.
func (d *domain) pushValues(n *logical.Values) (logical.Node, []logical.Column, error) {
	var out logical.Node
	var outCols []logical.Column
	for i, row := range n.Rows {
		dom, cols := d.instance()
		items := make([]logical.Item, 0, len(row)+len(cols))
		for j, e := range row {
			c := n.Cols[j]
			if len(n.Rows) > 1 {
				c = d.newColumn(c.Name, c.Type)
			}
			items = append(items, logical.Item{Column: c, Expr: d.inner(e, cols)})
		}
		p := logical.NewProject(dom, append(items, pass(cols)...))
		if i == 0 {
			out, outCols = p, cols
			continue
		}
		all := make([]logical.Column, 0, len(p.Columns()))
		last := i == len(n.Rows)-1
		for j, c := range p.Columns() {
			if last && j < len(n.Cols) {
				all = append(all, n.Cols[j])
				continue
			}
			all = append(all, d.newColumn(c.Name, c.Type))
		}
		out, outCols = &logical.SetOp{Kind: logical.UnionAll, Left: out, Right: p, Cols: all}, all[len(n.Cols):]
	}
	return out, outCols, nil
}

// pushSingleRow lets a row of the domain have no row, which a left join above makes NULLs, but not several: beside the result stands a
// query that gives two rows, and so fails as a SingleRow, when some value of the domain has several rows.
func (d *domain) pushSingleRow(n *logical.SingleRow) (logical.Node, []logical.Column, error) {
	in, cols, err := d.push(n.Input)
	if err != nil {
		return nil, nil, err
	}
	if atMostOneRow(in, d.same(cols, d.outer)) {
		return d.fillDomain(in, cols, n.Columns())
	}
	if isVolatile(in) {
		return nil, nil, sqlerr.New(sqlerr.FeatureNotSupported, "this correlated subquery of volatile functions is not supported")
	}
	copied, ids := d.clone(in)
	groups := make([]logical.Item, len(cols))
	for i, c := range cols {
		groups[i] = logical.Item{Column: d.newColumn(c.Name, c.Type), Expr: expr.NewColumn(ids[c.ID], c.Type, c.Name)}
	}
	counted, _ := compute.AggregateByID("count()")
	count := logical.AggItem{Column: d.newColumn("count", types.Of(types.Int8)), Fn: counted}
	one := &expr.Const{Value: types.NewInt(types.Int8, 1), Typ: types.Of(types.Int8)}
	several := filter(logical.NewAggregate(copied, groups, []logical.AggItem{count}),
		[]expr.Expr{call(">(int8,int8)", types.Of(types.Bool), count.Ref(), one)})
	yes := expr.NewConst(types.NewBool(true))
	two := &logical.Values{Cols: []logical.Column{d.newColumn("twice", types.Of(types.Bool))}, Rows: [][]expr.Expr{{yes}, {yes}}}
	guard := &logical.SingleRow{Input: logical.NewProject(
		join(physical.JoinInner, several, two, nil, logical.Column{}, false), pass(two.Cols))}
	guarded := join(physical.JoinInner, in, guard, nil, logical.Column{}, false)
	return d.fillDomain(guarded, cols, n.Columns())
}

// fillDomain gives each row of the domain without a row in n one of NULLs.
func (d *domain) fillDomain(n logical.Node, cols, output []logical.Column) (logical.Node, []logical.Column, error) {
	dom, all := d.instance()
	j := join(physical.JoinLeft, dom, n, expr.Conjoin(d.same(all, cols)), logical.Column{}, false)
	return logical.NewProject(j, append(pass(output), pass(all)...)), all, nil
}
