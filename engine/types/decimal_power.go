package types

import (
	"math"
	"math/big"

	"github.com/attunedb/attune/engine/sqlerr"
)

// Power returns d^e at PostgreSQL's display scale. It fails with 2201F for zero to a negative power and
// a negative number to a fractional one, and with 22003 beyond the limits of numeric.
func (d Decimal) Power(e Decimal) (Decimal, error) {
	if d.Form != DecimalFinite || e.Form != DecimalFinite {
		return d.powerSpecial(e)
	}
	if d.Sign() == 0 && e.Sign() < 0 {
		return Decimal{}, sqlerr.New(sqlerr.InvalidArgumentForPowerFunction, "zero raised to a negative power is undefined")
	}
	integral := e.isIntegral()
	if d.Sign() < 0 && !integral {
		return Decimal{}, errComplexPower()
	}
	if n := e.Trunc(0); integral && n.Big == nil && n.Small >= math.MinInt32 && n.Small <= math.MaxInt32 {
		return d.powerInt(n.Small)
	}
	if d.Sign() == 0 {
		return Decimal{Scale: minSignificantDigits}, nil
	}
	negative := d.Sign() < 0 && e.Trunc(0).Coef().Bit(0) == 1
	r, err := d.Abs().powerReal(e)
	if negative {
		r = r.Neg()
	}
	return r, err
}

func errComplexPower() error {
	return sqlerr.New(sqlerr.InvalidArgumentForPowerFunction,
		"a negative number raised to a non-integer power yields a complex result")
}

func (d Decimal) isIntegral() bool { return d.Trunc(0).Cmp(d) == 0 }

// powerSpecial handles NaN and the infinities, by POSIX's pow.
func (d Decimal) powerSpecial(e Decimal) (Decimal, error) {
	switch {
	case d.Form == DecimalFinite && d.Cmp(decimalOne) == 0, e.IsZero():
		return decimalOne, nil
	case d.IsNaN() || e.IsNaN():
		return decimalNaN, nil
	}
	if e.IsInf() {
		up := e.Form == DecimalPosInf
		switch c := d.Abs().Cmp(decimalOne); {
		case c == 0:
			return decimalOne, nil
		case d.IsZero() && !up:
			return Decimal{}, sqlerr.New(sqlerr.InvalidArgumentForPowerFunction, "zero raised to a negative power is undefined")
		case (c > 0) == up:
			return decimalPosInf, nil
		}
		return Decimal{}, nil
	}
	if d.Form == DecimalNegInf && !e.isIntegral() {
		return Decimal{}, errComplexPower()
	}
	if e.Sign() < 0 {
		return Decimal{}, nil
	}
	if d.Form == DecimalNegInf && e.Trunc(0).Coef().Bit(0) == 1 {
		return decimalNegInf, nil
	}
	return decimalPosInf, nil
}

// exactPowerDigits bounds the digits of an integer power that is computed exactly before it is rounded.
const exactPowerDigits = 20000

// powerInt returns d^n with at least 16 digits after the point (PostgreSQL's power_var_int).
func (d Decimal) powerInt(n int64) (Decimal, error) {
	scale := clampScale(max(minSignificantDigits, int(d.Scale)))
	switch {
	case n == 0:
		return decimalOne.Rescale(scale), nil
	case d.Sign() == 0:
		return Decimal{Scale: int32(scale)}, nil
	case n == -1:
		return decimalOne.divAt(d, scale)
	}
	digits := d.Digits()
	lead := min(digits, 15)
	weight := float64(n) * (math.Log10(float64(d.leading(digits, lead))) + float64(digits-lead-int(d.Scale)))
	if weight > MaxDecimalDigits {
		return Decimal{}, errDecimalOverflow()
	}
	if weight+1 < -float64(scale) {
		return Decimal{Scale: int32(scale)}, nil
	}
	times := absUint(n)
	if uint64(digits+int(d.Scale))*times <= exactPowerDigits {
		coef := new(big.Int).Exp(d.Coef(), new(big.Int).SetUint64(times), nil)
		den := pow10Big(int(d.Scale) * int(times))
		if n < 0 {
			if coef.Sign() < 0 {
				coef.Neg(coef)
				den = new(big.Int).Neg(den)
			}
			coef, den = den, coef
		}
		return finish(roundQuo(new(big.Int).Mul(coef, pow10Big(scale)), den), scale)
	}
	return d.powerFloat(times, n < 0, int(max(weight, 0))+scale, scale)
}

// powerFloat returns d^±times by repeated squaring in binary floating point that is good for the given digits.
func (d Decimal) powerFloat(times uint64, invert bool, digits, scale int) (Decimal, error) {
	prec := digitBits(digits) + 2*guardBits
	base := new(big.Float).SetPrec(prec).SetInt(d.Coef())
	base.Quo(base, new(big.Float).SetPrec(prec).SetInt(pow10Big(int(d.Scale))))
	if invert {
		base.Quo(big.NewFloat(1).SetPrec(prec), base)
	}
	r := new(big.Float).SetPrec(prec).SetInt64(1)
	for ; times > 0; times >>= 1 {
		if times&1 == 1 {
			r.Mul(r, base)
		}
		base.Mul(base, base)
	}
	r.Mul(r, new(big.Float).SetPrec(prec).SetInt(pow10Big(scale+1)))
	coef, _ := r.Int(nil)
	return finish(roundQuo(coef, pow10Cache[1]), scale)
}

// powerReal returns d^e = exp(e × ln d) for d > 0.
func (d Decimal) powerReal(e Decimal) (Decimal, error) {
	// Bits in front of the point of e carry the error of ln d into the product.
	lead := uint(max((e.Digits()-int(e.Scale))*10/3+1, 0))
	ten := pow10Big(int(e.Scale))
	product := func(p uint) *big.Int {
		x := fixedLn(d.Coef(), int(d.Scale), p+lead+guardBits)
		x.Quo(x.Mul(x, e.Coef()), ten)
		return x.Rsh(x, lead+guardBits)
	}
	val, _ := new(big.Float).SetMantExp(new(big.Float).SetInt(product(guardBits)), -guardBits).Float64()
	if math.Abs(val) > maxResultScale*3.01 {
		if val > 0 {
			return Decimal{}, errDecimalOverflow()
		}
		return Decimal{Scale: maxDisplayScale}, nil
	}
	weight := int(val * 0.434294481903252)
	scale := clampScale(max(minSignificantDigits-weight, int(d.Scale), int(e.Scale)))
	p := digitBits(scale + max(weight, 0) + 2)
	m, k := fixedExp(product(p), p)
	return fixedToDecimal(m, p, k, scale)
}
