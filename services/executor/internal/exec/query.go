package exec

import (
	"context"
	"errors"
	"time"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/forest"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// ErrStop may be returned by the emit function of Run: the caller has enough, and Run ends without error.
var ErrStop = errors.New("exec: stop")

// Store is what the engine reads from: the storage service, in the same process or behind gRPC. It is safe
// for concurrent use.
type Store interface {
	// Scan streams the rows of a span.
	Scan(ctx context.Context, req *access.Scan) (access.Rows, error)
	// Split returns about n sub-spans of the request's span, in key order, covering it.
	Split(ctx context.Context, req *access.Scan, n int) ([]access.Span, error)
	// Lookup returns the rows under a batch of keys.
	Lookup(ctx context.Context, req *access.Lookup) (*access.Found, error)
}

// Query is one execution of a plan. It is read-only while Run runs.
type Query struct {
	Plan *physical.Plan
	// Params are $1 … $n, then the literals of the statement.
	Params   []types.Datum
	Env      *compute.Env
	Store    Store
	Snapshot access.Snapshot
	// Parallelism is the most workers of a pipeline; 0 is 1.
	Parallelism int
	// BatchRows is the size of the batches asked of storage and made by sources; 0 is vec.BatchSize.
	BatchRows int
	// MemoryBytes bounds what operators hold; 0 is no bound.
	MemoryBytes int64
	// RuntimeFilters lets joins send Bloom filters of their build keys to scans.
	RuntimeFilters bool
}

// NodeStats is what one plan node did.
type NodeStats struct {
	// Rows came out of the node; Complete says that it ran to its end, so that this is the true count.
	Rows     uint64
	Complete bool
	// ExaminedRows and Bytes are what a scan read, or Bytes what another operator held.
	ExaminedRows, Bytes uint64
	// Nanos is the time in the node itself, over all workers.
	Nanos int64
	// Extra are facts for EXPLAIN ANALYZE, such as "Filter rows": "12".
	Extra map[string]string
}

// PipelineStats is what one pipeline took, in the cost model's terms.
type PipelineStats struct {
	Features    forest.PipelineFeatures
	SourceRows  float64
	Nanos       int64
	Parallelism int
}

// Stats is what an execution did.
type Stats struct {
	Nanos     int64
	Rows      uint64
	PeakBytes int64
	// Nodes is keyed by node ID; nodes that were never reached are missing.
	Nodes map[int]NodeStats
	// Pipelines are those that ran to their end.
	Pipelines []PipelineStats
}

// Run executes the query and hands its rows to emit, one call at a time, in batches without selection. Stats
// are returned with an error too, as far as they are known. Writes are not for Run: it executes their input.
func Run(ctx context.Context, q *Query, emit func(*vec.Batch) error) (*Stats, error) {
	start := time.Now()
	var s *Stats
	var err error
	withTemplate(ctx, q.Plan.TemplateID, func(ctx context.Context) {
		r := newRun(ctx, q, emit)
		err = r.execute(q.Plan.Root)
		s = r.stats()
	})
	s.Nanos = time.Since(start).Nanoseconds()
	return s, err
}

func (q *Query) batchRows() int {
	if q.BatchRows > 0 {
		return q.BatchRows
	}
	return vec.BatchSize
}
