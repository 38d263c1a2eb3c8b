package store

import (
	"context"
	"errors"
	"time"

	"github.com/attunedb/attune/engine/sqlerr"
)

// commitTimeout bounds the wait for a commit's answer.
const commitTimeout = 30 * time.Second

// Detach returns a context for a commit: once it is sent, nothing but its answer tells whether it took effect, so neither a
// cancelled statement nor a client that left ends the wait for it.
func Detach(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
}

// Settled returns the error of a commit that was sent under a detached context: when its answer did not come in time, nobody
// knows the outcome.
func Settled(err error) error {
	if !errors.Is(err, context.DeadlineExceeded) && sqlerr.CodeOf(err) != sqlerr.QueryCanceled {
		return err
	}
	return sqlerr.New(sqlerr.StatementCompletionUnknown, "the commit was sent, but its answer did not come: %w", err).
		WithHint("Read the data to see whether the transaction took effect.")
}

// Commit commits a transaction and waits for the answer whatever happens to ctx, unless ctx has ended already.
func Commit(ctx context.Context, w Writer, txn uint64) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	ctx, cancel := Detach(ctx)
	defer cancel()
	_, err := w.Commit(ctx, txn)
	return Settled(err)
}
