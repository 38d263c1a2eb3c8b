package access

import (
	"context"
	"time"

	"github.com/attunedb/attune/engine/bloom"
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// Snapshot says as of when, and for whom, to read.
type Snapshot struct {
	// Timestamp is the read timestamp; 0 for the newest, allowed for single requests outside a transaction.
	Timestamp uint64
	// Txn is the transaction whose own staged writes are seen too, 0 for none.
	Txn uint64
	// CatalogRevision must have been seen by the node first.
	CatalogRevision int64
}

// TableVersion names a table as of one version of its schema.
type TableVersion struct {
	ID      catalog.TableID
	Version uint64
}

// Bloom drops rows whose columns' hash is not in a filter.
type Bloom struct {
	// Columns are positions in the output, hashed together by compute.Hash in this order.
	Columns []int
	Filter  *bloom.Filter
}

// Span is a part of the ordered key space: Start inclusive, End exclusive.
type Span struct{ Start, End []byte }

// Scan asks for the rows of a span of an index.
type Scan struct {
	Snapshot Snapshot
	Table    TableVersion
	// Index is the index whose keys are walked; catalog.PrimaryIndex for the rows themselves.
	Index   catalog.IndexID
	Span    Span
	Reverse bool
	// Columns are the table's ordinals to return, in output order.
	Columns []int
	// Filter is over the output; nil for none. Its parameters are Params.
	Filter expr.Expr
	Params []types.Datum
	// Limit is the number of rows wanted after all filters, 0 for all.
	Limit  int64
	Blooms []Bloom
	// BatchRows is the number of rows of a batch, 0 for storage's choice.
	BatchRows int
	// Zone is the session's time zone, nil for UTC.
	Zone *time.Location
}

// Rows is a stream of batches. It has one user at a time.
type Rows interface {
	// Next returns the next batch, which is the caller's to read for good, or io.EOF.
	Next(ctx context.Context) (*vec.Batch, error)
	// Counters tells what was read so far.
	Counters() Counters
	// Close ends the stream early or late; it may be called twice.
	Close()
}

// Counters is the work behind a stream.
type Counters struct {
	// ExaminedRows counts rows before filters.
	ExaminedRows uint64
	// ReadBytes counts keys and values read.
	ReadBytes uint64
}

// Lookup asks for the rows under keys of an index.
type Lookup struct {
	Snapshot Snapshot
	Table    TableVersion
	Index    catalog.IndexID
	// Keys are encoded key prefixes, index prefix included; a complete primary key gives one row at most.
	Keys    [][]byte
	Columns []int
	Filter  expr.Expr
	Params  []types.Datum
	Zone    *time.Location
}

// Found answers a Lookup: rows of one key together, keys in request order.
type Found struct {
	Batch *vec.Batch
	// Key gives, for each row of Batch, the index of its key in the request.
	Key []int32
}
