package exec

import (
	"sync"

	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/vec"
)

func (r *run) compileValues(n *physical.Values, t target) error {
	r.addPipeline(n, &batches{list: func() ([]*vec.Batch, error) { return r.literalRows(n) }}, t)
	return nil
}

// literalRows evaluates the rows of a Values node into batches.
func (r *run) literalRows(n *physical.Values) ([]*vec.Batch, error) {
	var out []*vec.Batch
	ts := schemaTypes(n.Schema)
	for lo := 0; lo < len(n.Rows); lo += r.q.batchRows() {
		rows := n.Rows[lo:min(lo+r.q.batchRows(), len(n.Rows))]
		b := &vec.Batch{Len: len(rows), Cols: make([]*vec.Vector, len(ts))}
		for c, typ := range ts {
			col := vec.NewBuilder(typ, len(rows))
			for _, row := range rows {
				v, err := r.value(row[c])
				if err != nil {
					return nil, err
				}
				col.AppendDatum(v)
			}
			b.Cols[c] = col.Finish()
		}
		out = append(out, b)
	}
	r.meter(n).examined.Add(uint64(len(n.Rows)))
	return out, nil
}

// filterSink narrows the selection.
type filterSink struct {
	cond predicate
	out  sink
}

func (r *run) compileFilter(n *physical.Filter, t target, need []bool) error {
	cond, err := r.predicate(n.Cond)
	if err != nil {
		return err
	}
	s := &filterSink{cond: cond, out: r.metered(n, t)}
	return r.input(n, n.Input, s, t, needs(len(n.Input.Head().Schema), need, n.Cond))
}

func (s *filterSink) push(worker int, b *vec.Batch) error {
	b, err := s.cond.filter(b)
	if err != nil {
		return err
	}
	return s.out.push(worker, b)
}

// projectSink computes columns.
type projectSink struct {
	// exprs has one entry for every output column; those that nobody needs stay empty.
	exprs []scalar
	// plain says that every needed expression is a column: then nothing is computed.
	plain bool
	need  []bool
	out   sink
}

func (r *run) compileProject(n *physical.Project, t target, need []bool) error {
	s := &projectSink{exprs: make([]scalar, len(n.Exprs)), need: need, plain: true, out: r.metered(n, t)}
	var used []expr.Expr
	for i, e := range n.Exprs {
		if !need[i] {
			continue
		}
		used = append(used, e)
		var err error
		if s.exprs[i], err = r.scalar(e); err != nil {
			return err
		}
		s.plain = s.plain && s.exprs[i].ordinal >= 0
	}
	return r.input(n, n.Input, s, t, needs(len(n.Input.Head().Schema), nil, used...))
}

func (s *projectSink) push(worker int, b *vec.Batch) error {
	out := &vec.Batch{Cols: make([]*vec.Vector, len(s.exprs)), Len: b.Rows()}
	if s.plain {
		out.Len, out.Sel = b.Len, b.Sel
	}
	for i, e := range s.exprs {
		if !s.need[i] {
			continue
		}
		if s.plain {
			out.Cols[i] = b.Cols[e.ordinal]
			continue
		}
		v, err := e.eval(b)
		if err != nil {
			return err
		}
		out.Cols[i] = v
	}
	return s.out.push(worker, out)
}

// limitSink skips and counts, over all workers together.
type limitSink struct {
	run           *run
	count, offset expr.Expr
	out           sink

	mu    sync.Mutex
	ready bool
	skip  int64
	// left is the number of rows still to come; negative for no limit.
	left int64
}

func (r *run) compileLimit(n *physical.Limit, t target, need []bool) error {
	s := &limitSink{run: r, count: n.Count, offset: n.Offset, out: r.metered(n, t)}
	return r.input(n, n.Input, s, t, need)
}

// prepare reads the bounds at the first batch.
func (s *limitSink) prepare() error {
	if s.ready {
		return nil
	}
	var err error
	if s.left, s.skip, err = s.run.limits(s.count, s.offset); err != nil {
		return err
	}
	s.ready = true
	return nil
}

// limits evaluates LIMIT (-1 for none) and OFFSET.
func (r *run) limits(countExpr, offsetExpr expr.Expr) (count, offset int64, err error) {
	count, ok, err := r.evalInt(countExpr)
	if err != nil {
		return 0, 0, err
	}
	if !ok {
		count = -1
	} else if count < 0 {
		return 0, 0, sqlerr.New(sqlerr.InvalidRowCountInLimitClause, "LIMIT must not be negative")
	}
	if offset, _, err = r.evalInt(offsetExpr); err != nil {
		return 0, 0, err
	}
	if offset < 0 {
		return 0, 0, sqlerr.New(sqlerr.InvalidRowCountInOffsetClause, "OFFSET must not be negative")
	}
	return count, offset, nil
}

func (s *limitSink) push(worker int, b *vec.Batch) error {
	b, full, err := s.take(b)
	if err != nil {
		return err
	}
	if b != nil {
		if err := s.out.push(worker, b); err != nil {
			return err
		}
	}
	if full {
		return ErrStop
	}
	return nil
}

// take returns the part of b that passes, nil for none, and whether nothing more will.
func (s *limitSink) take(b *vec.Batch) (*vec.Batch, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.prepare(); err != nil {
		return nil, false, err
	}
	rows := int64(b.Rows())
	lo := min(s.skip, rows)
	s.skip -= lo
	hi := rows
	if s.left >= 0 {
		hi = min(rows, lo+s.left)
		s.left -= hi - lo
	}
	if lo < hi {
		b = b.Slice(int(lo), int(hi))
	} else {
		b = nil
	}
	return b, s.left == 0, nil
}

// singleRow makes a scalar subquery's one row.
type singleRow struct {
	run *run
	mu  sync.Mutex
	row *vec.Batch
}

func (r *run) compileSingleRow(n *physical.SingleRow, t target) error {
	s := &singleRow{run: r}
	if err := r.compile(n.Input, end(n, s, true), every(len(n.Input.Head().Schema))); err != nil {
		return err
	}
	r.addPipeline(n, &batches{list: func() ([]*vec.Batch, error) {
		if s.row != nil {
			return []*vec.Batch{s.row}, nil
		}
		b := &vec.Batch{Len: 1}
		for _, f := range n.Schema {
			b.Cols = append(b.Cols, vec.Nulls(f.Type, 1))
		}
		return []*vec.Batch{b}, nil
	}}, t)
	return nil
}

func (s *singleRow) push(_ int, b *vec.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.row != nil || b.Rows() > 1 {
		return sqlerr.New(sqlerr.CardinalityViolation, "more than one row returned by a subquery used as an expression")
	}
	s.row = b.Compact()
	return nil
}
