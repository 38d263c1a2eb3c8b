// Package session holds the connections of workloads' workers: with their prepared statements, shared or not, and with transactions that
// begin anew after a conflict.
package session

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/attunedb/attune/bench"
	"github.com/attunedb/attune/bench/db"
	"github.com/attunedb/attune/bench/workload"
	"github.com/attunedb/attune/bench/workload/internal/draw"
)

// MaxRetries is how often a transaction begins anew after conflicts before its last error counts.
const MaxRetries = 50

// maxBackoff bounds the pause before a retry.
const maxBackoff = 20 * time.Millisecond

// rollbackTimeout is what a rollback may take once the run has ended.
const rollbackTimeout = 5 * time.Second

// Options say how sessions are opened.
type Options struct {
	// Workload is the name that errors give.
	Workload string
	// Statements are prepared on every connection; Session.Call names them by their index.
	Statements []string
	// Transactions says that sessions open transactions, so each needs a connection of its own.
	Transactions bool
	// Snapshot asks for REPEATABLE READ, where the database takes that.
	Snapshot bool
}

// Opener opens sessions. It is safe for concurrent use.
type Opener struct {
	d         db.DB
	opts      Options
	seed      uint64
	begin     string
	pipelined bool

	mu    sync.Mutex
	links []*link // of shared connections; empty if each session has its own
}

// link is a connection with its statements.
type link struct {
	conn  db.Conn
	stmts []db.Stmt
	users int // sessions of a shared connection
}

// NewOpener checks that the database can do what the configuration asks for.
func NewOpener(ctx context.Context, d db.DB, cfg bench.Config, opts Options) (*Opener, error) {
	traits := d.Traits()
	threads := cfg.Threads
	if threads == 0 {
		threads = DefaultThreads
	}
	o := &Opener{d: d, opts: opts, seed: cfg.Seed, begin: "BEGIN", pipelined: traits.Pipelined && cfg.PipelineDepth > 1}
	if opts.Transactions {
		if err := NeedTransactions(opts.Workload, d); err != nil {
			return nil, err
		}
	}
	if cfg.Connections > 0 && cfg.Connections < threads {
		if opts.Transactions {
			return nil, fmt.Errorf("workload %s: %d connections for %d threads: a transaction needs a connection of its own, so set connections to 0",
				opts.Workload, cfg.Connections, threads)
		}
		if !traits.Shared {
			return nil, fmt.Errorf("workload %s: %d connections for %d threads: %s's connections cannot be shared, so set connections to 0",
				opts.Workload, cfg.Connections, threads, d.Name())
		}
		o.links = make([]*link, cfg.Connections)
	}
	if opts.Snapshot {
		begin, err := snapshotBegin(ctx, d)
		if err != nil {
			return nil, fmt.Errorf("workload %s: %w", opts.Workload, err)
		}
		o.begin = begin
	}
	return o, nil
}

// NeedTransactions returns an error of type *workload.Unsupported if the database has no transactions of several statements.
func NeedTransactions(name string, d db.DB) error {
	if d.Traits().Transactions {
		return nil
	}
	return &workload.Unsupported{Workload: name, Database: d.Name(), Reason: "it has no transactions of several statements on one connection"}
}

// DefaultThreads is the number of workers where the configuration leaves it open.
const DefaultThreads = 8

