package compute

import (
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// grow returns s with length n, new elements zero.
func grow[T any](s []T, n int) []T {
	if n <= len(s) {
		return s
	}
	if n > cap(s) {
		next := make([]T, len(s), max(n, 2*cap(s)))
		copy(next, s)
		s = next
	}
	return s[:n]
}

// counts is the accumulator of count(*) and, with arg, of count(any).
type counts struct {
	n []int64
}

func (a *counts) Resize(n int) { a.n = grow(a.n, n) }

func (a *counts) Add(groups []int32, args []*vec.Vector) error {
	if len(args) == 0 || !args[0].HasNulls() {
		for _, g := range groups {
			a.n[g]++
		}
		return nil
	}
	valid := args[0].Validity()
	for i, g := range groups {
		a.n[g] += int64(b2u(valid.Valid(i)))
	}
	return nil
}

func (a *counts) Merge(other Accumulator, into []int32) error {
	for i, c := range other.(*counts).n {
		a.n[into[i]] += c
	}
	return nil
}

func (a *counts) Result() (*vec.Vector, error) {
	out, res := vec.MakeFixed[int64](types.Of(types.Int8), len(a.n), nil)
	copy(res, a.n)
	return out, nil
}

func (a *counts) SizeBytes() int { return 8 * cap(a.n) }

func addCounts(c *catalogue) {
	fresh := func(*Env) Accumulator { return &counts{} }
	c.addAggregate(&Aggregate{Name: "count", Ret: types.Int8, New: fresh})
	c.addAggregate(&Aggregate{Name: "count", Args: []types.Kind{Any}, Ret: types.Int8, New: fresh})
}

// fold is the accumulator of an aggregate whose state per group is an S. NULL inputs are passed over.
type fold[S any] struct {
	states []S
	ret    types.Kind
	// sizeBytes is what one state takes.
	sizeBytes int
	// step feeds value i of args to a state; merge adds a state to another; finish appends the result.
	step   func(s *S, args []*vec.Vector, i int) error
	merge  func(s, other *S) error
	finish func(s *S, out *vec.Builder) error
}

func (a *fold[S]) Resize(n int) { a.states = grow(a.states, n) }

func (a *fold[S]) Add(groups []int32, args []*vec.Vector) error {
	valid := args[0].Validity()
	for _, v := range args[1:] {
		valid = vec.And(valid, v.Validity(), len(groups))
	}
	for i, g := range groups {
		if !valid.Valid(i) {
			continue
		}
		if err := a.step(&a.states[g], args, i); err != nil {
			return err
		}
	}
	return nil
}

func (a *fold[S]) Merge(other Accumulator, into []int32) error {
	o := other.(*fold[S])
	for i := range o.states {
		if err := a.merge(&a.states[into[i]], &o.states[i]); err != nil {
			return err
		}
	}
	return nil
}

func (a *fold[S]) Result() (*vec.Vector, error) {
	out := vec.NewBuilder(types.Of(a.ret), len(a.states))
	for i := range a.states {
		if err := a.finish(&a.states[i], out); err != nil {
			return nil, err
		}
	}
	return out.Finish(), nil
}

func (a *fold[S]) SizeBytes() int { return a.sizeBytes * cap(a.states) }
