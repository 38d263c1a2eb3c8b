package executor

import (
	"context"
	"errors"
	"io"
	"sync"

	"google.golang.org/grpc"

	"github.com/attunedb/attune/engine/sqlerr"
	queryv1 "github.com/attunedb/attune/proto/gen/attune/query/v1"
	typesv1 "github.com/attunedb/attune/proto/gen/attune/types/v1"
	"github.com/attunedb/attune/services/executor/internal/session"
	"github.com/attunedb/attune/wire"
)

const (
	// maxQueued bounds the operations of a stream that wait for their turn; the client is not read beyond.
	maxQueued = 1024
	// maxResults bounds the results that wait to be sent, maxTogether and togetherBytes what travels in one message.
	maxResults    = 256
	maxTogether   = 128
	togetherBytes = 256 << 10
)

// Session is a conversation with state.
func (s *queryServer) Session(stream grpc.BidiStreamingServer[queryv1.SessionRequest, queryv1.SessionResponse]) error {
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	c := &conversation{ctx: ctx, results: make(chan *queryv1.OperationResult, maxResults), ops: make(chan *queryv1.Operation, maxQueued)}
	var err error
	if c.session, err = s.manager.Open(session.Options{User: userOf(ctx), OnNotice: c.notices.add}); err != nil {
		return wire.ErrorToStatus(err)
	}
	defer c.session.Close()

	// Not waited for: a receive ends only when the stream does, which is when this call returns.
	go func() {
		defer close(c.ops)
		c.receive(stream)
	}()
	sent := make(chan error, 1)
	go func() {
		err := c.send(stream)
		if err != nil {
			// Nobody listens any more.
			cancel()
		}
		sent <- err
	}()
	drained := c.serve(s.draining)
	close(c.results)
	err = <-sent
	if err == nil && drained {
		err = wire.ErrorToStatus(sqlerr.New(sqlerr.AdminShutdown, "the executor is shutting down"))
	}
	return err
}

// serve carries operations out until the client has sent its last, or, while the executor drains, until the session is
// between transactions with nothing to do; it reports the latter.
func (c *conversation) serve(draining <-chan struct{}) (drained bool) {
	for {
		select {
		case op, ok := <-c.ops:
			if !ok {
				return false
			}
			c.run(op)
			continue
		default:
		}
		idle := draining
		if c.session.TxnStatus() != 'I' {
			idle = nil
		}
		select {
		case op, ok := <-c.ops:
			if !ok {
				return false
			}
			c.run(op)
		case <-idle:
			return true
		}
	}
}

// conversation is a running Session stream.
type conversation struct {
	ctx     context.Context
	session *session.Session
	notices notices
	ops     chan *queryv1.Operation
	results chan *queryv1.OperationResult

	mu      sync.Mutex
	current uint64
	// cancelled are operations that were cancelled before their turn.
	cancelled map[uint64]struct{}
	last      uint64
}

// receive queues operations and cancels at once.
func (c *conversation) receive(stream grpc.BidiStreamingServer[queryv1.SessionRequest, queryv1.SessionResponse]) {
	for {
		m, err := stream.Recv()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				c.session.Cancel()
			}
			return
		}
		for _, op := range m.GetOperations() {
			if target, ok := op.GetOp().(*queryv1.Operation_Cancel); ok {
				c.cancel(target.Cancel)
			} else {
				c.mu.Lock()
				c.last = op.GetSequence()
				c.mu.Unlock()
			}
			select {
			case c.ops <- op:
			case <-c.ctx.Done():
				return
			}
		}
	}
}

func (c *conversation) cancel(sequence uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case sequence == c.current:
		c.session.Cancel()
	case sequence > c.current && sequence <= c.last && len(c.cancelled) < maxQueued:
		if c.cancelled == nil {
			c.cancelled = map[uint64]struct{}{}
		}
		c.cancelled[sequence] = struct{}{}
	}
}

// take makes an operation the current one and reports whether it was cancelled before its turn.
func (c *conversation) take(sequence uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current = sequence
	_, gone := c.cancelled[sequence]
	delete(c.cancelled, sequence)
	return gone
}

