package scan

import (
	"bytes"
	"context"
	"io"
	"slices"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/keys"
	"github.com/attunedb/attune/engine/rows"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/vec"
)

const (
	// maxBatchRows and maxBatchBytes bound one batch.
	maxBatchRows  = 64 << 10
	maxBatchBytes = 4 << 20
	// firstRows is the size of the first batch's buffers: many scans are short.
	firstRows = 64
)

// Rows is a scan under way. It has one user at a time.
type Rows struct {
	table    *catalog.Table
	columns  []int
	batch    int
	limit    int64
	push     *pushdown
	it       *merged
	decoder  *rows.Decoder
	fetch    *fetcher
	builders []*vec.Builder
	capacity int
	counters access.Counters
	done     bool
	closed   bool
}

// Scan opens a scan of a table, whose version has been checked. The caller closes it.
func Scan(v View, t *catalog.Table, req *access.Scan) (*Rows, error) {
	ix, err := indexOf(t, req.Index)
	if err != nil {
		return nil, err
	}
	if err := checkColumns(t, req.Columns); err != nil {
		return nil, err
	}
	r := &Rows{table: t, columns: req.Columns, limit: req.Limit, batch: req.BatchRows, capacity: firstRows}
	if r.batch <= 0 {
		r.batch = vec.BatchSize
	}
	r.batch = min(r.batch, maxBatchRows)
	if r.push, err = newPushdown(len(req.Columns), req.Blooms, req.Filter, req.Params, req.Zone); err != nil {
		return nil, err
	}
	lo, hi := keys.IndexSpan(t.ID, ix.ID)
	start, end := Clamp(req.Span, lo, hi)
	if bytes.Compare(start, end) >= 0 {
		r.done, r.closed = true, true
		return r, nil
	}
	decoded := req.Columns
	if !rows.Covers(t, ix, decoded) {
		if r.fetch, err = newFetcher(v, t, decoded); err != nil {
			return nil, err
		}
		decoded = nil
	}
	if r.decoder, err = rows.NewDecoder(t, ix, decoded); err != nil {
		return nil, err
	}
	if r.it, err = v.open(start, end, req.Reverse); err != nil {
		return nil, err
	}
	return r, nil
}

// Clamp cuts a span to an index. An empty end is that of the index.
func Clamp(s access.Span, lo, hi []byte) (start, end []byte) {
	start, end = s.Start, s.End
	if bytes.Compare(start, lo) < 0 {
		start = lo
	}
	if len(end) == 0 || bytes.Compare(end, hi) > 0 {
		end = hi
	}
	return start, end
}

// Counters tells what was read so far.
func (r *Rows) Counters() access.Counters {
	c := r.counters
	if r.it != nil {
		c.ReadBytes += r.it.base.Bytes
	}
	if r.fetch != nil && r.fetch.it != nil {
		c.ReadBytes += r.fetch.it.base.Bytes
	}
	return c
}

// Close ends the scan; it may be called twice.
func (r *Rows) Close() {
	if r.closed {
		return
	}
	r.closed, r.done = true, true
	// The errors of a scan come out of Next.
	_ = r.it.close()
	if r.fetch != nil {
		r.fetch.close()
	}
}

// Next returns the next batch, never an empty one, or io.EOF. The batch is the caller's to read for good.
func (r *Rows) Next(ctx context.Context) (*vec.Batch, error) {
	for !r.done {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		b, err := r.fill()
		if err != nil {
			return nil, err
		}
		r.counters.ExaminedRows += uint64(b.Len)
		if b.Len == 0 {
			r.done = true
			break
		}
		if b, err = r.push.apply(b); err != nil {
			return nil, err
		}
		n := int64(b.Rows())
		if n == 0 {
			continue
		}
		if r.limit > 0 {
			if n >= r.limit {
				b, n, r.done = b.Slice(0, int(r.limit)), r.limit, true
			}
			r.limit -= n
		}
		return b, nil
	}
	return nil, io.EOF
}

// fill reads a batch, empty at the end.
func (r *Rows) fill() (*vec.Batch, error) {
	want := r.batch
	if r.limit > 0 && r.push.filter == nil && len(r.push.blooms) == 0 {
		want = int(min(int64(want), r.limit))
	}
	if r.fetch != nil {
		return r.fillFetched(want)
	}
	r.prepare(min(want, r.capacity))
	r.capacity = r.batch
	n := 0
	for n < want && r.it.next() {
		if err := r.decoder.Decode(r.it.key, r.it.value, r.builders); err != nil {
			return nil, corrupt(r.table, err)
		}
		n++
		if n&63 == 0 && dataBytes(r.builders) > maxBatchBytes {
			break
		}
	}
	if err := r.it.err(); err != nil {
		return nil, err
	}
	return finish(r.builders, n), nil
}

