package rewrite

import (
	"strings"

	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/services/planner/internal/algebra"
	"github.com/attunedb/attune/services/planner/internal/scalar"
)

// foldConstants is rule fold_constants.
//
// What: calls of immutable functions over constants are evaluated, connectives with constant terms are simplified, negations are pushed into
// comparisons, and a condition that is never true empties its operator. Literals with a slot are no constants here: the plan serves
// other values too.
//
// Why it is sound: an immutable function gives the same value at any time. A call that fails is left for execution, where it
// fails only if it is reached. NOT (a < b) is a >= b also for NULLs, in three-valued logic.
//
// A careless version fails for
//
//	SELECT CASE WHEN false THEN 1/0 ELSE 2 END
//
// which must give 2, and for x <> NULL, which is NULL and so not true in a filter, but not false below NOT.
func (r *rewriter) foldConstants(n logical.Node) (logical.Node, error) {
	return algebra.Transform(n, func(n logical.Node) logical.Node {
		return foldNode(algebra.MapExprs(n, Simplify))
	}), nil
}

// Simplify evaluates what is constant in e.
func Simplify(e expr.Expr) expr.Expr { return expr.Transform(e, fold) }

// constant returns the value of a constant without a slot.
func constant(e expr.Expr) (types.Datum, bool) {
	c, ok := e.(*expr.Const)
	if !ok || c.Slot > 0 {
		return types.Datum{}, false
	}
	return c.Value, true
}

func boolConst(v bool) expr.Expr { return expr.NewConst(types.NewBool(v)) }

func nullOf(t types.Type) expr.Expr { return &expr.Const{Value: types.Null(t.Kind), Typ: t} }

// fold simplifies a node whose children are simplified.
func fold(e expr.Expr) expr.Expr {
	switch e := e.(type) {
	case *expr.And:
		return foldTerms(e, e.Terms, false)
	case *expr.Or:
		return foldTerms(e, e.Terms, true)
	case *expr.Not:
		return foldNot(e)
	case *expr.Call:
		return foldCall(e)
	case *expr.Cast:
		if v, ok := constant(e.Arg); ok {
			if v.IsNull() {
				return nullOf(e.To)
			}
			return evaluated(e)
		}
	case *expr.IsNull:
		if v, ok := constant(e.Arg); ok {
			return boolConst(v.IsNull() != e.Negated)
		}
	case *expr.TruthTest:
		if v, ok := constant(e.Arg); ok {
			return boolConst((!v.IsNull() && v.Bool() == e.Want) != e.Negated)
		}
	case *expr.IsDistinct:
		_, l := constant(e.Left)
		_, rt := constant(e.Right)
		if l && rt {
			return evaluated(e)
		}
	case *expr.Coalesce:
		return foldCoalesce(e)
	case *expr.Case:
		return foldCase(e)
	case *expr.InList:
		if v, ok := constant(e.Arg); ok && v.IsNull() {
			return nullOf(types.Of(types.Bool))
		}
	}
	return e
}

// evaluated returns the value of a constant expression, or e when it fails.
func evaluated(e expr.Expr) expr.Expr {
	switch e.Type().Kind {
	case types.TimestampTZ, types.Timestamp, types.Date, types.Text, types.Varchar, types.Char:
		// These may depend on the session's zone: conversions among them are left for execution.
		if _, isCast := e.(*expr.Cast); isCast {
			return e
		}
	}
	v, err := expr.Value(nil, e, nil)
	if err != nil {
		return e
	}
	return &expr.Const{Value: v, Typ: e.Type()}
}

// foldTerms simplifies AND (absorbing is false) and OR (absorbing is true).
func foldTerms(e expr.Expr, terms []expr.Expr, absorbing bool) expr.Expr {
	var out []expr.Expr
	changed := false
	for _, t := range terms {
		if v, ok := constant(t); ok && !v.IsNull() {
			if v.Bool() == absorbing {
				return boolConst(absorbing)
			}
			changed = true
			continue
		}
		switch inner := t.(type) {
		case *expr.And:
			if !absorbing {
				out, changed = append(out, inner.Terms...), true
				continue
			}
		case *expr.Or:
			if absorbing {
				out, changed = append(out, inner.Terms...), true
				continue
			}
		}
		if duplicate(out, t) {
			changed = true
			continue
		}
		out = append(out, t)
	}
	switch {
	case len(out) == 0:
		return boolConst(!absorbing)
	case len(out) == 1:
		return out[0]
	case !changed:
		return e
	case absorbing:
		return &expr.Or{Terms: out}
	}
	return &expr.And{Terms: out}
}

// duplicate reports whether a term equal to t for all values of the literals is in the list.
func duplicate(list []expr.Expr, t expr.Expr) bool {
	for _, x := range list {
		if same, slots := scalar.Equal(x, t); same && len(slots) == 0 && !scalar.IsVolatile(t) {
			return true
		}
	}
	return false
}

var negated = map[string]string{"=": "<>", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}

