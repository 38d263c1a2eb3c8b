package wire

import (
	"fmt"

	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	planv1 "github.com/attunedb/attune/proto/gen/attune/plan/v1"
)

// maxExprDepth bounds the nesting of a decoded expression, as the evaluator's recursion must be bounded.
const maxExprDepth = 2000

// ExprToProto encodes a physical expression; nil for nil.
func ExprToProto(e expr.Expr) *planv1.Expr {
	switch e := e.(type) {
	case nil:
		return nil
	case *expr.Const:
		return &planv1.Expr{Node: &planv1.Expr_Const{Const: &planv1.Const{
			Value: DatumToProto(e.Value), Type: TypeToProto(e.Typ), Slot: uint32(e.Slot)}}}
	case *expr.Column:
		return &planv1.Expr{Node: &planv1.Expr_Column{Column: &planv1.ColumnRef{
			Ordinal: int32(e.Ordinal), Type: TypeToProto(e.Typ), Name: e.Name}}}
	case *expr.Param:
		return &planv1.Expr{Node: &planv1.Expr_Param{Param: &planv1.Param{
			Index: uint32(e.Index), Type: TypeToProto(e.Typ)}}}
	case *expr.Call:
		return &planv1.Expr{Node: &planv1.Expr_Call{Call: &planv1.Call{
			Function: e.Fn.ID(), Args: ExprsToProto(e.Args), Type: TypeToProto(e.Typ)}}}
	case *expr.And:
		return &planv1.Expr{Node: &planv1.Expr_And{And: exprList(e.Terms)}}
	case *expr.Or:
		return &planv1.Expr{Node: &planv1.Expr_Or{Or: exprList(e.Terms)}}
	case *expr.Not:
		return &planv1.Expr{Node: &planv1.Expr_Not{Not: ExprToProto(e.Arg)}}
	case *expr.IsNull:
		return &planv1.Expr{Node: &planv1.Expr_IsNull{IsNull: &planv1.IsNull{
			Arg: ExprToProto(e.Arg), Negated: e.Negated}}}
	case *expr.TruthTest:
		return &planv1.Expr{Node: &planv1.Expr_TruthTest{TruthTest: &planv1.TruthTest{
			Arg: ExprToProto(e.Arg), Want: e.Want, Negated: e.Negated}}}
	case *expr.IsDistinct:
		return &planv1.Expr{Node: &planv1.Expr_IsDistinct{IsDistinct: &planv1.IsDistinct{
			Left: ExprToProto(e.Left), Right: ExprToProto(e.Right), Negated: e.Negated}}}
	case *expr.Cast:
		return &planv1.Expr{Node: &planv1.Expr_Cast{Cast: &planv1.Cast{
			Arg: ExprToProto(e.Arg), To: TypeToProto(e.To), Explicit: e.Explicit}}}
	case *expr.Case:
		c := &planv1.Case{Else: ExprToProto(e.Else)}
		for _, w := range e.Whens {
			c.Whens = append(c.Whens, &planv1.Case_When{Cond: ExprToProto(w.Cond), Then: ExprToProto(w.Then)})
		}
		return &planv1.Expr{Node: &planv1.Expr_Case{Case: c}}
	case *expr.Coalesce:
		return &planv1.Expr{Node: &planv1.Expr_Coalesce{Coalesce: exprList(e.Args)}}
	case *expr.InList:
		return &planv1.Expr{Node: &planv1.Expr_InList{InList: &planv1.InList{
			Arg: ExprToProto(e.Arg), List: ExprsToProto(e.List), Negated: e.Negated}}}
	}
	panic(fmt.Sprintf("wire: expression %T has no message", e))
}

// ExprsToProto encodes expressions in order.
func ExprsToProto(es []expr.Expr) []*planv1.Expr { return mapSlice(es, ExprToProto) }

func exprList(es []expr.Expr) *planv1.ExprList { return &planv1.ExprList{Exprs: ExprsToProto(es)} }

// ExprFromProto decodes an expression; nil for nil. Whether its columns exist is the business of who knows
// the input: see CheckColumns.
func ExprFromProto(p *planv1.Expr) (expr.Expr, error) { return exprFrom(p, 0) }

// ExprsFromProto decodes expressions in order; none of them may be missing.
func ExprsFromProto(ps []*planv1.Expr) ([]expr.Expr, error) { return exprsFrom(ps, 0) }

func exprsFrom(ps []*planv1.Expr, depth int) ([]expr.Expr, error) {
	return mapSliceErr(ps, func(p *planv1.Expr) (expr.Expr, error) { return mustExpr(p, depth) })
}

func mustExpr(p *planv1.Expr, depth int) (expr.Expr, error) {
	e, err := exprFrom(p, depth)
	if err == nil && e == nil {
		err = fmt.Errorf("wire: missing expression")
	}
	return e, err
}

