package exec

import (
	"bytes"
	"context"
	"io"
	"sort"
	"testing"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/keys"
	"github.com/attunedb/attune/engine/rows"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// fakeStore keeps tables in memory under their real keys.
type fakeStore struct {
	tables map[catalog.TableID]*fakeTable
}

type fakeTable struct {
	def     *catalog.Table
	entries map[catalog.IndexID][]fakeEntry
	rows    *vec.Batch
}

type fakeEntry struct {
	key []byte
	row int32
}

func newFakeStore() *fakeStore { return &fakeStore{tables: map[catalog.TableID]*fakeTable{}} }

// add makes a table of the rows, with its indexes.
func (s *fakeStore) add(def *catalog.Table, b *vec.Batch) {
	t := &fakeTable{def: def, rows: b, entries: map[catalog.IndexID][]fakeEntry{}}
	for i := range b.Len {
		pk := rows.PrimaryKey(nil, def, b, i)
		t.entries[catalog.PrimaryIndex] = append(t.entries[catalog.PrimaryIndex], fakeEntry{pk, int32(i)})
		for k := range def.Indexes {
			key, _ := rows.IndexEntry(def, &def.Indexes[k], b, i)
			t.entries[def.Indexes[k].ID] = append(t.entries[def.Indexes[k].ID], fakeEntry{key, int32(i)})
		}
	}
	for _, es := range t.entries {
		sort.Slice(es, func(a, b int) bool { return bytes.Compare(es[a].key, es[b].key) < 0 })
	}
	s.tables[def.ID] = t
}

type fakeRows struct {
	store    *fakeStore
	batches  []*vec.Batch
	counters access.Counters
	closed   bool
}

func (r *fakeRows) Next(ctx context.Context) (*vec.Batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(r.batches) == 0 {
		return nil, io.EOF
	}
	b := r.batches[0]
	r.batches = r.batches[1:]
	return b, nil
}

func (r *fakeRows) Counters() access.Counters { return r.counters }

func (r *fakeRows) Close() { r.closed = true }

func (s *fakeStore) Scan(_ context.Context, req *access.Scan) (access.Rows, error) {
	t := s.tables[req.Table.ID]
	var at []int32
	for _, e := range t.entries[req.Index] {
		if bytes.Compare(e.key, req.Span.Start) >= 0 && bytes.Compare(e.key, req.Span.End) < 0 {
			at = append(at, e.row)
		}
	}
	if req.Reverse {
		for i, j := 0, len(at)-1; i < j; i, j = i+1, j-1 {
			at[i], at[j] = at[j], at[i]
		}
	}
	out := &fakeRows{store: s, counters: access.Counters{ExaminedRows: uint64(len(at))}}
	size := req.BatchRows
	if size == 0 {
		size = vec.BatchSize
	}
	left := req.Limit
	for lo := 0; lo < len(at); lo += size {
		b, err := t.read(at[lo:min(lo+size, len(at))], req)
		if err != nil {
			return nil, err
		}
		if req.Limit > 0 {
			b = b.Slice(0, min(b.Rows(), int(left)))
			left -= int64(b.Rows())
		}
		out.batches = append(out.batches, b)
	}
	return out, nil
}

func (t *fakeTable) read(at []int32, req *access.Scan) (*vec.Batch, error) {
	b := &vec.Batch{Len: len(at), Cols: make([]*vec.Vector, len(req.Columns))}
	for i, c := range req.Columns {
		b.Cols[i] = vec.Gather(t.rows.Cols[c], at)
	}
	b, err := expr.Filter(&compute.Env{}, req.Filter, req.Params, b)
	if err != nil {
		return nil, err
	}
	for _, f := range req.Blooms {
		b = b.Compact()
		h := make([]uint64, b.Len)
		for i, c := range f.Columns {
			compute.Hash(h, b.Cols[c], i > 0)
		}
		b = &vec.Batch{Cols: b.Cols, Len: b.Len, Sel: append([]int32{}, f.Filter.Test(nil, h, nil)...)}
	}
	return b, nil
}

func (s *fakeStore) Split(_ context.Context, req *access.Scan, n int) ([]access.Span, error) {
	var inside [][]byte
	for _, e := range s.tables[req.Table.ID].entries[req.Index] {
		if bytes.Compare(e.key, req.Span.Start) >= 0 && bytes.Compare(e.key, req.Span.End) < 0 {
			inside = append(inside, e.key)
		}
	}
	out := []access.Span{{Start: req.Span.Start}}
	for i := 1; i < n && i < len(inside); i++ {
		k := inside[i*len(inside)/n]
		if !bytes.Equal(k, out[len(out)-1].Start) {
			out[len(out)-1].End = k
			out = append(out, access.Span{Start: k})
		}
	}
	out[len(out)-1].End = req.Span.End
	return out, nil
}

func (s *fakeStore) Lookup(_ context.Context, req *access.Lookup) (*access.Found, error) {
	t := s.tables[req.Table.ID]
	var at []int32
	f := &access.Found{}
	for k, key := range req.Keys {
		end := keys.PrefixEnd(key)
		for _, e := range t.entries[req.Index] {
			if bytes.Compare(e.key, key) >= 0 && bytes.Compare(e.key, end) < 0 {
				at = append(at, e.row)
				f.Key = append(f.Key, int32(k))
			}
		}
	}
	b := &vec.Batch{Len: len(at), Cols: make([]*vec.Vector, len(req.Columns))}
	for i, c := range req.Columns {
		b.Cols[i] = vec.Gather(t.rows.Cols[c], at)
	}
	b, err := expr.Filter(&compute.Env{}, req.Filter, req.Params, b)
	if err != nil {
		return nil, err
	}
	if b.Sel != nil {
		kept := make([]int32, len(b.Sel))
		for i, p := range b.Sel {
			kept[i] = f.Key[p]
		}
		f.Key = kept
	}
	f.Batch = b.Compact()
	return f, nil
}

// call returns a call of the builtin that fits the arguments.
func call(t testing.TB, name string, args ...expr.Expr) expr.Expr {
	t.Helper()
	ts := make([]types.Type, len(args))
	for i, a := range args {
		ts[i] = a.Type()
	}
	fn, to, err := compute.Resolve(name, ts)
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range args {
		if a.Type() != to[i] {
			args[i] = &expr.Cast{Arg: a, To: to[i]}
		}
	}
	return &expr.Call{Fn: fn, Args: args, Typ: fn.Type(to)}
}

func aggregateFn(t testing.TB, name string, ts ...types.Type) *compute.Aggregate {
	t.Helper()
	fn, _, err := compute.ResolveAggregate(name, ts)
	if err != nil {
		t.Fatal(err)
	}
	return fn
}
