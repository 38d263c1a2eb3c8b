package types

import (
	"math"
	"math/big"
	"math/bits"

	"github.com/attunedb/attune/engine/sqlerr"
)

func errDivisionByZero() error { return sqlerr.New(sqlerr.DivisionByZero, "division by zero") }

// weight returns the position of the leading base-10000 digit of a finite number and that digit, as
// PostgreSQL's numeric keeps them; both are 0 for zero. The scale rules are stated in these terms.
func (d Decimal) weight() (weight, first int) {
	n := d.Digits()
	if n == 0 {
		return 0, 0
	}
	exp := n - 1 - int(d.Scale)
	weight = floorDiv(exp, 4)
	lead := exp - 4*weight + 1
	return weight, d.leading(n, lead)
}

// leading returns the first k digits of a coefficient of n digits, with zeros appended when k > n.
func (d Decimal) leading(n, k int) int {
	if d.Big == nil {
		u := absUint(d.Small)
		if k <= n {
			return int(u / uint64Pow10(n-k))
		}
		return int(u * uint64Pow10(k-n))
	}
	q := new(big.Int).Abs(d.Big)
	if k <= n {
		return int(q.Quo(q, pow10Big(n-k)).Int64())
	}
	return int(q.Mul(q, pow10Big(k-n)).Int64())
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// divScale chooses the display scale of a quotient (PostgreSQL's select_div_scale): at least 16 significant digits
// and no less than either input's scale.
func divScale(a, b Decimal) int {
	wa, fa := a.weight()
	wb, fb := b.weight()
	q := wa - wb
	if fa <= fb {
		q--
	}
	return clampScale(max(minSignificantDigits-4*q, int(a.Scale), int(b.Scale)))
}

func clampScale(s int) int { return min(max(s, 0), maxDisplayScale) }

// Div returns d / o rounded half away from zero at PostgreSQL's display scale. It fails with 22012
// for a zero divisor unless d is NaN.
func (d Decimal) Div(o Decimal) (Decimal, error) {
	if d.Form != DecimalFinite || o.Form != DecimalFinite {
		switch {
		case d.IsNaN() || o.IsNaN():
			return decimalNaN, nil
		case d.IsInf() && o.IsInf():
			return decimalNaN, nil
		case d.IsInf() && o.Sign() == 0:
			return Decimal{}, errDivisionByZero()
		case d.IsInf():
			return signedInf(d.Sign() * o.Sign()), nil
		}
		return Decimal{}, nil
	}
	if o.Sign() == 0 {
		return Decimal{}, errDivisionByZero()
	}
	return d.divAt(o, divScale(d, o))
}

// divAt returns the quotient of finite numbers rounded at the given scale.
func (d Decimal) divAt(o Decimal, scale int) (Decimal, error) {
	shift := scale - int(d.Scale) + int(o.Scale)
	if d.Big == nil && o.Big == nil && shift >= 0 {
		if q, ok := divSmall(absUint(d.Small), absUint(o.Small), shift); ok {
			v := int64(q)
			if (d.Small < 0) != (o.Small < 0) {
				v = -v
			}
			return Decimal{Small: v, Scale: int32(scale)}, nil
		}
	}
	num, den := d.Coef(), new(big.Int).Abs(o.Coef())
	if shift >= 0 {
		num = new(big.Int).Mul(num, pow10Big(shift))
	} else {
		den.Mul(den, pow10Big(-shift))
	}
	q := roundQuo(num, den)
	if o.Sign() < 0 {
		q.Neg(q)
	}
	return finish(q, scale)
}

// divSmall returns a × 10^shift / b rounded half up by 128-bit steps, or false when it does not fit an int64.
func divSmall(a, b uint64, shift int) (uint64, bool) {
	q, r := a/b, a%b
	for shift > 0 {
		step := min(shift, 19)
		p := uint64Pow10(step)
		hi, lo := bits.Mul64(q, p)
		if hi != 0 {
			return 0, false
		}
		rh, rl := bits.Mul64(r, p)
		// r < b, so r × p / b < p and the quotient fits.
		dq, dr := bits.Div64(rh, rl, b)
		sum, carry := bits.Add64(lo, dq, 0)
		if carry != 0 {
			return 0, false
		}
		q, r = sum, dr
		shift -= step
	}
	if r >= b-r {
		q++
	}
	return q, q <= math.MaxInt64
}

// Quo returns the integer part of d / o, at scale 0. It fails with 22012 for a zero divisor.
func (d Decimal) Quo(o Decimal) (Decimal, error) {
	if d.Form != DecimalFinite || o.Form != DecimalFinite {
		return d.Div(o)
	}
	if o.Sign() == 0 {
		return Decimal{}, errDivisionByZero()
	}
	x, y, _ := align(d, o)
	return finish(new(big.Int).Quo(x, y), 0)
}

// Mod returns the remainder of d / o with d's sign. It fails with 22012 for a zero divisor.
func (d Decimal) Mod(o Decimal) (Decimal, error) {
	if d.Form != DecimalFinite || o.Form != DecimalFinite {
		switch {
		case d.IsNaN() || o.IsNaN():
			return decimalNaN, nil
		case d.IsInf() && o.Sign() == 0 && o.Form == DecimalFinite:
			return Decimal{}, errDivisionByZero()
		case d.IsInf():
			return decimalNaN, nil
		}
		return d, nil
	}
	if o.Sign() == 0 {
		return Decimal{}, errDivisionByZero()
	}
	if d.Big == nil && o.Big == nil {
		if x, y, scale, ok := alignSmall(d, o); ok {
			if y == -1 {
				return Decimal{Scale: scale}, nil
			}
			return Decimal{Small: x % y, Scale: scale}, nil
		}
	}
	x, y, scale := align(d, o)
	return finish(new(big.Int).Rem(x, y), int(scale))
}
