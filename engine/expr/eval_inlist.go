package expr

import (
	"fmt"

	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// inNode tests membership. The set of constants is built when the node is compiled, the parameters' for every batch.
type inNode struct {
	arg     evaluator
	kind    types.Kind
	fixed   *valueSet
	rest    []evaluator
	negated bool
}

// compileInList falls back to comparisons where an element refers to a column.
func compileInList(in *InList, depth int) (evaluator, error) {
	arg, err := compile(in.Arg, depth+1)
	if err != nil {
		return nil, err
	}
	k := in.Arg.Type().Kind
	for _, item := range in.List {
		if !samePhysical(item.Type().Kind, k) {
			return nil, fmt.Errorf("expr: %s in a list of %s", item.Type(), k)
		}
		if hasColumn(item) {
			return compileComparisons(in, depth)
		}
	}
	n := &inNode{arg: arg, kind: k, fixed: newValueSet(k, len(in.List)), negated: in.Negated}
	for _, item := range in.List {
		if c, ok := item.(*Const); ok {
			v := repeat(types.Of(k), c.Value, 1)
			n.fixed.add(v, 0)
			continue
		}
		e, err := compile(item, depth+1)
		if err != nil {
			return nil, err
		}
		n.rest = append(n.rest, e)
	}
	return n, nil
}

// compileComparisons compiles the disjunction of equalities that an IN means.
func compileComparisons(in *InList, depth int) (evaluator, error) {
	or := &Or{}
	for _, item := range in.List {
		eq, err := equality(in.Arg.Type(), item.Type())
		if err != nil {
			return nil, err
		}
		side := func(e Expr, k types.Kind) Expr {
			if e.Type().Kind == k {
				return e
			}
			return &Cast{Arg: e, To: types.Of(k)}
		}
		or.Terms = append(or.Terms, &Call{Fn: eq, Typ: boolean,
			Args: []Expr{side(in.Arg, eq.Args[0]), side(item, eq.Args[1])}})
	}
	if in.Negated {
		return compile(&Not{Arg: or}, depth)
	}
	return compile(or, depth)
}

func hasColumn(e Expr) bool {
	found := false
	Columns(e, func(*Column) { found = true })
	return found
}

func (n *inNode) eval(f *frame) (*vec.Vector, error) {
	v, err := n.arg.eval(f)
	if err != nil {
		return nil, err
	}
	set := n.fixed
	if len(n.rest) > 0 {
		set = set.clone(len(n.rest))
		one := &frame{env: f.env, params: f.params, batch: &vec.Batch{Len: 1}, n: 1}
		for _, e := range n.rest {
			item, err := e.eval(one)
			if err != nil {
				return nil, err
			}
			set.add(item.Retyped(types.Of(n.kind)), 0)
		}
	}
	out := make([]uint8, f.n)
	if set.empty() && !set.hasNull {
		fill(out, oneIf(n.negated))
		return vec.FromSlice(boolean, out, nil), nil
	}
	set.contains(v, out)
	valid := v.Validity()
	if set.hasNull {
		// What is not found may still equal the NULL.
		open := vec.NewBitmap(f.n)
		for i, hit := range out {
			if hit == 0 {
				open.Clear(i)
			}
		}
		valid = vec.And(valid, open, f.n)
	}
	if n.negated {
		for i := range out {
			out[i] ^= 1
		}
	}
	return vec.FromSlice(boolean, out, valid), nil
}

func fill(out []uint8, v uint8) {
	for i := range out {
		out[i] = v
	}
}

// valueSet is a set of values of one kind.
type valueSet struct {
	kind    types.Kind
	hasNull bool
	ints    map[int64]struct{}  // integers, dates, timestamps, booleans
	strs    map[string]struct{} // text and the like, or sort keys of the other kinds
}

func newValueSet(k types.Kind, n int) *valueSet {
	if intKeyed(k) {
		return &valueSet{kind: k, ints: make(map[int64]struct{}, n)}
	}
	return &valueSet{kind: k, strs: make(map[string]struct{}, n)}
}

func intKeyed(k types.Kind) bool { return k == types.Bool || k.IsInteger() || k.IsTemporal() }

// textKeyed reports whether values of a kind are equal when their bytes are.
func textKeyed(k types.Kind) bool { return k.IsVariable() && k != types.Char }

func (s *valueSet) empty() bool { return len(s.ints) == 0 && len(s.strs) == 0 }

func (s *valueSet) clone(extra int) *valueSet {
	c := newValueSet(s.kind, len(s.ints)+len(s.strs)+extra)
	c.hasNull = s.hasNull
	for k := range s.ints {
		c.ints[k] = struct{}{}
	}
	for k := range s.strs {
		c.strs[k] = struct{}{}
	}
	return c
}

// add puts value i of v, of the set's kind, into the set.
func (s *valueSet) add(v *vec.Vector, i int) {
	switch {
	case v.IsNull(i):
		s.hasNull = true
	case s.ints != nil:
		s.ints[v.DatumAt(i).Int()] = struct{}{}
	case textKeyed(s.kind):
		s.strs[string(v.BytesAt(i))] = struct{}{}
	default:
		s.strs[string(compute.AppendSortKey(nil, v, i, false, false))] = struct{}{}
	}
}

// contains sets out[i] to 1 where the set has value i of v, which is not NULL; it leaves other elements.
func (s *valueSet) contains(v *vec.Vector, out []uint8) {
	switch {
	case s.ints != nil:
		switch v.Kind().Width() {
		case 1:
			containsInts[uint8](s.ints, v, out)
		case 2:
			containsInts[int16](s.ints, v, out)
		case 4:
			containsInts[int32](s.ints, v, out)
		default:
			containsInts[int64](s.ints, v, out)
		}
	case textKeyed(s.kind):
		for i := range out {
			if !v.IsNull(i) {
				_, ok := s.strs[v.StringAt(i)]
				out[i] = oneIf(ok)
			}
		}
	default:
		v = v.Retyped(types.Of(s.kind))
		var key []byte
		for i := range out {
			if !v.IsNull(i) {
				key = compute.AppendSortKey(key[:0], v, i, false, false)
				_, ok := s.strs[string(key)]
				out[i] = oneIf(ok)
			}
		}
	}
}

func containsInts[T uint8 | int16 | int32 | int64](set map[int64]struct{}, v *vec.Vector, out []uint8) {
	valid := v.Validity()
	values := vec.Values[T](v)
	if len(set) <= 4 {
		for want := range set {
			for i, x := range values {
				out[i] |= oneIf(int64(x) == want)
			}
		}
		if valid != nil {
			for i := range out {
				out[i] &= oneIf(valid.Valid(i))
			}
		}
		return
	}
	for i, x := range values {
		if valid.Valid(i) {
			_, ok := set[int64(x)]
			out[i] = oneIf(ok)
		}
	}
}
