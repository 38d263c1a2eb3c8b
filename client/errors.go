package client

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/attunedb/attune/engine/sqlerr"
	typesv1 "github.com/attunedb/attune/proto/gen/attune/types/v1"
	"github.com/attunedb/attune/wire"
)

// SQLSTATEs that the client itself raises.
const (
	codeConnectionException = "08000"
	codeCannotConnect       = "08001"
	codeNoConnection        = "08003"
	codeProtocolViolation   = "08P01"
	codeUndefinedParameter  = "42P02"
	codeInvalidParameter    = "22023"
	codeQueryCanceled       = "57014"
	codeFailedTransaction   = "25P02"
	codeObjectInUse         = "55006"
)

// ErrBusy is the cause of an Error for a session that is asked to run a statement while a result of it is still being read.
var ErrBusy = errors.New("client: a result of this session is still being read")

// ErrNoRows is what Row.Scan returns for a result without rows.
var ErrNoRows = errors.New("client: no rows in result")

// Error is a failure as PostgreSQL describes one. Fields that are not known are empty. It is never changed after it was returned.
type Error struct {
	// Code is the five-character SQLSTATE.
	Code string
	// Message is the primary, one-line description.
	Message string
	// Detail says what exactly, Hint what to do.
	Detail, Hint string
	// Position is the 1-based character position in the statement, 0 when unknown.
	Position int
	// Schema, Table, Column, DataType and Constraint name the object concerned.
	Schema, Table, Column, DataType, Constraint string
	// Where is the context, such as a line of COPY.
	Where string

	cause error
}

// Error returns the message and the code.
func (e *Error) Error() string { return fmt.Sprintf("%s (SQLSTATE %s)", e.Message, e.Code) }

// Unwrap returns the error that caused this one, such as context.Canceled, or nil.
func (e *Error) Unwrap() error { return e.cause }

// SQLState returns the code; it is the method by which libraries ask any driver's error for it.
func (e *Error) SQLState() string { return e.Code }

// Retryable reports whether the same transaction, run again from its start, may succeed: it was certainly not committed, and
// the reason may pass. A lost connection is not retryable in this sense, as a commit on its way may have arrived.
func (e *Error) Retryable() bool { return sqlerr.Code(e.Code).Retryable() }

// IsRetryable reports whether err holds an *Error that is Retryable.
func IsRetryable(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Retryable()
}

func newError(code string, cause error, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), cause: cause}
}

// fromProto decodes an error that stands in place of a result.
func fromProto(p *typesv1.SqlError) error {
	err := wire.SQLErrorFromProto(p)
	if e := sqlerr.As(err); e != nil {
		return fromSQL(e)
	}
	return newError(codeProtocolViolation, nil, "the server sent an empty error")
}

func fromSQL(e *sqlerr.Error) *Error {
	return &Error{
		Code: string(e.Code), Message: e.Message, Detail: e.Detail, Hint: e.Hint, Position: e.Position,
		Schema: e.Schema, Table: e.Table, Column: e.Column, DataType: e.DataType, Constraint: e.Constraint,
		Where: e.Where, cause: e.Unwrap(),
	}
}

// fromRPC turns what a gRPC call made under ctx failed with into an *Error; nil stays nil.
func fromRPC(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	var own *Error
	if errors.As(err, &own) {
		return err
	}
	st, _ := status.FromError(err)
	detailed := false
	for _, d := range st.Details() {
		if _, ok := d.(*typesv1.SqlError); ok {
			detailed = true
		}
	}
	if detailed {
		e := fromSQL(sqlerr.As(wire.ErrorFromStatus(err)))
		if e.Code == codeQueryCanceled && ctx.Err() != nil {
			e.cause = ctx.Err()
		}
		return e
	}
	switch st.Code() {
	case codes.Canceled, codes.DeadlineExceeded:
		cause := ctx.Err()
		if cause == nil && st.Code() == codes.DeadlineExceeded {
			cause = context.DeadlineExceeded
		}
		return newError(codeQueryCanceled, cause, "canceling statement due to user request: %s", st.Message())
	case codes.Unavailable:
		return newError(string(sqlerr.ConnectionFailure), err, "the connection to the server failed: %s", st.Message())
	case codes.ResourceExhausted:
		return newError(string(sqlerr.ProgramLimitExceeded), err, "%s", st.Message())
	case codes.Unimplemented:
		return newError(string(sqlerr.FeatureNotSupported), err, "the server does not know this call: %s", st.Message())
	}
	return newError(string(sqlerr.InternalError), err, "%s", st.Message())
}

func errProtocol(format string, args ...any) error {
	return newError(codeProtocolViolation, nil, "unexpected answer of the server: "+format, args...)
}
