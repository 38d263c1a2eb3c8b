// Package db is what SQL workloads need of a database, so that each runs on every database that has a driver: below are drivers
// for Attune over gRPC, PostgreSQL's protocol, and DuckDB.
package db

import (
	"context"
	"io"
	"time"
)

// DB is a database. It is safe for concurrent use.
type DB interface {
	// Name is stable and lower-case: "attune", "attune-pg", "postgres", "duckdb". Reports use it.
	Name() string
	// Version is what the server says of itself.
	Version(ctx context.Context) (string, error)
	// Durability says in words what an acknowledged commit is, such as "fsync, group commit".
	Durability(ctx context.Context) string
	// Traits says what SQL may be used.
	Traits() Traits
	// Open opens a connection.
	Open(ctx context.Context) (Conn, error)
	// Load copies rows into a table: lines in PostgreSQL's text format of COPY. It returns how many.
	Load(ctx context.Context, table string, columns []string, rows io.Reader) (int64, error)
	Close() error
}

// Traits are the differences that workloads ask about.
type Traits struct {
	// Transactions: BEGIN, COMMIT and ROLLBACK work on a Conn.
	Transactions bool
	// Shared connections may be used by several goroutines at once.
	Shared bool
	// Pipelined: Conn.Batch sends its calls together.
	Pipelined bool
	// Analyze refreshes statistics, "" where there is no need.
	Analyze string
}

// Conn is a connection, for one goroutine unless Traits say Shared. Parameters are written $1, $2, and arguments are int64, float64,
// string, []byte, bool, time.Time or nil.
type Conn interface {
	// Exec runs a statement and returns how many rows it changed or returned.
	Exec(ctx context.Context, sql string, args ...any) (int64, error)
	// Query calls each with every row; values are of the types of arguments, and decimals are strings. The slice is the callee's until
	// it returns. each may be nil.
	Query(ctx context.Context, sql string, each func(row []any) error, args ...any) (int64, error)
	// Prepare prepares a statement.
	Prepare(ctx context.Context, sql string) (Stmt, error)
	// Batch runs prepared statements, together where the database can, in order, each in a transaction of its own if none is open; and
	// sets Rows, End and Err of each. Rows are read and dropped unless Each is set.
	Batch(ctx context.Context, calls []Call)
	Close() error
}

// Stmt is a prepared statement of one Conn.
type Stmt interface {
	Close() error
}

// Call is one execution of a prepared statement.
type Call struct {
	Stmt Stmt
	Args []any
	Each func(row []any) error

	Rows int64
	End  time.Time
	Err  error
}

// SQLState returns the five characters of an error that came from a database, "" for any other.
func SQLState(err error) string {
	for e := err; e != nil; {
		if s, ok := e.(interface{ SQLState() string }); ok {
			return s.SQLState()
		}
		switch u := e.(type) { //nolint:errorlint // unwrapped by hand, joined errors included
		case interface{ Unwrap() error }:
			e = u.Unwrap()
		case interface{ Unwrap() []error }:
			for _, inner := range u.Unwrap() {
				if s := SQLState(inner); s != "" {
					return s
				}
			}
			return ""
		default:
			return ""
		}
	}
	return ""
}

// Retryable reports whether the same transaction may succeed when it is run again: serialization failures and deadlocks.
func Retryable(err error) bool {
	switch SQLState(err) {
	case "40001", "40P01":
		return true
	}
	return false
}
