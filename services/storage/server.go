package storage

import (
	"context"
	"errors"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/bloom"
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/keys"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	planv1 "github.com/attunedb/attune/proto/gen/attune/plan/v1"
	storagev1 "github.com/attunedb/attune/proto/gen/attune/storage/v1"
	typesv1 "github.com/attunedb/attune/proto/gen/attune/types/v1"
	"github.com/attunedb/attune/services/storage/internal/ranges"
	"github.com/attunedb/attune/wire"
)

// server is the gRPC door: it decodes, calls the service and encodes.
type server struct {
	storagev1.UnimplementedStorageServiceServer
	service *Service
}

// toStatus gives an error the form in which it crosses gRPC.
func toStatus(err error) error {
	var not *ranges.NotLeaderError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &not):
		return wire.ReasonStatus(codes.FailedPrecondition, wire.ReasonNotLeader, not.Error(), map[string]string{"leader": not.Leader})
	case errors.Is(err, access.ErrStaleSchema) && sqlerr.As(err) == nil:
		return wire.ReasonStatus(codes.FailedPrecondition, wire.ReasonStaleSchema, err.Error(), nil)
	}
	return wire.ErrorToStatus(err)
}

func malformed(err error) error {
	return status.Errorf(codes.InvalidArgument, "malformed request: %v", err)
}

func snapshotFrom(p *storagev1.Snapshot) access.Snapshot {
	return access.Snapshot{Timestamp: p.GetTimestamp(), Txn: p.GetTxnId(), CatalogRevision: p.GetCatalogRevision()}
}

func ordinalsFrom(in []uint32) []int {
	out := make([]int, len(in))
	for i, v := range in {
		out[i] = int(v)
	}
	return out
}

// condition decodes what a request pushes down.
func condition(p *planv1.Expr, params []*typesv1.Datum, zone string) (e expr.Expr, values []types.Datum, loc *time.Location, err error) {
	if p != nil {
		if e, err = wire.ExprFromProto(p); err != nil {
			return nil, nil, nil, err
		}
	}
	if values, err = wire.DatumsFromProto(params); err != nil {
		return nil, nil, nil, err
	}
	if zone != "" {
		loc, err = time.LoadLocation(zone)
	}
	return e, values, loc, err
}

// Timestamp gives a snapshot.
func (s *server) Timestamp(ctx context.Context, _ *storagev1.TimestampRequest) (*storagev1.TimestampResponse, error) {
	ts, err := s.service.Timestamp(ctx)
	if err != nil {
		return nil, toStatus(err)
	}
	return &storagev1.TimestampResponse{Timestamp: ts}, nil
}

// Scan streams rows.
func (s *server) Scan(p *storagev1.ScanRequest, out grpc.ServerStreamingServer[storagev1.ScanResponse]) error {
	req, err := scanFrom(p)
	if err != nil {
		return malformed(err)
	}
	ctx := out.Context()
	rows, err := s.service.Scan(ctx, req)
	if err != nil {
		return toStatus(err)
	}
	defer rows.Close()
	var sent access.Counters
	for {
		b, err := rows.Next(ctx)
		end := errors.Is(err, io.EOF)
		if err != nil && !end {
			return toStatus(err)
		}
		c := rows.Counters()
		res := &storagev1.ScanResponse{Examined: c.ExaminedRows - sent.ExaminedRows, Bytes: c.ReadBytes - sent.ReadBytes}
		sent = c
		if !end {
			res.Batch = wire.BatchToProto(b.Compact())
		} else if res.Examined == 0 && res.Bytes == 0 {
			return nil
		}
		if err := out.Send(res); err != nil {
			return err
		}
		if end {
			return nil
		}
	}
}

func scanFrom(p *storagev1.ScanRequest) (*access.Scan, error) {
	req := &access.Scan{Snapshot: snapshotFrom(p.GetSnapshot()), Index: catalog.IndexID(p.GetIndex()), Reverse: p.GetReverse(),
		Table: access.TableVersion{ID: catalog.TableID(p.GetTableId()), Version: p.GetTableVersion()},
		Span:  access.Span{Start: p.GetStart(), End: p.GetEnd()}, Columns: ordinalsFrom(p.GetColumns()),
		Limit: p.GetLimit(), BatchRows: int(min(p.GetBatchRows(), 1<<30))}
	if req.Limit < 0 {
		return nil, errors.New("a negative limit")
	}
	var err error
	if req.Filter, req.Params, req.Zone, err = condition(p.GetFilter(), p.GetParams(), p.GetTimeZone()); err != nil {
		return nil, err
	}
	for _, b := range p.GetBlooms() {
		f, err := bloom.Unmarshal(b.GetBlocks())
		if err != nil {
			return nil, err
		}
		req.Blooms = append(req.Blooms, access.Bloom{Columns: ordinalsFrom(b.GetColumns()), Filter: f})
	}
	return req, nil
}

