package storagetest

import (
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/stats"
	"github.com/attunedb/attune/engine/vec"
	storagev1 "github.com/attunedb/attune/proto/gen/attune/storage/v1"
	"github.com/attunedb/attune/wire"
)

// Remote is a Store behind gRPC, one call for each method. It is safe for concurrent use.
type Remote struct {
	client storagev1.StorageServiceClient
}

// NewRemote returns the store that a connection leads to.
func NewRemote(conn grpc.ClientConnInterface) *Remote {
	return &Remote{storagev1.NewStorageServiceClient(conn)}
}

func fromStatus(err error) error {
	if err == nil {
		return nil
	}
	if reason, _ := wire.StatusReason(err); reason == wire.ReasonStaleSchema {
		return fmt.Errorf("%w: %s", access.ErrStaleSchema, status.Convert(err).Message())
	}
	return wire.ErrorFromStatus(err)
}

func snapshotTo(s access.Snapshot) *storagev1.Snapshot {
	return &storagev1.Snapshot{Timestamp: s.Timestamp, TxnId: s.Txn, CatalogRevision: s.CatalogRevision}
}

func ordinalsTo(in []int) []uint32 {
	out := make([]uint32, len(in))
	for i, v := range in {
		out[i] = uint32(v)
	}
	return out
}

// Timestamp implements Store.
func (r *Remote) Timestamp(ctx context.Context) (uint64, error) {
	res, err := r.client.Timestamp(ctx, &storagev1.TimestampRequest{})
	return res.GetTimestamp(), fromStatus(err)
}

// Scan implements Store. Errors that the first answer brings come from Next.
func (r *Remote) Scan(ctx context.Context, req *access.Scan) (access.Rows, error) {
	p := &storagev1.ScanRequest{Snapshot: snapshotTo(req.Snapshot), TableId: uint64(req.Table.ID), TableVersion: req.Table.Version,
		Index: uint32(req.Index), Start: req.Span.Start, End: req.Span.End, Reverse: req.Reverse, Columns: ordinalsTo(req.Columns),
		Params: wire.DatumsToProto(req.Params), Limit: req.Limit, BatchRows: uint32(req.BatchRows)}
	if req.Filter != nil {
		p.Filter = wire.ExprToProto(req.Filter)
	}
	if req.Zone != nil {
		p.TimeZone = req.Zone.String()
	}
	for _, b := range req.Blooms {
		p.Blooms = append(p.Blooms, &storagev1.BloomFilter{Columns: ordinalsTo(b.Columns), Blocks: b.Filter.Marshal()})
	}
	ctx, cancel := context.WithCancel(ctx)
	stream, err := r.client.Scan(ctx, p)
	if err != nil {
		cancel()
		return nil, fromStatus(err)
	}
	s := &remoteRows{stream: stream, cancel: cancel}
	// The first answer tells whether the request is taken.
	if s.first, s.err = s.Next(ctx); s.err != nil && !errors.Is(s.err, io.EOF) {
		cancel()
		return nil, s.err
	}
	return s, nil
}

type remoteRows struct {
	stream   grpc.ServerStreamingClient[storagev1.ScanResponse]
	cancel   context.CancelFunc
	first    *vec.Batch
	err      error
	counters access.Counters
}

func (s *remoteRows) Next(ctx context.Context) (*vec.Batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if b := s.first; b != nil || s.err != nil {
		s.first = nil
		return b, s.err
	}
	for {
		res, err := s.stream.Recv()
		if errors.Is(err, io.EOF) {
			s.err = err
			return nil, err
		}
		if err != nil {
			return nil, fromStatus(err)
		}
		s.counters.ExaminedRows += res.GetExamined()
		s.counters.ReadBytes += res.GetBytes()
		if res.GetBatch() != nil {
			return wire.BatchFromProto(res.GetBatch())
		}
	}
}

func (s *remoteRows) Counters() access.Counters { return s.counters }

func (s *remoteRows) Close() { s.cancel() }

// Split implements Store.
func (r *Remote) Split(ctx context.Context, req *access.Scan, n int) ([]access.Span, error) {
	res, err := r.client.SplitSpan(ctx, &storagev1.SplitSpanRequest{Start: req.Span.Start, End: req.Span.End, Parts: uint32(n)})
	if err != nil {
		return nil, fromStatus(err)
	}
	var out []access.Span
	start := req.Span.Start
	for _, cut := range res.GetCuts() {
		out = append(out, access.Span{Start: start, End: cut})
		start = cut
	}
	return append(out, access.Span{Start: start, End: req.Span.End}), nil
}

