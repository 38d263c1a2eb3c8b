package coord

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/namespace"
)

// ErrClosed is returned by calls on a closed Mirror.
var ErrClosed = errors.New("coord: closed")

// Entry is one decoded key of a snapshot.
type Entry[T any] struct {
	Value       T
	ModRevision int64
}

// Snapshot is the state of a prefix at one revision. It is immutable; values are shared, so what they point to must not be
// changed. A nil *Snapshot is empty, at revision 0.
type Snapshot[T any] struct {
	revision int64
	entries  map[string]Entry[T]
	bad      map[string]error
}

// Revision is the revision that the snapshot is exact for.
func (s *Snapshot[T]) Revision() int64 {
	if s == nil {
		return 0
	}
	return s.revision
}

// Len returns the number of decoded keys.
func (s *Snapshot[T]) Len() int {
	if s == nil {
		return 0
	}
	return len(s.entries)
}

// Get returns the value of a key, given in full with the prefix.
func (s *Snapshot[T]) Get(key string) (T, bool) {
	e, ok := s.Entry(key)
	return e.Value, ok
}

// Entry returns the value of a key with its revision.
func (s *Snapshot[T]) Entry(key string) (Entry[T], bool) {
	if s == nil {
		return Entry[T]{}, false
	}
	e, ok := s.entries[key]
	return e, ok
}

// All iterates over the keys and values, in no order.
func (s *Snapshot[T]) All() iter.Seq2[string, T] {
	return func(yield func(string, T) bool) {
		if s == nil {
			return
		}
		for k, e := range s.entries {
			if !yield(k, e.Value) {
				return
			}
		}
	}
}

// Bad returns the keys whose present value could not be decoded, with the reason. The map must not be changed.
func (s *Snapshot[T]) Bad() map[string]error {
	if s == nil {
		return nil
	}
	return s.bad
}

// Change is one key that differs between two snapshots. A key that became undecodable counts as deleted.
type Change[T any] struct {
	Key     string
	Entry   Entry[T] // zero where Deleted
	Deleted bool
}

// Decode turns a key, given in full, and its value into a T. It must not keep value.
type Decode[T any] func(key string, value []byte) (T, error)

// Mirror keeps a decoded copy of a prefix, fed by a watch. Safe for concurrent use.
//
// A key whose value cannot be decoded is absent from the snapshot, listed in Bad and logged once per value; the rest goes on.
type Mirror[T any] struct {
	c      *Client
	prefix string
	decode Decode[T]

	watcher clientv3.Watcher
	cancel  context.CancelFunc
	done    chan struct{}
	// watchCtx carries the metadata that picks the watch's stream; a progress request must use the same to reach it.
	watchCtx context.Context

	snapshot atomic.Pointer[Snapshot[T]]

	mu        sync.Mutex
	seen      int64         // everything up to here is in snapshot and has passed the callbacks
	advanced  chan struct{} // closed and replaced when seen grows
	callbacks map[int]func(*Snapshot[T], []Change[T])
	nextID    int
	relists   int

	applying sync.Mutex // serializes a change and its callbacks against OnChange's first call
	asking   atomic.Bool
}

// NewMirror lists prefix, which must succeed within ctx or the request timeout, and watches it from there until Close. ctx
// bounds only the first list.
func NewMirror[T any](ctx context.Context, c *Client, prefix string, decode Decode[T]) (*Mirror[T], error) {
	// Not derived from ctx: the mirror lives until Close, and a caller's outgoing metadata would choose another stream.
	base, cancel := context.WithCancel(context.Background())
	m := &Mirror[T]{
		c: c, prefix: prefix, decode: decode,
		watcher:   namespace.NewWatcher(clientv3.NewWatcher(c.etcd), c.cfg.Prefix),
		cancel:    cancel,
		done:      make(chan struct{}),
		watchCtx:  clientv3.WithRequireLeader(base),
		advanced:  make(chan struct{}),
		callbacks: map[int]func(*Snapshot[T], []Change[T]){},
	}
	if err := m.list(ctx); err != nil {
		cancel()
		return nil, errors.Join(fmt.Errorf("coord: mirror %q: %w", prefix, err), m.watcher.Close())
	}
	go m.run()
	return m, nil
}

