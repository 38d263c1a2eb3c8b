// Package attunegrpc runs benchmarks on Attune over gRPC, as the Go client offers it: statements one by one on any executor, or many
// together on the stream of a session.
package attunegrpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/attunedb/attune/bench/db"
	"github.com/attunedb/attune/client"
)

// Options say how the database is used.
type Options struct {
	// Name is the name in reports; "attune" by default.
	Name string
	// Pipelined gives each connection a session of its own, whose batches travel together. Without it each statement is a call and a
	// transaction of its own, and connections are nothing but the client's.
	Pipelined bool
}

type database struct {
	client *client.Client
	Options
}

// New returns the database behind a client, which the caller closes after the database.
func New(c *client.Client, o Options) db.DB {
	if o.Name == "" {
		o.Name = "attune"
	}
	return &database{client: c, Options: o}
}

func (d *database) Name() string { return d.Options.Name }

func (d *database) Version(ctx context.Context) (string, error) {
	return d.text(ctx, "SELECT version()")
}

// Durability tells what the server's settings promise: what it acknowledges is synced, many commits at once.
func (d *database) Durability(ctx context.Context) string {
	switch commit, err := d.text(ctx, "SHOW synchronous_commit"); {
	case err != nil:
		return "unknown: " + err.Error()
	case commit != "on":
		return "less than fsync: synchronous_commit is " + commit
	}
	return "fsync, group commit"
}

func (d *database) text(ctx context.Context, sql string) (string, error) {
	out := ""
	if err := d.client.QueryRow(ctx, sql).Scan(&out); err != nil {
		return "", fmt.Errorf("%s: %w", d.Name(), err)
	}
	return out, nil
}

func (d *database) Traits() db.Traits {
	return db.Traits{Transactions: d.Pipelined, Shared: !d.Pipelined, Pipelined: d.Pipelined}
}

func (d *database) Open(ctx context.Context) (db.Conn, error) {
	if !d.Pipelined {
		return &conn{runner: d.client}, nil
	}
	s, err := d.client.Session(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.Name(), db.Ended(ctx, err))
	}
	return &conn{runner: s, session: s}, nil
}

func (d *database) Load(ctx context.Context, table string, columns []string, rows io.Reader) (int64, error) {
	r, err := d.client.CopyFrom(ctx, db.CopyStatement(table, columns), rows)
	if err != nil {
		return 0, fmt.Errorf("%s: load of %s: %w", d.Name(), table, db.Ended(ctx, err))
	}
	return r.RowCount, nil
}

func (d *database) Close() error { return nil }

// runner is what a client and a session have in common.
type runner interface {
	Exec(ctx context.Context, sql string, args ...any) (client.Result, error)
	Query(ctx context.Context, sql string, args ...any) (*client.Rows, error)
	Prepare(ctx context.Context, sql string) (*client.Stmt, error)
}

// conn is a session, or with session nil the client, which many share.
type conn struct {
	runner  runner
	session *client.Session
	elapsed atomic.Int64
}

type stmt struct {
	conn   *conn
	stmt   *client.Stmt
	closed atomic.Bool
}

// ServerTime implements db.ServerTimer. On a shared connection it is that of any of its statements.
func (c *conn) ServerTime() time.Duration { return time.Duration(c.elapsed.Load()) }

func (c *conn) Exec(ctx context.Context, sql string, args ...any) (int64, error) {
	r, err := c.runner.Exec(ctx, sql, args...)
	c.elapsed.Store(int64(r.Elapsed))
	return r.RowCount, db.Ended(ctx, err)
}

func (c *conn) Query(ctx context.Context, sql string, each func(row []any) error, args ...any) (int64, error) {
	rows, err := c.runner.Query(ctx, sql, args...)
	return c.read(ctx, rows, err, each)
}

