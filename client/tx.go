package client

import (
	"context"
	"errors"
	"strings"
)

// Isolation is the isolation level of a transaction.
type Isolation string

// The isolation levels; the zero value is the server's default.
const (
	DefaultIsolation Isolation = ""
	ReadCommitted    Isolation = "READ COMMITTED"
	RepeatableRead   Isolation = "REPEATABLE READ"
	Serializable     Isolation = "SERIALIZABLE"
)

// TxOptions are how a transaction runs.
type TxOptions struct {
	Isolation Isolation
	ReadOnly  bool
}

func (o TxOptions) begin() string {
	sql := "BEGIN"
	if o.Isolation != DefaultIsolation {
		sql += " ISOLATION LEVEL " + string(o.Isolation)
	}
	if o.ReadOnly {
		sql += " READ ONLY"
	}
	return sql
}

// Tx is a transaction. It ends with Commit or Rollback; the other methods are those of its session.
type Tx struct {
	session *Session
	own     bool
	done    bool
}

// Begin opens a session for one transaction, which ends with it.
func (c *Client) Begin(ctx context.Context) (*Tx, error) { return c.BeginTx(ctx, TxOptions{}) }

// BeginTx is Begin with options.
func (c *Client) BeginTx(ctx context.Context, o TxOptions) (*Tx, error) {
	s, err := c.Session(ctx)
	if err != nil {
		return nil, err
	}
	tx, err := s.BeginTx(ctx, o)
	if err != nil {
		_ = s.Close()
		return nil, err
	}
	tx.own = true
	return tx, nil
}

// Begin starts a transaction in the session.
func (s *Session) Begin(ctx context.Context) (*Tx, error) { return s.BeginTx(ctx, TxOptions{}) }

// BeginTx is Begin with options.
func (s *Session) BeginTx(ctx context.Context, o TxOptions) (*Tx, error) {
	if _, err := s.Exec(ctx, o.begin()); err != nil {
		return nil, err
	}
	return &Tx{session: s}, nil
}

// Exec is Session.Exec in the transaction.
func (t *Tx) Exec(ctx context.Context, sql string, args ...any) (Result, error) {
	if err := t.check(); err != nil {
		return Result{}, err
	}
	return t.session.Exec(ctx, sql, args...)
}

// Query is Session.Query in the transaction.
func (t *Tx) Query(ctx context.Context, sql string, args ...any) (*Rows, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	return t.session.Query(ctx, sql, args...)
}

// QueryRow is Session.QueryRow in the transaction.
func (t *Tx) QueryRow(ctx context.Context, sql string, args ...any) *Row {
	rows, err := t.Query(ctx, sql, args...)
	return &Row{rows: rows, err: err}
}

// Prepare is Session.Prepare in the transaction. The statement of a transaction of Client.Begin ends with it.
func (t *Tx) Prepare(ctx context.Context, sql string) (*Stmt, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	return t.session.Prepare(ctx, sql)
}

// Session returns the session the transaction runs in, for a Pipeline.
func (t *Tx) Session() *Session { return t.session }

// Commit ends the transaction. It fails with 25P02 when an earlier failure made the server roll it back instead, and with 40001
// when a concurrent transaction has changed the same rows. After an error with a code of class 08 it is not known whether the commit
// took place.
func (t *Tx) Commit(ctx context.Context) error {
	if err := t.check(); err != nil {
		return err
	}
	r, err := t.session.Exec(ctx, "COMMIT")
	if err != nil && t.session.broken == nil && t.session.status != StatusIdle {
		// It was not sent, or refused: Rollback is still to come.
		return err
	}
	t.end()
	if err == nil && strings.HasPrefix(r.Tag, "ROLLBACK") {
		err = newError(codeFailedTransaction, nil, "the transaction had failed and was rolled back")
	}
	return err
}

// Rollback undoes the transaction. After Commit or Rollback it does nothing, so that it may be deferred.
func (t *Tx) Rollback(ctx context.Context) error {
	if t.done {
		return nil
	}
	s := t.session
	if s.rows != nil {
		_ = s.rows.Close()
	}
	if ctx.Err() != nil {
		// Undoing is due all the more when the caller has given up.
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), cancelGrace)
		defer cancel()
	}
	_, err := s.Exec(ctx, "ROLLBACK")
	if errors.Is(err, ErrBusy) {
		return err
	}
	t.end()
	return err
}

func (t *Tx) end() {
	t.done = true
	if t.own {
		_ = t.session.Close()
	}
}

func (t *Tx) check() error {
	if t.done {
		return newError("25P01", nil, "the transaction has ended")
	}
	return nil
}

// maxTransactAttempts bounds how often Transact runs its function.
const maxTransactAttempts = 10

// Transact runs f in a transaction and commits it, again from the start when that fails with a retryable error (such as 40001), up to ten
// times. f must not keep state over its runs. An error of f rolls the transaction back and is returned.
func (c *Client) Transact(ctx context.Context, o TxOptions, f func(*Tx) error) error {
	var err error
	for range maxTransactAttempts {
		if err = c.transact(ctx, o, f); !IsRetryable(err) || ctx.Err() != nil {
			return err
		}
	}
	return err
}

func (c *Client) transact(ctx context.Context, o TxOptions, f func(*Tx) error) error {
	tx, err := c.BeginTx(ctx, o)
	if err != nil {
		return err
	}
	// The session rolls back when it is closed, so even a panic of f leaves nothing open.
	defer func() { _ = tx.session.Close() }()
	if err := f(tx); err != nil {
		_ = tx.Rollback(ctx)
		return err
	}
	if tx.done {
		return nil
	}
	return tx.Commit(ctx)
}
