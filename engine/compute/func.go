package compute

import (
	"strings"
	"time"

	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// Env is what evaluation knows of the session and the statement. It is read-only while in use.
type Env struct {
	// TxnTime is the start of the transaction: now() and current_date.
	TxnTime time.Time
	// StatementTime is the arrival of the statement.
	StatementTime time.Time
	// Location is the session's time zone; nil means UTC.
	Location *time.Location
	// User and Database are current_user and current_database().
	User, Database string
	// Random gives uniform values in [0, 1) for random(); nil means the default source.
	Random func() float64
	// Clock gives clock_timestamp(); nil means time.Now.
	Clock func() time.Time
	// Sequence serves nextval, currval and setval; nil where sequences cannot be used (pushed-down filters).
	Sequence func(op, name string, arg int64) (int64, error)
}

// Zone returns the session's time zone, never nil.
func (e *Env) Zone() *time.Location {
	if e == nil || e.Location == nil {
		return time.UTC
	}
	return e.Location
}

// Volatility says when a call may be evaluated ahead of time.
type Volatility uint8

// The volatility classes of PostgreSQL.
const (
	// Immutable calls depend on their arguments only and are folded when these are constant.
	Immutable Volatility = iota
	// Stable calls keep their value within one statement.
	Stable
	// Volatile calls are evaluated for every row and are never moved or shared.
	Volatile
)

// Class groups functions by what they cost, as a feature of the cost model.
type Class uint8

// The expression classes.
const (
	ClassComparison Class = iota
	ClassArithmetic
	ClassString
	ClassPattern // LIKE and regular expressions
	ClassCast
	ClassTemporal
	ClassOther
	ClassCount
)

// Kernel computes one function over n rows. valid is the conjunction of the arguments' validity
// for strict functions (nil: all valid) and nil for others; a strict kernel's result carries at least these NULLs.
type Kernel func(env *Env, args []*vec.Vector, valid vec.Bitmap, n int) (*vec.Vector, error)

// Func is one overload of a function or operator. Funcs are immutable.
type Func struct {
	// Name is the SQL name in lower case, or the operator's symbol, such as "lower" or "+".
	Name string
	// Args are the kinds of the parameters. With Variadic the last one repeats one or more times.
	Args     []types.Kind
	Variadic bool
	// Ret is the kind of the result. ResultType, when not nil, derives its modifier too.
	Ret        types.Kind
	ResultType func(args []types.Type) types.Type
	// Strict functions give NULL when any argument is NULL, without being called for that row.
	Strict     bool
	Volatility Volatility
	Class      Class
	Eval       Kernel
}

// ID returns the identifier of the overload, such as "+(int4,int4)": unique, stable, part of the wire format.
func (f *Func) ID() string {
	var b strings.Builder
	b.WriteString(f.Name)
	b.WriteByte('(')
	for i, a := range f.Args {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(a.Short())
	}
	if f.Variadic {
		b.WriteString("...")
	}
	b.WriteByte(')')
	return b.String()
}

// Type returns the type of the result for arguments of the given types.
func (f *Func) Type(args []types.Type) types.Type {
	if f.ResultType != nil {
		return f.ResultType(args)
	}
	return types.Of(f.Ret)
}
