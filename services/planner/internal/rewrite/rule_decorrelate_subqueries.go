package rewrite

import (
	"slices"

	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/services/planner/internal/scalar"
)

// decorrelateSubqueries is rule decorrelate_subqueries.
//
// What: every Apply becomes joins. A subquery that is not correlated is joined as it is. One whose correlation is in filters that can
// be pulled up is joined on them: EXISTS and IN become semi joins, their negations anti joins, a scalar aggregate a left
// join on the aggregate grouped by the correlated columns. Any other is evaluated for the distinct values of the outer
// columns it names, all at once, and joined on these (T. Neumann, A. Kemper, "Unnesting Arbitrary Queries", BTW 2015, section 3).
//
// Why it is sound: an Apply's right side depends on the left row by its outer columns only, so rows that agree in them (NULLs being
// equal) share its result. The pulled-up filters are those of the subquery.
//
// Careless versions fail for
//
//	SELECT a, (SELECT count(*) FROM s WHERE s.x = t.a) FROM t
//
// where a row of t without partners must show 0, not NULL: grouping loses empty groups (the count bug); and for
//
//	SELECT a FROM t WHERE a NOT IN (SELECT x FROM s WHERE s.y = t.b)
//
// where a NULL x excludes a row, but a NULL s.y does not.
func (r *rewriter) decorrelateSubqueries(n logical.Node) (logical.Node, error) {
	inputs := n.Inputs()
	changed := false
	for i, in := range inputs {
		next, err := r.decorrelateSubqueries(in)
		if err != nil {
			return nil, err
		}
		if next != in {
			inputs[i], changed = next, true
		}
	}
	if changed {
		n = n.WithInputs(inputs)
	}
	if a, ok := n.(*logical.Apply); ok {
		return r.unnest(a)
	}
	return n, nil
}

func (r *rewriter) unnest(a *logical.Apply) (logical.Node, error) {
	outer := correlated(a.Right, logical.OutputSet(a.Left))
	if len(outer) == 0 {
		right := a.Right
		if s, ok := right.(*logical.SingleRow); ok && atMostOneRow(s.Input, nil) {
			right = s.Input
		}
		return join(a.Kind, a.Left, dropSort(right), a.On, a.Mark, a.NullAware), nil
	}
	if n, ok := unnestRow(a); ok {
		return n, nil
	}
	if n, ok := r.unnestFilters(a, outer); ok {
		return n, nil
	}
	if n, ok := r.unnestAggregate(a, outer); ok {
		return n, nil
	}
	return r.unnestDomain(a, outer)
}

// correlated returns the columns of outer that n names.
func correlated(n logical.Node, outer logical.Set) logical.Set {
	out := logical.Set{}
	for id := range logical.FreeColumns(n) {
		if outer.Has(id) {
			out.Add(id)
		}
	}
	return out
}

// dropSort takes off an order that nothing sees.
func dropSort(n logical.Node) logical.Node {
	if s, ok := n.(*logical.Sort); ok {
		return dropSort(s.Input)
	}
	return n
}

// unnestRow computes a subquery without FROM beside the left row.
func unnestRow(a *logical.Apply) (logical.Node, bool) {
	if a.Kind != physical.JoinLeft && a.Kind != physical.JoinInner || a.On != nil {
		return nil, false
	}
	above, right := projections(a.Right)
	v, ok := right.(*logical.Values)
	if !ok || len(v.Rows) != 1 {
		return nil, false
	}
	items := pass(a.Left.Columns())
	for i, c := range v.Cols {
		items = append(items, logical.Item{Column: c, Expr: v.Rows[0][i]})
	}
	return reproject(logical.NewProject(a.Left, items), a.Left, above), true
}

// projections takes the projections off the top of n, outermost first.
func projections(n logical.Node) ([]*logical.Project, logical.Node) {
	var above []*logical.Project
	for {
		p, ok := n.(*logical.Project)
		if !ok {
			return above, n
		}
		above, n = append(above, p), p.Input
	}
}

// reproject puts projections on n, each passing on the columns of left too.
func reproject(n, left logical.Node, above []*logical.Project) logical.Node {
	for i := len(above) - 1; i >= 0; i-- {
		n = logical.NewProject(n, append(pass(left.Columns()), above[i].Items...))
	}
	return n
}

// unnestFilters joins on the correlated filters, pulled up.
func (r *rewriter) unnestFilters(a *logical.Apply, outer logical.Set) (logical.Node, bool) {
	right := a.Right
	single, isSingle := right.(*logical.SingleRow)
	if isSingle {
		right = single.Input
	}
	exists := a.Kind == physical.JoinSemi || a.Kind == physical.JoinAnti || a.Kind == physical.JoinMark
	right, terms, ok := pullFilters(right, outer, exists)
	if !ok || isSingle && !atMostOneRow(right, terms) {
		return nil, false
	}
	if a.NullAware {
		// The filters decide which rows there are; they must not make the comparison's outcome unknown.
		notNull := union(NotNull(a.Left), NotNull(right))
		for i, t := range terms {
			if scalar.MayBeNull(t, func(id expr.ColumnID) bool { return !notNull.Has(id) }) {
				terms[i] = &expr.TruthTest{Arg: t, Want: true}
			}
		}
	}
	on := expr.Conjoin(append(expr.Conjuncts(a.On), terms...))
	return join(a.Kind, a.Left, right, on, a.Mark, a.NullAware), true
}

