package types

import (
	"math"
	"strconv"

	"github.com/attunedb/attune/engine/sqlerr"
)

// DecimalFromFloat converts a float of kind k as PostgreSQL casts it to numeric: 15 significant digits
// of a float8, 6 of a float4.
func DecimalFromFloat(k Kind, f float64) Decimal {
	switch {
	case math.IsNaN(f):
		return decimalNaN
	case math.IsInf(f, 1):
		return decimalPosInf
	case math.IsInf(f, -1):
		return decimalNegInf
	}
	digits := 15
	if k == Float4 {
		digits = 6
	}
	var buf [32]byte
	// %g prints no trailing zeros, so the scale is that of the digits that matter.
	d, _ := ParseDecimal(string(strconv.AppendFloat(buf[:0], f, 'e', digits-1, 64)))
	return d.Reduce()
}

// Float returns the nearest value of float kind k. It fails with 22003 when a finite number
// overflows, or underflows to zero.
func (d Decimal) Float(k Kind) (float64, error) {
	switch d.Form {
	case DecimalNaN:
		return math.NaN(), nil
	case DecimalPosInf:
		return math.Inf(1), nil
	case DecimalNegInf:
		return math.Inf(-1), nil
	}
	if d.Big == nil && d.Scale <= 22 && k == Float8 && absUint(d.Small) <= 1<<53 {
		// Both operands are exact, so the quotient is rounded once.
		return float64(d.Small) / exactPow10[d.Scale], nil
	}
	bits := 64
	if k == Float4 {
		bits = 32
	}
	text := d.String()
	f, err := strconv.ParseFloat(text, bits)
	if err != nil || f == 0 && d.Sign() != 0 {
		return 0, sqlerr.New(sqlerr.NumericValueOutOfRange, "%q is out of range for type %s", text, k)
	}
	return f, nil
}

var exactPow10 = [23]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12,
	1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// approxFloat returns roughly d, never failing: beyond the range of float64 it is an infinity or zero.
func (d Decimal) approxFloat() float64 {
	f, err := d.Float(Float8)
	if err == nil {
		return f
	}
	if d.Abs().Cmp(DecimalFromInt(1)) < 0 {
		return 0
	}
	return math.Inf(d.Sign())
}

// Int returns d rounded half away from zero as an integer of kind k. It fails with 22003 when it is out of
// k's range and with 0A000 for NaN and the infinities.
func (d Decimal) Int(k Kind) (int64, error) {
	switch d.Form {
	case DecimalNaN:
		return 0, sqlerr.New(sqlerr.FeatureNotSupported, "cannot convert NaN to %s", k)
	case DecimalPosInf, DecimalNegInf:
		return 0, sqlerr.New(sqlerr.FeatureNotSupported, "cannot convert infinity to %s", k)
	}
	r := d.Round(0)
	lo, hi := IntRange(k)
	if r.Big != nil || r.Small < lo || r.Small > hi {
		return 0, sqlerr.New(sqlerr.NumericValueOutOfRange, "%s out of range", k)
	}
	return r.Small, nil
}

// IntRange returns the least and greatest value of integer kind k.
func IntRange(k Kind) (lo, hi int64) {
	switch k {
	case Int2:
		return math.MinInt16, math.MaxInt16
	case Int4:
		return math.MinInt32, math.MaxInt32
	}
	return math.MinInt64, math.MaxInt64
}
