package expr

import (
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// termsNode is a conjunction (stop false) or disjunction (stop true). A row whose value is settled is not
// evaluated by later terms.
type termsNode struct {
	terms []evaluator
	stop  bool
}

func (t *termsNode) eval(f *frame) (*vec.Vector, error) {
	out := make([]uint8, f.n)
	if !t.stop {
		for i := range out {
			out[i] = 1
		}
	}
	var valid vec.Bitmap
	stop := oneIf(t.stop)
	open, at := vec.Identity(f.n), f
	for i, term := range t.terms {
		if len(open) == 0 {
			break
		}
		v, err := term.eval(at)
		if err != nil {
			return nil, err
		}
		k := 0
		for j, b := range vec.Values[uint8](v) {
			r := open[j]
			switch {
			case v.IsNull(j):
				if valid == nil {
					valid = vec.NewBitmap(f.n)
				}
				valid.Clear(int(r))
			case b == stop:
				out[r] = stop
				if valid != nil {
					valid.Set(int(r))
				}
				continue
			}
			open[k] = r
			k++
		}
		if k < len(open) && i < len(t.terms)-1 {
			open = open[:k]
			at = f.narrow(append([]int32(nil), open...))
		}
	}
	return vec.FromSlice(boolean, out, valid), nil
}

// part is the values of some rows of a frame.
type part struct {
	rows   []int32
	values *vec.Vector
}

// assemble puts parts that together cover n rows in their order.
func assemble(t types.Type, n int, parts []part) *vec.Vector {
	if len(parts) == 1 {
		return parts[0].values.Retyped(t)
	}
	perm := make([]int32, n)
	values := make([]*vec.Vector, len(parts))
	base := int32(0)
	for i, p := range parts {
		values[i] = p.values
		for j, r := range p.rows {
			perm[r] = base + int32(j)
		}
		base += int32(len(p.rows))
	}
	return vec.Gather(vec.Concat(t, values...), perm)
}

type caseNode struct {
	conds, thens []evaluator
	otherwise    evaluator
	typ          types.Type
}

func (c *caseNode) eval(f *frame) (*vec.Vector, error) {
	if f.n == 0 {
		return vec.Nulls(c.typ, 0), nil
	}
	var parts []part
	rest, at := vec.Identity(f.n), f
	take := func(e evaluator, rows []int32) error {
		v, err := e.eval(f.narrow(rows))
		if err != nil {
			return err
		}
		parts = append(parts, part{rows: rows, values: v})
		return nil
	}
	for i, cond := range c.conds {
		v, err := cond.eval(at)
		if err != nil {
			return nil, err
		}
		var hit, miss []int32
		for j, b := range vec.Values[uint8](v) {
			if b != 0 && !v.IsNull(j) {
				hit = append(hit, rest[j])
			} else {
				miss = append(miss, rest[j])
			}
		}
		if len(hit) > 0 {
			if err := take(c.thens[i], hit); err != nil {
				return nil, err
			}
			at = f.narrow(miss)
		}
		rest = miss
		if len(rest) == 0 {
			return assemble(c.typ, f.n, parts), nil
		}
	}
	if err := take(c.otherwise, rest); err != nil {
		return nil, err
	}
	return assemble(c.typ, f.n, parts), nil
}

type coalesceNode struct {
	args []evaluator
	typ  types.Type
}

func (c *coalesceNode) eval(f *frame) (*vec.Vector, error) {
	var parts []part
	rest, at := vec.Identity(f.n), f
	for i, a := range c.args {
		v, err := a.eval(at)
		if err != nil {
			return nil, err
		}
		if !v.HasNulls() || i == len(c.args)-1 {
			parts = append(parts, part{rows: rest, values: v})
			break
		}
		var have, local, lack []int32
		for j, r := range rest {
			if v.IsNull(j) {
				lack = append(lack, r)
			} else {
				have, local = append(have, r), append(local, int32(j))
			}
		}
		if len(lack) == 0 {
			parts = append(parts, part{rows: rest, values: v})
			break
		}
		if len(have) > 0 {
			parts = append(parts, part{rows: have, values: vec.Gather(v, local)})
		}
		rest, at = lack, f.narrow(lack)
	}
	return assemble(c.typ, f.n, parts), nil
}
