package keys

import (
	"encoding/binary"
	"errors"
	"math"
	"math/big"
	"math/bits"

	"github.com/attunedb/attune/engine/types"
)

// The first byte of a numeric: its class, in SQL order. A finite number other than zero follows it with the
// exponent e and the digits d of ±0.d × 10^e: three bytes and two digits to a byte (value + 1) up to a zero byte, without
// trailing zeros; complemented for a negative number.
const (
	classNegInf   = 0x10
	classNegative = 0x20
	classZero     = 0x30
	classPositive = 0x40
	classPosInf   = 0x50
	classNaN      = 0x60

	exponentBias  = 1 << 23
	exponentBytes = 3
)

func appendDecimal(dst []byte, d types.Decimal) []byte {
	switch d.Form {
	case types.DecimalNegInf:
		return append(dst, classNegInf)
	case types.DecimalPosInf:
		return append(dst, classPosInf)
	case types.DecimalNaN:
		return append(dst, classNaN)
	}
	sign := d.Sign()
	if sign == 0 {
		return append(dst, classZero)
	}
	var buf [20]byte
	digits := buf[:0]
	if d.Big != nil {
		digits = new(big.Int).Abs(d.Big).Append(digits, 10)
	} else {
		digits = appendDigits(digits, d.Small)
	}
	exp := len(digits) - int(d.Scale) + exponentBias
	for len(digits) > 0 && digits[len(digits)-1] == '0' {
		digits = digits[:len(digits)-1]
	}
	if sign < 0 {
		dst = append(dst, classNegative)
	} else {
		dst = append(dst, classPositive)
	}
	at := len(dst)
	dst = append(dst, byte(exp>>16), byte(exp>>8), byte(exp))
	for i := 0; i < len(digits); i += 2 {
		pair := 10 * (digits[i] - '0')
		if i+1 < len(digits) {
			pair += digits[i+1] - '0'
		}
		dst = append(dst, pair+1)
	}
	dst = append(dst, 0)
	if sign < 0 {
		complement(dst[at:])
	}
	return dst
}

// appendDigits appends the decimal digits of |v|, v not 0.
func appendDigits(dst []byte, v int64) []byte {
	u := uint64(v)
	if v < 0 {
		u = -u
	}
	var buf [20]byte
	at := len(buf)
	for u > 0 {
		at--
		buf[at] = '0' + byte(u%10)
		u /= 10
	}
	return append(dst, buf[at:]...)
}

var errDecimal = errors.New("keys: malformed numeric")

// decimalLength returns the bytes that a numeric takes at the start of b, whose bytes are to be complemented with flip.
func decimalLength(b []byte, flip byte) (int, error) {
	if len(b) == 0 {
		return 0, errTruncated
	}
	class := b[0] ^ flip
	switch class {
	case classNegInf, classZero, classPosInf, classNaN:
		return 1, nil
	case classNegative:
		flip = ^flip
	case classPositive:
	default:
		return 0, errDecimal
	}
	for i := 1 + exponentBytes; i < len(b); i++ {
		if b[i]^flip == 0 {
			return i + 1, nil
		}
	}
	return 0, errTruncated
}

// readDecimal reads a numeric of the length that decimalLength found, in ascending form.
func readDecimal(b []byte) (types.Decimal, error) {
	negative := false
	switch b[0] {
	case classNegInf:
		return types.Decimal{Form: types.DecimalNegInf}, nil
	case classZero:
		return types.Decimal{}, nil
	case classPosInf:
		return types.Decimal{Form: types.DecimalPosInf}, nil
	case classNaN:
		return types.Decimal{Form: types.DecimalNaN}, nil
	case classNegative:
		negative = true
	}
	flip := byte(0)
	if negative {
		flip = 0xff
	}
	exp := int(b[1]^flip)<<16 | int(b[2]^flip)<<8 | int(b[3]^flip)
	exp -= exponentBias
	pairs := b[1+exponentBytes : len(b)-1]
	if len(pairs) == 0 || exp > types.MaxDecimalDigits || 2*len(pairs)-exp > types.MaxDecimalScale+1 {
		return types.Decimal{}, errDecimal
	}
	digits := make([]byte, 0, 2*len(pairs)+max(exp, 0))
	for i, p := range pairs {
		p ^= flip
		if p < 1 || p > 100 || i == 0 && p < 11 || i == len(pairs)-1 && p == 1 {
			return types.Decimal{}, errDecimal
		}
		digits = append(digits, '0'+(p-1)/10, '0'+(p-1)%10)
	}
	if digits[len(digits)-1] == '0' {
		digits = digits[:len(digits)-1]
	}
	scale := len(digits) - exp
	if scale > types.MaxDecimalScale {
		return types.Decimal{}, errDecimal
	}
	for ; scale < 0; scale++ {
		digits = append(digits, '0')
	}
	return decimalFromDigits(digits, negative, int32(scale))
}

