package executor

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	queryv1 "github.com/attunedb/attune/proto/gen/attune/query/v1"
	typesv1 "github.com/attunedb/attune/proto/gen/attune/types/v1"
	"github.com/attunedb/attune/services/executor/internal/session"
	"github.com/attunedb/attune/wire"
)

const (
	// idleSessions is how many sessions wait for the next call outside of a Session stream.
	idleSessions = 64
	// userKey is the metadata that names the user.
	userKey = "attune-user"
	// maxResultBytes bounds the result of a unary call.
	maxResultBytes = 48 << 20
)

// queryServer is the public gRPC door.
type queryServer struct {
	queryv1.UnimplementedQueryServiceServer
	cfg     Config
	manager *session.Manager
	log     *slog.Logger
	// draining is closed when clients should go elsewhere; nil is never.
	draining <-chan struct{}

	mu     sync.Mutex
	closed bool
	idle   []*call
}

// call is a session for calls that have no state of their own.
type call struct {
	*session.Session
	user    string
	notices notices
}

func newQueryServer(cfg Config, m *session.Manager, log *slog.Logger, draining <-chan struct{}) *queryServer {
	return &queryServer{cfg: cfg, manager: m, log: log, draining: draining}
}

func userOf(ctx context.Context) string {
	if v := metadata.ValueFromIncomingContext(ctx, userKey); len(v) > 0 {
		return v[0]
	}
	return ""
}

// borrow returns a session without state; give takes it back.
func (s *queryServer) borrow(ctx context.Context) (*call, error) {
	user := userOf(ctx)
	s.mu.Lock()
	for i := len(s.idle) - 1; i >= 0; i-- {
		if c := s.idle[i]; c.user == user {
			s.idle = append(s.idle[:i], s.idle[i+1:]...)
			s.mu.Unlock()
			return c, nil
		}
	}
	s.mu.Unlock()
	c := &call{user: user}
	var err error
	c.Session, err = s.manager.Open(session.Options{User: user, OnNotice: c.notices.add})
	return c, err
}

func (s *queryServer) give(c *call) {
	c.notices.take()
	s.mu.Lock()
	keep := !s.closed && len(s.idle) < idleSessions && c.Pristine()
	if keep {
		s.idle = append(s.idle, c)
	}
	s.mu.Unlock()
	if !keep {
		c.Close()
	}
}

func (s *queryServer) close() {
	s.mu.Lock()
	s.closed = true
	idle := s.idle
	s.idle = nil
	s.mu.Unlock()
	for _, c := range idle {
		c.Close()
	}
}

// requestFrom decodes a statement.
func requestFrom(p *queryv1.Statement) (*session.Request, error) {
	params, err := datumsFrom(p.GetParams())
	if err != nil {
		return nil, err
	}
	return &session.Request{SQL: p.GetSql(), Params: params, Settings: p.GetSettings()}, nil
}

func datumsFrom(ps []*typesv1.Datum) ([]types.Datum, error) {
	out, err := wire.DatumsFromProto(ps)
	if err != nil {
		return nil, sqlerr.New(sqlerr.ProtocolViolation, "a parameter is malformed: %w", err)
	}
	return out, nil
}

// Execute runs one statement and returns its whole result.
func (s *queryServer) Execute(ctx context.Context, p *queryv1.ExecuteRequest) (*queryv1.ExecuteResponse, error) {
	req, err := requestFrom(p.GetStatement())
	if err != nil {
		return nil, wire.ErrorToStatus(err)
	}
	c, err := s.borrow(ctx)
	if err != nil {
		return nil, wire.ErrorToStatus(err)
	}
	defer s.give(c)
	limit := s.cfg.MaxResultRows
	if n := int(p.GetMaxRows()); n > 0 && n < limit {
		limit = n
	}
	res := &queryv1.ExecuteResponse{}
	rows, size := 0, 0
	sink := &partSink{notices: &c.notices,
		header: func(h *queryv1.Header) error { res.Fields = h.GetFields(); return nil },
		batch: func(b *typesv1.Batch) error {
			rows += int(b.GetRows())
			for _, col := range b.GetColumns() {
				size += len(col.GetFixed()) + len(col.GetData()) + len(col.GetOffsets()) + len(col.GetValidity())
			}
			if rows > limit || size > maxResultBytes {
				return sqlerr.New(sqlerr.ProgramLimitExceeded, "the result has more than %d rows or %d MB", limit, maxResultBytes>>20).
					WithHint("Use Query, which streams, or LIMIT.")
			}
			res.Batches = append(res.Batches, b)
			return nil
		},
		done: func(d *queryv1.Completion) error { res.Completion = d; return nil }}
	if err := c.Session.Execute(ctx, req, sink); err != nil {
		return nil, wire.ErrorToStatus(err)
	}
	return res, nil
}

