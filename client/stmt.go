package client

import (
	"context"

	queryv1 "github.com/attunedb/attune/proto/gen/attune/query/v1"
)

// Stmt is a prepared statement: of a Client, safe for concurrent use and in no need of closing; or of a Session, used as the session is.
type Stmt struct {
	sql     string
	name    string
	params  []Column
	columns []Column
	// Exactly one of the two is set.
	client  *Client
	session *Session
	closed  bool
}

// SQL returns the statement's text.
func (st *Stmt) SQL() string { return st.sql }

// Params describes the parameters $1, $2, ….
func (st *Stmt) Params() []Column { return st.params }

// Columns describes the columns of the result, none for a statement that gives no rows.
func (st *Stmt) Columns() []Column { return st.columns }

// Exec runs the statement; its rows, if it has any, are not wanted.
func (st *Stmt) Exec(ctx context.Context, args ...any) (Result, error) {
	if st.client != nil {
		if err := st.check(args); err != nil {
			return Result{}, err
		}
		return st.client.Exec(ctx, st.sql, args...)
	}
	rows, err := st.Query(ctx, args...)
	if err != nil {
		return Result{}, err
	}
	return rows.drain()
}

// Query runs the statement and streams its rows, as Client.Query and Session.Query do.
func (st *Stmt) Query(ctx context.Context, args ...any) (*Rows, error) {
	if err := st.check(args); err != nil {
		return nil, err
	}
	if st.client != nil {
		return st.client.Query(ctx, st.sql, args...)
	}
	op, err := st.operation(args)
	if err != nil {
		return nil, err
	}
	return st.session.query(ctx, op)
}

// QueryRow runs the statement for its first row. Errors come from Row.Scan.
func (st *Stmt) QueryRow(ctx context.Context, args ...any) *Row {
	rows, err := st.Query(ctx, args...)
	return &Row{rows: rows, err: err}
}

// Close makes the server forget a session's statement. It waits for no answer.
func (st *Stmt) Close() error {
	if st.closed || st.session == nil || st.session.broken != nil {
		return nil
	}
	st.closed = true
	st.session.tell(&queryv1.Operation{Op: &queryv1.Operation_Close{Close: st.name}})
	return nil
}

func (st *Stmt) operation(args []any) (*queryv1.Operation, error) {
	params, err := encodeArgs(args)
	if err != nil {
		return nil, err
	}
	return &queryv1.Operation{Op: &queryv1.Operation_ExecuteNamed{
		ExecuteNamed: &queryv1.ExecuteNamed{Name: st.name, Params: params},
	}}, nil
}

func (st *Stmt) check(args []any) error {
	if st.closed {
		return newError("26000", nil, "the prepared statement is closed")
	}
	if len(args) != len(st.params) {
		return newError(codeProtocolViolation, nil, "%d arguments for a statement of %d parameters", len(args), len(st.params))
	}
	return nil
}