// snapshotBegin finds out how a transaction at snapshot isolation begins: databases that have no other isolation may not take the words.
func snapshotBegin(ctx context.Context, d db.DB) (begin string, err error) {
	conn, err := d.Open(ctx)
	if err != nil {
		return "", fmt.Errorf("connect to %s: %w", d.Name(), err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	begin = "BEGIN ISOLATION LEVEL REPEATABLE READ"
	if _, err := conn.Exec(ctx, begin); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		begin = "BEGIN"
		if _, err := conn.Exec(ctx, begin); err != nil {
			return "", fmt.Errorf("begin a transaction on %s: %w", d.Name(), err)
		}
	}
	_, err = conn.Exec(ctx, "ROLLBACK")
	return begin, err
}

func (o *Opener) dial(ctx context.Context) (*link, error) {
	conn, err := o.d.Open(ctx)
	if err != nil {
		return nil, fmt.Errorf("workload %s: connect to %s: %w", o.opts.Workload, o.d.Name(), err)
	}
	l := &link{conn: conn}
	for _, sql := range o.opts.Statements {
		st, err := conn.Prepare(ctx, sql)
		if err != nil {
			return nil, errors.Join(o.refused(sql, err), l.close())
		}
		l.stmts = append(l.stmts, st)
	}
	return l, nil
}

// refused says whether the database lacks what a statement needs, by its SQLSTATE, or failed for another reason.
func (o *Opener) refused(sql string, err error) error {
	switch db.SQLState(err) {
	case "0A000", "42601", "42883", "42704":
		return &workload.Unsupported{Workload: o.opts.Workload, Database: o.d.Name(), Reason: fmt.Sprintf("%s: %v", sql, err)}
	}
	return fmt.Errorf("workload %s: prepare %s: %w", o.opts.Workload, sql, err)
}

func (l *link) close() error {
	var errs []error
	for _, st := range l.stmts {
		errs = append(errs, st.Close())
	}
	return errors.Join(append(errs, l.conn.Close())...)
}

// Open opens the session of the worker with this number.
func (o *Opener) Open(ctx context.Context, id int) (*Session, error) {
	s := &Session{o: o, shared: -1, rng: draw.New(o.seed, 0x5e55, uint64(id))}
	if len(o.links) == 0 {
		l, err := o.dial(ctx)
		if err != nil {
			return nil, err
		}
		s.link = l
		return s, nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	s.shared = id % len(o.links)
	if o.links[s.shared] == nil {
		l, err := o.dial(ctx)
		if err != nil {
			return nil, err
		}
		o.links[s.shared] = l
	}
	s.link = o.links[s.shared]
	s.link.users++
	return s, nil
}

// Session is a worker's connection, for one goroutine.
type Session struct {
	o      *Opener
	link   *link
	shared int // index in o.links; -1 for a connection of its own
	rng    *rand.Rand
	closed bool
}

// Close releases the connection; a shared one ends with the last of its sessions.
func (s *Session) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	if s.shared < 0 {
		return s.link.close()
	}
	s.o.mu.Lock()
	defer s.o.mu.Unlock()
	s.link.users--
	if s.link.users > 0 {
		return nil
	}
	s.o.links[s.shared] = nil
	return s.link.close()
}

// Call is an execution of the statement with this index. each may be nil.
func (s *Session) Call(statement int, each func(row []any) error, args ...any) db.Call {
	return db.Call{Stmt: s.link.stmts[statement], Args: args, Each: each}
}

// Send runs calls in order, together where database and configuration allow that, each with an outcome of its own.
func (s *Session) Send(ctx context.Context, calls []db.Call) {
	if s.o.pipelined {
		s.link.conn.Batch(ctx, calls)
		return
	}
	for i := range calls {
		s.link.conn.Batch(ctx, calls[i:i+1])
	}
}

// Do runs calls in order within a transaction and returns the first error; those after it may have been sent or not.
func (s *Session) Do(ctx context.Context, calls ...db.Call) error {
	if s.o.pipelined {
		s.link.conn.Batch(ctx, calls)
		for i := range calls {
			if calls[i].Err != nil {
				return calls[i].Err
			}
		}
		return nil
	}
	for i := range calls {
		s.link.conn.Batch(ctx, calls[i:i+1])
		if calls[i].Err != nil {
			return calls[i].Err
		}
	}
	return nil
}

// ErrAbandon is returned by the body of a transaction that ends, as intended, with a rollback.
var ErrAbandon = errors.New("the transaction abandons itself")

// ErrAgain is returned by the body of a transaction that found itself overtaken by another and begins anew.
var ErrAgain = errors.New("the transaction was overtaken by another")

// Transact runs body in a transaction, anew after a conflict, at most MaxRetries times; it counts those in op.Retries. A body starts each
// time with nothing of the time before. It returns nil when the transaction is committed, or abandoned with ErrAbandon.
func (s *Session) Transact(ctx context.Context, op *bench.Op, body func() error) error {
	for attempt := 0; ; attempt++ {
		err := s.attempt(ctx, body)
		if err == nil || !(db.Retryable(err) || errors.Is(err, ErrAgain)) || attempt == MaxRetries {
			return err
		}
		op.Retries++
		if err := s.pause(ctx, attempt); err != nil {
			return err
		}
	}
}

// Again runs f, which is one statement, anew after a conflict as Transact does.
func (s *Session) Again(ctx context.Context, op *bench.Op, f func() error) error {
	for attempt := 0; ; attempt++ {
		err := f()
		if err == nil || !db.Retryable(err) || attempt == MaxRetries {
			return err
		}
		op.Retries++
		if err := s.pause(ctx, attempt); err != nil {
			return err
		}
	}
}

func (s *Session) attempt(ctx context.Context, body func() error) error {
	if _, err := s.link.conn.Exec(ctx, s.o.begin); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	err := body()
	if err == nil {
		if _, err = s.link.conn.Exec(ctx, "COMMIT"); err == nil {
			return nil
		}
		err = &CommitError{err}
	}
	rollback := ctx
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		rollback, cancel = context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
		defer cancel()
	}
	if _, rerr := s.link.conn.Exec(rollback, "ROLLBACK"); rerr != nil && db.SQLState(err) == "" {
		err = errors.Join(err, fmt.Errorf("rollback: %w", rerr))
	}
	if err == ErrAbandon { //nolint:errorlint // joined with a failed rollback it is not the intended end
		return nil
	}
	return err
}

