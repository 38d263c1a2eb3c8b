package ddl

import (
	"context"
	"fmt"
	"slices"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/plan/utility"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
)

// CreateTable makes a table with its sequences.
func (r *Runner) CreateTable(ctx context.Context, u *utility.CreateTable) (created *catalog.Table, notices []Notice, err error) {
	schema := u.Table.Schema
	if schema == "" {
		schema = catalog.DefaultSchema
	}
	if schema != catalog.DefaultSchema {
		return nil, nil, sqlerr.New(schemaUndefined, `schema "%s" does not exist`, schema)
	}
	if taken(r.Catalog.Snapshot(), schema, u.Table.Name) && u.IfNotExists {
		return nil, []Notice{skipping(errTaken(u.Table.Name))}, nil
	}
	id, err := r.Catalog.NextID(ctx)
	if err != nil {
		return nil, nil, err
	}
	_, err = r.Catalog.Update(ctx, func(s *catalog.Snapshot) (*Edit, error) {
		created, notices = nil, nil
		if taken(s, schema, u.Table.Name) {
			if u.IfNotExists {
				notices = []Notice{skipping(errTaken(u.Table.Name))}
				return nil, nil
			}
			return nil, errTaken(u.Table.Name)
		}
		t := clone(u.Table)
		t.ID, t.Schema, t.Version = id, schema, 1
		if len(t.Primary.Columns) == 0 {
			addHiddenKey(t)
		}
		t.Primary.ID, t.Primary.State, t.Primary.Unique = catalog.PrimaryIndex, catalog.IndexPublic, true
		for i := range t.Indexes {
			t.Indexes[i].ID, t.Indexes[i].State = catalog.PrimaryIndex+1+catalog.IndexID(i), catalog.IndexPublic
			if taken(s, schema, t.Indexes[i].Name) {
				return nil, errTaken(t.Indexes[i].Name)
			}
		}
		if !t.HasHiddenKey() && taken(s, schema, t.Primary.Name) {
			return nil, errTaken(t.Primary.Name)
		}
		edit := &Edit{Put: []*catalog.Table{t}}
		for i := range t.ForeignKeys {
			parent, err := linkForeignKey(s, t, &t.ForeignKeys[i])
			if err != nil {
				return nil, err
			}
			edit.raise(parent)
		}
		for _, q := range u.Sequences {
			c := *q
			c.Schema, c.OwnerTable = schema, id
			if taken(s, schema, c.Name) {
				return nil, errTaken(c.Name)
			}
			edit.PutSequences = append(edit.PutSequences, &c)
		}
		created = t
		return edit, nil
	})
	return created, notices, err
}

// HiddenKey is the name of the row identifier that a table without primary key gets.
const HiddenKey = "attune_row_id"

// addHiddenKey appends a row identifier to a table and makes it the key.
func addHiddenKey(t *catalog.Table) {
	t.Columns = append(t.Columns, catalog.Column{Name: HiddenKey, Type: types.Of(types.Int8), NotNull: true, Hidden: true})
	t.Primary = catalog.Index{Name: t.Name + "_" + HiddenKey, Columns: []int{len(t.Columns) - 1}}
}

// raise puts the next version of a table that the edit does not put otherwise; nil is ignored.
func (e *Edit) raise(t *catalog.Table) {
	if t == nil || slices.ContainsFunc(e.Put, func(p *catalog.Table) bool { return p.ID == t.ID }) ||
		slices.Contains(e.Drop, catalog.Name{Schema: t.Schema, Name: t.Name}) {
		return
	}
	e.Put = append(e.Put, clone(t))
}

