package logical

import (
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/expr"
)

// Write is an INSERT, UPDATE or DELETE.
type Write struct {
	Kind  WriteKind
	Table *catalog.Table
	Input Node
	// Source are the columns of Input, in the order physical.Insert, Update and Delete expect: for an insert one for each table
	// column; for an update all old columns, then the new values; for a delete all old columns.
	Source []expr.ColumnID
	// Set are the ordinals an update changes.
	Set []int
	// Row are the IDs by which Returning and Checks name the columns of the resulting (or deleted) row, in ordinal order.
	Row []Column
	// Returning computes the output; nil for none.
	Returning []Item
	// Checks are the bound CHECK constraints over Row.
	Checks []BoundCheck
}

// BoundCheck is a CHECK constraint bound to a write's Row.
type BoundCheck struct {
	Name string
	Cond expr.Expr
}

// WriteKind is the kind of a write.
type WriteKind uint8

// The kinds of write.
const (
	WriteInsert WriteKind = iota
	WriteUpdate
	WriteDelete
)

// Columns returns the returned items' columns.
func (n *Write) Columns() []Column {
	out := make([]Column, len(n.Returning))
	for i := range n.Returning {
		out[i] = n.Returning[i].Column
	}
	return out
}

// Inputs returns the input.
func (n *Write) Inputs() []Node { return []Node{n.Input} }

// WithInputs returns a copy over another input.
func (n *Write) WithInputs(in []Node) Node { c := *n; c.Input = in[0]; return &c }

// Op returns "insert", "update" or "delete".
func (n *Write) Op() string { return [...]string{"insert", "update", "delete"}[n.Kind] }

func (*Write) isNode() {}
