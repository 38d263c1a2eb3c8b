package bind

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/services/planner/internal/scalar"
)

// query is a bound SELECT, VALUES or set operation. The node gives exactly cols.
type query struct {
	node logical.Node
	cols []logical.Column
}

// queryOptions say what becomes of a query's output.
type queryOptions struct {
	// keepUnknown leaves untyped literals of the output untyped, for who gives them a type: a set operation or an INSERT.
	keepUnknown bool
}

// query binds a query with its WITH clause. parent is the scope of the enclosing query, nil for none.
func (b *binder) query(sel *pg.SelectStmt, parent *scope, opt queryOptions) (*query, error) {
	switch {
	case sel.IntoClause != nil:
		return nil, b.unsupported(-1, "SELECT INTO is not supported")
	case len(sel.LockingClause) > 0:
		return nil, b.unsupported(-1, "SELECT FOR UPDATE/SHARE is not supported")
	case len(sel.WindowClause) > 0:
		return nil, b.unsupported(-1, "window functions are not supported")
	}
	if sel.WithClause != nil {
		var err error
		if parent, err = b.withClause(sel.WithClause, parent); err != nil {
			return nil, err
		}
	}
	switch {
	case sel.Op != pg.SetOperation_SETOP_NONE:
		q, err := b.setOperation(sel, parent, opt)
		if err != nil {
			return nil, err
		}
		return b.orderOutput(q, sel, parent)
	case len(sel.ValuesLists) > 0:
		q, err := b.values(sel, parent, opt)
		if err != nil {
			return nil, err
		}
		return b.orderOutput(q, sel, parent)
	}
	return b.selectCore(sel, parent, opt)
}

// values binds VALUES as a query of columns column1, column2, ….
func (b *binder) values(sel *pg.SelectStmt, parent *scope, opt queryOptions) (*query, error) {
	c := b.withoutAggs(&scope{parent: parent}, "VALUES", nil)
	var rows [][]expr.Expr
	var nodes [][]*pg.Node
	for _, l := range sel.ValuesLists {
		items := l.GetList().GetItems()
		row, err := c.list(items)
		if err != nil {
			return nil, err
		}
		if len(rows) > 0 && len(row) != len(rows[0]) {
			return nil, b.errorf(location(items[0]), sqlerr.SyntaxError, "VALUES lists must all be the same length")
		}
		rows, nodes = append(rows, row), append(nodes, items)
	}
	cols := make([]logical.Column, len(rows[0]))
	for j := range cols {
		column := make([]expr.Expr, len(rows))
		places := make([]*pg.Node, len(rows))
		unknown := true
		for i := range rows {
			column[i], places[i] = rows[i][j], nodes[i][j]
			unknown = unknown && column[i].Type().Kind == types.Unknown
		}
		if !unknown || !opt.keepUnknown {
			var err error
			if column, err = b.common("VALUES", column, places); err != nil {
				return nil, err
			}
		}
		t := column[0].Type()
		for i := range rows {
			rows[i][j] = column[i]
			if column[i].Type() != t {
				t = types.Of(t.Kind)
			}
		}
		cols[j] = b.newColumn("column"+itoa(j+1), t)
	}
	return &query{node: &logical.Values{Cols: cols, Rows: rows}, cols: cols}, nil
}

var setKinds = map[pg.SetOperation][2]logical.SetKind{
	pg.SetOperation_SETOP_UNION:     {logical.Union, logical.UnionAll},
	pg.SetOperation_SETOP_INTERSECT: {logical.Intersect, logical.IntersectAll},
	pg.SetOperation_SETOP_EXCEPT:    {logical.Except, logical.ExceptAll},
}

