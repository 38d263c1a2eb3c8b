package exec

import (
	"context"
	"errors"
	"io"
	"sync/atomic"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/keys"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// morselsPerWorker is how many sub-spans a scan is cut into for each worker, so that an uneven one does not
// leave the others idle at the end.
const morselsPerWorker = 4

func (r *run) compileTableScan(n *physical.TableScan, t target) error {
	start, stop := keys.IndexPrefix(n.Table.ID, catalog.PrimaryIndex), keys.PrefixEnd(keys.IndexPrefix(n.Table.ID, catalog.PrimaryIndex))
	src := &scanSource{run: r, meter: r.meter(n), runtime: n.Runtime, split: n.Limit == 0,
		req: access.Scan{Snapshot: r.q.Snapshot, Table: access.TableVersion{ID: n.Table.ID, Version: n.Table.Version},
			Index: catalog.PrimaryIndex, Span: access.Span{Start: start, End: stop}, Columns: n.Columns,
			Filter: n.Filter, Limit: n.Limit}}
	r.addPipeline(n, src, t)
	return nil
}

func (r *run) compileIndexScan(n *physical.IndexScan, t target) error {
	src := &scanSource{run: r, meter: r.meter(n), runtime: n.Runtime,
		req: access.Scan{Snapshot: r.q.Snapshot, Table: access.TableVersion{ID: n.Table.ID, Version: n.Table.Version},
			Index: n.Index, Reverse: n.Reverse, Columns: n.Columns, Filter: n.Filter, Limit: n.Limit}}
	src.span = func() (access.Span, bool, error) { return r.indexSpan(n) }
	r.addPipeline(n, src, t)
	return nil
}

// indexSpan returns the keys an index scan reads; ok is false when a bound is NULL, which matches nothing.
func (r *run) indexSpan(n *physical.IndexScan) (span access.Span, ok bool, err error) {
	prefix := keys.IndexPrefix(n.Table.ID, n.Index)
	for i, e := range n.Equal {
		v, null, err := r.bound(e)
		if err != nil || null {
			return span, false, err
		}
		prefix = keys.AppendDatum(prefix, v, n.Descends(i))
	}
	low, high := n.Low, n.High
	desc := n.Descends(len(n.Equal))
	if desc {
		low, high = high, low
	}
	span.Start, span.End = prefix, keys.PrefixEnd(prefix)
	if low.Value != nil {
		v, null, err := r.bound(low.Value)
		if err != nil || null {
			return span, false, err
		}
		k := keys.AppendDatum(prefix[:len(prefix):len(prefix)], v, desc)
		if span.Start = k; !low.Inclusive {
			span.Start = keys.PrefixEnd(k)
		}
	}
	if high.Value != nil {
		v, null, err := r.bound(high.Value)
		if err != nil || null {
			return span, false, err
		}
		k := keys.AppendDatum(prefix[:len(prefix):len(prefix)], v, desc)
		if span.End = k; high.Inclusive {
			span.End = keys.PrefixEnd(k)
		}
	} else if low.Value != nil && !desc {
		// NULLs sort after every value in an ascending column and satisfy no bound.
		span.End = keys.AppendDatum(prefix[:len(prefix):len(prefix)], types.Null(low.Value.Type().Kind), false)
	}
	if high.Value != nil && low.Value == nil && desc {
		// In a descending column they come first.
		k := keys.AppendDatum(prefix[:len(prefix):len(prefix)], types.Null(high.Value.Type().Kind), true)
		span.Start = keys.PrefixEnd(k)
	}
	return span, true, nil
}

// bound evaluates a constant or parameter.
func (r *run) bound(e expr.Expr) (v types.Datum, null bool, err error) {
	v, err = r.value(e)
	return v, v.IsNull(), err
}

// scanSource reads rows from storage, in morsels when several workers take part.
type scanSource struct {
	run     *run
	meter   *meter
	req     access.Scan
	runtime []physical.RuntimeFilterUse
	// span computes the keys when the scan starts; nil for req.Span as it is.
	span func() (access.Span, bool, error)
	// split allows several workers.
	split bool

	morsels []access.Span
	taken   atomic.Int64
	opened  []access.Rows
}

func (s *scanSource) open(ctx context.Context, workers int) (int, error) {
	q := s.run.q
	s.req.Params, s.req.BatchRows = q.Params, q.BatchRows
	if q.Env != nil {
		s.req.Zone = q.Env.Location
	}
	s.useFilters()
	if s.span != nil {
		span, ok, err := s.span()
		if err != nil {
			return 1, err
		}
		if ok {
			s.req.Span, s.morsels = span, []access.Span{span}
		}
	} else {
		s.morsels = []access.Span{s.req.Span}
	}
	if s.split && workers > 1 {
		spans, err := q.Store.Split(ctx, &s.req, workers*morselsPerWorker)
		if err != nil {
			return 1, err
		}
		s.morsels = spans
	}
	n := max(1, min(workers, len(s.morsels)))
	s.opened = make([]access.Rows, n)
	return n, nil
}

// useFilters takes the runtime filters that joins above have made.
func (s *scanSource) useFilters() {
	if !s.run.q.RuntimeFilters {
		return
	}
	for _, u := range s.runtime {
		if f := s.run.filters[u.FilterID]; f != nil {
			s.req.Blooms = append(s.req.Blooms, access.Bloom{Columns: u.Columns, Filter: f})
		}
	}
}

func (s *scanSource) next(ctx context.Context, worker int) (*vec.Batch, error) {
	for {
		rows := s.opened[worker]
		if rows == nil {
			i := int(s.taken.Add(1)) - 1
			if i >= len(s.morsels) {
				return nil, nil
			}
			req := s.req
			req.Span = s.morsels[i]
			var err error
			if rows, err = s.run.q.Store.Scan(ctx, &req); err != nil {
				return nil, err
			}
			s.opened[worker] = rows
		}
		b, err := rows.Next(ctx)
		if err == nil {
			return b, nil
		}
		s.count(rows)
		rows.Close()
		s.opened[worker] = nil
		if !errors.Is(err, io.EOF) {
			return nil, err
		}
	}
}

func (s *scanSource) count(rows access.Rows) {
	c := rows.Counters()
	s.meter.examined.Add(c.ExaminedRows)
	s.meter.bytes.Add(c.ReadBytes)
}

func (s *scanSource) close() {
	for i, rows := range s.opened {
		if rows != nil {
			s.count(rows)
			rows.Close()
			s.opened[i] = nil
		}
	}
}