// pause waits a random time whose bound doubles with the attempts, so that transactions that met once do not meet again.
func (s *Session) pause(ctx context.Context, attempt int) error {
	if attempt == 0 {
		return ctx.Err()
	}
	bound := min(250*time.Microsecond<<min(attempt, 10), maxBackoff)
	t := time.NewTimer(time.Duration(s.rng.Int64N(int64(bound))))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// CommitError is the error of a COMMIT.
type CommitError struct{ Err error }

// Error implements error.
func (e *CommitError) Error() string { return "commit: " + e.Err.Error() }

// Unwrap gives the database's error.
func (e *CommitError) Unwrap() error { return e.Err }

// Tally counts the changes of a run, for the check afterwards: those that were acknowledged, and those whose outcome is unknown because the
// connection was lost or the run was ended before the answer came.
type Tally struct {
	Acknowledged, Unknown atomic.Int64
}

// CountTransaction counts n changes of a transaction that Transact ended with err. Before its COMMIT was sent, nothing can have happened.
func (t *Tally) CountTransaction(n int64, err error) {
	var commit *CommitError
	if err == nil || errors.As(err, &commit) {
		t.Count(n, err)
	}
}

// Count counts n changes of a single statement that ended with err.
func (t *Tally) Count(n int64, err error) {
	switch {
	case err == nil:
		t.Acknowledged.Add(n)
	case Uncertain(err):
		t.Unknown.Add(n)
	}
}

// Uncertain reports whether a change may have happened although it ended with err: unless the database itself refused it.
func Uncertain(err error) bool {
	switch state := db.SQLState(err); {
	case state == "", state == "40003", strings.HasPrefix(state, "08"), strings.HasPrefix(state, "57"), strings.HasPrefix(state, "58"),
		strings.HasPrefix(state, "XX"):
		return true
	}
	return false
}

// Holds returns an error unless found changes are as many as were acknowledged, or more by at most those of unknown outcome.
func (t *Tally) Holds(what string, found int64) error {
	low := t.Acknowledged.Load()
	high := low + t.Unknown.Load()
	if found < low || found > high {
		return fmt.Errorf("%s: the database holds %d, acknowledged were %d and unknown are %d", what, found, low, high-low)
	}
	return nil
}
