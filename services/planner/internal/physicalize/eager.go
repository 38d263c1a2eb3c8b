package physicalize

import (
	"fmt"

	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/services/planner/internal/enumerate"
)

var int8Type = types.Of(types.Int8)

// group plans a grouping below a join: one row for each combination of the columns that are still read, and how many rows it
// stands for.
func (b *pathBuilder) group(p *enumerate.Path) (*rel, error) {
	in, err := b.path(p.Left)
	if err != nil {
		return nil, err
	}
	b.out.Eager = true
	out := &rel{weight: b.newColumn()}
	n := &physical.Aggregate{Input: in.node}
	var schema []physical.Field
	keys := b.block.Needed(p.Set, b.above)
	for _, k := range keys {
		c := k.(*expr.Column)
		g, err := b.resolve(c, in)
		if err != nil {
			return nil, err
		}
		n.Groups = append(n.Groups, g)
		schema = append(schema, physical.Field{Name: c.Name, Type: c.Typ})
		out.cols = append(out.cols, c.ID)
	}
	est := b.estimate(p)
	est.WidthBytes = 8
	for _, f := range schema {
		est.WidthBytes += fieldWidth(f.Type)
	}
	call, err := countAgg(in)
	if err != nil {
		return nil, err
	}
	n.Aggs = []physical.AggCall{call}
	n.Header = b.head(append(schema, call.Field), est)
	out.node = n
	out.cols = append(out.cols, out.weight)
	return out, b.narrowWeight(out)
}

// countAgg counts the rows that an input stands for: count(*), or the sum of its weights.
func countAgg(in *rel) (physical.AggCall, error) {
	if in.weight == 0 {
		fn, ok := compute.AggregateByID("count()")
		if !ok {
			return physical.AggCall{}, fmt.Errorf("physicalize: no count(*)")
		}
		return physical.AggCall{Fn: fn, Field: physical.Field{Name: "count", Type: int8Type}}, nil
	}
	return sumAgg(in.weightRef(), types.Of(types.Int8), "count")
}

func (r *rel) weightRef() expr.Expr {
	o, _ := r.ordinal(r.weight)
	return expr.At(o, int8Type, "weight")
}

func sumAgg(e expr.Expr, t types.Type, name string) (physical.AggCall, error) {
	fn, ok := compute.AggregateByID("sum(" + t.Kind.Short() + ")")
	if !ok {
		return physical.AggCall{}, fmt.Errorf("physicalize: no sum of %s", t)
	}
	return physical.AggCall{Fn: fn, Args: []expr.Expr{e}, Field: physical.Field{Name: name, Type: types.Of(fn.Ret)}}, nil
}

// narrowWeight converts the last column, a weight, to int8 where a sum made it wider.
func (b *builder) narrowWeight(r *rel) error {
	schema := r.node.Head().Schema
	last := len(schema) - 1
	if schema[last].Type.Kind == types.Int8 {
		return nil
	}
	out := append([]physical.Field(nil), schema...)
	exprs := make([]expr.Expr, len(schema))
	for i, f := range schema {
		exprs[i] = expr.At(i, f.Type, f.Name)
	}
	exprs[last] = &expr.Cast{Arg: exprs[last], To: int8Type, Explicit: true}
	out[last].Type = int8Type
	r.node = &physical.Project{Header: b.head(out, passed(r.node, out)), Input: r.node, Exprs: exprs}
	return nil
}

