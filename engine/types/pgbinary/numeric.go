package pgbinary

import (
	"encoding/binary"
	"math/big"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
)

// The sign words of a numeric.
const (
	signPositive = 0x0000
	signNegative = 0x4000
	signNaN      = 0xC000
	signPosInf   = 0xD000
	signNegInf   = 0xF000
)

// infScale is what PostgreSQL sends as the scale of an infinity; receivers ignore it.
const infScale = 0x20

const (
	base       = 10000
	baseDigits = 4
)

func appendNumeric(dst []byte, d types.Decimal) []byte {
	switch d.Form {
	case types.DecimalNaN:
		return appendHeader(dst, 0, 0, signNaN, 0)
	case types.DecimalPosInf:
		return appendHeader(dst, 0, 0, signPosInf, infScale)
	case types.DecimalNegInf:
		return appendHeader(dst, 0, 0, signNegInf, infScale)
	}
	digits := base10000(d)
	fraction := (int(d.Scale) + baseDigits - 1) / baseDigits
	weight := len(digits) - fraction - 1
	for len(digits) > 0 && digits[len(digits)-1] == 0 {
		digits = digits[:len(digits)-1]
	}
	sign := signPositive
	if d.Sign() < 0 {
		sign = signNegative
	}
	if len(digits) == 0 {
		weight = 0
	}
	dst = appendHeader(dst, len(digits), weight, sign, int(d.Scale))
	for _, g := range digits {
		dst = binary.BigEndian.AppendUint16(dst, g)
	}
	return dst
}

func appendHeader(dst []byte, n, weight, sign, scale int) []byte {
	for _, w := range [4]int{n, weight, sign, scale} {
		dst = binary.BigEndian.AppendUint16(dst, uint16(w))
	}
	return dst
}

// base10000 returns the digits of |d| in base 10000 from the first that is not zero on, aligned to the decimal point.
func base10000(d types.Decimal) []uint16 {
	text := new(big.Int).Abs(d.Coef()).Append(nil, 10)
	if d.Sign() == 0 {
		return nil
	}
	for range (baseDigits - int(d.Scale)%baseDigits) % baseDigits {
		text = append(text, '0')
	}
	head := len(text) % baseDigits
	digits := make([]uint16, 0, len(text)/baseDigits+1)
	group := func(part []byte) {
		v := uint16(0)
		for _, c := range part {
			v = v*10 + uint16(c-'0')
		}
		if v != 0 || len(digits) > 0 {
			digits = append(digits, v)
		}
	}
	if head > 0 {
		group(text[:head])
	}
	for i := head; i < len(text); i += baseDigits {
		group(text[i : i+baseDigits])
	}
	return digits
}

func decodeNumeric(b []byte) (types.Decimal, error) {
	if len(b) < 8 {
		return types.Decimal{}, errShort()
	}
	be := binary.BigEndian
	n, weight := int(be.Uint16(b)), int(int16(be.Uint16(b[2:])))
	sign, scale := be.Uint16(b[4:]), int(be.Uint16(b[6:]))
	b = b[8:]
	if len(b) != 2*n {
		return types.Decimal{}, errLength(types.Numeric)
	}
	switch sign {
	case signPositive, signNegative:
	case signNaN:
		return types.Decimal{Form: types.DecimalNaN}, nil
	case signPosInf:
		return types.Decimal{Form: types.DecimalPosInf}, nil
	case signNegInf:
		return types.Decimal{Form: types.DecimalNegInf}, nil
	default:
		return types.Decimal{}, errInvalid(`invalid sign in external "numeric" value`)
	}
	if scale > types.MaxDecimalScale {
		return types.Decimal{}, errInvalid(`invalid scale in external "numeric" value`)
	}
	return joinNumeric(b, n, weight, scale, sign == signNegative)
}

// joinNumeric rebuilds the coefficient. Digits beyond the display scale are cut, as numeric_recv does.
func joinNumeric(b []byte, n, weight, scale int, negative bool) (types.Decimal, error) {
	text := make([]byte, 0, baseDigits*n)
	for i := range n {
		g := binary.BigEndian.Uint16(b[2*i:])
		if g >= base {
			return types.Decimal{}, errInvalid(`invalid digit in external "numeric" value`)
		}
		text = append(text, byte('0'+g/1000), byte('0'+g/100%10), byte('0'+g/10%10), byte('0'+g%10))
	}
	// The text counts units of 10^-have.
	have := (n - 1 - weight) * baseDigits
	for have > scale && len(text) > 0 {
		text = text[:len(text)-1]
		have--
	}
	coef := new(big.Int)
	if len(text) > 0 {
		coef.SetString(string(text), 10)
	}
	if coef.Sign() != 0 && scale > have {
		coef.Mul(coef, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale-have)), nil))
	}
	if negative {
		coef.Neg(coef)
	}
	d := types.DecimalFromBig(coef, int32(scale))
	if len(text)-have > types.MaxDecimalDigits && d.Digits()-scale > types.MaxDecimalDigits {
		return types.Decimal{}, sqlerr.New(sqlerr.NumericValueOutOfRange, "value overflows numeric format")
	}
	return d, nil
}
