package compute

import (
	"strings"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
)

// Any is the kind of a parameter that takes an argument of every kind as it is. An untyped literal becomes text.
const Any = types.Unknown

// Resolve finds the overload that a call means, by PostgreSQL's rules (manual, sections 10.2 and 10.3), and
// the type each argument is to be converted to. Arguments of Unknown kind are untyped literals or NULLs.
// An operator is a function whose name is its symbol; a prefix operator has one argument.
//
// It fails with 42883 when nothing fits and 42725 when more than one overload fits equally well. The function is also
// a cast when its name is that of a kind, as in date('2024-01-01').
func Resolve(name string, args []types.Type) (*Func, []types.Type, error) {
	switch name {
	case "greatest", "least", "nullif":
		return resolveCommon(name, args)
	}
	var sigs []signature
	for _, f := range Lookup(name) {
		if params, ok := f.params(len(args)); ok {
			sigs = append(sigs, signature{params: params, fn: f})
		}
	}
	best, err := choose(name, sigs, args)
	if err != nil {
		return nil, nil, err
	}
	return best.fn, best.targets(args), nil
}

// ResolveAggregate is Resolve for aggregates. count(*) is a call without arguments.
func ResolveAggregate(name string, args []types.Type) (*Aggregate, []types.Type, error) {
	var sigs []signature
	for _, a := range LookupAggregate(name) {
		if len(a.Args) == len(args) {
			sigs = append(sigs, signature{params: a.Args, agg: a})
		}
	}
	best, err := choose(name, sigs, args)
	if err != nil {
		return nil, nil, err
	}
	return best.agg, best.targets(args), nil
}

// resolveCommon finds the member of a family over one kind by the common type of the arguments.
func resolveCommon(name string, args []types.Type) (*Func, []types.Type, error) {
	if len(args) == 0 || name == "nullif" && len(args) != 2 {
		return nil, nil, errNoFunction(name, args)
	}
	t, err := CommonTypeFor(strings.ToUpper(name), args...)
	if err != nil {
		return nil, nil, err
	}
	for _, f := range Lookup(name) {
		if f.Args[0] == t.Kind {
			to := make([]types.Type, len(args))
			for i := range to {
				to[i] = types.Of(t.Kind)
				if args[i].Kind == t.Kind {
					to[i] = args[i]
				}
			}
			return f, to, nil
		}
	}
	return nil, nil, errNoFunction(name, args)
}

// params returns the kinds of the parameters for n arguments.
func (f *Func) params(n int) ([]types.Kind, bool) {
	if !f.Variadic {
		return f.Args, len(f.Args) == n
	}
	if n < len(f.Args) {
		return nil, false
	}
	out := make([]types.Kind, n)
	copy(out, f.Args)
	for i := len(f.Args); i < n; i++ {
		out[i] = f.Args[len(f.Args)-1]
	}
	return out, true
}

// signature is a candidate: its parameters spread over the call's arguments.
type signature struct {
	params []types.Kind
	fn     *Func
	agg    *Aggregate
}

// targets returns the types to convert the arguments to; an argument that has the kind keeps its modifier.
func (s signature) targets(args []types.Type) []types.Type {
	out := make([]types.Type, len(args))
	for i, p := range s.params {
		switch {
		case p == args[i].Kind:
			out[i] = args[i]
			if p == Any {
				out[i] = types.Of(types.Text)
			}
		case p == Any:
			out[i] = args[i]
		default:
			out[i] = types.Of(p)
		}
	}
	return out
}

// accepts reports whether the arguments convert implicitly.
func (s signature) accepts(args []types.Type) bool {
	for i, p := range s.params {
		a := args[i].Kind
		if a != p && p != Any && a != types.Unknown && !implicitly(a, p) {
			return false
		}
	}
	return true
}

// choose picks the candidate that PostgreSQL would.
func choose(name string, sigs []signature, args []types.Type) (signature, error) {
	if s, ok := exactSignature(name, sigs, args); ok {
		return s, nil
	}
	sigs = keep(sigs, func(s signature) bool { return s.accepts(args) })
	if len(sigs) == 0 {
		return signature{}, errNoFunction(name, args)
	}
	sigs = keepMost(sigs, func(s signature) int { return s.count(args, false) })
	if len(sigs) > 1 {
		sigs = keepMost(sigs, func(s signature) int { return s.count(args, true) })
	}
	if len(sigs) > 1 {
		sigs = byUnknownCategory(sigs, args)
	}
	if len(sigs) > 1 {
		sigs = byKnownType(sigs, args)
	}
	if len(sigs) != 1 {
		return signature{}, errAmbiguous(name, args)
	}
	return sigs[0], nil
}

