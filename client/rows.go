package client

import (
	"context"
	"errors"

	"github.com/attunedb/attune/engine/sqlerr"
	queryv1 "github.com/attunedb/attune/proto/gen/attune/query/v1"
	typesv1 "github.com/attunedb/attune/proto/gen/attune/types/v1"
)

// part is one step of an answer; exactly one field is set.
type part struct {
	header     *queryv1.Header
	batch      *typesv1.Batch
	completion *queryv1.Completion
	prepared   *queryv1.PrepareResponse
}

// source gives the parts of one answer. After a completion, a description or an error it has ended.
type source interface {
	next() (part, error)
	// abandon gives up an answer that has not ended, and ended releases one that has.
	abandon() error
	ended()
}

// Rows is the result of a statement as it arrives. It must be read to its end or closed. One goroutine uses it.
type Rows struct {
	src     source
	columns []Column
	batch   *Batch
	row     int
	result  Result
	err     error
	done    bool
	// onRelease runs once, after the end.
	onRelease func()
}

// newRows reads up to the columns, so that a statement that fails before its first row fails here.
func newRows(src source) (*Rows, error) {
	r := &Rows{src: src}
	p, err := src.next()
	switch {
	case err != nil:
		r.fail(err)
	case p.header != nil:
		if r.columns, err = columnsFromProto(p.header.GetFields()); err != nil {
			r.abandon(err)
		}
	case p.completion != nil:
		r.complete(p.completion)
	default:
		r.abandon(errProtocol("a result without its columns"))
	}
	return r, r.err
}

func (r *Rows) fail(err error) {
	r.err = err
	r.release()
}

func (r *Rows) abandon(err error) {
	r.err = err
	_ = r.src.abandon()
	r.release()
}

func (r *Rows) complete(c *queryv1.Completion) {
	r.result = resultFromProto(c)
	r.release()
}

func (r *Rows) release() {
	if r.done {
		return
	}
	r.done, r.batch = true, nil
	r.src.ended()
	if r.onRelease != nil {
		r.onRelease()
	}
}

// Columns describes the columns of the result; nil for a statement that gives none.
func (r *Rows) Columns() []Column { return r.columns }

// Next moves to the next row. It returns false at the end and after an error: see Err.
func (r *Rows) Next() bool {
	r.row++
	for r.batch == nil || r.row >= r.batch.rows {
		if r.NextBatch() == nil {
			return false
		}
		r.row = 0
	}
	return true
}

// NextBatch moves past the current batch and returns the next one, nil at the end and after an error: see Err. It may be mixed
// with Next: what Next has not reached of the current batch is skipped.
func (r *Rows) NextBatch() *Batch {
	if r.done {
		return nil
	}
	p, err := r.src.next()
	switch {
	case err != nil:
		r.fail(err)
	case p.batch != nil:
		if r.batch, err = batchFromProto(p.batch, r.columns); err != nil {
			r.abandon(err)
		}
		r.row = r.batchEnd()
	case p.completion != nil:
		r.complete(p.completion)
	default:
		r.abandon(errProtocol("a header in the middle of a result"))
	}
	return r.batch
}

// batchEnd makes a later Next go on with the batch after the one that NextBatch returned.
func (r *Rows) batchEnd() int {
	if r.batch == nil {
		return 0
	}
	return r.batch.rows
}

// Scan stores the current row's values in dest, one pointer for each column; a nil pointer skips a column. Values convert where
// nothing is lost: integers into any integer type that holds them, numbers into floats and Decimal, everything into string and []byte (as
// text) and any (see Column.GoType), dates and timestamps into time.Time. NULL needs a pointer to a pointer, an any, a
// []byte or an sql.Scanner.
func (r *Rows) Scan(dest ...any) error {
	if r.batch == nil || r.row >= r.batch.rows {
		return newError(codeInvalidParameter, nil, "Scan without a row: call Next first")
	}
	if len(dest) != len(r.columns) {
		return newError(codeInvalidParameter, nil, "Scan of %d columns into %d values", len(r.columns), len(dest))
	}
	for i, d := range dest {
		if d == nil {
			continue
		}
		if err := scan(r.batch.vectors[i], r.row, d); err != nil {
			return scanError(r.columns[i], i, err)
		}
	}
	return nil
}

func scanError(c Column, i int, err error) error {
	code := codeInvalidParameter
	var own *Error
	if errors.As(err, &own) {
		code = own.Code
		err = errors.New(own.Message)
	} else if e := sqlerr.As(err); e != nil {
		code = string(e.Code)
		err = errors.New(e.Message)
	}
	return newError(code, err, "column %d (%q): %v", i+1, c.Name, err)
}

// Values returns the current row, a value of Column.GoType or nil for each column; nil without a row.
func (r *Rows) Values() []any {
	if r.batch == nil || r.row >= r.batch.rows {
		return nil
	}
	out := make([]any, len(r.columns))
	for i, v := range r.batch.vectors {
		out[i] = v.Value(r.row)
	}
	return out
}

// Err returns the error that ended the rows, nil after a proper end and before it.
func (r *Rows) Err() error { return r.err }

// Result tells how the statement ended; it is empty before the rows have ended.
func (r *Rows) Result() Result { return r.result }

// Close ends the rows and returns the error they ended with, if any. In a session it reads what is left, so that the statement and
// its transaction are not disturbed. Elsewhere it stops the statement: one that writes may then be undone, so
// read such rows to their end.
func (r *Rows) Close() error {
	if !r.done {
		if err := r.src.abandon(); err != nil {
			r.err = err
		}
		r.release()
	}
	return r.err
}

// drain reads to the end.
func (r *Rows) drain() (Result, error) {
	for r.NextBatch() != nil {
	}
	return r.result, r.err
}

// Row is the first row of a result.
type Row struct {
	rows *Rows
	err  error
}

// Scan stores the row's values as Rows.Scan does, and reads the statement to its end, so that a statement that writes takes
// effect. It returns ErrNoRows for a result without rows.
func (r *Row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	var err error
	if r.rows.Next() {
		err = r.rows.Scan(dest...)
	} else if r.rows.Err() == nil {
		err = ErrNoRows
	}
	if _, ended := r.rows.drain(); ended != nil {
		return ended
	}
	return err
}

// queryStream is the answer to Query.
type queryStream struct {
	ctx    context.Context
	cancel context.CancelFunc
	stream queryv1.QueryService_QueryClient
}

func (q *queryStream) next() (part, error) {
	m, err := q.stream.Recv()
	if err != nil {
		return part{}, fromRPC(q.ctx, err)
	}
	switch p := m.GetPart().(type) {
	case *queryv1.QueryResponse_Header:
		return part{header: p.Header}, nil
	case *queryv1.QueryResponse_Batch:
		return part{batch: p.Batch}, nil
	case *queryv1.QueryResponse_Completion:
		return part{completion: p.Completion}, nil
	}
	return part{}, errProtocol("a part of no known kind")
}

func (q *queryStream) abandon() error { return nil }

func (q *queryStream) ended() { q.cancel() }
