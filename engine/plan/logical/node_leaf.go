package logical

import (
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/expr"
)

// Scan reads a table.
type Scan struct {
	Table *catalog.Table
	// Alias is the name it goes by in the statement.
	Alias string
	// Ordinals are the table columns that are read; Cols has one output column for each.
	Ordinals []int
	Cols     []Column
}

// Values gives literal rows of expressions without columns.
type Values struct {
	Cols []Column
	Rows [][]expr.Expr
}

// CTERef reads common table expression CTE of an enclosing With; Cols correspond to its columns by position.
type CTERef struct {
	CTE  int
	Name string
	Cols []Column
}

// Columns returns Cols.
func (n *Scan) Columns() []Column { return n.Cols }

// Columns returns Cols.
func (n *Values) Columns() []Column { return n.Cols }

// Columns returns Cols.
func (n *CTERef) Columns() []Column { return n.Cols }

// Inputs returns nil.
func (*Scan) Inputs() []Node { return nil }

// Inputs returns nil.
func (*Values) Inputs() []Node { return nil }

// Inputs returns nil.
func (*CTERef) Inputs() []Node { return nil }

// WithInputs returns the node.
func (n *Scan) WithInputs([]Node) Node { return n }

// WithInputs returns the node.
func (n *Values) WithInputs([]Node) Node { return n }

// WithInputs returns the node.
func (n *CTERef) WithInputs([]Node) Node { return n }

// Op returns "scan".
func (*Scan) Op() string { return "scan" }

// Op returns "values".
func (*Values) Op() string { return "values" }

// Op returns "cte".
func (*CTERef) Op() string { return "cte" }

func (*Scan) isNode()   {}
func (*Values) isNode() {}
func (*CTERef) isNode() {}
