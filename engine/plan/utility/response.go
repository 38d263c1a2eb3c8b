package utility

import (
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types"
)

// Dependency is a table a plan was made for.
type Dependency struct {
	ID      catalog.TableID
	Version uint64
}

// Response is what the planner gives for a statement. At most one of Plan and Command is set; neither for an empty statement.
//
// The parameters of an execution are $1 … $n, followed by the literals of the statement as sqltext numbers them. A plan
// may be used again for a statement of the same template whose pinned literals are equal.
type Response struct {
	Plan    *physical.Plan
	Command Command
	// Tag is the first words of the command tag, such as "SELECT" or "CREATE TABLE"; empty for an empty statement.
	Tag string
	// Fields are the output columns.
	Fields []physical.Field
	// ParamTypes are those of $1 … $n.
	ParamTypes []types.Type
	// LiteralTypes gives for each literal the type its parameter has; Unknown when it is pinned.
	LiteralTypes []types.Type
	// PinnedLiterals are the indexes of literals whose value is part of the plan, ascending.
	PinnedLiterals []int
	// Cacheable says whether the response may be used again, Writes whether the statement changes rows.
	Cacheable, Writes bool
	// CatalogRevision is the catalog the statement was bound against.
	CatalogRevision int64
	// Tables are those it depends on.
	Tables []Dependency
	// ReconsiderAfter asks for a call after so many executions; 0 for no need.
	ReconsiderAfter uint32
}
