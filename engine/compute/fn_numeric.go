package compute

import (
	"math/bits"

	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

func addNumerics(c *catalogue) {
	def := func(name string, k Kernel, args ...types.Kind) {
		c.strict(name, ClassArithmetic, types.Numeric, k, args...)
	}
	two := func(name string, fast decimalFast, op func(a, b types.Decimal) (types.Decimal, error)) {
		def(name, binaryDecimal(fast, op), types.Numeric, types.Numeric)
	}
	one := func(name string, op func(a types.Decimal) (types.Decimal, error)) {
		def(name, eachRow(types.Numeric, func(r *row) error {
			d, err := op(r.dec(0))
			if err != nil {
				return err
			}
			return r.putDec(d)
		}), types.Numeric)
	}
	total := func(name string, op func(a types.Decimal) types.Decimal) {
		one(name, func(a types.Decimal) (types.Decimal, error) { return op(a), nil })
	}
	two("+", addWords, types.Decimal.Add)
	two("-", subWords, types.Decimal.Sub)
	two("*", mulWords, types.Decimal.Mul)
	two("/", nil, types.Decimal.Div)
	two("%", nil, types.Decimal.Mod)
	two("mod", nil, types.Decimal.Mod)
	two("div", nil, types.Decimal.Quo)
	two("^", nil, types.Decimal.Power)
	two("power", nil, types.Decimal.Power)
	two("pow", nil, types.Decimal.Power)
	two("log", nil, func(base, x types.Decimal) (types.Decimal, error) { return x.Log(base) })
	total("+", func(a types.Decimal) types.Decimal { return a })
	total("-", types.Decimal.Neg)
	total("abs", types.Decimal.Abs)
	total("@", types.Decimal.Abs)
	total("ceil", types.Decimal.Ceil)
	total("ceiling", types.Decimal.Ceil)
	total("floor", types.Decimal.Floor)
	total("round", func(a types.Decimal) types.Decimal { return a.Round(0) })
	total("trunc", func(a types.Decimal) types.Decimal { return a.Trunc(0) })
	total("trim_scale", types.Decimal.Reduce)
	total("sign", func(a types.Decimal) types.Decimal {
		if a.IsNaN() {
			return a
		}
		return types.DecimalFromInt(int64(a.Sign()))
	})
	one("sqrt", types.Decimal.Sqrt)
	one("exp", types.Decimal.Exp)
	one("ln", types.Decimal.Ln)
	one("log", types.Decimal.Log10)
	one("log10", types.Decimal.Log10)
	for name, op := range map[string]func(types.Decimal, int) types.Decimal{
		"round": types.Decimal.Round, "trunc": types.Decimal.Trunc,
	} {
		def(name, eachRow(types.Numeric, func(r *row) error {
			return r.putDec(op(r.dec(0), int(r.int(1))))
		}), types.Numeric, types.Int4)
	}
	c.rows("scale", ClassArithmetic, types.Int4, func(r *row) error {
		d := r.dec(0)
		if d.Form != types.DecimalFinite {
			r.out.AppendNull()
			return nil
		}
		return put(r, d.Scale)
	}, types.Numeric)
	c.rows("min_scale", ClassArithmetic, types.Int4, func(r *row) error {
		d := r.dec(0)
		if d.Form != types.DecimalFinite {
			r.out.AppendNull()
			return nil
		}
		return put(r, d.Reduce().Scale)
	}, types.Numeric)
}

// decimalFast computes a result of two words complete in themselves, or reports false when it takes the long way.
type decimalFast func(x, y vec.DecimalWord) (vec.DecimalWord, bool)

func addWords(x, y vec.DecimalWord) (vec.DecimalWord, bool) {
	s := x.Coef + y.Coef
	return vec.DecimalWord{Coef: s, Scale: x.Scale}, x.Scale == y.Scale && (x.Coef^s)&(y.Coef^s) >= 0
}

func subWords(x, y vec.DecimalWord) (vec.DecimalWord, bool) {
	s := x.Coef - y.Coef
	return vec.DecimalWord{Coef: s, Scale: x.Scale}, x.Scale == y.Scale && (x.Coef^y.Coef)&(x.Coef^s) >= 0
}

func mulWords(x, y vec.DecimalWord) (vec.DecimalWord, bool) {
	hi, lo := bits.Mul64(uint64(x.Coef), uint64(y.Coef))
	high := int64(hi) - x.Coef>>63&y.Coef - y.Coef>>63&x.Coef
	scale := x.Scale + y.Scale
	return vec.DecimalWord{Coef: int64(lo), Scale: scale}, high == int64(lo)>>63 && scale <= types.MaxDecimalScale
}

// binaryDecimal computes with fast while every row allows it, and else with op.
func binaryDecimal(fast decimalFast, op func(a, b types.Decimal) (types.Decimal, error)) Kernel {
	slow := eachRow(types.Numeric, func(r *row) error {
		d, err := op(r.dec(0), r.dec(1))
		if err != nil {
			return err
		}
		return r.putDec(d)
	})
	if fast == nil {
		return slow
	}
	return func(env *Env, args []*vec.Vector, valid vec.Bitmap, n int) (*vec.Vector, error) {
		out, res := vec.MakeFixed[vec.DecimalWord](types.Of(types.Numeric), n, valid)
		b := vec.Values[vec.DecimalWord](args[1])
		for i, x := range vec.Values[vec.DecimalWord](args[0]) {
			if !valid.Valid(i) {
				continue
			}
			w, ok := fast(x, b[i])
			if !ok || !x.IsSmall() || !b[i].IsSmall() {
				return slow(env, args, valid, n)
			}
			res[i] = w
		}
		return out, nil
	}
}
