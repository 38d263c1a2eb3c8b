package physical

import (
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
)

// Filter passes the rows for which Cond is true.
type Filter struct {
	Header
	Input Node
	Cond  expr.Expr
}

// Project computes expressions over its input.
type Project struct {
	Header
	Input Node
	Exprs []expr.Expr
}

// AggCall is one aggregate of an Aggregate node.
type AggCall struct {
	Fn *compute.Aggregate
	// Args, over the input, have the kinds of Fn.
	Args     []expr.Expr
	Distinct bool
	// Filter, over the input, says which rows count; nil for all.
	Filter expr.Expr
	// OrderBy is the order in which rows are fed, for aggregates that depend on it; nil for any.
	OrderBy []SortKey
	Field   Field
}

// Aggregate groups its input. The output is the groups' expressions, then the aggregates. Without groups it gives exactly
// one row; with them, one row a group, where NULLs are equal.
type Aggregate struct {
	Header
	Input  Node
	Groups []expr.Expr
	Aggs   []AggCall
}

// Sort orders its input; the order of equal rows is not defined.
type Sort struct {
	Header
	Input Node
	Keys  []SortKey
}

// TopK gives the first Count rows of the order after skipping Offset. Count and Offset are int8 expressions without
// columns; Offset may be nil.
type TopK struct {
	Header
	Input         Node
	Keys          []SortKey
	Count, Offset expr.Expr
}

// Limit gives Count rows (nil, or NULL: all) after skipping Offset (nil, or NULL: none), in the input's order.
type Limit struct {
	Header
	Input         Node
	Count, Offset expr.Expr
}

// SetOpKind says which set operation a SetOp does.
type SetOpKind uint8

// The set operations that need a node of their own. UNION is an Aggregate over a UnionAll.
const (
	SetIntersect    SetOpKind = 0
	SetIntersectAll SetOpKind = 1
	SetExcept       SetOpKind = 2
	SetExceptAll    SetOpKind = 3
)

// SetOp combines two inputs of equal types by whole rows, where NULLs are equal.
type SetOp struct {
	Header
	Kind        SetOpKind
	Left, Right Node
}

// UnionAll gives the rows of all inputs, in no defined order.
type UnionAll struct {
	Header
	All []Node
}

// SingleRow gives its input's only row, a row of NULLs when there is none, and an error (21000) when there are more: a scalar
// subquery.
type SingleRow struct {
	Header
	Input Node
}

// With computes common table expressions once, before Body, for the CTEScans below Body and in later definitions.
type With struct {
	Header
	// Defs are the definitions; the CTEScan with CTE i reads Defs[i].
	Defs []Node
	// CTEs numbers the definitions, unique in the plan.
	CTEs []int
	Body Node
}

// CTEScan reads a materialised common table expression.
type CTEScan struct {
	Header
	CTE  int
	Name string
}

// Inputs returns the input.
func (n *Filter) Inputs() []Node { return []Node{n.Input} }

// Inputs returns the input.
func (n *Project) Inputs() []Node { return []Node{n.Input} }

// Inputs returns the input.
func (n *Aggregate) Inputs() []Node { return []Node{n.Input} }

// Inputs returns the input.
func (n *Sort) Inputs() []Node { return []Node{n.Input} }

// Inputs returns the input.
func (n *TopK) Inputs() []Node { return []Node{n.Input} }

// Inputs returns the input.
func (n *Limit) Inputs() []Node { return []Node{n.Input} }

// Inputs returns left and right.
func (n *SetOp) Inputs() []Node { return []Node{n.Left, n.Right} }

// Inputs returns all inputs.
func (n *UnionAll) Inputs() []Node { return append([]Node(nil), n.All...) }

// Inputs returns the input.
func (n *SingleRow) Inputs() []Node { return []Node{n.Input} }

// Inputs returns the definitions, then the body.
func (n *With) Inputs() []Node { return append(append([]Node(nil), n.Defs...), n.Body) }

// Inputs returns nil.
func (n *CTEScan) Inputs() []Node { return nil }

// WithInputs returns a copy over another input.
func (n *Filter) WithInputs(in []Node) Node { c := *n; c.Input = in[0]; return &c }

// WithInputs returns a copy over another input.
func (n *Project) WithInputs(in []Node) Node { c := *n; c.Input = in[0]; return &c }

// WithInputs returns a copy over another input.
func (n *Aggregate) WithInputs(in []Node) Node { c := *n; c.Input = in[0]; return &c }

// WithInputs returns a copy over another input.
func (n *Sort) WithInputs(in []Node) Node { c := *n; c.Input = in[0]; return &c }

// WithInputs returns a copy over another input.
func (n *TopK) WithInputs(in []Node) Node { c := *n; c.Input = in[0]; return &c }

// WithInputs returns a copy over another input.
func (n *Limit) WithInputs(in []Node) Node { c := *n; c.Input = in[0]; return &c }

// WithInputs returns a copy over other inputs.
func (n *SetOp) WithInputs(in []Node) Node { c := *n; c.Left, c.Right = in[0], in[1]; return &c }

// WithInputs returns a copy over other inputs.
func (n *UnionAll) WithInputs(in []Node) Node { c := *n; c.All = in; return &c }

// WithInputs returns a copy over another input.
func (n *SingleRow) WithInputs(in []Node) Node { c := *n; c.Input = in[0]; return &c }

// WithInputs returns a copy over other definitions and body.
func (n *With) WithInputs(in []Node) Node {
	c := *n
	c.Defs, c.Body = in[:len(in)-1], in[len(in)-1]
	return &c
}

// WithInputs returns a copy.
func (n *CTEScan) WithInputs([]Node) Node { c := *n; return &c }

// Op returns "Filter".
func (*Filter) Op() string { return "Filter" }

// Op returns "Project".
func (*Project) Op() string { return "Project" }

// Op returns "Aggregate".
func (*Aggregate) Op() string { return "Aggregate" }

// Op returns "Sort".
func (*Sort) Op() string { return "Sort" }

// Op returns "Top-K".
func (*TopK) Op() string { return "Top-K" }

// Op returns "Limit".
func (*Limit) Op() string { return "Limit" }

// Op returns the operation's name.
func (n *SetOp) Op() string {
	return [...]string{"Intersect", "Intersect All", "Except", "Except All"}[n.Kind&3]
}

// Op returns "Union All".
func (*UnionAll) Op() string { return "Union All" }

// Op returns "Single Row".
func (*SingleRow) Op() string { return "Single Row" }

// Op returns "With".
func (*With) Op() string { return "With" }

// Op returns "CTE Scan".
func (*CTEScan) Op() string { return "CTE Scan" }