// linkForeignKey finds the index that a foreign key of t refers to and checks the types. It returns the table at the other end, nil
// for t itself.
func linkForeignKey(s *catalog.Snapshot, t *catalog.Table, k *catalog.ForeignKey) (*catalog.Table, error) {
	parent := t
	if k.RefTable == 0 {
		k.RefTable = t.ID
	}
	if k.RefTable != t.ID {
		if parent = s.TableByID(k.RefTable); parent == nil {
			return nil, sqlerr.New(sqlerr.UndefinedTable, `the table that constraint "%s" refers to does not exist any more`, k.Name)
		}
	}
	ix := uniqueOver(parent, k.RefColumns)
	if ix == nil {
		return nil, sqlerr.New(sqlerr.InvalidForeignKey,
			`there is no unique constraint matching given keys for referenced table "%s"`, parent.Name)
	}
	k.RefIndex = ix.ID
	for i, o := range k.Columns {
		if k.RefColumns[i] >= len(parent.Columns) || o >= len(t.Columns) {
			return nil, fmt.Errorf("ddl: constraint %q names columns that do not exist", k.Name)
		}
		child, ref := &t.Columns[o], &parent.Columns[k.RefColumns[i]]
		if !comparable(child.Type.Kind, ref.Type.Kind) {
			return nil, sqlerr.New(sqlerr.DatatypeMismatch, `foreign key constraint "%s" cannot be implemented`, k.Name).
				WithDetail(`Key columns "%s" of the referencing table and "%s" of the referenced table are of incompatible types: %s and %s.`,
					child.Name, ref.Name, child.Type.Kind, ref.Type.Kind)
		}
	}
	if parent == t {
		return nil, nil
	}
	return parent, nil
}

func comparable(a, b types.Kind) bool {
	switch {
	case a == b:
		return true
	case a.IsNumber():
		return b.IsNumber()
	case a.IsString():
		return b.IsString()
	}
	return a.IsTemporal() && b.IsTemporal()
}

// uniqueOver returns the unique index of t over exactly the columns, in any order.
func uniqueOver(t *catalog.Table, columns []int) *catalog.Index {
	fits := func(ix *catalog.Index) bool {
		if len(ix.Columns) != len(columns) || ix.State != catalog.IndexPublic {
			return false
		}
		for _, o := range columns {
			if !slices.Contains(ix.Columns, o) {
				return false
			}
		}
		return true
	}
	if fits(&t.Primary) {
		return &t.Primary
	}
	for i := range t.Indexes {
		if t.Indexes[i].Unique && fits(&t.Indexes[i]) {
			return &t.Indexes[i]
		}
	}
	return nil
}

// DropTable removes tables with their rows, indexes and sequences.
func (r *Runner) DropTable(ctx context.Context, u *utility.DropTable) (notices []Notice, err error) {
	var dropped []*catalog.Table
	owned := map[catalog.TableID][]*catalog.Sequence{}
	_, err = r.Catalog.Update(ctx, func(s *catalog.Snapshot) (*Edit, error) {
		notices, dropped = nil, nil
		clear(owned)
		for _, n := range u.Tables {
			t := s.Table(n.Schema, n.Name)
			if t == nil {
				err := sqlerr.New(sqlerr.UndefinedTable, `table "%s" does not exist`, shown(n))
				if !u.IfExists {
					return nil, err
				}
				notices = append(notices, skipping(err))
				continue
			}
			if !slices.Contains(dropped, t) {
				dropped = append(dropped, t)
			}
		}
		if len(dropped) == 0 {
			return nil, nil
		}
		edit := &Edit{}
		for _, t := range dropped {
			edit.Drop = append(edit.Drop, catalog.Name{Schema: t.Schema, Name: t.Name})
		}
		s.Sequences(func(q *catalog.Sequence) {
			if slices.ContainsFunc(dropped, func(t *catalog.Table) bool { return t.ID == q.OwnerTable }) {
				edit.DropSequences = append(edit.DropSequences, catalog.Name{Schema: q.Schema, Name: q.Name})
				owned[q.OwnerTable] = append(owned[q.OwnerTable], q)
			}
		})
		cut, err := r.detach(s, dropped, u.Cascade, edit)
		notices = append(notices, cut...)
		return edit, err
	})
	if err != nil {
		return nil, err
	}
	for _, t := range dropped {
		r.forget(ctx, t, owned[t.ID])
	}
	return notices, nil
}