func (b *binder) setOperation(sel *pg.SelectStmt, parent *scope, opt queryOptions) (*query, error) {
	left, err := b.query(sel.Larg, parent, queryOptions{keepUnknown: true})
	if err != nil {
		return nil, err
	}
	right, err := b.query(sel.Rarg, parent, queryOptions{keepUnknown: true})
	if err != nil {
		return nil, err
	}
	kinds := setKinds[sel.Op]
	kind := kinds[0]
	if sel.All {
		kind = kinds[1]
	}
	name := [...]string{"UNION", "UNION", "INTERSECT", "INTERSECT", "EXCEPT", "EXCEPT"}[kind]
	at := targetLocation(sel.Rarg, 0)
	if len(left.cols) != len(right.cols) {
		return nil, b.errorf(at, sqlerr.SyntaxError, "each %s query must have the same number of columns", name)
	}
	cols := make([]logical.Column, len(left.cols))
	want := make([]types.Type, len(cols))
	for i := range cols {
		l, r := left.cols[i].Ref(), right.cols[i].Ref()
		if l.Typ.Kind == types.Unknown && r.Typ.Kind == types.Unknown && opt.keepUnknown {
			cols[i] = b.newColumn(left.cols[i].Name, types.Type{})
			continue
		}
		place := &pg.Node{Node: &pg.Node_ParamRef{ParamRef: &pg.ParamRef{Location: targetLocation(sel.Rarg, i)}}}
		both, err := b.common(name, []expr.Expr{l, r}, []*pg.Node{place, place})
		if err != nil {
			return nil, err
		}
		// A modifier holds for the result only when both sides have it: numeric(10,2) and numeric make numeric.
		if want[i] = both[0].Type(); both[1].Type() != want[i] {
			want[i] = types.Of(want[i].Kind)
		}
		cols[i] = b.newColumn(left.cols[i].Name, want[i])
	}
	if left, err = b.retype(left, want, sel.Larg); err != nil {
		return nil, err
	}
	if right, err = b.retype(right, want, sel.Rarg); err != nil {
		return nil, err
	}
	return &query{node: &logical.SetOp{Kind: kind, Left: left.node, Right: right.node, Cols: cols}, cols: cols}, nil
}

// targetLocation returns where output column i of a query is written.
func targetLocation(sel *pg.SelectStmt, i int) int32 {
	for sel.Larg != nil {
		sel = sel.Larg
	}
	if len(sel.ValuesLists) > 0 {
		if items := sel.ValuesLists[0].GetList().GetItems(); i < len(items) {
			return location(items[i])
		}
	}
	if i < len(sel.TargetList) {
		return location(sel.TargetList[i].GetResTarget().GetVal())
	}
	return -1
}

// retype converts the output of a query. Untyped literals get their type where they are computed; a type of Unknown kind means as it is.
func (b *binder) retype(q *query, want []types.Type, sel *pg.SelectStmt) (*query, error) {
	same := true
	for i, c := range q.cols {
		same = same && (c.Type == want[i] || want[i].Kind == types.Unknown)
	}
	if same {
		return q, nil
	}
	node, err := b.retypeLiterals(q.node, want, sel)
	if err != nil {
		return nil, err
	}
	cols := node.Columns()
	items := make([]logical.Item, len(cols))
	changed := false
	for i, c := range cols {
		if c.Type == want[i] || want[i].Kind == types.Unknown {
			items[i] = logical.Item{Column: c, Expr: c.Ref()}
			continue
		}
		e, err := b.coerce(c.Ref(), want[i], assigning, targetLocation(sel, i))
		if err != nil {
			return nil, err
		}
		if e.Type() == c.Type {
			items[i] = logical.Item{Column: c, Expr: c.Ref()}
			continue
		}
		changed = true
		items[i] = logical.Item{Column: b.newColumn(c.Name, e.Type()), Expr: e}
	}
	if !changed {
		return &query{node: node, cols: cols}, nil
	}
	p := logical.NewProject(node, items)
	return &query{node: p, cols: p.Columns()}, nil
}

