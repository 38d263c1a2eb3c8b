package bind

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/services/planner/internal/scalar"
)

// aggregates collects the aggregate calls of one query level.
type aggregates struct {
	items []logical.AggItem
	// inputs are the subqueries that arguments need, joined below the aggregation.
	inputs []apply
	// scope is that of the query level.
	scope *scope
}

func (c *exprs) aggregate(name string, n *pg.FuncCall) (expr.Expr, error) {
	if c.aggs == nil {
		return nil, c.b.errorf(n.Location, sqlerr.GroupingError, "%s", c.noAggs)
	}
	inner := &exprs{b: c.b, scope: c.scope, clause: "an aggregate", pending: &c.aggs.inputs,
		noAggs: "aggregate function calls cannot be nested"}
	args, err := inner.list(n.Args)
	if err != nil {
		return nil, err
	}
	if n.AggStar && name != "count" {
		return nil, c.b.errorf(n.Location, sqlerr.UndefinedFunction, "function %s() does not exist", name).
			WithHint("No function matches the given name and argument types. You might need to add explicit type casts.")
	}
	if !n.AggStar && len(args) == 0 {
		return nil, c.b.errorf(n.Location, sqlerr.WrongObjectType, "%s(*) must be used to call a parameterless aggregate function", name)
	}
	ts := make([]types.Type, len(args))
	for i, a := range args {
		ts[i] = a.Type()
	}
	fn, to, err := compute.ResolveAggregate(name, ts)
	if err != nil {
		return nil, c.b.at(err, n.Location)
	}
	for i := range args {
		if args[i], err = c.b.coerce(args[i], to[i], implicitly, n.Location); err != nil {
			return nil, err
		}
	}
	item := logical.AggItem{Fn: fn, Args: args, Distinct: n.AggDistinct}
	if n.AggFilter != nil {
		filter := *inner
		filter.noAggs = "aggregate functions are not allowed in FILTER"
		if item.Filter, err = filter.condition(n.AggFilter, "FILTER"); err != nil {
			return nil, err
		}
	}
	if item.OrderBy, err = inner.aggregateOrder(n, args); err != nil {
		return nil, err
	}
	if err := c.ownLevel(item, n); err != nil {
		return nil, err
	}
	for _, known := range c.aggs.items {
		if sameAggregate(known, item) {
			return known.Ref(), nil
		}
	}
	t := types.Of(fn.Ret)
	if fn.Name == "min" || fn.Name == "max" {
		t = args[0].Type()
		t.Kind = fn.Ret
	}
	item.Column = c.b.newColumn(name, t)
	c.aggs.items = append(c.aggs.items, item)
	return item.Ref(), nil
}

func (c *exprs) aggregateOrder(n *pg.FuncCall, args []expr.Expr) ([]logical.SortKey, error) {
	var out []logical.SortKey
	for _, o := range n.AggOrder {
		key := o.GetSortBy()
		e, err := c.typed(key.Node)
		if err != nil {
			return nil, err
		}
		if n.AggDistinct {
			found := false
			for _, a := range args {
				same, slots := scalar.Equal(a, e)
				if same {
					c.b.pin(slots...)
					found = true
				}
			}
			if !found {
				return nil, c.b.errorf(location(key.Node), sqlerr.InvalidColumnReference,
					"in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list")
			}
		}
		k, err := c.b.sortKey(e, key)
		if err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	return out, nil
}

// ownLevel refuses an aggregate whose arguments are all of an outer query: it would belong to that query.
func (c *exprs) ownLevel(item logical.AggItem, n *pg.FuncCall) error {
	own := sourceColumns(c.aggs.scope.from)
	used := logical.ExprColumns(item.Args...)
	if len(used) == 0 || c.aggs.scope.parent == nil {
		return nil
	}
	for _, in := range c.aggs.inputs {
		for _, col := range in.right.Columns() {
			own.Add(col.ID)
		}
		own.Add(in.mark.ID)
	}
	if used.Intersects(own) {
		return nil
	}
	return c.b.unsupported(n.Location, "aggregates of an outer query are not supported")
}

func sourceColumns(s *source) logical.Set {
	if s == nil {
		return logical.Set{}
	}
	return logical.OutputSet(s.node)
}

// sameAggregate reports whether two calls give the same value whatever their literals become.
func sameAggregate(a, b logical.AggItem) bool {
	if a.Fn != b.Fn || a.Distinct != b.Distinct || len(a.Args) != len(b.Args) || len(a.OrderBy) > 0 || len(b.OrderBy) > 0 {
		return false
	}
	same := func(x, y expr.Expr) bool {
		ok, slots := scalar.Equal(x, y)
		return ok && len(slots) == 0 && !scalar.IsVolatile(x)
	}
	for i := range a.Args {
		if !same(a.Args[i], b.Args[i]) {
			return false
		}
	}
	return same(a.Filter, b.Filter)
}
