package expr

import (
	"math"
	"strings"

	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// fastTerm returns a term that does cond's work without materialising booleans when cond compares a column with a
// constant or parameter or tests it for NULL; whole does it otherwise, and for values the fast form does not cover.
func fastTerm(cond Expr, whole *boolTerm) term {
	switch e := cond.(type) {
	case *IsNull:
		if c, ok := e.Arg.(*Column); ok {
			return &nullTerm{ordinal: c.Ordinal, kind: c.Typ.Kind, negated: e.Negated}
		}
	case *Call:
		if len(e.Args) != 2 {
			return whole
		}
		op, ok := comparisons[e.Fn.Name]
		if !ok || e.Fn.Ret != types.Bool {
			return whole
		}
		left, right := relabeled(e.Args[0]), relabeled(e.Args[1])
		col, isCol := left.(*Column)
		if !isCol {
			if col, isCol = right.(*Column); !isCol {
				return whole
			}
			right, op = left, op.flipped()
		}
		if !comparableKinds(col.Typ.Kind, right.Type().Kind) {
			return whole
		}
		switch v := right.(type) {
		case *Const:
			return &compareTerm{col: col, op: op, value: v.Value, param: -1, whole: whole}
		case *Param:
			return &compareTerm{col: col, op: op, param: v.Index, typ: v.Typ, whole: whole}
		}
	}
	return whole
}

// relabeled looks through casts that change no value.
func relabeled(e Expr) Expr {
	for {
		c, ok := e.(*Cast)
		if !ok || !isRelabel(c.Arg.Type(), c.To) {
			return e
		}
		e = c.Arg
	}
}

// comparableKinds reports whether the fast form covers a column of kind col and a value of kind v.
func comparableKinds(col, v types.Kind) bool {
	plain := func(k types.Kind) bool { return k == types.Text || k == types.Varchar }
	switch {
	case col.IsInteger():
		return v.IsInteger()
	case col.IsFloat():
		return v.IsFloat()
	case col == types.Bool, col.IsTemporal(), col == types.Numeric, col == types.Bytea:
		return v == col
	}
	return plain(col) && plain(v)
}

// relation is a comparison.
type relation uint8

const (
	relEq relation = iota
	relNe
	relLt
	relLe
	relGt
	relGe
)

var comparisons = map[string]relation{"=": relEq, "<>": relNe, "<": relLt, "<=": relLe, ">": relGt, ">=": relGe}

// flipped returns the relation with its sides exchanged.
func (r relation) flipped() relation {
	switch r {
	case relLt:
		return relGt
	case relLe:
		return relGe
	case relGt:
		return relLt
	case relGe:
		return relLe
	}
	return r
}

func (r relation) holds(c int) bool {
	switch r {
	case relEq:
		return c == 0
	case relNe:
		return c != 0
	case relLt:
		return c < 0
	case relLe:
		return c <= 0
	case relGt:
		return c > 0
	}
	return c >= 0
}

// span is the set of integers lo to hi, or with flip all others. An empty span has hi = lo - 1.
type span struct {
	lo, hi int64
	flip   uint8
	none   bool
}

// spanOf returns the integers x for which x r lo..hi holds, where lo to hi are the images of one value.
func (r relation) spanOf(lo, hi int64) span {
	switch r {
	case relEq:
		return span{lo: lo, hi: hi}
	case relNe:
		return span{lo: lo, hi: hi, flip: 1}
	case relLt:
		return span{lo: math.MinInt64, hi: lo - 1, none: lo == math.MinInt64}
	case relLe:
		return span{lo: math.MinInt64, hi: hi}
	case relGt:
		return span{lo: hi + 1, hi: math.MaxInt64, none: hi == math.MaxInt64}
	}
	return span{lo: lo, hi: math.MaxInt64}
}

// compareTerm is `column op value`.
type compareTerm struct {
	col   *Column
	op    relation
	value types.Datum
	param int // index of the parameter, -1 for a constant
	typ   types.Type
	whole *boolTerm
}

func (t *compareTerm) apply(f *frame, out []int32) ([]int32, error) {
	value := t.value
	if t.param >= 0 {
		var err error
		if value, err = f.param(t.param, t.typ); err != nil {
			return nil, err
		}
	}
	if value.IsNull() {
		return out[:0], nil
	}
	o := t.col.Ordinal
	if o < 0 || o >= len(f.batch.Cols) || !samePhysical(f.batch.Cols[o].Kind(), t.col.Typ.Kind) {
		return t.whole.apply(f, out)
	}
	v := f.batch.Cols[o]
	switch k := t.col.Typ.Kind; {
	case k == types.Float4:
		return selectFloats[float32](f.sel, v, t.op, value.Float(), out), nil
	case k == types.Float8:
		return selectFloats[float64](f.sel, v, t.op, value.Float(), out), nil
	case k == types.Numeric:
		return selectDecimals(f.sel, v, t.op, value.Numeric(), out), nil
	case k.IsVariable():
		return selectStrings(f.sel, v, t.op, value.Str(), out), nil
	}
	s := t.op.spanOf(value.Int(), value.Int())
	if s.none {
		return out[:0], nil
	}
	switch v.Kind().Width() {
	case 1:
		return selectSpan[uint8](f.sel, v, s, out), nil
	case 2:
		return selectSpan[int16](f.sel, v, s, out), nil
	case 4:
		return selectSpan[int32](f.sel, v, s, out), nil
	}
	return selectSpan[int64](f.sel, v, s, out), nil
}

// selectSpan writes the positions whose value lies in s, without a branch per row.
func selectSpan[T uint8 | int16 | int32 | int64](sel []int32, v *vec.Vector, s span, out []int32) []int32 {
	values, valid := vec.Values[T](v), v.Validity()
	lo, width, flip := s.lo, uint64(s.hi-s.lo), s.flip
	k := 0
	switch {
	case sel == nil && valid == nil:
		out = out[:len(values)]
		for i, x := range values {
			out[k] = int32(i)
			k += int(oneIf(uint64(int64(x)-lo) <= width) ^ flip)
		}
	case sel == nil:
		out = out[:len(values)]
		for i, x := range values {
			out[k] = int32(i)
			k += int((oneIf(uint64(int64(x)-lo) <= width) ^ flip) & bit(valid, i))
		}
	case valid == nil:
		for _, p := range sel {
			out[k] = p
			k += int(oneIf(uint64(int64(values[p])-lo) <= width) ^ flip)
		}
	default:
		for _, p := range sel {
			out[k] = p
			k += int((oneIf(uint64(int64(values[p])-lo) <= width) ^ flip) & bit(valid, int(p)))
		}
	}
	return out[:k]
}

// floatKey maps floats to integers in PostgreSQL's order: both zeros to 0, every NaN above everything.
func floatKey(f float64) int64 {
	if f != f {
		return math.MaxInt64
	}
	b := int64(math.Float64bits(f + 0)) // -0 + 0 is 0
	return b ^ int64(uint64(b>>63)>>1)
}

func selectFloats[T float32 | float64](sel []int32, v *vec.Vector, r relation, c float64, out []int32) []int32 {
	values, valid := vec.Values[T](v), v.Validity()
	s := r.spanOf(floatKey(c), floatKey(c))
	if s.none {
		return out[:0]
	}
	width := uint64(s.hi - s.lo)
	k := 0
	if sel == nil {
		for i, x := range values {
			out[k] = int32(i)
			k += int((oneIf(uint64(floatKey(float64(x))-s.lo) <= width) ^ s.flip) & oneIf(valid.Valid(i)))
		}
		return out[:k]
	}
	for _, p := range sel {
		out[k] = p
		k += int((oneIf(uint64(floatKey(float64(values[p]))-s.lo) <= width) ^ s.flip) & oneIf(valid.Valid(int(p))))
	}
	return out[:k]
}

// each calls hit for every live position whose value is not NULL and writes those it holds for.
func each(sel []int32, v *vec.Vector, out []int32, hit func(i int) bool) []int32 {
	valid := v.Validity()
	k := 0
	if sel == nil {
		for i := range v.Len() {
			out[k] = int32(i)
			k += int(oneIf(valid.Valid(i) && hit(i)))
		}
		return out[:k]
	}
	for _, p := range sel {
		out[k] = p
		k += int(oneIf(valid.Valid(int(p)) && hit(int(p))))
	}
	return out[:k]
}

func selectStrings(sel []int32, v *vec.Vector, r relation, c string, out []int32) []int32 {
	switch r {
	case relEq:
		return each(sel, v, out, func(i int) bool { return v.StringAt(i) == c })
	case relNe:
		return each(sel, v, out, func(i int) bool { return v.StringAt(i) != c })
	}
	return each(sel, v, out, func(i int) bool { return r.holds(strings.Compare(v.StringAt(i), c)) })
}

// selectDecimals compares coefficients while the scale stays the same, which in a column of declared scale is always.
func selectDecimals(sel []int32, v *vec.Vector, r relation, c types.Decimal, out []int32) []int32 {
	words := vec.Values[vec.DecimalWord](v)
	scale, s, ok := int32(-1), span{}, false
	return each(sel, v, out, func(i int) bool {
		w := words[i]
		if w.Scale != scale {
			scale = w.Scale
			s, ok = decimalSpan(r, c, scale)
		}
		if ok && w.IsSmall() {
			in := !s.none && uint64(w.Coef-s.lo) <= uint64(s.hi-s.lo)
			return in != (s.flip == 1)
		}
		return r.holds(v.DecimalAt(i).Cmp(c))
	})
}

// decimalSpan returns the coefficients at a scale whose numbers stand in the relation to c, or false when c is not
// a small number at that scale.
func decimalSpan(r relation, c types.Decimal, scale int32) (span, bool) {
	if c.Form != types.DecimalFinite || c.Scale > scale && c.Reduce().Scale > scale {
		return span{}, false
	}
	at := c.Rescale(int(scale))
	if !at.IsSmall() {
		return span{}, false
	}
	return r.spanOf(at.Small, at.Small), true
}

// nullTerm is `column IS [NOT] NULL`.
type nullTerm struct {
	ordinal int
	kind    types.Kind
	negated bool
}

func (t *nullTerm) apply(f *frame, out []int32) ([]int32, error) {
	if t.ordinal < 0 || t.ordinal >= len(f.batch.Cols) {
		_, err := f.column(t.ordinal, t.kind)
		return nil, err
	}
	valid := f.batch.Cols[t.ordinal].Validity()
	k := 0
	if f.sel == nil {
		for i := range f.n {
			out[k] = int32(i)
			k += int(oneIf(valid.Valid(i) == t.negated))
		}
		return out[:k], nil
	}
	for _, p := range f.sel {
		out[k] = p
		k += int(oneIf(valid.Valid(int(p)) == t.negated))
	}
	return out[:k], nil
}
