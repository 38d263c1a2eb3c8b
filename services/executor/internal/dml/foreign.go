package dml

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/keys"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types/pgtext"
	"github.com/attunedb/attune/engine/vec"
)

const (
	// maxRequired is how many distinct parents a streaming write remembers before it sends them.
	maxRequired = 1 << 16
	// lookupKeys is how many children are looked up in one request.
	lookupKeys = 1024
)

// requirement is a parent's key that must exist.
type requirement struct {
	check *parentCheck
	key   []byte
	row   uint64
}

// parentCheck is a foreign key of the written table.
type parentCheck struct {
	env     *Env
	name    string
	parent  *catalog.Table
	version access.TableVersion
	index   *catalog.Index
	columns []int
	// self tells that the parent is the written table.
	self bool
	// order gives, for each key column of the parent's index, the position in columns.
	order  []int
	seen   map[string]struct{}
	needed []requirement
}

func newParentCheck(env *Env, t *catalog.Table, k *physical.ForeignKeyCheck) (*parentCheck, error) {
	p := env.Catalog.TableByID(k.Other.ID)
	if p == nil || p.Version != k.Other.Version {
		return nil, access.ErrStaleSchema
	}
	ix := p.Index(k.OtherIndex)
	if ix == nil {
		return nil, fmt.Errorf("dml: foreign key %q of %q has no index to look in", k.Name, t.Name)
	}
	order, err := keyOrder(ix.Columns, k.OtherColumns)
	if err != nil {
		return nil, fmt.Errorf("dml: foreign key %q of %q: %w", k.Name, t.Name, err)
	}
	return &parentCheck{env: env, name: k.Name, parent: p, version: access.TableVersion{ID: p.ID, Version: p.Version}, index: ix,
		columns: k.Columns, self: p.ID == t.ID, order: order, seen: map[string]struct{}{}}, nil
}

// keyOrder returns, for each column of an index, its position among the columns of a constraint.
func keyOrder(index, columns []int) ([]int, error) {
	out := make([]int, 0, len(index))
	for _, o := range index {
		at := slices.Index(columns, o)
		if at < 0 {
			return nil, errors.New("its index has other columns")
		}
		out = append(out, at)
	}
	return out, nil
}

// require notes the parents of b's rows; a row with a NULL among its columns has none.
func (p *parentCheck) require(b *vec.Batch, first uint64) error {
	cols, err := castColumns(p.env.Compute, b, p.columns, p.order, p.parent, p.index.Columns)
	if err != nil {
		return err
	}
	var key []byte
	for i := range b.Len {
		if anyNull(cols, i) {
			continue
		}
		key = keys.AppendIndexPrefix(key[:0], p.parent.ID, p.index.ID)
		key = appendKey(key, cols, i, p.index)
		if _, ok := p.seen[string(key)]; ok {
			continue
		}
		kept := slices.Clone(key)
		p.seen[string(key)] = struct{}{}
		p.needed = append(p.needed, requirement{check: p, key: kept, row: first + uint64(i)})
	}
	return nil
}

// full reports whether it is time to send. A table that refers to itself waits for its last row, which may be the parent.
func (p *parentCheck) full() bool { return !p.self && len(p.needed) >= maxRequired }

// take returns the requirements and forgets them.
func (p *parentCheck) take() []requirement {
	out := p.needed
	p.needed, p.seen = nil, map[string]struct{}{}
	return out
}

// decode returns the values of a key in the order of the constraint's columns, nil when it cannot.
func (p *parentCheck) decode(key []byte, env *pgtext.Env) []string {
	_, _, rest, ok := keys.SplitPrefix(key)
	if !ok {
		return nil
	}
	out := make([]string, len(p.columns))
	for i, o := range p.index.Columns {
		d, r, err := keys.Decode(rest, p.parent.Columns[o].Type, p.index.Desc != nil && p.index.Desc[i])
		if err != nil {
			return nil
		}
		rest, out[p.order[i]] = r, nullText(d, env)
	}
	return out
}

