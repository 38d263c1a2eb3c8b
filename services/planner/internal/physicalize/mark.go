package physicalize

import (
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/services/planner/internal/enumerate"
)

// mark plans mark joins, and anti joins that compare as NOT IN does: their condition is taken in three-valued logic, and the mark is
// its OR over the right rows.
//
// A physical hash mark is NULL where its one NULL key leaves the answer open. A mark that is never NULL (EXISTS) is taken as IS
// TRUE; with several keys it is whether an outer join to the distinct keys found one. All else looks at all pairs.
func (b *pathBuilder) mark(p *enumerate.Path, l, r *rel, est physical.Estimate) (*rel, error) {
	mark := p.Op.Mark
	if mark.ID == 0 {
		mark = logical.Column{ID: b.newColumn(), Name: "in", Type: types.Of(types.Bool)}
	}
	cols, schema := concat(physical.JoinMark, l, r, mark)
	out := &rel{cols: cols, weight: l.weight}
	at := est
	at.SubplanKey = 0
	at.Rows = l.node.Head().Est.Rows
	hash := p.Method == enumerate.Hash && len(p.On) == 0
	if hash && len(p.Keys) > 1 && !p.Op.NullAware {
		return b.found(p, l, r, out, est)
	}
	if hash && len(p.Keys) == 1 {
		j := &physical.HashJoin{Header: b.head(schema, at), Kind: physical.JoinMark, Left: l.node, Right: r.node}
		if err := b.keys(j, p.Keys, l, r); err != nil {
			return nil, err
		}
		out.node = j
	} else {
		cond, err := b.resolve(expr.Conjoin(p.Op.On), l, r)
		if err != nil {
			return nil, err
		}
		out.node = &physical.NestedLoopJoin{Header: b.head(schema, at), Kind: physical.JoinMark,
			Left: l.node, Right: r.node, On: cond}
	}
	switch {
	case p.Kind == physical.JoinAnti:
		var err error
		if out, err = b.filter(out, []expr.Expr{&expr.Not{Arg: mark.Ref()}}, est); err != nil {
			return nil, err
		}
	case !p.Op.NullAware:
		exprs := make([]expr.Expr, len(schema))
		for i, f := range schema {
			exprs[i] = expr.At(i, f.Type, f.Name)
		}
		last := len(exprs) - 1
		exprs[last] = &expr.TruthTest{Arg: exprs[last], Want: true}
		out = &rel{node: &physical.Project{Header: b.head(schema, passed(out.node, schema)), Input: out.node, Exprs: exprs},
			cols: out.cols, weight: out.weight}
	}
	return b.filter(out, p.Filter, est)
}

// found plans a mark over several keys that is never NULL: a left join to the distinct keys, and whether it found some. out has the
// columns to give.
func (b *pathBuilder) found(p *enumerate.Path, l, r, out *rel, est physical.Estimate) (*rel, error) {
	j := &physical.HashJoin{Kind: physical.JoinLeft, Left: l.node}
	if err := b.keys(j, p.Keys, l, r); err != nil {
		return nil, err
	}
	group := &physical.Aggregate{Input: r.node, Groups: j.RightKeys}
	var schema []physical.Field
	var exprs []expr.Expr
	j.RightKeys = nil
	for i, k := range group.Groups {
		schema = append(schema, physical.Field{Name: "key", Type: k.Type()})
		exprs = append(exprs, expr.At(i, k.Type(), "key"))
		j.RightKeys = append(j.RightKeys, exprs[i])
	}
	keys := b.groupEstimate(group.Groups, r.node)
	group.Header = b.head(schema, keys)
	yes := physical.Field{Name: "found", Type: types.Of(types.Bool)}
	flagged := append(append([]physical.Field(nil), schema...), yes)
	j.Right = &physical.Project{Header: b.head(flagged, passed(group, flagged)), Input: group,
		Exprs: append(exprs, expr.NewConst(types.NewBool(true)))}
	left := l.node.Head().Schema
	at := est
	at.SubplanKey, at.Rows = 0, l.node.Head().Est.Rows
	j.Header = b.head(append(append([]physical.Field(nil), left...), flagged...), at)
	mark := physical.Field{Name: p.Op.Mark.Name, Type: yes.Type}
	final := append(append([]physical.Field(nil), left...), mark)
	var items []expr.Expr
	for i, f := range left {
		items = append(items, expr.At(i, f.Type, f.Name))
	}
	items = append(items, &expr.IsNull{Arg: expr.At(len(left)+len(schema), yes.Type, yes.Name), Negated: true})
	res := &rel{node: &physical.Project{Header: b.head(final, passed(j, final)), Input: j, Exprs: items}, cols: out.cols, weight: out.weight}
	return b.filter(res, p.Filter, est)
}
