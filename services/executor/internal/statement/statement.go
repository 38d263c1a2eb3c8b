package statement

import (
	"context"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types"
)

// Statement is what to run.
//
// The parameters of an execution are $1 … $n, of ParamTypes, followed by the statement's literals as the scanner numbers
// them, of LiteralTypes. A statement may be used again for another text of the same template whose pinned literals are equal.
type Statement struct {
	// Plan is nil for a utility command, Utility for a plan.
	Plan    *physical.Plan
	Utility Utility
	// Tag is the first word of the command tag.
	Tag string
	// Fields are the output columns, nil when there are none.
	Fields       []physical.Field
	ParamTypes   []types.Type
	LiteralTypes []types.Type
	// Pinned are the literals whose value is part of the plan.
	Pinned    []int
	Cacheable bool
	// Writes tells that the statement changes rows.
	Writes          bool
	CatalogRevision int64
	// Tables are the tables the statement was bound to.
	Tables []access.TableVersion
	// ReconsiderAfter is the number of executions after which to ask the planner again, 0 for never.
	ReconsiderAfter int
}

// ReturnsRows reports whether the statement has a result.
func (s *Statement) ReturnsRows() bool { return len(s.Fields) > 0 || s.Tag == "SELECT" }

// Request asks for a statement.
type Request struct {
	SQL        string
	ParamTypes []types.Type
	// Params are values of the parameters when they are known, for estimates.
	Params          []types.Datum
	Settings        map[string]string
	CatalogRevision int64
}

// Planner makes statements. It is safe for concurrent use. Errors carry SQLSTATE and position.
type Planner interface {
	Plan(ctx context.Context, r *Request) (*Statement, error)
}
