package stats

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// Limits of what is gathered.
const (
	// MaxCommon is the most frequent values kept of a column, Buckets the buckets of its histogram.
	MaxCommon = 100
	Buckets   = 100

	// DefaultSampleRows and DefaultSampleBytes bound a row sample.
	DefaultSampleRows  = 10_000
	DefaultSampleBytes = 6 << 20
)

// Options bound and seed a Builder.
type Options struct {
	// SampleRows and SampleBytes bound the row sample; 0 for the defaults.
	SampleRows, SampleBytes int
	// Seed makes the choice of sample rows repeatable.
	Seed uint64
}

// Builder gathers statistics from rows as they come by. It is not safe for concurrent use.
type Builder struct {
	types   []types.Type
	options Options
	rows    int64
	columns []columnState
	sample  reservoir
	hashes  []uint64
}

// NewBuilder returns a builder for rows of the given column types.
func NewBuilder(columns []types.Type, o Options) *Builder {
	if o.SampleRows <= 0 {
		o.SampleRows = DefaultSampleRows
	}
	if o.SampleBytes <= 0 {
		o.SampleBytes = DefaultSampleBytes
	}
	b := &Builder{types: columns, options: o, columns: make([]columnState, len(columns))}
	for i := range b.columns {
		b.columns[i] = newColumnState(columns[i].Kind)
	}
	b.sample = reservoir{limit: o.SampleRows, maxBytes: o.SampleBytes, rnd: rand.New(rand.NewPCG(o.Seed, o.Seed^0x9e3779b97f4a7c15))}
	return b
}

// Types returns the types of the columns.
func (b *Builder) Types() []types.Type { return b.types }

// Rows returns the number of rows observed.
func (b *Builder) Rows() int64 { return b.rows }

// Observe takes the live rows of a batch into account, whose columns have the builder's kinds. It keeps nothing of the batch.
func (b *Builder) Observe(batch *vec.Batch) {
	batch = batch.Compact()
	if cap(b.hashes) < batch.Len {
		b.hashes = make([]uint64, batch.Len)
	}
	for i := range b.columns {
		b.columns[i].observe(batch.Cols[i], b.hashes[:batch.Len])
	}
	b.sample.observe(batch, b.rows)
	b.rows += int64(batch.Len)
}

// Merge takes into account what o has observed, rows of the same columns. o is not to be used afterwards. It fails when the columns
// differ.
func (b *Builder) Merge(o *Builder) error {
	if len(b.columns) != len(o.columns) {
		return fmt.Errorf("stats: merge of %d and %d columns", len(b.columns), len(o.columns))
	}
	for i := range b.columns {
		if b.columns[i].kind != o.columns[i].kind {
			return fmt.Errorf("stats: merge of %s and %s", b.columns[i].kind, o.columns[i].kind)
		}
		if err := b.columns[i].merge(&o.columns[i]); err != nil {
			return err
		}
	}
	b.sample.merge(&o.sample, b.rows, o.rows)
	b.rows += o.rows
	return nil
}

// Build returns the statistics of a table with rowCount rows, as of which those observed are representative. The builder may
// go on.
func (b *Builder) Build(id catalog.TableID, rowCount float64, version uint64, now time.Time) *Table {
	t := &Table{ID: id, RowCount: rowCount, Built: now, Version: version, Columns: make([]Column, len(b.columns))}
	slots := b.sample.ordered()
	whole := int64(len(slots)) == b.rows
	for i := range b.columns {
		t.Columns[i] = b.columns[i].build(i, b.rows, slots, whole)
		t.RowBytes += t.Columns[i].WidthBytes
	}
	t.Sample = b.sample.batch(b.types, slots)
	return t
}
