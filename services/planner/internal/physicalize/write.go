package physicalize

import (
	"fmt"
	"slices"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/services/planner/internal/enumerate"
)

func (b *builder) write(w *logical.Write) (physical.Node, error) {
	need := make(logical.Set)
	byID := make(map[expr.ColumnID]logical.Column)
	for _, c := range w.Input.Columns() {
		byID[c.ID] = c
	}
	source := make([]logical.Column, len(w.Source))
	for i, id := range w.Source {
		c, ok := byID[id]
		if !ok {
			return nil, fmt.Errorf("physicalize: source column %d of a write is not in its input", id)
		}
		need.Add(id)
		source[i] = c
	}
	in, err := b.convert(w.Input, need)
	if err != nil {
		return nil, err
	}
	input := b.arrange(in, source)
	row := &rel{cols: ids(w.Row)}
	target := physical.Target{Table: tableRef(w.Table, w.Table.Name)}
	if w.Kind != logical.WriteDelete {
		for _, c := range w.Checks {
			e, err := b.resolve(c.Cond, row)
			if err != nil {
				return nil, err
			}
			target.Checks = append(target.Checks, physical.CheckConstraint{Name: c.Name, Cond: e})
		}
	}
	if err := b.references(w, &target); err != nil {
		return nil, err
	}
	var returning []expr.Expr
	if w.Returning != nil {
		returning = make([]expr.Expr, 0, len(w.Returning))
	}
	for _, it := range w.Returning {
		e, err := b.resolve(it.Expr, row)
		if err != nil {
			return nil, err
		}
		returning = append(returning, e)
	}
	est := passed(input, fields(w.Columns()))
	h := b.head(fields(w.Columns()), est)
	switch w.Kind {
	case logical.WriteInsert:
		return &physical.Insert{Header: h, Target: target, Input: input, Returning: returning}, nil
	case logical.WriteUpdate:
		return &physical.Update{Header: h, Target: target, Input: input, Set: w.Set, Returning: returning}, nil
	}
	return &physical.Delete{Header: h, Target: target, Input: input, Returning: returning}, nil
}

// references fills in the foreign keys that a write must uphold: those of the table when its referring columns get new values,
// those to the table when its referred columns go away.
func (b *builder) references(w *logical.Write, t *physical.Target) error {
	touches := func(ords []int) bool {
		return w.Kind != logical.WriteUpdate || slices.ContainsFunc(ords, func(o int) bool { return slices.Contains(w.Set, o) })
	}
	if w.Kind != logical.WriteDelete {
		for _, fk := range w.Table.ForeignKeys {
			if !touches(fk.Columns) {
				continue
			}
			other := b.s.catalog.TableByID(fk.RefTable)
			if other == nil {
				return fmt.Errorf("physicalize: foreign key %q refers to table %d, which is not in the catalog", fk.Name, fk.RefTable)
			}
			t.Parents = append(t.Parents, physical.ForeignKeyCheck{Name: fk.Name, Other: tableRef(other, other.Name),
				OtherIndex: fk.RefIndex, Columns: fk.Columns, OtherColumns: fk.RefColumns})
		}
	}
	if w.Kind == logical.WriteInsert {
		return nil
	}
	children := b.s.catalog.ReferencedBy(w.Table.ID)
	slices.SortFunc(children, func(a, b *catalog.Table) int { return int(a.ID) - int(b.ID) })
	for _, child := range children {
		for _, fk := range child.ForeignKeys {
			if fk.RefTable == w.Table.ID && touches(fk.RefColumns) {
				t.Children = append(t.Children, physical.ForeignKeyCheck{Name: fk.Name, Other: tableRef(child, child.Name),
					OtherIndex: indexOver(child, fk.Columns), Columns: fk.RefColumns, OtherColumns: fk.Columns})
			}
		}
	}
	return nil
}

// indexOver returns an index of the table whose leading columns are the given ones in that order, 0 for none.
func indexOver(t *catalog.Table, cols []int) catalog.IndexID {
	for _, ix := range enumerate.Usable(t) {
		if len(ix.Columns) >= len(cols) && slices.Equal(ix.Columns[:len(cols)], cols) {
			return ix.ID
		}
	}
	return 0
}
