package dml

import (
	"context"

	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/rows"
	"github.com/attunedb/attune/engine/vec"
)

// deleter is a running Delete.
type deleter struct {
	*writer
	distinct distinct
}

func newDeleter(w *writer, n *physical.Delete) *deleter {
	return &deleter{writer: w, distinct: newDistinct(w, n.Input)}
}

func (d *deleter) delete(_ context.Context, b *vec.Batch) error {
	b, err := d.distinct.rows(b)
	if err != nil || b.Len == 0 {
		return err
	}
	old := &vec.Batch{Len: b.Len, Cols: b.Cols[:len(d.table.Columns)]}
	enc := rows.NewEncoder(d.table)
	for i := range old.Len {
		row := d.row + uint64(i)
		if err := d.stage.remove(d.stage.take(enc.PrimaryKey(d.stage.room(), old, i)), row); err != nil {
			return err
		}
		for k := range d.table.Indexes {
			key, _ := rows.AppendIndexEntry(d.stage.room(), nil, d.table, &d.table.Indexes[k], old, i)
			if err := d.stage.remove(d.stage.take(key), row); err != nil {
				return err
			}
		}
	}
	for _, c := range d.children {
		if err := c.collect(d.stage, old, nil); err != nil {
			return err
		}
	}
	return d.output(old)
}
