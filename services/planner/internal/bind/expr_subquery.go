package bind

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
)

// apply is a subquery of an expression, to be put beside the input of the operator that evaluates the expression.
type apply struct {
	kind      physical.JoinKind
	right     logical.Node
	on        expr.Expr
	mark      logical.Column
	nullAware bool
}

// attach puts subqueries on top of an input.
func attach(n logical.Node, subqueries []apply) logical.Node {
	for _, s := range subqueries {
		a := logical.NewApply(s.kind, n, s.right, s.on, s.mark)
		a.NullAware = s.nullAware
		n = a
	}
	return n
}

// subquery binds the query of a SubLink.
func (c *exprs) subquery(n *pg.SubLink) (*query, error) {
	if c.pending == nil {
		return nil, c.b.unsupported(n.Location, "cannot use subquery in %s", c.clause)
	}
	sel := n.Subselect.GetSelectStmt()
	if sel == nil {
		return nil, c.b.unsupported(n.Location, "this kind of subquery is not supported")
	}
	return c.b.query(sel, c.scope, queryOptions{})
}

// exists binds the query of EXISTS. A LIMIT of a constant above 0 does not matter to it and is left out, so that the query can be unnested.
func (c *exprs) exists(n *pg.SubLink) (*query, error) {
	q, err := c.subquery(n)
	if err != nil {
		return nil, err
	}
	if l, ok := q.node.(*logical.Limit); ok && l.Offset == nil {
		if k, ok := l.Count.(*expr.Const); ok && !k.Value.IsNull() && k.Value.Int() > 0 {
			c.b.pin(k.Slot)
			q.node = l.Input
		}
	}
	return q, nil
}

func (c *exprs) add(a apply) { *c.pending = append(*c.pending, a) }

func (c *exprs) subLink(n *pg.SubLink) (expr.Expr, error) {
	switch n.SubLinkType {
	case pg.SubLinkType_EXISTS_SUBLINK:
		q, err := c.exists(n)
		if err != nil {
			return nil, err
		}
		mark := c.b.newColumn("exists", types.Of(types.Bool))
		c.add(apply{kind: physical.JoinMark, right: q.node, mark: mark})
		return mark.Ref(), nil
	case pg.SubLinkType_ANY_SUBLINK, pg.SubLinkType_ALL_SUBLINK:
		on, q, negated, err := c.quantified(n)
		if err != nil {
			return nil, err
		}
		mark := c.b.newColumn("in", types.Of(types.Bool))
		c.add(apply{kind: physical.JoinMark, right: q.node, on: on, mark: mark, nullAware: true})
		if negated {
			return &expr.Not{Arg: mark.Ref()}, nil
		}
		return mark.Ref(), nil
	case pg.SubLinkType_EXPR_SUBLINK:
		cols, err := c.scalarRow(n)
		if err != nil {
			return nil, err
		}
		if len(cols) != 1 {
			return nil, c.b.errorf(n.Location, sqlerr.SyntaxError, "subquery must return only one column")
		}
		return cols[0], nil
	}
	return nil, c.b.unsupported(n.Location, "this kind of subquery is not supported")
}

// scalarRow binds a subquery that stands for its only row and returns that row's columns.
func (c *exprs) scalarRow(n *pg.SubLink) ([]expr.Expr, error) {
	q, err := c.subquery(n)
	if err != nil {
		return nil, err
	}
	right := q.node
	if !atMostOneRow(right) {
		right = &logical.SingleRow{Input: right}
	}
	c.add(apply{kind: physical.JoinLeft, right: right})
	out := make([]expr.Expr, len(q.cols))
	for i, col := range q.cols {
		out[i] = col.Ref()
	}
	return out, nil
}

// atMostOneRow reports whether a query gives no more than one row by its form.
func atMostOneRow(n logical.Node) bool {
	switch n := n.(type) {
	case *logical.Aggregate:
		return len(n.Groups) == 0
	case *logical.Project:
		return atMostOneRow(n.Input)
	case *logical.Filter:
		return atMostOneRow(n.Input)
	case *logical.Sort:
		return atMostOneRow(n.Input)
	case *logical.Limit:
		return atMostOneRow(n.Input)
	case *logical.SingleRow:
		return true
	case *logical.Values:
		return len(n.Rows) <= 1
	case *logical.Apply:
		return atMostOneRow(n.Left) && (n.Kind != physical.JoinInner && n.Kind != physical.JoinLeft || atMostOneRow(n.Right))
	}
	return false
}

