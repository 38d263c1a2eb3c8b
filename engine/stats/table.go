package stats

import (
	"time"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// CommonValue is a frequent value.
type CommonValue struct {
	Value types.Datum
	// Frequency is its share of all rows, NULLs included, 0 to 1.
	Frequency float64
}

// Column is what is known of one column.
type Column struct {
	// NullFraction is the share of NULLs, 0 to 1.
	NullFraction float64
	// Distinct is the estimated number of distinct values, NULL not counted.
	Distinct float64
	// WidthBytes is the average size of a value.
	WidthBytes float64
	// MostCommon are frequent values, most frequent first.
	MostCommon []CommonValue
	// Histogram are the bounds of equi-depth buckets over the values that are neither NULL nor most common, ascending; nil
	// when there are fewer than two such values.
	Histogram []types.Datum
	// Min and Max are the extreme values; NULL when unknown.
	Min, Max types.Datum
	// Correlation is that between row order and value order, -1 to 1.
	Correlation float64
}

// Table is what is known of one table.
type Table struct {
	ID catalog.TableID
	// RowCount is kept up to date with every commit.
	RowCount float64
	// ModifiedRows counts rows written or deleted since the rest was built.
	ModifiedRows float64
	// RowBytes is the average size of a row.
	RowBytes float64
	// Columns has one entry for every column, in ordinal order.
	Columns []Column
	// Sample is a uniform sample of rows with all columns in ordinal order; nil when there is none.
	Sample *vec.Batch
	// Built is when the statistics were gathered, Version grows with every gathering.
	Built   time.Time
	Version uint64
}
