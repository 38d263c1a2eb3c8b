package expr

import (
	"fmt"
	"sync/atomic"

	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// constNode is a literal. It keeps the longest column of it that was asked for so far, within bounds.
type constNode struct {
	value types.Datum
	typ   types.Type
	cache atomic.Pointer[vec.Vector]
}

func (c *constNode) eval(f *frame) (*vec.Vector, error) {
	if v := c.cache.Load(); v != nil && v.Len() >= f.n {
		return v.Slice(0, f.n), nil
	}
	v := repeat(c.typ, c.value, f.n)
	if f.n <= 2*vec.BatchSize && v.SizeBytes() <= 1<<20 {
		c.cache.Store(v)
	}
	return v, nil
}

// repeat returns n copies of d.
func repeat(t types.Type, d types.Datum, n int) *vec.Vector {
	if d.IsNull() {
		return vec.Nulls(t, n)
	}
	return vec.FromDatum(t, d, n)
}

type paramNode struct {
	index int
	typ   types.Type
}

func (p *paramNode) eval(f *frame) (*vec.Vector, error) {
	d, err := f.param(p.index, p.typ)
	if err != nil {
		return nil, err
	}
	return repeat(p.typ, d, f.n), nil
}

// param returns the value of a parameter.
func (f *frame) param(index int, t types.Type) (types.Datum, error) {
	if index < 0 || index >= len(f.params) {
		return types.Datum{}, fmt.Errorf("expr: parameter %d of %d", index, len(f.params))
	}
	d := f.params[index]
	if !d.IsNull() && !samePhysical(d.Kind(), t.Kind) {
		return types.Datum{}, fmt.Errorf("expr: parameter %d is %s, not %s", index, d.Kind(), t)
	}
	return d, nil
}

type columnNode struct {
	ordinal int
	typ     types.Type
}

func (c *columnNode) eval(f *frame) (*vec.Vector, error) {
	v, err := f.column(c.ordinal, c.typ.Kind)
	if err != nil {
		return nil, err
	}
	return v.Retyped(c.typ), nil
}

type callNode struct {
	fn   *compute.Func
	args []evaluator
	typ  types.Type
}

func (c *callNode) eval(f *frame) (*vec.Vector, error) {
	args := make([]*vec.Vector, len(c.args))
	var valid vec.Bitmap
	for i, a := range c.args {
		v, err := a.eval(f)
		if err != nil {
			return nil, err
		}
		args[i] = v
		if c.fn.Strict {
			valid = vec.And(valid, v.Validity(), f.n)
		}
	}
	if f.n == 0 || valid != nil && valid.CountNull(f.n) == f.n {
		return vec.Nulls(c.typ, f.n), nil
	}
	out, err := c.fn.Eval(f.env, args, valid, f.n)
	if err != nil {
		return nil, err
	}
	return out.Retyped(c.typ), nil
}

type castNode struct {
	arg      evaluator
	to       types.Type
	explicit bool
}

func (c *castNode) eval(f *frame) (*vec.Vector, error) {
	v, err := c.arg.eval(f)
	if err != nil {
		return nil, err
	}
	if isRelabel(v.Type(), c.to) {
		return v.Retyped(c.to), nil
	}
	return compute.Cast(f.env, v, c.to, c.explicit)
}

// isRelabel reports whether the cast changes no value: from text or varchar to either without a length.
func isRelabel(from, to types.Type) bool {
	plain := func(k types.Kind) bool { return k == types.Text || k == types.Varchar }
	return from == to || plain(from.Kind) && plain(to.Kind) && to.Mod == 0
}

type notNode struct{ arg evaluator }

func (n *notNode) eval(f *frame) (*vec.Vector, error) {
	v, err := n.arg.eval(f)
	if err != nil {
		return nil, err
	}
	out, res := vec.MakeFixed[uint8](boolean, f.n, v.Validity())
	for i, b := range vec.Values[uint8](v) {
		res[i] = b ^ 1
	}
	return out, nil
}

type isNullNode struct {
	arg     evaluator
	negated bool
}

func (n *isNullNode) eval(f *frame) (*vec.Vector, error) {
	v, err := n.arg.eval(f)
	if err != nil {
		return nil, err
	}
	out, res := vec.MakeFixed[uint8](boolean, f.n, nil)
	valid := v.Validity()
	for i := range res {
		res[i] = oneIf(valid.Valid(i) == n.negated)
	}
	return out, nil
}

type truthNode struct {
	arg           evaluator
	want, negated bool
}

func (n *truthNode) eval(f *frame) (*vec.Vector, error) {
	v, err := n.arg.eval(f)
	if err != nil {
		return nil, err
	}
	out, res := vec.MakeFixed[uint8](boolean, f.n, nil)
	valid := v.Validity()
	for i, b := range vec.Values[uint8](v) {
		res[i] = oneIf((valid.Valid(i) && (b != 0) == n.want) != n.negated)
	}
	return out, nil
}

type distinctNode struct {
	left, right evaluator
	eq          *compute.Func
	negated     bool
}

func (n *distinctNode) eval(f *frame) (*vec.Vector, error) {
	l, err := n.left.eval(f)
	if err != nil {
		return nil, err
	}
	r, err := n.right.eval(f)
	if err != nil {
		return nil, err
	}
	l, r = l.Retyped(types.Of(n.eq.Args[0])), r.Retyped(types.Of(n.eq.Args[1]))
	equal, err := n.eq.Eval(f.env, []*vec.Vector{l, r}, vec.And(l.Validity(), r.Validity(), f.n), f.n)
	if err != nil {
		return nil, err
	}
	eq := vec.Values[uint8](equal)
	out, res := vec.MakeFixed[uint8](boolean, f.n, nil)
	for i := range res {
		ln, rn := l.IsNull(i), r.IsNull(i)
		same := ln && rn || !ln && !rn && eq[i] != 0
		res[i] = oneIf(same == n.negated)
	}
	return out, nil
}

func oneIf(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}
