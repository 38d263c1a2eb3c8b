package pgwire

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// The formats of values on the wire.
const (
	textFormat   int16 = 0
	binaryFormat int16 = 1
)

// epoch is the day from which the binary format counts.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// Layouts of dates and timestamps in UTC.
const (
	dateLayout      = "2006-01-02"
	timestampLayout = "2006-01-02 15:04:05.999999"
)

// arguments are the parameters of one execution, in memory that the next one uses again.
type arguments struct {
	values  [][]byte
	formats []int16
	buffer  []byte
}

// encode encodes args as parameters of s.
func (a *arguments) encode(s *stmt, args []any) error {
	if len(args) != len(s.desc.ParamOIDs) {
		return fmt.Errorf("pgwire: %d arguments for a statement of %d parameters", len(args), len(s.desc.ParamOIDs))
	}
	a.values, a.formats, a.buffer = a.values[:0], a.formats[:0], a.buffer[:0]
	for i, v := range args {
		begin := len(a.buffer)
		format, err := a.append(s.desc.ParamOIDs[i], v)
		if err != nil {
			return fmt.Errorf("pgwire: parameter $%d: %w", i+1, err)
		}
		var value []byte
		if v != nil {
			value = a.buffer[begin:len(a.buffer):len(a.buffer)]
			if value == nil {
				value = []byte{}
			}
		}
		a.values, a.formats = append(a.values, value), append(a.formats, format)
	}
	return nil
}

// append appends an argument for a parameter of this type to the buffer, as text unless the binary form is the same value.
func (a *arguments) append(oid uint32, v any) (int16, error) {
	switch v := v.(type) {
	case nil:
	case bool:
		a.buffer = strconv.AppendBool(a.buffer, v)
	case int64:
		switch {
		case oid == pgtype.Int8OID:
			a.buffer = binary.BigEndian.AppendUint64(a.buffer, uint64(v))
			return binaryFormat, nil
		case oid == pgtype.Int4OID && v == int64(int32(v)):
			a.buffer = binary.BigEndian.AppendUint32(a.buffer, uint32(v))
			return binaryFormat, nil
		case oid == pgtype.Int2OID && v == int64(int16(v)):
			a.buffer = binary.BigEndian.AppendUint16(a.buffer, uint16(v))
			return binaryFormat, nil
		}
		a.buffer = strconv.AppendInt(a.buffer, v, 10)
	case float64:
		if oid == pgtype.Float8OID {
			a.buffer = binary.BigEndian.AppendUint64(a.buffer, math.Float64bits(v))
			return binaryFormat, nil
		}
		switch {
		case math.IsInf(v, 1):
			a.buffer = append(a.buffer, "Infinity"...)
		case math.IsInf(v, -1):
			a.buffer = append(a.buffer, "-Infinity"...)
		default:
			a.buffer = strconv.AppendFloat(a.buffer, v, 'g', -1, 64)
		}
	case string:
		a.buffer = append(a.buffer, v...)
	case []byte:
		a.buffer = append(a.buffer, v...)
		if oid == pgtype.ByteaOID {
			return binaryFormat, nil
		}
	case time.Time:
		v = v.UTC()
		if y := v.Year(); y < 1 || y > 9999 {
			return 0, fmt.Errorf("the year %d is outside of 1 to 9999", y)
		}
		switch oid {
		case pgtype.DateOID:
			a.buffer = v.AppendFormat(a.buffer, dateLayout)
		case pgtype.TimestampOID:
			a.buffer = v.AppendFormat(a.buffer, timestampLayout)
		default:
			a.buffer = v.AppendFormat(a.buffer, timestampLayout+"-07")
		}
	default:
		return 0, fmt.Errorf("an argument of type %T", v)
	}
	return textFormat, nil
}

// resultFormat is the format to ask for: binary where decode knows it.
func resultFormat(oid uint32) int16 {
	switch oid {
	case pgtype.BoolOID, pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID, pgtype.Float4OID, pgtype.Float8OID, pgtype.ByteaOID,
		pgtype.DateOID, pgtype.TimestampOID, pgtype.TimestamptzOID:
		return binaryFormat
	}
	return textFormat
}

// decode reads a value: one of the types of arguments, and text for every type that has no such counterpart.
func decode(oid uint32, format int16, data []byte) (any, error) {
	if data == nil {
		return nil, nil
	}
	if format == textFormat {
		return decodeText(oid, string(data))
	}
	if oid == pgtype.ByteaOID {
		return append([]byte{}, data...), nil
	}
	if size := binarySize(oid); len(data) != size {
		return nil, fmt.Errorf("%d bytes for a value of %d (type %d)", len(data), size, oid)
	}
	switch oid {
	case pgtype.BoolOID:
		return data[0] != 0, nil
	case pgtype.Int2OID:
		return int64(int16(binary.BigEndian.Uint16(data))), nil
	case pgtype.Int4OID:
		return int64(int32(binary.BigEndian.Uint32(data))), nil
	case pgtype.Int8OID:
		return int64(binary.BigEndian.Uint64(data)), nil
	case pgtype.Float4OID:
		return float64(math.Float32frombits(binary.BigEndian.Uint32(data))), nil
	case pgtype.Float8OID:
		return math.Float64frombits(binary.BigEndian.Uint64(data)), nil
	case pgtype.DateOID:
		days := int32(binary.BigEndian.Uint32(data))
		if days == math.MaxInt32 || days == math.MinInt32 {
			return infinity(days > 0), nil
		}
		return epoch.AddDate(0, 0, int(days)), nil
	case pgtype.TimestampOID, pgtype.TimestamptzOID:
		micros := int64(binary.BigEndian.Uint64(data))
		if micros == math.MaxInt64 || micros == math.MinInt64 {
			return infinity(micros > 0), nil
		}
		return time.Unix(epoch.Unix()+micros/1e6, micros%1e6*1e3).UTC(), nil
	}
	return nil, fmt.Errorf("the binary form of type %d is not known", oid)
}

// binarySize is the length of a type's binary form, 0 where it is not known.
func binarySize(oid uint32) int {
	switch oid {
	case pgtype.BoolOID:
		return 1
	case pgtype.Int2OID:
		return 2
	case pgtype.Int4OID, pgtype.Float4OID, pgtype.DateOID:
		return 4
	case pgtype.Int8OID, pgtype.Float8OID, pgtype.TimestampOID, pgtype.TimestamptzOID:
		return 8
	}
	return 0
}

func infinity(positive bool) string {
	if positive {
		return "infinity"
	}
	return "-infinity"
}

// decodeText reads a value's text, which a server sends that has no binary form of it.
func decodeText(oid uint32, text string) (any, error) {
	switch oid {
	case pgtype.BoolOID:
		return text == "t", nil
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID:
		return strconv.ParseInt(text, 10, 64)
	case pgtype.Float4OID:
		return strconv.ParseFloat(text, 32)
	case pgtype.Float8OID:
		return strconv.ParseFloat(text, 64)
	case pgtype.ByteaOID:
		return hex.DecodeString(strings.TrimPrefix(text, `\x`))
	case pgtype.DateOID, pgtype.TimestampOID, pgtype.TimestamptzOID:
		layout := timestampLayout
		switch oid {
		case pgtype.DateOID:
			layout = dateLayout
		case pgtype.TimestamptzOID:
			layout += "-07"
		}
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return text, nil
}
