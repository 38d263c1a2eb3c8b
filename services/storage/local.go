package storage

import (
	"context"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/keys"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/stats"
	"github.com/attunedb/attune/engine/vec"
	"github.com/attunedb/attune/platform/profiler/files"
	"github.com/attunedb/attune/services/storage/internal/scan"
	"github.com/attunedb/attune/services/storage/internal/txn"
)

// Timestamp gives a snapshot that sees every commit acknowledged before the call.
func (s *Service) Timestamp(context.Context) (uint64, error) {
	if err := s.ranges.CheckAny(); err != nil {
		return 0, asSQL(err)
	}
	ts, err := s.txns.Timestamp()
	return ts, asSQL(err)
}

// view returns what a request reads from.
func (s *Service) view(ctx context.Context, at access.Snapshot) (scan.View, error) {
	v := scan.View{Store: s.store, Timestamp: at.Timestamp}
	if err := s.awaitCatalog(ctx, at.CatalogRevision); err != nil {
		return v, err
	}
	now, err := s.txns.Timestamp()
	if err != nil {
		return v, err
	}
	switch {
	case v.Timestamp == 0:
		v.Timestamp = now
	case v.Timestamp > now:
		return v, sqlerr.New(sqlerr.InvalidTransactionState, "a snapshot of the future")
	}
	v.Overlay, err = s.txns.Overlay(at.Txn)
	return v, err
}

// Scan streams the rows of a span. The caller closes the stream.
func (s *Service) Scan(ctx context.Context, req *access.Scan) (access.Rows, error) {
	r, err := s.scan(ctx, req)
	if err != nil {
		return nil, asSQL(err)
	}
	return &stream{Rows: r, files: s.deps.Files}, nil
}

func (s *Service) scan(ctx context.Context, req *access.Scan) (*scan.Rows, error) {
	v, err := s.view(ctx, req.Snapshot)
	if err != nil {
		return nil, err
	}
	t, err := s.table(req.Table)
	if err != nil {
		return nil, err
	}
	lo, hi := keys.IndexSpan(t.ID, req.Index)
	if err := s.ranges.CheckSpan(scan.Clamp(req.Span, lo, hi)); err != nil {
		return nil, err
	}
	return scan.Scan(v, t, req)
}

// stream gives the errors of a scan their SQLSTATE, and counts what it read once it is closed.
type stream struct {
	*scan.Rows
	files *files.Classes
}

// Close ends the scan; it may be called twice.
func (s *stream) Close() {
	s.files.User(s.Counters().ReadBytes, 0)
	s.files = nil
	s.Rows.Close()
}

// Next returns the next batch or io.EOF.
func (s *stream) Next(ctx context.Context) (*vec.Batch, error) {
	b, err := s.Rows.Next(ctx)
	return b, asSQL(err)
}

// Split returns at most n sub-spans of the request's span, of about equal size, in key order, covering it.
func (s *Service) Split(ctx context.Context, req *access.Scan, n int) ([]access.Span, error) {
	if err := s.awaitCatalog(ctx, req.Snapshot.CatalogRevision); err != nil {
		return nil, asSQL(err)
	}
	t, err := s.table(req.Table)
	if err != nil {
		return nil, err
	}
	lo, hi := keys.IndexSpan(t.ID, req.Index)
	start, end := scan.Clamp(req.Span, lo, hi)
	out := []access.Span{}
	for _, cut := range s.cuts(t, req.Index, start, end, n) {
		out = append(out, access.Span{Start: start, End: cut})
		start = cut
	}
	return append(out, access.Span{Start: start, End: end}), nil
}

func (s *Service) cuts(t *catalog.Table, index catalog.IndexID, start, end []byte, n int) [][]byte {
	ix := t.Index(index)
	if ix == nil {
		return nil
	}
	return s.stats.Split(t, ix, start, end, n)
}

// Lookup returns the rows under a batch of keys.
func (s *Service) Lookup(ctx context.Context, req *access.Lookup) (*access.Found, error) {
	f, err := s.lookup(ctx, req)
	return f, asSQL(err)
}

