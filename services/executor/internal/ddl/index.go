package ddl

import (
	"context"
	"errors"
	"slices"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/keys"
	"github.com/attunedb/attune/engine/plan/utility"
	"github.com/attunedb/attune/engine/sqlerr"
)

// errVanished says that a table or index was dropped while a command worked on it.
var errVanished = sqlerr.New(sqlerr.ObjectNotInPrerequisiteState, "the table was changed by a concurrent command")

// CreateIndex makes an index and fills it.
func (r *Runner) CreateIndex(ctx context.Context, u *utility.CreateIndex) (created bool, notices []Notice, err error) {
	s := r.Catalog.Snapshot()
	t, err := find(s, u.Table)
	if err != nil {
		return false, nil, err
	}
	if u.IfNotExists && taken(s, t.Schema, u.Index.Name) {
		return false, []Notice{skipping(errTaken(u.Index.Name))}, nil
	}
	return true, nil, r.addIndex(ctx, u.Table, &u.Index)
}

// addIndex brings an index through its states.
func (r *Runner) addIndex(ctx context.Context, name catalog.Name, want *catalog.Index) error {
	var table *catalog.Table
	id := catalog.IndexID(0)
	cleared := catalog.IndexID(0)
	pick := func(t *catalog.Table) catalog.IndexID {
		next := catalog.PrimaryIndex + 1
		for i := range t.Indexes {
			next = max(next, t.Indexes[i].ID+1)
		}
		return next
	}
	// An index that had the identifier before may have left entries behind.
	sweep := func(t *catalog.Table, ix catalog.IndexID) error {
		start, end := keys.IndexSpan(t.ID, ix)
		return r.Store.DeleteSpan(ctx, spanOf(start, end))
	}
	t, err := find(r.Catalog.Snapshot(), name)
	if err != nil {
		return err
	}
	cleared = pick(t)
	if err := sweep(t, cleared); err != nil {
		return err
	}
	s, err := r.Catalog.Update(ctx, func(s *catalog.Snapshot) (*Edit, error) {
		t, err := find(s, name)
		if err != nil {
			return nil, err
		}
		if taken(s, t.Schema, want.Name) {
			return nil, errTaken(want.Name)
		}
		if id = pick(t); id != cleared {
			return nil, errVanished
		}
		table = clone(t)
		ix := *want
		ix.ID, ix.State = id, catalog.IndexWriteOnly
		table.Indexes = append(table.Indexes, ix)
		return &Edit{Put: []*catalog.Table{table}}, nil
	})
	if err != nil {
		return err
	}
	built, err := r.Store.BuildIndex(ctx, table.ID, id, s.Revision)
	if err == nil && built.Duplicate != "" {
		err = sqlerr.New(sqlerr.UniqueViolation, `could not create unique index "%s"`, want.Name).
			WithDetail("Key %s is duplicated.", built.Duplicate).WithTable(table.Name, "", want.Name)
	}
	if err == nil {
		err = r.editIndex(ctx, table.ID, id, func(t *catalog.Table, i int) { t.Indexes[i].State = catalog.IndexPublic })
	}
	if err == nil {
		return nil
	}
	undo, cancel := cleanup(ctx)
	defer cancel()
	if uerr := r.removeIndex(undo, table.ID, id); uerr != nil && !errors.Is(uerr, errVanished) {
		r.Log.Error("an unfinished index was not removed", "table", table.Name, "index", want.Name, "error", uerr)
	}
	return err
}

// editIndex changes one index of a table and raises the table's version.
func (r *Runner) editIndex(ctx context.Context, table catalog.TableID, id catalog.IndexID, edit func(*catalog.Table, int)) error {
	_, err := r.Catalog.Update(ctx, func(s *catalog.Snapshot) (*Edit, error) {
		t := s.TableByID(table)
		if t == nil {
			return nil, errVanished
		}
		i := slices.IndexFunc(t.Indexes, func(ix catalog.Index) bool { return ix.ID == id })
		if i < 0 {
			return nil, errVanished
		}
		c := clone(t)
		edit(c, i)
		return &Edit{Put: []*catalog.Table{c}}, nil
	})
	return err
}

func (r *Runner) removeIndex(ctx context.Context, table catalog.TableID, id catalog.IndexID) error {
	err := r.editIndex(ctx, table, id, func(t *catalog.Table, i int) { t.Indexes = slices.Delete(t.Indexes, i, i+1) })
	if err != nil {
		return err
	}
	ctx, cancel := cleanup(ctx)
	defer cancel()
	start, end := keys.IndexSpan(table, id)
	r.deleteSpan(ctx, start, end)
	return nil
}

// DropIndex removes indexes.
func (r *Runner) DropIndex(ctx context.Context, u *utility.DropIndex) (notices []Notice, err error) {
	for _, n := range u.Indexes {
		s := r.Catalog.Snapshot()
		t, ix := findIndex(s, n)
		if t == nil {
			err := sqlerr.New(sqlerr.UndefinedObject, `index "%s" does not exist`, shown(n))
			if s.Table(n.Schema, n.Name) != nil {
				return notices, sqlerr.New(sqlerr.WrongObjectType, `"%s" is not an index`, shown(n))
			}
			if !u.IfExists {
				return notices, err
			}
			notices = append(notices, skipping(err))
			continue
		}
		if ix.ID == catalog.PrimaryIndex {
			return notices, sqlerr.New(sqlerr.DependentObjectsStillExist,
				"cannot drop index %s because constraint %s on table %s requires it", ix.Name, ix.Name, t.Name)
		}
		for _, child := range s.ReferencedBy(t.ID) {
			for _, k := range child.ForeignKeys {
				if k.RefTable == t.ID && k.RefIndex == ix.ID {
					return notices, sqlerr.New(sqlerr.DependentObjectsStillExist, "cannot drop index %s because other objects depend on it", ix.Name).
						WithDetail("constraint %s on table %s depends on index %s", k.Name, child.Name, ix.Name)
				}
			}
		}
		if err := r.removeIndex(ctx, t.ID, ix.ID); err != nil {
			return notices, err
		}
	}
	return notices, nil
}
