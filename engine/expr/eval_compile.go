package expr

import (
	"fmt"

	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/types"
)

// compile returns the evaluator of e, which lies depth levels below the root.
func compile(e Expr, depth int) (evaluator, error) {
	if depth > MaxDepth {
		return nil, errTooDeep()
	}
	if e == nil {
		return nil, fmt.Errorf("expr: nil expression")
	}
	if c, ok := e.(*Const); ok {
		return compileConst(c)
	}
	if in, ok := e.(*InList); ok {
		return compileInList(in, depth)
	}
	children := e.Children()
	args := make([]evaluator, len(children))
	for i, c := range children {
		var err error
		if args[i], err = compile(c, depth+1); err != nil {
			return nil, err
		}
	}
	switch e := e.(type) {
	case *Column:
		return &columnNode{ordinal: e.Ordinal, typ: e.Typ}, nil
	case *Param:
		return &paramNode{index: e.Index, typ: e.Typ}, nil
	case *Call:
		return compileCall(e, args)
	case *And:
		return compileTerms(args, children, false)
	case *Or:
		return compileTerms(args, children, true)
	case *Not:
		return &notNode{arg: args[0]}, wantBool(children...)
	case *IsNull:
		return &isNullNode{arg: args[0], negated: e.Negated}, nil
	case *TruthTest:
		return &truthNode{arg: args[0], want: e.Want, negated: e.Negated}, wantBool(children...)
	case *IsDistinct:
		eq, err := equality(e.Left.Type(), e.Right.Type())
		if err != nil {
			return nil, err
		}
		return &distinctNode{left: args[0], right: args[1], eq: eq, negated: e.Negated}, nil
	case *Cast:
		return &castNode{arg: args[0], to: e.To, explicit: e.Explicit}, nil
	case *Case:
		return compileCase(e, args)
	case *Coalesce:
		if len(args) == 0 {
			return nil, fmt.Errorf("expr: coalesce of nothing")
		}
		for _, c := range children {
			if !samePhysical(c.Type().Kind, e.Type().Kind) {
				return nil, fmt.Errorf("expr: coalesce of %s and %s", e.Type(), c.Type())
			}
		}
		return &coalesceNode{args: args, typ: e.Type()}, nil
	}
	return nil, fmt.Errorf("expr: cannot evaluate %T", e)
}

func compileConst(c *Const) (evaluator, error) {
	if !c.Value.IsNull() && !samePhysical(c.Value.Kind(), c.Typ.Kind) {
		return nil, fmt.Errorf("expr: constant of kind %s typed %s", c.Value.Kind(), c.Typ)
	}
	return &constNode{value: c.Value, typ: c.Typ}, nil
}

func compileCall(e *Call, args []evaluator) (evaluator, error) {
	if e.Fn == nil || e.Fn.Eval == nil {
		return nil, fmt.Errorf("expr: call of no function")
	}
	params := e.Fn.Args
	if len(args) < len(params) || len(args) > len(params) && !e.Fn.Variadic {
		return nil, fmt.Errorf("expr: %s called with %d arguments", e.Fn.ID(), len(args))
	}
	for i, a := range e.Args {
		want := params[min(i, len(params)-1)]
		if k := a.Type().Kind; want != compute.Any && k != want {
			return nil, fmt.Errorf("expr: argument %d of %s is %s", i+1, e.Fn.ID(), k)
		}
	}
	if e.Typ.Kind != e.Fn.Ret {
		return nil, fmt.Errorf("expr: %s typed %s", e.Fn.ID(), e.Typ)
	}
	return &callNode{fn: e.Fn, args: args, typ: e.Typ}, nil
}

func compileTerms(args []evaluator, terms []Expr, stop bool) (evaluator, error) {
	if len(args) == 0 {
		return &constNode{value: types.NewBool(!stop), typ: boolean}, nil
	}
	return &termsNode{terms: args, stop: stop}, wantBool(terms...)
}

func compileCase(e *Case, args []evaluator) (evaluator, error) {
	n := &caseNode{typ: e.Type(), otherwise: args[len(args)-1]}
	for i, w := range e.Whens {
		if err := wantBool(w.Cond); err != nil {
			return nil, err
		}
		if !samePhysical(w.Then.Type().Kind, n.typ.Kind) {
			return nil, fmt.Errorf("expr: case of %s and %s", n.typ, w.Then.Type())
		}
		n.conds = append(n.conds, args[2*i])
		n.thens = append(n.thens, args[2*i+1])
	}
	return n, nil
}

func wantBool(es ...Expr) error {
	for _, e := range es {
		if k := e.Type().Kind; k != types.Bool {
			return fmt.Errorf("expr: %s where a boolean belongs", k)
		}
	}
	return nil
}

// equality returns the operator = for two operands of the given types, of one kind.
func equality(a, b types.Type) (*compute.Func, error) {
	fn, to, err := compute.Resolve("=", []types.Type{types.Of(a.Kind), types.Of(b.Kind)})
	if err != nil {
		return nil, err
	}
	if !samePhysical(a.Kind, to[0].Kind) || !samePhysical(b.Kind, to[1].Kind) {
		return nil, fmt.Errorf("expr: comparison of %s and %s", a, b)
	}
	return fn, nil
}