// quantified binds the comparison of op ANY and op ALL; ALL comes back as the negation of ANY over the negated operator.
func (c *exprs) quantified(n *pg.SubLink) (on expr.Expr, q *query, negated bool, err error) {
	name := "="
	if len(n.OperName) > 0 {
		name = lastName(n.OperName)
	}
	var left []expr.Expr
	if row := n.Testexpr.GetRowExpr(); row != nil {
		left, err = c.list(row.Args)
	} else {
		var e expr.Expr
		e, err = c.bind(n.Testexpr)
		left = []expr.Expr{e}
	}
	if err != nil {
		return nil, nil, false, err
	}
	if q, err = c.subquery(n); err != nil {
		return nil, nil, false, err
	}
	switch {
	case len(q.cols) > len(left):
		return nil, nil, false, c.b.errorf(n.Location, sqlerr.SyntaxError, "subquery has too many columns")
	case len(q.cols) < len(left):
		return nil, nil, false, c.b.errorf(n.Location, sqlerr.SyntaxError, "subquery has too few columns")
	}
	right := make([]expr.Expr, len(q.cols))
	for i, col := range q.cols {
		right[i] = col.Ref()
	}
	if on, err = c.b.compareRows(name, left, right, n.Location); err != nil {
		return nil, nil, false, err
	}
	if n.SubLinkType == pg.SubLinkType_ALL_SUBLINK {
		return negate(on), q, true, nil
	}
	return on, q, false, nil
}

// rowSubquery binds (a, b) op (SELECT x, y …).
func (c *exprs) rowSubquery(name string, left *pg.RowExpr, n *pg.SubLink, location int32) (expr.Expr, error) {
	l, err := c.list(left.Args)
	if err != nil {
		return nil, err
	}
	r, err := c.scalarRow(n)
	if err != nil {
		return nil, err
	}
	switch {
	case len(r) > len(l):
		return nil, c.b.errorf(n.Location, sqlerr.SyntaxError, "subquery has too many columns")
	case len(r) < len(l):
		return nil, c.b.errorf(n.Location, sqlerr.SyntaxError, "subquery has too few columns")
	}
	return c.b.compareRows(name, l, r, location)
}

// conjuncts binds a WHERE or HAVING clause: conjuncts that are EXISTS or IN subqueries, negated or not, become semi and anti
// applies, the others come back.
func (c *exprs) conjuncts(n *pg.Node, what string) ([]expr.Expr, error) {
	if n == nil {
		return nil, nil
	}
	if and := n.GetBoolExpr(); and != nil && and.Boolop == pg.BoolExprType_AND_EXPR {
		var out []expr.Expr
		for _, a := range and.Args {
			// The argument of AND is checked as such, as PostgreSQL words it.
			terms, err := c.conjuncts(a, "AND")
			if err != nil {
				return nil, err
			}
			out = append(out, terms...)
		}
		return out, nil
	}
	inner, negated := n, false
	for inner.GetBoolExpr() != nil && inner.GetBoolExpr().Boolop == pg.BoolExprType_NOT_EXPR {
		inner, negated = inner.GetBoolExpr().Args[0], !negated
	}
	link := inner.GetSubLink()
	if link == nil || c.pending == nil {
		e, err := c.condition(n, what)
		if err != nil {
			return nil, err
		}
		return expr.Conjuncts(e), nil
	}
	kind := physical.JoinSemi
	if negated {
		kind = physical.JoinAnti
	}
	switch link.SubLinkType {
	case pg.SubLinkType_EXISTS_SUBLINK:
		q, err := c.exists(link)
		if err != nil {
			return nil, err
		}
		c.add(apply{kind: kind, right: q.node})
		return nil, nil
	case pg.SubLinkType_ANY_SUBLINK, pg.SubLinkType_ALL_SUBLINK:
		on, q, turned, err := c.quantified(link)
		if err != nil {
			return nil, err
		}
		if turned != negated {
			c.add(apply{kind: physical.JoinAnti, right: q.node, on: on, nullAware: true})
		} else {
			c.add(apply{kind: physical.JoinSemi, right: q.node, on: on})
		}
		return nil, nil
	}
	e, err := c.condition(n, what)
	if err != nil {
		return nil, err
	}
	return expr.Conjuncts(e), nil
}