// SplitSpan cuts a span.
func (s *server) SplitSpan(_ context.Context, p *storagev1.SplitSpanRequest) (*storagev1.SplitSpanResponse, error) {
	id, index, _, ok := keys.SplitPrefix(p.GetStart())
	if !ok {
		return nil, malformed(errors.New("the span begins in no index"))
	}
	t := s.service.catalog.Snapshot().TableByID(id)
	if t == nil {
		return &storagev1.SplitSpanResponse{}, nil
	}
	return &storagev1.SplitSpanResponse{Cuts: s.service.cuts(t, index, p.GetStart(), p.GetEnd(), int(min(p.GetParts(), 1<<16)))}, nil
}

// Write stages, and commits when asked to.
func (s *server) Write(ctx context.Context, p *storagev1.WriteRequest) (*storagev1.WriteResponse, error) {
	w := &access.Write{Snapshot: snapshotFrom(p.GetSnapshot()), Commit: p.GetCommit(),
		Mutations: make([]access.Mutation, len(p.GetMutations()))}
	for _, v := range p.GetTables() {
		w.Tables = append(w.Tables, access.TableVersion{ID: catalog.TableID(v.GetTableId()), Version: v.GetVersion()})
	}
	for i, m := range p.GetMutations() {
		if k := m.GetKind(); k < storagev1.MutationKind_MUTATION_KIND_PUT || k > storagev1.MutationKind_MUTATION_KIND_REQUIRE {
			return nil, malformed(errors.New("a mutation of unknown kind"))
		}
		w.Mutations[i] = access.Mutation{Kind: access.MutationKind(m.GetKind()), Key: m.GetKey(), Value: m.GetValue()}
	}
	res, err := s.service.Write(ctx, w)
	if err != nil {
		return nil, toStatus(err)
	}
	out := &storagev1.WriteResponse{CommitTimestamp: res.CommitTimestamp}
	if v := res.Violation; v != nil {
		out.Violation = &storagev1.Violation{Mutation: uint32(v.Mutation), Kind: storagev1.MutationKind(v.Kind)}
	}
	return out, nil
}

// Commit commits.
func (s *server) Commit(ctx context.Context, p *storagev1.CommitRequest) (*storagev1.CommitResponse, error) {
	ts, err := s.service.Commit(ctx, p.GetTxnId())
	if err != nil {
		return nil, toStatus(err)
	}
	return &storagev1.CommitResponse{CommitTimestamp: ts}, nil
}

// Rollback forgets.
func (s *server) Rollback(ctx context.Context, p *storagev1.RollbackRequest) (*storagev1.RollbackResponse, error) {
	return &storagev1.RollbackResponse{}, toStatus(s.service.Rollback(ctx, p.GetTxnId()))
}

// Heartbeat keeps transactions.
func (s *server) Heartbeat(ctx context.Context, p *storagev1.HeartbeatRequest) (*storagev1.HeartbeatResponse, error) {
	unknown, err := s.service.Heartbeat(ctx, p.GetTxnIds())
	return &storagev1.HeartbeatResponse{Unknown: unknown}, toStatus(err)
}

// BuildIndex fills an index.
func (s *server) BuildIndex(ctx context.Context, p *storagev1.BuildIndexRequest) (*storagev1.BuildIndexResponse, error) {
	res, err := s.service.BuildIndex(ctx, catalog.TableID(p.GetTableId()), catalog.IndexID(p.GetIndex()), p.GetCatalogRevision())
	if err != nil {
		return nil, toStatus(err)
	}
	return &storagev1.BuildIndexResponse{Entries: res.Entries, Duplicate: res.Duplicate}, nil
}

// DeleteSpan removes keys.
func (s *server) DeleteSpan(ctx context.Context, p *storagev1.DeleteSpanRequest) (*storagev1.DeleteSpanResponse, error) {
	return &storagev1.DeleteSpanResponse{}, toStatus(s.service.DeleteSpan(ctx, access.Span{Start: p.GetStart(), End: p.GetEnd()}))
}

// Statistics gives statistics.
func (s *server) Statistics(ctx context.Context, p *storagev1.StatisticsRequest) (*storagev1.StatisticsResponse, error) {
	ids := make([]catalog.TableID, len(p.GetTableIds()))
	for i, id := range p.GetTableIds() {
		ids[i] = catalog.TableID(id)
	}
	if p.GetRefresh() {
		if err := s.service.Analyze(ctx, ids); err != nil {
			return nil, toStatus(err)
		}
	}
	all, err := s.service.Statistics(ctx, ids)
	if err != nil {
		return nil, toStatus(err)
	}
	out := &storagev1.StatisticsResponse{}
	for _, t := range all {
		out.Tables = append(out.Tables, wire.StatsToProto(t, p.GetSamples()))
	}
	return out, nil
}