func foldNot(e *expr.Not) expr.Expr {
	switch arg := e.Arg.(type) {
	case *expr.Const:
		if v, ok := constant(arg); ok {
			if v.IsNull() {
				return nullOf(types.Of(types.Bool))
			}
			return boolConst(!v.Bool())
		}
	case *expr.Not:
		return arg.Arg
	case *expr.IsNull:
		return &expr.IsNull{Arg: arg.Arg, Negated: !arg.Negated}
	case *expr.TruthTest:
		return &expr.TruthTest{Arg: arg.Arg, Want: arg.Want, Negated: !arg.Negated}
	case *expr.IsDistinct:
		return &expr.IsDistinct{Left: arg.Left, Right: arg.Right, Negated: !arg.Negated}
	case *expr.InList:
		return &expr.InList{Arg: arg.Arg, List: arg.List, Negated: !arg.Negated}
	case *expr.And:
		return fold(&expr.Or{Terms: notAll(arg.Terms)})
	case *expr.Or:
		return fold(&expr.And{Terms: notAll(arg.Terms)})
	case *expr.Call:
		if op, ok := negated[arg.Fn.Name]; ok && len(arg.Args) == 2 {
			if fn, ok := compute.ByID(op + strings.TrimPrefix(arg.Fn.ID(), arg.Fn.Name)); ok {
				return &expr.Call{Fn: fn, Args: arg.Args, Typ: arg.Typ}
			}
		}
	}
	return e
}

func notAll(terms []expr.Expr) []expr.Expr {
	out := make([]expr.Expr, len(terms))
	for i, t := range terms {
		out[i] = fold(&expr.Not{Arg: t})
	}
	return out
}

func foldCall(e *expr.Call) expr.Expr {
	if e.Fn.Volatility == compute.Volatile {
		return e
	}
	all := true
	for _, a := range e.Args {
		v, ok := constant(a)
		all = all && ok
		if ok && v.IsNull() && e.Fn.Strict {
			return nullOf(e.Typ)
		}
	}
	if !all || e.Fn.Volatility != compute.Immutable {
		return e
	}
	v, err := expr.Value(nil, e, nil)
	if err != nil {
		return e
	}
	return &expr.Const{Value: v, Typ: e.Typ}
}

func foldCoalesce(e *expr.Coalesce) expr.Expr {
	var out []expr.Expr
	for _, a := range e.Args {
		v, ok := constant(a)
		if ok && v.IsNull() {
			continue
		}
		out = append(out, a)
		if ok {
			break
		}
	}
	switch {
	case len(out) == 0:
		return nullOf(e.Type())
	case len(out) == 1:
		return out[0]
	case len(out) == len(e.Args):
		return e
	}
	return &expr.Coalesce{Args: out}
}

func foldCase(e *expr.Case) expr.Expr {
	var whens []expr.When
	for _, w := range e.Whens {
		v, ok := constant(w.Cond)
		switch {
		case !ok:
			whens = append(whens, w)
		case !v.IsNull() && v.Bool():
			if len(whens) == 0 {
				return w.Then
			}
			return &expr.Case{Whens: whens, Else: w.Then}
		}
	}
	switch len(whens) {
	case 0:
		return e.Else
	case len(e.Whens):
		return e
	}
	return &expr.Case{Whens: whens, Else: e.Else}
}

// never reports whether a condition is a constant that is not true.
func never(cond expr.Expr) bool {
	for _, t := range expr.Conjuncts(cond) {
		if v, ok := constant(t); ok && (v.IsNull() || !v.Bool()) {
			return true
		}
	}
	return false
}

func always(cond expr.Expr) bool {
	v, ok := constant(cond)
	return ok && !v.IsNull() && v.Bool()
}

// empty returns no rows of the given columns.
func empty(cols []logical.Column) logical.Node {
	return &logical.Values{Cols: cols, Rows: [][]expr.Expr{}}
}

func isEmpty(n logical.Node) bool {
	v, ok := n.(*logical.Values)
	return ok && len(v.Rows) == 0
}

// foldNode simplifies an operator by its constant condition and its empty inputs.
func foldNode(n logical.Node) logical.Node {
	switch n := n.(type) {
	case *logical.Filter:
		switch {
		case always(n.Cond):
			return n.Input
		case never(n.Cond), isEmpty(n.Input):
			return empty(n.Columns())
		}
	case *logical.Join:
		return foldJoin(n)
	}
	return n
}

func foldJoin(n *logical.Join) logical.Node {
	if n.On != nil && always(n.On) {
		n = join(n.Kind, n.Left, n.Right, nil, n.Mark, n.NullAware)
	}
	noLeft, noRight := isEmpty(n.Left), isEmpty(n.Right)
	if n.On != nil && never(n.On) && !n.NullAware && n.Kind != physical.JoinFull {
		noRight = true
	}
	switch n.Kind {
	case physical.JoinInner, physical.JoinSemi:
		if noLeft || noRight {
			return empty(n.Columns())
		}
	case physical.JoinLeft:
		switch {
		case noLeft:
			return empty(n.Columns())
		case noRight:
			items := pass(n.Left.Columns())
			for _, c := range n.Right.Columns() {
				items = append(items, logical.Item{Column: c, Expr: nullOf(c.Type)})
			}
			return logical.NewProject(n.Left, items)
		}
	case physical.JoinAnti:
		switch {
		case noLeft:
			return empty(n.Columns())
		case noRight:
			return n.Left
		}
	case physical.JoinMark:
		switch {
		case noLeft:
			return empty(n.Columns())
		case noRight:
			return logical.NewProject(n.Left, append(pass(n.Left.Columns()), logical.Item{Column: n.Mark, Expr: boolConst(false)}))
		}
	}
	return n
}