func decimalFromDigits(digits []byte, negative bool, scale int32) (types.Decimal, error) {
	if len(digits) <= 18 {
		v := int64(0)
		for _, c := range digits {
			v = v*10 + int64(c-'0')
		}
		if negative {
			v = -v
		}
		return types.Decimal{Small: v, Scale: scale}, nil
	}
	coef, ok := new(big.Int).SetString(string(digits), 10)
	if !ok {
		return types.Decimal{}, errDecimal
	}
	if negative {
		coef.Neg(coef)
	}
	return types.DecimalFromBig(coef, scale), nil
}

// The span that an interval is compared by: a month is 30 days, a day 24 hours. It takes 128 bits, two's complement with the
// sign flipped.
const (
	microsPerDay   = 24 * 60 * 60 * 1000000
	microsPerMonth = 30 * microsPerDay
	intervalBytes  = 16
)

func appendInterval(dst []byte, v types.IntervalValue) []byte {
	hi, lo := mulSigned(int64(v.Months), microsPerMonth)
	dhi, dlo := mulSigned(int64(v.Days), microsPerDay)
	hi, lo = addSigned(hi, lo, dhi, dlo)
	hi, lo = addSigned(hi, lo, v.Micros>>63, uint64(v.Micros))
	dst = binary.BigEndian.AppendUint64(dst, uint64(hi)^1<<63)
	return binary.BigEndian.AppendUint64(dst, lo)
}

// mulSigned returns a × b in 128 bits; b is positive.
func mulSigned(a, b int64) (hi int64, lo uint64) {
	h, l := bits.Mul64(uint64(a), uint64(b))
	if a < 0 {
		h -= uint64(b)
	}
	return int64(h), l
}

func addSigned(ahi int64, alo uint64, bhi int64, blo uint64) (hi int64, lo uint64) {
	lo, carry := bits.Add64(alo, blo, 0)
	h, _ := bits.Add64(uint64(ahi), uint64(bhi), carry)
	return int64(h), lo
}

var errInterval = errors.New("keys: malformed interval")

// readInterval returns an interval of the span, in as many months, then days, as there are.
func readInterval(b []byte) (types.IntervalValue, error) {
	hi := int64(binary.BigEndian.Uint64(b) ^ 1<<63)
	lo := binary.BigEndian.Uint64(b[8:])
	months, hi, lo := takeUnits(hi, lo, microsPerMonth)
	days, hi, lo := takeUnits(hi, lo, microsPerDay)
	if hi != int64(lo)>>63 {
		return types.IntervalValue{}, errInterval
	}
	return types.IntervalValue{Months: months, Days: days, Micros: int64(lo)}, nil
}

// takeUnits takes as many whole units out of a span as fit an int32, towards zero.
func takeUnits(hi int64, lo, unit uint64) (n int32, rhi int64, rlo uint64) {
	negative := hi < 0
	h, l := uint64(hi), lo
	if negative {
		var borrow uint64
		l, borrow = bits.Sub64(0, l, 0)
		h, _ = bits.Sub64(0, h, borrow)
	}
	q := uint64(math.MaxInt32)
	if negative {
		q++
	}
	if h < unit {
		quo, _ := bits.Div64(h, l, unit)
		q = min(q, quo)
	}
	count := int64(q)
	if negative {
		count = -count
	}
	thi, tlo := mulSigned(count, int64(unit))
	rlo, borrow := bits.Sub64(lo, tlo, 0)
	rh, _ := bits.Sub64(uint64(hi), uint64(thi), borrow)
	return int32(count), int64(rh), rlo
}
