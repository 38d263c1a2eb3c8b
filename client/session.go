package client

import (
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"sync"
	"time"

	queryv1 "github.com/attunedb/attune/proto/gen/attune/query/v1"
)

// closeGrace is how long Close waits for the server to have rolled back.
const closeGrace = 2 * time.Second

// Transaction status of a session, as PostgreSQL reports it.
const (
	StatusIdle   = 'I' // no transaction is open
	StatusOpen   = 'T' // in a transaction
	StatusFailed = 'E' // in a transaction that failed and waits for its rollback
)

// Session is a conversation with one executor: transactions, settings made by SET, prepared statements. One goroutine uses it.
//
// When the connection or the executor is lost the session is broken: every call fails, and an open transaction was
// rolled back unless its COMMIT was on the way.
type Session struct {
	stream   queryv1.QueryService_SessionClient
	cancel   context.CancelFunc
	settings Settings

	// sendMu guards the sending side, which a cancellation uses from its own goroutine.
	sendMu   sync.Mutex
	sequence uint64

	// inbox holds results that have arrived in one message with earlier ones.
	inbox []*queryv1.OperationResult
	// pending are the operations sent whose answers have not ended, in order.
	pending []uint64
	rows    *Rows
	status  byte
	broken  error
	names   int
}

// Session opens a session. ctx governs its opening only.
func (c *Client) Session(ctx context.Context) (*Session, error) {
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, cancel)
	stream, err := c.rpc.Session(inner)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		cancel()
		return nil, fromRPC(ctx, err)
	}
	return &Session{stream: stream, cancel: cancel, settings: c.settings, status: StatusIdle}, nil
}

// Close ends the session and waits, for a short time, until the server has rolled an open transaction back. Closing again does nothing.
func (s *Session) Close() error {
	if s.broken != nil {
		return nil
	}
	idle := len(s.pending) == 0
	s.broken = newError(codeNoConnection, nil, "the session is closed")
	defer s.cancel()
	if !idle {
		return nil
	}
	s.sendMu.Lock()
	_ = s.stream.CloseSend()
	s.sendMu.Unlock()
	timer := time.AfterFunc(closeGrace, s.cancel)
	defer timer.Stop()
	for {
		if _, err := s.stream.Recv(); err != nil {
			return nil
		}
	}
}

// TxnStatus returns the transaction status after the last operation that has ended: StatusIdle, StatusOpen or StatusFailed.
func (s *Session) TxnStatus() byte { return s.status }

// Err returns why the session cannot be used any more, nil while it can.
func (s *Session) Err() error { return s.broken }

// Exec runs a statement whose rows, if it has any, are not wanted.
func (s *Session) Exec(ctx context.Context, sql string, args ...any) (Result, error) {
	rows, err := s.Query(ctx, sql, args...)
	if err != nil {
		return Result{}, err
	}
	return rows.drain()
}

// Query runs a statement and streams its rows. ctx governs the rows to their end. The session is busy until then: other
// statements fail with ErrBusy.
func (s *Session) Query(ctx context.Context, sql string, args ...any) (*Rows, error) {
	st, err := statement(sql, args, s.settings)
	if err != nil {
		return nil, err
	}
	return s.query(ctx, &queryv1.Operation{Op: &queryv1.Operation_Execute{Execute: st}})
}

// QueryRow runs a statement for its first row. Errors come from Row.Scan.
func (s *Session) QueryRow(ctx context.Context, sql string, args ...any) *Row {
	rows, err := s.Query(ctx, sql, args...)
	return &Row{rows: rows, err: err}
}

// Prepare names a statement on the server. Close the Stmt to free the name.
func (s *Session) Prepare(ctx context.Context, sql string) (*Stmt, error) {
	s.names++
	name := "c" + strconv.Itoa(s.names)
	seq, err := s.send(ctx, &queryv1.Operation{Op: &queryv1.Operation_Prepare{Prepare: &queryv1.PrepareNamed{
		Name: name, Request: &queryv1.PrepareRequest{Sql: sql, Settings: s.settings},
	}}})
	if err != nil {
		return nil, err
	}
	src := s.answer(ctx, seq)
	defer src.ended()
	p, err := src.next()
	if err != nil {
		return nil, err
	}
	if p.prepared == nil {
		_ = src.abandon()
		return nil, errProtocol("no description of a prepared statement")
	}
	st := &Stmt{sql: sql, name: name, session: s}
	if st.params, st.columns, err = preparedFromProto(p.prepared); err != nil {
		return nil, err
	}
	return st, nil
}

func (s *Session) query(ctx context.Context, op *queryv1.Operation) (*Rows, error) {
	seq, err := s.send(ctx, op)
	if err != nil {
		return nil, err
	}
	return s.open(ctx, seq)
}

// open reads the answer to seq as rows, which keep the session busy until they end.
func (s *Session) open(ctx context.Context, seq uint64) (*Rows, error) {
	rows, err := newRows(s.answer(ctx, seq))
	if err != nil {
		return nil, err
	}
	if !rows.done {
		s.rows = rows
		rows.onRelease = func() { s.rows = nil }
	}
	return rows, nil
}

// ready fails when the session cannot take a statement.
func (s *Session) ready() error {
	if s.broken != nil {
		return s.broken
	}
	if s.rows != nil || len(s.pending) > 0 {
		return newError(codeObjectInUse, ErrBusy, "the session is busy: a result is still being read")
	}
	return nil
}

