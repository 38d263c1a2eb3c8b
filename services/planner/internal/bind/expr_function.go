package bind

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
)

// windowFunctions have no meaning without OVER.
var windowFunctions = map[string]bool{
	"row_number": true, "rank": true, "dense_rank": true, "percent_rank": true, "cume_dist": true, "ntile": true,
	"lag": true, "lead": true, "first_value": true, "last_value": true, "nth_value": true,
}

// setFunctions give rows.
var setFunctions = map[string]bool{
	"generate_series": true, "unnest": true, "generate_subscripts": true, "regexp_matches": true, "regexp_split_to_table": true,
	"string_to_table": true, "jsonb_array_elements": true, "jsonb_each": true, "jsonb_object_keys": true,
}

// otherNames are names by which the parser or people call a function that is registered under another one.
var otherNames = map[string]string{"position": "strpos", "char_length": "length", "character_length": "length", "pow": "power", "ceiling": "ceil"}

func (c *exprs) function(n *pg.FuncCall) (expr.Expr, error) {
	parts := names(n.Funcname)
	name := parts[len(parts)-1]
	if len(parts) > 1 && parts[0] != "pg_catalog" {
		return nil, c.b.errorf(n.Location, sqlerr.UndefinedFunction, "function %s() does not exist", strings.Join(parts, "."))
	}
	switch {
	case n.Over != nil || windowFunctions[name]:
		return nil, c.b.unsupported(n.Location, "window functions are not supported")
	case n.AggWithinGroup:
		return nil, c.b.unsupported(n.Location, "ordered-set aggregates are not supported")
	case n.FuncVariadic:
		return nil, c.b.unsupported(n.Location, "VARIADIC arguments are not supported")
	case setFunctions[name]:
		return nil, c.b.unsupported(n.Location, "set-returning functions are not supported")
	}
	if n.AggStar || len(compute.LookupAggregate(name)) > 0 {
		return c.aggregate(name, n)
	}
	if n.AggDistinct || len(n.AggOrder) > 0 || n.AggFilter != nil {
		what := map[bool]string{true: "DISTINCT", false: "ORDER BY"}[n.AggDistinct]
		if n.AggFilter != nil {
			what = "FILTER"
		}
		return nil, c.b.errorf(n.Location, sqlerr.WrongObjectType, "%s specified, but %s is not an aggregate function", what, name)
	}
	args, err := c.list(n.Args)
	if err != nil {
		return nil, err
	}
	if e, done, err := c.b.sessionFunction(name, args, n); done || err != nil {
		return e, err
	}
	if len(compute.Lookup(name)) == 0 {
		if other, ok := otherNames[name]; ok && len(compute.Lookup(other)) > 0 {
			name = other
		} else if kind, ok := typeNames[name]; ok && len(args) == 1 {
			// A type's name called with one argument is a cast.
			return c.b.coerce(args[0], types.Of(kind), explicitly, n.Location)
		}
	}
	return c.b.call(name, args, n.Location)
}

// sessionFunction answers functions of the session's settings.
func (b *binder) sessionFunction(name string, args []expr.Expr, n *pg.FuncCall) (e expr.Expr, done bool, err error) {
	text := func(i int) (string, bool) {
		if k, ok := args[i].(*expr.Const); ok && !k.Value.IsNull() && (k.Typ.Kind == types.Unknown || k.Typ.Kind.IsString()) {
			b.pin(k.Slot)
			return k.Value.Str(), true
		}
		return "", false
	}
	switch {
	case name == "current_setting" && (len(args) == 1 || len(args) == 2):
		setting, ok := text(0)
		if !ok {
			return nil, true, b.unsupported(n.Location, "current_setting needs a constant name")
		}
		b.once = true
		missingOK := false
		if len(args) == 2 {
			if k, ok := args[1].(*expr.Const); ok && k.Typ.Kind == types.Bool && !k.Value.IsNull() {
				missingOK = k.Value.Bool()
			}
		}
		for k, v := range b.req.Settings {
			if strings.EqualFold(k, setting) {
				return expr.NewConst(types.NewString(types.Text, v)), true, nil
			}
		}
		if missingOK {
			return &expr.Const{Value: types.Null(types.Text), Typ: types.Of(types.Text)}, true, nil
		}
		return nil, true, b.errorf(n.Location, sqlerr.UndefinedObject, "unrecognized configuration parameter \"%s\"", setting)
	case name == "version" && len(args) == 0 && len(compute.Lookup(name)) == 0:
		return expr.NewConst(types.NewString(types.Text, "PostgreSQL 15.0 (Attune)")), true, nil
	case name == "pg_typeof" && len(args) == 1:
		return expr.NewConst(types.NewString(types.Text, args[0].Type().Kind.String())), true, nil
	case (name == "current_schema" || name == "current_schemas") && len(compute.Lookup(name)) == 0 && len(args) == 0:
		return expr.NewConst(types.NewString(types.Text, b.creationSchema())), true, nil
	}
	return nil, false, nil
}

