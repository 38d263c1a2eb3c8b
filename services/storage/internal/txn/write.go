package txn

import (
	"fmt"
	"math"
	"slices"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/services/storage/internal/mvcc"
)

// Write stages mutations of transaction id, whose statement reads as of snapshot (0 for the newest moment), made for the given
// schemas. All are staged, or with a Violation or an error none. It takes ownership of the mutations.
func (m *Manager) Write(id, snapshot uint64, versions []Version, mutations []Mutation) (*Violation, error) {
	if id == 0 {
		return nil, sqlerr.New(sqlerr.InvalidTransactionState, "a write without a transaction")
	}
	t, current, err := m.begin(id, snapshot)
	if err != nil {
		return nil, err
	}
	if snapshot == 0 {
		snapshot = current
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state != open {
		return nil, sqlerr.New(sqlerr.InvalidTransactionState, "transaction %x has ended", id)
	}
	t.used = m.deps.Clock()
	s := staging{next: &Overlay{tree: t.tree.tree.Copy()}, snapshot: snapshot, checked: current, bytes: t.bytes}
	v, err := s.apply(m.deps.Store, mutations)
	if v == nil && err == nil {
		err = m.grow(t, s.bytes)
	}
	if v != nil || err != nil {
		if t.tree.tree.Len() == 0 {
			m.end(t, finished, nil)
		}
		return v, err
	}
	t.tree = s.next
	for _, v := range versions {
		if !slices.Contains(t.versions, v) {
			t.versions = append(t.versions, v)
		}
	}
	return nil, nil
}

// grow accounts for what a transaction, whose lock is held, has staged.
func (m *Manager) grow(t *txn, bytes int64) error {
	if bytes > m.cfg.MaxTxnBytes {
		return sqlerr.New(sqlerr.ProgramLimitExceeded, "transaction writes more than %d MiB", m.cfg.MaxTxnBytes>>20).
			WithHint("Write in smaller transactions.")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if bytes > t.bytes && m.total+bytes-t.bytes > m.cfg.MaxTotalBytes {
		return sqlerr.New(sqlerr.OutOfMemory, "open transactions hold more than %d MiB of writes", m.cfg.MaxTotalBytes>>20).
			WithHint("Retry when other transactions have ended.")
	}
	m.total += bytes - t.bytes
	t.bytes = bytes
	return nil
}

// begin returns the transaction, begun when it is not there yet, and a current timestamp.
func (m *Manager) begin(id, snapshot uint64) (*txn, uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	current, err := m.timestampLocked()
	if err != nil {
		return nil, 0, err
	}
	if snapshot > current {
		return nil, 0, sqlerr.New(sqlerr.InvalidTransactionState, "a snapshot of the future")
	}
	if t := m.txns[id]; t != nil {
		return t, current, nil
	}
	if o, ok := m.outcomes.get(id); ok {
		if o.expired {
			return nil, 0, o.err
		}
		return nil, 0, sqlerr.New(sqlerr.InvalidTransactionState, "transaction %x has ended", id)
	}
	if len(m.txns) >= m.cfg.MaxTxns {
		return nil, 0, sqlerr.New(sqlerr.ConfigurationLimitExceeded, "more than %d transactions are open", m.cfg.MaxTxns)
	}
	if snapshot == 0 {
		snapshot = current
	}
	if snapshot < m.deps.Store.Horizon() {
		return nil, 0, sqlerr.New(sqlerr.SerializationFailure, "snapshot too old: %w", mvcc.ErrTooOld)
	}
	t := &txn{id: id, snapshot: snapshot, tree: &Overlay{tree: newTree()}, used: m.deps.Clock()}
	m.txns[id] = t
	return t, current, nil
}

// staging applies mutations to a copy of what is staged.
type staging struct {
	next *Overlay
	// snapshot is as of when the statement reads; checked is a moment before the committed state was looked at.
	snapshot, checked uint64
	bytes             int64
	it                *mvcc.Iter
}

func (s *staging) apply(store *mvcc.Store, mutations []Mutation) (v *Violation, err error) {
	if s.snapshot < store.Horizon() {
		return nil, sqlerr.New(sqlerr.SerializationFailure, "snapshot too old: %w", mvcc.ErrTooOld)
	}
	defer func() {
		if s.it != nil {
			if cerr := s.it.Close(); err == nil {
				err = cerr
			}
		}
	}()
	for i := range mutations {
		mu := &mutations[i]
		if err := mvcc.CheckKey(mu.Key); err != nil {
			return nil, sqlerr.New(sqlerr.ProgramLimitExceeded, "key of %d bytes: %w", len(mu.Key), err)
		}
		prior, ok := s.next.tree.Get(staged{key: mu.Key})
		written := ok && prior.kind != Require
		next := staged{key: mu.Key, value: mu.Value, kind: Put, since: s.snapshot}
		if ok {
			next.since, next.inserted = prior.since, prior.inserted
			if !written {
				next.since = s.snapshot
			}
		}
		switch mu.Kind {
		case Put:
		case Insert:
			exists := written && prior.kind == Put
			if !written {
				if exists, err = s.live(store, mu.Key); err != nil {
					return nil, err
				}
				next.inserted = true
			}
			if exists {
				return &Violation{Mutation: i, Kind: Insert}, nil
			}
		case Delete:
			next.kind, next.value = Delete, nil
			if written && prior.inserted {
				s.next.tree.Delete(prior)
				s.bytes -= prior.bytes()
				continue
			}
		case Require:
			if written {
				if prior.kind == Delete {
					return &Violation{Mutation: i, Kind: Require}, nil
				}
				continue
			}
			if ok {
				continue
			}
			exists, err := s.live(store, mu.Key)
			if err != nil {
				return nil, err
			}
			if !exists {
				return &Violation{Mutation: i, Kind: Require}, nil
			}
			next.kind, next.value, next.since = Require, nil, s.checked
		default:
			return nil, sqlerr.New(sqlerr.ProtocolViolation, "mutation of kind %d", mu.Kind)
		}
		s.next.tree.Set(next)
		s.bytes += next.bytes()
		if ok {
			s.bytes -= prior.bytes()
		}
	}
	return nil, nil
}

// live reports whether a key has a committed value.
func (s *staging) live(store *mvcc.Store, key []byte) (bool, error) {
	if s.it == nil {
		var err error
		if s.it, err = store.NewIter(nil, []byte{mvcc.SystemPrefix}, math.MaxUint64, false); err != nil {
			return false, err
		}
	}
	found := s.it.Lookup(key)
	if err := s.it.Err(); err != nil {
		return false, fmt.Errorf("txn: %w", err)
	}
	return found, nil
}
