package scan

import (
	"fmt"
	"time"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// pushdown narrows decoded batches.
type pushdown struct {
	blooms []access.Bloom
	filter *expr.Predicate
	params []types.Datum
	env    *compute.Env
	hashes []uint64
}

func newPushdown(columns int, blooms []access.Bloom, filter expr.Expr, params []types.Datum, zone *time.Location) (*pushdown, error) {
	p := &pushdown{blooms: blooms, params: params, env: &compute.Env{Location: zone}}
	for _, b := range blooms {
		if b.Filter == nil || len(b.Columns) == 0 {
			return nil, sqlerr.New(sqlerr.ProtocolViolation, "a Bloom filter over nothing")
		}
		for _, c := range b.Columns {
			if c < 0 || c >= columns {
				return nil, sqlerr.New(sqlerr.ProtocolViolation, "a Bloom filter over output column %d of %d", c, columns)
			}
		}
	}
	if filter != nil {
		var err error
		if p.filter, err = expr.CompileFilter(filter); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// apply returns the rows of b that pass.
func (p *pushdown) apply(b *vec.Batch) (*vec.Batch, error) {
	for i := range p.blooms {
		b = p.bloom(&p.blooms[i], b)
		if b.Rows() == 0 {
			return b, nil
		}
	}
	if p.filter == nil {
		return b, nil
	}
	return p.filter.Filter(p.env, p.params, b)
}

func (p *pushdown) bloom(f *access.Bloom, b *vec.Batch) *vec.Batch {
	if cap(p.hashes) < b.Len {
		p.hashes = make([]uint64, b.Len)
	}
	hashes := p.hashes[:b.Len]
	for i, c := range f.Columns {
		compute.Hash(hashes, b.Cols[c], i > 0)
	}
	sel := make([]int32, 0, b.Rows())
	for i := range b.Rows() {
		row := b.Row(i)
		if f.Filter.Contains(hashes[row]) {
			sel = append(sel, int32(row))
		}
	}
	return &vec.Batch{Cols: b.Cols, Sel: sel, Len: b.Len}
}

// checkColumns fails for ordinals that the table does not have.
func checkColumns(t *catalog.Table, ordinals []int) error {
	for _, o := range ordinals {
		if o < 0 || o >= len(t.Columns) {
			return sqlerr.New(sqlerr.ProtocolViolation, "table %q has no column %d", t.Name, o)
		}
	}
	return nil
}

// indexOf returns an index that may be read.
func indexOf(t *catalog.Table, id catalog.IndexID) (*catalog.Index, error) {
	ix := t.Index(id)
	if ix == nil || id != catalog.PrimaryIndex && ix.State != catalog.IndexPublic {
		return nil, fmt.Errorf("%w: table %q has no readable index %d", access.ErrStaleSchema, t.Name, id)
	}
	return ix, nil
}