func exprFrom(p *planv1.Expr, depth int) (expr.Expr, error) {
	if p == nil {
		return nil, nil
	}
	if depth > maxExprDepth {
		return nil, fmt.Errorf("wire: expression nested deeper than %d", maxExprDepth)
	}
	depth++
	switch n := p.Node.(type) {
	case *planv1.Expr_Const:
		return constFrom(n.Const)
	case *planv1.Expr_Column:
		t, err := TypeFromProto(n.Column.GetType())
		return &expr.Column{Ordinal: int(n.Column.GetOrdinal()), Typ: t, Name: n.Column.GetName()}, err
	case *planv1.Expr_Param:
		t, err := TypeFromProto(n.Param.GetType())
		return &expr.Param{Index: int(n.Param.GetIndex()), Typ: t}, err
	case *planv1.Expr_Call:
		return callFrom(n.Call, depth)
	case *planv1.Expr_And:
		terms, err := someExprs(n.And.GetExprs(), depth)
		return &expr.And{Terms: terms}, err
	case *planv1.Expr_Or:
		terms, err := someExprs(n.Or.GetExprs(), depth)
		return &expr.Or{Terms: terms}, err
	case *planv1.Expr_Not:
		a, err := mustExpr(n.Not, depth)
		return &expr.Not{Arg: a}, err
	case *planv1.Expr_IsNull:
		a, err := mustExpr(n.IsNull.GetArg(), depth)
		return &expr.IsNull{Arg: a, Negated: n.IsNull.GetNegated()}, err
	case *planv1.Expr_TruthTest:
		a, err := mustExpr(n.TruthTest.GetArg(), depth)
		return &expr.TruthTest{Arg: a, Want: n.TruthTest.GetWant(), Negated: n.TruthTest.GetNegated()}, err
	case *planv1.Expr_IsDistinct:
		l, err := mustExpr(n.IsDistinct.GetLeft(), depth)
		if err != nil {
			return nil, err
		}
		r, err := mustExpr(n.IsDistinct.GetRight(), depth)
		return &expr.IsDistinct{Left: l, Right: r, Negated: n.IsDistinct.GetNegated()}, err
	case *planv1.Expr_Cast:
		a, err := mustExpr(n.Cast.GetArg(), depth)
		if err != nil {
			return nil, err
		}
		t, err := TypeFromProto(n.Cast.GetTo())
		return &expr.Cast{Arg: a, To: t, Explicit: n.Cast.GetExplicit()}, err
	case *planv1.Expr_Case:
		return caseFrom(n.Case, depth)
	case *planv1.Expr_Coalesce:
		args, err := someExprs(n.Coalesce.GetExprs(), depth)
		return &expr.Coalesce{Args: args}, err
	case *planv1.Expr_InList:
		a, err := mustExpr(n.InList.GetArg(), depth)
		if err != nil {
			return nil, err
		}
		list, err := exprsFrom(n.InList.GetList(), depth)
		return &expr.InList{Arg: a, List: list, Negated: n.InList.GetNegated()}, err
	}
	return nil, fmt.Errorf("wire: expression without a node")
}

func someExprs(ps []*planv1.Expr, depth int) ([]expr.Expr, error) {
	if len(ps) == 0 {
		return nil, fmt.Errorf("wire: empty expression list")
	}
	return exprsFrom(ps, depth)
}

func constFrom(p *planv1.Const) (expr.Expr, error) {
	t, err := TypeFromProto(p.GetType())
	if err != nil {
		return nil, err
	}
	d, err := DatumFromProto(p.GetValue())
	if err != nil {
		return nil, err
	}
	if !d.IsNull() && d.Kind() != t.Kind {
		return nil, fmt.Errorf("wire: a %s constant of type %s", d.Kind(), t)
	}
	return &expr.Const{Value: d.As(t.Kind), Typ: t, Slot: int(p.GetSlot())}, nil
}

func callFrom(p *planv1.Call, depth int) (expr.Expr, error) {
	fn, ok := compute.ByID(p.GetFunction())
	if !ok {
		return nil, fmt.Errorf("wire: unknown function %q", p.GetFunction())
	}
	args, err := exprsFrom(p.GetArgs(), depth)
	if err != nil {
		return nil, err
	}
	if n := len(fn.Args); len(args) != n && (!fn.Variadic || len(args) < n) {
		return nil, fmt.Errorf("wire: %d arguments for %q", len(args), p.GetFunction())
	}
	for i, a := range args {
		if want := fn.Args[min(i, len(fn.Args)-1)]; want != compute.Any && a.Type().Kind != want {
			return nil, fmt.Errorf("wire: argument %d of %q is a %s", i+1, p.GetFunction(), a.Type())
		}
	}
	t, err := TypeFromProto(p.GetType())
	if err == nil && t.Kind != fn.Ret {
		err = fmt.Errorf("wire: %q does not give a %s", p.GetFunction(), t)
	}
	return &expr.Call{Fn: fn, Args: args, Typ: t}, err
}

func caseFrom(p *planv1.Case, depth int) (expr.Expr, error) {
	c := &expr.Case{}
	for _, w := range p.GetWhens() {
		cond, err := mustExpr(w.GetCond(), depth)
		if err != nil {
			return nil, err
		}
		then, err := mustExpr(w.GetThen(), depth)
		if err != nil {
			return nil, err
		}
		c.Whens = append(c.Whens, expr.When{Cond: cond, Then: then})
	}
	var err error
	c.Else, err = mustExpr(p.GetElse(), depth)
	return c, err
}

// CheckColumns returns an error unless every column that e names is one of n input columns.
func CheckColumns(e expr.Expr, n int) error {
	if e == nil {
		return nil
	}
	var err error
	expr.Columns(e, func(c *expr.Column) {
		if c.Ordinal < 0 || c.Ordinal >= n {
			err = fmt.Errorf("wire: column %d of %d", c.Ordinal, n)
		}
	})
	return err
}