// pullFilters takes the conditions that name outer columns out of n. n then gives the columns they need, beside its own. ok is
// false when outer columns are used elsewhere, or below an operator over which a filter does not move. exists says that it does not
// matter how often a row comes, so that a semi join may become an inner join.
func pullFilters(n logical.Node, outer logical.Set, exists bool) (out logical.Node, terms []expr.Expr, ok bool) {
	if len(correlated(n, outer)) == 0 {
		return n, nil, true
	}
	names := func(e expr.Expr) bool { return logical.ExprColumns(e).Intersects(outer) }
	switch n := n.(type) {
	case *logical.Filter:
		in, terms, ok := pullFilters(n.Input, outer, exists)
		if !ok {
			return nil, nil, false
		}
		var keep []expr.Expr
		for _, t := range expr.Conjuncts(n.Cond) {
			switch {
			case !names(t):
				keep = append(keep, t)
			case scalar.IsVolatile(t):
				return nil, nil, false
			default:
				terms = append(terms, t)
			}
		}
		return filter(in, keep), terms, true
	case *logical.Sort:
		return pullFilters(n.Input, outer, exists)
	case *logical.Project:
		for _, it := range n.Items {
			if names(it.Expr) {
				return nil, nil, false
			}
		}
		in, terms, ok := pullFilters(n.Input, outer, exists)
		if !ok {
			return nil, nil, false
		}
		return logical.NewProject(in, append(slices.Clone(n.Items), missing(n, in, terms)...)), terms, true
	case *logical.Join:
		kind := n.Kind
		if exists && kind == physical.JoinSemi {
			kind = physical.JoinInner
		}
		if n.On != nil && names(n.On) && kind != physical.JoinInner {
			return nil, nil, false
		}
		left, terms, ok := pullFilters(n.Left, outer, exists)
		if !ok {
			return nil, nil, false
		}
		right := n.Right
		switch kind {
		case physical.JoinInner:
			var more []expr.Expr
			if right, more, ok = pullFilters(n.Right, outer, exists); !ok {
				return nil, nil, false
			}
			terms = append(terms, more...)
			var keep []expr.Expr
			for _, t := range expr.Conjuncts(n.On) {
				if names(t) {
					terms = append(terms, t)
				} else {
					keep = append(keep, t)
				}
			}
			return join(kind, left, right, expr.Conjoin(keep), n.Mark, n.NullAware), terms, true
		case physical.JoinFull:
			return nil, nil, false
		}
		if len(correlated(n.Right, outer)) > 0 {
			return nil, nil, false
		}
		return join(n.Kind, left, right, n.On, n.Mark, n.NullAware), terms, true
	case *logical.Aggregate:
		if len(n.Groups) == 0 {
			return nil, nil, false
		}
		in, groups, terms, ok := groupByCorrelation(n, outer)
		if !ok {
			return nil, nil, false
		}
		return logical.NewAggregate(in, groups, n.Aggs), terms, true
	}
	return nil, nil, false
}

// missing returns items for the columns of in that terms name and n does not give.
func missing(n, in logical.Node, terms []expr.Expr) []logical.Item {
	have := logical.OutputSet(n)
	need := logical.ExprColumns(terms...)
	var out []logical.Item
	for _, c := range in.Columns() {
		if need.Has(c.ID) && !have.Has(c.ID) {
			out = append(out, logical.Item{Column: c, Expr: c.Ref()})
		}
	}
	return out
}

// groupByCorrelation pulls the filters of an aggregate's input up, when each equates an input column with an outer value: for one outer
// row such a column has one value, so that grouping by it too changes nothing.
func groupByCorrelation(n *logical.Aggregate, outer logical.Set) (in logical.Node, groups []logical.Item, terms []expr.Expr, ok bool) {
	for _, e := range logical.Exprs(n) {
		if logical.ExprColumns(e).Intersects(outer) {
			return nil, nil, nil, false
		}
	}
	if in, terms, ok = pullFilters(n.Input, outer, false); !ok {
		return nil, nil, nil, false
	}
	own := logical.OutputSet(in)
	groups = slices.Clone(n.Groups)
	have := logical.Set{}
	for _, g := range groups {
		if c, isColumn := g.Expr.(*expr.Column); isColumn && c.ID == g.ID {
			have.Add(g.ID)
		}
	}
	for _, t := range terms {
		l, rt, isEq := scalar.Equality(t)
		if !isEq {
			return nil, nil, nil, false
		}
		if logical.ExprColumns(l).Intersects(outer) {
			l, rt = rt, l
		}
		c, isColumn := scalar.StripRelabel(l).(*expr.Column)
		if !isColumn || !own.Has(c.ID) || logical.ExprColumns(rt).Intersects(own) || !groupableEquality(c.Typ) {
			return nil, nil, nil, false
		}
		if !have.Has(c.ID) {
			have.Add(c.ID)
			groups = append(groups, logical.Item{Column: logical.Column{ID: c.ID, Name: c.Name, Type: c.Typ}, Expr: expr.NewColumn(c.ID, c.Typ, c.Name)})
		}
	}
	return in, groups, terms, true
}

