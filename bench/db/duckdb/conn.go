package duckdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/attunedb/attune/bench/db"
	"github.com/attunedb/attune/bench/db/duckdb/link"
)

// Error is a failure that the program reports.
type Error struct {
	Message string
	// Code is PostgreSQL's code for what DuckDB says, "" where there is none.
	Code string
}

// Error implements error.
func (e *Error) Error() string { return e.Message }

// SQLState returns Code.
func (e *Error) SQLState() string { return e.Code }

// conn is a connection, for one goroutine; a cancellation comes from another.
type conn struct {
	net     net.Conn
	in      *link.Reader
	mu      sync.Mutex // held while a message is written
	out     []byte
	broken  error
	last    uint64 // statement
	elapsed time.Duration
}

type stmt struct {
	conn   *conn
	number uint64
	closed bool
}

// ServerTime implements db.ServerTimer: the time inside DuckDB.
func (c *conn) ServerTime() time.Duration { return c.elapsed }

// send sends a message. One that cannot be encoded leaves the connection as it was; after any other failure nothing is answered.
func (c *conn) send(m *link.Message) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	b, err := link.Append(c.out[:0], m)
	if err != nil {
		return fmt.Errorf("duckdb: %w", err)
	}
	if c.out = b; cap(b) > link.MaxMessageBytes/256 {
		c.out = nil
	}
	if _, err := c.net.Write(b); err != nil {
		return fmt.Errorf("duckdb: the program does not answer: %w", err)
	}
	return nil
}

// request sends a message and reads its answer, with what more sends in between.
func (c *conn) request(ctx context.Context, m *link.Message, more func() error, each func(row []any) error) (int64, error) {
	c.elapsed = 0
	if c.broken != nil {
		return 0, c.broken
	}
	if err := ctx.Err(); err != nil {
		return 0, db.Ended(ctx, err)
	}
	if err := c.send(m); err != nil {
		return 0, err
	}
	canceled := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(canceled)
		_ = c.send(&link.Message{Kind: link.Cancel}) // should it fail, so does the answer
	})
	n, err := c.answer(m, more, each)
	if !stop() {
		<-canceled // not after the next request
	}
	return n, db.Ended(ctx, err)
}

func (c *conn) answer(m *link.Message, more func() error, each func(row []any) error) (int64, error) {
	if more != nil {
		if err := more(); err != nil {
			c.broken = err
			return 0, err
		}
	}
	var failed error
	for {
		a, err := c.in.Read()
		switch {
		case err != nil:
			c.broken = fmt.Errorf("duckdb: the program has ended, or is confused: %w", err)
			return 0, c.broken
		case a.Kind == link.Rows && a.Count > 0:
			width := len(a.Values) / int(a.Count)
			for row := a.Values; each != nil && failed == nil && width > 0 && len(row) >= width; row = row[width:] {
				failed = each(row[:width:width])
			}
		case a.Kind == link.Done && a.Error != "":
			c.elapsed = a.Elapsed
			return 0, &Error{Message: a.Error, Code: a.State}
		case a.Kind == link.Done:
			c.elapsed = a.Elapsed
			if failed != nil {
				return 0, failed
			}
			return a.Count, nil
		default:
			c.broken = fmt.Errorf("duckdb: the program answered request %d with message %d", m.Kind, a.Kind)
			return 0, c.broken
		}
	}
}

func (c *conn) Exec(ctx context.Context, sql string, args ...any) (int64, error) {
	return c.request(ctx, &link.Message{Kind: link.Run, SQL: sql, Values: args}, nil, nil)
}

func (c *conn) Query(ctx context.Context, sql string, each func(row []any) error, args ...any) (int64, error) {
	return c.request(ctx, &link.Message{Kind: link.Run, SQL: sql, Values: args, Want: each != nil}, nil, each)
}

func (c *conn) Prepare(ctx context.Context, sql string) (db.Stmt, error) {
	c.last++
	s := &stmt{conn: c, number: c.last}
	if _, err := c.request(ctx, &link.Message{Kind: link.Prepare, Statement: s.number, SQL: sql}, nil, nil); err != nil {
		return nil, err
	}
	return s, nil
}

// Batch runs the calls one after the other: there is no network to hide.
func (c *conn) Batch(ctx context.Context, calls []db.Call) {
	for i := range calls {
		call := &calls[i]
		call.Rows, call.Err = c.call(ctx, call)
		call.End = time.Now()
	}
}

func (c *conn) call(ctx context.Context, call *db.Call) (int64, error) {
	s, ok := call.Stmt.(*stmt)
	switch {
	case !ok || s.conn != c:
		return 0, errors.New("duckdb: the statement was not prepared on this connection")
	case s.closed:
		return 0, errors.New("duckdb: the statement is closed")
	}
	m := &link.Message{Kind: link.Run, Statement: s.number, Values: call.Args, Want: call.Each != nil}
	return c.request(ctx, m, nil, call.Each)
}

func (c *conn) load(ctx context.Context, table string, columns []string, rows io.Reader) (int64, error) {
	var torn error
	more := func() error {
		buffer := make([]byte, link.LoadBytes)
		end := &link.Message{Kind: link.LoadEnd}
		for {
			n, err := io.ReadFull(rows, buffer)
			if n > 0 {
				if err := c.send(&link.Message{Kind: link.Data, Data: buffer[:n]}); err != nil {
					return err
				}
			}
			switch {
			case ctx.Err() != nil:
				end.Error = ctx.Err().Error()
			case err == nil:
				continue
			case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
				torn, end.Error = err, err.Error()
			}
			return c.send(end)
		}
	}
	n, err := c.request(ctx, &link.Message{Kind: link.Load, SQL: table, Names: columns}, more, nil)
	if err != nil && torn != nil {
		return 0, fmt.Errorf("the given reader: %w", torn)
	}
	return n, err
}

func (c *conn) Close() error {
	if err := c.net.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("duckdb: %w", err)
	}
	return nil
}

func (s *stmt) Close() error {
	if s.closed || s.conn.broken != nil {
		return nil
	}
	s.closed = true
	_, err := s.conn.request(context.Background(), &link.Message{Kind: link.Close, Statement: s.number}, nil, nil)
	return err
}
