package dml

import (
	"context"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/rows"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// insert adds the rows of b.
func (w *writer) insert(ctx context.Context, b *vec.Batch) error {
	b, err := w.identify(ctx, b)
	if err != nil {
		return err
	}
	if err := w.checker.check(b, w.row); err != nil {
		return err
	}
	enc := rows.NewEncoder(w.table)
	kind := access.Insert
	if w.table.HasHiddenKey() {
		// A row identifier is never given twice: there is nothing to look for.
		kind = access.Put
	}
	for i := range b.Len {
		n := w.row + uint64(i)
		key := w.stage.take(enc.PrimaryKey(w.stage.room(), b, i))
		value := w.stage.take(enc.Value(w.stage.room(), b, i))
		if err := w.stage.add(kind, key, value, n); err != nil {
			return err
		}
		for k := range w.table.Indexes {
			if err := w.addEntry(&w.table.Indexes[k], b, i, n); err != nil {
				return err
			}
		}
		if w.stage.full() {
			if err := w.stage.flush(ctx); err != nil {
				return err
			}
		}
	}
	for _, p := range w.parents {
		if err := p.require(b, w.row); err != nil {
			return err
		}
		if p.full() && w.stage.stream {
			if _, err := w.stage.write(ctx, nil, p.take(), false); err != nil {
				return err
			}
		}
	}
	return w.output(b)
}

// addEntry stages the entry of an index for row i of b.
func (w *writer) addEntry(ix *catalog.Index, b *vec.Batch, i int, n uint64) error {
	key, value := rows.AppendIndexEntry(w.stage.room(), nil, w.table, ix, b, i)
	return w.stage.add(entryKind(ix, b, i), w.stage.take(key), value, n)
}

// entryKind is Insert for an entry that must not exist yet.
func entryKind(ix *catalog.Index, b *vec.Batch, i int) access.MutationKind {
	if !ix.Unique {
		return access.Put
	}
	for _, o := range ix.Columns {
		if b.Cols[o].IsNull(i) {
			return access.Put
		}
	}
	return access.Insert
}

// identify fills the hidden row identifier of a table that has one.
func (w *writer) identify(ctx context.Context, b *vec.Batch) (*vec.Batch, error) {
	if !w.table.HasHiddenKey() {
		return b, nil
	}
	first, err := w.env.RowIDs.Take(ctx, w.table.ID, b.Len)
	if err != nil {
		return nil, err
	}
	ids, view := vec.MakeFixed[int64](types.Of(types.Int8), b.Len, nil)
	for i := range view {
		view[i] = first + int64(i)
	}
	out := &vec.Batch{Len: b.Len, Cols: append([]*vec.Vector(nil), b.Cols...)}
	out.Cols[w.table.Primary.Columns[0]] = ids
	return out, nil
}