func (c *exprs) valueFunction(n *pg.SQLValueFunction) (expr.Expr, error) {
	call := func(name string) (expr.Expr, error) { return c.b.call(name, nil, n.Location) }
	rounded := func(e expr.Expr, err error, k types.Kind) (expr.Expr, error) {
		if err != nil {
			return nil, err
		}
		to := types.Of(k)
		if n.Typmod >= 0 {
			if to, err = c.b.fractionDigits(to, int(n.Typmod), n.Location); err != nil {
				return nil, err
			}
		}
		return c.b.coerce(e, to, explicitly, n.Location)
	}
	switch n.Op {
	case pg.SQLValueFunctionOp_SVFOP_CURRENT_DATE:
		e, err := call("now")
		return rounded(e, err, types.Date)
	case pg.SQLValueFunctionOp_SVFOP_CURRENT_TIMESTAMP, pg.SQLValueFunctionOp_SVFOP_CURRENT_TIMESTAMP_N:
		e, err := call("now")
		return rounded(e, err, types.TimestampTZ)
	case pg.SQLValueFunctionOp_SVFOP_LOCALTIMESTAMP, pg.SQLValueFunctionOp_SVFOP_LOCALTIMESTAMP_N:
		e, err := call("now")
		return rounded(e, err, types.Timestamp)
	case pg.SQLValueFunctionOp_SVFOP_CURRENT_ROLE, pg.SQLValueFunctionOp_SVFOP_CURRENT_USER,
		pg.SQLValueFunctionOp_SVFOP_USER, pg.SQLValueFunctionOp_SVFOP_SESSION_USER:
		return call("current_user")
	case pg.SQLValueFunctionOp_SVFOP_CURRENT_CATALOG:
		return call("current_database")
	case pg.SQLValueFunctionOp_SVFOP_CURRENT_SCHEMA:
		return expr.NewConst(types.NewString(types.Text, c.b.creationSchema())), nil
	}
	return nil, c.b.unsupported(n.Location, "type time is not supported")
}

func (c *exprs) caseExpr(n *pg.CaseExpr) (expr.Expr, error) {
	var arg expr.Expr
	if n.Arg != nil {
		var err error
		if arg, err = c.typed(n.Arg); err != nil {
			return nil, err
		}
	}
	var conds, results []expr.Expr
	var nodes []*pg.Node
	for _, w := range n.Args {
		when := w.GetCaseWhen()
		cond, err := c.bind(when.Expr)
		if err != nil {
			return nil, err
		}
		if arg != nil {
			if cond, err = c.b.call("=", []expr.Expr{arg, cond}, location(when.Expr)); err != nil {
				return nil, err
			}
		}
		if cond, err = c.b.toBool(cond, "CASE/WHEN", location(when.Expr)); err != nil {
			return nil, err
		}
		result, err := c.bind(when.Result)
		if err != nil {
			return nil, err
		}
		conds, results, nodes = append(conds, cond), append(results, result), append(nodes, when.Result)
	}
	var otherwise expr.Expr = &expr.Const{Value: types.Null(types.Unknown)}
	if n.Defresult != nil {
		var err error
		if otherwise, err = c.bind(n.Defresult); err != nil {
			return nil, err
		}
	}
	// PostgreSQL considers the default first when it looks for the common type.
	all, err := c.b.common("CASE", append([]expr.Expr{otherwise}, results...), append([]*pg.Node{n.Defresult}, nodes...))
	if err != nil {
		return nil, err
	}
	out := &expr.Case{Else: all[0], Whens: make([]expr.When, len(conds))}
	for i := range conds {
		out.Whens[i] = expr.When{Cond: conds[i], Then: all[i+1]}
	}
	return out, nil
}

func (c *exprs) coalesce(n *pg.CoalesceExpr) (expr.Expr, error) {
	args, err := c.list(n.Args)
	if err != nil {
		return nil, err
	}
	if args, err = c.b.common("COALESCE", args, n.Args); err != nil {
		return nil, err
	}
	if len(args) == 1 {
		return args[0], nil
	}
	return &expr.Coalesce{Args: args}, nil
}

func (c *exprs) minMax(n *pg.MinMaxExpr) (expr.Expr, error) {
	args, err := c.list(n.Args)
	if err != nil {
		return nil, err
	}
	name := "greatest"
	if n.Op == pg.MinMaxOp_IS_LEAST {
		name = "least"
	}
	return c.b.call(name, args, n.Location)
}