// retypeLiterals gives untyped output columns their type at their origin, below nodes that pass columns on.
func (b *binder) retypeLiterals(n logical.Node, want []types.Type, sel *pg.SelectStmt) (logical.Node, error) {
	unknown := false
	for i, c := range n.Columns() {
		unknown = unknown || c.Type.Kind == types.Unknown && want[i].Kind != types.Unknown
	}
	if !unknown {
		return n, nil
	}
	switch n := n.(type) {
	case *logical.Project:
		items := append([]logical.Item(nil), n.Items...)
		for i, it := range items {
			if it.Type.Kind != types.Unknown || want[i].Kind == types.Unknown {
				continue
			}
			e, err := b.coerce(it.Expr, want[i], implicitly, targetLocation(sel, i))
			if err != nil {
				return nil, err
			}
			items[i].Expr, items[i].Type = e, e.Type()
		}
		return logical.NewProject(n.Input, items), nil
	case *logical.Values:
		rows := make([][]expr.Expr, len(n.Rows))
		cols := append([]logical.Column(nil), n.Cols...)
		for j, r := range n.Rows {
			rows[j] = append([]expr.Expr(nil), r...)
			for i := range r {
				if cols[i].Type.Kind != types.Unknown || want[i].Kind == types.Unknown {
					continue
				}
				e, err := b.coerce(r[i], want[i], implicitly, targetLocation(sel, i))
				if err != nil {
					return nil, err
				}
				rows[j][i] = e
			}
		}
		for i := range cols {
			if cols[i].Type.Kind == types.Unknown && want[i].Kind != types.Unknown {
				cols[i].Type = rows[0][i].Type()
			}
		}
		return &logical.Values{Cols: cols, Rows: rows}, nil
	case *logical.Sort:
		in, err := b.retypeLiterals(n.Input, want, sel)
		if err != nil {
			return nil, err
		}
		keys := append([]logical.SortKey(nil), n.Keys...)
		for i := range keys {
			keys[i].Expr = retypeRefs(keys[i].Expr, in)
		}
		return &logical.Sort{Input: in, Keys: keys}, nil
	case *logical.Limit:
		in, err := b.retypeLiterals(n.Input, want, sel)
		if err != nil {
			return nil, err
		}
		return n.WithInputs([]logical.Node{in}), nil
	case *logical.Aggregate:
		// DISTINCT: the groups are the input's columns.
		in, err := b.retypeLiterals(n.Input, want, sel)
		if err != nil {
			return nil, err
		}
		groups := append([]logical.Item(nil), n.Groups...)
		for i := range groups {
			groups[i].Expr = retypeRefs(groups[i].Expr, in)
			groups[i].Type = groups[i].Expr.Type()
		}
		return logical.NewAggregate(in, groups, n.Aggs), nil
	case *logical.SetOp:
		left, err := b.retypeLiterals(n.Left, want, sel)
		if err != nil {
			return nil, err
		}
		right, err := b.retypeLiterals(n.Right, want, sel)
		if err != nil {
			return nil, err
		}
		cols := append([]logical.Column(nil), n.Cols...)
		for i := range cols {
			if cols[i].Type.Kind == types.Unknown {
				cols[i].Type = left.Columns()[i].Type
			}
		}
		return &logical.SetOp{Kind: n.Kind, Left: left, Right: right, Cols: cols}, nil
	}
	return n, nil
}

// retypeRefs gives references to columns of a node the types the columns have.
func retypeRefs(e expr.Expr, n logical.Node) expr.Expr {
	by := map[expr.ColumnID]expr.Expr{}
	for _, c := range n.Columns() {
		by[c.ID] = c.Ref()
	}
	return scalar.Substitute(e, by)
}

