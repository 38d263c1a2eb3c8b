package types

import (
	"math"
	"math/big"
)

// Round returns d rounded half away from zero to scale digits after the point, with that display
// scale. A negative scale rounds left of the point and gives display scale 0. Specials stay as they are.
func (d Decimal) Round(scale int) Decimal { return d.quantize(scale, roundHalfAway) }

// Trunc is Round towards zero.
func (d Decimal) Trunc(scale int) Decimal { return d.quantize(scale, roundDown) }

// Rescale returns d with exactly scale digits after the point, rounded where there were more. scale ≥ 0.
func (d Decimal) Rescale(scale int) Decimal { return d.quantize(scale, roundHalfAway) }

// Ceil returns the least integer that is not less than d.
func (d Decimal) Ceil() Decimal {
	t := d.Trunc(0)
	if d.Form == DecimalFinite && d.Sign() > 0 && t.Cmp(d) != 0 {
		return t.addUnit(1)
	}
	return t
}

// Floor returns the greatest integer that is not greater than d.
func (d Decimal) Floor() Decimal {
	t := d.Trunc(0)
	if d.Form == DecimalFinite && d.Sign() < 0 && t.Cmp(d) != 0 {
		return t.addUnit(-1)
	}
	return t
}

func (d Decimal) addUnit(u int64) Decimal {
	return DecimalFromBig(new(big.Int).Add(d.Coef(), big.NewInt(u)), d.Scale)
}

type rounding uint8

const (
	roundHalfAway rounding = iota
	roundDown
)

func (d Decimal) quantize(scale int, mode rounding) Decimal {
	if d.Form != DecimalFinite || int(d.Scale) == scale {
		return d
	}
	scale = min(max(scale, -MaxDecimalDigits-1), MaxDecimalScale)
	if drop := int(d.Scale) - scale; drop > 0 {
		d = d.dropDigits(drop, mode)
	}
	// The coefficient counts units of 10^-scale from here on when digits were dropped.
	from := min(int(d.Scale), scale)
	up := max(scale, 0) - from
	if up == 0 {
		d.Scale = int32(max(scale, 0))
		return d
	}
	if d.Big == nil {
		if v, ok := scaleUp(d.Small, int32(up)); ok {
			return Decimal{Small: v, Scale: int32(max(scale, 0))}
		}
	}
	return DecimalFromBig(new(big.Int).Mul(d.Coef(), pow10Big(up)), int32(max(scale, 0)))
}

// dropDigits returns d with its coefficient divided by 10^n; the scale is left as it was and the caller's to set.
func (d Decimal) dropDigits(n int, mode rounding) Decimal {
	if d.Big == nil {
		if n > 19 {
			return Decimal{Scale: d.Scale}
		}
		u, p := absUint(d.Small), uint64Pow10(n)
		q, r := u/p, u%p
		if mode == roundHalfAway && r >= p-r {
			q++
		}
		v := int64(q)
		if d.Small < 0 {
			v = -v
		}
		return Decimal{Small: v, Scale: d.Scale}
	}
	if mode == roundDown {
		return DecimalFromBig(new(big.Int).Quo(d.Big, pow10Big(n)), d.Scale)
	}
	return DecimalFromBig(roundQuo(d.Big, pow10Big(n)), d.Scale)
}

// Fit applies the type numeric(precision, scale): it rounds, and reports false when the number has
// more than precision-scale digits before the point. Infinities never fit; NaN always does.
func (d Decimal) Fit(precision, scale int) (Decimal, bool) {
	switch d.Form {
	case DecimalNaN:
		return d, true
	case DecimalNegInf, DecimalPosInf:
		return d, false
	}
	r := d.Rescale(scale)
	return r, r.Digits() <= precision
}

// Reduce returns the equal number of least display scale, such as 1.5 for 1.500 (trim_scale).
func (d Decimal) Reduce() Decimal {
	if d.Form != DecimalFinite || d.Scale == 0 {
		return d
	}
	if d.Sign() == 0 {
		return Decimal{}
	}
	if d.Big == nil {
		for d.Scale > 0 && d.Small%10 == 0 {
			d.Small /= 10
			d.Scale--
		}
		return d
	}
	coef, scale := stripZeros(d.Big, int(d.Scale))
	return DecimalFromBig(coef, d.Scale-int32(scale))
}

// stripZeros returns x without up to limit trailing decimal zeros, and how many it took. x is not
// changed but may be returned.
func stripZeros(x *big.Int, limit int) (*big.Int, int) {
	if x.Sign() == 0 {
		return x, 0
	}
	taken := 0
	q, r := new(big.Int), new(big.Int)
	// Each zero in decimal is a zero in binary too.
	limit = min(limit, int(x.TrailingZeroBits()))
	for step := limit; step > 0; {
		q.QuoRem(x, pow10Big(step), r)
		if r.Sign() == 0 {
			x, q = q, new(big.Int)
			taken += step
			step = min(step, limit-taken)
			continue
		}
		step /= 2
	}
	return x, taken
}

// Stripped returns a finite number as coefficient × 10^exp without trailing zeros, the same for all
// equal numbers: in small when coef is nil.
func (d Decimal) Stripped() (small int64, coef *big.Int, exp int) {
	exp = -int(d.Scale)
	if d.Big != nil {
		stripped, taken := stripZeros(d.Big, math.MaxInt32)
		exp += taken
		if !stripped.IsInt64() {
			return 0, stripped, exp
		}
		return stripped.Int64(), nil, exp
	}
	small = d.Small
	if small == 0 {
		return 0, nil, 0
	}
	// Only even numbers are divisible by ten.
	for small&1 == 0 {
		q := small / 10
		if q*10 != small {
			break
		}
		small = q
		exp++
	}
	return small, nil, exp
}
