package keys

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

var (
	errTruncated = errors.New("keys: truncated key")
	errTag       = errors.New("keys: malformed field")
	errString    = errors.New("keys: malformed string")
)

// Decode reads the first field of b, a value of type t, and returns it with the rest of b. The datum shares no memory with b. It
// fails on bytes that AppendDatum does not make, and reads no further than b.
func Decode(b []byte, t types.Type, desc bool) (types.Datum, []byte, error) {
	k := t.Kind
	payload, rest, null, err := field(b, k, desc)
	if err != nil {
		return types.Datum{}, nil, err
	}
	if null {
		return types.Null(k), rest, nil
	}
	if desc {
		payload = bytes.Clone(payload)
		complement(payload)
	}
	switch k {
	case types.Bool:
		return types.NewBool(payload[0] != 0), rest, nil
	case types.Int2:
		return types.NewInt(k, int64(readInt16(payload))), rest, nil
	case types.Int4:
		return types.NewInt(k, int64(readInt32(payload))), rest, nil
	case types.Int8:
		return types.NewInt(k, readInt64(payload)), rest, nil
	case types.Date:
		return types.NewDate(readInt32(payload)), rest, nil
	case types.Timestamp, types.TimestampTZ:
		return types.NewTimestamp(k, readInt64(payload)), rest, nil
	case types.Float4:
		return types.NewFloat(k, float64(readFloat32(payload))), rest, nil
	case types.Float8:
		return types.NewFloat(k, readFloat64(payload)), rest, nil
	case types.Numeric:
		d, err := readDecimal(payload)
		return types.NewNumeric(d), rest, err
	case types.Interval:
		v, err := readInterval(payload)
		return types.NewInterval(v), rest, err
	case types.UUID:
		return types.NewUUID([16]byte(payload)), rest, nil
	}
	s, err := appendUnescaped(nil, payload)
	return types.NewString(k, string(s)), rest, err
}

// DecodeTo is Decode into a builder of the key column's kind, for which it does not allocate beyond scratch, which it grows
// and returns.
func DecodeTo(b []byte, desc bool, out *vec.Builder, scratch []byte) (rest, grown []byte, err error) {
	k := out.Type().Kind
	payload, rest, null, err := field(b, k, desc)
	if err != nil {
		return nil, scratch, err
	}
	if null {
		out.AppendNull()
		return rest, scratch, nil
	}
	if desc {
		scratch = append(scratch[:0], payload...)
		complement(scratch)
		payload = scratch
	}
	switch k {
	case types.Bool:
		vec.Append(out, payload[0])
	case types.Int2:
		vec.Append(out, readInt16(payload))
	case types.Int4, types.Date:
		vec.Append(out, readInt32(payload))
	case types.Int8, types.Timestamp, types.TimestampTZ:
		vec.Append(out, readInt64(payload))
	case types.Float4:
		vec.Append(out, readFloat32(payload))
	case types.Float8:
		vec.Append(out, readFloat64(payload))
	case types.Numeric:
		d, err := readDecimal(payload)
		if err != nil {
			return nil, scratch, err
		}
		out.AppendDecimal(d)
	case types.Interval:
		v, err := readInterval(payload)
		if err != nil {
			return nil, scratch, err
		}
		vec.Append(out, v)
	case types.UUID:
		vec.Append(out, vec.UUIDWord(payload))
	default:
		if bytes.IndexByte(payload, escape) == len(payload)-2 {
			out.AppendBytes(payload[:len(payload)-2])
			return rest, scratch, nil
		}
		at := len(scratch)
		if !desc {
			at = 0
		}
		if scratch, err = appendUnescaped(scratch[:at], payload); err != nil {
			return nil, scratch, err
		}
		out.AppendBytes(scratch[at:])
	}
	return rest, scratch, nil
}

// Skip returns what follows the first field of b, a value of kind k.
func Skip(b []byte, k types.Kind, desc bool) ([]byte, error) {
	_, rest, _, err := field(b, k, desc)
	return rest, err
}

// field splits the first field of b into its payload, as it lies there, and the rest. The payload has the right length
// for the kind.
func field(b []byte, k types.Kind, desc bool) (payload, rest []byte, null bool, err error) {
	if len(b) == 0 {
		return nil, nil, false, errTruncated
	}
	flip := byte(0)
	if desc {
		flip = 0xff
	}
	switch b[0] ^ flip {
	case tagNull:
		return nil, b[1:], true, nil
	case tagValue:
		b = b[1:]
	default:
		return nil, nil, false, errTag
	}
	n := 0
	switch k {
	case types.Numeric:
		if n, err = decimalLength(b, flip); err != nil {
			return nil, nil, false, err
		}
	case types.Unknown, types.Text, types.Varchar, types.Char, types.Bytea, types.JSONB:
		if n, err = stringLength(b, flip); err != nil {
			return nil, nil, false, err
		}
	case types.Bool:
		if len(b) > 0 && b[0]^flip > 1 {
			return nil, nil, false, errTag
		}
		n = 1
	default:
		if n = k.Width(); n == 0 {
			return nil, nil, false, fmt.Errorf("keys: no keys of %s", k)
		}
	}
	if len(b) < n {
		return nil, nil, false, errTruncated
	}
	return b[:n], b[n:], false, nil
}

// stringLength returns the bytes up to and including the terminator.
func stringLength(b []byte, flip byte) (int, error) {
	for at := 0; ; {
		i := bytes.IndexByte(b[at:], escape^flip)
		if i < 0 || at+i+1 >= len(b) {
			return 0, errTruncated
		}
		at += i + 2
		switch b[at-1] ^ flip {
		case terminator:
			return at, nil
		case escapedNul:
		default:
			return 0, errString
		}
	}
}

// appendUnescaped appends the string of a payload in ascending form. b and dst may be parts of one array, b before dst.
func appendUnescaped(dst, b []byte) ([]byte, error) {
	for {
		i := bytes.IndexByte(b, escape)
		if i < 0 || i+1 >= len(b) {
			return dst, errString
		}
		dst = append(dst, b[:i]...)
		if b[i+1] == terminator {
			return dst, nil
		}
		dst = append(dst, 0)
		b = b[i+2:]
	}
}

func readInt16(b []byte) int16 { return int16(binary.BigEndian.Uint16(b) ^ 1<<15) }

func readInt32(b []byte) int32 { return int32(binary.BigEndian.Uint32(b) ^ 1<<31) }

func readInt64(b []byte) int64 { return int64(binary.BigEndian.Uint64(b) ^ 1<<63) }

func readFloat32(b []byte) float32 {
	u := binary.BigEndian.Uint32(b)
	if u>>31 != 0 {
		return math.Float32frombits(u ^ 1<<31)
	}
	return math.Float32frombits(^u)
}

func readFloat64(b []byte) float64 {
	u := binary.BigEndian.Uint64(b)
	if u>>63 != 0 {
		return math.Float64frombits(u ^ 1<<63)
	}
	return math.Float64frombits(^u)
}
