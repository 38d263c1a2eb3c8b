package physicalize

import (
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/services/planner/internal/enumerate"
	"github.com/attunedb/attune/services/planner/internal/relset"
)

// ready takes a block apart and learns what is known of it; once for each statement.
func (b *builder) ready(n logical.Node) (*search, error) {
	if s, ok := b.s.searches[n]; ok {
		return s, nil
	}
	blk, err := enumerate.Extract(n)
	if err != nil {
		return nil, err
	}
	for _, l := range blk.Leaves {
		if scan := l.Scan(); scan != nil {
			l.Rel = b.s.query.Scan(scan, l.Preds)
			continue
		}
		// The estimate of a leaf does not depend on the variant, so the first one's serves all.
		sub, err := b.convert(l.Node, columnSet(l.Node.Columns()))
		if err != nil {
			return nil, err
		}
		est := sub.node.Head().Est
		l.Cost = est.CostNanos
		l.Rel = b.s.query.Derived(est, l.Node.Columns())
		b.s.query.Narrow(l.Rel, l.Preds)
	}
	blk.Estimator(b.s.query)
	s := &search{block: blk, search: blk.Prepare(b.s.ctx)}
	b.s.searches[n] = s
	return s, nil
}

// block plans joins, filters and scans at the top of n.
func (b *builder) block(n logical.Node, need logical.Set, eager *enumerate.Eager) (*rel, error) {
	s, err := b.ready(n)
	if err != nil {
		return nil, err
	}
	o := enumerate.Options{Prices: b.s.prices, Cards: b.v.Cards, Force: b.v.Force, Noise: b.v.Noise, Seed: b.v.Seed, Eager: eager}
	var p *enumerate.Path
	if b.v.Shape != nil {
		p, err = b.shaped(s, o)
	} else {
		p, err = s.search.Solve(b.s.ctx, o)
	}
	if err != nil {
		return nil, err
	}
	b.out.Pairs += s.search.Pairs
	if len(s.block.Leaves) > 1 {
		b.out.Joins += len(s.block.Leaves) - 1
		b.out.Exact = b.out.Exact && s.search.Exact
		if b.out.Summary != "" {
			b.out.Summary += " "
		}
		b.out.Summary += s.block.Summary(p)
	}
	pb := &pathBuilder{builder: b, block: s.block, above: need}
	return pb.path(p)
}

// pathBuilder makes the operators of one block's path.
type pathBuilder struct {
	*builder
	block *enumerate.Block
	above logical.Set
}

// estimate is what is believed of a set of leaves.
func (b *pathBuilder) estimate(p *enumerate.Path) physical.Estimate {
	e := b.block.Estimate(p.Set)
	if p.Weighted {
		e = physical.Estimate{Rows: p.Rows, Source: e.Source, WidthBytes: e.WidthBytes, SubplanKey: p.Key}
		if p.Measured {
			e.Source = physical.SourceFeedback
		}
	}
	e.CostNanos = p.Cost
	return e
}

func (b *pathBuilder) path(p *enumerate.Path) (*rel, error) {
	switch {
	case p.IsLeaf():
		return b.leaf(p)
	case p.Group:
		return b.group(p)
	case p.Method == enumerate.Index:
		return b.indexJoin(p)
	}
	return b.join(p)
}

// needed are the columns of a set that are read outside of it.
func (b *pathBuilder) needed(s relset.Set) logical.Set {
	out := make(logical.Set)
	for _, e := range b.block.Needed(s, b.above) {
		out.Add(e.(*expr.Column).ID)
	}
	return out
}

