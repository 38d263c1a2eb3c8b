package compute

import (
	"math/big"
	"math/bits"

	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// wide is a 128-bit two's complement sum of up to 2^63 values of 64 bits, and their number.
type wide struct {
	hi    int64
	lo    uint64
	count int64
}

func (w *wide) add(v int64) {
	lo, carry := bits.Add64(w.lo, uint64(v), 0)
	w.lo = lo
	w.hi += v>>63 + int64(carry)
	w.count++
}

func (w *wide) merge(o *wide) {
	lo, carry := bits.Add64(w.lo, o.lo, 0)
	w.lo = lo
	w.hi += o.hi + int64(carry)
	w.count += o.count
}

// int64 returns the sum, or false when it does not fit.
func (w *wide) int64() (int64, bool) { return int64(w.lo), w.hi == int64(w.lo)>>63 }

// decimal returns the sum at a scale.
func (w *wide) decimal(scale int32) types.Decimal {
	if v, ok := w.int64(); ok {
		return types.Decimal{Small: v, Scale: scale}
	}
	b := big.NewInt(w.hi)
	b.Lsh(b, 64)
	b.Add(b, new(big.Int).SetUint64(w.lo))
	return types.DecimalFromBig(b, scale)
}

// intSum is the accumulator of sum and avg over integers of type T.
type intSum[T signed] struct {
	states []wide
	ret    types.Kind
	finish func(w *wide, out *vec.Builder) error
}

func (a *intSum[T]) Resize(n int) { a.states = grow(a.states, n) }

func (a *intSum[T]) Add(groups []int32, args []*vec.Vector) error {
	values := vec.Values[T](args[0])
	if !args[0].HasNulls() {
		for i, g := range groups {
			a.states[g].add(int64(values[i]))
		}
		return nil
	}
	valid := args[0].Validity()
	for i, g := range groups {
		if valid.Valid(i) {
			a.states[g].add(int64(values[i]))
		}
	}
	return nil
}

func (a *intSum[T]) Merge(other Accumulator, into []int32) error {
	o := other.(*intSum[T])
	for i := range o.states {
		a.states[into[i]].merge(&o.states[i])
	}
	return nil
}

func (a *intSum[T]) Result() (*vec.Vector, error) {
	out := vec.NewBuilder(types.Of(a.ret), len(a.states))
	for i := range a.states {
		if a.states[i].count == 0 {
			out.AppendNull()
			continue
		}
		if err := a.finish(&a.states[i], out); err != nil {
			return nil, err
		}
	}
	return out.Finish(), nil
}

func (a *intSum[T]) SizeBytes() int { return 24 * cap(a.states) }

func addSums(c *catalogue) {
	sum := func(k, ret types.Kind, fresh func(*Env) Accumulator) {
		c.addAggregate(&Aggregate{Name: "sum", Args: []types.Kind{k}, Ret: ret, New: fresh})
	}
	toInt8 := func(w *wide, out *vec.Builder) error {
		v, ok := w.int64()
		if !ok {
			return errOutOfRange(types.Int8)
		}
		vec.Append(out, v)
		return nil
	}
	toNumeric := func(w *wide, out *vec.Builder) error {
		out.AppendDecimal(w.decimal(0))
		return nil
	}
	sum(types.Int2, types.Int8, func(*Env) Accumulator { return &intSum[int16]{ret: types.Int8, finish: toInt8} })
	sum(types.Int4, types.Int8, func(*Env) Accumulator { return &intSum[int32]{ret: types.Int8, finish: toInt8} })
	sum(types.Int8, types.Numeric, func(*Env) Accumulator { return &intSum[int64]{ret: types.Numeric, finish: toNumeric} })
	sum(types.Float4, types.Float4, func(*Env) Accumulator { return newFloatSum(types.Float4, false) })
	sum(types.Float8, types.Float8, func(*Env) Accumulator { return newFloatSum(types.Float8, false) })
	sum(types.Numeric, types.Numeric, func(*Env) Accumulator { return newDecimalSum(false) })
	sum(types.Interval, types.Interval, func(*Env) Accumulator { return newIntervalSum(false) })
}

func addAverages(c *catalogue) {
	avg := func(k, ret types.Kind, fresh func(*Env) Accumulator) {
		c.addAggregate(&Aggregate{Name: "avg", Args: []types.Kind{k}, Ret: ret, New: fresh})
	}
	mean := func(w *wide, out *vec.Builder) error {
		d, err := w.decimal(0).Div(types.DecimalFromInt(w.count))
		if err != nil {
			return err
		}
		out.AppendDecimal(d)
		return nil
	}
	avg(types.Int2, types.Numeric, func(*Env) Accumulator { return &intSum[int16]{ret: types.Numeric, finish: mean} })
	avg(types.Int4, types.Numeric, func(*Env) Accumulator { return &intSum[int32]{ret: types.Numeric, finish: mean} })
	avg(types.Int8, types.Numeric, func(*Env) Accumulator { return &intSum[int64]{ret: types.Numeric, finish: mean} })
	avg(types.Float4, types.Float8, func(*Env) Accumulator { return newFloatSum(types.Float4, true) })
	avg(types.Float8, types.Float8, func(*Env) Accumulator { return newFloatSum(types.Float8, true) })
	avg(types.Numeric, types.Numeric, func(*Env) Accumulator { return newDecimalSum(true) })
	avg(types.Interval, types.Interval, func(*Env) Accumulator { return newIntervalSum(true) })
}

// floatState sums floats.
type floatState struct {
	sum   float64
	count int64
}

// newFloatSum sums or averages floats of kind k. Overflow of finite inputs is an error, as in PostgreSQL. A sum of float4 is
// kept in float64 and rounded once, so that it depends on the order of rows less than PostgreSQL's.
func newFloatSum(k types.Kind, mean bool) Accumulator {
	a := &fold[floatState]{ret: types.Float8, sizeBytes: 16}
	add := func(s *floatState, v float64, n int64) error {
		r, err := addFloat(s.sum, v)
		s.sum, s.count = r, s.count+n
		return err
	}
	a.step = func(s *floatState, args []*vec.Vector, i int) error {
		return add(s, vec.Values[float64](args[0])[i], 1)
	}
	if k == types.Float4 {
		a.step = func(s *floatState, args []*vec.Vector, i int) error {
			return add(s, float64(vec.Values[float32](args[0])[i]), 1)
		}
	}
	a.merge = func(s, o *floatState) error { return add(s, o.sum, o.count) }
	a.finish = func(s *floatState, out *vec.Builder) error {
		switch {
		case s.count == 0:
			out.AppendNull()
		case mean:
			vec.Append(out, s.sum/float64(s.count))
		case k == types.Float4:
			f, err := toFloat32(s.sum)
			if err != nil {
				return err
			}
			vec.Append(out, f)
		default:
			vec.Append(out, s.sum)
		}
		return nil
	}
	if k == types.Float4 && !mean {
		a.ret = types.Float4
	}
	return a
}

// decimalState sums numerics: in 128 bits while they are small and of one scale, else in big.
type decimalState struct {
	small wide
	scale int32
	big   types.Decimal
	// hasBig tells that big counts.
	hasBig bool
	count  int64
}

func (s *decimalState) addWord(w vec.DecimalWord) bool {
	if !w.IsSmall() {
		return false
	}
	if s.small.count == 0 {
		s.scale = w.Scale
	} else if s.scale != w.Scale {
		return false
	}
	s.small.add(w.Coef)
	return true
}

func (s *decimalState) addDecimal(d types.Decimal) (err error) {
	if !s.hasBig {
		s.big, s.hasBig = d, true
		return nil
	}
	s.big, err = s.big.Add(d)
	return err
}

func (s *decimalState) total() (types.Decimal, error) {
	switch {
	case s.small.count == 0:
		return s.big, nil
	case !s.hasBig:
		return s.small.decimal(s.scale), nil
	}
	return s.big.Add(s.small.decimal(s.scale))
}

func newDecimalSum(mean bool) Accumulator {
	return &fold[decimalState]{
		ret: types.Numeric, sizeBytes: 80,
		step: func(s *decimalState, args []*vec.Vector, i int) error {
			s.count++
			if s.addWord(vec.Values[vec.DecimalWord](args[0])[i]) {
				return nil
			}
			return s.addDecimal(args[0].DecimalAt(i))
		},
		merge: func(s, o *decimalState) error {
			if o.count == 0 {
				return nil
			}
			s.count += o.count
			if !o.hasBig && (s.small.count == 0 || s.scale == o.scale) {
				s.scale = o.scale
				s.small.merge(&o.small)
				return nil
			}
			d, err := o.total()
			if err != nil {
				return err
			}
			return s.addDecimal(d)
		},
		finish: func(s *decimalState, out *vec.Builder) error {
			if s.count == 0 {
				out.AppendNull()
				return nil
			}
			d, err := s.total()
			if err == nil && mean {
				d, err = d.Div(types.DecimalFromInt(s.count))
			}
			if err != nil {
				return err
			}
			out.AppendDecimal(d)
			return nil
		},
	}
}
