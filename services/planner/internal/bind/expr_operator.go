package bind

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
)

// call resolves and builds a call of a function or operator.
func (b *binder) call(name string, args []expr.Expr, location int32) (expr.Expr, error) {
	ts := make([]types.Type, len(args))
	for i, a := range args {
		ts[i] = a.Type()
	}
	fn, to, err := compute.Resolve(name, ts)
	if err != nil {
		return nil, b.at(err, location)
	}
	out := make([]expr.Expr, len(args))
	for i, a := range args {
		if out[i], err = b.coerce(a, to[i], implicitly, location); err != nil {
			return nil, err
		}
	}
	fn = widenLiteral(fn, out)
	for i := range out {
		ts[i] = out[i].Type()
	}
	return &expr.Call{Fn: fn, Args: out, Typ: fn.Type(ts)}, nil
}

// widenLiteral gives an int4 literal beside an int8 the type int8, so that keys and hashes of one kind meet.
func widenLiteral(fn *compute.Func, args []expr.Expr) *compute.Func {
	if len(args) != 2 {
		return fn
	}
	for i, a := range args {
		c, ok := a.(*expr.Const)
		if !ok || c.Value.IsNull() || c.Typ.Kind != types.Int4 || args[1-i].Type().Kind != types.Int8 {
			continue
		}
		wide, ok := compute.ByID(fn.Name + "(int8,int8)")
		if !ok || wide.Ret != fn.Ret {
			continue
		}
		args[i] = &expr.Const{Value: types.NewInt(types.Int8, c.Value.Int()), Typ: types.Of(types.Int8), Slot: c.Slot}
		return wide
	}
	return fn
}

func (c *exprs) operator(n *pg.A_Expr) (expr.Expr, error) {
	parts := names(n.Name)
	if len(parts) > 2 || len(parts) == 2 && parts[0] != "pg_catalog" {
		return nil, c.b.unsupported(n.Location, "operators of other schemas are not supported")
	}
	name := ""
	if len(parts) > 0 {
		name = parts[len(parts)-1]
	}
	switch n.Kind {
	case pg.A_Expr_Kind_AEXPR_OP, pg.A_Expr_Kind_AEXPR_LIKE, pg.A_Expr_Kind_AEXPR_ILIKE, pg.A_Expr_Kind_AEXPR_SIMILAR:
		return c.plainOperator(name, n)
	case pg.A_Expr_Kind_AEXPR_DISTINCT, pg.A_Expr_Kind_AEXPR_NOT_DISTINCT:
		return c.distinct(n)
	case pg.A_Expr_Kind_AEXPR_NULLIF:
		args, err := c.list([]*pg.Node{n.Lexpr, n.Rexpr})
		if err != nil {
			return nil, err
		}
		return c.b.call("nullif", args, n.Location)
	case pg.A_Expr_Kind_AEXPR_IN:
		return c.in(n, name == "<>")
	case pg.A_Expr_Kind_AEXPR_BETWEEN, pg.A_Expr_Kind_AEXPR_NOT_BETWEEN,
		pg.A_Expr_Kind_AEXPR_BETWEEN_SYM, pg.A_Expr_Kind_AEXPR_NOT_BETWEEN_SYM:
		return c.between(n)
	case pg.A_Expr_Kind_AEXPR_OP_ANY, pg.A_Expr_Kind_AEXPR_OP_ALL:
		return c.quantifiedList(name, n)
	}
	return nil, c.b.unsupported(n.Location, "this operator is not supported")
}

