package expr

import (
	"fmt"

	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// MaxDepth bounds the nesting of an expression that is evaluated; a deeper one fails with 54001.
const MaxDepth = 5000

// Program is an expression ready for evaluation. It holds no state of an execution and is safe for
// concurrent use.
type Program struct {
	root evaluator
	typ  types.Type
}

// Compile prepares e, whose columns are physical. Constant parts are prepared once: sets of InList, columns of constants. It fails
// with 54001 when e nests too deeply, and with XX000 when e is not well typed.
func Compile(e Expr) (*Program, error) {
	root, err := compile(e, 0)
	if err != nil {
		return nil, err
	}
	return &Program{root: root, typ: e.Type()}, nil
}

// Type returns the type of the result.
func (p *Program) Type() types.Type { return p.typ }

// Eval returns the value of the expression for every live row of b, densely: b.Rows() values in the rows' order.
// Rows that are not live are not looked at. The result may share memory with b.
func (p *Program) Eval(env *compute.Env, params []types.Datum, b *vec.Batch) (*vec.Vector, error) {
	return p.root.eval(&frame{env: env, params: params, batch: b, sel: b.Sel, n: b.Rows()})
}

// Eval compiles e and evaluates it once: see Program.Eval.
func Eval(env *compute.Env, e Expr, params []types.Datum, b *vec.Batch) (*vec.Vector, error) {
	p, err := Compile(e)
	if err != nil {
		return nil, err
	}
	return p.Eval(env, params, b)
}

// Value returns the value of an expression without columns.
func Value(env *compute.Env, e Expr, params []types.Datum) (types.Datum, error) {
	if c, ok := e.(*Const); ok {
		return c.Value, nil
	}
	v, err := Eval(env, e, params, &vec.Batch{Len: 1})
	if err != nil {
		return types.Datum{}, err
	}
	return v.DatumAt(0), nil
}

// Bind returns e with constants in place of its parameters, so that compiling it prepares them too. A parameter beyond params stays.
func Bind(e Expr, params []types.Datum) Expr {
	return Transform(e, func(n Expr) Expr {
		if p, ok := n.(*Param); ok && p.Index >= 0 && p.Index < len(params) {
			return &Const{Value: params[p.Index], Typ: p.Typ}
		}
		return n
	})
}

// evaluator is a compiled node. It is immutable but for caches that are safe for concurrent use.
type evaluator interface {
	// eval returns f.n values.
	eval(f *frame) (*vec.Vector, error)
}

// frame is the rows that a node is evaluated for: those of batch at sel, or all when sel is nil.
type frame struct {
	env    *compute.Env
	params []types.Datum
	batch  *vec.Batch
	sel    []int32
	n      int
	// gathered caches the live values of columns, by ordinal; nil until the first.
	gathered []*vec.Vector
}

// narrow returns the frame of the rows at the given positions of f, ascending.
func (f *frame) narrow(rel []int32) *frame {
	if len(rel) == f.n {
		return f
	}
	sel := rel
	if f.sel != nil {
		sel = make([]int32, len(rel))
		for i, r := range rel {
			sel[i] = f.sel[r]
		}
	}
	return &frame{env: f.env, params: f.params, batch: f.batch, sel: sel, n: len(rel)}
}

// column returns the live values of a column.
func (f *frame) column(ordinal int, k types.Kind) (*vec.Vector, error) {
	if ordinal < 0 || ordinal >= len(f.batch.Cols) {
		return nil, fmt.Errorf("expr: column %d of a batch of %d", ordinal, len(f.batch.Cols))
	}
	c := f.batch.Cols[ordinal]
	if !samePhysical(c.Kind(), k) {
		return nil, fmt.Errorf("expr: column %d is %s, not %s", ordinal, c.Kind(), k)
	}
	if f.sel == nil {
		return c, nil
	}
	if f.gathered == nil {
		f.gathered = make([]*vec.Vector, len(f.batch.Cols))
	}
	if f.gathered[ordinal] == nil {
		f.gathered[ordinal] = vec.Gather(c, f.sel)
	}
	return f.gathered[ordinal], nil
}

// samePhysical reports whether columns of the two kinds have one physical form.
func samePhysical(a, b types.Kind) bool {
	if a == b {
		return true
	}
	text := func(k types.Kind) bool { return k.IsString() || k == types.Unknown }
	stamp := func(k types.Kind) bool { return k == types.Timestamp || k == types.TimestampTZ }
	return text(a) && text(b) || stamp(a) && stamp(b)
}

func errTooDeep() error {
	return sqlerr.New(sqlerr.StatementTooComplex, "stack depth limit exceeded").
		WithHint("An expression may nest %d levels deep.", MaxDepth)
}
