package bind

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
)

// exprs binds scalar expressions of one clause.
type exprs struct {
	b     *binder
	scope *scope
	// clause names the clause for messages, such as "WHERE".
	clause string
	// aggs collects aggregates; nil where they are not allowed, and then noAggs is the message.
	aggs   *aggregates
	noAggs string
	// pending collects the subqueries that must be joined below the expression; nil where they are not allowed.
	pending *[]apply
}

// withoutAggs returns a context for a clause that has no aggregates.
func (b *binder) withoutAggs(s *scope, clause string, pending *[]apply) *exprs {
	return &exprs{b: b, scope: s, clause: clause, pending: pending,
		noAggs: "aggregate functions are not allowed in " + clause}
}

// bind binds one expression. An untyped literal, NULL or parameter may come back as Unknown.
func (c *exprs) bind(n *pg.Node) (expr.Expr, error) {
	switch n := n.GetNode().(type) {
	case *pg.Node_AConst:
		return c.b.constant(n.AConst)
	case *pg.Node_ColumnRef:
		return c.columnRef(n.ColumnRef)
	case *pg.Node_ParamRef:
		return c.b.param(n.ParamRef)
	case *pg.Node_AExpr:
		return c.operator(n.AExpr)
	case *pg.Node_BoolExpr:
		return c.boolean(n.BoolExpr)
	case *pg.Node_FuncCall:
		return c.function(n.FuncCall)
	case *pg.Node_TypeCast:
		return c.cast(n.TypeCast)
	case *pg.Node_NullTest:
		return c.nullTest(n.NullTest)
	case *pg.Node_BooleanTest:
		return c.booleanTest(n.BooleanTest)
	case *pg.Node_CaseExpr:
		return c.caseExpr(n.CaseExpr)
	case *pg.Node_CoalesceExpr:
		return c.coalesce(n.CoalesceExpr)
	case *pg.Node_MinMaxExpr:
		return c.minMax(n.MinMaxExpr)
	case *pg.Node_SubLink:
		return c.subLink(n.SubLink)
	case *pg.Node_SqlvalueFunction:
		return c.valueFunction(n.SqlvalueFunction)
	case *pg.Node_CollateClause:
		return c.collate(n.CollateClause)
	case *pg.Node_RowExpr:
		return nil, c.b.unsupported(n.RowExpr.Location, "row values are supported in comparisons and IN only")
	case *pg.Node_AArrayExpr:
		return nil, c.b.unsupported(n.AArrayExpr.Location, "arrays are supported with ANY and ALL only")
	case *pg.Node_AIndirection:
		return nil, c.b.unsupported(location(n.AIndirection.Arg), "subscripts and composite values are not supported")
	case *pg.Node_SetToDefault:
		return nil, c.b.errorf(n.SetToDefault.Location, sqlerr.SyntaxError, "DEFAULT is not allowed in this context")
	case *pg.Node_GroupingFunc:
		return nil, c.b.unsupported(n.GroupingFunc.Location, "GROUPING is not supported")
	case *pg.Node_NamedArgExpr:
		return nil, c.b.unsupported(n.NamedArgExpr.Location, "named arguments are not supported")
	}
	return nil, c.b.unsupported(location(n), "this kind of expression is not supported")
}

// typed binds an expression and takes an untyped literal for text.
func (c *exprs) typed(n *pg.Node) (expr.Expr, error) {
	e, err := c.bind(n)
	if err != nil {
		return nil, err
	}
	return c.b.settle(e, location(n))
}

// settle gives an expression of Unknown type the type text.
func (b *binder) settle(e expr.Expr, location int32) (expr.Expr, error) {
	if e.Type().Kind != types.Unknown {
		return e, nil
	}
	return b.coerce(e, types.Of(types.Text), implicitly, location)
}

// condition binds a boolean expression. what names the construct for the message, such as "WHERE".
func (c *exprs) condition(n *pg.Node, what string) (expr.Expr, error) {
	e, err := c.bind(n)
	if err != nil {
		return nil, err
	}
	return c.b.toBool(e, what, location(n))
}

func (b *binder) toBool(e expr.Expr, what string, location int32) (expr.Expr, error) {
	switch e.Type().Kind {
	case types.Bool:
		return e, nil
	case types.Unknown:
		return b.coerce(e, types.Of(types.Bool), implicitly, location)
	}
	return nil, b.errorf(location, sqlerr.DatatypeMismatch, "argument of %s must be type boolean, not type %s", what, e.Type())
}

func (c *exprs) list(nodes []*pg.Node) ([]expr.Expr, error) {
	out := make([]expr.Expr, len(nodes))
	for i, n := range nodes {
		e, err := c.bind(n)
		if err != nil {
			return nil, err
		}
		out[i] = e
	}
	return out, nil
}