func (c *exprs) plainOperator(name string, n *pg.A_Expr) (expr.Expr, error) {
	left, right := n.Lexpr.GetRowExpr(), n.Rexpr.GetRowExpr()
	switch {
	case left != nil && right != nil:
		return c.rowComparison(name, left, right, n.Location)
	case left != nil && n.Rexpr.GetSubLink() != nil && n.Rexpr.GetSubLink().SubLinkType == pg.SubLinkType_EXPR_SUBLINK:
		return c.rowSubquery(name, left, n.Rexpr.GetSubLink(), n.Location)
	}
	var args []expr.Expr
	for _, a := range []*pg.Node{n.Lexpr, n.Rexpr} {
		if a == nil {
			continue
		}
		e, err := c.bind(a)
		if err != nil {
			return nil, err
		}
		args = append(args, e)
	}
	return c.b.call(name, args, n.Location)
}

func (c *exprs) distinct(n *pg.A_Expr) (expr.Expr, error) {
	negated := n.Kind == pg.A_Expr_Kind_AEXPR_NOT_DISTINCT
	args, err := c.list([]*pg.Node{n.Lexpr, n.Rexpr})
	if err != nil {
		return nil, err
	}
	// The operator decides whether the types compare, and to what they convert.
	eq, err := c.b.call("=", args, n.Location)
	if err != nil {
		return nil, err
	}
	args = eq.(*expr.Call).Args
	nodes := []*pg.Node{n.Lexpr, n.Rexpr}
	if args, err = c.b.common("", args, nodes); err != nil {
		return nil, err
	}
	return &expr.IsDistinct{Left: args[0], Right: args[1], Negated: negated}, nil
}

// rowComparison compares rows field by field.
func (c *exprs) rowComparison(name string, left, right *pg.RowExpr, location int32) (expr.Expr, error) {
	if len(left.Args) != len(right.Args) {
		return nil, c.b.errorf(location, sqlerr.SyntaxError, "unequal number of entries in row expressions")
	}
	if len(left.Args) == 0 {
		return nil, c.b.unsupported(location, "cannot compare rows of zero length")
	}
	l, err := c.list(left.Args)
	if err != nil {
		return nil, err
	}
	r, err := c.list(right.Args)
	if err != nil {
		return nil, err
	}
	return c.b.compareRows(name, l, r, location)
}

