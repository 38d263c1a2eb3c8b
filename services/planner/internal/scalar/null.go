package scalar

import (
	"github.com/attunedb/attune/engine/expr"
)

// RejectsNulls reports whether cond is false or NULL, never true, whenever all columns for which isNull holds are NULL.
func RejectsNulls(cond expr.Expr, isNull func(expr.ColumnID) bool) bool {
	switch e := cond.(type) {
	case *expr.And:
		for _, t := range e.Terms {
			if RejectsNulls(t, isNull) {
				return true
			}
		}
		return false
	case *expr.Or:
		for _, t := range e.Terms {
			if !RejectsNulls(t, isNull) {
				return false
			}
		}
		return true
	case *expr.IsNull:
		return e.Negated && IsNullWhen(e.Arg, isNull)
	case *expr.TruthTest:
		return !e.Negated && IsNullWhen(e.Arg, isNull)
	case *expr.Const:
		return e.Slot == 0 && (e.Value.IsNull() || !e.Value.Bool())
	}
	return IsNullWhen(cond, isNull)
}

// IsNullWhen reports whether e is surely NULL whenever all columns for which isNull holds are NULL.
func IsNullWhen(e expr.Expr, isNull func(expr.ColumnID) bool) bool {
	switch e := e.(type) {
	case *expr.Column:
		return isNull(e.ID)
	case *expr.Const:
		return e.Slot == 0 && e.Value.IsNull()
	case *expr.Call:
		if !e.Fn.Strict {
			return false
		}
		for _, a := range e.Args {
			if IsNullWhen(a, isNull) {
				return true
			}
		}
		return false
	case *expr.Cast:
		return IsNullWhen(e.Arg, isNull)
	case *expr.Not:
		return IsNullWhen(e.Arg, isNull)
	case *expr.InList:
		return len(e.List) > 0 && IsNullWhen(e.Arg, isNull)
	case *expr.And:
		return allNull(e.Terms, isNull)
	case *expr.Or:
		return allNull(e.Terms, isNull)
	case *expr.Coalesce:
		return allNull(e.Args, isNull)
	}
	return false
}

func allNull(es []expr.Expr, isNull func(expr.ColumnID) bool) bool {
	for _, e := range es {
		if !IsNullWhen(e, isNull) {
			return false
		}
	}
	return len(es) > 0
}

// MayBeNull reports whether e can be NULL when only the columns for which nullable holds can.
func MayBeNull(e expr.Expr, nullable func(expr.ColumnID) bool) bool {
	switch e := e.(type) {
	case *expr.Column:
		return nullable(e.ID)
	case *expr.Const:
		// Another execution of the plan still has a literal there, and a literal with a slot is never NULL.
		return e.Value.IsNull()
	case *expr.IsNull, *expr.TruthTest, *expr.IsDistinct:
		return false
	case *expr.Cast:
		return MayBeNull(e.Arg, nullable)
	case *expr.Not:
		return MayBeNull(e.Arg, nullable)
	case *expr.And, *expr.Or, *expr.InList:
		for _, c := range e.Children() {
			if MayBeNull(c, nullable) {
				return true
			}
		}
		return false
	case *expr.Coalesce:
		for _, c := range e.Args {
			if !MayBeNull(c, nullable) {
				return false
			}
		}
		return true
	case *expr.Call:
		// Comparisons of values are never NULL; other strict functions may be, of whatever arguments.
		if _, comparison := Comparison(e); !comparison {
			return true
		}
		return MayBeNull(e.Args[0], nullable) || MayBeNull(e.Args[1], nullable)
	}
	return true
}

// Comparison reports whether e is one of the six comparisons of two values, and which.
func Comparison(e expr.Expr) (op string, ok bool) {
	c, isCall := e.(*expr.Call)
	if !isCall || len(c.Args) != 2 {
		return "", false
	}
	switch c.Fn.Name {
	case "=", "<>", "<", "<=", ">", ">=":
		return c.Fn.Name, true
	}
	return "", false
}

// Equality reports whether e is an equality, and of what.
func Equality(e expr.Expr) (left, right expr.Expr, ok bool) {
	if op, is := Comparison(e); is && op == "=" {
		args := e.(*expr.Call).Args
		return args[0], args[1], true
	}
	return nil, nil, false
}
