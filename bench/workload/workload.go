// Package workload is what all workloads have in common. Each workload is a package below this one.
package workload

import (
	"context"

	"github.com/attunedb/attune/bench"
	"github.com/attunedb/attune/bench/db"
)

// Workload prepares data in a database and gives the operations that are measured on it.
type Workload interface {
	// Name is stable and lower-case, such as "ycsb-a".
	Name() string
	// Describe says in a sentence or two what it does and where it is from.
	Describe() string
	// Prepare makes and loads the data, replacing what a former run left. It reports rows to p.
	Prepare(ctx context.Context, d db.DB, p Loading) error
	// Subject returns the operations, after Prepare.
	Subject(ctx context.Context, d db.DB) (bench.Subject, error)
	// Check verifies afterwards that the database holds what it must, such as balances that add up; nil if so.
	Check(ctx context.Context, d db.DB) error
	// Drop removes the data.
	Drop(ctx context.Context, d db.DB) error
}

// Unsupported is why a workload cannot run on a database, for the report.
type Unsupported struct {
	Workload, Database, Reason string
}

// Error implements error.
func (u *Unsupported) Error() string {
	return "workload " + u.Workload + " cannot run on " + u.Database + ": " + u.Reason
}

// Loading is told how far a load is; calls do not overlap. It may be nil where a workload allows it.
type Loading interface {
	// Table begins the load of a table of so many rows; 0 if unknown.
	Table(name string, rows int64)
	// Add tells that rows were loaded.
	Add(rows int64)
}

// Table is a table of a relational workload.
type Table struct {
	Name string
	// Create is its CREATE TABLE statement, Indexes are the statements that follow the load.
	Create  string
	Columns []string
	Indexes []string
}

// Query is a query of a relational workload.
type Query struct {
	// Name is stable, lower-case.
	Name string
	SQL  string
	// Ordered says that the order of its rows is part of the answer.
	Ordered bool
}

// Relational is a workload whose operations are queries over tables that are loaded once; its kinds are its queries.
type Relational interface {
	Workload
	Tables() []Table
	Queries() []Query
}
