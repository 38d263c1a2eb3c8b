package txn

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/services/storage/internal/log"
)

// appliedName holds the number of the log's last applied record and the newest commit timestamp.
var appliedName = []byte("txn/applied")

type state uint8

const (
	open state = iota
	committing
	finished
	expired
)

// txn is a transaction that staged something.
type txn struct {
	id       uint64
	snapshot uint64

	mu    sync.Mutex
	state state
	tree  *Overlay
	bytes int64
	// versions are the schemas that the writes were made for.
	versions []Version
	used     time.Time
	// attempt is the commit under way, or the one that ended it.
	attempt *attempt
}

// attempt is one handing over of a transaction to the committer. ts and err are there when done is closed.
type attempt struct {
	done chan struct{}
	ts   uint64
	err  error
}

// outcome is what became of a transaction.
type outcome struct {
	ts      uint64
	err     error
	expired bool
}

// Manager runs the transactions of a store. It is safe for concurrent use. Commits wait until Run runs.
type Manager struct {
	cfg    Config
	deps   Deps
	oracle *Oracle
	queue  chan *request

	mu       sync.Mutex
	txns     map[uint64]*txn
	total    int64
	outcomes *outcomes
	// pins are snapshots that are read although no transaction has them, by number of readers.
	pins map[uint64]int
	// applied is at or above every applied commit and below every later one. inGroup tells that commits are on their way.
	applied uint64
	inGroup bool
	counts  Stats

	// What follows belongs to the committer.
	recent, shared *recent
	seq            log.Seq
	retained       []retained
	retainedBytes  int64
	failed         error
}

// retained is a group's part of the log.
type retained struct {
	last  log.Seq
	bytes int64
}

// New returns a manager over a store and its log, after applying what the log has and the store has not.
func New(ctx context.Context, cfg Config, deps Deps) (*Manager, error) {
	cfg = cfg.withDefaults()
	if deps.Clock == nil {
		deps.Clock = time.Now
	}
	oracle, err := NewOracle(deps.Store, deps.Clock, cfg.Window)
	if err != nil {
		return nil, err
	}
	m := &Manager{cfg: cfg, deps: deps, oracle: oracle, queue: make(chan *request, cfg.GroupCommits),
		txns: map[uint64]*txn{}, pins: map[uint64]int{}, outcomes: newOutcomes(cfg.Outcomes)}
	if err := m.recover(ctx); err != nil {
		return nil, err
	}
	if m.applied, err = oracle.Next(); err != nil {
		return nil, err
	}
	// Every transaction of before is gone, so nothing reads or writes as of an older moment and commits.
	m.recent, m.shared = newRecent(cfg.RecentKeys, m.applied), newRecent(cfg.RecentKeys, m.applied)
	return m, nil
}

// recover applies the log's records that the store has not seen, and remembers the outcomes that the log still tells.
func (m *Manager) recover(ctx context.Context) error {
	applied := log.Seq(0)
	b, ok, err := m.deps.Store.System(nil, appliedName)
	if err != nil {
		return fmt.Errorf("txn: recover: %w", err)
	}
	if ok {
		if len(b) != 16 {
			return errors.New("txn: malformed applied position")
		}
		applied = log.Seq(binary.LittleEndian.Uint64(b))
		m.oracle.last = max(m.oracle.last, binary.LittleEndian.Uint64(b[8:]))
	}
	if m.seq, err = m.deps.Log.Tail(ctx); err != nil {
		return fmt.Errorf("txn: recover: %w", err)
	}
	if m.seq < applied {
		return fmt.Errorf("txn: the store is at record %d, the log ends at %d: %w", applied, m.seq, log.ErrCorrupt)
	}
	head, err := m.deps.Log.Head(ctx)
	if err != nil {
		return fmt.Errorf("txn: recover: %w", err)
	}
	if head > applied+1 {
		return fmt.Errorf("txn: the store is at record %d, the log begins at %d: %w", applied, head, log.ErrTrimmed)
	}
	// What is there goes when as much has come.
	m.retained, m.retainedBytes = []retained{{last: m.seq, bytes: m.cfg.LogRetainBytes}}, m.cfg.LogRetainBytes
	err = m.deps.Log.Read(ctx, head, func(e log.Entry) error {
		c, err := decodeRecord(append([]byte(nil), e.Payload...))
		if err != nil {
			return fmt.Errorf("txn: record %d: %w", e.Seq, err)
		}
		m.outcomes.add(c.TxnID, outcome{ts: c.Timestamp})
		if e.Seq <= applied {
			return nil
		}
		return m.replay(c, e.Seq)
	})
	if err != nil {
		return fmt.Errorf("txn: recover: %w", err)
	}
	return nil
}

// replay applies one commit of the log.
func (m *Manager) replay(c Commit, seq log.Seq) error {
	batch := m.deps.Store.NewBatch()
	commits := []Commit{c}
	if err := m.fill(batch, commits, seq); err != nil {
		return errors.Join(err, batch.Close())
	}
	if err := batch.Commit(false); err != nil {
		return err
	}
	m.oracle.last = max(m.oracle.last, c.Timestamp)
	if m.deps.Applied != nil {
		m.deps.Applied(commits)
	}
	return nil
}

// Timestamp returns a snapshot that sees every commit acknowledged so far.
func (m *Manager) Timestamp() (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.timestampLocked()
}