// send sends results, many to a message where they are at hand.
func (c *conversation) send(stream grpc.BidiStreamingServer[queryv1.SessionRequest, queryv1.SessionResponse]) error {
	var failed error
	for r := range c.results {
		m := &queryv1.SessionResponse{Results: []*queryv1.OperationResult{r}}
		size := sizeOf(r)
	more:
		for len(m.Results) < maxTogether && size < togetherBytes {
			select {
			case next, ok := <-c.results:
				if !ok {
					break more
				}
				m.Results = append(m.Results, next)
				size += sizeOf(next)
			default:
				break more
			}
		}
		if failed == nil {
			failed = stream.Send(m)
		}
		if failed != nil && c.ctx.Err() == nil {
			c.session.Cancel()
		}
	}
	return failed
}

func sizeOf(r *queryv1.OperationResult) int {
	size := 64
	for _, col := range r.GetBatch().GetColumns() {
		size += len(col.GetFixed()) + len(col.GetData()) + len(col.GetOffsets())
	}
	return size
}

// put queues a result; it blocks while the client is slow.
func (c *conversation) put(r *queryv1.OperationResult) error {
	select {
	case c.results <- r:
		return nil
	default:
	}
	select {
	case c.results <- r:
		return nil
	case <-c.ctx.Done():
		return context.Cause(c.ctx)
	}
}

// run carries one operation out and answers it.
func (c *conversation) run(op *queryv1.Operation) {
	seq := op.GetSequence()
	if _, ok := op.GetOp().(*queryv1.Operation_Cancel); ok {
		c.finish(&queryv1.OperationResult{Sequence: seq})
		return
	}
	if c.take(seq) {
		c.session.Fail()
		c.fail(seq, sqlerr.New(sqlerr.QueryCanceled, "canceling statement due to user request"))
		return
	}
	if err := c.carryOut(op); err != nil {
		c.fail(seq, err)
	}
	c.take(0)
}

func (c *conversation) carryOut(op *queryv1.Operation) error {
	seq := op.GetSequence()
	switch o := op.GetOp().(type) {
	case *queryv1.Operation_Execute:
		req, err := requestFrom(o.Execute)
		if err != nil {
			c.session.Fail()
			return err
		}
		return c.session.Execute(c.ctx, req, c.sink(seq))
	case *queryv1.Operation_ExecuteNamed:
		params, err := datumsFrom(o.ExecuteNamed.GetParams())
		if err != nil {
			c.session.Fail()
			return err
		}
		name := o.ExecuteNamed.GetName()
		return c.session.Execute(c.ctx, &session.Request{Name: &name, Params: params}, c.sink(seq))
	case *queryv1.Operation_Prepare:
		declared, err := wire.TypesFromProto(o.Prepare.GetRequest().GetParamTypes())
		if err != nil {
			c.session.Fail()
			return sqlerr.New(sqlerr.ProtocolViolation, "a parameter type is malformed: %w", err)
		}
		d, err := c.session.Prepare(c.ctx, o.Prepare.GetName(), o.Prepare.GetRequest().GetSql(), declared)
		if err != nil {
			return err
		}
		c.finish(&queryv1.OperationResult{Sequence: seq, Part: &queryv1.OperationResult_Prepared{Prepared: described(d)}})
		return nil
	case *queryv1.Operation_Close:
		c.session.Unprepare(o.Close)
		c.finish(&queryv1.OperationResult{Sequence: seq})
		return nil
	}
	return sqlerr.New(sqlerr.ProtocolViolation, "operation %d asks for nothing", seq)
}

// sink answers an operation with a statement's result.
func (c *conversation) sink(seq uint64) *partSink {
	return &partSink{notices: &c.notices,
		header: func(h *queryv1.Header) error {
			return c.put(&queryv1.OperationResult{Sequence: seq, Part: &queryv1.OperationResult_Header{Header: h}})
		},
		batch: func(b *typesv1.Batch) error {
			return c.put(&queryv1.OperationResult{Sequence: seq, Part: &queryv1.OperationResult_Batch{Batch: b}})
		},
		done: func(d *queryv1.Completion) error {
			c.finish(&queryv1.OperationResult{Sequence: seq, Part: &queryv1.OperationResult_Completion{Completion: d}})
			return nil
		}}
}

// finish sends the last part of an operation's answer. A client that is gone needs none.
func (c *conversation) finish(r *queryv1.OperationResult) {
	r.Done, r.TxnStatus = true, string(rune(c.session.TxnStatus()))
	_ = c.put(r)
}

func (c *conversation) fail(seq uint64, err error) {
	c.notices.take()
	c.finish(&queryv1.OperationResult{Sequence: seq, Part: &queryv1.OperationResult_Error{Error: wire.SQLErrorToProto(err)}})
}
