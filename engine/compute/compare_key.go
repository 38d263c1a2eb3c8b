package compute

import (
	"encoding/binary"
	"math"
	"strconv"

	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// The first byte of a sort key places NULL before or after the values.
const (
	keyNullFirst = 0x00
	keyValue     = 0x01
	keyNullLast  = 0x02
)

// AppendSortKey appends a key of value i of v such that bytes.Compare over keys, also over the
// concatenated keys of several columns, gives the order of Compare, reversed with desc, with NULLs where
// nullsFirst says. Equal values have equal keys. The key does not tell the value back.
func AppendSortKey(dst []byte, v *vec.Vector, i int, desc, nullsFirst bool) []byte {
	if v.IsNull(i) {
		if nullsFirst {
			return append(dst, keyNullFirst)
		}
		return append(dst, keyNullLast)
	}
	dst = append(dst, keyValue)
	start := len(dst)
	dst = appendValueKey(dst, v, i)
	if desc {
		for k := range dst[start:] {
			dst[start+k] ^= 0xff
		}
	}
	return dst
}

func appendValueKey(dst []byte, v *vec.Vector, i int) []byte {
	switch v.Kind() {
	case types.Bool:
		return append(dst, vec.Values[uint8](v)[i])
	case types.Int2:
		return binary.BigEndian.AppendUint16(dst, uint16(vec.Values[int16](v)[i])^1<<15)
	case types.Int4, types.Date:
		return binary.BigEndian.AppendUint32(dst, uint32(vec.Values[int32](v)[i])^1<<31)
	case types.Int8, types.Timestamp, types.TimestampTZ:
		return appendInt64Key(dst, vec.Values[int64](v)[i])
	case types.Float4:
		return appendFloatKey(dst, float64(vec.Values[float32](v)[i]))
	case types.Float8:
		return appendFloatKey(dst, vec.Values[float64](v)[i])
	case types.Numeric:
		return appendNumericKey(dst, v.DecimalAt(i))
	case types.Interval:
		days, micros := intervalSpan(vec.Values[vec.IntervalWord](v)[i])
		return appendInt64Key(appendInt64Key(dst, days), micros)
	case types.UUID:
		u := vec.Values[vec.UUIDWord](v)[i]
		return append(dst, u[:]...)
	case types.Char:
		return appendBytesKey(dst, charKey(v.BytesAt(i)))
	}
	return appendBytesKey(dst, v.BytesAt(i))
}

func appendInt64Key(dst []byte, x int64) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(x)^1<<63)
}

func appendFloatKey(dst []byte, f float64) []byte {
	switch {
	case f == 0:
		f = 0 // one key for both zeros
	case math.IsNaN(f):
		f = math.NaN() // one key, above +Inf, for every NaN
	}
	u := math.Float64bits(f)
	if u>>63 != 0 {
		u = ^u
	} else {
		u |= 1 << 63
	}
	return binary.BigEndian.AppendUint64(dst, u)
}

// appendBytesKey escapes zero bytes as 00 FF and ends with 00 01, so that a prefix sorts first.
func appendBytesKey(dst, b []byte) []byte {
	for _, c := range b {
		dst = append(dst, c)
		if c == 0 {
			dst = append(dst, 0xff)
		}
	}
	return append(dst, 0, 1)
}

// The first byte of a numeric's key.
const (
	keyNegInf   = 0x01
	keyNegative = 0x02
	keyZero     = 0x03
	keyPositive = 0x04
	keyPosInf   = 0x05
	keyNaN      = 0x06
)

// appendNumericKey writes the decimal exponent and then the digits in pairs, both complemented for a
// negative number.
func appendNumericKey(dst []byte, d types.Decimal) []byte {
	switch d.Form {
	case types.DecimalNegInf:
		return append(dst, keyNegInf)
	case types.DecimalPosInf:
		return append(dst, keyPosInf)
	case types.DecimalNaN:
		return append(dst, keyNaN)
	}
	var buf [24]byte
	var digits []byte
	small, coef, exp := d.Stripped()
	negative := small < 0
	switch {
	case coef != nil:
		digits, negative = coef.Append(buf[:0], 10), coef.Sign() < 0
	case small == 0:
		return append(dst, keyZero)
	default:
		digits = strconv.AppendInt(buf[:0], small, 10)
	}
	sign := byte(keyPositive)
	if negative {
		digits, sign = digits[1:], keyNegative
	}
	dst = append(dst, sign)
	start := len(dst)
	dst = binary.BigEndian.AppendUint32(dst, uint32(int32(exp+len(digits)))^1<<31)
	for len(digits) >= 2 {
		dst = append(dst, (digits[0]-'0')*10+digits[1]-'0'+1)
		digits = digits[2:]
	}
	if len(digits) == 1 {
		dst = append(dst, (digits[0]-'0')*10+1)
	}
	dst = append(dst, 0)
	if negative {
		for i := range dst[start:] {
			dst[start+i] ^= 0xff
		}
	}
	return dst
}
