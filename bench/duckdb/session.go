package main

import (
	"bufio"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/attunedb/attune/bench/db/duckdb/link"
)

// rowsAtOnce is how many rows are taken from DuckDB before they are sent: only the taking counts as its time.
const rowsAtOnce = 512

// session is one connection: its requests run one after the other in the order they came.
type session struct {
	conn  driver.Conn
	out   *bufio.Writer
	buf   []byte
	stmts map[uint64]*duckdb.Stmt
	queue <-chan request
}

// request is a message with the context that a cancellation ends.
type request struct {
	*link.Message
	ctx context.Context
}

// serve runs a session until its client leaves, and ends what runs then.
func serve(ctx context.Context, database *duckdb.Connector, c net.Conn) error {
	conn, err := database.Connect(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	queue := make(chan request, 4)
	var wait sync.WaitGroup
	wait.Go(func() {
		defer close(queue)
		defer cancel()
		receive(ctx, link.NewReader(c), queue)
	})
	s := &session{conn: conn, out: bufio.NewWriterSize(c, link.RowsBytes), stmts: map[uint64]*duckdb.Stmt{}, queue: queue}
	for r := range queue {
		if err = s.answer(r); err != nil {
			break
		}
	}
	_ = c.Close()
	for range queue { // what receive has still to say
	}
	wait.Wait()
	for _, st := range s.stmts {
		_ = st.Close()
	}
	if err != nil && ctx.Err() != nil {
		err = nil // the client has left
	}
	return errors.Join(err, conn.Close())
}

// receive reads requests. Each but the parts of a load has a context of its own, which ends with ctx or by a Cancel before the next.
func receive(ctx context.Context, in *link.Reader, queue chan<- request) {
	current, cancel := context.WithCancel(ctx)
	for {
		m, err := in.Read()
		if err != nil {
			cancel()
			return
		}
		switch m.Kind {
		case link.Cancel:
			cancel()
			continue
		case link.Data, link.LoadEnd:
		default:
			cancel()
			current, cancel = context.WithCancel(ctx)
		}
		queue <- request{m, current}
	}
}

// answer runs a request. It fails only if the client cannot be answered.
func (s *session) answer(r request) error {
	done := &link.Message{Kind: link.Done}
	var err error
	switch r.Kind {
	case link.Prepare:
		begin := time.Now()
		s.stmts[r.Statement], err = s.prepare(r.ctx, r.SQL)
		if err != nil {
			delete(s.stmts, r.Statement)
		}
		done.Elapsed = time.Since(begin)
	case link.Close:
		if st := s.stmts[r.Statement]; st != nil {
			err = st.Close()
			delete(s.stmts, r.Statement)
		}
	case link.Run:
		done.Count, done.Elapsed, err = s.run(r)
	case link.Load:
		begin := time.Now()
		done.Count, err = s.load(r)
		done.Elapsed = time.Since(begin)
	default:
		err = fmt.Errorf("a request of kind %d", r.Kind)
	}
	var lost *lostError
	if errors.As(err, &lost) {
		return lost.err
	}
	if err != nil {
		done.Count, done.Error, done.State = 0, err.Error(), stateOf(r.ctx, err)
	}
	if err := s.send(done); err != nil {
		return err
	}
	return s.out.Flush()
}

// lostError is that of writing to the client.
type lostError struct{ err error }

func (e *lostError) Error() string { return e.err.Error() }

func (s *session) send(m *link.Message) error {
	b, err := link.Append(s.buf[:0], m)
	if err != nil {
		return err
	}
	s.buf = b
	if _, err := s.out.Write(b); err != nil {
		return &lostError{err}
	}
	return nil
}

func (s *session) prepare(ctx context.Context, sql string) (*duckdb.Stmt, error) {
	st, err := s.conn.(driver.ConnPrepareContext).PrepareContext(ctx, sql)
	if err != nil {
		return nil, err
	}
	own, ok := st.(*duckdb.Stmt)
	if !ok {
		return nil, fmt.Errorf("DuckDB's driver prepared a %T", st)
	}
	return own, nil
}

// run runs a statement and sends its rows. The time it returns is DuckDB's, without that of sending.
func (s *session) run(r request) (count int64, elapsed time.Duration, err error) {
	begin := time.Now()
	st := s.stmts[r.Statement]
	if r.Statement == 0 {
		if st, err = s.prepare(r.ctx, r.SQL); err != nil {
			return 0, time.Since(begin), err
		}
		defer func() { err = errors.Join(err, st.Close()) }()
	}
	if st == nil {
		return 0, 0, fmt.Errorf("no statement %d", r.Statement)
	}
	args, err := arguments(st, r.Values)
	if err != nil {
		return 0, 0, err
	}
	if !givesRows(st) {
		result, err := st.ExecContext(r.ctx, args)
		elapsed = time.Since(begin)
		if err != nil {
			return 0, elapsed, err
		}
		count, err = result.RowsAffected()
		return count, elapsed, err
	}
	rows, err := st.QueryContext(r.ctx, args)
	elapsed = time.Since(begin)
	if err != nil {
		return 0, elapsed, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	count, taking, err := s.rows(r, rows)
	return count, elapsed + taking, err
}

// givesRows tells a statement whose result are rows from one that says how many it changed.
func givesRows(st *duckdb.Stmt) bool {
	kind, err := st.StatementType()
	if err != nil {
		return true
	}
	switch kind {
	case duckdb.STATEMENT_TYPE_SELECT, duckdb.STATEMENT_TYPE_EXPLAIN, duckdb.STATEMENT_TYPE_PRAGMA, duckdb.STATEMENT_TYPE_CALL,
		duckdb.STATEMENT_TYPE_EXECUTE, duckdb.STATEMENT_TYPE_RELATION:
		return true
	case duckdb.STATEMENT_TYPE_INSERT, duckdb.STATEMENT_TYPE_UPDATE, duckdb.STATEMENT_TYPE_DELETE:
		// Without RETURNING the result is one column, Count.
		n, err := st.ColumnCount()
		if err != nil || n != 1 {
			return true
		}
		name, err := st.ColumnName(0)
		return err != nil || name != "Count"
	}
	return false
}

// rows takes the rows of a result, and sends them if they are wanted.
func (s *session) rows(r request, rows driver.Rows) (count int64, taking time.Duration, err error) {
	width := len(rows.Columns())
	types := make([]string, width)
	if named, ok := rows.(driver.RowsColumnTypeDatabaseTypeName); ok {
		for i := range types {
			types[i] = named.ColumnTypeDatabaseTypeName(i)
		}
	}
	block := make([]driver.Value, rowsAtOnce*width)
	m := &link.Message{Kind: link.Rows}
	for more := true; more; {
		begin := time.Now()
		n := 0
		for ; n < rowsAtOnce; n++ {
			err := rows.Next(block[n*width : (n+1)*width])
			if errors.Is(err, io.EOF) {
				more = false
				break
			}
			if err == nil && n == 0 {
				err = r.ctx.Err()
			}
			if err != nil {
				return 0, taking + time.Since(begin), err
			}
		}
		taking += time.Since(begin)
		count += int64(n)
		if n == 0 || !r.Want {
			continue
		}
		m.Count, m.Values = int64(n), m.Values[:0]
		for i, v := range block[:n*width] {
			v, err := value(types[i%width], v)
			if err != nil {
				return 0, taking, err
			}
			m.Values = append(m.Values, v)
		}
		if err := s.send(m); err != nil {
			return 0, taking, err
		}
	}
	return count, taking, nil
}
