package fake

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/keys"
	"github.com/attunedb/attune/engine/rows"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/vec"
)

type version struct {
	ts      uint64
	value   []byte
	deleted bool
}

type staged struct {
	ts     uint64
	writes map[string]version
	needs  map[string]struct{}
}

// Schemas gives the present catalog.
type Schemas interface{ Snapshot() *catalog.Snapshot }

// Store is storage with snapshots and first-committer-wins transactions.
type Store struct {
	catalog Schemas

	mu    sync.Mutex
	clock uint64
	data  map[string][]version
	txns  map[uint64]*staged
	// Calls counts calls by method.
	Calls map[string]int
	// Fail, when not nil, may refuse a call by method.
	Fail func(method string) error
}

// NewStore returns an empty store for the tables of a catalog.
func NewStore(c Schemas) *Store {
	return &Store{catalog: c, clock: 1, data: map[string][]version{}, txns: map[uint64]*staged{}, Calls: map[string]int{}}
}

func (s *Store) enter(method string) error {
	s.Calls[method]++
	if s.Fail != nil {
		return s.Fail(method)
	}
	return nil
}

// Timestamp gives the newest state.
func (s *Store) Timestamp(context.Context) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clock, s.enter("Timestamp")
}

func (s *Store) table(v access.TableVersion) (*catalog.Table, error) {
	t := s.catalog.Snapshot().TableByID(v.ID)
	if t == nil || t.Version != v.Version {
		return nil, fmt.Errorf("table %d version %d: %w", v.ID, v.Version, access.ErrStaleSchema)
	}
	return t, nil
}

// get returns what a snapshot sees under a key.
func (s *Store) get(key string, snap access.Snapshot) ([]byte, bool) {
	if t := s.txns[snap.Txn]; snap.Txn != 0 && t != nil {
		if v, ok := t.writes[key]; ok {
			return v.value, !v.deleted
		}
	}
	versions := s.data[key]
	for i := len(versions) - 1; i >= 0; i-- {
		if snap.Timestamp == 0 || versions[i].ts <= snap.Timestamp {
			return versions[i].value, !versions[i].deleted
		}
	}
	return nil, false
}

func (s *Store) keysIn(span access.Span, snap access.Snapshot) []string {
	var out []string
	in := func(k string) bool {
		return bytes.Compare([]byte(k), span.Start) >= 0 && (len(span.End) == 0 || bytes.Compare([]byte(k), span.End) < 0)
	}
	for k := range s.data {
		if in(k) {
			out = append(out, k)
		}
	}
	if t := s.txns[snap.Txn]; t != nil {
		for k := range t.writes {
			if _, known := s.data[k]; !known && in(k) {
				out = append(out, k)
			}
		}
	}
	slices.Sort(out)
	return out
}

type found struct{ key, value []byte }

// read decodes entries of an index, fetching rows for columns that the index does not hold.
func (s *Store) read(t *catalog.Table, ix *catalog.Index, snap access.Snapshot, columns []int, entries []found) (*vec.Batch, error) {
	builders := make([]*vec.Builder, len(columns))
	for i, o := range columns {
		builders[i] = vec.NewBuilder(t.Columns[o].Type, len(entries))
	}
	covered := rows.Covers(t, ix, columns)
	source := ix
	if !covered {
		source = &t.Primary
	}
	dec, err := rows.NewDecoder(t, source, columns)
	if err != nil {
		return nil, err
	}
	toPrimary, err := rows.NewDecoder(t, ix, nil)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !covered {
			pk, err := toPrimary.PrimaryKey(nil, e.key, e.value)
			if err != nil {
				return nil, err
			}
			v, ok := s.get(string(pk), snap)
			if !ok {
				return nil, fmt.Errorf("fake: index %s has an entry without row", ix.Name)
			}
			e = found{pk, v}
		}
		if err := dec.Decode(e.key, e.value, builders); err != nil {
			return nil, err
		}
	}
	b := &vec.Batch{Len: len(entries)}
	for _, c := range builders {
		b.Cols = append(b.Cols, c.Finish())
	}
	return b, nil
}

