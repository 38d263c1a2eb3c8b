package rewrite

import (
	"slices"

	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/services/planner/internal/scalar"
)

// Worth decides whether to aggregate an input of a join early: input is the relation as it is, groups the columns by which it would be grouped, which
// are those that joins and aggregates above it name.
type Worth func(input logical.Node, groups []logical.Column) bool

// PushAggregate is rule push_aggregates_through_joins, for a tree of inner joins whose order is decided.
//
// What: for an aggregation of count, sum, min and max over inner joins, inputs of the joins are aggregated by the columns that are
// used above them, with a count of the rows each group stands for. The counts are multiplied where groups meet: the number of joined rows is
// the product of the numbers of rows on either side. (W. Yan, P.-Å. Larson, "Eager aggregation and lazy aggregation", VLDB 1995.)
//
// Why it is sound: rows of an input that agree in all columns used above it take part in the same joined rows. Weights that meet a second
// time, and all sums of weighted values, are numeric: a product of counts may exceed int8 before a later join removes the rows it
// stands for. The final count is exact, and cast to int8 it fails with 22003 only where PostgreSQL's count would overflow too. Sums of floats and
// intervals are left alone, because their result depends on the order of additions or on parts that do not scale.
//
// Careless versions fail for
//
//	SELECT count(*) FROM a JOIN b ON b.k = a.k JOIN c ON c.k = a.k
//
// if counts of groups were added rather than multiplied, for the empty result, whose count is 0 and not NULL, and for
// sum(a.v), if it were not multiplied by the weights of b and c.
//
// agg is the aggregation and tree its input, which stands for agg.Input; the result has agg's columns. worth is asked for every input of a join, also
// for joins of several relations; an input that is unique by its groups is not asked about. nil takes every one. next is the first
// free column ID; the second result is the next one. ok is false when the rule does not apply or nothing was worth it.
func PushAggregate(agg *logical.Aggregate, tree logical.Node, next expr.ColumnID, worth Worth) (out logical.Node, free expr.ColumnID, ok bool) {
	if !decomposable(agg) {
		return nil, next, false
	}
	e := &eager{rewriter: &rewriter{next: next}, agg: agg, worth: worth}
	need := logical.Set{}
	for _, g := range agg.Groups {
		addColumns(need, g.Expr)
	}
	p := e.visit(tree, need, true)
	if len(p.weights) == 0 && len(p.values) == 0 {
		return nil, next, false
	}
	return e.finish(p), e.rewriter.next, true
}

func addColumns(s logical.Set, es ...expr.Expr) {
	for id := range logical.ExprColumns(es...) {
		s.Add(id)
	}
}

// decomposable reports whether all aggregates can be computed from partial ones.
func decomposable(agg *logical.Aggregate) bool {
	for _, a := range agg.Aggs {
		if a.Distinct || a.Filter != nil || len(a.OrderBy) > 0 || scalar.IsVolatile(conjoinAll(a.Args)) {
			return false
		}
		switch a.Fn.Name {
		case "count":
			if len(a.Args) > 1 {
				return false
			}
		case "min", "max":
		case "sum":
			if k := a.Args[0].Type().Kind; !k.IsInteger() && k != types.Numeric {
				return false
			}
		default:
			return false
		}
	}
	for _, g := range agg.Groups {
		if scalar.IsVolatile(g.Expr) {
			return false
		}
	}
	return true
}

// conjoinAll wraps expressions so that they can be looked at as one.
func conjoinAll(es []expr.Expr) expr.Expr {
	if len(es) == 0 {
		return nil
	}
	return &expr.Coalesce{Args: es}
}

// weight is a column that counts the rows a row stands for, as made by one early aggregation.
type weight struct {
	col logical.Column
	// block identifies the early aggregation.
	block int
	// plain counts are int8 and count rows of the input itself.
	plain bool
}

// value is the partial result of an aggregate.
type value struct {
	col   logical.Column
	block int
}

// partial is a part of the tree with early aggregations in it.
type partial struct {
	node    logical.Node
	weights []weight
	// values are by index of the aggregate.
	values map[int]value
}

