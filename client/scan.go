package client

import (
	"database/sql"
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"time"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// scan stores value i of c in dest, which must be a pointer or an sql.Scanner.
func scan(c Vector, i int, dest any) error {
	if c.IsNull(i) {
		return scanNull(dest)
	}
	switch d := dest.(type) {
	case *any:
		*d = c.Value(i)
		return nil
	case *string:
		*d = c.String(i)
		return nil
	case *int64:
		n, err := integer(c, i, math.MinInt64, math.MaxInt64)
		*d = n
		return err
	case *int:
		n, err := integer(c, i, math.MinInt, math.MaxInt)
		*d = int(n)
		return err
	case *int32:
		n, err := integer(c, i, math.MinInt32, math.MaxInt32)
		*d = int32(n)
		return err
	case *float64:
		f, err := float(c, i)
		*d = f
		return err
	case *bool:
		if c.v.Kind() != types.Bool {
			return errScan(c, dest)
		}
		*d = vec.Values[uint8](c.v)[i] != 0
		return nil
	case *[]byte:
		*d = bytesOf(c, i)
		return nil
	case *json.RawMessage:
		*d = bytesOf(c, i)
		return nil
	case *time.Time:
		if !c.v.Kind().IsTemporal() {
			return errScan(c, dest)
		}
		t, finite := c.time(i)
		if !finite {
			return newError(string(sqlerr.DatetimeFieldOverflow), nil, "%s does not fit a time.Time", c.String(i))
		}
		*d = t
		return nil
	case *[16]byte:
		if c.v.Kind() != types.UUID {
			return errScan(c, dest)
		}
		*d = c.UUID(i)
		return nil
	case *Decimal:
		if !c.v.Kind().IsNumber() {
			return errScan(c, dest)
		}
		*d = Decimal(c.String(i))
		return nil
	case *Interval:
		v, ok := c.Value(i).(Interval)
		if !ok {
			return errScan(c, dest)
		}
		*d = v
		return nil
	case sql.Scanner:
		return d.Scan(scannerValue(c.Value(i)))
	}
	return scanReflect(c, i, dest)
}

// scannerValue restricts a value to what driver.Value allows, which is what an sql.Scanner expects.
func scannerValue(v any) any {
	switch v := v.(type) {
	case Decimal:
		return string(v)
	case json.RawMessage:
		return []byte(v)
	case [16]byte:
		return v[:]
	}
	return v
}

func scanNull(dest any) error {
	switch d := dest.(type) {
	case *any:
		*d = nil
		return nil
	case *[]byte:
		*d = nil
		return nil
	case *json.RawMessage:
		*d = nil
		return nil
	case sql.Scanner:
		return d.Scan(nil)
	}
	v := reflect.ValueOf(dest)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return newError(codeInvalidParameter, nil, "cannot scan into a %T: not a pointer", dest)
	}
	if v.Elem().Kind() == reflect.Pointer {
		v.Elem().SetZero()
		return nil
	}
	return newError(string(sqlerr.NullValueNotAllowed), nil, "cannot scan NULL into a %T", dest)
}

// scanReflect handles pointers to pointers, the other integer sizes, and named types.
func scanReflect(c Vector, i int, dest any) error {
	v := reflect.ValueOf(dest)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return newError(codeInvalidParameter, nil, "cannot scan into a %T: not a pointer", dest)
	}
	e := v.Elem()
	switch e.Kind() {
	case reflect.Pointer:
		inner := reflect.New(e.Type().Elem())
		if err := scan(c, i, inner.Interface()); err != nil {
			return err
		}
		e.Set(inner)
		return nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n, err := integer(c, i, math.MinInt64, math.MaxInt64)
		if err == nil && e.OverflowInt(n) {
			err = errRange(c, i, dest)
		}
		if err == nil {
			e.SetInt(n)
		}
		return err
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n, err := integer(c, i, 0, math.MaxInt64)
		if err == nil && e.OverflowUint(uint64(n)) {
			err = errRange(c, i, dest)
		}
		if err == nil {
			e.SetUint(uint64(n))
		}
		return err
	case reflect.Float32, reflect.Float64:
		f, err := float(c, i)
		if err == nil {
			e.SetFloat(f)
		}
		return err
	case reflect.String:
		e.SetString(c.String(i))
		return nil
	case reflect.Bool:
		var b bool
		err := scan(c, i, &b)
		e.SetBool(b)
		return err
	}
	value := reflect.ValueOf(c.Value(i))
	if value.Type().ConvertibleTo(e.Type()) {
		e.Set(value.Convert(e.Type()))
		return nil
	}
	return errScan(c, dest)
}

// integer returns an integer, or a numeric or text that is one, within bounds.
func integer(c Vector, i int, lo, hi int64) (int64, error) {
	var n int64
	switch c.v.Kind() {
	case types.Int2:
		n = int64(vec.Values[int16](c.v)[i])
	case types.Int4:
		n = int64(vec.Values[int32](c.v)[i])
	case types.Int8:
		n = vec.Values[int64](c.v)[i]
	case types.Numeric, types.Text, types.Varchar:
		var err error
		if n, err = strconv.ParseInt(c.String(i), 10, 64); err != nil {
			return 0, newError(codeInvalidParameter, err, "%q is not an integer that fits", c.String(i))
		}
	default:
		return 0, errScan(c, new(int64))
	}
	if n < lo || n > hi {
		return 0, newError(string(sqlerr.NumericValueOutOfRange), nil, "%d is out of range", n)
	}
	return n, nil
}

func float(c Vector, i int) (float64, error) {
	switch c.v.Kind() {
	case types.Float8:
		return vec.Values[float64](c.v)[i], nil
	case types.Float4:
		return float64(vec.Values[float32](c.v)[i]), nil
	case types.Numeric:
		return c.v.DecimalAt(i).Float(types.Float8)
	case types.Int2, types.Int4, types.Int8:
		n, err := integer(c, i, math.MinInt64, math.MaxInt64)
		return float64(n), err
	}
	return 0, errScan(c, new(float64))
}

func bytesOf(c Vector, i int) []byte {
	if c.v.Kind().IsVariable() {
		return append([]byte{}, c.v.BytesAt(i)...)
	}
	return []byte(c.String(i))
}

func errScan(c Vector, dest any) error {
	return newError(string(sqlerr.DatatypeMismatch), nil, "cannot scan %s into a %T", c.v.Type(), dest)
}

func errRange(c Vector, i int, dest any) error {
	return newError(string(sqlerr.NumericValueOutOfRange), nil, "%s is out of range for a %T", c.String(i), dest)
}