// castColumns returns b's columns[order[i]] in the types of the other table's key columns.
func castColumns(env *compute.Env, b *vec.Batch, columns, order []int, other *catalog.Table, key []int) ([]*vec.Vector, error) {
	out := make([]*vec.Vector, len(order))
	for i, at := range order {
		v := b.Cols[columns[at]]
		if want := other.Columns[key[i]].Type; v.Kind() != want.Kind {
			var err error
			// The kind alone: a modifier would cut or round what must be compared.
			want.Mod = 0
			if v, err = compute.Cast(env, v, want, true); err != nil {
				return nil, err
			}
		}
		out[i] = v
	}
	return out, nil
}

func anyNull(cols []*vec.Vector, i int) bool {
	for _, c := range cols {
		if c.IsNull(i) {
			return true
		}
	}
	return false
}

func appendKey(key []byte, cols []*vec.Vector, i int, ix *catalog.Index) []byte {
	for f, c := range cols {
		key = keys.AppendAt(key, c, i, ix != nil && ix.Desc != nil && ix.Desc[f])
	}
	return key
}

// removed is a referenced key that no longer exists.
type removed struct {
	// child is the key to look for in the child, own the key in the written table's index.
	child, own []byte
	text       string
}

// childCheck is a foreign key of another table that refers to the written one.
type childCheck struct {
	name  string
	table *catalog.Table
	child *catalog.Table
	// index to look in; nil: the child is scanned.
	index *catalog.Index
	// columns of the written table and others of the child, in the order of index or, without one, as given.
	columns, others []int
	// own is the index of the written table over columns, ownOrder its columns' positions in columns.
	own      *catalog.Index
	ownOrder []int
	gone     []removed
}

func newChildCheck(env *Env, t *catalog.Table, k *physical.ForeignKeyCheck) (*childCheck, error) {
	child := env.Catalog.TableByID(k.Other.ID)
	if child == nil || child.Version != k.Other.Version {
		return nil, access.ErrStaleSchema
	}
	c := &childCheck{name: k.Name, table: t, child: child, columns: k.Columns, others: k.OtherColumns}
	if ix := child.Index(k.OtherIndex); k.OtherIndex != 0 && ix != nil && len(ix.Columns) >= len(k.OtherColumns) {
		order, err := keyOrder(ix.Columns[:len(k.OtherColumns)], k.OtherColumns)
		if err == nil {
			c.index = ix
			c.columns, c.others = permute(k.Columns, order), permute(k.OtherColumns, order)
		}
	}
	for _, ix := range append([]catalog.Index{t.Primary}, t.Indexes...) {
		if !ix.Unique && ix.ID != catalog.PrimaryIndex || len(ix.Columns) != len(c.columns) {
			continue
		}
		if order, err := keyOrder(ix.Columns, c.columns); err == nil {
			c.own, c.ownOrder = &ix, order
			break
		}
	}
	return c, nil
}

func permute(in, order []int) []int {
	out := make([]int, len(order))
	for i, at := range order {
		out[i] = in[at]
	}
	return out
}

// pending reports whether there is something to verify once everything is staged.
func (c *childCheck) pending() bool { return len(c.gone) > 0 }

// collect notes the keys of old that are gone: all of them when changed is nil.
func (c *childCheck) collect(s *stager, old, changed *vec.Batch) error {
	identity := make([]int, len(c.columns))
	for i := range identity {
		identity[i] = i
	}
	env := s.env
	cols, err := castColumns(env.Compute, old, c.columns, identity, c.child, c.others)
	if err != nil {
		return err
	}
	for i := range old.Len {
		if anyNull(cols, i) || changed != nil && c.same(old, changed, i) {
			continue
		}
		r := removed{text: c.text(env, old, i)}
		if c.index != nil {
			r.child = keys.IndexPrefix(c.child.ID, c.index.ID)
		}
		r.child = appendKey(r.child, cols, i, c.index)
		if changed != nil && c.own != nil {
			r.own = keys.IndexPrefix(c.table.ID, c.own.ID)
			for f, at := range c.ownOrder {
				r.own = keys.AppendAt(r.own, old.Cols[c.columns[at]], i, c.own.Desc != nil && c.own.Desc[f])
			}
		}
		c.gone = append(c.gone, r)
		if err := s.hold(len(r.child) + len(r.own) + len(r.text) + 2*mutationBytes); err != nil {
			return err
		}
	}
	return nil
}