// weights gives a join's output its weight: that of the weighted side, or the product of both. A right row that is missing
// counts once.
func (b *builder) weights(out, l, r *rel, kind physical.JoinKind) error {
	left, right := l.weight, r.weight
	if kind == physical.JoinSemi || kind == physical.JoinAnti {
		right = 0
	}
	if left == 0 && right == 0 {
		return nil
	}
	outer := kind == physical.JoinLeft || kind == physical.JoinRight
	if (left == 0 || right == 0) && !outer {
		out.weight = max(left, right)
		return nil
	}
	var factors []expr.Expr
	for _, w := range []expr.ColumnID{left, right} {
		if w == 0 {
			continue
		}
		o, _ := out.ordinal(w)
		var e expr.Expr = expr.At(o, int8Type, "weight")
		if outer {
			e = &expr.Coalesce{Args: []expr.Expr{e, expr.NewConst(types.NewInt(types.Int8, 1))}}
		}
		factors = append(factors, e)
	}
	w := factors[0]
	if len(factors) == 2 {
		fn, ok := compute.ByID("*(int8,int8)")
		if !ok {
			return fmt.Errorf("physicalize: no product of int8")
		}
		w = &expr.Call{Fn: fn, Args: factors, Typ: int8Type}
	}
	var schema []physical.Field
	var exprs []expr.Expr
	var cols []expr.ColumnID
	for i, f := range out.node.Head().Schema {
		if id := out.cols[i]; id != left && id != right {
			schema, cols = append(schema, f), append(cols, id)
			exprs = append(exprs, expr.At(i, f.Type, f.Name))
		}
	}
	out.weight = b.newColumn()
	cols = append(cols, out.weight)
	out.cols = cols
	schema = append(schema, physical.Field{Name: "weight", Type: int8Type})
	out.node = &physical.Project{Header: b.head(schema, passed(out.node, schema)), Input: out.node, Exprs: append(exprs, w)}
	return nil
}

// eagerOf returns what an enumeration must know of a grouping above its block, nil when some aggregate cannot be computed from
// rows that stand for several.
func eagerOf(a *logical.Aggregate) *enumerate.Eager {
	e := &enumerate.Eager{Needed: make(logical.Set)}
	add := func(x expr.Expr) {
		for id := range logical.ExprColumns(x) {
			e.Needed.Add(id)
		}
	}
	for _, g := range a.Groups {
		e.Groups = append(e.Groups, g.Expr)
		add(g.Expr)
	}
	for i := range a.Aggs {
		if !weightable(&a.Aggs[i]) {
			return nil
		}
		for _, x := range a.Aggs[i].Args {
			add(x)
		}
		if a.Aggs[i].Filter != nil {
			add(a.Aggs[i].Filter)
		}
	}
	return e
}

// weightable reports whether an aggregate over weighted rows gives exactly what it gives over the rows themselves.
func weightable(a *logical.AggItem) bool {
	if len(a.OrderBy) > 0 {
		return false
	}
	switch a.Fn.Name {
	case "min", "max", "bool_and", "bool_or", "every":
		return true
	case "count":
		return true
	case "sum":
		// Floats would round otherwise, and the product of an int8 and a count may not fit.
		k := a.Args[0].Type().Kind
		return a.Distinct || k == types.Int2 || k == types.Int4
	}
	return a.Distinct
}

// weighted plans an aggregate over weighted rows. The result may need convert to have the type of the original.
func (b *builder) weighted(a *logical.AggItem, in *rel) (physical.AggCall, func(expr.Expr) expr.Expr, error) {
	call, err := b.aggCall(a, in)
	if err != nil || a.Distinct || a.Fn.Name != "count" && a.Fn.Name != "sum" {
		return call, nil, err
	}
	w := in.weightRef()
	count := a.Fn.Name == "count"
	zero := expr.NewConst(types.NewInt(types.Int8, 0))
	var arg expr.Expr
	switch {
	case count && len(call.Args) == 0:
		arg = w
	case count:
		arg = &expr.Case{Whens: []expr.When{{Cond: &expr.IsNull{Arg: call.Args[0]}, Then: zero}}, Else: w}
	default:
		fn, ok := compute.ByID("*(int8,int8)")
		if !ok {
			return call, nil, fmt.Errorf("physicalize: no product of int8")
		}
		x := call.Args[0]
		if x.Type().Kind != types.Int8 {
			x = &expr.Cast{Arg: x, To: int8Type}
		}
		arg = &expr.Call{Fn: fn, Args: []expr.Expr{x, w}, Typ: int8Type}
	}
	sum, err := sumAgg(arg, int8Type, call.Field.Name)
	if err != nil {
		return call, nil, err
	}
	sum.Filter = call.Filter
	want := a.Type
	return sum, func(e expr.Expr) expr.Expr {
		if e.Type().Kind != want.Kind {
			e = &expr.Cast{Arg: e, To: want, Explicit: true}
		}
		if count {
			e = &expr.Coalesce{Args: []expr.Expr{e, zero}}
		}
		return e
	}, nil
}
