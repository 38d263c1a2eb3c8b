package logical

import (
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/physical"
)

// Filter passes the rows for which Cond is true.
type Filter struct {
	Input Node
	Cond  expr.Expr
}

// Project computes its items; a column is passed on by an item that refers to it and keeps its ID.
type Project struct {
	Input Node
	Items []Item
	cols  []Column
}

// NewProject returns a projection.
func NewProject(in Node, items []Item) *Project {
	p := &Project{Input: in, Items: items, cols: make([]Column, len(items))}
	for i := range items {
		p.cols[i] = items[i].Column
	}
	return p
}

// Join combines its inputs. For physical.JoinMark, Mark is the boolean output column.
type Join struct {
	Kind        physical.JoinKind
	Left, Right Node
	// On is the condition; nil for true.
	On   expr.Expr
	Mark Column
	// NullAware anti and mark joins compare as NOT IN and IN do: the operands of Compare give NULL, not false, when
	// one is NULL. On then holds the comparison and all other conditions.
	NullAware bool
	cols      []Column
}

// NewJoin returns a join. mark is used for physical.JoinMark only.
func NewJoin(kind physical.JoinKind, left, right Node, on expr.Expr, mark Column) *Join {
	return &Join{Kind: kind, Left: left, Right: right, On: on, Mark: mark,
		cols: joinColumns(kind, left, right, mark)}
}

// Apply evaluates Right once for each row of Left, whose columns Right may name. Kinds as for a join: inner, left,
// semi, anti, mark. It exists between binding and decorrelation only.
type Apply struct {
	Kind        physical.JoinKind
	Left, Right Node
	On          expr.Expr
	Mark        Column
	NullAware   bool
	cols        []Column
}

// NewApply returns an apply. mark is used for physical.JoinMark only.
func NewApply(kind physical.JoinKind, left, right Node, on expr.Expr, mark Column) *Apply {
	return &Apply{Kind: kind, Left: left, Right: right, On: on, Mark: mark,
		cols: joinColumns(kind, left, right, mark)}
}

func joinColumns(kind physical.JoinKind, left, right Node, mark Column) []Column {
	out := append([]Column(nil), left.Columns()...)
	switch kind {
	case physical.JoinSemi, physical.JoinAnti:
		return out
	case physical.JoinMark:
		return append(out, mark)
	}
	return append(out, right.Columns()...)
}

// AggItem is an aggregate and the column of its value.
type AggItem struct {
	Column
	Fn       *compute.Aggregate
	Args     []expr.Expr
	Distinct bool
	Filter   expr.Expr
	OrderBy  []SortKey
}

// Aggregate groups its input; without groups it gives exactly one row.
type Aggregate struct {
	Input  Node
	Groups []Item
	Aggs   []AggItem
	cols   []Column
}

// NewAggregate returns a grouping.
func NewAggregate(in Node, groups []Item, aggs []AggItem) *Aggregate {
	a := &Aggregate{Input: in, Groups: groups, Aggs: aggs}
	for i := range groups {
		a.cols = append(a.cols, groups[i].Column)
	}
	for i := range aggs {
		a.cols = append(a.cols, aggs[i].Column)
	}
	return a
}

// SortKey is one key of an order.
type SortKey struct {
	Expr       expr.Expr
	Desc       bool
	NullsFirst bool
}

// Sort orders its input.
type Sort struct {
	Input Node
	Keys  []SortKey
}

// Limit cuts its input; Count and Offset are int8 expressions without columns, nil for none.
type Limit struct {
	Input         Node
	Count, Offset expr.Expr
}

// SingleRow gives exactly one row: its input's, or NULLs; more than one is an error (21000).
type SingleRow struct{ Input Node }

// SetKind is the kind of a set operation.
type SetKind uint8

// The set operations. The distinct ones remove duplicates of the result.
const (
	UnionAll SetKind = iota
	Union
	Intersect
	IntersectAll
	Except
	ExceptAll
)

// SetOp combines two inputs by position; Cols are the output's own columns.
type SetOp struct {
	Kind        SetKind
	Left, Right Node
	Cols        []Column
}

// With defines common table expressions for its Body and later definitions.
type With struct {
	CTEs []int
	Defs []Node
	Body Node
}

// Columns returns the input's columns.
func (n *Filter) Columns() []Column { return n.Input.Columns() }

// Columns returns the items' columns.
func (n *Project) Columns() []Column { return n.cols }

// Columns returns the columns that the kind of join gives.
func (n *Join) Columns() []Column { return n.cols }

// Columns returns the columns that the kind of join gives.
func (n *Apply) Columns() []Column { return n.cols }