// Scan returns the rows of a span.
func (s *Store) Scan(_ context.Context, req *access.Scan) (access.Rows, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.enter("Scan"); err != nil {
		return nil, err
	}
	t, err := s.table(req.Table)
	if err != nil {
		return nil, err
	}
	var entries []found
	for _, k := range s.keysIn(req.Span, req.Snapshot) {
		if v, ok := s.get(k, req.Snapshot); ok {
			entries = append(entries, found{[]byte(k), v})
		}
	}
	if req.Reverse {
		slices.Reverse(entries)
	}
	b, err := s.read(t, t.Index(req.Index), req.Snapshot, req.Columns, entries)
	if err != nil {
		return nil, err
	}
	if req.Filter != nil {
		p, err := expr.CompileFilter(expr.Bind(req.Filter, req.Params))
		if err != nil {
			return nil, err
		}
		if b, err = p.Filter(nil, req.Params, b); err != nil {
			return nil, err
		}
		b = b.Compact()
	}
	if req.Limit > 0 && int64(b.Len) > req.Limit {
		b = b.Slice(0, int(req.Limit))
	}
	return &batches{b: b}, nil
}

type batches struct{ b *vec.Batch }

func (r *batches) Next(context.Context) (*vec.Batch, error) {
	if r.b == nil || r.b.Len == 0 {
		return nil, io.EOF
	}
	b := r.b
	r.b = nil
	return b, nil
}

func (r *batches) Counters() access.Counters { return access.Counters{} }

func (r *batches) Close() {}

// Split returns the span itself.
func (s *Store) Split(_ context.Context, req *access.Scan, _ int) ([]access.Span, error) {
	return []access.Span{req.Span}, nil
}

// Lookup returns the rows under keys.
func (s *Store) Lookup(_ context.Context, req *access.Lookup) (*access.Found, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.enter("Lookup"); err != nil {
		return nil, err
	}
	t, err := s.table(req.Table)
	if err != nil {
		return nil, err
	}
	var entries []found
	out := &access.Found{}
	for i, prefix := range req.Keys {
		for _, k := range s.keysIn(access.Span{Start: prefix, End: keys.PrefixEnd(prefix)}, req.Snapshot) {
			if v, ok := s.get(k, req.Snapshot); ok {
				entries = append(entries, found{[]byte(k), v})
				out.Key = append(out.Key, int32(i))
			}
		}
	}
	if out.Batch, err = s.read(t, t.Index(req.Index), req.Snapshot, req.Columns, entries); err != nil {
		return nil, err
	}
	if req.Filter == nil {
		return out, nil
	}
	p, err := expr.CompileFilter(expr.Bind(req.Filter, req.Params))
	if err != nil {
		return nil, err
	}
	kept, err := p.Filter(nil, req.Params, out.Batch)
	if err != nil {
		return nil, err
	}
	var at []int32
	for i := range kept.Rows() {
		at = append(at, out.Key[kept.Row(i)])
	}
	return &access.Found{Batch: kept.Compact(), Key: at}, nil
}

// Write stages, and commits when asked to.
func (s *Store) Write(_ context.Context, w *access.Write) (*access.Written, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.enter("Write"); err != nil {
		return nil, err
	}
	for _, v := range w.Tables {
		if _, err := s.table(v); err != nil {
			return nil, err
		}
	}
	id := w.Snapshot.Txn
	if id == 0 {
		return nil, fmt.Errorf("fake: a write without transaction")
	}
	t := s.txns[id]
	if t == nil {
		t = &staged{ts: w.Snapshot.Timestamp, writes: map[string]version{}, needs: map[string]struct{}{}}
		s.txns[id] = t
	}
	before := map[string]version{}
	for k, v := range t.writes {
		before[k] = v
	}
	own := access.Snapshot{Txn: id}
	for i, m := range w.Mutations {
		k := string(m.Key)
		_, exists := s.get(k, own)
		switch m.Kind {
		case access.Put:
			t.writes[k] = version{value: m.Value}
		case access.Insert:
			if exists {
				t.writes = before
				return &access.Written{Violation: &access.Violation{Mutation: i, Kind: m.Kind}}, nil
			}
			t.writes[k] = version{value: m.Value}
		case access.Delete:
			t.writes[k] = version{deleted: true}
		case access.Require:
			if !exists {
				t.writes = before
				return &access.Written{Violation: &access.Violation{Mutation: i, Kind: m.Kind}}, nil
			}
			t.needs[k] = struct{}{}
		}
	}
	if !w.Commit {
		return &access.Written{}, nil
	}
	ts, err := s.commit(id)
	return &access.Written{CommitTimestamp: ts}, err
}

