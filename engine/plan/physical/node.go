package physical

import (
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/types"
)

// Field is a column of a node's output.
type Field struct {
	Name string
	Type types.Type
}

// Source says where an estimate of a row count came from.
type Source uint8

// The sources, from the weakest to the strongest.
const (
	SourceDefault   Source = 0 // a constant of the textbook
	SourceStatistic Source = 1 // histogram, MCV, distinct count
	SourceSample    Source = 2 // a predicate evaluated on a row sample
	SourceBound     Source = 3 // capped by a join bound
	SourceFeedback  Source = 4 // a measured execution of the same sub-plan
	SourceExact     Source = 5 // known by construction, such as VALUES or an aggregate without groups
)

var sourceNames = [...]string{"default", "statistics", "sample", "bound", "feedback", "exact"}

// String returns the name EXPLAIN shows.
func (s Source) String() string {
	if int(s) < len(sourceNames) {
		return sourceNames[s]
	}
	return "unknown"
}

// Estimate is what the planner believed of a node before it ran.
type Estimate struct {
	// Rows is the expected number of output rows, UpperRows a bound it should not exceed (0: none known).
	Rows, UpperRows float64
	// WidthBytes is the expected size of an output row.
	WidthBytes float64
	// CostNanos is the expected time of the node and its inputs.
	CostNanos float64
	Source    Source
	// SubplanKey is the canonical identity of the relations and predicates below and including this node,
	// by which measured row counts are remembered; 0 for none.
	SubplanKey uint64
}

// Header is what all nodes have.
type Header struct {
	// ID is unique in the plan and positive.
	ID int
	// Schema is the output.
	Schema []Field
	Est    Estimate
}

// Node is an operator. The set of implementations is closed to this package.
type Node interface {
	// Head returns the common part, which only the planner changes, before the plan is handed on.
	Head() *Header
	// Inputs returns the direct inputs in order; the slice is the caller's.
	Inputs() []Node
	// WithInputs returns a copy of the node over other inputs of the same number and schemas.
	WithInputs([]Node) Node
	// Op returns the operator's name as EXPLAIN shows it, such as "Hash Join".
	Op() string

	isNode()
}

// Head returns the common part.
func (h *Header) Head() *Header { return h }

func (*Header) isNode() {}

// TableRef names a table in a plan.
type TableRef struct {
	ID      catalog.TableID
	Version uint64
	// Name and Alias are for people; Alias is empty when it equals Name.
	Schema, Name, Alias string
}

// SortKey is one column of an order.
type SortKey struct {
	// Expr is evaluated over the node's input.
	Expr       expr.Expr
	Desc       bool
	NullsFirst bool
}

// Walk calls visit for n and its descendants, parents first.
func Walk(n Node, visit func(Node)) {
	visit(n)
	for _, in := range n.Inputs() {
		Walk(in, visit)
	}
}
