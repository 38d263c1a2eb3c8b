// Package compress measures how much smaller a database makes data on disk: it loads tables of text and numbers such as businesses have, and
// holds their size in memory against what the disk then takes. Its result is a ratio, not a rate.
//
// The data is generated, so it is as compressible as its making: words are drawn by Zipf's law from a fixed vocabulary, one independent of the
// other, which leaves less to gain than written language does; numbers, times and states have the skew and the order that such columns have;
// and identifiers are random. The ratio holds for this data alone.
package compress

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/attunedb/attune/bench"
	"github.com/attunedb/attune/bench/db"
	"github.com/attunedb/attune/bench/workload"
	"github.com/attunedb/attune/bench/workload/internal/load"
)

const name = "compression"

// rowsPerScale are the rows of each table at scale 1: about 83 MB in all.
const rowsPerScale = 100_000

// SizeOnDisk tells how many bytes the database takes on disk: after it has written down, and compacted if it does that, what it was given.
type SizeOnDisk func() (int64, error)

// Result is what was measured.
type Result struct {
	// LogicalBytes is the size of the values alone, without keys, headers or indexes: 8 bytes for a bigint, a double or a timestamp, 4 for
	// an int, and the bytes of a text.
	LogicalBytes int64
	// DiskBytes is by how much the database has grown.
	DiskBytes int64
	Rows      int64
}

// Ratio is LogicalBytes ÷ DiskBytes: above 1, data takes less room on disk than in memory.
func (r Result) Ratio() float64 { return float64(r.LogicalBytes) / float64(r.DiskBytes) }

// Compression loads the tables and measures them.
type Compression struct {
	seed   uint64
	rows   int64
	tables []*table
}

// New returns the measurement with cfg.Scale times 100,000 rows in each table.
func New(cfg bench.Config) (*Compression, error) {
	cfg = cfg.WithDefaults()
	if !(cfg.Scale > 0) || cfg.Scale > 10_000 {
		return nil, fmt.Errorf("workload %s: scale %g: want more than 0 and at most 10,000", name, cfg.Scale)
	}
	rows := max(1, int64(math.Round(cfg.Scale*rowsPerScale)))
	return &Compression{seed: cfg.Seed, rows: rows, tables: newTables()}, nil
}

// Name is stable and lower-case.
func (c *Compression) Name() string { return name }

// Describe says what is measured.
func (c *Compression) Describe() string {
	return fmt.Sprintf("Bytes of the values of %d generated rows of text and numbers, in %d tables, against what they take on disk with their keys.",
		c.rows*int64(len(c.tables)), len(c.tables))
}

// Measure loads the tables, replacing what a former run left, and asks for the size before and after. p may be nil. The tables stay, for Check.
func (c *Compression) Measure(ctx context.Context, d db.DB, size SizeOnDisk, p workload.Loading) (Result, error) {
	fail := func(err error) (Result, error) { return Result{}, fmt.Errorf("workload %s: %w", name, err) }
	if err := c.Drop(ctx, d); err != nil {
		return fail(err)
	}
	for _, t := range c.tables {
		if err := load.Exec(ctx, d, t.create); err != nil {
			return fail(err)
		}
	}
	before, err := size()
	if err != nil {
		return fail(fmt.Errorf("size on disk before the load: %w", err))
	}
	var r Result
	for _, t := range c.tables {
		out := &counted{}
		err := load.Copy(ctx, d, p, t.name, t.columns, c.rows, func(rows *load.Rows) error {
			out.Rows = rows
			return t.fill(out, c.seed, c.rows)
		})
		if err != nil {
			return fail(err)
		}
		r.LogicalBytes += out.bytes
		r.Rows += c.rows
	}
	after, err := size()
	if err != nil {
		return fail(fmt.Errorf("size on disk after the load: %w", err))
	}
	r.DiskBytes = after - before
	if r.DiskBytes <= 0 {
		return r, fmt.Errorf("workload %s: the database had %d bytes on disk before the load and %d after it: the load is not there yet, or "+
			"something else was removed meanwhile", name, before, after)
	}
	return r, nil
}

// Check verifies that the tables hold what was loaded, so that nothing was won by leaving something out.
func (c *Compression) Check(ctx context.Context, d db.DB) error {
	var errs []error
	for _, t := range c.tables {
		want := &counted{}
		if err := t.fill(want, c.seed, c.rows); err != nil {
			return err
		}
		got, err := load.Ints(ctx, d, t.sums)
		if err != nil {
			return err
		}
		if got[0] != c.rows || got[1] != want.sum || got[2] != want.text {
			errs = append(errs, fmt.Errorf("table %s: %d rows with a sum of %d and %d characters, want %d, %d and %d",
				t.name, got[0], got[1], got[2], c.rows, want.sum, want.text))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("workload %s: %w", name, err)
	}
	return nil
}

// Drop removes the tables.
func (c *Compression) Drop(ctx context.Context, d db.DB) error {
	names := make([]string, len(c.tables))
	for i, t := range c.tables {
		names[i] = t.name
	}
	return load.Drop(ctx, d, names...)
}