// send sends one operation on a session that is ready.
func (s *Session) send(ctx context.Context, op *queryv1.Operation) (uint64, error) {
	if err := s.ready(); err != nil {
		return 0, err
	}
	if err := ctx.Err(); err != nil {
		return 0, newError(codeQueryCanceled, err, "canceled before it was sent: %v", err)
	}
	if err := s.sendAll(ctx, []*queryv1.Operation{op}); err != nil {
		return 0, err
	}
	return op.Sequence, nil
}

// sendAll numbers operations and sends them in one message. When ctx ends before that is done the session is given up.
func (s *Session) sendAll(ctx context.Context, ops []*queryv1.Operation) error {
	guard := watch(ctx, s.cancel, nil)
	defer guard.end()
	s.sendMu.Lock()
	for _, op := range ops {
		s.sequence++
		op.Sequence = s.sequence
	}
	err := s.stream.Send(&queryv1.SessionRequest{Operations: ops})
	s.sendMu.Unlock()
	if err != nil {
		return s.fail(ctx, err)
	}
	for _, op := range ops {
		s.pending = append(s.pending, op.Sequence)
	}
	return nil
}

// fail breaks the session for good.
func (s *Session) fail(ctx context.Context, err error) error {
	if errors.Is(err, io.EOF) {
		// The stream has ended: its status is what Recv gives.
		for err = nil; err == nil; {
			_, err = s.stream.Recv()
		}
		if errors.Is(err, io.EOF) {
			err = newError(codeNoConnection, err, "the server ended the session")
		}
	}
	err = fromRPC(ctx, err)
	s.broken = newError(codeNoConnection, nil, "the session was lost: %v", err)
	s.pending, s.inbox = nil, nil
	s.cancel()
	return err
}

// recv returns the next result of operation seq. Results of operations nobody waits for are skipped.
func (s *Session) recv(ctx context.Context, seq uint64) (*queryv1.OperationResult, error) {
	for {
		if s.broken != nil {
			return nil, s.broken
		}
		for len(s.inbox) == 0 {
			m, err := s.stream.Recv()
			if err != nil {
				return nil, s.fail(ctx, err)
			}
			s.inbox = m.GetResults()
		}
		r := s.inbox[0]
		s.inbox = s.inbox[1:]
		// A cancellation has a number too, and may be answered before what it cancels.
		if r.GetSequence() > seq && slices.Contains(s.pending, r.GetSequence()) {
			return nil, s.fail(ctx, errProtocol("operation %d was answered before operation %d", r.GetSequence(), seq))
		}
		if r.GetDone() {
			if st := r.GetTxnStatus(); len(st) == 1 {
				s.status = st[0]
			}
		}
		if r.GetSequence() == seq {
			if r.GetDone() {
				s.forget(seq)
			}
			return r, nil
		}
	}
}

func (s *Session) forget(seq uint64) {
	if i := slices.Index(s.pending, seq); i >= 0 {
		s.pending = slices.Delete(s.pending, i, i+1)
	}
}

// tell sends an operation whose answer nobody waits for.
func (s *Session) tell(op *queryv1.Operation) {
	s.sendMu.Lock()
	defer s.sendMu.Unlock()
	s.sequence++
	op.Sequence = s.sequence
	_ = s.stream.Send(&queryv1.SessionRequest{Operations: []*queryv1.Operation{op}})
}

// answer returns the answer to operation seq. While it is read, the end of ctx cancels the operation on the server.
func (s *Session) answer(ctx context.Context, seq uint64) *operation {
	o := &operation{session: s, ctx: ctx, sequence: seq}
	o.guard = watch(ctx, s.cancel, func() {
		s.tell(&queryv1.Operation{Op: &queryv1.Operation_Cancel{Cancel: seq}})
	})
	return o
}

// operation is an answer on a session.
type operation struct {
	session  *Session
	ctx      context.Context
	sequence uint64
	guard    *guard
	done     bool
}

func (o *operation) next() (part, error) {
	for {
		r, err := o.session.recv(o.ctx, o.sequence)
		if err != nil {
			return part{}, err
		}
		o.done = o.done || r.GetDone()
		switch p := r.GetPart().(type) {
		case *queryv1.OperationResult_Header:
			return part{header: p.Header}, nil
		case *queryv1.OperationResult_Batch:
			return part{batch: p.Batch}, nil
		case *queryv1.OperationResult_Completion:
			return part{completion: p.Completion}, o.finish()
		case *queryv1.OperationResult_Prepared:
			return part{prepared: p.Prepared}, o.finish()
		case *queryv1.OperationResult_Error:
			err := fromProto(p.Error)
			var own *Error
			if errors.As(err, &own) && own.Code == codeQueryCanceled && o.ctx.Err() != nil {
				own.cause = o.ctx.Err()
			}
			if broken := o.finish(); broken != nil {
				return part{}, broken
			}
			return part{}, err
		case nil:
			if o.done {
				return part{}, errProtocol("an operation ended without a result")
			}
		}
	}
}

// finish reads what a server may send behind the last part that matters, up to the mark of the end.
func (o *operation) finish() error {
	for !o.done {
		r, err := o.session.recv(o.ctx, o.sequence)
		if err != nil {
			return err
		}
		o.done = r.GetDone()
	}
	return nil
}

// abandon reads the rest of the answer: cancelling it would fail a transaction that is open. A failure that is still on its way is
// the statement's, and is returned.
func (o *operation) abandon() error {
	for !o.done {
		if _, err := o.next(); err != nil {
			return err
		}
	}
	return nil
}

func (o *operation) ended() { o.guard.end() }
