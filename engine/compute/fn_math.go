package compute

import (
	"math"
	"math/rand/v2"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

func addMath(c *catalogue) {
	one := func(name string, f func(float64) (float64, error)) {
		c.strict(name, ClassArithmetic, types.Float8, try1(types.Float8, f), types.Float8)
	}
	total := func(name string, f func(float64) float64) {
		c.strict(name, ClassArithmetic, types.Float8, map1(types.Float8, f), types.Float8)
	}
	two := func(name string, f func(a, b float64) (float64, error)) {
		c.strict(name, ClassArithmetic, types.Float8, try2(types.Float8, f), types.Float8, types.Float8)
	}
	total("ceil", math.Ceil)
	total("ceiling", math.Ceil)
	total("floor", math.Floor)
	total("round", math.RoundToEven)
	total("trunc", math.Trunc)
	total("cbrt", math.Cbrt)
	total("||/", math.Cbrt)
	total("sign", func(a float64) float64 {
		switch {
		case a > 0:
			return 1
		case a < 0:
			return -1
		}
		return 0
	})
	one("sqrt", floatSqrt)
	one("|/", floatSqrt)
	one("exp", floatExp)
	one("ln", floatLog(math.Log))
	one("log", floatLog(math.Log10))
	one("log10", floatLog(math.Log10))
	two("power", floatPower)
	two("pow", floatPower)
	two("^", floatPower)
	two("atan2", func(a, b float64) (float64, error) { return math.Atan2(a, b), nil })
	total("atan", math.Atan)
	total("sinh", math.Sinh)
	total("cosh", math.Cosh)
	total("tanh", math.Tanh)
	total("asinh", math.Asinh)
	for name, f := range map[string]func(float64) float64{
		"sin": math.Sin, "cos": math.Cos, "tan": math.Tan,
		"cot": func(a float64) float64 { return 1 / math.Tan(a) },
	} {
		one(name, func(a float64) (float64, error) {
			if isInf(a) {
				return 0, errInputOutOfRange()
			}
			return f(a), nil
		})
	}
	for name, f := range map[string]func(float64) float64{
		"asin": math.Asin, "acos": math.Acos, "acosh": math.Acosh, "atanh": math.Atanh,
	} {
		one(name, func(a float64) (float64, error) {
			r := f(a)
			if r != r && a == a {
				return 0, errInputOutOfRange()
			}
			return r, nil
		})
	}
	one("degrees", func(a float64) (float64, error) { return divFloat(a, math.Pi/180) })
	one("radians", func(a float64) (float64, error) { return mulFloat(a, math.Pi/180) })
	c.add(&Func{Name: "pi", Ret: types.Float8, Strict: true, Class: ClassArithmetic,
		Eval: constantFunc(types.Float8, func(*Env) float64 { return math.Pi })})
	c.add(&Func{Name: "random", Ret: types.Float8, Strict: true, Class: ClassOther, Volatility: Volatile, Eval: random})
}

// constantFunc is the kernel of a function without arguments that has one value for all rows.
func constantFunc[R vec.Fixed](ret types.Kind, f func(*Env) R) Kernel {
	return func(env *Env, _ []*vec.Vector, _ vec.Bitmap, n int) (*vec.Vector, error) {
		out, res := vec.MakeFixed[R](types.Of(ret), n, nil)
		v := f(env)
		for i := range res {
			res[i] = v
		}
		return out, nil
	}
}

func random(env *Env, _ []*vec.Vector, _ vec.Bitmap, n int) (*vec.Vector, error) {
	next := rand.Float64
	if env != nil && env.Random != nil {
		next = env.Random
	}
	out, res := vec.MakeFixed[float64](types.Of(types.Float8), n, nil)
	for i := range res {
		res[i] = next()
	}
	return out, nil
}

func floatSqrt(a float64) (float64, error) {
	if a < 0 {
		return 0, sqlerr.New(sqlerr.InvalidArgumentForPowerFunction, "cannot take square root of a negative number")
	}
	return math.Sqrt(a), nil
}

func floatExp(a float64) (float64, error) {
	r := math.Exp(a)
	if isInf(r) && !isInf(a) {
		return 0, errFloatOverflow()
	}
	if r == 0 && !isInf(a) {
		return 0, errFloatUnderflow()
	}
	return r, nil
}

func floatLog(f func(float64) float64) func(float64) (float64, error) {
	return func(a float64) (float64, error) {
		if a == 0 {
			return 0, sqlerr.New(sqlerr.InvalidArgumentForLogarithm, "cannot take logarithm of zero")
		}
		if a < 0 {
			return 0, sqlerr.New(sqlerr.InvalidArgumentForLogarithm, "cannot take logarithm of a negative number")
		}
		return f(a), nil
	}
}

func floatPower(a, b float64) (float64, error) {
	switch {
	case a == 0 && b < 0:
		return 0, sqlerr.New(sqlerr.InvalidArgumentForPowerFunction, "zero raised to a negative power is undefined")
	case a < 0 && !isInf(a) && !isInf(b) && b == b && b != math.Floor(b):
		return 0, sqlerr.New(sqlerr.InvalidArgumentForPowerFunction,
			"a negative number raised to a non-integer power yields a complex result")
	}
	r := math.Pow(a, b)
	if !isInf(a) && !isInf(b) {
		if isInf(r) {
			return 0, errFloatOverflow()
		}
		if r == 0 && a != 0 {
			return 0, errFloatUnderflow()
		}
	}
	return r, nil
}
