package keys

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

const (
	tagValue = 0x01
	tagNull  = 0x02

	// A zero byte within a string is escaped, and a string ends in a sequence below every other byte that could follow.
	escape     = 0x00
	escapedNul = 0xff
	terminator = 0x01
)

// Exact reports whether a value of the kind is recovered from a key as it was. For the other kinds Decode gives a value that SQL
// holds equal.
func Exact(k types.Kind) bool {
	switch k {
	case types.Float4, types.Float8, types.Numeric, types.Char, types.Interval:
		return false
	}
	return true
}

// AppendDatum appends the field of d, whose kind is the key column's unless it is NULL.
func AppendDatum(dst []byte, d types.Datum, desc bool) []byte {
	at := len(dst)
	if d.IsNull() {
		dst = append(dst, tagNull)
	} else {
		dst = append(dst, tagValue)
		switch k := d.Kind(); k {
		case types.Bool:
			dst = append(dst, boolByte(d.Bool()))
		case types.Int2:
			dst = appendInt16(dst, int16(d.Int()))
		case types.Int4, types.Date:
			dst = appendInt32(dst, int32(d.Int()))
		case types.Int8, types.Timestamp, types.TimestampTZ:
			dst = appendInt64(dst, d.Int())
		case types.Float4:
			dst = appendFloat32(dst, float32(d.Float()))
		case types.Float8:
			dst = appendFloat64(dst, d.Float())
		case types.Numeric:
			dst = appendDecimal(dst, d.Numeric())
		case types.Interval:
			dst = appendInterval(dst, d.Interval())
		case types.UUID:
			u := d.UUID()
			dst = append(dst, u[:]...)
		case types.Char:
			dst = appendString(dst, trimBlanks(d.Str()))
		case types.Unknown, types.Text, types.Varchar, types.Bytea, types.JSONB:
			dst = appendString(dst, d.Str())
		default:
			panic(fmt.Sprintf("keys: append of %s", k))
		}
	}
	if desc {
		complement(dst[at:])
	}
	return dst
}

// AppendAt appends the field of value i of v.
func AppendAt(dst []byte, v *vec.Vector, i int, desc bool) []byte {
	at := len(dst)
	if v.IsNull(i) {
		dst = append(dst, tagNull)
	} else {
		dst = append(dst, tagValue)
		switch k := v.Kind(); k {
		case types.Bool:
			dst = append(dst, boolByte(vec.Values[uint8](v)[i] != 0))
		case types.Int2:
			dst = appendInt16(dst, vec.Values[int16](v)[i])
		case types.Int4, types.Date:
			dst = appendInt32(dst, vec.Values[int32](v)[i])
		case types.Int8, types.Timestamp, types.TimestampTZ:
			dst = appendInt64(dst, vec.Values[int64](v)[i])
		case types.Float4:
			dst = appendFloat32(dst, vec.Values[float32](v)[i])
		case types.Float8:
			dst = appendFloat64(dst, vec.Values[float64](v)[i])
		case types.Numeric:
			dst = appendDecimal(dst, v.DecimalAt(i))
		case types.Interval:
			dst = appendInterval(dst, vec.Values[vec.IntervalWord](v)[i])
		case types.UUID:
			u := vec.Values[vec.UUIDWord](v)[i]
			dst = append(dst, u[:]...)
		case types.Char:
			dst = appendString(dst, trimBlanks(v.StringAt(i)))
		default:
			dst = appendString(dst, v.StringAt(i))
		}
	}
	if desc {
		complement(dst[at:])
	}
	return dst
}

func complement(b []byte) {
	for i := range b {
		b[i] = ^b[i]
	}
}

func boolByte(v bool) byte {
	if v {
		return 1
	}
	return 0
}

func appendInt16(dst []byte, v int16) []byte {
	return binary.BigEndian.AppendUint16(dst, uint16(v)^1<<15)
}

func appendInt32(dst []byte, v int32) []byte {
	return binary.BigEndian.AppendUint32(dst, uint32(v)^1<<31)
}

func appendInt64(dst []byte, v int64) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(v)^1<<63)
}

// appendFloat32 appends a float so that -0 equals 0 and NaN equals itself and is above infinity, as PostgreSQL compares.
func appendFloat32(dst []byte, v float32) []byte {
	b := math.Float32bits(v)
	switch {
	case v != v:
		b = 0x7fc00000
	case v == 0:
		b = 0
	}
	if b>>31 != 0 {
		return binary.BigEndian.AppendUint32(dst, ^b)
	}
	return binary.BigEndian.AppendUint32(dst, b^1<<31)
}

func appendFloat64(dst []byte, v float64) []byte {
	b := math.Float64bits(v)
	switch {
	case v != v:
		b = 0x7ff8000000000000
	case v == 0:
		b = 0
	}
	if b>>63 != 0 {
		return binary.BigEndian.AppendUint64(dst, ^b)
	}
	return binary.BigEndian.AppendUint64(dst, b^1<<63)
}

func appendString(dst []byte, s string) []byte {
	for {
		i := indexZero(s)
		if i < 0 {
			dst = append(dst, s...)
			return append(dst, escape, terminator)
		}
		dst = append(dst, s[:i]...)
		dst = append(dst, escape, escapedNul)
		s = s[i+1:]
	}
}

func indexZero(s string) int {
	for i := range len(s) {
		if s[i] == 0 {
			return i
		}
	}
	return -1
}

func trimBlanks(s string) string {
	for len(s) > 0 && s[len(s)-1] == ' ' {
		s = s[:len(s)-1]
	}
	return s
}
