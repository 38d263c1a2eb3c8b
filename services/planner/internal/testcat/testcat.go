// Package testcat makes catalog snapshots from DDL, for the planner's tests.
package testcat

import (
	"fmt"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/plan/utility"
	"github.com/attunedb/attune/engine/sqltext"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/services/planner/internal/bind"
)

// Catalog is a set of tables that DDL changes as an executor would. The zero value is empty; it is for one goroutine.
type Catalog struct {
	tables    []*catalog.Table
	sequences []*catalog.Sequence
	nextID    catalog.TableID
}

// Snapshot returns the catalog's contents.
func (c *Catalog) Snapshot() *catalog.Snapshot {
	return catalog.NewSnapshot(int64(c.nextID), c.tables, c.sequences)
}

// Exec runs a script of CREATE TABLE, CREATE INDEX and ALTER TABLE … ADD.
func (c *Catalog) Exec(script string) error {
	statements, err := sqltext.Split(script)
	if err != nil {
		return err
	}
	for _, s := range statements {
		r, err := bind.Bind(bind.Request{SQL: s.Text, Catalog: c.Snapshot()})
		if err != nil {
			return fmt.Errorf("%s: %w", s.Text, err)
		}
		if err := c.apply(r.Utility); err != nil {
			return fmt.Errorf("%s: %w", s.Text, err)
		}
	}
	return nil
}

func (c *Catalog) apply(cmd utility.Command) error {
	switch cmd := cmd.(type) {
	case *utility.CreateTable:
		c.nextID++
		t := cmd.Table
		t.ID, t.Version = c.nextID, 1
		for i := range t.ForeignKeys {
			if t.ForeignKeys[i].RefTable == 0 {
				t.ForeignKeys[i].RefTable = t.ID
			}
		}
		if len(t.Primary.Columns) == 0 {
			t.Columns = append(t.Columns, catalog.Column{Name: "rowid", Type: types.Of(types.Int8), NotNull: true, Hidden: true})
			t.Primary = catalog.Index{ID: catalog.PrimaryIndex, Columns: []int{len(t.Columns) - 1}, Unique: true, State: catalog.IndexPublic}
		}
		c.tables = append(c.tables, t)
		for _, s := range cmd.Sequences {
			s.OwnerTable = t.ID
			c.sequences = append(c.sequences, s)
		}
	case *utility.CreateIndex:
		return c.change(cmd.Table, func(t *catalog.Table) { addIndex(t, cmd.Index) })
	case *utility.AddConstraint:
		return c.change(cmd.Table, func(t *catalog.Table) {
			switch {
			case cmd.Unique != nil:
				addIndex(t, *cmd.Unique)
			case cmd.Check != nil:
				t.Checks = append(t.Checks, *cmd.Check)
			case cmd.ForeignKey != nil:
				t.ForeignKeys = append(t.ForeignKeys, *cmd.ForeignKey)
			case cmd.Primary != nil:
				t.Primary = *cmd.Primary
				for _, o := range t.Primary.Columns {
					t.Columns[o].NotNull = true
				}
			}
		})
	default:
		return fmt.Errorf("no DDL: %T", cmd)
	}
	return nil
}

func addIndex(t *catalog.Table, ix catalog.Index) {
	ix.ID = catalog.PrimaryIndex + catalog.IndexID(len(t.Indexes)) + 1
	ix.State = catalog.IndexPublic
	t.Indexes = append(t.Indexes, ix)
}

func (c *Catalog) change(name catalog.Name, f func(*catalog.Table)) error {
	for i, t := range c.tables {
		if t.Schema == name.Schema && t.Name == name.Name {
			next := *t
			next.Version++
			next.Columns = append([]catalog.Column(nil), t.Columns...)
			next.Indexes = append([]catalog.Index(nil), t.Indexes...)
			next.Checks = append([]catalog.Check(nil), t.Checks...)
			next.ForeignKeys = append([]catalog.ForeignKey(nil), t.ForeignKeys...)
			f(&next)
			c.tables[i] = &next
			return nil
		}
	}
	return fmt.Errorf("no table %v", name)
}
