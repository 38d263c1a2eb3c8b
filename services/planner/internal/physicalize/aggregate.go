package physicalize

import (
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/services/planner/internal/enumerate"
)

func (b *builder) aggregate(a *logical.Aggregate) (*rel, error) {
	inNeed := logical.ExprColumns(logical.Exprs(a)...)
	var in *rel
	var err error
	if eager := eagerOf(a); b.v.Eager && eager != nil && enumerate.InBlock(a.Input) {
		in, err = b.block(a.Input, inNeed, eager)
	} else {
		in, err = b.convert(a.Input, inNeed)
	}
	if err != nil {
		return nil, err
	}
	n := &physical.Aggregate{Input: in.node}
	out := &rel{}
	var schema []physical.Field
	var keys []expr.Expr
	for _, g := range a.Groups {
		e, err := b.resolve(g.Expr, in)
		if err != nil {
			return nil, err
		}
		n.Groups = append(n.Groups, e)
		keys = append(keys, g.Expr)
		schema = append(schema, physical.Field{Name: g.Name, Type: g.Type})
		out.cols = append(out.cols, g.ID)
		b.s.query.Describe(g.Column, g.Expr)
	}
	fix := make(map[int]func(expr.Expr) expr.Expr)
	for i := range a.Aggs {
		item := &a.Aggs[i]
		var call physical.AggCall
		var conv func(expr.Expr) expr.Expr
		if in.weight != 0 {
			call, conv, err = b.weighted(item, in)
		} else {
			call, err = b.aggCall(item, in)
		}
		if err != nil {
			return nil, err
		}
		if conv != nil {
			fix[len(schema)] = conv
		}
		n.Aggs = append(n.Aggs, call)
		schema = append(schema, call.Field)
		out.cols = append(out.cols, item.ID)
	}
	est := b.groupEstimate(keys, in.node)
	for _, f := range schema {
		est.WidthBytes += fieldWidth(f.Type)
	}
	n.Header = b.head(schema, est)
	out.node = n
	if len(a.Groups) == 1 {
		b.s.query.SetUnique(a.Groups[0].ID, est.Rows)
	}
	if len(fix) > 0 {
		final := append([]physical.Field(nil), schema...)
		exprs := make([]expr.Expr, len(schema))
		for i, f := range schema {
			exprs[i] = expr.At(i, f.Type, f.Name)
			if conv := fix[i]; conv != nil {
				exprs[i] = conv(exprs[i])
				final[i].Type = exprs[i].Type()
			}
		}
		out.node = &physical.Project{Header: b.head(final, passed(n, final)), Input: n, Exprs: exprs}
	}
	return out, nil
}

// groupEstimate is what is believed of a grouping of a node's rows.
func (b *builder) groupEstimate(keys []expr.Expr, in physical.Node) physical.Estimate {
	e := in.Head().Est
	est := physical.Estimate{Rows: 1, Source: physical.SourceExact, UpperRows: 1}
	if len(keys) > 0 {
		est.Rows = b.s.query.Groups(keys, e.Rows)
		est.UpperRows = e.UpperRows
		est.Source = min(e.Source, physical.SourceStatistic)
		est = b.s.query.GroupEstimate(keys, e.SubplanKey, est)
	}
	est.CostNanos = e.CostNanos + b.s.prices.Aggregate(e.Rows, est.Rows)
	return est
}

func (b *builder) aggCall(a *logical.AggItem, in *rel) (physical.AggCall, error) {
	c := physical.AggCall{Fn: a.Fn, Distinct: a.Distinct, Field: physical.Field{Name: a.Name, Type: a.Type}}
	var err error
	if c.Args, err = b.resolveAll(a.Args, in); err != nil {
		return c, err
	}
	if c.Filter, err = b.resolve(a.Filter, in); err != nil {
		return c, err
	}
	c.OrderBy, err = b.sortKeys(a.OrderBy, in)
	return c, err
}

func (b *builder) sortKeys(keys []logical.SortKey, in *rel) ([]physical.SortKey, error) {
	var out []physical.SortKey
	for _, k := range keys {
		e, err := b.resolve(k.Expr, in)
		if err != nil {
			return nil, err
		}
		out = append(out, physical.SortKey{Expr: e, Desc: k.Desc, NullsFirst: k.NullsFirst})
	}
	return out, nil
}
