package remote

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	"google.golang.org/grpc"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
	planv1 "github.com/attunedb/attune/proto/gen/attune/plan/v1"
	storagev1 "github.com/attunedb/attune/proto/gen/attune/storage/v1"
	typesv1 "github.com/attunedb/attune/proto/gen/attune/types/v1"
	"github.com/attunedb/attune/wire"
)

// Scan streams the rows of a span, which may lie on several nodes.
func (s *Storage) Scan(_ context.Context, req *access.Scan) (access.Rows, error) {
	parts := s.parts(req.Span)
	if req.Reverse {
		for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
			parts[i], parts[j] = parts[j], parts[i]
		}
	}
	// The stream lives until Close, under a context that each Next ties to its caller's.
	ctx, cancel := context.WithCancel(context.Background())
	return &scan{storage: s, req: req, proto: scanTo(req), parts: parts, left: req.Limit, ctx: ctx, cancel: cancel}, nil
}

// parts cuts a span where the leader changes.
func (s *Storage) parts(span access.Span) []access.Span {
	if s.cfg.Connections == nil {
		return []access.Span{span}
	}
	var out []access.Span
	start, leader := span.Start, s.leader(span.Start)
	for _, r := range *s.ranges.Load() {
		at := r.GetStart()
		if bytes.Compare(at, start) <= 0 || len(span.End) > 0 && bytes.Compare(at, span.End) >= 0 {
			continue
		}
		if r.GetLeader() != leader {
			out = append(out, access.Span{Start: start, End: at})
			start, leader = at, r.GetLeader()
		}
	}
	return append(out, access.Span{Start: start, End: span.End})
}

// Split returns about n sub-spans of a scan's span, in key order, covering it.
func (s *Storage) Split(ctx context.Context, req *access.Scan, n int) ([]access.Span, error) {
	parts := s.parts(req.Span)
	each := n / len(parts)
	if each <= 1 {
		return parts, nil
	}
	var out []access.Span
	for _, p := range parts {
		var res *storagev1.SplitSpanResponse
		_, err := s.call(ctx, p.Start, true, func(_ string, c storagev1.StorageServiceClient) (err error) {
			res, err = c.SplitSpan(ctx, &storagev1.SplitSpanRequest{Start: p.Start, End: p.End, Parts: uint32(each)})
			return err
		})
		if err != nil {
			return nil, err
		}
		start := p.Start
		for _, cut := range res.GetCuts() {
			// A cut that does not advance, or lies outside, is left out: the spans must cover the part, once.
			if bytes.Compare(cut, start) > 0 && (len(p.End) == 0 || bytes.Compare(cut, p.End) < 0) {
				out = append(out, access.Span{Start: start, End: cut})
				start = cut
			}
		}
		out = append(out, access.Span{Start: start, End: p.End})
	}
	return out, nil
}

func scanTo(req *access.Scan) *storagev1.ScanRequest {
	p := &storagev1.ScanRequest{Snapshot: snapshotTo(req.Snapshot), TableId: uint64(req.Table.ID), TableVersion: req.Table.Version,
		Index: uint32(req.Index), Reverse: req.Reverse, Columns: ordinalsTo(req.Columns), Limit: req.Limit,
		BatchRows: uint32(max(req.BatchRows, 0)), TimeZone: zoneTo(req.Zone)}
	p.Filter, p.Params = filterTo(req.Filter, req.Params)
	for _, b := range req.Blooms {
		p.Blooms = append(p.Blooms, &storagev1.BloomFilter{Columns: ordinalsTo(b.Columns), Blocks: b.Filter.Marshal()})
	}
	return p
}

func ordinalsTo(in []int) []uint32 {
	out := make([]uint32, len(in))
	for i, v := range in {
		out[i] = uint32(v)
	}
	return out
}

func zoneTo(z *time.Location) string {
	if z == nil {
		return ""
	}
	return z.String()
}

// filterTo encodes a filter with its parameters in place.
func filterTo(filter expr.Expr, params []types.Datum) (*planv1.Expr, []*typesv1.Datum) {
	if filter == nil {
		return nil, nil
	}
	return wire.ExprToProto(expr.Bind(filter, params)), nil
}

// scan is a running Scan.
type scan struct {
	storage *Storage
	req     *access.Scan
	proto   *storagev1.ScanRequest
	parts   []access.Span
	left    int64
	stream  grpc.ServerStreamingClient[storagev1.ScanResponse]
	release func()
	// first is a message that open received.
	first   *storagev1.ScanResponse
	ctx     context.Context
	cancel  context.CancelFunc
	counted access.Counters
}

// Next returns the next batch or io.EOF.
func (r *scan) Next(ctx context.Context) (*vec.Batch, error) {
	stop := context.AfterFunc(ctx, r.cancel)
	defer stop()
	for {
		if r.stream == nil {
			if len(r.parts) == 0 || r.req.Limit > 0 && r.left <= 0 {
				return nil, io.EOF
			}
			if err := r.open(ctx); err != nil {
				return nil, err
			}
		}
		m, err := r.receive()
		if errors.Is(err, io.EOF) {
			r.end()
			r.parts = r.parts[1:]
			continue
		}
		if err != nil {
			return nil, fromStatus(ctx, err)
		}
		r.counted.ExaminedRows += m.GetExamined()
		r.counted.ReadBytes += m.GetBytes()
		if m.GetBatch() == nil || m.GetBatch().GetRows() == 0 {
			continue
		}
		b, err := wire.BatchFromProto(m.GetBatch())
		if err != nil {
			return nil, err
		}
		r.left -= int64(b.Len)
		return b, nil
	}
}

// open starts the stream of the first part and receives its first message, so that a wrong leader shows before any row.
func (r *scan) open(ctx context.Context) error {
	p := r.parts[0]
	r.proto.Start, r.proto.End = p.Start, p.End
	if r.req.Limit > 0 {
		r.proto.Limit = r.left
	}
	_, err := r.storage.call(ctx, p.Start, true, func(address string, _ storagev1.StorageServiceClient) error {
		// The connection is held as long as the stream.
		c, release, err := r.storage.client(address)
		if err != nil {
			return err
		}
		stream, err := c.Scan(r.ctx, r.proto)
		if err == nil {
			r.first, err = stream.Recv()
		}
		if errors.Is(err, io.EOF) {
			r.first, err = nil, nil
		}
		if err != nil {
			release()
			return err
		}
		r.stream, r.release = stream, release
		return nil
	})
	return err
}

// receive returns the next message of the stream.
func (r *scan) receive() (*storagev1.ScanResponse, error) {
	if m := r.first; m != nil {
		r.first = nil
		return m, nil
	}
	return r.stream.Recv()
}

func (r *scan) end() {
	if r.release != nil {
		r.release()
	}
	r.stream, r.release = nil, nil
}

// Counters tells what was read.
func (r *scan) Counters() access.Counters { return r.counted }

// Close ends the stream.
func (r *scan) Close() {
	r.cancel()
	r.end()
}