// compareRows builds the comparison of two lists of equal length.
func (b *binder) compareRows(name string, l, r []expr.Expr, location int32) (expr.Expr, error) {
	each := func(op string) ([]expr.Expr, error) {
		out := make([]expr.Expr, len(l))
		for i := range l {
			e, err := b.call(op, []expr.Expr{l[i], r[i]}, location)
			if err != nil {
				return nil, err
			}
			if out[i], err = b.toBool(e, "row comparison", location); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	switch name {
	case "=", "<>":
		terms, err := each(name)
		if err != nil || len(terms) == 1 {
			return expr.Conjoin(terms), err
		}
		if name == "=" {
			return &expr.And{Terms: terms}, nil
		}
		return &expr.Or{Terms: terms}, nil
	case "<", "<=", ">", ">=":
		strict, err := each(name[:1])
		if err != nil {
			return nil, err
		}
		equal, err := each("=")
		if err != nil {
			return nil, err
		}
		last, err := each(name)
		if err != nil {
			return nil, err
		}
		out := last[len(last)-1]
		for i := len(l) - 2; i >= 0; i-- {
			out = &expr.Or{Terms: []expr.Expr{strict[i], &expr.And{Terms: []expr.Expr{equal[i], out}}}}
		}
		return out, nil
	}
	if len(l) == 1 {
		terms, err := each(name)
		return expr.Conjoin(terms), err
	}
	return nil, b.unsupported(location, "could not determine interpretation of row comparison operator %s", name)
}

func (c *exprs) between(n *pg.A_Expr) (expr.Expr, error) {
	bounds := n.Rexpr.GetList().GetItems()
	if len(bounds) != 2 {
		return nil, c.b.errorf(n.Location, sqlerr.SyntaxError, "BETWEEN needs two bounds")
	}
	args, err := c.list([]*pg.Node{n.Lexpr, bounds[0], bounds[1]})
	if err != nil {
		return nil, err
	}
	within := func(low, high expr.Expr) (expr.Expr, error) {
		ge, err := c.b.call(">=", []expr.Expr{args[0], low}, n.Location)
		if err != nil {
			return nil, err
		}
		le, err := c.b.call("<=", []expr.Expr{args[0], high}, n.Location)
		return &expr.And{Terms: []expr.Expr{ge, le}}, err
	}
	out, err := within(args[1], args[2])
	if err != nil {
		return nil, err
	}
	switch n.Kind {
	case pg.A_Expr_Kind_AEXPR_BETWEEN_SYM, pg.A_Expr_Kind_AEXPR_NOT_BETWEEN_SYM:
		swapped, err := within(args[2], args[1])
		if err != nil {
			return nil, err
		}
		out = &expr.Or{Terms: []expr.Expr{out, swapped}}
	}
	switch n.Kind {
	case pg.A_Expr_Kind_AEXPR_NOT_BETWEEN, pg.A_Expr_Kind_AEXPR_NOT_BETWEEN_SYM:
		return negate(out), nil
	}
	return out, nil
}

// negate returns NOT e, with comparisons and connectives turned around so that the terms stay visible to the optimizer.
func negate(e expr.Expr) expr.Expr {
	switch e := e.(type) {
	case *expr.Not:
		return e.Arg
	case *expr.And:
		terms := make([]expr.Expr, len(e.Terms))
		for i, t := range e.Terms {
			terms[i] = negate(t)
		}
		return &expr.Or{Terms: terms}
	case *expr.Or:
		terms := make([]expr.Expr, len(e.Terms))
		for i, t := range e.Terms {
			terms[i] = negate(t)
		}
		return &expr.And{Terms: terms}
	case *expr.Call:
		if op, ok := negators[e.Fn.Name]; ok && len(e.Args) == 2 {
			if fn, ok := compute.ByID(op + e.Fn.ID()[len(e.Fn.Name):]); ok {
				return &expr.Call{Fn: fn, Args: e.Args, Typ: e.Typ}
			}
		}
	}
	return &expr.Not{Arg: e}
}

var negators = map[string]string{"=": "<>", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}

// in binds membership in a list.
func (c *exprs) in(n *pg.A_Expr, negated bool) (expr.Expr, error) {
	items := n.Rexpr.GetList().GetItems()
	if row := n.Lexpr.GetRowExpr(); row != nil {
		return c.rowIn(row, items, negated, n.Location)
	}
	arg, err := c.bind(n.Lexpr)
	if err != nil {
		return nil, err
	}
	list, err := c.list(items)
	if err != nil {
		return nil, err
	}
	return c.b.inList(arg, list, negated, append([]*pg.Node{n.Lexpr}, items...), n.Location)
}

// inList builds arg [NOT] IN (list): constants and parameters become an InList, the rest comparisons. nodes are those of arg and list.
func (b *binder) inList(arg expr.Expr, list []expr.Expr, negated bool, nodes []*pg.Node, at int32) (expr.Expr, error) {
	var plain []expr.Expr
	plainNodes := nodes[:1:1]
	var terms []expr.Expr
	for i, e := range list {
		e = b.fold(e)
		switch e.(type) {
		case *expr.Const, *expr.Param:
			plain = append(plain, e)
			plainNodes = append(plainNodes, nodes[i+1])
			continue
		}
		eq, err := b.call("=", []expr.Expr{arg, e}, at)
		if err != nil {
			return nil, err
		}
		terms = append(terms, eq)
	}
	if len(plain) > 0 {
		member, err := b.members(arg, plain, plainNodes, at)
		if err != nil {
			return nil, err
		}
		terms = append([]expr.Expr{member}, terms...)
	}
	var out expr.Expr
	if len(terms) == 1 {
		out = terms[0]
	} else {
		out = &expr.Or{Terms: terms}
	}
	if !negated {
		return out, nil
	}
	if l, ok := out.(*expr.InList); ok {
		return &expr.InList{Arg: l.Arg, List: l.List, Negated: true}, nil
	}
	return negate(out), nil
}

func (b *binder) members(arg expr.Expr, list []expr.Expr, nodes []*pg.Node, at int32) (expr.Expr, error) {
	if len(list) == 1 {
		return b.call("=", []expr.Expr{arg, list[0]}, at)
	}
	ts := []types.Type{types.Of(arg.Type().Kind)}
	for _, e := range list {
		ts = append(ts, types.Of(e.Type().Kind))
	}
	to, err := compute.CommonTypeFor("", ts...)
	if err != nil {
		// The operator's message is the one PostgreSQL gives.
		var terms []expr.Expr
		for _, e := range list {
			eq, err := b.call("=", []expr.Expr{arg, e}, at)
			if err != nil {
				return nil, err
			}
			terms = append(terms, eq)
		}
		return &expr.Or{Terms: terms}, nil
	}
	if arg, err = b.coerce(arg, to, implicitly, location(nodes[0])); err != nil {
		return nil, err
	}
	out := make([]expr.Expr, len(list))
	for i, e := range list {
		if e, err = b.coerce(e, to, implicitly, location(nodes[i+1])); err != nil {
			return nil, err
		}
		if cast, ok := e.(*expr.Cast); ok {
			if p, ok := cast.Arg.(*expr.Param); ok {
				return nil, b.errorf(location(nodes[i+1]), sqlerr.DatatypeMismatch, "parameter $%d of type %s does not match the list's type %s", p.Index+1, p.Typ, to)
			}
			e = b.fold(e)
		}
		out[i] = e
	}
	return &expr.InList{Arg: arg, List: out}, nil
}

func (c *exprs) rowIn(row *pg.RowExpr, items []*pg.Node, negated bool, location int32) (expr.Expr, error) {
	terms := make([]expr.Expr, len(items))
	for i, item := range items {
		right := item.GetRowExpr()
		if right == nil {
			return nil, c.b.errorf(location, sqlerr.SyntaxError, "unequal number of entries in row expressions")
		}
		e, err := c.rowComparison("=", row, right, location)
		if err != nil {
			return nil, err
		}
		terms[i] = e
	}
	var out expr.Expr = &expr.Or{Terms: terms}
	if len(terms) == 1 {
		out = terms[0]
	}
	if negated {
		return negate(out), nil
	}
	return out, nil
}

// quantifiedList binds op ANY (ARRAY[…]) and op ALL (ARRAY[…]).
func (c *exprs) quantifiedList(name string, n *pg.A_Expr) (expr.Expr, error) {
	array := n.Rexpr.GetAArrayExpr()
	if array == nil {
		return nil, c.b.unsupported(location(n.Rexpr), "ANY and ALL are supported over ARRAY[…] and subqueries only")
	}
	all := n.Kind == pg.A_Expr_Kind_AEXPR_OP_ALL
	arg, err := c.bind(n.Lexpr)
	if err != nil {
		return nil, err
	}
	list, err := c.list(array.Elements)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return expr.NewConst(types.NewBool(all)), nil
	}
	nodes := append([]*pg.Node{n.Lexpr}, array.Elements...)
	if name == "=" && !all || name == "<>" && all {
		return c.b.inList(arg, list, all, nodes, n.Location)
	}
	terms := make([]expr.Expr, len(list))
	for i, e := range list {
		t, err := c.b.call(name, []expr.Expr{arg, e}, n.Location)
		if err != nil {
			return nil, err
		}
		if terms[i], err = c.b.toBool(t, "ANY/ALL", n.Location); err != nil {
			return nil, err
		}
	}
	switch {
	case len(terms) == 1:
		return terms[0], nil
	case all:
		return &expr.And{Terms: terms}, nil
	}
	return &expr.Or{Terms: terms}, nil
}
