// Package sqlerr is the error type every SQL-facing failure of Attune carries:
// a PostgreSQL SQLSTATE, a message, and where in the statement it belongs.
//
// An error without a code is an internal error; doors report it as XX000. Errors
// are values: they are never mutated after they were returned, so they may be
// shared between goroutines.
package sqlerr