type eager struct {
	*rewriter
	agg    *logical.Aggregate
	worth  Worth
	blocks int
}

// visit rewrites n; need are the columns of n that are used above it, apart from the aggregates' arguments.
func (e *eager) visit(n logical.Node, need logical.Set, top bool) partial {
	p := partial{node: n, values: map[int]value{}}
	switch x := n.(type) {
	case *logical.Join:
		if x.Kind == physical.JoinInner && !volatileNode(x) {
			below := union(need)
			addColumns(below, x.On)
			l, r := e.visit(x.Left, below, false), e.visit(x.Right, below, false)
			p.node = rebuild(x, l.node, r.node)
			p.weights = slices.Concat(l.weights, r.weights)
			for _, side := range []partial{l, r} {
				for i, v := range side.values {
					p.values[i] = v
				}
			}
		}
	case *logical.Filter:
		if _, ok := x.Input.(*logical.Join); ok && !volatileNode(x) {
			below := union(need)
			addColumns(below, x.Cond)
			in := e.visit(x.Input, below, true)
			p = in
			p.node = rebuild(x, in.node)
		}
	}
	if top {
		return p
	}
	return e.aggregate(p, need)
}

func volatileNode(n logical.Node) bool {
	for _, x := range logical.Exprs(n) {
		if scalar.IsVolatile(x) {
			return true
		}
	}
	return false
}

// aggregate groups p by the columns used above it, when that is worth it.
func (e *eager) aggregate(p partial, need logical.Set) partial {
	have := logical.OutputSet(p.node)
	groupBy := union(need)
	var start []int
	for i, a := range e.agg.Aggs {
		if _, begun := p.values[i]; begun || len(a.Args) == 0 {
			continue
		}
		if cols := logical.ExprColumns(a.Args...); len(cols) > 0 && cols.SubsetOf(have) && cannotFail(a.Args[0]) {
			start = append(start, i)
		} else {
			addColumns(groupBy, a.Args...)
		}
	}
	var groups []logical.Column
	keySet := logical.Set{}
	for _, c := range p.node.Columns() {
		if groupBy.Has(c.ID) {
			groups = append(groups, c)
			keySet.Add(c.ID)
		}
	}
	// Without groups an empty input would become a row.
	if len(groups) == 0 || hasKeyIn(Keys(p.node), keySet) {
		return p
	}
	if e.worth != nil && !e.worth(p.node, groups) {
		return p
	}
	e.blocks++
	block := e.blocks
	out := partial{values: map[int]value{}}
	var aggs []logical.AggItem
	w := weight{block: block, plain: len(p.weights) == 0}
	if w.plain {
		aggs = append(aggs, e.item("weight", "count", nil))
	} else {
		aggs = append(aggs, e.item("weight", "sum", []expr.Expr{e.product(p.weights, 0)}))
	}
	w.col = aggs[0].Column
	out.weights = []weight{w}
	for i := range e.agg.Aggs {
		v, begun := p.values[i]
		if !begun && !slices.Contains(start, i) {
			continue
		}
		aggs = append(aggs, e.combine(i, p, v, begun))
		out.values[i] = value{col: aggs[len(aggs)-1].Column, block: block}
	}
	out.node = logical.NewAggregate(p.node, pass(groups), aggs)
	return out
}

// cannotFail reports whether an argument may be computed for rows that a join above removes.
func cannotFail(x expr.Expr) bool {
	if c, ok := x.(*expr.Cast); ok {
		from, to := c.Arg.Type(), c.To
		return to.Mod == 0 && from.Kind.IsNumber() && to.Kind == types.Numeric && isColumn(c.Arg)
	}
	return isColumn(scalar.StripRelabel(x))
}

