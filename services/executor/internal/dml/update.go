package dml

import (
	"bytes"
	"context"
	"slices"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/rows"
	"github.com/attunedb/attune/engine/vec"
)

// distinct lets a row of the table through once. Its zero value with a nil map lets everything through.
type distinct struct {
	w    *writer
	seen map[string]struct{}
}

func newDistinct(w *writer, input physical.Node) distinct {
	d := distinct{w: w}
	if repeats(input) {
		d.seen = map[string]struct{}{}
	}
	return d
}

// rows returns the rows of b, whose first columns are the table's, that were not seen before.
func (d *distinct) rows(b *vec.Batch) (*vec.Batch, error) {
	if d.seen == nil {
		return b, nil
	}
	var key []byte
	sel := make([]int32, 0, b.Len)
	for i := range b.Len {
		key = rows.PrimaryKey(key[:0], d.w.table, b, i)
		if _, ok := d.seen[string(key)]; ok {
			continue
		}
		d.seen[string(key)] = struct{}{}
		sel = append(sel, int32(i))
		if err := d.w.stage.hold(len(key) + mutationBytes); err != nil {
			return nil, err
		}
	}
	if len(sel) == b.Len {
		return b, nil
	}
	return (&vec.Batch{Cols: b.Cols, Sel: sel, Len: b.Len}).Compact(), nil
}

// updater is a running Update.
type updater struct {
	*writer
	set      []int
	distinct distinct
	// moves tells that the primary key may change.
	moves bool
	// indexes are the positions of those whose entries may change.
	indexes []int
}

func newUpdater(w *writer, n *physical.Update) *updater {
	u := &updater{writer: w, set: n.Set, distinct: newDistinct(w, n.Input)}
	u.moves = u.touches(w.table.Primary.Columns)
	for i := range w.table.Indexes {
		if u.moves || u.touches(w.table.Indexes[i].Columns) {
			u.indexes = append(u.indexes, i)
		}
	}
	u.parents = slices.DeleteFunc(u.parents, func(p *parentCheck) bool { return !u.touches(p.columns) })
	u.children = slices.DeleteFunc(u.children, func(c *childCheck) bool { return !u.touches(c.columns) })
	return u
}

// touches reports whether one of the columns is set.
func (u *updater) touches(columns []int) bool {
	return slices.ContainsFunc(columns, func(o int) bool { return slices.Contains(u.set, o) })
}

func (u *updater) update(_ context.Context, b *vec.Batch) error {
	b, err := u.distinct.rows(b)
	if err != nil || b.Len == 0 {
		return err
	}
	n := len(u.table.Columns)
	old := &vec.Batch{Len: b.Len, Cols: b.Cols[:n]}
	changed := &vec.Batch{Len: b.Len, Cols: slices.Clone(b.Cols[:n])}
	for i, o := range u.set {
		changed.Cols[o] = b.Cols[n+i]
	}
	if err := u.checker.check(changed, u.row); err != nil {
		return err
	}
	enc := rows.NewEncoder(u.table)
	for i := range b.Len {
		if err := u.replaceRow(enc, old, changed, i); err != nil {
			return err
		}
		for _, k := range u.indexes {
			if err := u.replaceEntry(k, old, changed, i); err != nil {
				return err
			}
		}
	}
	for _, p := range u.parents {
		if err := p.require(changed, u.row); err != nil {
			return err
		}
	}
	for _, c := range u.children {
		if err := c.collect(u.stage, old, changed); err != nil {
			return err
		}
	}
	return u.output(changed)
}

func (u *updater) replaceRow(enc *rows.Encoder, old, changed *vec.Batch, i int) error {
	row := u.row + uint64(i)
	key := u.stage.take(enc.PrimaryKey(u.stage.room(), changed, i))
	value := u.stage.take(enc.Value(u.stage.room(), changed, i))
	if !u.moves {
		return u.stage.add(access.Put, key, value, row)
	}
	before := u.stage.take(enc.PrimaryKey(u.stage.room(), old, i))
	if bytes.Equal(before, key) {
		return u.stage.add(access.Put, key, value, row)
	}
	if err := u.stage.remove(before, row); err != nil {
		return err
	}
	return u.stage.add(access.Insert, key, value, row)
}

func (u *updater) replaceEntry(k int, old, changed *vec.Batch, i int) error {
	ix := &u.table.Indexes[k]
	row := u.row + uint64(i)
	oldKey, oldValue := rows.AppendIndexEntry(u.stage.room(), nil, u.table, ix, old, i)
	oldKey = u.stage.take(oldKey)
	key, value := rows.AppendIndexEntry(u.stage.room(), nil, u.table, ix, changed, i)
	key = u.stage.take(key)
	if bytes.Equal(oldKey, key) && bytes.Equal(oldValue, value) {
		return nil
	}
	if err := u.stage.remove(oldKey, row); err != nil {
		return err
	}
	return u.stage.add(entryKind(ix, changed, i), key, value, row)
}
