package client

import (
	"database/sql/driver"
	"encoding/json"
	"math"
	"reflect"
	"time"

	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
	typesv1 "github.com/attunedb/attune/proto/gen/attune/types/v1"
	"github.com/attunedb/attune/wire"
)

// Decimal is a numeric in its text form, such as "12.50", "NaN" or "-Infinity": Go has no type that holds all of them.
type Decimal string

// Interval is a span of time whose parts do not convert into each other.
type Interval struct {
	Micros int64
	Days   int32
	Months int32
}

// CheckArg reports whether v can be a parameter: nil, or the error a statement with it would fail with.
func CheckArg(v any) error {
	_, err := datumOf(v)
	return err
}

func encodeArgs(args []any) ([]*typesv1.Datum, error) {
	if len(args) == 0 {
		return nil, nil
	}
	out := make([]*typesv1.Datum, len(args))
	for i, a := range args {
		d, err := datumOf(a)
		if err != nil {
			return nil, newError(codeInvalidParameter, err, "parameter $%d: %v", i+1, err)
		}
		out[i] = wire.DatumToProto(d)
	}
	return out, nil
}

// datumOf converts a Go value. Strings become text, which the server reads as a literal of the parameter's type.
func datumOf(v any) (types.Datum, error) {
	switch v := v.(type) {
	case nil:
		return types.Null(types.Unknown), nil
	case bool:
		return types.NewBool(v), nil
	case int:
		return types.NewInt(types.Int8, int64(v)), nil
	case int8:
		return types.NewInt(types.Int2, int64(v)), nil
	case int16:
		return types.NewInt(types.Int2, int64(v)), nil
	case int32:
		return types.NewInt(types.Int4, int64(v)), nil
	case int64:
		return types.NewInt(types.Int8, v), nil
	case uint8:
		return types.NewInt(types.Int2, int64(v)), nil
	case uint16:
		return types.NewInt(types.Int4, int64(v)), nil
	case uint32:
		return types.NewInt(types.Int8, int64(v)), nil
	case uint:
		return unsignedDatum(uint64(v))
	case uint64:
		return unsignedDatum(v)
	case float32:
		return types.NewFloat(types.Float4, float64(v)), nil
	case float64:
		return types.NewFloat(types.Float8, v), nil
	case string:
		return textDatum(v)
	case []byte:
		if v == nil {
			return types.Null(types.Bytea), nil
		}
		return types.NewBytea(v), nil
	case json.RawMessage:
		if v == nil {
			return types.Null(types.JSONB), nil
		}
		return textDatum(string(v))
	case [16]byte:
		return types.NewUUID(v), nil
	case time.Time:
		return timeDatum(v)
	case Decimal:
		d, syntax := types.ParseDecimal(string(v))
		if syntax != types.DecimalOK {
			return types.Datum{}, newError(codeInvalidParameter, nil, "%q is no number, or beyond the limits of numeric", string(v))
		}
		return types.NewNumeric(d), nil
	case Interval:
		return types.NewInterval(types.IntervalValue{Micros: v.Micros, Days: v.Days, Months: v.Months}), nil
	case driver.Valuer:
		if rv := reflect.ValueOf(v); rv.Kind() == reflect.Pointer && rv.IsNil() {
			return types.Null(types.Unknown), nil
		}
		inner, err := v.Value()
		if err != nil {
			return types.Datum{}, err
		}
		if _, again := inner.(driver.Valuer); again {
			return types.Datum{}, newError(codeInvalidParameter, nil, "Value of %T returns a driver.Valuer", v)
		}
		return datumOf(inner)
	}
	return reflectDatum(reflect.ValueOf(v))
}

// reflectDatum converts named types of a basic kind, and pointers.
func reflectDatum(v reflect.Value) (types.Datum, error) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return types.Null(types.Unknown), nil
		}
		return datumOf(v.Elem().Interface())
	case reflect.Bool:
		return types.NewBool(v.Bool()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return types.NewInt(types.Int8, v.Int()), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return unsignedDatum(v.Uint())
	case reflect.Float32, reflect.Float64:
		return types.NewFloat(types.Float8, v.Float()), nil
	case reflect.String:
		return textDatum(v.String())
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return datumOf(v.Bytes())
		}
	case reflect.Array:
		if v.Type().ConvertibleTo(reflect.TypeFor[[16]byte]()) {
			return datumOf(v.Convert(reflect.TypeFor[[16]byte]()).Interface())
		}
	}
	return types.Datum{}, newError(codeInvalidParameter, nil, "cannot pass a %s", v.Type())
}

// unsignedDatum keeps what int8 cannot hold as a numeric, so that the server's range check names the column's type.
func unsignedDatum(v uint64) (types.Datum, error) {
	if v <= math.MaxInt64 {
		return types.NewInt(types.Int8, int64(v)), nil
	}
	d := types.DecimalFromInt(int64(v >> 1))
	twice, err := d.Add(d)
	if err != nil {
		return types.Datum{}, err
	}
	sum, err := twice.Add(types.DecimalFromInt(int64(v & 1)))
	return types.NewNumeric(sum), err
}

func textDatum(s string) (types.Datum, error) {
	if err := pgtext.CheckText(s); err != nil {
		return types.Datum{}, err
	}
	return types.NewString(types.Text, s), nil
}

func timeDatum(t time.Time) (types.Datum, error) {
	// UnixMicro is undefined beyond the range of an int64; years keep well inside of it.
	if y := t.Year(); y < -4712 || y > 294245 {
		return types.Datum{}, newError(codeInvalidParameter, nil, "year %d is out of range for a timestamp", y)
	}
	return types.NewTimestamp(types.TimestampTZ, t.UnixMicro()), nil
}
