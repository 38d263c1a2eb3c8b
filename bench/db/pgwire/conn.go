package pgwire

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/attunedb/attune/bench/db"
)

// maxTogether bounds how many calls are under way at once.
const maxTogether = 1024

// conn is a connection, for one goroutine.
type conn struct {
	pg       *pgconn.PgConn
	prepared int
	args     arguments
	row      []any
}

// stmt is a prepared statement; the unnamed one is replaced by the next of its kind.
type stmt struct {
	conn *conn
	desc *pgconn.StatementDescription
	// formats are those of the result's columns.
	formats []int16
	closed  bool
}

func (c *conn) Exec(ctx context.Context, sql string, args ...any) (int64, error) {
	if len(args) == 0 {
		return c.read(ctx, c.pg.ExecParams(ctx, sql, nil, nil, nil, nil), nil)
	}
	return c.Query(ctx, sql, nil, args...)
}

// Query describes the statement first, so it takes two round trips; a prepared one takes one.
func (c *conn) Query(ctx context.Context, sql string, each func(row []any) error, args ...any) (int64, error) {
	s, err := c.prepare(ctx, "", sql)
	if err != nil {
		return 0, err
	}
	return c.run(ctx, s, args, each)
}

func (c *conn) Prepare(ctx context.Context, sql string) (db.Stmt, error) {
	c.prepared++
	s, err := c.prepare(ctx, fmt.Sprintf("bench_%d", c.prepared), sql)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (c *conn) prepare(ctx context.Context, name, sql string) (*stmt, error) {
	desc, err := c.pg.Prepare(ctx, name, sql, nil)
	if err != nil {
		return nil, db.Ended(ctx, err)
	}
	s := &stmt{conn: c, desc: desc, formats: make([]int16, len(desc.Fields))}
	for i, f := range desc.Fields {
		s.formats[i] = resultFormat(f.DataTypeOID)
	}
	return s, nil
}

func (c *conn) run(ctx context.Context, s *stmt, args []any, each func(row []any) error) (int64, error) {
	if err := c.args.encode(s, args); err != nil {
		return 0, err
	}
	return c.read(ctx, c.pg.ExecStatement(ctx, s.desc, c.args.values, c.args.formats, s.formats), each)
}

// read reads a result to its end, even if each fails.
func (c *conn) read(ctx context.Context, r *pgconn.ResultReader, each func(row []any) error) (int64, error) {
	var failed error
	for r.NextRow() {
		if each == nil || failed != nil {
			continue
		}
		fields := r.FieldDescriptions()
		c.row = c.row[:0]
		for i, data := range r.Values() {
			v, err := decode(fields[i].DataTypeOID, fields[i].Format, data)
			if err != nil {
				failed = fmt.Errorf("pgwire: column %s: %w", fields[i].Name, err)
				break
			}
			c.row = append(c.row, v)
		}
		if failed == nil {
			failed = each(c.row)
		}
	}
	tag, err := r.Close()
	if err != nil {
		return 0, db.Ended(ctx, err)
	}
	return tag.RowsAffected(), failed
}

func (c *conn) Batch(ctx context.Context, calls []db.Call) {
	for len(calls) > maxTogether {
		c.batch(ctx, calls[:maxTogether])
		calls = calls[maxTogether:]
	}
	c.batch(ctx, calls)
}

func (c *conn) batch(ctx context.Context, calls []db.Call) {
	if len(calls) == 1 {
		call := &calls[0]
		s, err := c.own(call.Stmt)
		if err == nil {
			call.Rows, err = c.run(ctx, s, call.Args, call.Each)
		}
		call.Err, call.End = err, time.Now()
		return
	}
	p := c.pg.StartPipeline(ctx)
	sent := make([]int, 0, len(calls))
	for i := range calls {
		call := &calls[i]
		call.Rows, call.Err = 0, nil
		s, err := c.own(call.Stmt)
		if err == nil {
			err = c.args.encode(s, call.Args)
		}
		if err != nil {
			call.Err, call.End = err, time.Now()
			continue
		}
		p.SendQueryStatement(s.desc, c.args.values, c.args.formats, s.formats)
		p.SendPipelineSync()
		sent = append(sent, i)
	}
	broken := p.Flush()
	for _, i := range sent {
		if broken == nil {
			broken = c.receive(ctx, p, &calls[i])
		}
		if broken != nil && calls[i].Err == nil {
			calls[i].Err = db.Ended(ctx, broken)
		}
		calls[i].End = time.Now()
	}
	// What it could say was said of the calls.
	_ = p.Close()
}

// receive reads the answer to a call up to the end of its transaction, and returns an error if none will follow.
func (c *conn) receive(ctx context.Context, p *pgconn.Pipeline, call *db.Call) error {
	for {
		answer, err := p.GetResults()
		switch answer := answer.(type) {
		case *pgconn.ResultReader:
			call.Rows, err = c.read(ctx, answer, call.Each)
		case *pgconn.PipelineSync:
			return nil
		case nil:
			if err == nil {
				return errors.New("pgwire: the server's answers ended before those to all calls")
			}
		default:
			err = fmt.Errorf("pgwire: the server answered a call with %T", answer)
		}
		if err == nil {
			continue
		}
		if call.Err == nil {
			call.Rows, call.Err = 0, db.Ended(ctx, err)
		}
		if c.pg.IsClosed() {
			return err
		}
	}
}

func (c *conn) own(s db.Stmt) (*stmt, error) {
	own, ok := s.(*stmt)
	if !ok || own.conn != c {
		return nil, errors.New("pgwire: the statement was not prepared on this connection")
	}
	if own.closed {
		return nil, errors.New("pgwire: the statement is closed")
	}
	return own, nil
}

func (c *conn) Close() error {
	if c.pg.IsClosed() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closePatience)
	defer cancel()
	return c.pg.Close(ctx)
}

func (s *stmt) Close() error {
	if s.closed || s.conn.pg.IsClosed() {
		return nil
	}
	s.closed = true
	ctx, cancel := context.WithTimeout(context.Background(), closePatience)
	defer cancel()
	return s.conn.pg.Deallocate(ctx, s.desc.Name)
}
