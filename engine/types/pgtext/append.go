package pgtext

import (
	"encoding/hex"
	"strconv"

	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// Append appends the text of d, which must not be NULL.
func Append(dst []byte, d types.Datum, env *Env) []byte {
	switch k := d.Kind(); k {
	case types.Bool:
		return appendBool(dst, d.Bool())
	case types.Int2, types.Int4, types.Int8:
		return strconv.AppendInt(dst, d.Int(), 10)
	case types.Float4:
		return appendFloat(dst, d.Float(), 32)
	case types.Float8:
		return appendFloat(dst, d.Float(), 64)
	case types.Numeric:
		return d.Numeric().Append(dst)
	case types.Bytea:
		dst = append(dst, `\x`...)
		return hex.AppendEncode(dst, []byte(d.Str()))
	case types.Date:
		return AppendDate(dst, int32(d.Int()))
	case types.Timestamp:
		return AppendTimestamp(dst, d.Int())
	case types.TimestampTZ:
		return AppendTimestampTZ(dst, d.Int(), env.Zone())
	case types.Interval:
		return AppendInterval(dst, d.Interval())
	case types.UUID:
		return appendUUID(dst, d.UUID())
	default:
		return append(dst, d.Str()...)
	}
}

// AppendAt appends the text of value i of v, which must not be NULL. It allocates nothing beyond dst,
// except for numerics of more than 18 digits.
func AppendAt(dst []byte, v *vec.Vector, i int, env *Env) []byte {
	switch v.Kind() {
	case types.Bool:
		return appendBool(dst, vec.Values[uint8](v)[i] != 0)
	case types.Int2:
		return strconv.AppendInt(dst, int64(vec.Values[int16](v)[i]), 10)
	case types.Int4:
		return strconv.AppendInt(dst, int64(vec.Values[int32](v)[i]), 10)
	case types.Int8:
		return strconv.AppendInt(dst, vec.Values[int64](v)[i], 10)
	case types.Float4:
		return appendFloat(dst, float64(vec.Values[float32](v)[i]), 32)
	case types.Float8:
		return appendFloat(dst, vec.Values[float64](v)[i], 64)
	case types.Numeric:
		return v.DecimalAt(i).Append(dst)
	case types.Bytea:
		dst = append(dst, `\x`...)
		return hex.AppendEncode(dst, v.BytesAt(i))
	case types.Date:
		return AppendDate(dst, vec.Values[int32](v)[i])
	case types.Timestamp:
		return AppendTimestamp(dst, vec.Values[int64](v)[i])
	case types.TimestampTZ:
		return AppendTimestampTZ(dst, vec.Values[int64](v)[i], env.Zone())
	case types.Interval:
		return AppendInterval(dst, vec.Values[vec.IntervalWord](v)[i])
	case types.UUID:
		return appendUUID(dst, vec.Values[vec.UUIDWord](v)[i])
	default:
		return append(dst, v.BytesAt(i)...)
	}
}

// String returns the text of d, "NULL" for a NULL: for messages and plans.
func String(d types.Datum, env *Env) string {
	if d.IsNull() {
		return "NULL"
	}
	return string(Append(nil, d, env))
}

func appendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, 't')
	}
	return append(dst, 'f')
}

func appendUUID(dst []byte, u [16]byte) []byte {
	for i, part := range [][]byte{u[:4], u[4:6], u[6:8], u[8:10], u[10:]} {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, part)
	}
	return dst
}
