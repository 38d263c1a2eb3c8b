package expr

import (
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/types"
)

// ColumnID names a column within one statement's logical plan. IDs are given out by the binder,
// start at 1 and are never used twice in one statement.
type ColumnID int32

// Expr is a node of a scalar expression. The set of implementations is closed to this package.
type Expr interface {
	// Type returns the type of the value.
	Type() types.Type
	// Children returns the direct sub-expressions, in order; the slice is the caller's.
	Children() []Expr
	// WithChildren returns a copy of the node over other children of the same number and types.
	WithChildren([]Expr) Expr

	isExpr()
}

// Const is a literal.
type Const struct {
	Value types.Datum
	Typ   types.Type
	// Slot is 1 + the index of the literal in the statement's literals when the constant came from one
	// that a cached plan may replace, 0 otherwise.
	Slot int
}

// Column refers to an input column.
type Column struct {
	// ID names the column in logical plans; 0 in physical plans.
	ID ColumnID
	// Ordinal is the position in the input batch in physical plans; -1 in logical plans.
	Ordinal int
	Typ     types.Type
	// Name is for people: EXPLAIN and errors.
	Name string
}

// Param is a value that is bound when the plan is executed: $n of the statement, or a
// literal of the normalised statement.
type Param struct {
	// Index is the 0-based position among the execution's parameters.
	Index int
	Typ   types.Type
}

// Call applies a function or operator. The arguments have exactly the kinds of Fn.
type Call struct {
	Fn   *compute.Func
	Args []Expr
	Typ  types.Type
}

// And is the conjunction of two or more boolean terms, in SQL's three-valued logic. Terms may be
// evaluated in any order.
type And struct{ Terms []Expr }

// Or is the disjunction of two or more boolean terms.
type Or struct{ Terms []Expr }

// Not negates a boolean.
type Not struct{ Arg Expr }

// IsNull tests for NULL, or with Negated for not NULL. It is never NULL itself.
type IsNull struct {
	Arg     Expr
	Negated bool
}

// TruthTest is IS [NOT] TRUE, IS [NOT] FALSE: never NULL itself. (IS UNKNOWN is IsNull.)
type TruthTest struct {
	Arg     Expr
	Want    bool
	Negated bool
}

// IsDistinct is IS [NOT] DISTINCT FROM over two arguments of one type: never NULL itself.
type IsDistinct struct {
	Left, Right Expr
	Negated     bool
}

// Cast converts to another type. Explicit casts follow PostgreSQL's explicit rules (a too-long varchar is cut), others
// those of assignment (it is an error).
type Cast struct {
	Arg      Expr
	To       types.Type
	Explicit bool
}

// When is one branch of a Case.
type When struct{ Cond, Then Expr }

// Case gives the first branch whose condition is true, else Else, which is never nil. All results have one type.
type Case struct {
	Whens []When
	Else  Expr
}

// Coalesce gives its first argument that is not NULL. All arguments have one type.
type Coalesce struct{ Args []Expr }

// InList tests for membership among constants or parameters of the argument's type, with SQL's
// NULL rules.
type InList struct {
	Arg     Expr
	List    []Expr
	Negated bool
}

// NewColumn returns a logical column reference.
func NewColumn(id ColumnID, t types.Type, name string) *Column {
	return &Column{ID: id, Ordinal: -1, Typ: t, Name: name}
}

// At returns a physical column reference.
func At(ordinal int, t types.Type, name string) *Column {
	return &Column{Ordinal: ordinal, Typ: t, Name: name}
}

// NewConst returns a constant of the datum's kind.
func NewConst(d types.Datum) *Const { return &Const{Value: d, Typ: types.Of(d.Kind())} }

var boolean = types.Of(types.Bool)

// Type returns the constant's type.
func (e *Const) Type() types.Type { return e.Typ }

// Type returns the column's type.
func (e *Column) Type() types.Type { return e.Typ }

// Type returns the parameter's type.
func (e *Param) Type() types.Type { return e.Typ }

// Type returns the function's result type.
func (e *Call) Type() types.Type { return e.Typ }

// Type returns boolean.
func (e *And) Type() types.Type { return boolean }

// Type returns boolean.
func (e *Or) Type() types.Type { return boolean }

// Type returns boolean.
func (e *Not) Type() types.Type { return boolean }

// Type returns boolean.
func (e *IsNull) Type() types.Type { return boolean }

// Type returns boolean.
func (e *TruthTest) Type() types.Type { return boolean }

// Type returns boolean.
func (e *IsDistinct) Type() types.Type { return boolean }

// Type returns the target type.
func (e *Cast) Type() types.Type { return e.To }

// Type returns the common type of the results, with a modifier only when all have it.
func (e *Case) Type() types.Type {
	t := e.Else.Type()
	for i := range e.Whens {
		if e.Whens[i].Then.Type() != t {
			return types.Of(t.Kind)
		}
	}
	return t
}

// Type returns the common type of the arguments, with a modifier only when all have it.
func (e *Coalesce) Type() types.Type {
	t := e.Args[0].Type()
	for _, a := range e.Args[1:] {
		if a.Type() != t {
			return types.Of(t.Kind)
		}
	}
	return t
}

// Type returns boolean.
func (e *InList) Type() types.Type { return boolean }

func (*Const) isExpr()      {}
func (*Column) isExpr()     {}
func (*Param) isExpr()      {}
func (*Call) isExpr()       {}
func (*And) isExpr()        {}
func (*Or) isExpr()         {}
func (*Not) isExpr()        {}
func (*IsNull) isExpr()     {}
func (*TruthTest) isExpr()  {}
func (*IsDistinct) isExpr() {}
func (*Cast) isExpr()       {}
func (*Case) isExpr()       {}
func (*Coalesce) isExpr()   {}
func (*InList) isExpr()     {}
