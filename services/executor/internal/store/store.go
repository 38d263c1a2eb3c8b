package store

import (
	"context"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/services/executor/internal/exec"
)

// Reader reads rows at a snapshot.
type Reader interface {
	exec.Store
	// Timestamp gives a snapshot that sees every commit acknowledged before the call.
	Timestamp(ctx context.Context) (uint64, error)
}

// Writer changes rows. A request for another version of a table than storage knows fails with access.ErrStaleSchema; a lost race
// with another transaction fails with 40001.
type Writer interface {
	// Write stages mutations of a transaction, all or none, and commits when asked to.
	Write(ctx context.Context, w *access.Write) (*access.Written, error)
	// Commit makes a transaction's staged writes durable and visible. Repeating it gives the same answer.
	Commit(ctx context.Context, txn uint64) (uint64, error)
	// Rollback forgets a transaction's staged writes; an unknown transaction is no error.
	Rollback(ctx context.Context, txn uint64) error
	// Heartbeat keeps transactions from expiring and returns those that storage does not know.
	Heartbeat(ctx context.Context, txns []uint64) ([]uint64, error)
}

// Maintainer does what DDL needs.
type Maintainer interface {
	// BuildIndex fills a write-only index from the rows.
	BuildIndex(ctx context.Context, table catalog.TableID, index catalog.IndexID, catalogRevision int64) (*access.IndexBuilt, error)
	// DeleteSpan removes all versions of all keys in a span.
	DeleteSpan(ctx context.Context, span access.Span) error
	// Analyze builds the statistics of tables anew, of all for none.
	Analyze(ctx context.Context, tables []catalog.TableID) error
}

// Store is all of storage. It is safe for concurrent use.
type Store interface {
	Reader
	Writer
	Maintainer
}