// groupableEquality reports whether equal values of a type are one group.
func groupableEquality(t types.Type) bool { return t.Kind != types.Unknown }

// unnestAggregate joins with an aggregate without groups, grouped by the correlation, on the left: outer rows without a
// group get what the aggregate gives for no input.
func (r *rewriter) unnestAggregate(a *logical.Apply, outer logical.Set) (logical.Node, bool) {
	if a.Kind != physical.JoinLeft && a.Kind != physical.JoinInner || a.On != nil {
		return nil, false
	}
	above, right := projections(a.Right)
	agg, ok := right.(*logical.Aggregate)
	if !ok || len(agg.Groups) > 0 {
		return nil, false
	}
	in, groups, terms, ok := groupByCorrelation(agg, outer)
	if !ok {
		return nil, false
	}
	aggs, items := r.emptyGroups(agg)
	n := logical.Node(join(physical.JoinLeft, a.Left, logical.NewAggregate(in, groups, aggs), expr.Conjoin(terms), logical.Column{}, false))
	n = logical.NewProject(n, append(pass(a.Left.Columns()), items...))
	return reproject(n, a.Left, above), true
}

// emptyGroups returns the aggregates with fresh columns where they are counts, and items that give the original columns with 0 for a
// count that an outer join made NULL.
func (r *rewriter) emptyGroups(agg *logical.Aggregate) ([]logical.AggItem, []logical.Item) {
	aggs := slices.Clone(agg.Aggs)
	items := make([]logical.Item, len(aggs))
	for i := range aggs {
		c := aggs[i].Column
		items[i] = logical.Item{Column: c, Expr: c.Ref()}
		if aggs[i].Fn.Name == "count" || aggs[i].Fn.Name == "regr_count" {
			aggs[i].Column = r.newColumn(c.Name, c.Type)
			items[i].Expr = &expr.Coalesce{Args: []expr.Expr{
				aggs[i].Ref(), &expr.Const{Value: types.NewInt(types.Int8, 0), Typ: c.Type},
			}}
		}
	}
	return aggs, items
}

// domain is the distinct values of the outer columns a subquery names.
type domain struct {
	*rewriter
	left  logical.Node
	outer []logical.Column
	// nullable says which of them may be NULL.
	nullable []bool
	set      logical.Set
}

// instance returns the domain with fresh columns, parallel to outer.
func (d *domain) instance() (logical.Node, []logical.Column) {
	left, ids := d.clone(d.left)
	groups := make([]logical.Item, len(d.outer))
	cols := make([]logical.Column, len(d.outer))
	for i, c := range d.outer {
		from := ids[c.ID]
		if from == 0 {
			from = c.ID
		}
		cols[i] = d.newColumn(c.Name, c.Type)
		groups[i] = logical.Item{Column: cols[i], Expr: expr.NewColumn(from, c.Type, c.Name)}
	}
	return logical.NewAggregate(left, groups, nil), cols
}

// same returns the conditions that two instances' columns, or one's and the outer ones, are equal.
func (d *domain) same(a, b []logical.Column) []expr.Expr {
	out := make([]expr.Expr, len(a))
	for i := range a {
		out[i] = equal(a[i].Ref(), b[i].Ref(), d.nullable[i])
	}
	return out
}

// inner returns e with the outer columns replaced by an instance's.
func (d *domain) inner(e expr.Expr, cols []logical.Column) expr.Expr {
	by := make(map[expr.ColumnID]expr.Expr, len(cols))
	for i, c := range d.outer {
		by[c.ID] = cols[i].Ref()
	}
	return scalar.Substitute(e, by)
}

func (r *rewriter) unnestDomain(a *logical.Apply, outer logical.Set) (logical.Node, error) {
	if isVolatile(a.Left) {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "this correlated subquery beside volatile functions is not supported")
	}
	d := &domain{rewriter: r, left: a.Left, set: outer}
	notNull := NotNull(a.Left)
	for _, c := range a.Left.Columns() {
		if outer.Has(c.ID) {
			d.outer = append(d.outer, c)
			d.nullable = append(d.nullable, !notNull.Has(c.ID))
		}
	}
	right, cols, err := d.push(a.Right)
	if err != nil {
		return nil, err
	}
	on := expr.Conjoin(append(expr.Conjuncts(a.On), d.same(d.outer, cols)...))
	return join(a.Kind, a.Left, right, on, a.Mark, a.NullAware), nil
}