// Close ends the watch and waits for a running callback. The last snapshot stays readable.
func (m *Mirror[T]) Close() error {
	m.cancel()
	<-m.done
	if err := m.watcher.Close(); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("coord: close mirror %q: %w", m.prefix, err)
	}
	return nil
}

// Snapshot returns the latest state; it is never nil.
func (m *Mirror[T]) Snapshot() *Snapshot[T] { return m.snapshot.Load() }

// Relists returns how often the mirror had to read its prefix again because its revision was compacted away.
func (m *Mirror[T]) Relists() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.relists
}

// OnChange calls fn with the present state, all of it as changes, and then after every change, in order, until cancel. fn runs
// in the mirror's goroutine (the first time in the caller's): it must be quick and must not call WaitRevision, OnChange or
// Close. A call may still be running when cancel returns.
func (m *Mirror[T]) OnChange(fn func(s *Snapshot[T], changes []Change[T])) (cancel func()) {
	m.applying.Lock()
	defer m.applying.Unlock()
	s := m.snapshot.Load()
	changes := make([]Change[T], 0, len(s.entries))
	for k, e := range s.entries {
		changes = append(changes, Change[T]{Key: k, Entry: e})
	}
	fn(s, changes)
	m.mu.Lock()
	defer m.mu.Unlock()
	id := m.nextID
	m.nextID++
	m.callbacks[id] = fn
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.callbacks, id)
	}
}

// progressInterval is how often WaitRevision asks again: a server that lags behind the revision answers with its own.
const progressInterval = 20 * time.Millisecond

// WaitRevision blocks until the mirror reflects every write up to and including rev, whether or not a write at rev touched the
// prefix. It returns ctx's error, or ErrClosed.
//
// A watch is silent about writes outside of its prefix, so the server is asked for its progress: it answers on the watch's own
// stream, after every event that it sent before, and only when the watch has caught up.
func (m *Mirror[T]) WaitRevision(ctx context.Context, rev int64) error {
	seen, advanced := m.progressSoFar()
	if seen >= rev {
		return nil
	}
	tick := time.NewTicker(progressInterval)
	defer tick.Stop()
	for ; seen < rev; seen, advanced = m.progressSoFar() {
		m.askProgress(ctx)
		select {
		case <-advanced:
		case <-tick.C:
		case <-m.done:
			return ErrClosed
		case <-ctx.Done():
			return fmt.Errorf("coord: mirror %q at revision %d, waiting for %d: %w", m.prefix, seen, rev, ctx.Err())
		}
	}
	return nil
}

// progressSoFar returns the revision that waiters may rely on, and a channel that is closed when it grows.
func (m *Mirror[T]) progressSoFar() (seen int64, advanced <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.seen, m.advanced
}

// askProgress sends one progress request; concurrent waiters share it.
func (m *Mirror[T]) askProgress(ctx context.Context) {
	if !m.asking.CompareAndSwap(false, true) {
		return
	}
	defer m.asking.Store(false)
	askCtx, cancel := context.WithTimeout(m.watchCtx, time.Second)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	// An error means a stream that is being rebuilt; the next tick asks again.
	_ = m.watcher.RequestProgress(askCtx)
}

// list replaces the state by a fresh read of the prefix.
func (m *Mirror[T]) list(ctx context.Context) error {
	kvs, rev, err := m.c.List(ctx, m.prefix)
	if err != nil {
		return err
	}
	next := &Snapshot[T]{revision: rev, entries: make(map[string]Entry[T], len(kvs)), bad: map[string]error{}}
	for _, kv := range kvs {
		m.set(next, kv.Key, kv.Value, kv.ModRevision)
	}
	var changes []Change[T]
	if old := m.snapshot.Load(); old != nil {
		for k, e := range next.entries {
			if was, ok := old.entries[k]; !ok || was.ModRevision != e.ModRevision {
				changes = append(changes, Change[T]{Key: k, Entry: e})
			}
		}
		for k := range old.entries {
			if _, ok := next.entries[k]; !ok {
				changes = append(changes, Change[T]{Key: k, Deleted: true})
			}
		}
	}
	m.publish(next, changes)
	return nil
}

