package pgbinary

import (
	"encoding/binary"
	"math"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
)

func errInvalid(format string, args ...any) error {
	return sqlerr.New(sqlerr.InvalidBinaryRepresentation, format, args...)
}

func errShort() error { return errInvalid("insufficient data left in message") }

func errLength(k types.Kind) error { return errInvalid("incorrect binary data format for type %s", k) }

// Decode reads a value of type t from its binary form and applies t's modifier as pgtext.Parse does. It fails
// with 22P03 for bytes that are no such value, 22021 for invalid text, 22008 for times out of range. b stays the caller's.
func Decode(t types.Type, b []byte) (types.Datum, error) {
	k := t.Kind
	if w := wireWidth(k); w > 0 && len(b) != w {
		if len(b) < w {
			return types.Null(k), errShort()
		}
		return types.Null(k), errLength(k)
	}
	d, err := decode(k, b)
	if err != nil {
		return types.Null(k), err
	}
	return pgtext.Fit(t, d, false)
}

// wireWidth returns the bytes of a kind on the wire, 0 when they vary.
func wireWidth(k types.Kind) int {
	if k == types.Numeric {
		return 0
	}
	return k.Width()
}

func decode(k types.Kind, b []byte) (types.Datum, error) {
	be := binary.BigEndian
	switch k {
	case types.Bool:
		return types.NewBool(b[0] != 0), nil
	case types.Int2:
		return types.NewInt(k, int64(int16(be.Uint16(b)))), nil
	case types.Int4:
		return types.NewInt(k, int64(int32(be.Uint32(b)))), nil
	case types.Int8:
		return types.NewInt(k, int64(be.Uint64(b))), nil
	case types.Float4:
		return types.NewFloat(k, float64(math.Float32frombits(be.Uint32(b)))), nil
	case types.Float8:
		return types.NewFloat(k, math.Float64frombits(be.Uint64(b))), nil
	case types.Numeric:
		d, err := decodeNumeric(b)
		return types.NewNumeric(d), err
	case types.Date:
		return decodeDate(int32(be.Uint32(b)))
	case types.Timestamp, types.TimestampTZ:
		return decodeTimestamp(k, int64(be.Uint64(b)))
	case types.Interval:
		return types.NewInterval(types.IntervalValue{
			Micros: int64(be.Uint64(b)), Days: int32(be.Uint32(b[8:])), Months: int32(be.Uint32(b[12:])),
		}), nil
	case types.UUID:
		return types.NewUUID([16]byte(b)), nil
	case types.Bytea:
		return types.NewBytea(b), nil
	case types.JSONB:
		if len(b) == 0 {
			return types.Datum{}, errShort()
		}
		if b[0] != jsonbVersion {
			return types.Datum{}, errInvalid("unsupported jsonb version number %d", b[0])
		}
		return pgtext.Parse(types.Of(k), string(b[1:]), nil)
	}
	s := string(b)
	if err := pgtext.CheckText(s); err != nil {
		return types.Datum{}, err
	}
	return types.NewString(k, s), nil
}

func decodeDate(days int32) (types.Datum, error) {
	if days == pgtext.DatePosInf || days == pgtext.DateNegInf {
		return types.NewDate(days), nil
	}
	at := int64(days) + epochDays
	if at < pgtext.MinDate || at > pgtext.MaxDate {
		return types.Datum{}, sqlerr.New(sqlerr.DatetimeFieldOverflow, "date out of range")
	}
	return types.NewDate(int32(at)), nil
}

func decodeTimestamp(k types.Kind, micros int64) (types.Datum, error) {
	if micros == pgtext.TimestampPosInf || micros == pgtext.TimestampNegInf {
		return types.NewTimestamp(k, micros), nil
	}
	if micros > pgtext.MaxTimestamp-pgtext.Epoch2000 || micros < pgtext.MinTimestamp-pgtext.Epoch2000 {
		return types.Datum{}, sqlerr.New(sqlerr.DatetimeFieldOverflow, "timestamp out of range")
	}
	return types.NewTimestamp(k, micros+pgtext.Epoch2000), nil
}
