package stdsql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/attunedb/attune/client"
)

// session is a connection of the pool. database/sql uses it from one goroutine at a time.
type session struct {
	s *client.Session
	// owned is the connector of a connection made by Driver.Open, which ends with it.
	owned *Connector
}

var (
	_ driver.Conn               = (*session)(nil)
	_ driver.ConnPrepareContext = (*session)(nil)
	_ driver.ConnBeginTx        = (*session)(nil)
	_ driver.ExecerContext      = (*session)(nil)
	_ driver.QueryerContext     = (*session)(nil)
	_ driver.NamedValueChecker  = (*session)(nil)
	_ driver.Pinger             = (*session)(nil)
	_ driver.SessionResetter    = (*session)(nil)
	_ driver.Validator          = (*session)(nil)
)

func (c *session) Close() error {
	err := c.s.Close()
	if c.owned != nil {
		err = errors.Join(err, c.owned.Close())
	}
	return err
}

// usable fails with driver.ErrBadConn before anything was sent, so that database/sql may try another connection.
func (c *session) usable() error {
	if c.s.Err() != nil {
		return driver.ErrBadConn
	}
	return nil
}

func (c *session) IsValid() bool { return c.s.Err() == nil }

func (c *session) Ping(ctx context.Context) error {
	if err := c.usable(); err != nil {
		return err
	}
	_, err := c.s.Exec(ctx, "SELECT 1")
	return err
}

// ResetSession undoes a transaction that was begun by a statement and left open.
func (c *session) ResetSession(ctx context.Context) error {
	if err := c.usable(); err != nil {
		return err
	}
	if c.s.TxnStatus() != client.StatusIdle {
		if _, err := c.s.Exec(ctx, "ROLLBACK"); err != nil {
			return driver.ErrBadConn
		}
	}
	return nil
}

func (c *session) CheckNamedValue(v *driver.NamedValue) error { return checkNamedValue(v) }

func checkNamedValue(v *driver.NamedValue) error {
	if v.Name != "" {
		return &client.Error{Code: "0A000", Message: fmt.Sprintf("named parameter %q is not supported", v.Name),
			Hint: "Write parameters as $1, $2, …."}
	}
	return client.CheckArg(v.Value)
}

func (c *session) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.usable(); err != nil {
		return nil, err
	}
	r, err := c.s.Exec(ctx, query, values(args)...)
	return result(r), err
}

func (c *session) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.usable(); err != nil {
		return nil, err
	}
	r, err := c.s.Query(ctx, query, values(args)...)
	if err != nil {
		return nil, err
	}
	return &rows{rows: r}, nil
}

func (c *session) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

func (c *session) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if err := c.usable(); err != nil {
		return nil, err
	}
	st, err := c.s.Prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	return &stmt{conn: c, st: st}, nil
}

func (c *session) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

func (c *session) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	if err := c.usable(); err != nil {
		return nil, err
	}
	opts := client.TxOptions{ReadOnly: o.ReadOnly}
	switch level := sql.IsolationLevel(o.Isolation); level {
	case sql.LevelDefault:
	case sql.LevelReadCommitted:
		opts.Isolation = client.ReadCommitted
	case sql.LevelRepeatableRead, sql.LevelSnapshot:
		opts.Isolation = client.RepeatableRead
	case sql.LevelSerializable:
		opts.Isolation = client.Serializable
	default:
		return nil, &client.Error{Code: "0A000", Message: fmt.Sprintf("isolation level %s is not supported", level)}
	}
	t, err := c.s.BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	return tx{t}, nil
}

// tx ends a transaction. database/sql gives its end no context: it has ended the transaction's own when it rolls back.
type tx struct{ t *client.Tx }

func (t tx) Commit() error   { return t.t.Commit(context.Background()) }
func (t tx) Rollback() error { return t.t.Rollback(context.Background()) }

type stmt struct {
	conn *session
	st   *client.Stmt
}

var (
	_ driver.StmtExecContext   = (*stmt)(nil)
	_ driver.StmtQueryContext  = (*stmt)(nil)
	_ driver.NamedValueChecker = (*stmt)(nil)
)

func (s *stmt) Close() error { return s.st.Close() }

func (s *stmt) NumInput() int { return len(s.st.Params()) }

func (s *stmt) CheckNamedValue(v *driver.NamedValue) error { return checkNamedValue(v) }

func (s *stmt) Exec(args []driver.Value) (driver.Result, error) {
	return s.ExecContext(context.Background(), named(args))
}

func (s *stmt) Query(args []driver.Value) (driver.Rows, error) {
	return s.QueryContext(context.Background(), named(args))
}

func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if err := s.conn.usable(); err != nil {
		return nil, err
	}
	r, err := s.st.Exec(ctx, values(args)...)
	return result(r), err
}

func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if err := s.conn.usable(); err != nil {
		return nil, err
	}
	r, err := s.st.Query(ctx, values(args)...)
	if err != nil {
		return nil, err
	}
	return &rows{rows: r}, nil
}

func values(args []driver.NamedValue) []any {
	out := make([]any, len(args))
	for i, a := range args {
		out[i] = a.Value
	}
	return out
}

func named(args []driver.Value) []driver.NamedValue {
	out := make([]driver.NamedValue, len(args))
	for i, a := range args {
		out[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	return out
}

// result is how a statement ended.
type result client.Result

func (r result) RowsAffected() (int64, error) { return r.RowCount, nil }

func (result) LastInsertId() (int64, error) {
	return 0, &client.Error{Code: "0A000", Message: "LastInsertId is not supported", Hint: "Use INSERT … RETURNING."}
}
