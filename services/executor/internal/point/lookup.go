package point

import (
	"context"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/keys"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// Store is what a lookup reads from.
type Store interface {
	Lookup(ctx context.Context, req *access.Lookup) (*access.Found, error)
}

// Lookup is a plan of the form [Project | Filter | Limit]* over an index scan that fixes the whole primary key. It is immutable
// and safe for concurrent use.
type Lookup struct {
	table   access.TableVersion
	prefix  []byte
	equal   []expr.Expr
	kinds   []types.Kind
	desc    []bool
	columns []int
	filter  expr.Expr
	stages  []stage
}

// stage is one node above the scan.
type stage struct {
	// pick are the input columns of a projection that computes nothing; nil for others.
	pick   []int
	exprs  []*expr.Program
	filter *expr.Predicate
	// limit and offset of a Limit node.
	isLimit       bool
	count, offset expr.Expr
}

// Compile returns the short path of a plan, nil when it has none.
func Compile(p *physical.Plan, c *catalog.Snapshot) *Lookup {
	var stages []stage
	n := p.Root
	for {
		switch x := n.(type) {
		case *physical.Project:
			s, ok := projection(x.Exprs)
			if !ok {
				return nil
			}
			stages = append(stages, s)
			n = x.Input
			continue
		case *physical.Filter:
			f, err := expr.CompileFilter(x.Cond)
			if err != nil {
				return nil
			}
			stages = append(stages, stage{filter: f})
			n = x.Input
			continue
		case *physical.Limit:
			stages = append(stages, stage{isLimit: true, count: x.Count, offset: x.Offset})
			n = x.Input
			continue
		case *physical.IndexScan:
			return overScan(x, stages, c)
		}
		return nil
	}
}

func overScan(n *physical.IndexScan, stages []stage, c *catalog.Snapshot) *Lookup {
	t := c.TableByID(n.Table.ID)
	if n.Index != catalog.PrimaryIndex || t == nil || t.Version != n.Table.Version || len(n.Equal) != len(t.Primary.Columns) ||
		len(n.Runtime) > 0 {
		return nil
	}
	l := &Lookup{table: access.TableVersion{ID: t.ID, Version: t.Version}, prefix: keys.IndexPrefix(t.ID, n.Index), equal: n.Equal,
		columns: n.Columns, filter: n.Filter}
	for i, o := range t.Primary.Columns {
		l.kinds = append(l.kinds, t.Columns[o].Type.Kind)
		l.desc = append(l.desc, t.Primary.Desc != nil && t.Primary.Desc[i])
	}
	for i := len(stages) - 1; i >= 0; i-- {
		l.stages = append(l.stages, stages[i])
	}
	return l
}

func projection(exprs []expr.Expr) (stage, bool) {
	s := stage{pick: make([]int, 0, len(exprs))}
	for _, e := range exprs {
		if col, ok := e.(*expr.Column); ok && s.pick != nil {
			s.pick = append(s.pick, col.Ordinal)
		} else {
			s.pick = nil
		}
	}
	if s.pick != nil {
		return s, true
	}
	for _, e := range exprs {
		p, err := expr.Compile(e)
		if err != nil {
			return s, false
		}
		s.exprs = append(s.exprs, p)
	}
	return s, true
}

// Run returns the result, a batch of no or one row without selection; nil for no row.
func (l *Lookup) Run(ctx context.Context, store Store, snap access.Snapshot, env *compute.Env, params []types.Datum) (*vec.Batch, error) {
	key := make([]byte, len(l.prefix), len(l.prefix)+16*len(l.equal))
	copy(key, l.prefix)
	for i, e := range l.equal {
		d, err := value(env, e, params)
		if err != nil || d.IsNull() {
			return nil, err
		}
		key = keys.AppendDatum(key, d.As(l.kinds[i]), l.desc[i])
	}
	req := access.Lookup{Snapshot: snap, Table: l.table, Index: catalog.PrimaryIndex, Keys: [][]byte{key}, Columns: l.columns,
		Filter: l.filter, Zone: env.Zone()}
	if l.filter != nil {
		req.Params = params
	}
	found, err := store.Lookup(ctx, &req)
	if err != nil || found.Batch.Rows() == 0 {
		return nil, err
	}
	b := found.Batch
	for i := range l.stages {
		if b, err = l.stages[i].apply(env, params, b); err != nil || b == nil {
			return nil, err
		}
	}
	return b.Compact(), nil
}

// value returns the value of a key expression, which is of the key column's type.
func value(env *compute.Env, e expr.Expr, params []types.Datum) (types.Datum, error) {
	if p, ok := e.(*expr.Param); ok && p.Index < len(params) {
		return params[p.Index], nil
	}
	return expr.Value(env, e, params)
}

// apply returns the stage's output, nil for no row.
func (s *stage) apply(env *compute.Env, params []types.Datum, b *vec.Batch) (*vec.Batch, error) {
	switch {
	case s.isLimit:
		return s.cut(env, params, b)
	case s.filter != nil:
		out, err := s.filter.Filter(env, params, b)
		if err != nil || out.Rows() == 0 {
			return nil, err
		}
		return out, nil
	case s.pick != nil:
		return b.Select(s.pick), nil
	}
	out := &vec.Batch{Len: b.Rows(), Cols: make([]*vec.Vector, len(s.exprs))}
	for i, p := range s.exprs {
		v, err := p.Eval(env, params, b)
		if err != nil {
			return nil, err
		}
		out.Cols[i] = v
	}
	return out, nil
}

func (s *stage) cut(env *compute.Env, params []types.Datum, b *vec.Batch) (*vec.Batch, error) {
	for i, e := range []expr.Expr{s.count, s.offset} {
		if e == nil {
			continue
		}
		d, err := expr.Value(env, expr.Bind(e, params), params)
		if err != nil {
			return nil, err
		}
		if d.IsNull() {
			continue
		}
		v := d.Int()
		if v < 0 {
			return nil, negative(i)
		}
		// A LIMIT of nothing and an OFFSET of anything leave nothing of one row.
		if (i == 0) == (v == 0) {
			return nil, nil
		}
	}
	return b, nil
}
