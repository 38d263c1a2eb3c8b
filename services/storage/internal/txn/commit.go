package txn

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/services/storage/internal/log"
	"github.com/attunedb/attune/services/storage/internal/mvcc"
)

// request asks the committer for something: to commit a transaction, or to delete a span.
type request struct {
	txn *txn
	// direct, when txn is nil, are the mutations to make, at timestamp at where that is not 0; done is told how it went.
	direct []Mutation
	at     uint64
	done   chan error
}

// Commit makes a transaction durable and visible, and returns the timestamp from which it is seen. Repeating it gives the
// same answer. When ctx ends first the commit goes on; asking again tells its outcome.
func (m *Manager) Commit(ctx context.Context, id uint64) (uint64, error) {
	m.mu.Lock()
	t := m.txns[id]
	o, done := m.outcomes.get(id)
	m.mu.Unlock()
	if t == nil {
		if done {
			return o.ts, o.err
		}
		return 0, errUnknown(id)
	}
	t.mu.Lock()
	if t.state == expired || t.attempt == nil && t.state == finished {
		t.mu.Unlock()
		return 0, errUnknown(id)
	}
	handOver := t.state == open
	if handOver {
		t.state, t.attempt = committing, &attempt{done: make(chan struct{})}
	}
	a := t.attempt
	t.mu.Unlock()
	if handOver {
		select {
		case m.queue <- &request{txn: t}:
		case <-ctx.Done():
			t.mu.Lock()
			// It was not handed over, so it may be tried again; whoever else waits for this attempt is told so.
			t.state = open
			a.err = ctx.Err()
			close(a.done)
			t.mu.Unlock()
			return 0, ctx.Err()
		}
	}
	select {
	case <-a.done:
		return a.ts, a.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// DeleteSpan removes all keys from start up to but not including end, with their history. It is durable when it returns nil.
func (m *Manager) DeleteSpan(ctx context.Context, start, end []byte) error {
	return m.direct(ctx, &request{direct: []Mutation{{Kind: DeleteSpan, Key: start, Value: end}}})
}

// Backfill writes values into the past: as if they had been put at the moment ts, a pinned snapshot, so that later writes of the same
// keys stand. A transaction that saw one of the keys missing and has not committed yet conflicts. It is durable when it returns nil.
func (m *Manager) Backfill(ctx context.Context, ts uint64, puts []Mutation) error {
	return m.direct(ctx, &request{direct: puts, at: ts})
}

// Barrier returns when every commit that was checked before the call is applied.
func (m *Manager) Barrier(ctx context.Context) error { return m.direct(ctx, &request{}) }

func (m *Manager) direct(ctx context.Context, r *request) error {
	r.done = make(chan error, 1)
	select {
	case m.queue <- r:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Run commits, renews the oracle's window and expires transactions until ctx ends, and returns what stopped it otherwise. Commits
// that still wait then fail.
func (m *Manager) Run(ctx context.Context) error {
	housekeeping := make(chan struct{})
	go func() {
		defer close(housekeeping)
		m.keepHouse(ctx)
	}()
	defer func() { <-housekeeping }()
	for {
		select {
		case <-ctx.Done():
			m.refuse(sqlerr.New(sqlerr.AdminShutdown, "storage is shutting down"))
			return nil
		case r := <-m.queue:
			m.commitGroup(ctx, m.gather(r))
		}
	}
}

func (m *Manager) keepHouse(ctx context.Context) {
	tick := time.NewTicker(max(min(m.cfg.IdleTimeout, m.cfg.Window)/4, 10*time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			m.Expire()
			// A failed renewal is met again by whoever needs a timestamp.
			_ = m.oracle.Renew()
		}
	}
}

// gather returns r and what else waits, up to the bounds of a group.
func (m *Manager) gather(r *request) []*request {
	group := []*request{r}
	size := int64(0)
	for {
		if t := group[len(group)-1].txn; t != nil {
			size += t.bytes
		}
		if len(group) >= m.cfg.GroupCommits || size >= m.cfg.GroupBytes {
			return group
		}
		select {
		case next := <-m.queue:
			group = append(group, next)
		default:
			return group
		}
	}
}

// refuse fails everything that waits.
func (m *Manager) refuse(err error) {
	for {
		select {
		case r := <-m.queue:
			m.settle(r, 0, err)
		default:
			return
		}
	}
}

// settle tells a request its outcome.
func (m *Manager) settle(r *request, ts uint64, err error) {
	if r.txn == nil {
		r.done <- err
		return
	}
	t := r.txn
	t.mu.Lock()
	defer t.mu.Unlock()
	t.attempt.ts, t.attempt.err = ts, err
	m.end(t, finished, &outcome{ts: ts, err: err})
	close(t.attempt.done)
}

// group is the part of a group that passed validation.
type group struct {
	requests []*request
	commits  []Commit
	records  [][]byte
	bytes    int64
	// start is at or above every commit before the group.
	start uint64
	// deleted are the keys that this group deletes.
	deleted map[string]bool
}

// writes reports whether a commit of the group writes a key. It looks at every one.
func (g *group) writes(key []byte) bool {
	for i := range g.commits {
		for _, mu := range g.commits[i].Mutations {
			if mu.Kind != Require && mu.Kind != DeleteSpan && bytes.Equal(mu.Key, key) {
				return true
			}
		}
	}
	return false
}

func (m *Manager) commitGroup(ctx context.Context, requests []*request) {
	if m.failed != nil {
		for _, r := range requests {
			m.settle(r, 0, m.failed)
		}
		return
	}
	m.mu.Lock()
	m.inGroup = true
	g := &group{deleted: map[string]bool{}, start: m.applied}
	m.mu.Unlock()
	last := uint64(0)
	var idle []*request
	for _, r := range requests {
		ts, err := m.admit(g, r)
		switch {
		case err != nil:
			m.settle(r, 0, err)
		case ts == 0:
			idle = append(idle, r)
		default:
			last = ts
		}
	}
	var err error
	if len(g.commits) > 0 {
		err = m.append(ctx, g)
	}
	m.mu.Lock()
	m.counts.Refused += uint64(len(requests) - len(g.requests) - len(idle))
	if err == nil {
		m.applied = max(m.applied, last)
		m.counts.Commits += uint64(len(g.commits))
		m.counts.Groups += min(uint64(len(g.commits)), 1)
	} else {
		m.failed = sqlerr.New(sqlerr.IOError, "storage cannot commit: %w", err).
			WithHint("The node recovers from its log when it is started again.")
	}
	// After a failure no snapshot may pass the commits whose fate is unknown.
	m.inGroup = err != nil
	m.mu.Unlock()
	if err == nil && m.deps.Applied != nil && len(g.commits) > 0 {
		// Before the acknowledgements: whoever has one finds the commit in what is derived from commits.
		m.deps.Applied(g.commits)
	}
	for _, r := range idle {
		m.settle(r, 0, err)
	}
	for i, r := range g.requests {
		if err != nil {
			m.settle(r, 0, sqlerr.New(sqlerr.StatementCompletionUnknown, "it is not known whether the transaction committed: %w", err))
			continue
		}
		m.settle(r, g.commits[i].Timestamp, nil)
	}
	if err != nil || len(g.commits) == 0 {
		return
	}
	if err := m.trim(ctx, g); err != nil {
		m.failed = sqlerr.New(sqlerr.IOError, "storage cannot trim its log: %w", err)
	}
}

// admit validates a request against all commits before it and adds it to the group. The timestamp is 0 for one that has
// nothing to commit.
func (m *Manager) admit(g *group, r *request) (uint64, error) {
	c := Commit{}
	if r.txn == nil {
		if c.Mutations = r.direct; len(c.Mutations) == 0 {
			return 0, nil
		}
	} else {
		t := r.txn
		t.mu.Lock()
		defer t.mu.Unlock()
		c.TxnID = t.id
		if t.tree.tree.Len() == 0 {
			return 0, nil
		}
		if m.deps.Check != nil {
			if err := m.deps.Check(t.versions); err != nil {
				return 0, err
			}
		}
		c.Mutations = make([]Mutation, 0, t.tree.tree.Len())
		var err error
		t.tree.tree.Scan(func(s staged) bool {
			if err = m.validate(g, &s); err != nil {
				return false
			}
			kind := s.kind
			if kind == Put && s.inserted {
				kind = Insert
			}
			c.Mutations = append(c.Mutations, Mutation{Kind: kind, Key: s.key, Value: s.value})
			return true
		})
		if err != nil {
			return 0, err
		}
	}
	ts, err := m.oracle.Next()
	if err != nil {
		return 0, err
	}
	c.Timestamp = ts
	if r.at != 0 {
		c.Timestamp = r.at
	}
	for i := range c.Mutations {
		switch mu := &c.Mutations[i]; mu.Kind {
		case Require:
			m.shared.touch(keyHash(mu.Key), ts)
		case Delete:
			g.deleted[string(mu.Key)] = true
			m.recent.touch(keyHash(mu.Key), ts)
		case Put, Insert:
			if len(g.deleted) > 0 {
				delete(g.deleted, string(mu.Key))
			}
			m.recent.touch(keyHash(mu.Key), ts)
		}
	}
	record := appendRecord(nil, &c)
	g.requests = append(g.requests, r)
	g.commits = append(g.commits, c)
	g.records = append(g.records, record)
	g.bytes += int64(len(record))
	return ts, nil
}

// validate checks one staged entry against what was committed since.
func (m *Manager) validate(g *group, s *staged) error {
	hash := keyHash(s.key)
	touched, known := m.recent.since(hash, s.since)
	if s.kind == Require {
		if known && !touched {
			return nil
		}
		if g.deleted[string(s.key)] {
			return errConflictDelete()
		}
		_, live, err := m.deps.Store.Newest(s.key)
		if err == nil && !live {
			err = errConflictDelete()
		}
		return err
	}
	if known && touched {
		return errConflict()
	}
	if !known {
		// The memory may be smaller than a group, whose writes are not in the store yet.
		if m.recent.low > g.start && g.writes(s.key) {
			return errConflict()
		}
		ts, _, err := m.deps.Store.Newest(s.key)
		if err != nil {
			return err
		}
		if ts > s.since {
			return errConflict()
		}
	}
	if s.kind == Delete {
		// What is not known of shared keys is nowhere else: the deletion has to give way.
		if touched, known := m.shared.since(hash, s.since); touched || !known {
			return errConflict()
		}
	}
	return nil
}

// append makes a group durable and applies it.
func (m *Manager) append(ctx context.Context, g *group) error {
	last := m.seq + log.Seq(len(g.records))
	batch := m.deps.Store.NewBatch()
	if err := m.fill(batch, g.commits, last); err != nil {
		return errors.Join(err, batch.Close())
	}
	// The group's commits belong to many callers, so no caller's context can end it, and neither does a shutdown.
	ctx = context.WithoutCancel(ctx)
	if l, ok := m.deps.Log.(log.Combined); ok {
		if _, err := l.AppendApply(ctx, m.seq, g.records, batch); err != nil {
			return err
		}
	} else {
		if _, err := m.deps.Log.Append(ctx, m.seq, g.records); err != nil {
			return errors.Join(err, batch.Close())
		}
		if err := batch.Commit(false); err != nil {
			return err
		}
	}
	m.seq = last
	return nil
}

// fill adds commits to the batch that applies them, with the number of the last one's record.
func (m *Manager) fill(batch *mvcc.Batch, commits []Commit, last log.Seq) error {
	for i := range commits {
		c := &commits[i]
		for j := range c.Mutations {
			mu := &c.Mutations[j]
			var err error
			switch mu.Kind {
			case Put, Insert:
				err = batch.Put(mu.Key, c.Timestamp, mu.Value)
			case Delete:
				err = batch.Delete(mu.Key, c.Timestamp)
			case DeleteSpan:
				err = batch.DeleteSpan(mu.Key, mu.Value)
			}
			if err != nil {
				return err
			}
		}
	}
	mark := binary.LittleEndian.AppendUint64(nil, uint64(last))
	mark = binary.LittleEndian.AppendUint64(mark, commits[len(commits)-1].Timestamp)
	if err := batch.SetSystem(appliedName, mark); err != nil {
		return err
	}
	if m.deps.Prepare != nil {
		if err := m.deps.Prepare(batch, commits); err != nil {
			return fmt.Errorf("txn: prepare: %w", err)
		}
	}
	return nil
}

// trim forgets the oldest groups of the log beyond what is to be retained.
func (m *Manager) trim(ctx context.Context, g *group) error {
	m.retained = append(m.retained, retained{last: m.seq, bytes: g.bytes})
	m.retainedBytes += g.bytes
	if m.retainedBytes < 2*m.cfg.LogRetainBytes {
		return nil
	}
	below := log.Seq(0)
	for m.retainedBytes > m.cfg.LogRetainBytes && len(m.retained) > 0 {
		below = m.retained[0].last + 1
		m.retainedBytes -= m.retained[0].bytes
		m.retained = m.retained[1:]
	}
	return m.deps.Log.Trim(ctx, below)
}