func (b *pathBuilder) leaf(p *enumerate.Path) (*rel, error) {
	l := b.block.Leaves[p.Leaf]
	need := b.needed(p.Set)
	est := b.estimate(p)
	scan := l.Scan()
	if scan == nil {
		for id := range logical.ExprColumns(l.Preds...) {
			need.Add(id)
		}
		in, err := b.convert(l.Node, need)
		if err != nil {
			return nil, err
		}
		return b.filter(in, l.Preds, est)
	}
	for id := range logical.ExprColumns(p.Access.Filter...) {
		need.Add(id)
	}
	r := &rel{}
	ords, schema := b.columns(scan, need, r)
	est.WidthBytes = 0
	for _, id := range r.cols {
		if c := b.s.query.Column(id); c != nil {
			est.WidthBytes += c.WidthBytes
		}
	}
	filter, err := b.resolve(expr.Conjoin(p.Access.Filter), r)
	if err != nil {
		return nil, err
	}
	ref := tableRef(scan.Table, scan.Alias)
	if p.Access.Index == nil {
		n := &physical.TableScan{Header: b.head(schema, est), Table: ref, Columns: ords, Filter: filter}
		b.out.Examined[n.ID] = p.Access.ExaminedRows
		r.node = n
		return r, nil
	}
	a := p.Access
	n := &physical.IndexScan{Header: b.head(schema, est), Table: ref, Index: a.Index.ID, IndexName: a.Index.Name,
		Desc: a.Index.Desc, Reverse: a.Reverse, Columns: ords, Filter: filter}
	if n.Equal, err = b.resolveAll(a.Equal); err != nil {
		return nil, err
	}
	if n.Low, err = b.bound(a.Low); err != nil {
		return nil, err
	}
	if n.High, err = b.bound(a.High); err != nil {
		return nil, err
	}
	b.out.Examined[n.ID] = a.ExaminedRows
	r.node = n
	return r, nil
}

func (b *builder) bound(k physical.KeyBound) (physical.KeyBound, error) {
	v, err := b.resolve(k.Value)
	return physical.KeyBound{Value: v, Inclusive: k.Inclusive}, err
}

// columns fills r with the columns of a scan that are needed and returns their ordinals and fields.
func (b *builder) columns(s *logical.Scan, need logical.Set, r *rel) (ords []int, schema []physical.Field) {
	for i, c := range s.Cols {
		if need.Has(c.ID) {
			ords = append(ords, s.Ordinals[i])
			schema = append(schema, physical.Field{Name: c.Name, Type: c.Type})
			r.cols = append(r.cols, c.ID)
		}
	}
	return ords, schema
}

func tableRef(t *catalog.Table, alias string) physical.TableRef {
	ref := physical.TableRef{ID: t.ID, Version: t.Version, Schema: t.Schema, Name: t.Name}
	if alias != t.Name {
		ref.Alias = alias
	}
	return ref
}

func concat(kind physical.JoinKind, l, r *rel, mark logical.Column) ([]expr.ColumnID, []physical.Field) {
	cols := append([]expr.ColumnID(nil), l.cols...)
	schema := append([]physical.Field(nil), l.node.Head().Schema...)
	switch kind {
	case physical.JoinSemi, physical.JoinAnti:
		return cols, schema
	case physical.JoinMark:
		return append(cols, mark.ID), append(schema, physical.Field{Name: mark.Name, Type: mark.Type})
	}
	return append(cols, r.cols...), append(schema, r.node.Head().Schema...)
}

// equals is the condition that two keys are equal.
func equals(k enumerate.Key) (expr.Expr, error) {
	if k.NullSafe {
		return &expr.IsDistinct{Left: k.Left, Right: k.Right, Negated: true}, nil
	}
	fn, _, err := compute.Resolve("=", []types.Type{k.Left.Type(), k.Right.Type()})
	if err != nil {
		return nil, err
	}
	return &expr.Call{Fn: fn, Args: []expr.Expr{k.Left, k.Right}, Typ: types.Of(types.Bool)}, nil
}

