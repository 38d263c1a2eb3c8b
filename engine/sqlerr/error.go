package sqlerr

import (
	"errors"
	"fmt"
)

// Error is a failure with everything PostgreSQL's protocol can say of it.
// Zero-valued optional fields mean "not known".
type Error struct {
	// Code is the five-character SQLSTATE.
	Code Code
	// Message is the primary, one-line description; it names the thing.
	Message string
	// Detail and Hint are the secondary texts: what exactly, and what to do.
	Detail string
	Hint   string
	// Position is the 1-based character offset in the statement, 0 when unknown.
	Position int
	// Schema, Table, Column, DataType and Constraint name the object concerned.
	Schema, Table, Column, DataType, Constraint string
	// Where is the context, such as "COPY t, line 3, column a".
	Where string

	cause error
}

// New returns an error of the given code with a formatted message.
// A %w verb in format makes the wrapped error reachable by errors.Unwrap.
func New(code Code, format string, args ...any) *Error {
	wrapped := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: wrapped.Error(), cause: errors.Unwrap(wrapped)}
}

// Error returns the message and the code, in the form psql prints with VERBOSITY verbose.
func (e *Error) Error() string { return fmt.Sprintf("%s (SQLSTATE %s)", e.Message, e.Code) }

// Unwrap returns the error that caused this one, or nil.
func (e *Error) Unwrap() error { return e.cause }

// At returns a copy of e that points at the 1-based character position pos.
// A position that is already known is kept: the innermost place is the best one.
func (e *Error) At(pos int) *Error {
	if e.Position != 0 || pos <= 0 {
		return e
	}
	c := *e
	c.Position = pos
	return &c
}

// WithDetail returns a copy of e with the formatted detail.
func (e *Error) WithDetail(format string, args ...any) *Error {
	c := *e
	c.Detail = fmt.Sprintf(format, args...)
	return &c
}

// WithHint returns a copy of e with the formatted hint.
func (e *Error) WithHint(format string, args ...any) *Error {
	c := *e
	c.Hint = fmt.Sprintf(format, args...)
	return &c
}

// WithWhere returns a copy of e with the formatted context.
func (e *Error) WithWhere(format string, args ...any) *Error {
	c := *e
	c.Where = fmt.Sprintf(format, args...)
	return &c
}

// WithTable returns a copy of e that names a table and, where not empty, its column and constraint.
func (e *Error) WithTable(table, column, constraint string) *Error {
	c := *e
	c.Table, c.Column, c.Constraint = table, column, constraint
	return &c
}

// As returns the *Error in err's chain, or nil when there is none.
func As(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// CodeOf returns the SQLSTATE of err: its own, or InternalError when it carries none.
// It returns the empty code for a nil error.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e := As(err); e != nil {
		return e.Code
	}
	return InternalError
}
