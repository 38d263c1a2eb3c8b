package types

import (
	"cmp"
	"math"
	"math/big"
	"math/bits"
)

var (
	decimalNaN    = Decimal{Form: DecimalNaN}
	decimalPosInf = Decimal{Form: DecimalPosInf}
	decimalNegInf = Decimal{Form: DecimalNegInf}
)

func signedInf(sign int) Decimal {
	if sign < 0 {
		return decimalNegInf
	}
	return decimalPosInf
}

// IsNaN reports whether d is NaN.
func (d Decimal) IsNaN() bool { return d.Form == DecimalNaN }

// IsInf reports whether d is one of the infinities.
func (d Decimal) IsInf() bool { return d.Form == DecimalPosInf || d.Form == DecimalNegInf }

// IsZero reports whether d is the finite number zero.
func (d Decimal) IsZero() bool { return d.Form == DecimalFinite && d.Big == nil && d.Small == 0 }

// Neg returns -d; NaN stays NaN.
func (d Decimal) Neg() Decimal {
	switch {
	case d.Form == DecimalNaN:
		return d
	case d.Form == DecimalPosInf:
		return decimalNegInf
	case d.Form == DecimalNegInf:
		return decimalPosInf
	case d.Big == nil && d.Small != math.MinInt64:
		return Decimal{Small: -d.Small, Scale: d.Scale}
	}
	return DecimalFromBig(new(big.Int).Neg(d.Coef()), d.Scale)
}

// Abs returns the absolute value; NaN stays NaN.
func (d Decimal) Abs() Decimal {
	if d.Form != DecimalNaN && d.Sign() < 0 {
		return d.Neg()
	}
	return d
}

// scaleUp returns v × 10^n, or false when it does not fit.
func scaleUp(v int64, n int32) (int64, bool) {
	if n == 0 || v == 0 {
		return v, true
	}
	if int(n) >= len(pow10Int) {
		return 0, false
	}
	return mul64(v, pow10Int[n])
}

func mul64(a, b int64) (int64, bool) {
	hi, lo := bits.Mul64(absUint(a), absUint(b))
	if hi != 0 || lo > math.MaxInt64 {
		return 0, false
	}
	if (a < 0) != (b < 0) {
		return -int64(lo), true
	}
	return int64(lo), true
}

// align returns the coefficients of two finite numbers at their larger scale; neither may be changed.
func align(a, b Decimal) (x, y *big.Int, scale int32) {
	x, y = a.Coef(), b.Coef()
	switch {
	case a.Scale < b.Scale:
		return new(big.Int).Mul(x, pow10Big(int(b.Scale-a.Scale))), y, b.Scale
	case a.Scale > b.Scale:
		return x, new(big.Int).Mul(y, pow10Big(int(a.Scale-b.Scale))), a.Scale
	}
	return x, y, a.Scale
}

// alignSmall is align within int64, or false when it does not fit.
func alignSmall(a, b Decimal) (x, y int64, scale int32, ok bool) {
	if a.Scale == b.Scale {
		return a.Small, b.Small, a.Scale, true
	}
	if a.Scale < b.Scale {
		x, ok = scaleUp(a.Small, b.Scale-a.Scale)
		return x, b.Small, b.Scale, ok
	}
	y, ok = scaleUp(b.Small, a.Scale-b.Scale)
	return a.Small, y, a.Scale, ok
}

// Add returns d + o at the larger of the scales. It fails with 22003 beyond the limits of numeric.
func (d Decimal) Add(o Decimal) (Decimal, error) {
	if d.IsSmall() && o.IsSmall() {
		if x, y, scale, ok := alignSmall(d, o); ok {
			if sum := x + y; (sum > x) == (y > 0) {
				return Decimal{Small: sum, Scale: scale}, nil
			}
		}
	}
	if d.Form != DecimalFinite || o.Form != DecimalFinite {
		switch {
		case d.IsNaN() || o.IsNaN(), d.IsInf() && o.IsInf() && d.Form != o.Form:
			return decimalNaN, nil
		case d.IsInf():
			return d, nil
		}
		return o, nil
	}
	x, y, scale := align(d, o)
	return finish(new(big.Int).Add(x, y), int(scale))
}

// Sub returns d - o at the larger of the scales. It fails with 22003 beyond the limits of numeric.
func (d Decimal) Sub(o Decimal) (Decimal, error) {
	if d.IsSmall() && o.IsSmall() {
		if x, y, scale, ok := alignSmall(d, o); ok {
			if diff := x - y; (diff < x) == (y > 0) {
				return Decimal{Small: diff, Scale: scale}, nil
			}
		}
	}
	return d.Add(o.Neg())
}

// Mul returns d × o at the sum of the scales. It fails with 22003 beyond the limits of numeric.
func (d Decimal) Mul(o Decimal) (Decimal, error) {
	if d.Form != DecimalFinite || o.Form != DecimalFinite {
		if d.IsNaN() || o.IsNaN() || d.Sign() == 0 || o.Sign() == 0 {
			return decimalNaN, nil
		}
		return signedInf(d.Sign() * o.Sign()), nil
	}
	scale := int(d.Scale) + int(o.Scale)
	if d.Big == nil && o.Big == nil && scale <= MaxDecimalScale {
		if p, ok := mul64(d.Small, o.Small); ok {
			return Decimal{Small: p, Scale: int32(scale)}, nil
		}
	}
	return finish(new(big.Int).Mul(d.Coef(), o.Coef()), scale)
}

// Cmp returns -1, 0 or 1 by value in PostgreSQL's order: -Infinity, the finite numbers, Infinity,
// NaN, where NaN equals itself and the display scale does not count.
func (d Decimal) Cmp(o Decimal) int {
	if d.IsSmall() && o.IsSmall() {
		if x, y, _, ok := alignSmall(d, o); ok {
			return cmp.Compare(x, y)
		}
	}
	if d.Form != DecimalFinite || o.Form != DecimalFinite {
		return cmp.Compare(formRank(d.Form), formRank(o.Form))
	}
	if s, t := d.Sign(), o.Sign(); s != t {
		return cmp.Compare(s, t)
	}
	x, y, _ := align(d, o)
	return x.Cmp(y)
}

// formRank returns a form's place in the sort order.
func formRank(f DecimalForm) int {
	switch f {
	case DecimalNegInf:
		return 0
	case DecimalFinite:
		return 1
	case DecimalPosInf:
		return 2
	}
	return 3
}
