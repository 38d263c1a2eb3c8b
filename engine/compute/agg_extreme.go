package compute

import (
	"cmp"
	"math"

	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// addExtremes defines min and max. PostgreSQL has them for varchar through text; keeping the kind here saves the cast.
func addExtremes(c *catalogue) {
	for _, k := range orderedKinds() {
		if k == types.Bool || k == types.Bytea || k == types.UUID || k == types.JSONB || k == types.Varchar {
			continue
		}
		for name, sign := range map[string]int{"min": -1, "max": 1} {
			c.addAggregate(&Aggregate{Name: name, Args: []types.Kind{k}, Ret: k,
				New: func(*Env) Accumulator { return newExtreme(k, sign) }})
		}
	}
}

func newExtreme(k types.Kind, sign int) Accumulator {
	switch k {
	case types.Int2:
		return &extreme[int16]{kind: k, max: sign > 0}
	case types.Int4, types.Date:
		return &extreme[int32]{kind: k, max: sign > 0}
	case types.Int8, types.Timestamp, types.TimestampTZ:
		return &extreme[int64]{kind: k, max: sign > 0}
	case types.Float4:
		return &extreme[float32]{kind: k, max: sign > 0}
	case types.Float8:
		return &extreme[float64]{kind: k, max: sign > 0}
	case types.Numeric:
		return &fold[heldDecimal]{ret: k, sizeBytes: 40,
			step: func(s *heldDecimal, args []*vec.Vector, i int) error {
				s.offer(args[0].DecimalAt(i), sign)
				return nil
			},
			merge: func(s, o *heldDecimal) error {
				if o.set {
					s.offer(o.value, sign)
				}
				return nil
			},
			finish: func(s *heldDecimal, out *vec.Builder) error {
				if !s.set {
					out.AppendNull()
					return nil
				}
				out.AppendDecimal(s.value)
				return nil
			},
		}
	case types.Interval:
		return &fold[heldInterval]{ret: k, sizeBytes: 24,
			step: func(s *heldInterval, args []*vec.Vector, i int) error {
				s.offer(vec.Values[vec.IntervalWord](args[0])[i], sign)
				return nil
			},
			merge: func(s, o *heldInterval) error {
				if o.set {
					s.offer(o.value, sign)
				}
				return nil
			},
			finish: func(s *heldInterval, out *vec.Builder) error {
				if !s.set {
					out.AppendNull()
					return nil
				}
				vec.Append(out, s.value)
				return nil
			},
		}
	}
	return &extremeText{kind: k, sign: sign}
}

// extreme is the accumulator of min and max over fixed-width kinds with a natural order; NaN is above everything.
type extreme[T int16 | int32 | int64 | float32 | float64] struct {
	kind  types.Kind
	max   bool
	value []T
	set   []bool
}

func (a *extreme[T]) Resize(n int) { a.value, a.set = grow(a.value, n), grow(a.set, n) }

func (a *extreme[T]) offer(g int32, v T) {
	if !a.set[g] {
		a.value[g], a.set[g] = v, true
		return
	}
	old := a.value[g]
	if c := order(v, old); a.max && c > 0 || !a.max && c < 0 {
		a.value[g] = v
	}
}

// order compares numbers; NaN equals itself and is above all.
func order[T int16 | int32 | int64 | float32 | float64](x, y T) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	case x == y:
		return 0
	}
	return floatCompare(float64(x), float64(y))
}

func (a *extreme[T]) Add(groups []int32, args []*vec.Vector) error {
	valid := args[0].Validity()
	values := vec.Values[T](args[0])
	for i, g := range groups {
		if valid.Valid(i) {
			a.offer(g, values[i])
		}
	}
	return nil
}

func (a *extreme[T]) Merge(other Accumulator, into []int32) error {
	o := other.(*extreme[T])
	for i, set := range o.set {
		if set {
			a.offer(into[i], o.value[i])
		}
	}
	return nil
}

func (a *extreme[T]) Result() (*vec.Vector, error) {
	var valid vec.Bitmap
	for i, set := range a.set {
		if !set {
			if valid == nil {
				valid = vec.NewBitmap(len(a.set))
			}
			valid.Clear(i)
		}
	}
	out, res := vec.MakeFixed[T](types.Of(a.kind), len(a.value), valid)
	copy(res, a.value)
	return out, nil
}

func (a *extreme[T]) SizeBytes() int { return cap(a.set) + cap(a.value)*a.kind.Width() }

type heldDecimal struct {
	value types.Decimal
	set   bool
}

func (h *heldDecimal) offer(v types.Decimal, sign int) {
	if !h.set || v.Cmp(h.value)*sign > 0 {
		h.value, h.set = v, true
	}
}

type heldInterval struct {
	value types.IntervalValue
	set   bool
}

func (h *heldInterval) offer(v types.IntervalValue, sign int) {
	if !h.set || spanCompare(v, h.value)*sign > 0 {
		h.value, h.set = v, true
	}
}

// extremeText is the accumulator of min and max over strings.
type extremeText struct {
	kind  types.Kind
	sign  int
	value []string
	set   []bool
	bytes int
}

func (a *extremeText) Resize(n int) { a.value, a.set = grow(a.value, n), grow(a.set, n) }

// offer takes v, which it copies, when it is beyond the value so far.
func (a *extremeText) offer(g int32, v string) {
	if a.set[g] && compareText(a.kind, v, a.value[g])*a.sign <= 0 {
		return
	}
	a.bytes += len(v) - len(a.value[g])
	a.value[g], a.set[g] = string([]byte(v)), true
}

func (a *extremeText) Add(groups []int32, args []*vec.Vector) error {
	valid := args[0].Validity()
	for i, g := range groups {
		if valid.Valid(i) {
			a.offer(g, args[0].StringAt(i))
		}
	}
	return nil
}

func (a *extremeText) Merge(other Accumulator, into []int32) error {
	o := other.(*extremeText)
	for i, set := range o.set {
		if set {
			a.offer(into[i], o.value[i])
		}
	}
	return nil
}

func (a *extremeText) Result() (*vec.Vector, error) {
	if a.bytes > math.MaxInt32 {
		return nil, errBatchTooLarge()
	}
	out := vec.NewBuilder(types.Of(a.kind), len(a.value))
	for i, v := range a.value {
		if a.set[i] {
			out.AppendString(v)
		} else {
			out.AppendNull()
		}
	}
	return out.Finish(), nil
}

func (a *extremeText) SizeBytes() int { return 17*cap(a.set) + a.bytes }

// compareText is the order of strings of a kind: by bytes, for char(n) without trailing blanks.
func compareText(k types.Kind, a, b string) int {
	if k == types.Char {
		a, b = charKey(a), charKey(b)
	}
	return cmp.Compare(a, b)
}