func (s *Service) lookup(ctx context.Context, req *access.Lookup) (*access.Found, error) {
	v, err := s.view(ctx, req.Snapshot)
	if err != nil {
		return nil, err
	}
	t, err := s.table(req.Table)
	if err != nil {
		return nil, err
	}
	for _, k := range req.Keys {
		if err := s.ranges.CheckKey(k); err != nil {
			return nil, err
		}
	}
	f, err := scan.Lookup(ctx, v, t, req)
	if err == nil && s.deps.Files != nil && f.Batch != nil {
		s.deps.Files.User(uint64(f.Batch.SizeBytes()), 0)
	}
	return f, err
}

// Write stages mutations of a transaction, all or none, and commits when asked to. A commit that fails leaves nothing staged.
func (s *Service) Write(ctx context.Context, w *access.Write) (*access.Written, error) {
	out, err := s.write(ctx, w)
	return out, asSQL(err)
}

func (s *Service) write(ctx context.Context, w *access.Write) (*access.Written, error) {
	if err := s.awaitCatalog(ctx, w.Snapshot.CatalogRevision); err != nil {
		return nil, err
	}
	versions := make([]txn.Version, len(w.Tables))
	for i, v := range w.Tables {
		if _, err := s.table(v); err != nil {
			return nil, err
		}
		versions[i] = txn.Version{Table: v.ID, Version: v.Version}
	}
	mutations := make([]txn.Mutation, len(w.Mutations))
	for i := range w.Mutations {
		m := &w.Mutations[i]
		if err := s.ranges.CheckKey(m.Key); err != nil {
			return nil, err
		}
		if m.Kind < access.Put || m.Kind > access.Require {
			return nil, sqlerr.New(sqlerr.ProtocolViolation, "a mutation of kind %d", m.Kind)
		}
		mutations[i] = txn.Mutation{Kind: txn.Kind(m.Kind), Key: m.Key, Value: m.Value}
	}
	violation, err := s.txns.Write(w.Snapshot.Txn, w.Snapshot.Timestamp, versions, mutations)
	if err != nil {
		return nil, err
	}
	if violation != nil {
		return &access.Written{Violation: &access.Violation{Mutation: violation.Mutation, Kind: access.MutationKind(violation.Kind)}}, nil
	}
	out := &access.Written{}
	if w.Commit {
		out.CommitTimestamp, err = s.txns.Commit(ctx, w.Snapshot.Txn)
	}
	return out, err
}

// Commit makes a transaction's staged writes durable and visible. Repeating it gives the same answer.
func (s *Service) Commit(ctx context.Context, id uint64) (uint64, error) {
	ts, err := s.txns.Commit(ctx, id)
	return ts, asSQL(err)
}

// Rollback forgets a transaction's staged writes; an unknown transaction is no error.
func (s *Service) Rollback(_ context.Context, id uint64) error {
	s.txns.Rollback(id)
	return nil
}

// Heartbeat keeps transactions from expiring and returns those that the node does not know.
func (s *Service) Heartbeat(_ context.Context, ids []uint64) ([]uint64, error) {
	return s.txns.Heartbeat(ids), nil
}

// DeleteSpan removes all versions of all keys in a span.
func (s *Service) DeleteSpan(ctx context.Context, span access.Span) error {
	if len(span.Start) == 0 || len(span.End) == 0 || string(span.Start) >= string(span.End) || string(span.End) > string(keys.Limit()) {
		return sqlerr.New(sqlerr.ProtocolViolation, "a span without two ends")
	}
	if err := s.ranges.CheckSpan(span.Start, span.End); err != nil {
		return asSQL(err)
	}
	return asSQL(s.txns.DeleteSpan(ctx, span.Start, span.End))
}

// Analyze builds the statistics of tables anew, of all for none.
func (s *Service) Analyze(ctx context.Context, tables []catalog.TableID) error {
	return asSQL(s.stats.Refresh(ctx, tables))
}

// Statistics returns what is known of tables, of all for none.
func (s *Service) Statistics(ctx context.Context, tables []catalog.TableID) ([]*stats.Table, error) {
	return s.stats.Statistics(ctx, tables), nil
}
