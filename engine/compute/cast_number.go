package compute

import (
	"math"

	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
	"github.com/attunedb/attune/engine/vec"
)

// castNumber converts between number kinds, which differ. Floats round half to even and numerics half away
// from zero on the way to integers.
func castNumber(v *vec.Vector, to types.Type) (*vec.Vector, error) {
	switch v.Kind() {
	case types.Int2:
		return castFromInt[int16](v, to)
	case types.Int4:
		return castFromInt[int32](v, to)
	case types.Int8:
		return castFromInt[int64](v, to)
	case types.Float4:
		return castFromFloat[float32](v, to)
	case types.Float8:
		return castFromFloat[float64](v, to)
	}
	return castFromNumeric(v, to)
}

func castFromInt[S signed](v *vec.Vector, to types.Type) (*vec.Vector, error) {
	switch to.Kind {
	case types.Int2:
		return intToInt[S, int16](v, to)
	case types.Int4:
		return intToInt[S, int32](v, to)
	case types.Int8:
		return intToInt[S, int64](v, to)
	case types.Float4:
		return intToFloat[S, float32](v, to), nil
	case types.Float8:
		return intToFloat[S, float64](v, to), nil
	}
	out, res := vec.MakeFixed[vec.DecimalWord](to, v.Len(), v.Validity())
	for i, x := range vec.Values[S](v) {
		res[i].Coef = int64(x)
	}
	return out, nil
}

func intToInt[S, D signed](v *vec.Vector, to types.Type) (*vec.Vector, error) {
	out, res := vec.MakeFixed[D](to, v.Len(), v.Validity())
	lost := false
	src := vec.Values[S](v)
	res = res[:len(src)]
	for i, x := range src {
		d := D(x)
		res[i] = d
		lost = lost || int64(d) != int64(x)
	}
	if lost {
		// A value under a NULL does not count.
		for i, x := range src {
			if int64(D(x)) != int64(x) && !v.IsNull(i) {
				return nil, errOutOfRange(to.Kind)
			}
		}
	}
	return out, nil
}

func intToFloat[S signed, D float32 | float64](v *vec.Vector, to types.Type) *vec.Vector {
	out, res := vec.MakeFixed[D](to, v.Len(), v.Validity())
	for i, x := range vec.Values[S](v) {
		res[i] = D(x)
	}
	return out
}

func castFromFloat[S float32 | float64](v *vec.Vector, to types.Type) (*vec.Vector, error) {
	src := vec.Values[S](v)
	switch to.Kind {
	case types.Int2:
		return floatToInt[S, int16](v, to)
	case types.Int4:
		return floatToInt[S, int32](v, to)
	case types.Int8:
		return floatToInt[S, int64](v, to)
	case types.Float8:
		out, res := vec.MakeFixed[float64](to, v.Len(), v.Validity())
		for i, x := range src {
			res[i] = float64(x)
		}
		return out, nil
	case types.Float4:
		return floatToReal(v, vec.Values[float64](v), to)
	}
	b := vec.NewBuilder(to, v.Len())
	for i, x := range src {
		if v.IsNull(i) {
			b.AppendNull()
			continue
		}
		b.AppendDecimal(types.DecimalFromFloat(v.Kind(), float64(x)))
	}
	return b.Finish(), nil
}

func floatToReal(v *vec.Vector, src []float64, to types.Type) (*vec.Vector, error) {
	out, res := vec.MakeFixed[float32](to, v.Len(), v.Validity())
	for i, x := range src {
		f := float32(x)
		res[i] = f
		switch {
		case v.IsNull(i):
		case math.IsInf(float64(f), 0) && !math.IsInf(x, 0):
			return nil, errFloatOverflow()
		case f == 0 && x != 0:
			return nil, errFloatUnderflow()
		}
	}
	return out, nil
}

func floatToInt[S float32 | float64, D signed](v *vec.Vector, to types.Type) (*vec.Vector, error) {
	out, res := vec.MakeFixed[D](to, v.Len(), v.Validity())
	lo, hi := types.IntRange(to.Kind)
	// 2^63 is the float next to MaxInt64, so the upper bound is exclusive.
	least, beyond := float64(lo), float64(hi)+1
	for i, x := range vec.Values[S](v) {
		r := math.RoundToEven(float64(x))
		if r >= least && r < beyond {
			res[i] = D(r)
		} else if !v.IsNull(i) {
			return nil, errOutOfRange(to.Kind)
		}
	}
	return out, nil
}

func castFromNumeric(v *vec.Vector, to types.Type) (*vec.Vector, error) {
	switch to.Kind {
	case types.Int2:
		return numericToInt[int16](v, to)
	case types.Int4:
		return numericToInt[int32](v, to)
	case types.Int8:
		return numericToInt[int64](v, to)
	case types.Float4:
		return numericToFloat[float32](v, to)
	}
	return numericToFloat[float64](v, to)
}

func numericToInt[D signed](v *vec.Vector, to types.Type) (*vec.Vector, error) {
	out, res := vec.MakeFixed[D](to, v.Len(), v.Validity())
	for i, w := range vec.Values[vec.DecimalWord](v) {
		if v.IsNull(i) {
			continue
		}
		if w.IsSmall() && w.Scale == 0 && int64(D(w.Coef)) == w.Coef {
			res[i] = D(w.Coef)
			continue
		}
		x, err := v.DecimalAt(i).Int(to.Kind)
		if err != nil {
			return nil, err
		}
		res[i] = D(x)
	}
	return out, nil
}

func numericToFloat[D float32 | float64](v *vec.Vector, to types.Type) (*vec.Vector, error) {
	out, res := vec.MakeFixed[D](to, v.Len(), v.Validity())
	for i := range res {
		if v.IsNull(i) {
			continue
		}
		f, err := v.DecimalAt(i).Float(to.Kind)
		if err != nil {
			return nil, err
		}
		res[i] = D(f)
	}
	return out, nil
}

// fitNumeric rounds to numeric(precision, scale). Columns that are of the scale and fit are shared.
func fitNumeric(v *vec.Vector, to types.Type) (*vec.Vector, error) {
	if fitsNumeric(v, to) {
		return v.Retyped(to), nil
	}
	b := vec.NewBuilder(to, v.Len())
	for i := range v.Len() {
		if v.IsNull(i) {
			b.AppendNull()
			continue
		}
		d, err := pgtext.FitNumeric(to, v.DecimalAt(i))
		if err != nil {
			return nil, err
		}
		b.AppendDecimal(d)
	}
	return b.Finish(), nil
}

func fitsNumeric(v *vec.Vector, to types.Type) bool {
	if to.Precision() > 18 {
		return false
	}
	bound := int64(1)
	for range to.Precision() {
		bound *= 10
	}
	scale := int32(to.Scale())
	for i, w := range vec.Values[vec.DecimalWord](v) {
		if !v.IsNull(i) && (!w.IsSmall() || w.Scale != scale || w.Coef >= bound || w.Coef <= -bound) {
			return false
		}
	}
	return true
}