// read reads a result to its end. A callback that fails ends it.
func (c *conn) read(ctx context.Context, rows *client.Rows, err error, each func(row []any) error) (int64, error) {
	if err != nil {
		c.elapsed.Store(0)
		return 0, db.Ended(ctx, err)
	}
	var failed error
	for b := rows.NextBatch(); b != nil && failed == nil; b = rows.NextBatch() {
		if each != nil {
			failed = batch(b, each)
		}
	}
	err = rows.Close()
	c.elapsed.Store(int64(rows.Result().Elapsed))
	if failed != nil {
		return 0, failed
	}
	return rows.Result().RowCount, db.Ended(ctx, err)
}

// batch calls each with the rows of a batch.
func batch(b *client.Batch, each func(row []any) error) error {
	columns := b.Columns()
	row := make([]any, len(columns))
	for i := range b.Rows() {
		for k, column := range columns {
			row[k] = value(b.Column(k), column.Kind(), i)
		}
		if err := each(row); err != nil {
			return err
		}
	}
	return nil
}

// value is one of the types of arguments; types without such a counterpart are text.
func value(v client.Vector, kind string, i int) any {
	switch {
	case v.IsNull(i):
		return nil
	case kind == "bytea":
		return append([]byte{}, v.Bytes(i)...)
	}
	switch x := v.Value(i).(type) {
	case bool, int64, float64, string, time.Time:
		return x
	}
	return v.String(i)
}

func (c *conn) Prepare(ctx context.Context, sql string) (db.Stmt, error) {
	st, err := c.runner.Prepare(ctx, sql)
	if err != nil {
		return nil, db.Ended(ctx, err)
	}
	return &stmt{conn: c, stmt: st}, nil
}

// own returns the client's statement, if it may run here.
func (c *conn) own(s db.Stmt) (*client.Stmt, error) {
	own, ok := s.(*stmt)
	switch {
	case !ok || own.conn.session != c.session:
		return nil, errors.New("attunegrpc: the statement was not prepared on this connection")
	case own.closed.Load():
		return nil, errors.New("attunegrpc: the statement is closed")
	}
	return own.stmt, nil
}

func (c *conn) Batch(ctx context.Context, calls []db.Call) {
	if c.session == nil {
		for i := range calls {
			c.call(ctx, &calls[i])
		}
		return
	}
	for len(calls) > client.MaxPipelined {
		c.pipeline(ctx, calls[:client.MaxPipelined])
		calls = calls[client.MaxPipelined:]
	}
	c.pipeline(ctx, calls)
}

// call runs one call by itself.
func (c *conn) call(ctx context.Context, call *db.Call) {
	call.Rows = 0
	st, err := c.own(call.Stmt)
	switch {
	case err != nil:
	case call.Each == nil:
		var r client.Result
		r, err = st.Exec(ctx, call.Args...)
		c.elapsed.Store(int64(r.Elapsed))
		call.Rows, err = r.RowCount, db.Ended(ctx, err)
	default:
		var rows *client.Rows
		rows, err = st.Query(ctx, call.Args...)
		call.Rows, err = c.read(ctx, rows, err, call.Each)
	}
	call.Err, call.End = err, time.Now()
}

// pipeline runs calls in one message.
func (c *conn) pipeline(ctx context.Context, calls []db.Call) {
	p := c.session.Pipeline(ctx)
	sent := make([]int, 0, len(calls))
	for i := range calls {
		call := &calls[i]
		call.Rows = 0
		st, err := c.own(call.Stmt)
		if err == nil {
			err = p.QueueStmt(st, call.Args...)
		}
		if call.Err = err; err != nil {
			call.End = time.Now()
			continue
		}
		sent = append(sent, i)
	}
	broken := p.Send()
	for _, i := range sent {
		call := &calls[i]
		if broken != nil {
			call.Err = db.Ended(ctx, broken)
		} else {
			rows, err := p.Recv()
			call.Rows, call.Err = c.read(ctx, rows, err, call.Each)
		}
		call.End = time.Now()
	}
	// What it could say was said of the calls.
	_ = p.Close()
}

func (c *conn) Close() error {
	if c.session == nil {
		return nil
	}
	return c.session.Close()
}

func (s *stmt) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	return s.stmt.Close()
}
