package compute

import (
	"math"

	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// reduced is the value of an aggregate that combines values of T pairwise, and whether there was one.
type reduced[T vec.Fixed] struct {
	value T
	set   bool
}

// newReduce combines the values that are not NULL by an associative and commutative op; without any the result is NULL.
func newReduce[T vec.Fixed](ret types.Kind, op func(a, b T) T) Accumulator {
	offer := func(s *reduced[T], v T) {
		if s.set {
			v = op(s.value, v)
		}
		s.value, s.set = v, true
	}
	return &fold[reduced[T]]{
		ret: ret, sizeBytes: 2 * ret.Width(),
		step: func(s *reduced[T], args []*vec.Vector, i int) error {
			offer(s, vec.Values[T](args[0])[i])
			return nil
		},
		merge: func(s, o *reduced[T]) error {
			if o.set {
				offer(s, o.value)
			}
			return nil
		},
		finish: func(s *reduced[T], out *vec.Builder) error {
			if !s.set {
				out.AppendNull()
				return nil
			}
			vec.Append(out, s.value)
			return nil
		},
	}
}

func addLogicAggregates(c *catalogue) {
	def := func(name string, k types.Kind, fresh func(*Env) Accumulator) {
		c.addAggregate(&Aggregate{Name: name, Args: []types.Kind{k}, Ret: k, New: fresh})
	}
	and := func(*Env) Accumulator { return newReduce(types.Bool, func(a, b uint8) uint8 { return a & b }) }
	def("bool_and", types.Bool, and)
	def("every", types.Bool, and)
	def("bool_or", types.Bool, func(*Env) Accumulator {
		return newReduce(types.Bool, func(a, b uint8) uint8 { return a | b })
	})
	addBitAggregates[int16](def, types.Int2)
	addBitAggregates[int32](def, types.Int4)
	addBitAggregates[int64](def, types.Int8)
}

func addBitAggregates[T signed](def func(string, types.Kind, func(*Env) Accumulator), k types.Kind) {
	for name, op := range map[string]func(a, b T) T{
		"bit_and": func(a, b T) T { return a & b },
		"bit_or":  func(a, b T) T { return a | b },
		"bit_xor": func(a, b T) T { return a ^ b },
	} {
		def(name, k, func(*Env) Accumulator { return newBits(k, op) })
	}
}

func newBits[T signed](k types.Kind, op func(a, b T) T) Accumulator {
	switch op := any(op).(type) {
	case func(a, b int16) int16:
		return newReduce(k, op)
	case func(a, b int32) int32:
		return newReduce(k, op)
	case func(a, b int64) int64:
		return newReduce(k, op)
	}
	panic("compute: bits of an unknown width")
}

// joined is the state of string_agg: the values, each after its delimiter, the first one's included.
type joined struct {
	text []byte
	// skip is the length of the first delimiter, which is not part of the result.
	skip int
	set  bool
}

// stringAgg is the accumulator of string_agg. A NULL value is passed over, a NULL delimiter is empty.
type stringAgg struct {
	kind   types.Kind
	states []joined
	bytes  int
}

func (a *stringAgg) Resize(n int) { a.states = grow(a.states, n) }

func (a *stringAgg) Add(groups []int32, args []*vec.Vector) error {
	values, seps := args[0], args[1]
	for i, g := range groups {
		if values.IsNull(i) {
			continue
		}
		s := &a.states[g]
		before := cap(s.text)
		sep := 0
		if !seps.IsNull(i) {
			s.text = append(s.text, seps.BytesAt(i)...)
			sep = len(seps.BytesAt(i))
		}
		if !s.set {
			s.skip, s.set = sep, true
		}
		s.text = append(s.text, values.BytesAt(i)...)
		a.bytes += cap(s.text) - before
		if len(s.text) > maxTextBytes {
			return errBatchTooLarge()
		}
	}
	return nil
}

func (a *stringAgg) Merge(other Accumulator, into []int32) error {
	o := other.(*stringAgg)
	for i := range o.states {
		from, s := &o.states[i], &a.states[into[i]]
		switch {
		case !from.set:
			continue
		case !s.set:
			*s = *from
		default:
			s.text = append(s.text, from.text...)
		}
		a.bytes += cap(from.text)
		if len(s.text) > maxTextBytes {
			return errBatchTooLarge()
		}
	}
	return nil
}

func (a *stringAgg) Result() (*vec.Vector, error) {
	if a.bytes > math.MaxInt32 {
		return nil, errBatchTooLarge()
	}
	out := vec.NewBuilder(types.Of(a.kind), len(a.states))
	for i := range a.states {
		if s := &a.states[i]; s.set {
			out.AppendBytes(s.text[s.skip:])
		} else {
			out.AppendNull()
		}
	}
	return out.Finish(), nil
}

func (a *stringAgg) SizeBytes() int { return 40*cap(a.states) + a.bytes }

func addStringAggregate(c *catalogue) {
	for _, k := range []types.Kind{types.Text, types.Bytea} {
		c.addAggregate(&Aggregate{Name: "string_agg", Args: []types.Kind{k, k}, Ret: k,
			New: func(*Env) Accumulator { return &stringAgg{kind: k} }})
	}
}
