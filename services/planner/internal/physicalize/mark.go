package physicalize

import (
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/services/planner/internal/enumerate"
)

// mark plans mark joins, and anti joins that compare as NOT IN does.
//
// A physical mark is NULL where a NULL key leaves the answer open, as IN is. For EXISTS, which is never open, the mark is taken
// as IS TRUE. Where there are conditions beside IN's comparison, a pair counts as open only by the comparison, so the others
// are taken as IS TRUE, and all pairs are looked at.
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
	if p.Method == enumerate.Hash && len(p.Keys) == 1 && len(p.On) == 0 {
		j := &physical.HashJoin{Header: b.head(schema, at), Kind: physical.JoinMark, Left: l.node, Right: r.node}
		if err := b.keys(j, p.Keys, l, r); err != nil {
			return nil, err
		}
		out.node = j
	} else {
		var on []expr.Expr
		for i, t := range p.Op.On {
			if p.Op.NullAware && i > 0 {
				t = &expr.TruthTest{Arg: t, Want: true}
			}
			on = append(on, t)
		}
		cond, err := b.resolve(expr.Conjoin(on), l, r)
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
