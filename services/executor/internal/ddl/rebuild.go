package ddl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/keys"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/vec"
	"github.com/attunedb/attune/services/executor/internal/dml"
	"github.com/attunedb/attune/services/executor/internal/store"
)

// rebuildRows is how many rows move in one transaction.
const rebuildRows = 1 << 16

// addPrimaryKey gives a table with a hidden key a primary key: its rows move to a table of another identity, which then
// takes the name. Meanwhile the table takes no writes.
func (r *Runner) addPrimaryKey(ctx context.Context, t *catalog.Table, want *catalog.Index) (err error) {
	if !t.HasHiddenKey() {
		return sqlerr.New(sqlerr.InvalidTableDefinition, `multiple primary keys for table "%s" are not allowed`, t.Name)
	}
	id, err := r.Catalog.NextID(ctx)
	if err != nil {
		return err
	}
	temporary := catalog.Name{Schema: t.Schema, Name: fmt.Sprintf("attune_rebuild_%d", id)}
	var old, next *catalog.Table
	s, err := r.Catalog.Update(ctx, func(s *catalog.Snapshot) (*Edit, error) {
		t := s.TableByID(t.ID)
		if t == nil {
			return nil, errVanished
		}
		if dml.Rebuilding(t) {
			return nil, sqlerr.New(sqlerr.LockNotAvailable, `table "%s" is being rebuilt`, t.Name)
		}
		if taken(s, t.Schema, want.Name) {
			return nil, errTaken(want.Name)
		}
		old = clone(t)
		old.Checks = append(old.Checks, catalog.Check{Name: dml.RebuildMark, SQL: "true"})
		next = withKey(t, want, id)
		building := *next
		building.Name, building.ForeignKeys, building.Checks = temporary.Name, nil, nil
		return &Edit{Put: []*catalog.Table{old, &building}}, nil
	})
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			r.abandon(ctx, old, temporary, id)
		}
	}()
	if err := r.move(ctx, s, old, s.Table(temporary.Schema, temporary.Name)); err != nil {
		if e := sqlerr.As(err); e != nil && e.Code == sqlerr.UniqueViolation {
			return sqlerr.New(sqlerr.UniqueViolation, `could not create unique index "%s"`, want.Name).
				WithDetail("%s", strings.Replace(e.Detail, "already exists", "is duplicated", 1)).WithTable(t.Name, "", want.Name)
		}
		return err
	}
	return r.swap(ctx, old, next, temporary)
}

// withKey returns t with a primary key in place of its hidden one and a new identity.
func withKey(t *catalog.Table, want *catalog.Index, id catalog.TableID) *catalog.Table {
	hidden := t.Primary.Columns[0]
	shift := func(columns []int) []int {
		out := make([]int, len(columns))
		for i, o := range columns {
			if out[i] = o; o > hidden {
				out[i]--
			}
		}
		return out
	}
	n := clone(t)
	n.ID, n.Version = id, 1
	n.Columns = slices.Delete(n.Columns, hidden, hidden+1)
	n.Primary = *want
	n.Primary.ID, n.Primary.Unique, n.Primary.State = catalog.PrimaryIndex, true, catalog.IndexPublic
	n.Primary.Columns = shift(want.Columns)
	for _, o := range n.Primary.Columns {
		n.Columns[o].NotNull = true
	}
	for i := range n.Indexes {
		n.Indexes[i].Columns = shift(n.Indexes[i].Columns)
	}
	for i := range n.ForeignKeys {
		n.ForeignKeys[i].Columns = shift(n.ForeignKeys[i].Columns)
		if n.ForeignKeys[i].RefTable == t.ID {
			n.ForeignKeys[i].RefTable, n.ForeignKeys[i].RefColumns = id, shift(n.ForeignKeys[i].RefColumns)
		}
	}
	return n
}

