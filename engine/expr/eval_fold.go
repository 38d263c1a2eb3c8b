package expr

import (
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/types"
)

// Fold returns e with its constant parts computed: immutable calls and casts over constants, terms of AND and OR that decide or do
// not matter, branches of CASE and COALESCE that are settled. A part whose evaluation fails stays as it is, and fails when it is
// evaluated, if ever. Literals that a cached plan may replace (Const.Slot) are not folded away; Value computes
// over them. Casts that depend on the time zone or the clock are not folded.
func Fold(env *compute.Env, e Expr) Expr {
	return Transform(e, func(n Expr) Expr { return foldNode(env, n) })
}

func foldNode(env *compute.Env, e Expr) Expr {
	switch n := e.(type) {
	case *Const, *Column, *Param:
		return e
	case *And:
		return foldTerms(n.Terms, false, e)
	case *Or:
		return foldTerms(n.Terms, true, e)
	case *Case:
		return foldCase(n)
	case *Coalesce:
		return foldCoalesce(n)
	case *Call:
		if n.Fn.Volatility != compute.Immutable {
			return e
		}
		if n.Fn.Strict && hasNull(n.Args) && !IsVolatile(n) {
			return nullOf(n.Typ)
		}
	case *Cast:
		if compute.CastVolatility(n.Arg.Type().Kind, n.To.Kind) != compute.Immutable {
			return e
		}
	}
	for _, c := range e.Children() {
		if !isFixed(c) {
			return e
		}
	}
	v, err := Value(env, e, nil)
	if err != nil {
		return e
	}
	return &Const{Value: v, Typ: e.Type()}
}

// isFixed reports whether e is a constant that no cached plan replaces.
func isFixed(e Expr) bool {
	c, ok := e.(*Const)
	return ok && c.Slot == 0
}

func nullOf(t types.Type) *Const { return &Const{Value: types.Null(t.Kind), Typ: t} }

// hasNull reports whether an argument is a constant NULL.
func hasNull(args []Expr) bool {
	for _, a := range args {
		if c, ok := a.(*Const); ok && c.Slot == 0 && c.Value.IsNull() {
			return true
		}
	}
	return false
}

// foldTerms folds a conjunction (stop false) or disjunction (stop true), and flattens it.
func foldTerms(terms []Expr, stop bool, whole Expr) Expr {
	var keep []Expr
	null := false
	for _, t := range terms {
		var nested []Expr
		switch n := t.(type) {
		case *And:
			if !stop {
				nested = n.Terms
			}
		case *Or:
			if stop {
				nested = n.Terms
			}
		case *Const:
			switch {
			case n.Slot != 0:
			case n.Value.IsNull():
				if null {
					continue
				}
				null = true
			case n.Value.Bool() == stop:
				return &Const{Value: types.NewBool(stop), Typ: boolean}
			default:
				continue
			}
		}
		if nested != nil {
			keep = append(keep, nested...)
			continue
		}
		keep = append(keep, t)
	}
	switch {
	case len(keep) == 0:
		return &Const{Value: types.NewBool(!stop), Typ: boolean}
	case len(keep) == 1:
		return keep[0]
	case sameExprs(keep, terms):
		return whole
	case stop:
		return &Or{Terms: keep}
	}
	return &And{Terms: keep}
}

func sameExprs(a, b []Expr) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// foldCase drops branches that are never taken, and ends at one that always is.
func foldCase(c *Case) Expr {
	var whens []When
	for _, w := range c.Whens {
		if !isFixed(w.Cond) {
			whens = append(whens, w)
			continue
		}
		if v := w.Cond.(*Const).Value; v.IsNull() || !v.Bool() {
			continue
		}
		if len(whens) == 0 {
			return w.Then
		}
		return &Case{Whens: whens, Else: w.Then}
	}
	switch len(whens) {
	case 0:
		return c.Else
	case len(c.Whens):
		return c
	}
	return &Case{Whens: whens, Else: c.Else}
}

// foldCoalesce drops NULLs, and what follows a constant that is not NULL.
func foldCoalesce(c *Coalesce) Expr {
	var args []Expr
	for _, a := range c.Args {
		if !isFixed(a) {
			args = append(args, a)
			continue
		}
		if a.(*Const).Value.IsNull() {
			continue
		}
		args = append(args, a)
		break
	}
	switch len(args) {
	case 0:
		return nullOf(c.Type())
	case 1:
		return args[0]
	case len(c.Args):
		return c
	}
	return &Coalesce{Args: args}
}

// IsVolatile reports whether evaluating e twice may give two values or have an effect twice.
func IsVolatile(e Expr) bool { return hasVolatility(e, compute.Volatile) }

// IsImmutable reports whether e depends on its columns and parameters only.
func IsImmutable(e Expr) bool { return !hasVolatility(e, compute.Stable) }

// hasVolatility reports whether a part of e is at least as volatile as v.
func hasVolatility(e Expr, v compute.Volatility) bool {
	found := false
	Walk(e, func(n Expr) bool {
		switch n := n.(type) {
		case *Call:
			found = found || n.Fn.Volatility >= v
		case *Cast:
			found = found || compute.CastVolatility(n.Arg.Type().Kind, n.To.Kind) >= v
		}
		return !found
	})
	return found
}
