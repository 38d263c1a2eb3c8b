package storagetest

import (
	"context"
	"sync"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/types"
)

// Catalog is a catalog in memory. It is safe for concurrent use; make it with NewCatalog.
type Catalog struct {
	mu       sync.Mutex
	snapshot *catalog.Snapshot
	changed  chan struct{}
}

// NewCatalog returns an empty catalog at revision 1.
func NewCatalog() *Catalog {
	return &Catalog{snapshot: catalog.NewSnapshot(1, nil, nil), changed: make(chan struct{})}
}

// Put replaces or adds tables and returns the revision at which they are there.
func (c *Catalog) Put(tables ...*catalog.Table) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	byID := map[catalog.TableID]*catalog.Table{}
	c.snapshot.Tables(func(t *catalog.Table) { byID[t.ID] = t })
	for _, t := range tables {
		byID[t.ID] = t
	}
	var all []*catalog.Table
	for _, t := range byID {
		all = append(all, t)
	}
	c.snapshot = catalog.NewSnapshot(c.snapshot.Revision+1, all, nil)
	close(c.changed)
	c.changed = make(chan struct{})
	return c.snapshot.Revision
}

// Snapshot returns the newest state.
func (c *Catalog) Snapshot() *catalog.Snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.snapshot
}

// Wait returns when the revision is there.
func (c *Catalog) Wait(ctx context.Context, revision int64) error {
	for {
		c.mu.Lock()
		at, changed := c.snapshot.Revision, c.changed
		c.mu.Unlock()
		if at >= revision {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Ordinals of People's columns.
const (
	ID = iota
	Age
	Name
	Pay
)

// Indexes of People.
const (
	ByAge  catalog.IndexID = 2
	ByName catalog.IndexID = 3
	ByPay  catalog.IndexID = 4
)

// People returns a table with a key, a number, a text that may be NULL and a numeric, and an index over each: plain, unique, and
// descending over two columns, the first of which an index does not hold exactly.
func People(id catalog.TableID, version uint64) *catalog.Table {
	return &catalog.Table{ID: id, Schema: "public", Name: "people", Version: version,
		Columns: []catalog.Column{
			{Name: "id", Type: types.Of(types.Int8), NotNull: true},
			{Name: "age", Type: types.Of(types.Int4)},
			{Name: "name", Type: types.Of(types.Text)},
			{Name: "pay", Type: types.Of(types.Numeric)},
		},
		Primary: catalog.Index{ID: catalog.PrimaryIndex, Name: "people_pkey", Columns: []int{ID}, Unique: true, State: catalog.IndexPublic},
		Indexes: []catalog.Index{
			{ID: ByAge, Name: "people_age", Columns: []int{Age}, State: catalog.IndexPublic},
			{ID: ByName, Name: "people_name", Columns: []int{Name}, Unique: true, State: catalog.IndexPublic},
			{ID: ByPay, Name: "people_pay", Columns: []int{Pay, Age}, Desc: []bool{true, false}, State: catalog.IndexPublic},
		}}
}