// Query runs one statement and streams its result.
func (s *queryServer) Query(p *queryv1.QueryRequest, stream grpc.ServerStreamingServer[queryv1.QueryResponse]) error {
	req, err := requestFrom(p.GetStatement())
	if err != nil {
		return wire.ErrorToStatus(err)
	}
	c, err := s.borrow(stream.Context())
	if err != nil {
		return wire.ErrorToStatus(err)
	}
	defer s.give(c)
	sink := &partSink{notices: &c.notices,
		header: func(h *queryv1.Header) error {
			return stream.Send(&queryv1.QueryResponse{Part: &queryv1.QueryResponse_Header{Header: h}})
		},
		batch: func(b *typesv1.Batch) error {
			return stream.Send(&queryv1.QueryResponse{Part: &queryv1.QueryResponse_Batch{Batch: b}})
		},
		done: func(d *queryv1.Completion) error {
			return stream.Send(&queryv1.QueryResponse{Part: &queryv1.QueryResponse_Completion{Completion: d}})
		}}
	return wire.ErrorToStatus(c.Session.Execute(stream.Context(), req, sink))
}

// Prepare describes a statement.
func (s *queryServer) Prepare(ctx context.Context, p *queryv1.PrepareRequest) (*queryv1.PrepareResponse, error) {
	declared, err := wire.TypesFromProto(p.GetParamTypes())
	if err != nil {
		return nil, wire.ErrorToStatus(sqlerr.New(sqlerr.ProtocolViolation, "a parameter type is malformed: %w", err))
	}
	c, err := s.manager.Open(session.Options{User: userOf(ctx), Settings: p.GetSettings()})
	if err != nil {
		return nil, wire.ErrorToStatus(err)
	}
	defer c.Close()
	d, err := c.Prepare(ctx, "", p.GetSql(), declared)
	if err != nil {
		return nil, wire.ErrorToStatus(err)
	}
	return described(d), nil
}

func described(d *session.Description) *queryv1.PrepareResponse {
	return &queryv1.PrepareResponse{ParamTypes: wire.TypesToProto(d.ParamTypes), Fields: wire.FieldsToProto(d.Fields)}
}

// CopyIn loads rows.
func (s *queryServer) CopyIn(stream grpc.ClientStreamingServer[queryv1.CopyInRequest, queryv1.CopyInResponse]) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	st, ok := first.GetPart().(*queryv1.CopyInRequest_Statement)
	if !ok {
		return wire.ErrorToStatus(sqlerr.New(sqlerr.ProtocolViolation, "the first message of a load names the statement"))
	}
	req, err := requestFrom(st.Statement)
	if err != nil {
		return wire.ErrorToStatus(err)
	}
	c, err := s.borrow(stream.Context())
	if err != nil {
		return wire.ErrorToStatus(err)
	}
	defer s.give(c)
	res := &queryv1.CopyInResponse{}
	sink := &copySink{data: &copyReader{stream: stream}, partSink: partSink{notices: &c.notices,
		header: func(*queryv1.Header) error { return nil },
		batch:  func(*typesv1.Batch) error { return nil },
		done:   func(d *queryv1.Completion) error { res.Completion = d; return nil }}}
	if err := c.Session.Execute(stream.Context(), req, sink); err != nil {
		return wire.ErrorToStatus(err)
	}
	return stream.SendAndClose(res)
}

// copyReader reads the data of a load.
type copyReader struct {
	stream grpc.ClientStreamingServer[queryv1.CopyInRequest, queryv1.CopyInResponse]
	rest   []byte
}

// Read returns the next data; the client's half-close is the end.
func (r *copyReader) Read(b []byte) (int, error) {
	for len(r.rest) == 0 {
		m, err := r.stream.Recv()
		if errors.Is(err, io.EOF) {
			return 0, io.EOF
		}
		if err != nil {
			return 0, sqlerr.New(sqlerr.QueryCanceled, "COPY from stdin failed: %w", err)
		}
		d, ok := m.GetPart().(*queryv1.CopyInRequest_Data)
		if !ok {
			return 0, sqlerr.New(sqlerr.ProtocolViolation, "a load has one statement")
		}
		r.rest = d.Data
	}
	n := copy(b, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}
