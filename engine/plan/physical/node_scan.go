package physical

import (
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/expr"
)

// TableScan reads all rows of a table in key order within a range. Its output is Columns.
type TableScan struct {
	Header
	Table TableRef
	// Columns are the table's ordinals to read, in output order.
	Columns []int
	// Filter, over the output, is evaluated in storage; nil for none.
	Filter expr.Expr
	// Limit stops after so many rows that pass the filter; 0 for none.
	Limit int64
	// Runtime are filters that joins above make while the plan runs.
	Runtime []RuntimeFilterUse
}

// RuntimeFilterUse applies the runtime filter that the join with FilterID makes from its build keys.
// A scan may run before the filter is there, and then reads more.
type RuntimeFilterUse struct {
	FilterID int
	// Columns are positions in the scan's output, in the order of the join's keys.
	Columns []int
}

// KeyBound is one end of a range of index keys.
type KeyBound struct {
	// Value is a constant or parameter of the column's type; nil for no bound.
	Value     expr.Expr
	Inclusive bool
}

// IndexScan reads the rows of one span of an index, in the index's order or, with Reverse, against it.
// A NULL in Equal or a bound gives no rows.
type IndexScan struct {
	Header
	Table TableRef
	Index catalog.IndexID
	// IndexName is for people.
	IndexName string
	// Desc marks the index's key columns that descend; nil when none does.
	Desc []bool
	// Equal are constants or parameters for the leading key columns; Low and High bound the next one.
	Equal     []expr.Expr
	Low, High KeyBound
	Reverse   bool
	// Columns are the table's ordinals to read, in output order; those not in the index are looked up.
	Columns []int
	Filter  expr.Expr
	Limit   int64
	Runtime []RuntimeFilterUse
}

// Descends reports whether key column i of the index is in descending order.
func (n *IndexScan) Descends(i int) bool { return i < len(n.Desc) && n.Desc[i] }

// Values gives literal rows. Its expressions have no column references.
type Values struct {
	Header
	Rows [][]expr.Expr
}

// Inputs returns nil.
func (*TableScan) Inputs() []Node { return nil }

// Inputs returns nil.
func (*IndexScan) Inputs() []Node { return nil }

// Inputs returns nil.
func (*Values) Inputs() []Node { return nil }

// WithInputs returns a copy.
func (n *TableScan) WithInputs([]Node) Node { c := *n; return &c }

// WithInputs returns a copy.
func (n *IndexScan) WithInputs([]Node) Node { c := *n; return &c }

// WithInputs returns a copy.
func (n *Values) WithInputs([]Node) Node { c := *n; return &c }

// Op returns "Table Scan".
func (*TableScan) Op() string { return "Table Scan" }

// Op returns "Index Scan".
func (*IndexScan) Op() string { return "Index Scan" }

// Op returns "Values".
func (*Values) Op() string { return "Values" }