// item makes an aggregate over arguments whose types have an overload.
func (e *eager) item(name, fn string, args []expr.Expr) logical.AggItem {
	ts := make([]types.Type, len(args))
	for i, a := range args {
		ts[i] = a.Type()
	}
	f, to, err := compute.ResolveAggregate(fn, ts)
	if err != nil {
		// The functions and kinds used here are built in.
		panic("rewrite: " + err.Error())
	}
	for i, a := range args {
		if a.Type().Kind != to[i].Kind {
			args[i] = &expr.Cast{Arg: a, To: types.Of(to[i].Kind)}
		}
	}
	t := types.Of(f.Ret)
	if (fn == "min" || fn == "max") && len(args) == 1 && args[0].Type().Kind == f.Ret {
		t = args[0].Type()
	}
	return logical.AggItem{Column: e.newColumn(name, t), Fn: f, Args: args}
}

var numeric = types.Of(types.Numeric)

func toNumeric(x expr.Expr) expr.Expr {
	if x.Type().Kind == types.Numeric {
		return x
	}
	return &expr.Cast{Arg: x, To: numeric}
}

// product multiplies the weights of all blocks but one; nil when there are none. One plain count stays int8.
func (e *eager) product(ws []weight, without int) expr.Expr {
	var out expr.Expr
	for _, w := range ws {
		switch {
		case w.block == without:
		case out == nil:
			out = w.col.Ref()
		default:
			out = call("*(numeric,numeric)", numeric, toNumeric(out), toNumeric(w.col.Ref()))
		}
	}
	return out
}

// combine makes the aggregate that continues aggregate i over p: from its argument, or from its partial value v.
func (e *eager) combine(i int, p partial, v value, begun bool) logical.AggItem {
	a := e.agg.Aggs[i]
	switch a.Fn.Name {
	case "min", "max":
		if begun {
			return e.item(a.Fn.Name, a.Fn.Name, []expr.Expr{v.col.Ref()})
		}
		return e.item(a.Fn.Name, a.Fn.Name, slices.Clone(a.Args))
	}
	without := 0
	if begun {
		without = v.block
	}
	times := e.product(p.weights, without)
	switch {
	case begun && times == nil:
		return e.item(a.Fn.Name, "sum", []expr.Expr{v.col.Ref()})
	case begun:
		return e.item(a.Fn.Name, "sum", []expr.Expr{call("*(numeric,numeric)", numeric, toNumeric(v.col.Ref()), toNumeric(times))})
	case times == nil:
		return e.item(a.Fn.Name, a.Fn.Name, slices.Clone(a.Args))
	case a.Fn.Name == "sum":
		return e.item(a.Fn.Name, "sum", []expr.Expr{call("*(numeric,numeric)", numeric, toNumeric(a.Args[0]), toNumeric(times))})
	case len(a.Args) == 0:
		return e.item(a.Fn.Name, "sum", []expr.Expr{times})
	}
	// count(x): a row counts as often as its weight says when x is not NULL.
	zero := &expr.Cast{Arg: &expr.Const{Value: types.NewInt(types.Int8, 0), Typ: types.Of(types.Int8)}, To: times.Type()}
	counted := &expr.Case{
		Whens: []expr.When{{Cond: &expr.IsNull{Arg: a.Args[0], Negated: true}, Then: times}},
		Else:  Simplify(zero),
	}
	return e.item(a.Fn.Name, "sum", []expr.Expr{counted})
}

// finish puts the final aggregation on top, with the original columns.
func (e *eager) finish(p partial) logical.Node {
	var aggs []logical.AggItem
	items := make([]logical.Item, 0, len(e.agg.Groups)+len(e.agg.Aggs))
	for _, g := range e.agg.Groups {
		items = append(items, logical.Item{Column: g.Column, Expr: g.Ref()})
	}
	for i, a := range e.agg.Aggs {
		v, begun := p.values[i]
		item := e.combine(i, p, v, begun)
		aggs = append(aggs, item)
		var out expr.Expr = item.Ref()
		if out.Type().Kind != a.Type.Kind {
			out = &expr.Cast{Arg: out, To: a.Type}
		}
		if a.Fn.Name == "count" {
			out = &expr.Coalesce{Args: []expr.Expr{out, &expr.Const{Value: types.NewInt(types.Int8, 0), Typ: a.Type}}}
		}
		items = append(items, logical.Item{Column: a.Column, Expr: out})
	}
	return logical.NewProject(logical.NewAggregate(p.node, e.agg.Groups, aggs), items)
}