// orderOutput adds ORDER BY and LIMIT to a query whose output is all that can be named: a set operation or VALUES.
func (b *binder) orderOutput(q *query, sel *pg.SelectStmt, parent *scope) (*query, error) {
	var keys []logical.SortKey
	for _, n := range sel.SortClause {
		by := n.GetSortBy()
		var e expr.Expr
		if i, ok := b.ordinal(by.Node); ok {
			if i < 1 || i > len(q.cols) {
				return nil, b.errorf(location(by.Node), sqlerr.InvalidColumnReference, "ORDER BY position %d is not in select list", i)
			}
			e = q.cols[i-1].Ref()
		} else if ref := by.Node.GetColumnRef(); ref != nil && len(ref.Fields) == 1 && ref.Fields[0].GetString_() != nil {
			name := ref.Fields[0].GetString_().Sval
			for _, c := range q.cols {
				if c.Name == name {
					if e != nil {
						return nil, b.errorf(ref.Location, sqlerr.AmbiguousColumn, "ORDER BY \"%s\" is ambiguous", name)
					}
					e = c.Ref()
				}
			}
			if e == nil {
				return nil, b.errorf(ref.Location, sqlerr.UndefinedColumn, "column \"%s\" does not exist", name)
			}
		} else if len(sel.ValuesLists) > 0 {
			return nil, b.unsupported(location(by.Node), "ORDER BY of VALUES supports columns only")
		} else {
			return nil, b.errorf(location(by.Node), sqlerr.FeatureNotSupported, "invalid UNION/INTERSECT/EXCEPT ORDER BY clause").
				WithDetail("Only result column names can be used, not expressions or functions.").
				WithHint("Add the expression/function to every SELECT, or move the UNION into a FROM clause.")
		}
		key, err := b.sortKey(e, by)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	node := q.node
	if len(keys) > 0 {
		node = &logical.Sort{Input: node, Keys: keys}
	}
	node, err := b.limit(node, sel, parent)
	if err != nil {
		return nil, err
	}
	return &query{node: node, cols: q.cols}, nil
}

// sortKey builds a sort key from an expression and its direction.
func (b *binder) sortKey(e expr.Expr, by *pg.SortBy) (logical.SortKey, error) {
	k := logical.SortKey{Expr: e}
	switch by.SortbyDir {
	case pg.SortByDir_SORTBY_DESC:
		k.Desc = true
	case pg.SortByDir_SORTBY_USING:
		return k, b.unsupported(by.Location, "ORDER BY … USING is not supported")
	}
	k.NullsFirst = k.Desc
	switch by.SortbyNulls {
	case pg.SortByNulls_SORTBY_NULLS_FIRST:
		k.NullsFirst = true
	case pg.SortByNulls_SORTBY_NULLS_LAST:
		k.NullsFirst = false
	}
	return k, nil
}

// limit adds LIMIT and OFFSET.
func (b *binder) limit(n logical.Node, sel *pg.SelectStmt, parent *scope) (logical.Node, error) {
	if sel.LimitOption == pg.LimitOption_LIMIT_OPTION_WITH_TIES {
		return nil, b.unsupported(-1, "WITH TIES is not supported")
	}
	bound := func(node *pg.Node, what string) (expr.Expr, error) {
		if node == nil || node.GetAConst().GetIsnull() {
			return nil, nil
		}
		var subqueries []apply
		e, err := b.withoutAggs(&scope{parent: parent}, what, &subqueries).bind(node)
		if err != nil {
			return nil, err
		}
		if len(subqueries) > 0 {
			return nil, b.unsupported(location(node), "subqueries in %s are not supported", what)
		}
		if scalar.HasColumns(e) {
			return nil, b.errorf(location(node), sqlerr.InvalidColumnReference, "argument of %s must not contain variables", what)
		}
		out, err := b.coerce(e, types.Of(types.Int8), assigning, location(node))
		if sqlerr.CodeOf(err) == sqlerr.CannotCoerce {
			return nil, b.errorf(location(node), sqlerr.DatatypeMismatch, "argument of %s must be type bigint, not type %s", what, e.Type())
		}
		return out, err
	}
	count, err := bound(sel.LimitCount, "LIMIT")
	if err != nil {
		return nil, err
	}
	offset, err := bound(sel.LimitOffset, "OFFSET")
	if err != nil {
		return nil, err
	}
	if count == nil && offset == nil {
		return n, nil
	}
	return &logical.Limit{Input: n, Count: count, Offset: offset}, nil
}
