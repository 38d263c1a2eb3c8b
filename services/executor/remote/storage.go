package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/keys"
	"github.com/attunedb/attune/engine/sqlerr"
	storagev1 "github.com/attunedb/attune/proto/gen/attune/storage/v1"
	typesv1 "github.com/attunedb/attune/proto/gen/attune/types/v1"
	"github.com/attunedb/attune/wire"
)

const (
	// maxAttempts bounds how often a call is sent again to another leader.
	maxAttempts = 6
	// retryPause is the pause before the second attempt; it doubles.
	retryPause = 20 * time.Millisecond
)

// Connections gives connections to single nodes; *rpc.Pool is one.
type Connections interface {
	Get(address string) (conn grpc.ClientConnInterface, release func(), err error)
}

// StorageConfig says how to reach storage.
type StorageConfig struct {
	// Any reaches some storage node, for calls that name no key and while the range map is empty.
	Any grpc.ClientConnInterface
	// Connections reaches the leaders of ranges; nil sends everything to Any.
	Connections Connections
	Log         *slog.Logger
}

// Storage is the storage service behind gRPC. It is safe for concurrent use and implements store.Store.
type Storage struct {
	cfg    StorageConfig
	ranges atomic.Pointer[[]*typesv1.RangeDescriptor]
	stamps stamps
	reads  reads

	mu sync.Mutex
	// homes are the nodes where open transactions staged writes.
	homes map[uint64]string
}

// NewStorage returns the adapter. The caller must Close it.
func NewStorage(cfg StorageConfig) *Storage {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Storage{cfg: cfg, homes: map[uint64]string{}}
	s.ranges.Store(&[]*typesv1.RangeDescriptor{})
	s.stamps.fetch = s.fetchTimestamp
	s.reads.storage = s
	return s
}

// SetRanges replaces the range map.
func (s *Storage) SetRanges(ranges []*typesv1.RangeDescriptor) {
	sorted := slices.Clone(ranges)
	slices.SortFunc(sorted, func(a, b *typesv1.RangeDescriptor) int { return bytes.Compare(a.GetStart(), b.GetStart()) })
	s.ranges.Store(&sorted)
}

// Close ends the streams and waits for them.
func (s *Storage) Close() { s.reads.close() }

// leader returns the address of the node that leads the range of a key, empty when it is not known.
func (s *Storage) leader(key []byte) string {
	if s.cfg.Connections == nil {
		return ""
	}
	ranges := *s.ranges.Load()
	i, found := slices.BinarySearchFunc(ranges, key, func(r *typesv1.RangeDescriptor, k []byte) int { return bytes.Compare(r.GetStart(), k) })
	if !found {
		i--
	}
	if i < 0 || len(ranges[i].GetEnd()) > 0 && bytes.Compare(key, ranges[i].GetEnd()) >= 0 {
		return ""
	}
	return ranges[i].GetLeader()
}

// client returns the client of a node; an empty address is any node.
func (s *Storage) client(address string) (storagev1.StorageServiceClient, func(), error) {
	if address == "" {
		return storagev1.NewStorageServiceClient(s.cfg.Any), func() {}, nil
	}
	conn, release, err := s.cfg.Connections.Get(address)
	if err != nil {
		return nil, nil, sqlerr.New(sqlerr.CannotConnectNow, "storage node %s is not reachable: %w", address, err)
	}
	return storagev1.NewStorageServiceClient(conn), release, nil
}

// call sends a request to the leader of key, and to the leader it is told of when it asked the wrong node. again says that the
// request may be sent a second time after it may have arrived.
func (s *Storage) call(ctx context.Context, key []byte, again bool, do func(address string, c storagev1.StorageServiceClient) error) (address string, err error) {
	address = s.leader(key)
	pause := retryPause
	for attempt := 1; ; attempt++ {
		err = s.at(address, do)
		if err == nil || attempt == maxAttempts || ctx.Err() != nil {
			return address, fromStatus(ctx, err)
		}
		reason, meta := wire.StatusReason(err)
		switch {
		case reason == wire.ReasonNotLeader:
			next := meta["leader"]
			if next == "" || next == address || s.cfg.Connections == nil {
				next = s.leader(key)
			}
			address = next
		case again && status.Code(err) == codes.Unavailable:
			address = s.leader(key)
		default:
			return address, fromStatus(ctx, err)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return address, fromStatus(ctx, err)
		}
		pause *= 2
	}
}

