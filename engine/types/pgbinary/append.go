package pgbinary

import (
	"encoding/binary"
	"math"

	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
	"github.com/attunedb/attune/engine/vec"
)

// epochDays is 2000-01-01 in days since 1970.
const epochDays = 10957

// canonicalNaN is the NaN that PostgreSQL sends.
const canonicalNaN = 0x7ff8 << 48

// jsonbVersion is the first byte of a jsonb value.
const jsonbVersion = 1

// Append appends value i of v, which must not be NULL.
func Append(dst []byte, v *vec.Vector, i int) []byte {
	be := binary.BigEndian
	switch v.Kind() {
	case types.Bool:
		return append(dst, vec.Values[uint8](v)[i])
	case types.Int2:
		return be.AppendUint16(dst, uint16(vec.Values[int16](v)[i]))
	case types.Int4:
		return be.AppendUint32(dst, uint32(vec.Values[int32](v)[i]))
	case types.Int8:
		return be.AppendUint64(dst, uint64(vec.Values[int64](v)[i]))
	case types.Float4:
		return be.AppendUint32(dst, math.Float32bits(vec.Values[float32](v)[i]))
	case types.Float8:
		f := vec.Values[float64](v)[i]
		if math.IsNaN(f) {
			return be.AppendUint64(dst, canonicalNaN)
		}
		return be.AppendUint64(dst, math.Float64bits(f))
	case types.Numeric:
		return appendNumeric(dst, v.DecimalAt(i))
	case types.Date:
		return be.AppendUint32(dst, uint32(fromDate(vec.Values[int32](v)[i])))
	case types.Timestamp, types.TimestampTZ:
		return be.AppendUint64(dst, uint64(fromTimestamp(vec.Values[int64](v)[i])))
	case types.Interval:
		x := vec.Values[vec.IntervalWord](v)[i]
		dst = be.AppendUint64(dst, uint64(x.Micros))
		dst = be.AppendUint32(dst, uint32(x.Days))
		return be.AppendUint32(dst, uint32(x.Months))
	case types.UUID:
		u := vec.Values[vec.UUIDWord](v)[i]
		return append(dst, u[:]...)
	case types.JSONB:
		return append(append(dst, jsonbVersion), v.BytesAt(i)...)
	}
	return append(dst, v.BytesAt(i)...)
}

// AppendDatum appends a scalar, which must not be NULL.
func AppendDatum(dst []byte, d types.Datum) []byte {
	return Append(dst, vec.FromDatum(types.Of(d.Kind()), d, 1), 0)
}

func fromDate(days int32) int32 {
	if days == pgtext.DatePosInf || days == pgtext.DateNegInf {
		return days
	}
	return days - epochDays
}

func fromTimestamp(micros int64) int64 {
	if micros == pgtext.TimestampPosInf || micros == pgtext.TimestampNegInf {
		return micros
	}
	return micros - pgtext.Epoch2000
}
