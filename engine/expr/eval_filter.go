package expr

import (
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// Predicate is a boolean expression ready to narrow batches. It is safe for concurrent use.
type Predicate struct {
	terms []term
}

// term is one conjunct of a predicate.
type term interface {
	// apply returns the rows of f for which the term is true, as positions in the batch, ascending. It may write into out, which
	// has room for f.n positions and may be f.sel itself.
	apply(f *frame, out []int32) ([]int32, error)
}

// CompileFilter prepares a condition: see Compile. A nil condition passes every row.
func CompileFilter(cond Expr) (*Predicate, error) {
	p := &Predicate{}
	for _, c := range Conjuncts(cond) {
		if err := wantBool(c); err != nil {
			return nil, err
		}
		whole, err := compile(c, 0)
		if err != nil {
			return nil, err
		}
		p.terms = append(p.terms, fastTerm(c, &boolTerm{cond: whole}))
	}
	return p, nil
}

// Filter returns b with just the rows for which every term is true: neither false nor NULL. The terms are applied in their
// order, and a row that one excluded is not looked at by a later one. The columns are b's own; b is not changed.
func (p *Predicate) Filter(env *compute.Env, params []types.Datum, b *vec.Batch) (*vec.Batch, error) {
	sel := b.Sel
	var out []int32
	for _, t := range p.terms {
		n := b.Len
		if sel != nil {
			n = len(sel)
		}
		if n == 0 {
			break
		}
		if out == nil {
			out = make([]int32, n)
		}
		next, err := t.apply(&frame{env: env, params: params, batch: b, sel: sel, n: n}, out[:n])
		if err != nil {
			return nil, err
		}
		if len(next) < n {
			sel = next
		}
	}
	if len(sel) == len(b.Sel) && (sel == nil) == (b.Sel == nil) {
		return b, nil
	}
	return &vec.Batch{Cols: b.Cols, Sel: sel, Len: b.Len}, nil
}

// Filter compiles cond and applies it once: see Predicate.Filter.
func Filter(env *compute.Env, cond Expr, params []types.Datum, b *vec.Batch) (*vec.Batch, error) {
	p, err := CompileFilter(cond)
	if err != nil {
		return nil, err
	}
	return p.Filter(env, params, b)
}

// boolTerm is a term of any form, by way of its boolean values.
type boolTerm struct{ cond evaluator }

func (t *boolTerm) apply(f *frame, out []int32) ([]int32, error) {
	v, err := t.cond.eval(f)
	if err != nil {
		return nil, err
	}
	hits := vec.Values[uint8](v)
	valid := v.Validity()
	k := 0
	switch {
	case f.sel == nil && valid == nil:
		for i, h := range hits {
			out[k] = int32(i)
			k += int(h & 1)
		}
	case f.sel == nil:
		for i, h := range hits {
			out[k] = int32(i)
			k += int(h & bit(valid, i))
		}
	case valid == nil:
		for i, s := range f.sel {
			out[k] = s
			k += int(hits[i] & 1)
		}
	default:
		for i, s := range f.sel {
			out[k] = s
			k += int(hits[i] & bit(valid, i))
		}
	}
	return out[:k], nil
}

// bit returns 1 where the bitmap, which is not nil, has bit i set.
func bit(b vec.Bitmap, i int) uint8 { return b[i>>3] >> (i & 7) & 1 }
