package compute

import (
	"cmp"
	"math"

	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
	"github.com/attunedb/attune/engine/vec"
)

// compareOp is one of the six comparisons.
type compareOp uint8

const (
	opEq compareOp = iota
	opNe
	opLt
	opLe
	opGt
	opGe
)

var compareNames = [...]string{"=", "<>", "<", "<=", ">", ">="}

// holds tells whether the comparison is true of values whose order is c.
func (op compareOp) holds(c int) bool {
	switch op {
	case opEq:
		return c == 0
	case opNe:
		return c != 0
	case opLt:
		return c < 0
	case opLe:
		return c <= 0
	case opGt:
		return c > 0
	}
	return c >= 0
}

func addComparisons(c *catalogue) {
	ints3 := []types.Kind{types.Int2, types.Int4, types.Int8}
	for i := range compareNames {
		op := compareOp(i)
		def := func(k Kernel, a, b types.Kind) *Func {
			return c.strict(compareNames[op], ClassComparison, types.Bool, k, a, b)
		}
		for _, a := range ints3 {
			for _, b := range ints3 {
				switch max(a, b) {
				case types.Int2:
					def(compareInts[int16](op), a, b)
				case types.Int4:
					def(compareInts[int32](op), a, b)
				default:
					def(compareInts[int64](op), a, b)
				}
			}
		}
		for _, a := range []types.Kind{types.Float4, types.Float8} {
			for _, b := range []types.Kind{types.Float4, types.Float8} {
				def(compareFloats(op), a, b)
			}
		}
		def(compareNatural[uint8](op), types.Bool, types.Bool)
		def(compareNatural[int32](op), types.Date, types.Date)
		def(compareNatural[int64](op), types.Timestamp, types.Timestamp)
		def(compareNatural[int64](op), types.TimestampTZ, types.TimestampTZ)
		def(compareBytes(op), types.Text, types.Text)
		def(compareBytes(op), types.Bytea, types.Bytea)
		for _, k := range []types.Kind{types.Numeric, types.Interval, types.UUID, types.Char, types.JSONB} {
			def(compareEach(op, k), k, k)
		}
		for _, a := range []types.Kind{types.Date, types.Timestamp, types.TimestampTZ} {
			for _, b := range []types.Kind{types.Date, types.Timestamp, types.TimestampTZ} {
				if a == b {
					continue
				}
				f := def(compareTemporal(op), a, b)
				if a == types.TimestampTZ || b == types.TimestampTZ {
					f.Volatility = Stable
				}
			}
		}
	}
}

func compareInts[T int16 | int32 | int64](op compareOp) Kernel {
	return func(_ *Env, args []*vec.Vector, valid vec.Bitmap, n int) (*vec.Vector, error) {
		out, res := vec.MakeFixed[uint8](types.Of(types.Bool), n, valid)
		compareLoop(op, ints[T](args[0]), ints[T](args[1]), res)
		return out, nil
	}
}

func compareNatural[T uint8 | int32 | int64](op compareOp) Kernel {
	return func(_ *Env, args []*vec.Vector, valid vec.Bitmap, n int) (*vec.Vector, error) {
		out, res := vec.MakeFixed[uint8](types.Of(types.Bool), n, valid)
		compareLoop(op, vec.Values[T](args[0]), vec.Values[T](args[1]), res)
		return out, nil
	}
}

func compareLoop[T cmp.Ordered](op compareOp, a, b []T, res []uint8) {
	b, res = b[:len(a)], res[:len(a)]
	switch op {
	case opEq:
		for i, x := range a {
			res[i] = b2u(x == b[i])
		}
	case opNe:
		for i, x := range a {
			res[i] = b2u(x != b[i])
		}
	case opLt:
		for i, x := range a {
			res[i] = b2u(x < b[i])
		}
	case opLe:
		for i, x := range a {
			res[i] = b2u(x <= b[i])
		}
	case opGt:
		for i, x := range a {
			res[i] = b2u(x > b[i])
		}
	case opGe:
		for i, x := range a {
			res[i] = b2u(x >= b[i])
		}
	}
}

