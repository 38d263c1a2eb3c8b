package fakeserver

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"

	"google.golang.org/grpc"

	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
	queryv1 "github.com/attunedb/attune/proto/gen/attune/query/v1"
	"github.com/attunedb/attune/wire"
)

type whole struct{ resp *queryv1.ExecuteResponse }

func (w whole) fields(f []physical.Field) error {
	w.resp.Fields = wire.FieldsToProto(f)
	return nil
}

func (w whole) batch(b *vec.Batch) error {
	w.resp.Batches = append(w.resp.Batches, wire.BatchToProto(b))
	return nil
}

// Execute runs a statement.
func (s *Server) Execute(ctx context.Context, r *queryv1.ExecuteRequest) (*queryv1.ExecuteResponse, error) {
	resp := &queryv1.ExecuteResponse{}
	var err error
	resp.Completion, err = s.run(ctx, &state{txn: 'I'}, r.GetStatement(), whole{resp})
	return resp, wire.ErrorToStatus(err)
}

type streamed struct {
	stream grpc.ServerStreamingServer[queryv1.QueryResponse]
}

func (w streamed) fields(f []physical.Field) error {
	return w.stream.Send(&queryv1.QueryResponse{Part: &queryv1.QueryResponse_Header{Header: &queryv1.Header{Fields: wire.FieldsToProto(f)}}})
}

func (w streamed) batch(b *vec.Batch) error {
	return w.stream.Send(&queryv1.QueryResponse{Part: &queryv1.QueryResponse_Batch{Batch: wire.BatchToProto(b)}})
}

// Query runs a statement.
func (s *Server) Query(r *queryv1.QueryRequest, stream grpc.ServerStreamingServer[queryv1.QueryResponse]) error {
	c, err := s.run(stream.Context(), &state{txn: 'I'}, r.GetStatement(), streamed{stream})
	if err != nil {
		if stream.Context().Err() != nil {
			s.add(&s.canceled, 1)
		}
		return wire.ErrorToStatus(err)
	}
	return stream.Send(&queryv1.QueryResponse{Part: &queryv1.QueryResponse_Completion{Completion: c}})
}

// Prepare describes a statement: one bigint parameter for each $.
func (s *Server) Prepare(_ context.Context, r *queryv1.PrepareRequest) (*queryv1.PrepareResponse, error) {
	resp, err := describe(r.GetSql())
	return resp, wire.ErrorToStatus(err)
}

func describe(sql string) (*queryv1.PrepareResponse, error) {
	if strings.HasPrefix(sql, "fail") {
		return nil, sqlerr.New(sqlerr.SyntaxError, "syntax error").At(1)
	}
	resp := &queryv1.PrepareResponse{Fields: wire.FieldsToProto([]physical.Field{{Name: "p1", Type: types.Of(types.Int8)}})}
	for range strings.Count(sql, "$") {
		resp.ParamTypes = append(resp.ParamTypes, wire.TypeToProto(types.Of(types.Int8)))
	}
	return resp, nil
}

// conversation is one session: its results, and the operation that runs.
type conversation struct {
	server   *Server
	stream   grpc.BidiStreamingServer[queryv1.SessionRequest, queryv1.SessionResponse]
	state    state
	prepared map[string]string

	mu      sync.Mutex
	running uint64
	cancel  context.CancelFunc
	early   map[uint64]bool
}

// Session runs operations in order.
func (s *Server) Session(stream grpc.BidiStreamingServer[queryv1.SessionRequest, queryv1.SessionResponse]) error {
	s.add(&s.sessions, 1)
	defer s.add(&s.sessions, -1)
	c := &conversation{server: s, stream: stream, state: state{txn: 'I'}, prepared: map[string]string{}, early: map[uint64]bool{}}
	ops := make(chan *queryv1.Operation, 4096)
	var wg sync.WaitGroup
	wg.Go(func() {
		for op := range ops {
			c.operate(op)
		}
	})
	defer wg.Wait()
	defer close(ops)
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		s.add(&s.messages, 1)
		for _, op := range m.GetOperations() {
			if id, ok := op.GetOp().(*queryv1.Operation_Cancel); ok {
				c.interrupt(id.Cancel)
				continue
			}
			ops <- op
		}
	}
}

func (c *conversation) interrupt(seq uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running == seq {
		c.cancel()
		return
	}
	c.early[seq] = true
}

func (c *conversation) operate(op *queryv1.Operation) {
	ctx, cancel := context.WithCancel(c.stream.Context())
	defer cancel()
	seq := op.GetSequence()
	c.mu.Lock()
	c.running, c.cancel = seq, cancel
	if c.early[seq] {
		cancel()
	}
	c.mu.Unlock()
	end := &queryv1.OperationResult{Sequence: seq, Done: true}
	var err error
	var done *queryv1.Completion
	switch o := op.GetOp().(type) {
	case *queryv1.Operation_Execute:
		if o.Execute.GetSql() == "hang" {
			ctx = c.stream.Context()
		}
		done, err = c.server.run(ctx, &c.state, o.Execute, answers{c, seq})
	case *queryv1.Operation_ExecuteNamed:
		sql, ok := c.prepared[o.ExecuteNamed.GetName()]
		if !ok {
			err = sqlerr.New(sqlerr.InvalidSQLStatementName, "no such statement")
			break
		}
		sql, _, _ = strings.Cut(sql, " ")
		done, err = c.server.run(ctx, &c.state, &queryv1.Statement{Sql: sql, Params: o.ExecuteNamed.GetParams()}, answers{c, seq})
	case *queryv1.Operation_Prepare:
		var p *queryv1.PrepareResponse
		if p, err = describe(o.Prepare.GetRequest().GetSql()); err == nil {
			c.prepared[o.Prepare.GetName()] = o.Prepare.GetRequest().GetSql()
			end.Part = &queryv1.OperationResult_Prepared{Prepared: p}
		}
	case *queryv1.Operation_Close:
		delete(c.prepared, o.Close)
		done = &queryv1.Completion{Tag: "DEALLOCATE"}
	}
	if done != nil {
		end.Part = &queryv1.OperationResult_Completion{Completion: done}
	}
	if err != nil {
		end.Part = &queryv1.OperationResult_Error{Error: wire.SQLErrorToProto(err)}
	}
	end.TxnStatus = string(c.state.txn)
	c.send(end)
}

func (c *conversation) send(r *queryv1.OperationResult) {
	_ = c.stream.Send(&queryv1.SessionResponse{Results: []*queryv1.OperationResult{r}})
}

type answers struct {
	c   *conversation
	seq uint64
}

func (a answers) fields(f []physical.Field) error {
	a.c.send(&queryv1.OperationResult{Sequence: a.seq, Part: &queryv1.OperationResult_Header{Header: &queryv1.Header{Fields: wire.FieldsToProto(f)}}})
	return nil
}

func (a answers) batch(b *vec.Batch) error {
	a.c.send(&queryv1.OperationResult{Sequence: a.seq, Part: &queryv1.OperationResult_Batch{Batch: wire.BatchToProto(b)}})
	return nil
}