// Lookup implements Store.
func (r *Remote) Lookup(ctx context.Context, req *access.Lookup) (*access.Found, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := r.client.Read(ctx)
	if err != nil {
		return nil, fromStatus(err)
	}
	p := &storagev1.ReadRequest{RequestId: 3, Snapshot: snapshotTo(req.Snapshot), TableId: uint64(req.Table.ID), TableVersion: req.Table.Version,
		Index: uint32(req.Index), Keys: req.Keys, Columns: ordinalsTo(req.Columns), Params: wire.DatumsToProto(req.Params)}
	if req.Filter != nil {
		p.Filter = wire.ExprToProto(req.Filter)
	}
	if err := errors.Join(stream.Send(p), stream.CloseSend()); err != nil {
		return nil, fromStatus(err)
	}
	res, err := stream.Recv()
	if err != nil {
		return nil, fromStatus(err)
	}
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		return nil, sqlerr.New(sqlerr.ProtocolViolation, "the stream goes on after its answer: %v", err)
	}
	if res.GetRequestId() != p.GetRequestId() {
		return nil, sqlerr.New(sqlerr.ProtocolViolation, "an answer to request %d", res.GetRequestId())
	}
	if e := res.GetError(); e != nil {
		if e.GetDetail() == wire.ReasonStaleSchema {
			return nil, fmt.Errorf("%w: %s", access.ErrStaleSchema, e.GetMessage())
		}
		return nil, wire.SQLErrorFromProto(e)
	}
	b, err := wire.BatchFromProto(res.GetBatch())
	if err != nil {
		return nil, err
	}
	found := &access.Found{Batch: b}
	for _, k := range res.GetKeyIndex() {
		found.Key = append(found.Key, int32(k))
	}
	return found, nil
}

// Write implements Store.
func (r *Remote) Write(ctx context.Context, w *access.Write) (*access.Written, error) {
	p := &storagev1.WriteRequest{Snapshot: snapshotTo(w.Snapshot), Commit: w.Commit}
	for _, t := range w.Tables {
		p.Tables = append(p.Tables, &storagev1.TableVersion{TableId: uint64(t.ID), Version: t.Version})
	}
	for _, m := range w.Mutations {
		p.Mutations = append(p.Mutations, &storagev1.Mutation{Kind: storagev1.MutationKind(m.Kind), Key: m.Key, Value: m.Value})
	}
	res, err := r.client.Write(ctx, p)
	if err != nil {
		return nil, fromStatus(err)
	}
	out := &access.Written{CommitTimestamp: res.GetCommitTimestamp()}
	if v := res.GetViolation(); v != nil {
		out.Violation = &access.Violation{Mutation: int(v.GetMutation()), Kind: access.MutationKind(v.GetKind())}
	}
	return out, nil
}

// Commit implements Store.
func (r *Remote) Commit(ctx context.Context, txn uint64) (uint64, error) {
	res, err := r.client.Commit(ctx, &storagev1.CommitRequest{TxnId: txn})
	return res.GetCommitTimestamp(), fromStatus(err)
}

// Rollback implements Store.
func (r *Remote) Rollback(ctx context.Context, txn uint64) error {
	_, err := r.client.Rollback(ctx, &storagev1.RollbackRequest{TxnId: txn})
	return fromStatus(err)
}

// Heartbeat implements Store.
func (r *Remote) Heartbeat(ctx context.Context, txns []uint64) ([]uint64, error) {
	res, err := r.client.Heartbeat(ctx, &storagev1.HeartbeatRequest{TxnIds: txns})
	return res.GetUnknown(), fromStatus(err)
}

// BuildIndex implements Store.
func (r *Remote) BuildIndex(ctx context.Context, table catalog.TableID, index catalog.IndexID, revision int64) (*access.IndexBuilt, error) {
	res, err := r.client.BuildIndex(ctx, &storagev1.BuildIndexRequest{TableId: uint64(table), Index: uint32(index), CatalogRevision: revision})
	return &access.IndexBuilt{Entries: res.GetEntries(), Duplicate: res.GetDuplicate()}, fromStatus(err)
}

// DeleteSpan implements Store.
func (r *Remote) DeleteSpan(ctx context.Context, span access.Span) error {
	_, err := r.client.DeleteSpan(ctx, &storagev1.DeleteSpanRequest{Start: span.Start, End: span.End})
	return fromStatus(err)
}

// Analyze implements Store.
func (r *Remote) Analyze(ctx context.Context, tables []catalog.TableID) error {
	_, err := r.client.Statistics(ctx, &storagev1.StatisticsRequest{TableIds: ids(tables), Refresh: true})
	return fromStatus(err)
}

func ids(tables []catalog.TableID) []uint64 {
	out := make([]uint64, len(tables))
	for i, t := range tables {
		out[i] = uint64(t)
	}
	return out
}

// Statistics implements Store.
func (r *Remote) Statistics(ctx context.Context, tables []catalog.TableID) ([]*stats.Table, error) {
	res, err := r.client.Statistics(ctx, &storagev1.StatisticsRequest{TableIds: ids(tables), Samples: true})
	if err != nil {
		return nil, fromStatus(err)
	}
	var out []*stats.Table
	for _, p := range res.GetTables() {
		t, err := wire.StatsFromProto(p)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}