// move copies the rows of from to the table to, which nobody else knows.
func (r *Runner) move(ctx context.Context, s *catalog.Snapshot, from, to *catalog.Table) error {
	ts, err := r.Store.Timestamp(ctx)
	if err != nil {
		return err
	}
	visible := make([]int, 0, len(to.Columns))
	for i := range from.Columns {
		if !from.Columns[i].Hidden {
			visible = append(visible, i)
		}
	}
	start, end := keys.IndexSpan(from.ID, catalog.PrimaryIndex)
	rows, err := r.Store.Scan(ctx, &access.Scan{Snapshot: access.Snapshot{Timestamp: ts, CatalogRevision: s.Revision},
		Table: access.TableVersion{ID: from.ID, Version: from.Version}, Index: catalog.PrimaryIndex, Span: spanOf(start, end), Columns: visible})
	if err != nil {
		return err
	}
	defer rows.Close()
	insert := &physical.Insert{Target: physical.Target{Table: physical.TableRef{ID: to.ID, Version: to.Version, Schema: to.Schema, Name: to.Name}},
		Input: &physical.Values{}}
	for more := true; more; {
		ts, err := r.Store.Timestamp(ctx)
		if err != nil {
			return err
		}
		env := &dml.Env{Store: r.Store, Catalog: s, Compute: &compute.Env{}, Commit: true,
			Snapshot: access.Snapshot{Timestamp: ts, Txn: r.NewTxn(), CatalogRevision: s.Revision}}
		more, err = r.moveSome(ctx, insert, env, rows, from)
		if err != nil {
			return err
		}
	}
	return nil
}

// moveSome moves rows in one transaction and reports whether there may be more.
func (r *Runner) moveSome(ctx context.Context, insert *physical.Insert, env *dml.Env, rows access.Rows, from *catalog.Table) (more bool, err error) {
	res, err := dml.Run(ctx, insert, func(ctx context.Context, emit func(*vec.Batch) error) error {
		for n := 0; n < rebuildRows; {
			b, err := rows.Next(ctx)
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			n += b.Rows()
			if err := emit(b); err != nil {
				return err
			}
		}
		more = true
		return nil
	}, env)
	if err == nil && res.Staged {
		err = store.Commit(ctx, r.Store, env.Snapshot.Txn)
	}
	if err == nil {
		return more, nil
	}
	if e := sqlerr.As(err); e != nil && e.Code == sqlerr.NotNullViolation {
		err = sqlerr.New(sqlerr.NotNullViolation, `column "%s" of relation "%s" contains null values`, e.Column, from.Name).
			WithTable(from.Name, e.Column, "")
	}
	undo, cancel := cleanup(ctx)
	defer cancel()
	return false, errors.Join(err, r.Store.Rollback(undo, env.Snapshot.Txn))
}

// swap gives the rebuilt table the name.
func (r *Runner) swap(ctx context.Context, old, next *catalog.Table, temporary catalog.Name) error {
	_, err := r.Catalog.Update(ctx, func(s *catalog.Snapshot) (*Edit, error) {
		if t := s.TableByID(old.ID); t == nil || t.Version != old.Version {
			return nil, errVanished
		}
		final := *next
		final.Version = 2
		e := &Edit{Put: []*catalog.Table{&final}, Drop: []catalog.Name{temporary}}
		hidden := old.Primary.Columns[0]
		for _, child := range s.ReferencedBy(old.ID) {
			if child.ID == old.ID {
				continue
			}
			c := clone(child)
			for i := range c.ForeignKeys {
				k := &c.ForeignKeys[i]
				if k.RefTable != old.ID {
					continue
				}
				k.RefTable, k.RefColumns = final.ID, slices.Clone(k.RefColumns)
				for j, o := range k.RefColumns {
					if o > hidden {
						k.RefColumns[j]--
					}
				}
			}
			e.Put = append(e.Put, c)
		}
		s.Sequences(func(q *catalog.Sequence) {
			if q.OwnerTable == old.ID {
				moved := *q
				moved.OwnerTable = final.ID
				e.PutSequences = append(e.PutSequences, &moved)
			}
		})
		return e, nil
	})
	if err != nil {
		return err
	}
	r.forget(ctx, old, nil)
	return nil
}

// abandon takes a rebuild back.
func (r *Runner) abandon(ctx context.Context, old *catalog.Table, temporary catalog.Name, id catalog.TableID) {
	ctx, cancel := cleanup(ctx)
	defer cancel()
	_, err := r.Catalog.Update(ctx, func(s *catalog.Snapshot) (*Edit, error) {
		e := &Edit{}
		if t := s.TableByID(old.ID); t != nil && dml.Rebuilding(t) {
			c := clone(t)
			c.Checks = slices.DeleteFunc(c.Checks, func(k catalog.Check) bool { return k.Name == dml.RebuildMark })
			e.Put = append(e.Put, c)
		}
		if s.Table(temporary.Schema, temporary.Name) != nil {
			e.Drop = append(e.Drop, temporary)
		}
		return e, nil
	})
	if err != nil {
		r.Log.Error("an unfinished rebuild was not taken back", "table", old.Name, "error", err)
		return
	}
	r.forget(ctx, &catalog.Table{ID: id, Name: temporary.Name}, nil)
}
