package compute

import (
	"math"

	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

func addFloats(c *catalogue) {
	kinds := []types.Kind{types.Float4, types.Float8}
	for _, a := range kinds {
		for _, b := range kinds {
			k := max(a, b)
			for name, op := range map[string]func(a, b float64) (float64, error){
				"+": addFloat, "-": subFloat, "*": mulFloat, "/": divFloat,
			} {
				c.strict(name, ClassArithmetic, k, binaryFloat(k, op), a, b)
			}
		}
	}
	for name, f := range map[string]func(float64) float64{
		"+": func(a float64) float64 { return a }, "-": func(a float64) float64 { return -a },
		"abs": math.Abs, "@": math.Abs,
	} {
		c.strict(name, ClassArithmetic, types.Float4,
			map1(types.Float4, func(a float32) float32 { return float32(f(float64(a))) }), types.Float4)
		c.strict(name, ClassArithmetic, types.Float8, map1(types.Float8, f), types.Float8)
	}
}

// binaryFloat computes in float64. For float4 the result is rounded once, which is exact for the four operations.
func binaryFloat(k types.Kind, op func(a, b float64) (float64, error)) Kernel {
	return func(_ *Env, args []*vec.Vector, valid vec.Bitmap, n int) (*vec.Vector, error) {
		a, b := floats(args[0]), floats(args[1])
		var wide []float64
		var narrow []float32
		var out *vec.Vector
		if k == types.Float4 {
			out, narrow = vec.MakeFixed[float32](types.Of(k), n, valid)
		} else {
			out, wide = vec.MakeFixed[float64](types.Of(k), n, valid)
		}
		for i := range n {
			if !valid.Valid(i) {
				continue
			}
			r, err := op(a[i], b[i])
			if err != nil {
				return nil, err
			}
			if narrow == nil {
				wide[i] = r
				continue
			}
			if narrow[i], err = toFloat32(r); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
}

func toFloat32(r float64) (float32, error) {
	f := float32(r)
	if math.IsInf(float64(f), 0) && !math.IsInf(r, 0) {
		return 0, errFloatOverflow()
	}
	if f == 0 && r != 0 {
		return 0, errFloatUnderflow()
	}
	return f, nil
}

func isInf(f float64) bool { return f > math.MaxFloat64 || f < -math.MaxFloat64 }

func addFloat(a, b float64) (float64, error) {
	r := a + b
	if isInf(r) && !isInf(a) && !isInf(b) {
		return 0, errFloatOverflow()
	}
	return r, nil
}

func subFloat(a, b float64) (float64, error) { return addFloat(a, -b) }

func mulFloat(a, b float64) (float64, error) {
	r := a * b
	if isInf(r) && !isInf(a) && !isInf(b) {
		return 0, errFloatOverflow()
	}
	if r == 0 && a != 0 && b != 0 {
		return 0, errFloatUnderflow()
	}
	return r, nil
}

func divFloat(a, b float64) (float64, error) {
	if b == 0 && a == a {
		return 0, errZeroDivide()
	}
	r := a / b
	if isInf(r) && !isInf(a) {
		return 0, errFloatOverflow()
	}
	if r == 0 && a != 0 && !isInf(b) {
		return 0, errFloatUnderflow()
	}
	return r, nil
}