// prepare makes the builders of the next batch.
func (r *Rows) prepare(capacity int) {
	if r.builders == nil {
		r.builders = make([]*vec.Builder, len(r.columns))
	}
	for i, o := range r.columns {
		r.builders[i] = vec.NewBuilder(r.table.Columns[o].Type, capacity)
	}
}

func dataBytes(builders []*vec.Builder) int {
	n := 0
	for _, b := range builders {
		n += b.DataBytes()
	}
	return n
}

func finish(builders []*vec.Builder, n int) *vec.Batch {
	b := &vec.Batch{Cols: make([]*vec.Vector, len(builders)), Len: n}
	for i, c := range builders {
		b.Cols[i] = c.Finish()
	}
	return b
}

func (r *Rows) fillFetched(want int) (*vec.Batch, error) {
	f := r.fetch
	f.reset()
	want = min(want, r.capacity)
	r.capacity = min(r.batch, 4*r.capacity)
	for len(f.offsets) <= want && r.it.next() {
		var err error
		if f.arena, err = r.decoder.PrimaryKey(append(f.arena, f.prefix...), r.it.key, r.it.value); err != nil {
			return nil, corrupt(r.table, err)
		}
		f.offsets = append(f.offsets, len(f.arena))
	}
	if err := r.it.err(); err != nil {
		return nil, err
	}
	return f.read()
}

func corrupt(t *catalog.Table, err error) error {
	return sqlerr.New(sqlerr.DataCorrupted, "table %q: %w", t.Name, err)
}

// fetcher reads the rows of primary keys.
type fetcher struct {
	view    View
	table   *catalog.Table
	columns []int
	prefix  []byte
	it      *merged
	decoder *rows.Decoder
	// arena holds the keys one after the other; offsets are their ends, after a leading 0.
	arena   []byte
	offsets []int
	order   []int32
}

func newFetcher(v View, t *catalog.Table, columns []int) (*fetcher, error) {
	f := &fetcher{view: v, table: t, columns: columns, prefix: keys.IndexPrefix(t.ID, catalog.PrimaryIndex), offsets: []int{0}}
	var err error
	f.decoder, err = rows.NewDecoder(t, &t.Primary, columns)
	return f, err
}

func (f *fetcher) reset() { f.arena, f.offsets = f.arena[:0], f.offsets[:1] }

func (f *fetcher) key(i int32) []byte { return f.arena[f.offsets[i]:f.offsets[i+1]] }

// read returns the rows of the collected keys, in the order in which they were collected.
func (f *fetcher) read() (*vec.Batch, error) {
	n := len(f.offsets) - 1
	if f.it == nil && n > 0 {
		lo, hi := keys.IndexSpan(f.table.ID, catalog.PrimaryIndex)
		var err error
		if f.it, err = f.view.open(lo, hi, false); err != nil {
			return nil, err
		}
	}
	f.order = f.order[:0]
	for i := range n {
		f.order = append(f.order, int32(i))
	}
	// Reads in key order find their blocks at hand.
	slices.SortFunc(f.order, func(a, b int32) int { return bytes.Compare(f.key(a), f.key(b)) })
	builders := make([]*vec.Builder, len(f.columns))
	for i, o := range f.columns {
		builders[i] = vec.NewBuilder(f.table.Columns[o].Type, n)
	}
	for _, i := range f.order {
		if !f.it.lookup(f.key(i)) {
			if err := f.it.err(); err != nil {
				return nil, err
			}
			return nil, sqlerr.New(sqlerr.DataCorrupted, "table %q: an index entry without its row", f.table.Name)
		}
		if err := f.decoder.Decode(f.it.key, f.it.value, builders); err != nil {
			return nil, corrupt(f.table, err)
		}
	}
	b := finish(builders, n)
	if !slices.IsSorted(f.order) {
		place := make([]int32, n)
		for at, i := range f.order {
			place[i] = int32(at)
		}
		for c := range b.Cols {
			b.Cols[c] = vec.Gather(b.Cols[c], place)
		}
	}
	return b, nil
}

func (f *fetcher) close() {
	if f.it != nil {
		_ = f.it.close()
	}
}
