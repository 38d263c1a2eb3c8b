package storage

import (
	"context"
	"errors"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/services/storage/internal/mvcc"
	"github.com/attunedb/attune/services/storage/internal/ranges"
)

func errSchemaMoved(err error) error {
	return sqlerr.New(sqlerr.SerializationFailure, "could not commit because a table's schema has changed: %w", err)
}

// asSQL gives an error of the parts below the SQLSTATE that callers act on.
func asSQL(err error) error {
	var not *ranges.NotLeaderError
	switch {
	case err == nil || sqlerr.As(err) != nil:
		return err
	case errors.Is(err, mvcc.ErrTooOld):
		return sqlerr.New(sqlerr.SerializationFailure, "snapshot too old: %w", err).
			WithHint("The transaction has run for longer than replaced rows are kept.")
	case errors.As(err, &not):
		return sqlerr.New(sqlerr.CannotConnectNow, "%w", err).WithHint("Try again.")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return sqlerr.New(sqlerr.QueryCanceled, "canceling statement: %w", err)
	}
	return err
}
