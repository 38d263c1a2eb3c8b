package db

import (
	"context"
	"errors"
	"strings"
	"time"
)

// ServerTimer is what a Conn is whose server tells how long the last statement took there, the way to it and back not counted.
type ServerTimer interface {
	// ServerTime returns the time of the last Exec or Query, or of the last call of a Batch; 0 if it failed before it ran.
	ServerTime() time.Duration
}

// CopyStatement is the COPY of PostgreSQL's text format for Load. The names are written as they are: one that needs quotes brings
// them. Without columns it is all of the table's.
func CopyStatement(table string, columns []string) string {
	if len(columns) == 0 {
		return "COPY " + table + " FROM STDIN"
	}
	return "COPY " + table + " (" + strings.Join(columns, ", ") + ") FROM STDIN"
}

// Ended gives an error of a statement whose ctx has ended the form that callers look for: it matches ctx's error by errors.Is and has
// SQLSTATE 57014. An error that has another cause, and nil, are returned as they are; so for drivers.
func Ended(ctx context.Context, err error) error {
	cause := ctx.Err()
	if err == nil || cause == nil {
		return err
	}
	if state := SQLState(err); state == queryCanceled && errors.Is(err, cause) || state != "" && state != queryCanceled {
		return err
	}
	return &endedError{cause: cause, err: err}
}

const queryCanceled = "57014"

type endedError struct{ cause, err error }

func (e *endedError) Error() string { return e.cause.Error() + ": " + e.err.Error() }

func (e *endedError) Unwrap() []error { return []error{e.cause, e.err} }

func (e *endedError) SQLState() string { return queryCanceled }
