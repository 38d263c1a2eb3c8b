package client

import (
	"context"
	"errors"
	"io"

	queryv1 "github.com/attunedb/attune/proto/gen/attune/query/v1"
)

// Client runs SQL on a mesh of executors. It is safe for concurrent use.
type Client struct {
	rpc      queryv1.QueryServiceClient
	settings Settings
	close    func() error
}

// With returns a client over the same connections whose statements carry these settings in addition, each for itself. Only the client
// that Open returned needs to be closed.
func (c *Client) With(s Settings) *Client {
	return &Client{rpc: c.rpc, settings: merged(c.settings, s), close: func() error { return nil }}
}

// Close closes the connections. Statements that run fail.
func (c *Client) Close() error { return c.close() }

// Exec runs a statement whose rows, if it has any, are not wanted.
func (c *Client) Exec(ctx context.Context, sql string, args ...any) (Result, error) {
	st, err := statement(sql, args, c.settings)
	if err != nil {
		return Result{}, err
	}
	return c.exec(ctx, st)
}

func (c *Client) exec(ctx context.Context, st *queryv1.Statement) (Result, error) {
	resp, err := c.rpc.Execute(ctx, &queryv1.ExecuteRequest{Statement: st})
	if err != nil {
		return Result{}, fromRPC(ctx, err)
	}
	return resultFromProto(resp.GetCompletion()), nil
}

// Query runs a statement and streams its rows. ctx governs the rows to their end.
func (c *Client) Query(ctx context.Context, sql string, args ...any) (*Rows, error) {
	st, err := statement(sql, args, c.settings)
	if err != nil {
		return nil, err
	}
	return c.query(ctx, st)
}

func (c *Client) query(ctx context.Context, st *queryv1.Statement) (*Rows, error) {
	inner, cancel := context.WithCancel(ctx)
	stream, err := c.rpc.Query(inner, &queryv1.QueryRequest{Statement: st})
	if err != nil {
		cancel()
		return nil, fromRPC(ctx, err)
	}
	rows, err := newRows(&queryStream{ctx: ctx, cancel: cancel, stream: stream})
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// QueryRow runs a statement for its first row. Errors come from Row.Scan.
func (c *Client) QueryRow(ctx context.Context, sql string, args ...any) *Row {
	rows, err := c.Query(ctx, sql, args...)
	return &Row{rows: rows, err: err}
}

// Prepare describes a statement and has the server plan it. The Stmt runs on any executor, each time in a transaction of its own.
func (c *Client) Prepare(ctx context.Context, sql string) (*Stmt, error) {
	resp, err := c.rpc.Prepare(ctx, &queryv1.PrepareRequest{Sql: sql, Settings: c.settings})
	if err != nil {
		return nil, fromRPC(ctx, err)
	}
	st := &Stmt{sql: sql, client: c}
	if st.params, st.columns, err = preparedFromProto(resp); err != nil {
		return nil, err
	}
	return st, nil
}

// copyChunkBytes is how much data one message of a load carries.
const copyChunkBytes = 256 << 10

// CopyFrom runs a COPY … FROM STDIN with the data of r, in the format the statement names. All rows are loaded, or none.
func (c *Client) CopyFrom(ctx context.Context, sql string, r io.Reader) (Result, error) {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.rpc.CopyIn(inner)
	if err != nil {
		return Result{}, fromRPC(ctx, err)
	}
	first := &queryv1.Statement{Sql: sql, Settings: c.settings}
	err = stream.Send(&queryv1.CopyInRequest{Part: &queryv1.CopyInRequest_Statement{Statement: first}})
	for err == nil {
		// The message belongs to gRPC until it is written, so each has its own bytes.
		chunk := make([]byte, copyChunkBytes)
		n, rerr := io.ReadFull(r, chunk)
		if n > 0 {
			err = stream.Send(&queryv1.CopyInRequest{Part: &queryv1.CopyInRequest_Data{Data: chunk[:n]}})
		}
		if errors.Is(rerr, io.EOF) || errors.Is(rerr, io.ErrUnexpectedEOF) {
			break
		}
		if rerr != nil {
			// Cancelling the call is what tells the server not to load what it has.
			cancel()
			return Result{}, newError(codeQueryCanceled, rerr, "COPY from the given reader failed: %v", rerr)
		}
	}
	// When Send fails with io.EOF the server has answered already, and says why.
	if err != nil && !errors.Is(err, io.EOF) {
		return Result{}, fromRPC(ctx, err)
	}
	resp, err := stream.CloseAndRecv()
	if err != nil {
		return Result{}, fromRPC(ctx, err)
	}
	return resultFromProto(resp.GetCompletion()), nil
}