func (m *Mirror[T]) set(s *Snapshot[T], key string, value []byte, rev int64) (Change[T], bool) {
	v, err := m.decode(key, value)
	if err != nil {
		_, had := s.entries[key]
		delete(s.entries, key)
		s.bad[key] = err
		m.c.log.Warn("undecodable value", "key", key, "revision", rev, "error", err)
		return Change[T]{Key: key, Deleted: true}, had
	}
	delete(s.bad, key)
	e := Entry[T]{Value: v, ModRevision: rev}
	s.entries[key] = e
	return Change[T]{Key: key, Entry: e}, true
}

// publish makes next visible, runs the callbacks, and only then lets waiters go.
func (m *Mirror[T]) publish(next *Snapshot[T], changes []Change[T]) {
	m.applying.Lock()
	defer m.applying.Unlock()
	m.snapshot.Store(next)
	m.mu.Lock()
	fns := make([]func(*Snapshot[T], []Change[T]), 0, len(m.callbacks))
	if len(changes) > 0 {
		for id := range m.nextID {
			if fn, ok := m.callbacks[id]; ok {
				fns = append(fns, fn)
			}
		}
	}
	m.mu.Unlock()
	for _, fn := range fns {
		fn(next, changes)
	}
	m.mu.Lock()
	if next.revision > m.seen {
		m.seen = next.revision
		close(m.advanced)
		m.advanced = make(chan struct{})
	}
	m.mu.Unlock()
}

// run watches until Close, and starts over after every end of the watch.
func (m *Mirror[T]) run() {
	defer close(m.done)
	for failures := 0; m.watchCtx.Err() == nil; failures++ {
		if failures > 0 && !m.c.sleep(m.watchCtx, failures-1) {
			return
		}
		progressed, compacted := m.watch()
		if progressed {
			failures = 0
		}
		for compacted && m.watchCtx.Err() == nil {
			err := m.list(m.watchCtx)
			if err == nil {
				m.mu.Lock()
				m.relists++
				m.mu.Unlock()
				break
			}
			m.c.log.Warn("re-list after compaction failed", "prefix", m.prefix, "error", err)
			if !m.c.sleep(m.watchCtx, failures) {
				return
			}
			failures++
		}
	}
}

// watch consumes one watch from the state's revision until it ends, and reports whether it brought anything, and whether it
// ended because that revision is compacted.
func (m *Mirror[T]) watch() (progressed, compacted bool) {
	ctx, cancel := context.WithCancel(m.watchCtx)
	defer cancel()
	from := m.snapshot.Load().revision + 1
	for resp := range m.watcher.Watch(ctx, m.prefix, clientv3.WithPrefix(), clientv3.WithRev(from)) {
		if resp.CompactRevision != 0 {
			return progressed, true
		}
		if err := resp.Err(); err != nil {
			if m.watchCtx.Err() == nil {
				m.c.log.Warn("watch ended", "prefix", m.prefix, "error", err)
			}
			return progressed, false
		}
		switch {
		case resp.IsProgressNotify():
			m.progress(resp.Header.Revision)
		case len(resp.Events) > 0:
			m.apply(resp.Events)
		}
		progressed = true
	}
	return progressed, false
}

// progress moves the state to a later revision at which the prefix is unchanged.
func (m *Mirror[T]) progress(rev int64) {
	old := m.snapshot.Load()
	if rev <= old.revision {
		return
	}
	m.publish(&Snapshot[T]{revision: rev, entries: old.entries, bad: old.bad}, nil)
}

// apply makes one snapshot of a response's events. The revision reached is the last event's and not the header's: a watch that
// catches up gets its events in several responses, all of which carry the store's revision.
func (m *Mirror[T]) apply(events []*clientv3.Event) {
	old := m.snapshot.Load()
	next := &Snapshot[T]{revision: old.revision, entries: maps.Clone(old.entries), bad: maps.Clone(old.bad)}
	changes := make([]Change[T], 0, len(events))
	for _, ev := range events {
		key := string(ev.Kv.Key)
		next.revision = max(next.revision, ev.Kv.ModRevision)
		if ev.Type == clientv3.EventTypeDelete {
			delete(next.bad, key)
			if _, had := next.entries[key]; had {
				delete(next.entries, key)
				changes = append(changes, Change[T]{Key: key, Deleted: true})
			}
			continue
		}
		if change, differs := m.set(next, key, ev.Kv.Value, ev.Kv.ModRevision); differs {
			changes = append(changes, change)
		}
	}
	m.publish(next, changes)
}