func (m *Manager) timestampLocked() (uint64, error) {
	if !m.inGroup {
		ts, err := m.oracle.Current()
		if err != nil {
			return 0, err
		}
		m.applied = max(m.applied, ts)
	}
	return m.applied, nil
}

// Overlay returns what a transaction has staged, nil for nothing. It fails for a transaction that expired.
func (m *Manager) Overlay(id uint64) (*Overlay, error) {
	if id == 0 {
		return nil, nil
	}
	m.mu.Lock()
	t := m.txns[id]
	o, gone := m.outcomes.get(id)
	m.mu.Unlock()
	if t == nil {
		if gone && o.expired {
			return nil, errExpired(id)
		}
		return nil, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state == expired {
		return nil, errExpired(id)
	}
	t.used = m.deps.Clock()
	return &Overlay{tree: t.tree.tree.Copy()}, nil
}

func errExpired(id uint64) error {
	return sqlerr.New(sqlerr.SerializationFailure, "transaction %x was idle for too long and has been rolled back", id)
}

func errUnknown(id uint64) error {
	return sqlerr.New(sqlerr.NoActiveSQLTransaction, "transaction %x is not known to storage", id).
		WithDetail("It expired, was rolled back, staged nothing, or finished too long ago to be remembered.")
}

func errConflict() error {
	return sqlerr.New(sqlerr.SerializationFailure, "could not serialize access due to concurrent update")
}

func errConflictDelete() error {
	return sqlerr.New(sqlerr.SerializationFailure, "could not serialize access due to concurrent delete")
}

// Rollback forgets what a transaction staged. A commit that is under way is not stopped.
func (m *Manager) Rollback(id uint64) {
	m.mu.Lock()
	t := m.txns[id]
	m.mu.Unlock()
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state == open {
		m.end(t, finished, nil)
	}
}

// end forgets a transaction, whose lock is held, and remembers its outcome.
func (m *Manager) end(t *txn, s state, o *outcome) {
	t.state, t.tree = s, nil
	m.mu.Lock()
	m.total -= t.bytes
	delete(m.txns, t.id)
	if o != nil {
		m.outcomes.add(t.id, *o)
	}
	m.mu.Unlock()
}

// Heartbeat keeps transactions from expiring and returns those that are not known.
func (m *Manager) Heartbeat(ids []uint64) (unknown []uint64) {
	now := m.deps.Clock()
	for _, id := range ids {
		m.mu.Lock()
		t := m.txns[id]
		m.mu.Unlock()
		if t == nil {
			unknown = append(unknown, id)
			continue
		}
		t.mu.Lock()
		t.used = now
		t.mu.Unlock()
	}
	return unknown
}

// Expire rolls back the transactions that were idle for too long, and returns how many.
func (m *Manager) Expire() int {
	deadline := m.deps.Clock().Add(-m.cfg.IdleTimeout)
	m.mu.Lock()
	all := make([]*txn, 0, len(m.txns))
	for _, t := range m.txns {
		all = append(all, t)
	}
	m.mu.Unlock()
	n := 0
	for _, t := range all {
		t.mu.Lock()
		if t.state == open && t.used.Before(deadline) {
			m.end(t, expired, &outcome{err: errExpired(t.id), expired: true})
			n++
		}
		t.mu.Unlock()
	}
	return n
}

// OldestSnapshot returns the lowest snapshot of the transactions that staged something and of the pins, the largest timestamp when
// there is none.
func (m *Manager) OldestSnapshot() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	oldest := uint64(math.MaxUint64)
	for _, t := range m.txns {
		oldest = min(oldest, t.snapshot)
	}
	for ts := range m.pins {
		oldest = min(oldest, ts)
	}
	return oldest
}

// Pin returns a snapshot that OldestSnapshot respects until release is called.
func (m *Manager) Pin() (ts uint64, release func(), err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if ts, err = m.timestampLocked(); err != nil {
		return 0, nil, err
	}
	m.pins[ts]++
	return ts, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.pins[ts]--; m.pins[ts] == 0 {
			delete(m.pins, ts)
		}
	}, nil
}

// Stats are a manager's measures.
type Stats struct {
	Txns        int
	StagedBytes int64
	// Commits, Groups and Refused count since the start: what committed, in how many appends, and what was refused at commit.
	Commits, Groups, Refused uint64
}

// Stats returns the measures.
func (m *Manager) Stats() Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := m.counts
	out.Txns, out.StagedBytes = len(m.txns), m.total
	return out
}

// outcomes is a bounded memory of outcomes, in order of arrival. It is not safe for concurrent use.
type outcomes struct {
	byID  map[uint64]outcome
	order []uint64
	at    int
}

func newOutcomes(limit int) *outcomes {
	return &outcomes{byID: map[uint64]outcome{}, order: make([]uint64, limit)}
}

func (o *outcomes) get(id uint64) (outcome, bool) {
	v, ok := o.byID[id]
	return v, ok
}

func (o *outcomes) add(id uint64, v outcome) {
	if id == 0 {
		return
	}
	if _, ok := o.byID[id]; !ok {
		delete(o.byID, o.order[o.at])
		o.order[o.at] = id
		o.at = (o.at + 1) % len(o.order)
	}
	o.byID[id] = v
}
