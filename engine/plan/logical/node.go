package logical

import (
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/types"
)

// Column is an output column of a node.
type Column struct {
	ID   expr.ColumnID
	Name string
	Type types.Type
}

// Ref returns a reference to the column.
func (c Column) Ref() *expr.Column { return expr.NewColumn(c.ID, c.Type, c.Name) }

// Item is a computed output column.
type Item struct {
	Column
	Expr expr.Expr
}

// Node is a relational operator. The set of implementations is closed to this package.
type Node interface {
	// Columns returns the output columns in order; the slice is read-only.
	Columns() []Column
	// Inputs returns the direct inputs in order; the slice is the caller's.
	Inputs() []Node
	// WithInputs returns a copy over other inputs that give the same column IDs.
	WithInputs([]Node) Node
	// Op returns the operator's name for people.
	Op() string

	isNode()
}

// Set is a set of column IDs.
type Set map[expr.ColumnID]struct{}

// Has reports whether id is in the set.
func (s Set) Has(id expr.ColumnID) bool { _, ok := s[id]; return ok }

// Add puts id into the set.
func (s Set) Add(id expr.ColumnID) { s[id] = struct{}{} }

// OutputSet returns the IDs of a node's output.
func OutputSet(n Node) Set {
	s := make(Set)
	for _, c := range n.Columns() {
		s.Add(c.ID)
	}
	return s
}

// ExprColumns returns the IDs an expression names; empty for nil.
func ExprColumns(es ...expr.Expr) Set {
	s := make(Set)
	for _, e := range es {
		if e != nil {
			expr.Columns(e, func(c *expr.Column) { s.Add(c.ID) })
		}
	}
	return s
}

// SubsetOf reports whether all of s is in t.
func (s Set) SubsetOf(t Set) bool {
	for id := range s {
		if !t.Has(id) {
			return false
		}
	}
	return true
}

// Intersects reports whether s and t share a column.
func (s Set) Intersects(t Set) bool {
	for id := range s {
		if t.Has(id) {
			return true
		}
	}
	return false
}
