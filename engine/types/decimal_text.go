package types

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// Append appends the number as PostgreSQL prints it: all digits of the display scale, no exponent.
func (d Decimal) Append(dst []byte) []byte {
	switch d.Form {
	case DecimalNaN:
		return append(dst, "NaN"...)
	case DecimalPosInf:
		return append(dst, "Infinity"...)
	case DecimalNegInf:
		return append(dst, "-Infinity"...)
	}
	start := len(dst)
	if d.Big != nil {
		dst = d.Big.Append(dst, 10)
	} else {
		dst = strconv.AppendInt(dst, d.Small, 10)
	}
	if d.Scale == 0 {
		return dst
	}
	if dst[start] == '-' {
		start++
	}
	scale := int(d.Scale)
	if missing := scale + 1 - (len(dst) - start); missing > 0 {
		n := len(dst)
		for range missing {
			dst = append(dst, '0')
		}
		copy(dst[start+missing:], dst[start:n])
		for i := range missing {
			dst[start+i] = '0'
		}
	}
	dst = append(dst, 0)
	point := len(dst) - 1 - scale
	copy(dst[point+1:], dst[point:len(dst)-1])
	dst[point] = '.'
	return dst
}

// String returns the number as Append prints it.
func (d Decimal) String() string { return string(d.Append(nil)) }

// DecimalSyntax is the outcome of ParseDecimal.
type DecimalSyntax uint8

// The outcomes: fine, not a number at all, or beyond the limits of numeric.
const (
	DecimalOK DecimalSyntax = iota
	DecimalMalformed
	DecimalTooLarge
)

// ParseDecimal reads a number as numeric_in does, without surrounding blanks: digits with an optional point
// and exponent, NaN, and the infinities, in any case.
func ParseDecimal(s string) (Decimal, DecimalSyntax) {
	body, neg := s, false
	if body != "" && (body[0] == '+' || body[0] == '-') {
		neg = body[0] == '-'
		body = body[1:]
	}
	if body == "" {
		return Decimal{}, DecimalMalformed
	}
	if c := body[0]; c != '.' && (c < '0' || c > '9') {
		return parseSpecial(s, body, neg)
	}
	var coef uint64
	digits, scale, point, i := 0, 0, false, 0
	for ; i < len(body); i++ {
		c := body[i]
		if c == '.' && !point {
			point = true
			continue
		}
		if c < '0' || c > '9' {
			break
		}
		digits++
		if point {
			scale++
		}
		if digits <= 19 {
			coef = coef*10 + uint64(c-'0')
		}
	}
	if digits == 0 {
		return Decimal{}, DecimalMalformed
	}
	mantissa := body[:i]
	exp := 0
	if i < len(body) {
		var ok bool
		if exp, ok = parseExponent(body[i:]); !ok {
			return Decimal{}, DecimalMalformed
		}
	}
	scale -= exp
	if digits <= 18 && exp == 0 {
		if scale > MaxDecimalScale {
			return Decimal{}, DecimalTooLarge
		}
		v := int64(coef)
		if neg {
			v = -v
		}
		return Decimal{Small: v, Scale: int32(scale)}, DecimalOK
	}
	return parseLong(mantissa, neg, scale)
}

func parseSpecial(s, body string, neg bool) (Decimal, DecimalSyntax) {
	switch {
	case strings.EqualFold(s, "nan"):
		return decimalNaN, DecimalOK
	case strings.EqualFold(body, "infinity"), strings.EqualFold(body, "inf"):
		if neg {
			return decimalNegInf, DecimalOK
		}
		return decimalPosInf, DecimalOK
	}
	return Decimal{}, DecimalMalformed
}

// parseExponent reads e, an optional sign and digits. A huge exponent is cut to a value that is out of
// every range.
func parseExponent(s string) (int, bool) {
	if s[0] != 'e' && s[0] != 'E' || len(s) < 2 {
		return 0, false
	}
	digits := s[1:]
	if digits[0] == '+' || digits[0] == '-' {
		digits = digits[1:]
	}
	if digits == "" {
		return 0, false
	}
	v := 0
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = min(v*10+int(c-'0'), math.MaxInt32/4)
	}
	if s[1] == '-' {
		v = -v
	}
	return v, true
}

func parseLong(mantissa string, neg bool, scale int) (Decimal, DecimalSyntax) {
	text := strings.TrimLeft(strings.Replace(mantissa, ".", "", 1), "0")
	if scale > MaxDecimalScale || len(text)-scale > MaxDecimalDigits {
		if text != "" || scale > MaxDecimalScale {
			return Decimal{}, DecimalTooLarge
		}
	}
	if text == "" {
		return Decimal{Scale: int32(max(scale, 0))}, DecimalOK
	}
	coef, ok := new(big.Int).SetString(text, 10)
	if !ok {
		return Decimal{}, DecimalMalformed
	}
	if neg {
		coef.Neg(coef)
	}
	if scale < 0 {
		coef.Mul(coef, pow10Big(-scale))
		scale = 0
	}
	return DecimalFromBig(coef, int32(scale)), DecimalOK
}
