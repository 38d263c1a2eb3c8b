package bench

import (
	"context"
	"time"
)

// Op is one operation: what it was, and how it went.
type Op struct {
	// Kind is what was done, an index into Subject.Kinds. The worker chooses and sets it.
	Kind int
	// Start is from when latency counts. The runner sets it: the intended start where arrivals are scheduled, so that waiting for
	// a busy worker counts (no coordinated omission), else the moment the operation was handed over.
	Start time.Time
	// End is when its answer was complete. The worker sets it.
	End time.Time
	// Rows and Bytes are what it read or wrote, as the workload counts them. Retries is how often it began anew.
	Rows, Bytes int64
	Retries     int
	// Err is why it failed; a failed operation counts as an error and not in throughput or latency.
	Err error
}

// Subject is what is measured. Its methods may be called by several goroutines.
type Subject interface {
	// Kinds names the kinds of operations, such as "read" and "update".
	Kinds() []string
	// Worker opens the worker with this number, counted from 0: its random choices depend on the number and on the run's seed alone.
	// Workers with the same number in two runs do the same operations.
	Worker(ctx context.Context, id int) (Worker, error)
}

// Worker runs operations for one user at a time. It holds a connection, or shares one.
type Worker interface {
	// Run chooses and runs len(ops) operations, sent together where the subject can pipeline, and sets Kind, End, Rows, Bytes, Retries
	// and Err of each. It returns when all have ended; when ctx ends, those under way fail with its error.
	Run(ctx context.Context, ops []Op)
	// Close releases the worker's connection.
	Close() error
}

// Sharer is a Subject that may say that its workers can share connections: without it, or if it does not, fewer Connections than
// Threads are refused.
type Sharer interface {
	SharesConnections() bool
}