// detach cuts the foreign keys between dropped tables and those that stay.
func (r *Runner) detach(s *catalog.Snapshot, dropped []*catalog.Table, cascade bool, edit *Edit) (notices []Notice, err error) {
	gone := func(id catalog.TableID) bool {
		return slices.ContainsFunc(dropped, func(t *catalog.Table) bool { return t.ID == id })
	}
	changed := map[catalog.TableID]*catalog.Table{}
	for _, t := range dropped {
		for _, child := range s.ReferencedBy(t.ID) {
			if gone(child.ID) {
				continue
			}
			c := changed[child.ID]
			if c == nil {
				c = clone(child)
				changed[child.ID] = c
			}
			for i := 0; i < len(c.ForeignKeys); {
				k := c.ForeignKeys[i]
				if k.RefTable != t.ID {
					i++
					continue
				}
				if !cascade {
					return nil, sqlerr.New(sqlerr.DependentObjectsStillExist, "cannot drop table %s because other objects depend on it", t.Name).
						WithDetail("constraint %s on table %s depends on table %s", k.Name, c.Name, t.Name).
						WithHint("Use DROP ... CASCADE to drop the dependent objects too.")
				}
				notices = append(notices, sqlerr.New(sqlerr.SuccessfulCompletion, "drop cascades to constraint %s on table %s", k.Name, c.Name))
				c.ForeignKeys = slices.Delete(c.ForeignKeys, i, i+1)
			}
		}
	}
	for _, c := range changed {
		edit.Put = append(edit.Put, c)
	}
	// A parent that stays must no longer look for children that are gone.
	for _, t := range dropped {
		for _, k := range t.ForeignKeys {
			if !gone(k.RefTable) {
				edit.raise(s.TableByID(k.RefTable))
			}
		}
	}
	return notices, nil
}

// Truncate gives tables another identity, without rows, and removes the rows they had. Statements that were made for the old identity
// fail as for any change of a schema.
func (r *Runner) Truncate(ctx context.Context, names []catalog.Name) error {
	tables, err := CheckTruncate(r.Catalog.Snapshot(), names)
	if err != nil {
		return err
	}
	ids := make([]catalog.TableID, len(tables))
	for i := range ids {
		if ids[i], err = r.Catalog.NextID(ctx); err != nil {
			return err
		}
	}
	_, err = r.Catalog.Update(ctx, func(s *catalog.Snapshot) (*Edit, error) {
		if tables, err = CheckTruncate(s, names); err != nil {
			return nil, err
		}
		if len(tables) != len(ids) {
			return nil, errVanished
		}
		fresh := map[catalog.TableID]catalog.TableID{}
		for i, t := range tables {
			fresh[t.ID] = ids[i]
		}
		edit := &Edit{}
		for _, t := range tables {
			c := clone(t)
			c.ID = fresh[t.ID]
			for i := range c.ForeignKeys {
				if id, ok := fresh[c.ForeignKeys[i].RefTable]; ok {
					c.ForeignKeys[i].RefTable = id
				}
			}
			edit.Put = append(edit.Put, c)
		}
		for _, t := range tables {
			for _, k := range t.ForeignKeys {
				if _, ok := fresh[k.RefTable]; !ok {
					edit.raise(s.TableByID(k.RefTable))
				}
			}
		}
		s.Sequences(func(q *catalog.Sequence) {
			if id, ok := fresh[q.OwnerTable]; ok {
				moved := *q
				moved.OwnerTable = id
				edit.PutSequences = append(edit.PutSequences, &moved)
			}
		})
		return edit, nil
	})
	if err != nil {
		return err
	}
	for _, t := range tables {
		r.forget(ctx, t, nil)
	}
	return nil
}

// CheckTruncate returns the tables of a TRUNCATE, which must not be referred to by others.
func CheckTruncate(s *catalog.Snapshot, names []catalog.Name) ([]*catalog.Table, error) {
	var out []*catalog.Table
	for _, n := range names {
		t, err := find(s, n)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	for _, t := range out {
		for _, child := range s.ReferencedBy(t.ID) {
			if !slices.ContainsFunc(out, func(o *catalog.Table) bool { return o.ID == child.ID }) {
				return nil, sqlerr.New(sqlerr.FeatureNotSupported, "cannot truncate a table referenced in a foreign key constraint").
					WithDetail(`Table "%s" references "%s".`, child.Name, t.Name).
					WithHint(`Truncate table "%s" at the same time.`, child.Name)
			}
		}
	}
	return out, nil
}

// Analyze builds statistics anew.
func (r *Runner) Analyze(ctx context.Context, u *utility.Analyze) error {
	s := r.Catalog.Snapshot()
	var ids []catalog.TableID
	for _, n := range u.Tables {
		t, err := find(s, n)
		if err != nil {
			return err
		}
		ids = append(ids, t.ID)
	}
	if len(ids) == 0 {
		s.Tables(func(t *catalog.Table) { ids = append(ids, t.ID) })
	}
	if len(ids) == 0 {
		return nil
	}
	return r.Store.Analyze(ctx, ids)
}
