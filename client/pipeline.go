package client

import (
	"context"

	"github.com/attunedb/attune/engine/sqlerr"
	queryv1 "github.com/attunedb/attune/proto/gen/attune/query/v1"
)

// MaxPipelined is the most operations of a session that may be on their way at once.
const MaxPipelined = 1024

// Pipeline runs many operations of a session in one round trip: Queue them, Send them in one message, then Recv their results in
// the same order. Further operations may be sent while results are outstanding, up to MaxPipelined; small statements run fastest with a few dozen on
// their way. Each operation succeeds or fails for itself; within a transaction those behind a failed one fail with 25P02.
//
// The session is the pipeline's until all results are received, or Close.
type Pipeline struct {
	session *Session
	ctx     context.Context
	queued  []*queryv1.Operation
	sent    []uint64
}

// Pipeline starts a pipeline. The end of ctx cancels what it runs.
func (s *Session) Pipeline(ctx context.Context) *Pipeline { return &Pipeline{session: s, ctx: ctx} }

// Queue adds a statement, to be sent by Send. It fails for arguments that cannot be sent, and then adds nothing.
func (p *Pipeline) Queue(sql string, args ...any) error {
	st, err := statement(sql, args, p.session.settings)
	if err != nil {
		return err
	}
	return p.add(&queryv1.Operation{Op: &queryv1.Operation_Execute{Execute: st}})
}

// QueueStmt adds a prepared statement of the pipeline's session.
func (p *Pipeline) QueueStmt(st *Stmt, args ...any) error {
	if st.session != p.session {
		return newError(codeInvalidParameter, nil, "the statement was not prepared in the pipeline's session")
	}
	if err := st.check(args); err != nil {
		return err
	}
	op, err := st.operation(args)
	if err != nil {
		return err
	}
	return p.add(op)
}

func (p *Pipeline) add(op *queryv1.Operation) error {
	if len(p.queued)+len(p.sent) >= MaxPipelined {
		return newError(string(sqlerr.ProgramLimitExceeded), nil, "more than %d operations in a pipeline: receive some results first", MaxPipelined)
	}
	p.queued = append(p.queued, op)
	return nil
}

// Len returns how many operations are queued or have results to receive.
func (p *Pipeline) Len() int { return len(p.queued) + len(p.sent) }

// Send sends what is queued in one message. It fails when the session is broken, or busy with something else.
func (p *Pipeline) Send() error {
	s := p.session
	if s.broken != nil {
		return s.broken
	}
	if len(p.sent) == 0 {
		if err := s.ready(); err != nil {
			return err
		}
	}
	if err := p.ctx.Err(); err != nil {
		return newError(codeQueryCanceled, err, "canceled before it was sent: %v", err)
	}
	if len(p.queued) == 0 {
		return nil
	}
	ops := p.queued
	p.queued = nil
	if err := s.sendAll(p.ctx, ops); err != nil {
		return err
	}
	for _, op := range ops {
		p.sent = append(p.sent, op.Sequence)
	}
	return nil
}

// Recv returns the result of the next operation, or its error. The rows of the operation before it are closed. It sends what
// is still queued when nothing else is on its way.
func (p *Pipeline) Recv() (*Rows, error) {
	if p.session.rows != nil {
		_ = p.session.rows.Close()
	}
	if len(p.sent) == 0 {
		if len(p.queued) == 0 {
			return nil, newError(codeInvalidParameter, nil, "the pipeline has no operation to receive the result of")
		}
		if err := p.Send(); err != nil {
			return nil, err
		}
	}
	seq := p.sent[0]
	p.sent = p.sent[1:]
	return p.session.open(p.ctx, seq)
}

// RecvResult is Recv for an operation whose rows are not wanted.
func (p *Pipeline) RecvResult() (Result, error) {
	rows, err := p.Recv()
	if err != nil {
		return Result{}, err
	}
	return rows.drain()
}

// Close receives and drops the remaining results, and forgets what was queued but not sent. It returns the error of a broken session.
func (p *Pipeline) Close() error {
	p.queued = nil
	for len(p.sent) > 0 && p.session.broken == nil {
		_, _ = p.RecvResult()
	}
	p.sent = nil
	return p.session.broken
}