// compareFloats follows PostgreSQL's order of floats: NaN equals itself and is above everything.
func compareFloats(op compareOp) Kernel {
	return func(_ *Env, args []*vec.Vector, valid vec.Bitmap, n int) (*vec.Vector, error) {
		out, res := vec.MakeFixed[uint8](types.Of(types.Bool), n, valid)
		a, b := floats(args[0]), floats(args[1])
		if op == opGt || op == opLe {
			a, b = b, a
		}
		switch op {
		case opEq, opNe:
			flip := b2u(op == opNe)
			for i, x := range a {
				y := b[i]
				res[i] = flip ^ (b2u(x == y) | b2u(x != x)&b2u(y != y))
			}
		default:
			flip := b2u(op == opLe || op == opGe)
			for i, x := range a {
				y := b[i]
				res[i] = flip ^ (b2u(x < y) | b2u(x == x)&b2u(y != y))
			}
		}
		return out, nil
	}
}

func compareBytes(op compareOp) Kernel {
	return func(_ *Env, args []*vec.Vector, valid vec.Bitmap, n int) (*vec.Vector, error) {
		out, res := vec.MakeFixed[uint8](types.Of(types.Bool), n, valid)
		a, b := args[0], args[1]
		if op == opEq || op == opNe {
			flip := b2u(op == opNe)
			for i := range res {
				res[i] = flip ^ b2u(a.StringAt(i) == b.StringAt(i))
			}
			return out, nil
		}
		for i := range res {
			res[i] = b2u(op.holds(cmp.Compare(a.StringAt(i), b.StringAt(i))))
		}
		return out, nil
	}
}

// compareEach compares by the order of kind k.
func compareEach(op compareOp, k types.Kind) Kernel {
	order := Comparer(k)
	return func(_ *Env, args []*vec.Vector, valid vec.Bitmap, n int) (*vec.Vector, error) {
		out, res := vec.MakeFixed[uint8](types.Of(types.Bool), n, valid)
		for i := range res {
			if valid.Valid(i) {
				res[i] = b2u(op.holds(order(args[0], args[1], i, i)))
			}
		}
		return out, nil
	}
}

// intervalSpan returns an interval as whole days and the microseconds of the last day, 0 or more.
func intervalSpan(v types.IntervalValue) (days, micros int64) {
	days, micros = v.Micros/pgtext.MicrosPerDay, v.Micros%pgtext.MicrosPerDay
	if micros < 0 {
		days, micros = days-1, micros+pgtext.MicrosPerDay
	}
	return days + int64(v.Months)*30 + int64(v.Days), micros
}

// compareTemporal compares date, timestamp and timestamptz with each other, by way of the session's zone where one side has it.
func compareTemporal(op compareOp) Kernel {
	return func(env *Env, args []*vec.Vector, valid vec.Bitmap, n int) (*vec.Vector, error) {
		out, res := vec.MakeFixed[uint8](types.Of(types.Bool), n, valid)
		zoned := args[0].Kind() == types.TimestampTZ || args[1].Kind() == types.TimestampTZ
		instant := func(v *vec.Vector, i int) int64 {
			x := intAt(v, i)
			if v.Kind() == types.Date {
				x = dateMicrosClamped(int32(x))
			}
			if zoned && v.Kind() != types.TimestampTZ {
				x = pgtext.ToInstant(x, env.Zone())
			}
			return x
		}
		for i := range res {
			if valid.Valid(i) {
				res[i] = b2u(op.holds(cmp.Compare(instant(args[0], i), instant(args[1], i))))
			}
		}
		return out, nil
	}
}

// dateMicrosClamped returns midnight of a date, or the infinity it is nearest to.
func dateMicrosClamped(days int32) int64 {
	switch {
	case days == math.MaxInt32 || int64(days) > math.MaxInt64/pgtext.MicrosPerDay:
		return math.MaxInt64
	case days == math.MinInt32 || int64(days) < math.MinInt64/pgtext.MicrosPerDay:
		return math.MinInt64
	}
	return int64(days) * pgtext.MicrosPerDay
}
