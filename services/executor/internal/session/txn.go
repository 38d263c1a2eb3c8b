package session

import (
	"context"
	"errors"
	"time"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/services/executor/internal/store"
)

// txn is an open transaction.
type txn struct {
	id uint64
	// ts is the snapshot, 0 until the first statement takes it.
	ts uint64
	// implicit transactions end at the end of a script or at Sync, and are idle to the client.
	implicit, readOnly, failed bool
	// staged tells that storage may hold writes.
	staged bool
	start  time.Time
	// undo takes back, last first, what a rollback cannot: objects made in the transaction.
	undo []func(context.Context) error
}

// TxnStatus returns PostgreSQL's status: 'I' outside a transaction, 'T' in one, 'E' in a failed one.
func (s *Session) TxnStatus() byte {
	switch {
	case s.txn == nil || s.txn.implicit:
		return 'I'
	case s.txn.failed:
		return 'E'
	}
	return 'T'
}

func errAborted() error {
	return sqlerr.New(sqlerr.InFailedSQLTransaction, "current transaction is aborted, commands ignored until end of transaction block")
}

// begin opens a transaction.
func (s *Session) begin(implicit bool) {
	s.txn = &txn{id: newTxnID(), implicit: implicit, start: s.m.deps.Clock(), readOnly: s.settings.allReadOnly}
}

// fail marks an open transaction as failed after an error.
func (s *Session) fail() {
	if s.txn != nil {
		s.txn.failed = true
	}
}

// stamp returns the snapshot of a statement: the transaction's, or a fresh one.
func (s *Session) stamp(ctx context.Context) (access.Snapshot, error) {
	snap := access.Snapshot{CatalogRevision: s.m.snapshot().Revision}
	var err error
	if s.txn == nil {
		snap.Timestamp, err = s.m.deps.Store.Timestamp(ctx)
		return snap, err
	}
	if err := s.stillThere(); err != nil {
		return snap, err
	}
	if s.txn.ts == 0 {
		if s.txn.ts, err = s.m.deps.Store.Timestamp(ctx); err != nil {
			return snap, err
		}
	}
	snap.Timestamp = s.txn.ts
	if s.txn.staged {
		snap.Txn = s.txn.id
	}
	return snap, nil
}

// stillThere fails when storage has forgotten the transaction's writes.
func (s *Session) stillThere() error {
	if s.txn.staged && s.lost.Load() == s.txn.id {
		return sqlerr.New(sqlerr.SerializationFailure, "the transaction's writes were lost, because storage was away for too long").
			WithHint("Run the transaction again.")
	}
	return nil
}

// stage marks that storage holds writes of the transaction.
func (s *Session) stage() {
	if !s.txn.staged {
		s.txn.staged = true
		s.m.track(s.txn.id, s)
	}
}

// commit ends the transaction, by a rollback if it has failed; done tells which.
func (s *Session) commit(ctx context.Context) (done bool, err error) {
	t := s.txn
	if t == nil {
		return true, nil
	}
	if t.failed {
		return false, s.rollback(ctx)
	}
	if err := s.stillThere(); err != nil {
		return false, errors.Join(err, s.rollback(ctx))
	}
	if t.staged {
		if err := store.Commit(ctx, s.m.deps.Store, t.id); err != nil {
			// A lost answer leaves open whether it committed, so nothing is undone then.
			if sqlerr.CodeOf(err) != sqlerr.StatementCompletionUnknown {
				err = errors.Join(err, s.rollback(ctx))
			} else {
				s.endTxn(false)
			}
			return false, err
		}
	}
	s.endTxn(true)
	return true, nil
}

// rollback ends the transaction without its changes.
func (s *Session) rollback(ctx context.Context) error {
	t := s.txn
	if t == nil {
		return nil
	}
	s.endTxn(false)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	var errs []error
	if t.staged {
		errs = append(errs, s.m.deps.Store.Rollback(ctx, t.id))
	}
	for i := len(t.undo) - 1; i >= 0; i-- {
		errs = append(errs, t.undo[i](ctx))
	}
	if err := errors.Join(errs...); err != nil {
		// Storage forgets the transaction by itself when it hears nothing more of it.
		s.m.deps.Log.Warn("a rollback did not reach storage", "session", s.id, "error", err)
	}
	return nil
}

// endTxn forgets the transaction and settles its settings.
func (s *Session) endTxn(committed bool) {
	if s.txn.staged {
		s.m.track(s.txn.id, nil)
	}
	s.txn = nil
	before := s.reportedValues()
	s.settings.end(committed)
	s.reportChanges(before)
}

// reportedValues returns the reported settings if the transaction changed any setting, nil otherwise.
func (s *Session) reportedValues() []Setting {
	if s.settings.saved == nil || s.opts.OnSetting == nil {
		return nil
	}
	return s.Reported()
}

func (s *Session) reportChanges(before []Setting) {
	for _, b := range before {
		if _, v, ok := s.settings.get(lower(b.Name)); ok && v != b.Value {
			s.opts.OnSetting(b.Name, v)
		}
	}
}

// Sync ends an implicit transaction: it commits, or rolls back after a failure.
func (s *Session) Sync(ctx context.Context) error {
	if s.txn == nil || !s.txn.implicit {
		return nil
	}
	ctx, cancel, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer s.leave(cancel)
	_, err = s.commit(ctx)
	return s.failure(ctx, err)
}

// Fail marks an open transaction as failed because of an error that the door found.
func (s *Session) Fail() { s.fail() }