// Columns returns the groups, then the aggregates.
func (n *Aggregate) Columns() []Column { return n.cols }

// Columns returns the input's columns.
func (n *Sort) Columns() []Column { return n.Input.Columns() }

// Columns returns the input's columns.
func (n *Limit) Columns() []Column { return n.Input.Columns() }

// Columns returns the input's columns.
func (n *SingleRow) Columns() []Column { return n.Input.Columns() }

// Columns returns Cols.
func (n *SetOp) Columns() []Column { return n.Cols }

// Columns returns the body's columns.
func (n *With) Columns() []Column { return n.Body.Columns() }

// Inputs returns the input.
func (n *Filter) Inputs() []Node { return []Node{n.Input} }

// Inputs returns the input.
func (n *Project) Inputs() []Node { return []Node{n.Input} }

// Inputs returns left and right.
func (n *Join) Inputs() []Node { return []Node{n.Left, n.Right} }

// Inputs returns left and right.
func (n *Apply) Inputs() []Node { return []Node{n.Left, n.Right} }

// Inputs returns the input.
func (n *Aggregate) Inputs() []Node { return []Node{n.Input} }

// Inputs returns the input.
func (n *Sort) Inputs() []Node { return []Node{n.Input} }

// Inputs returns the input.
func (n *Limit) Inputs() []Node { return []Node{n.Input} }

// Inputs returns the input.
func (n *SingleRow) Inputs() []Node { return []Node{n.Input} }

// Inputs returns left and right.
func (n *SetOp) Inputs() []Node { return []Node{n.Left, n.Right} }

// Inputs returns the definitions, then the body.
func (n *With) Inputs() []Node { return append(append([]Node(nil), n.Defs...), n.Body) }

// WithInputs returns a copy over another input.
func (n *Filter) WithInputs(in []Node) Node { return &Filter{Input: in[0], Cond: n.Cond} }

// WithInputs returns a copy over another input.
func (n *Project) WithInputs(in []Node) Node { return NewProject(in[0], n.Items) }

// WithInputs returns a copy over other inputs.
func (n *Join) WithInputs(in []Node) Node {
	j := NewJoin(n.Kind, in[0], in[1], n.On, n.Mark)
	j.NullAware = n.NullAware
	return j
}

// WithInputs returns a copy over other inputs.
func (n *Apply) WithInputs(in []Node) Node {
	a := NewApply(n.Kind, in[0], in[1], n.On, n.Mark)
	a.NullAware = n.NullAware
	return a
}

// WithInputs returns a copy over another input.
func (n *Aggregate) WithInputs(in []Node) Node { return NewAggregate(in[0], n.Groups, n.Aggs) }

// WithInputs returns a copy over another input.
func (n *Sort) WithInputs(in []Node) Node { return &Sort{Input: in[0], Keys: n.Keys} }

// WithInputs returns a copy over another input.
func (n *Limit) WithInputs(in []Node) Node {
	return &Limit{Input: in[0], Count: n.Count, Offset: n.Offset}
}

// WithInputs returns a copy over another input.
func (n *SingleRow) WithInputs(in []Node) Node { return &SingleRow{Input: in[0]} }

// WithInputs returns a copy over other inputs.
func (n *SetOp) WithInputs(in []Node) Node {
	return &SetOp{Kind: n.Kind, Left: in[0], Right: in[1], Cols: n.Cols}
}

// WithInputs returns a copy over other definitions and body.
func (n *With) WithInputs(in []Node) Node {
	return &With{CTEs: n.CTEs, Defs: in[:len(in)-1], Body: in[len(in)-1]}
}

// Op returns "filter".
func (*Filter) Op() string { return "filter" }

// Op returns "project".
func (*Project) Op() string { return "project" }

// Op returns "join".
func (*Join) Op() string { return "join" }

// Op returns "apply".
func (*Apply) Op() string { return "apply" }

// Op returns "aggregate".
func (*Aggregate) Op() string { return "aggregate" }

// Op returns "sort".
func (*Sort) Op() string { return "sort" }

// Op returns "limit".
func (*Limit) Op() string { return "limit" }

// Op returns "single-row".
func (*SingleRow) Op() string { return "single-row" }

// Op returns "set-op".
func (*SetOp) Op() string { return "set-op" }

// Op returns "with".
func (*With) Op() string { return "with" }

func (*Filter) isNode()    {}
func (*Project) isNode()   {}
func (*Join) isNode()      {}
func (*Apply) isNode()     {}
func (*Aggregate) isNode() {}
func (*Sort) isNode()      {}
func (*Limit) isNode()     {}
func (*SingleRow) isNode() {}
func (*SetOp) isNode()     {}
func (*With) isNode()      {}