// exactSignature finds the candidate whose parameters are the arguments' kinds. An untyped operand of a binary operator is
// first taken to have the other's kind.
func exactSignature(name string, sigs []signature, args []types.Type) (signature, bool) {
	kinds := make([]types.Kind, len(args))
	for i, a := range args {
		kinds[i] = a.Kind
	}
	if isOperator(name) && len(kinds) == 2 {
		switch types.Unknown {
		case kinds[0]:
			kinds[0] = kinds[1]
		case kinds[1]:
			kinds[1] = kinds[0]
		}
	}
	for _, s := range sigs {
		same := true
		for i, p := range s.params {
			same = same && p == kinds[i] && p != Any
		}
		if same {
			return s, true
		}
	}
	return signature{}, false
}

// count returns how many known arguments match exactly, or with preferred also those whose parameter is the preferred kind of
// the argument's category.
func (s signature) count(args []types.Type, preferred bool) int {
	n := 0
	for i, p := range s.params {
		a := args[i].Kind
		if a == types.Unknown {
			continue
		}
		if a == p || preferred && p != Any && isPreferred(p) && category(p) == category(a) {
			n++
		}
	}
	return n
}

// byUnknownCategory settles what the untyped arguments are: strings if any candidate takes one there, else the
// category all candidates agree on, and its preferred kind where one takes it.
func byUnknownCategory(sigs []signature, args []types.Type) []signature {
	want := make([]byte, len(args))
	preferred := make([]bool, len(args))
	resolved := false
	for i, a := range args {
		if a.Kind != types.Unknown {
			continue
		}
		conflict := false
		for _, s := range sigs {
			p := s.params[i]
			c := category(p)
			switch {
			case want[i] == 0:
				want[i], preferred[i] = c, isPreferred(p)
			case want[i] == c:
				preferred[i] = preferred[i] || isPreferred(p)
			case c == 'S':
				want[i], preferred[i] = c, isPreferred(p)
			case want[i] != 'S':
				conflict = true
			}
		}
		if conflict && want[i] != 'S' {
			return sigs
		}
		resolved = true
	}
	if !resolved {
		return sigs
	}
	out := keep(sigs, func(s signature) bool {
		for i, c := range want {
			if c == 0 {
				continue
			}
			p := s.params[i]
			if category(p) != c || preferred[i] && !isPreferred(p) {
				return false
			}
		}
		return true
	})
	if len(out) == 0 {
		return sigs
	}
	return out
}

// byKnownType is the last resort: when the known arguments have one kind, the untyped ones are taken to have it too.
func byKnownType(sigs []signature, args []types.Type) []signature {
	known, unknowns := types.Unknown, 0
	for _, a := range args {
		switch {
		case a.Kind == types.Unknown:
			unknowns++
		case known == types.Unknown:
			known = a.Kind
		case known != a.Kind:
			return sigs
		}
	}
	if known == types.Unknown || unknowns == 0 {
		return sigs
	}
	guess := make([]types.Type, len(args))
	for i := range guess {
		guess[i] = types.Of(known)
	}
	out := keep(sigs, func(s signature) bool { return s.accepts(guess) })
	if len(out) != 1 {
		return sigs
	}
	return out
}

func keep(sigs []signature, f func(signature) bool) []signature {
	var out []signature
	for _, s := range sigs {
		if f(s) {
			out = append(out, s)
		}
	}
	return out
}

func keepMost(sigs []signature, score func(signature) int) []signature {
	best := 0
	for _, s := range sigs {
		best = max(best, score(s))
	}
	return keep(sigs, func(s signature) bool { return score(s) == best })
}

func isOperator(name string) bool {
	return name != "" && strings.ContainsRune("+-*/<>=~!@#%^&|", rune(name[0]))
}

// describe returns the call as PostgreSQL's messages show it.
func describe(name string, args []types.Type) string {
	names := make([]string, len(args))
	for i, a := range args {
		names[i] = a.Kind.String()
	}
	switch {
	case isOperator(name) && len(args) == 1:
		return name + " " + names[0]
	case isOperator(name) && len(args) == 2:
		return names[0] + " " + name + " " + names[1]
	}
	return name + "(" + strings.Join(names, ", ") + ")"
}

func errNoFunction(name string, args []types.Type) error {
	if !isOperator(name) {
		return sqlerr.New(sqlerr.UndefinedFunction, "function %s does not exist", describe(name, args)).
			WithHint("No function matches the given name and argument types. You might need to add explicit type casts.")
	}
	e := sqlerr.New(sqlerr.UndefinedFunction, "operator does not exist: %s", describe(name, args))
	if len(args) == 1 {
		return e.WithHint("No operator matches the given name and argument type. You might need to add an explicit type cast.")
	}
	return e.WithHint("No operator matches the given name and argument types. You might need to add explicit type casts.")
}

func errAmbiguous(name string, args []types.Type) error {
	if isOperator(name) {
		return sqlerr.New(sqlerr.AmbiguousFunction, "operator is not unique: %s", describe(name, args)).
			WithHint("Could not choose a best candidate operator. You might need to add explicit type casts.")
	}
	return sqlerr.New(sqlerr.AmbiguousFunction, "function %s is not unique", describe(name, args)).
		WithHint("Could not choose a best candidate function. You might need to add explicit type casts.")
}