func (s *Storage) at(address string, do func(address string, c storagev1.StorageServiceClient) error) error {
	c, release, err := s.client(address)
	if err != nil {
		return err
	}
	defer release()
	return do(address, c)
}

// fromStatus turns a gRPC error into the domain's.
func fromStatus(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); cause != nil && sqlerr.As(err) == nil {
		return cause
	}
	switch reason, _ := wire.StatusReason(err); reason {
	case wire.ReasonStaleSchema:
		return fmt.Errorf("%w: %s", access.ErrStaleSchema, status.Convert(err).Message())
	case wire.ReasonNotLeader:
		return sqlerr.New(sqlerr.CannotConnectNow, "no storage node leads the range at the moment").WithHint("Try again.")
	}
	return wire.ErrorFromStatus(err)
}

func tableKey(id catalog.TableID) []byte { return keys.TablePrefix(id) }

func snapshotTo(s access.Snapshot) *storagev1.Snapshot {
	return &storagev1.Snapshot{Timestamp: s.Timestamp, TxnId: s.Txn, CatalogRevision: s.CatalogRevision}
}

// Timestamp gives a snapshot. Concurrent calls share requests.
func (s *Storage) Timestamp(ctx context.Context) (uint64, error) { return s.stamps.get(ctx) }

func (s *Storage) fetchTimestamp(ctx context.Context) (ts uint64, err error) {
	_, err = s.call(ctx, nil, true, func(_ string, c storagev1.StorageServiceClient) error {
		r, err := c.Timestamp(ctx, &storagev1.TimestampRequest{})
		ts = r.GetTimestamp()
		return err
	})
	return ts, err
}

// Write stages, and commits when asked to.
func (s *Storage) Write(ctx context.Context, w *access.Write) (*access.Written, error) {
	if len(w.Mutations) == 0 {
		return &access.Written{}, nil
	}
	first := s.leader(w.Mutations[0].Key)
	req := &storagev1.WriteRequest{Snapshot: snapshotTo(w.Snapshot), Commit: w.Commit,
		Mutations: make([]*storagev1.Mutation, len(w.Mutations))}
	block := make([]storagev1.Mutation, len(w.Mutations))
	for i := range w.Mutations {
		m := &w.Mutations[i]
		if s.leader(m.Key) != first {
			return nil, errSpansNodes()
		}
		block[i].Kind, block[i].Key, block[i].Value = storagev1.MutationKind(m.Kind), m.Key, m.Value
		req.Mutations[i] = &block[i]
	}
	for _, t := range w.Tables {
		req.Tables = append(req.Tables, &storagev1.TableVersion{TableId: uint64(t.ID), Version: t.Version})
	}
	if home, ok := s.home(w.Snapshot.Txn); ok && home != first {
		return nil, errSpansNodes()
	}
	var res *storagev1.WriteResponse
	address, err := s.call(ctx, w.Mutations[0].Key, false, func(_ string, c storagev1.StorageServiceClient) (err error) {
		res, err = c.Write(ctx, req)
		return err
	})
	if err != nil {
		if w.Commit {
			err = unknownOutcome(err)
		}
		return nil, err
	}
	out := &access.Written{CommitTimestamp: res.GetCommitTimestamp()}
	if v := res.GetViolation(); v != nil {
		out.Violation = &access.Violation{Mutation: int(v.GetMutation()), Kind: access.MutationKind(v.GetKind())}
		return out, nil
	}
	s.setHome(w.Snapshot.Txn, address, w.Commit)
	return out, nil
}

func errSpansNodes() error {
	return sqlerr.New(sqlerr.FeatureNotSupported, "a transaction that writes to several storage nodes is not supported")
}