func (c *childCheck) same(old, changed *vec.Batch, i int) bool {
	for _, o := range c.columns {
		if changed.Cols[o].IsNull(i) || compute.Compare(old.Cols[o], i, changed.Cols[o], i) != 0 {
			return false
		}
	}
	return true
}

func (c *childCheck) text(env *Env, b *vec.Batch, i int) string {
	names, values := make([]string, len(c.columns)), make([]string, len(c.columns))
	for f, o := range c.columns {
		names[f], values[f] = c.table.Columns[o].Name, nullText(b.Cols[o].DatumAt(i), env.text())
	}
	return pair(names, values)
}

// verify fails when a row of the child, as the transaction sees it, refers to a key that is gone.
func (c *childCheck) verify(ctx context.Context, env *Env) error {
	if len(c.gone) == 0 {
		return nil
	}
	if c.index == nil {
		return c.scan(ctx, env)
	}
	for chunk := range slices.Chunk(c.gone, lookupKeys) {
		req := &access.Lookup{Snapshot: env.Snapshot, Table: access.TableVersion{ID: c.child.ID, Version: c.child.Version},
			Index: c.index.ID, Columns: c.others[:1], Zone: env.Compute.Zone()}
		for _, r := range chunk {
			req.Keys = append(req.Keys, r.child)
		}
		found, err := env.Store.Lookup(ctx, req)
		if err != nil {
			return err
		}
		for _, k := range found.Key {
			if err := c.judge(ctx, env, &chunk[k]); err != nil {
				return err
			}
		}
	}
	return nil
}

// scan looks for references in a child without an index over them.
func (c *childCheck) scan(ctx context.Context, env *Env) error {
	gone := make(map[string]*removed, len(c.gone))
	for i := range c.gone {
		gone[string(c.gone[i].child)] = &c.gone[i]
	}
	start, end := keys.IndexSpan(c.child.ID, catalog.PrimaryIndex)
	rows, err := env.Store.Scan(ctx, &access.Scan{Snapshot: env.Snapshot,
		Table: access.TableVersion{ID: c.child.ID, Version: c.child.Version}, Index: catalog.PrimaryIndex,
		Span: access.Span{Start: start, End: end}, Columns: c.others, Zone: env.Compute.Zone()})
	if err != nil {
		return err
	}
	defer rows.Close()
	var key []byte
	for {
		b, err := rows.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		b = b.Compact()
		for i := range b.Len {
			if anyNull(b.Cols, i) {
				continue
			}
			key = appendKey(key[:0], b.Cols, i, nil)
			if r := gone[string(key)]; r != nil {
				if err := c.judge(ctx, env, r); err != nil {
					return err
				}
			}
		}
	}
}

// judge decides about a reference to a key that an update or delete took away: it stands when another row has the key by now.
func (c *childCheck) judge(ctx context.Context, env *Env, r *removed) error {
	if r.own != nil {
		found, err := env.Store.Lookup(ctx, &access.Lookup{Snapshot: env.Snapshot,
			Table: access.TableVersion{ID: c.table.ID, Version: c.table.Version}, Index: c.own.ID, Keys: [][]byte{r.own},
			Columns: c.columns[:1], Zone: env.Compute.Zone()})
		if err != nil {
			return err
		}
		if found.Batch.Rows() > 0 {
			return nil
		}
	}
	return errStillReferenced(c.table, c, r.text)
}
