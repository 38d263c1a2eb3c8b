package scalar

import (
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/types"
)

// Equal reports whether two expressions are the same tree. Where that rests on two literals having equal values, slots
// holds their slots: the caller that relies on it must pin them.
func Equal(a, b expr.Expr) (same bool, slots []int) {
	if a == nil || b == nil {
		return a == nil && b == nil, nil
	}
	if a == b {
		return true, nil
	}
	if a.Type() != b.Type() {
		return false, nil
	}
	switch a := a.(type) {
	case *expr.Const:
		b, ok := b.(*expr.Const)
		if !ok || !equalDatum(a.Value, b.Value) {
			return false, nil
		}
		if a.Slot == b.Slot {
			return true, nil
		}
		for _, s := range []int{a.Slot, b.Slot} {
			if s > 0 {
				slots = append(slots, s)
			}
		}
		return true, slots
	case *expr.Column:
		b, ok := b.(*expr.Column)
		return ok && a.ID == b.ID && a.Ordinal == b.Ordinal, nil
	case *expr.Param:
		b, ok := b.(*expr.Param)
		return ok && a.Index == b.Index, nil
	case *expr.Call:
		b, ok := b.(*expr.Call)
		if !ok || a.Fn != b.Fn {
			return false, nil
		}
	case *expr.And:
		if _, ok := b.(*expr.And); !ok {
			return false, nil
		}
	case *expr.Or:
		if _, ok := b.(*expr.Or); !ok {
			return false, nil
		}
	case *expr.Not:
		if _, ok := b.(*expr.Not); !ok {
			return false, nil
		}
	case *expr.IsNull:
		b, ok := b.(*expr.IsNull)
		if !ok || a.Negated != b.Negated {
			return false, nil
		}
	case *expr.TruthTest:
		b, ok := b.(*expr.TruthTest)
		if !ok || a.Negated != b.Negated || a.Want != b.Want {
			return false, nil
		}
	case *expr.IsDistinct:
		b, ok := b.(*expr.IsDistinct)
		if !ok || a.Negated != b.Negated {
			return false, nil
		}
	case *expr.Cast:
		b, ok := b.(*expr.Cast)
		if !ok || a.To != b.To || a.Explicit != b.Explicit {
			return false, nil
		}
	case *expr.Case:
		if _, ok := b.(*expr.Case); !ok {
			return false, nil
		}
	case *expr.Coalesce:
		if _, ok := b.(*expr.Coalesce); !ok {
			return false, nil
		}
	case *expr.InList:
		b, ok := b.(*expr.InList)
		if !ok || a.Negated != b.Negated {
			return false, nil
		}
	}
	ac, bc := a.Children(), b.Children()
	if len(ac) != len(bc) {
		return false, nil
	}
	for i := range ac {
		ok, s := Equal(ac[i], bc[i])
		if !ok {
			return false, nil
		}
		slots = append(slots, s...)
	}
	return true, slots
}

func equalDatum(a, b types.Datum) bool {
	if a.IsNull() || b.IsNull() {
		return a.IsNull() && b.IsNull()
	}
	return a.Kind() == b.Kind() && compute.CompareDatum(a, b) == 0
}

// Substitute returns e with the columns of the map replaced.
func Substitute(e expr.Expr, by map[expr.ColumnID]expr.Expr) expr.Expr {
	if e == nil || len(by) == 0 {
		return e
	}
	return expr.Transform(e, func(n expr.Expr) expr.Expr {
		if c, ok := n.(*expr.Column); ok {
			if r, ok := by[c.ID]; ok {
				return r
			}
		}
		return n
	})
}

// IsVolatile reports whether e calls a volatile function: it must be evaluated as often and where it was written.
func IsVolatile(e expr.Expr) bool { return anyCall(e, compute.Volatile) }

// IsImmutable reports whether e calls nothing but immutable functions.
func IsImmutable(e expr.Expr) bool { return !anyCall(e, compute.Stable) }

func anyCall(e expr.Expr, least compute.Volatility) bool {
	if e == nil {
		return false
	}
	found := false
	expr.Walk(e, func(n expr.Expr) bool {
		if c, ok := n.(*expr.Call); ok && c.Fn.Volatility >= least {
			found = true
		}
		return !found
	})
	return found
}

// HasColumns reports whether e names any column.
func HasColumns(e expr.Expr) bool {
	found := false
	expr.Walk(e, func(n expr.Expr) bool {
		if _, ok := n.(*expr.Column); ok {
			found = true
		}
		return !found
	})
	return found
}

// Known returns the value of an expression of literals and immutable functions, for estimates. A value that rests on a
// literal with a slot holds for this statement only. ok is false when e names columns or parameters or does not evaluate.
func Known(e expr.Expr) (value types.Datum, ok bool) {
	if c, isConst := e.(*expr.Const); isConst {
		return c.Value, true
	}
	plain := IsImmutable(e)
	expr.Walk(e, func(n expr.Expr) bool {
		switch n.(type) {
		case *expr.Column, *expr.Param:
			plain = false
		}
		return plain
	})
	if !plain {
		return types.Datum{}, false
	}
	value, err := expr.Value(nil, e, nil)
	return value, err == nil
}

// StripRelabel returns e without casts that change neither the value nor its order: text to varchar of any length and
// back, and a cast to the type it has.
func StripRelabel(e expr.Expr) expr.Expr {
	for {
		c, ok := e.(*expr.Cast)
		if !ok {
			return e
		}
		from, to := c.Arg.Type(), c.To
		same := from == to || to.Mod == 0 && to.Kind == from.Kind
		varying := func(k types.Kind) bool { return k == types.Text || k == types.Varchar }
		if !same && (to.Mod != 0 || !varying(from.Kind) || !varying(to.Kind)) {
			return e
		}
		e = c.Arg
	}
}
