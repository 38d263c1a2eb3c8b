package fake

import (
	"context"
	"sync"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/platform/coord"
	"github.com/attunedb/attune/services/executor/internal/ddl"
)

// Catalog is a catalog in memory.
type Catalog struct {
	mu        sync.Mutex
	present   *catalog.Snapshot
	tables    map[catalog.Name]*catalog.Table
	sequences map[catalog.Name]*catalog.Sequence
	next      catalog.TableID
}

// NewCatalog returns a catalog with the given tables.
func NewCatalog(tables ...*catalog.Table) *Catalog {
	c := &Catalog{tables: map[catalog.Name]*catalog.Table{}, sequences: map[catalog.Name]*catalog.Sequence{}, next: 1000}
	for _, t := range tables {
		c.tables[catalog.Name{Schema: t.Schema, Name: t.Name}] = t
	}
	c.build(1)
	return c
}

func (c *Catalog) build(revision int64) {
	var tables []*catalog.Table
	var sequences []*catalog.Sequence
	for _, t := range c.tables {
		tables = append(tables, t)
	}
	for _, q := range c.sequences {
		sequences = append(sequences, q)
	}
	c.present = catalog.NewSnapshot(revision, tables, sequences)
}

// Snapshot returns the present state.
func (c *Catalog) Snapshot() *catalog.Snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.present
}

// Wait returns at once.
func (c *Catalog) Wait(context.Context, int64) error { return nil }

// Update applies an edit.
func (c *Catalog) Update(_ context.Context, change func(*catalog.Snapshot) (*ddl.Edit, error)) (*catalog.Snapshot, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, err := change(c.present)
	if err != nil || e == nil {
		return c.present, err
	}
	for _, n := range e.Drop {
		delete(c.tables, n)
	}
	for _, t := range e.Put {
		c.tables[catalog.Name{Schema: t.Schema, Name: t.Name}] = t
	}
	for _, n := range e.DropSequences {
		delete(c.sequences, n)
	}
	for _, q := range e.PutSequences {
		c.sequences[catalog.Name{Schema: q.Schema, Name: q.Name}] = q
	}
	c.build(c.present.Revision + 1)
	return c.present, nil
}

// NextID counts.
func (c *Catalog) NextID(context.Context) (catalog.TableID, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next++
	return c.next, nil
}

// KV is the coordination store in memory.
type KV struct {
	mu       sync.Mutex
	values   map[string]coord.KV
	revision int64
	// Races is how many conditional writes fail before one succeeds, for tests of contention.
	Races int
}

// NewKV returns an empty store.
func NewKV() *KV { return &KV{values: map[string]coord.KV{}} }

// Get returns a key.
func (k *KV) Get(_ context.Context, key string) (coord.KV, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	v, ok := k.values[key]
	if !ok {
		return v, coord.ErrNotFound
	}
	return v, nil
}

// Put writes a key.
func (k *KV) Put(_ context.Context, key string, value []byte) (int64, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.put(key, value), nil
}

func (k *KV) put(key string, value []byte) int64 {
	k.revision++
	k.values[key] = coord.KV{Key: key, Value: value, ModRevision: k.revision}
	return k.revision
}

// PutIfRevision writes a key that is as expected.
func (k *KV) PutIfRevision(_ context.Context, key string, value []byte, expect int64) (int64, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.Races > 0 {
		k.Races--
		return 0, coord.ErrConflict
	}
	if k.values[key].ModRevision != expect {
		return 0, coord.ErrConflict
	}
	return k.put(key, value), nil
}

// Delete removes a key.
func (k *KV) Delete(_ context.Context, key string) (int64, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.values, key)
	return k.revision, nil
}