func (c *exprs) columnRef(ref *pg.ColumnRef) (expr.Expr, error) {
	parts := make([]string, 0, len(ref.Fields))
	for _, f := range ref.Fields {
		if f.GetAStar() != nil {
			return nil, c.b.unsupported(ref.Location, "whole-row references are not supported")
		}
		parts = append(parts, f.GetString_().GetSval())
	}
	switch len(parts) {
	case 1:
		e, err := c.b.unqualified(c.scope, parts[0], ref.Location)
		if err != nil || e != nil {
			return e, err
		}
		for s := c.scope; s != nil; s = s.parent {
			if s.from != nil && findRelation(s.from.rels, "", parts[0]) != nil {
				return nil, c.b.unsupported(ref.Location, "whole-row references are not supported")
			}
		}
		return nil, c.b.unknownColumn(c.scope, parts[0], ref.Location)
	case 2, 3:
		schema := ""
		if len(parts) == 3 {
			schema = parts[0]
		}
		r, err := c.b.relationNamed(c.scope, schema, parts[len(parts)-2], ref.Location)
		if err != nil {
			return nil, err
		}
		return c.b.columnOf(r, parts[len(parts)-1], ref.Location)
	}
	return nil, c.b.errorf(ref.Location, sqlerr.SyntaxError, "improper qualified name (too many dotted names)")
}

func (b *binder) param(p *pg.ParamRef) (expr.Expr, error) {
	i := int(p.Number) - 1
	if i < 0 || i >= len(b.params) {
		return nil, b.errorf(p.Location, sqlerr.UndefinedParameter, "there is no parameter $%d", p.Number)
	}
	return &expr.Param{Index: i, Typ: b.params[i]}, nil
}

func (c *exprs) boolean(n *pg.BoolExpr) (expr.Expr, error) {
	name := map[pg.BoolExprType]string{
		pg.BoolExprType_AND_EXPR: "AND", pg.BoolExprType_OR_EXPR: "OR", pg.BoolExprType_NOT_EXPR: "NOT",
	}[n.Boolop]
	args := make([]expr.Expr, len(n.Args))
	for i, a := range n.Args {
		e, err := c.condition(a, name)
		if err != nil {
			return nil, err
		}
		args[i] = e
	}
	switch n.Boolop {
	case pg.BoolExprType_AND_EXPR:
		return &expr.And{Terms: args}, nil
	case pg.BoolExprType_OR_EXPR:
		return &expr.Or{Terms: args}, nil
	}
	return &expr.Not{Arg: args[0]}, nil
}

func (c *exprs) nullTest(n *pg.NullTest) (expr.Expr, error) {
	negated := n.Nulltesttype == pg.NullTestType_IS_NOT_NULL
	if row := n.Arg.GetRowExpr(); row != nil {
		// A row IS [NOT] NULL when all its fields are.
		var terms []expr.Expr
		for _, f := range row.Args {
			e, err := c.typed(f)
			if err != nil {
				return nil, err
			}
			terms = append(terms, &expr.IsNull{Arg: e, Negated: negated})
		}
		return expr.Conjoin(terms), nil
	}
	e, err := c.typed(n.Arg)
	if err != nil {
		return nil, err
	}
	return &expr.IsNull{Arg: e, Negated: negated}, nil
}

func (c *exprs) booleanTest(n *pg.BooleanTest) (expr.Expr, error) {
	names := map[pg.BoolTestType]string{
		pg.BoolTestType_IS_TRUE: "IS TRUE", pg.BoolTestType_IS_NOT_TRUE: "IS NOT TRUE",
		pg.BoolTestType_IS_FALSE: "IS FALSE", pg.BoolTestType_IS_NOT_FALSE: "IS NOT FALSE",
		pg.BoolTestType_IS_UNKNOWN: "IS UNKNOWN", pg.BoolTestType_IS_NOT_UNKNOWN: "IS NOT UNKNOWN",
	}
	e, err := c.condition(n.Arg, names[n.Booltesttype])
	if err != nil {
		return nil, err
	}
	switch n.Booltesttype {
	case pg.BoolTestType_IS_TRUE:
		return &expr.TruthTest{Arg: e, Want: true}, nil
	case pg.BoolTestType_IS_NOT_TRUE:
		return &expr.TruthTest{Arg: e, Want: true, Negated: true}, nil
	case pg.BoolTestType_IS_FALSE:
		return &expr.TruthTest{Arg: e}, nil
	case pg.BoolTestType_IS_NOT_FALSE:
		return &expr.TruthTest{Arg: e, Negated: true}, nil
	case pg.BoolTestType_IS_UNKNOWN:
		return &expr.IsNull{Arg: e}, nil
	}
	return &expr.IsNull{Arg: e, Negated: true}, nil
}

func (c *exprs) collate(n *pg.CollateClause) (expr.Expr, error) {
	e, err := c.typed(n.Arg)
	if err != nil {
		return nil, err
	}
	if !e.Type().Kind.IsString() {
		return nil, c.b.errorf(n.Location, sqlerr.DatatypeMismatch, "collations are not supported by type %s", e.Type())
	}
	switch name := lastName(n.Collname); name {
	case "C", "POSIX", "default", "ucs_basic":
		// All text is compared bytewise.
		return e, nil
	default:
		return nil, c.b.unsupported(n.Location, "collation \"%s\" is not supported", name)
	}
}
