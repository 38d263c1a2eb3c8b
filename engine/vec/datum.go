package vec

import (
	"github.com/attunedb/attune/engine/types"
)

// DatumAt returns value i as a scalar that shares no memory with the vector. It is for edges
// (text output, constants, statistics), not for loops over rows in operators.
func (v *Vector) DatumAt(i int) types.Datum {
	k := v.typ.Kind
	if v.IsNull(i) {
		return types.Null(k)
	}
	switch k {
	case types.Bool:
		return types.NewBool(Values[uint8](v)[i] != 0)
	case types.Int2:
		return types.NewInt(k, int64(Values[int16](v)[i]))
	case types.Int4:
		return types.NewInt(k, int64(Values[int32](v)[i]))
	case types.Int8:
		return types.NewInt(k, Values[int64](v)[i])
	case types.Float4:
		return types.NewFloat(k, float64(Values[float32](v)[i]))
	case types.Float8:
		return types.NewFloat(k, Values[float64](v)[i])
	case types.Numeric:
		return types.NewNumeric(v.DecimalAt(i))
	case types.Date:
		return types.NewDate(Values[int32](v)[i])
	case types.Timestamp, types.TimestampTZ:
		return types.NewTimestamp(k, Values[int64](v)[i])
	case types.Interval:
		return types.NewInterval(Values[IntervalWord](v)[i])
	case types.UUID:
		return types.NewUUID(Values[UUIDWord](v)[i])
	case types.Bytea:
		return types.NewBytea(v.BytesAt(i))
	default:
		return types.NewString(k, string(v.BytesAt(i)))
	}
}

// FromDatum returns a vector of n copies of d under type t, whose kind is d's unless d is NULL.
func FromDatum(t types.Type, d types.Datum, n int) *Vector {
	b := NewBuilder(t, n)
	for range n {
		b.AppendDatum(d)
	}
	return b.Finish()
}