// unknownOutcome marks the error of a commit whose answer was lost.
func unknownOutcome(err error) error {
	e := sqlerr.As(err)
	ended := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
	if !ended && (e == nil || e.Code != sqlerr.CannotConnectNow && e.Code != sqlerr.ConnectionFailure && e.Code != sqlerr.QueryCanceled) {
		return err
	}
	return sqlerr.New(sqlerr.StatementCompletionUnknown, "the commit was sent, but its answer was lost: %w", err).
		WithHint("Read the data to see whether the transaction took effect.")
}

func (s *Storage) home(txn uint64) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, ok := s.homes[txn]
	return h, ok
}

func (s *Storage) setHome(txn uint64, address string, ended bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ended {
		delete(s.homes, txn)
		return
	}
	s.homes[txn] = address
}

// atHome sends a call of a transaction to the node where it staged its writes.
func (s *Storage) atHome(ctx context.Context, txn uint64, do func(address string, c storagev1.StorageServiceClient) error) error {
	address, _ := s.home(txn)
	pause := retryPause
	for attempt := 1; ; attempt++ {
		err := s.at(address, do)
		if err == nil || attempt == maxAttempts || ctx.Err() != nil || status.Code(err) != codes.Unavailable {
			return fromStatus(ctx, err)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fromStatus(ctx, err)
		}
		pause *= 2
	}
}

// Commit commits a transaction.
func (s *Storage) Commit(ctx context.Context, txn uint64) (ts uint64, err error) {
	err = s.atHome(ctx, txn, func(_ string, c storagev1.StorageServiceClient) error {
		r, err := c.Commit(ctx, &storagev1.CommitRequest{TxnId: txn})
		ts = r.GetCommitTimestamp()
		return err
	})
	s.setHome(txn, "", true)
	return ts, unknownOutcome(err)
}

// Rollback forgets a transaction.
func (s *Storage) Rollback(ctx context.Context, txn uint64) error {
	err := s.atHome(ctx, txn, func(_ string, c storagev1.StorageServiceClient) error {
		_, err := c.Rollback(ctx, &storagev1.RollbackRequest{TxnId: txn})
		return err
	})
	s.setHome(txn, "", true)
	return err
}

// Heartbeat keeps transactions alive.
func (s *Storage) Heartbeat(ctx context.Context, txns []uint64) (unknown []uint64, err error) {
	at := map[string][]uint64{}
	for _, t := range txns {
		h, _ := s.home(t)
		at[h] = append(at[h], t)
	}
	for address, list := range at {
		err := s.at(address, func(_ string, c storagev1.StorageServiceClient) error {
			r, err := c.Heartbeat(ctx, &storagev1.HeartbeatRequest{TxnIds: list})
			unknown = append(unknown, r.GetUnknown()...)
			return err
		})
		if err != nil {
			return unknown, fromStatus(ctx, err)
		}
	}
	return unknown, nil
}

// BuildIndex fills an index.
func (s *Storage) BuildIndex(ctx context.Context, table catalog.TableID, index catalog.IndexID, revision int64) (*access.IndexBuilt, error) {
	out := &access.IndexBuilt{}
	_, err := s.call(ctx, tableKey(table), true, func(_ string, c storagev1.StorageServiceClient) error {
		r, err := c.BuildIndex(ctx, &storagev1.BuildIndexRequest{TableId: uint64(table), Index: uint32(index), CatalogRevision: revision})
		out.Entries, out.Duplicate = r.GetEntries(), r.GetDuplicate()
		return err
	})
	return out, err
}

// DeleteSpan removes a span.
func (s *Storage) DeleteSpan(ctx context.Context, span access.Span) error {
	_, err := s.call(ctx, span.Start, true, func(_ string, c storagev1.StorageServiceClient) error {
		_, err := c.DeleteSpan(ctx, &storagev1.DeleteSpanRequest{Start: span.Start, End: span.End})
		return err
	})
	return err
}

// Analyze builds statistics anew.
func (s *Storage) Analyze(ctx context.Context, tables []catalog.TableID) error {
	for _, id := range tables {
		_, err := s.call(ctx, tableKey(id), true, func(_ string, c storagev1.StorageServiceClient) error {
			_, err := c.Statistics(ctx, &storagev1.StatisticsRequest{TableIds: []uint64{uint64(id)}, Refresh: true})
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