func (s *Store) commit(id uint64) (uint64, error) {
	t := s.txns[id]
	delete(s.txns, id)
	if t == nil || len(t.writes) == 0 {
		return 0, nil
	}
	for k := range t.writes {
		if v := s.data[k]; len(v) > 0 && v[len(v)-1].ts > t.ts {
			return 0, sqlerr.New(sqlerr.SerializationFailure, "could not serialize access due to concurrent update")
		}
	}
	s.clock++
	for k, v := range t.writes {
		v.ts = s.clock
		s.data[k] = append(s.data[k], v)
	}
	return s.clock, nil
}

// Commit commits.
func (s *Store) Commit(_ context.Context, id uint64) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.enter("Commit"); err != nil {
		return 0, err
	}
	return s.commit(id)
}

// Rollback forgets.
func (s *Store) Rollback(_ context.Context, id uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.txns, id)
	return s.enter("Rollback")
}

// Heartbeat knows the transactions that staged something.
func (s *Store) Heartbeat(_ context.Context, ids []uint64) (unknown []uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		if s.txns[id] == nil {
			unknown = append(unknown, id)
		}
	}
	return unknown, nil
}

// Open returns the number of transactions with staged writes.
func (s *Store) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.txns)
}

// Live returns the number of keys in a span that the newest state has.
func (s *Store) Live(start, end []byte) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, k := range s.keysIn(access.Span{Start: start, End: end}, access.Snapshot{}) {
		if _, ok := s.get(k, access.Snapshot{}); ok {
			n++
		}
	}
	return n
}

// BuildIndex fills an index from the newest rows.
func (s *Store) BuildIndex(_ context.Context, table catalog.TableID, index catalog.IndexID, _ int64) (*access.IndexBuilt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.catalog.Snapshot().TableByID(table)
	ix := t.Index(index)
	all := make([]int, len(t.Columns))
	for i := range all {
		all[i] = i
	}
	start, end := keys.IndexSpan(table, catalog.PrimaryIndex)
	var entries []found
	for _, k := range s.keysIn(access.Span{Start: start, End: end}, access.Snapshot{}) {
		if v, ok := s.get(k, access.Snapshot{}); ok {
			entries = append(entries, found{[]byte(k), v})
		}
	}
	b, err := s.read(t, &t.Primary, access.Snapshot{}, all, entries)
	if err != nil {
		return nil, err
	}
	s.clock++
	for i := range b.Len {
		k, v := rows.IndexEntry(t, ix, b, i)
		if _, exists := s.get(string(k), access.Snapshot{}); exists {
			return &access.IndexBuilt{Duplicate: "(a)=(duplicate)"}, nil
		}
		s.data[string(k)] = append(s.data[string(k)], version{ts: s.clock, value: v})
	}
	return &access.IndexBuilt{Entries: uint64(b.Len)}, nil
}

// DeleteSpan removes keys for good.
func (s *Store) DeleteSpan(_ context.Context, span access.Span) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.keysIn(span, access.Snapshot{}) {
		delete(s.data, k)
	}
	return nil
}

// Analyze does nothing.
func (s *Store) Analyze(context.Context, []catalog.TableID) error { return nil }
