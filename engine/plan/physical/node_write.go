package physical

import (
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/expr"
)

// ForeignKeyCheck is a constraint that a write must uphold.
type ForeignKeyCheck struct {
	Name string
	// Other is the table at the other end, OtherIndex its index to look in (0: none fits, scan the table).
	Other      TableRef
	OtherIndex catalog.IndexID
	// Columns are ordinals of the written table, OtherColumns those of Other, in the same order.
	Columns, OtherColumns []int
}

// CheckConstraint is a condition over all columns of the written table, in ordinal order; false is a violation.
type CheckConstraint struct {
	Name string
	Cond expr.Expr
}

// Target is the table a write changes, and what must hold afterwards.
type Target struct {
	Table TableRef
	// Checks are over the new row, all columns in ordinal order.
	Checks []CheckConstraint
	// Parents are the keys this table refers to; Children are the tables that refer to this one.
	Parents, Children []ForeignKeyCheck
}

// Insert adds its input's rows. The input has one column for every column of the table, in ordinal order, of its exact
// type, except a hidden row identifier, which the executor fills (the input's value is then NULL).
// The output is Returning over the new rows, or nothing but a row count.
type Insert struct {
	Header
	Target
	Input Node
	// Returning, over all columns of the table in ordinal order; nil for none.
	Returning []expr.Expr
}

// Update changes rows. The input has all columns of the old row in ordinal order, then one new value for
// each ordinal in Set, of the column's exact type. A row that comes twice is changed once.
type Update struct {
	Header
	Target
	Input Node
	Set   []int
	// Returning, over all columns of the new row in ordinal order; nil for none.
	Returning []expr.Expr
}

// Delete removes rows. The input has all columns of the old row in ordinal order.
type Delete struct {
	Header
	Target
	Input Node
	// Returning, over all columns of the old row; nil for none.
	Returning []expr.Expr
}

// Inputs returns the input.
func (n *Insert) Inputs() []Node { return []Node{n.Input} }

// Inputs returns the input.
func (n *Update) Inputs() []Node { return []Node{n.Input} }

// Inputs returns the input.
func (n *Delete) Inputs() []Node { return []Node{n.Input} }

// WithInputs returns a copy over another input.
func (n *Insert) WithInputs(in []Node) Node { c := *n; c.Input = in[0]; return &c }

// WithInputs returns a copy over another input.
func (n *Update) WithInputs(in []Node) Node { c := *n; c.Input = in[0]; return &c }

// WithInputs returns a copy over another input.
func (n *Delete) WithInputs(in []Node) Node { c := *n; c.Input = in[0]; return &c }

// Op returns "Insert".
func (*Insert) Op() string { return "Insert" }

// Op returns "Update".
func (*Update) Op() string { return "Update" }

// Op returns "Delete".
func (*Delete) Op() string { return "Delete" }
