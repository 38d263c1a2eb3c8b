package expr

import (
	"slices"
	"strconv"
	"strings"

	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
)

// Equal reports whether a and b are the same tree: the same nodes, functions, columns, types and constants. Names
// of columns and slots of constants do not count.
func Equal(a, b Expr) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return keyOf(a, false) == keyOf(b, false)
}

// Key returns a string that is equal for expressions that are equal but for the order of the terms of AND and OR, of the
// elements of IN, and of the sides of a comparison. Columns are told apart by ID, or by ordinal without one.
func Key(e Expr) string { return keyOf(e, true) }

func keyOf(e Expr, canonical bool) string {
	k := keyWriter{canonical: canonical}
	k.write(e)
	return k.String()
}

type keyWriter struct {
	strings.Builder
	canonical bool
}

func (k *keyWriter) node(name string, parts ...string) {
	k.WriteString("(" + name)
	for _, p := range parts {
		k.WriteString(" " + p)
	}
	k.WriteByte(')')
}

func typeKey(t types.Type) string {
	if t.Mod == 0 {
		return t.Kind.Short()
	}
	return t.Kind.Short() + ":" + strconv.Itoa(int(t.Mod))
}

// each returns the keys of es, in order or sorted.
func (k *keyWriter) each(es []Expr, sorted bool) []string {
	out := make([]string, len(es))
	for i, e := range es {
		out[i] = keyOf(e, k.canonical)
	}
	if sorted && k.canonical {
		slices.Sort(out)
	}
	return out
}

func flag(name string, on bool) string {
	if on {
		return "not-" + name
	}
	return name
}

func (k *keyWriter) write(e Expr) {
	switch e := e.(type) {
	case *Const:
		text := "null"
		if !e.Value.IsNull() {
			text = strconv.Quote(pgtext.String(e.Value, nil))
		}
		k.node("const", typeKey(e.Typ), e.Value.Kind().Short(), text)
	case *Column:
		if e.ID != 0 {
			k.node("col", "#"+strconv.Itoa(int(e.ID)), typeKey(e.Typ))
		} else {
			k.node("col", "@"+strconv.Itoa(e.Ordinal), typeKey(e.Typ))
		}
	case *Param:
		k.node("param", strconv.Itoa(e.Index), typeKey(e.Typ))
	case *Call:
		k.call(e)
	case *And:
		k.node("and", k.each(e.Terms, true)...)
	case *Or:
		k.node("or", k.each(e.Terms, true)...)
	case *Not:
		k.node("not", k.each([]Expr{e.Arg}, false)...)
	case *IsNull:
		k.node(flag("isnull", e.Negated), k.each([]Expr{e.Arg}, false)...)
	case *TruthTest:
		k.node(flag("is-"+strconv.FormatBool(e.Want), e.Negated), k.each([]Expr{e.Arg}, false)...)
	case *IsDistinct:
		k.node(flag("distinct", e.Negated), k.each([]Expr{e.Left, e.Right}, true)...)
	case *Cast:
		name := "cast"
		if e.Explicit {
			name = "cast!"
		}
		k.node(name, append([]string{typeKey(e.To)}, k.each([]Expr{e.Arg}, false)...)...)
	case *Case:
		k.node("case", k.each(e.Children(), false)...)
	case *Coalesce:
		k.node("coalesce", k.each(e.Args, false)...)
	case *InList:
		list := k.each(e.List, true)
		k.node(flag("in", e.Negated), append(k.each([]Expr{e.Arg}, false), list...)...)
	default:
		k.WriteString("(nil)")
	}
}

// call writes a comparison with its lesser side first.
func (k *keyWriter) call(e *Call) {
	fn, args := e.Fn.ID(), k.each(e.Args, false)
	if r, ok := comparisons[e.Fn.Name]; ok && k.canonical && len(args) == 2 && args[0] > args[1] {
		for name, other := range comparisons {
			if other != r.flipped() {
				continue
			}
			turned := compute.Func{Name: name, Args: []types.Kind{e.Fn.Args[1], e.Fn.Args[0]}}
			fn, args = turned.ID(), []string{args[1], args[0]}
		}
	}
	k.node(fn, append([]string{typeKey(e.Typ)}, args...)...)
}