func (b *pathBuilder) join(p *enumerate.Path) (*rel, error) {
	l, err := b.path(p.Left)
	if err != nil {
		return nil, err
	}
	r, err := b.path(p.Right)
	if err != nil {
		return nil, err
	}
	kind, est := p.Kind, b.estimate(p)
	if p.Op != nil && (kind == physical.JoinMark || kind == physical.JoinAnti && p.Op.NullAware) {
		return b.mark(p, l, r, est)
	}
	out := &rel{}
	cols, schema := concat(kind, l, r, logical.Column{})
	out.cols = cols
	at := est
	if len(p.Filter) > 0 {
		at.SubplanKey = 0
	}
	if p.Method == enumerate.Loop {
		on := append([]expr.Expr(nil), p.On...)
		for _, k := range p.Keys {
			e, err := equals(k)
			if err != nil {
				return nil, err
			}
			on = append(on, e)
		}
		cond, err := b.resolve(expr.Conjoin(on), l, r)
		if err != nil {
			return nil, err
		}
		out.node = &physical.NestedLoopJoin{Header: b.head(schema, at), Kind: kind, Left: l.node, Right: r.node, On: cond}
	} else {
		j := &physical.HashJoin{Header: b.head(schema, at), Kind: kind, Left: l.node, Right: r.node}
		if err := b.keys(j, p.Keys, l, r); err != nil {
			return nil, err
		}
		if j.Residual, err = b.resolve(expr.Conjoin(p.On), l, r); err != nil {
			return nil, err
		}
		b.noteMatch(j, p)
		out.node = j
	}
	if err := b.weights(out, l, r, kind); err != nil {
		return nil, err
	}
	return b.filter(out, p.Filter, est)
}

// keys sets the keys of a hash join.
func (b *builder) keys(j *physical.HashJoin, keys []enumerate.Key, l, r *rel) error {
	safe := false
	for _, k := range keys {
		left, err := b.resolve(k.Left, l)
		if err != nil {
			return err
		}
		right, err := b.resolve(k.Right, r)
		if err != nil {
			return err
		}
		j.LeftKeys, j.RightKeys = append(j.LeftKeys, left), append(j.RightKeys, right)
		j.NullSafe = append(j.NullSafe, k.NullSafe)
		safe = safe || k.NullSafe
	}
	if !safe {
		j.NullSafe = nil
	}
	return nil
}

func (b *pathBuilder) indexJoin(p *enumerate.Path) (*rel, error) {
	in, err := b.path(p.Left)
	if err != nil {
		return nil, err
	}
	l := b.block.Leaves[p.Right.Leaf]
	scan := l.Scan()
	need := b.needed(p.Right.Set)
	for _, k := range p.Keys {
		for id := range logical.ExprColumns(k.Right) {
			need.Add(id)
		}
	}
	for id := range logical.ExprColumns(append(append([]expr.Expr(nil), p.On...), p.Lookup.Filter...)...) {
		need.Add(id)
	}
	r := &rel{}
	ords, schema := b.columns(scan, need, r)
	est := b.estimate(p)
	n := &physical.IndexJoin{Kind: p.Kind, Input: in.node, Table: tableRef(scan.Table, scan.Alias), Index: p.Lookup.Index.ID,
		IndexName: p.Lookup.Index.Name, Desc: p.Lookup.Index.Desc, Columns: ords}
	if n.Keys, err = b.resolveAll(p.Lookup.Keys, in); err != nil {
		return nil, err
	}
	if n.Filter, err = b.resolve(expr.Conjoin(p.Lookup.Filter), r); err != nil {
		return nil, err
	}
	on := append([]expr.Expr(nil), p.On...)
	for _, k := range p.Keys {
		e, err := equals(k)
		if err != nil {
			return nil, err
		}
		on = append(on, e)
	}
	if n.Residual, err = b.resolve(expr.Conjoin(on), in, r); err != nil {
		return nil, err
	}
	out := &rel{cols: append([]expr.ColumnID(nil), in.cols...), weight: in.weight}
	full := append([]physical.Field(nil), in.node.Head().Schema...)
	if p.Kind != physical.JoinSemi && p.Kind != physical.JoinAnti {
		out.cols = append(out.cols, r.cols...)
		full = append(full, schema...)
	}
	at := est
	if len(p.Filter) > 0 {
		at.SubplanKey = 0
	}
	n.Header = b.head(full, at)
	out.node = n
	return b.filter(out, p.Filter, est)
}
