package main

import (
	"database/sql/driver"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/duckdb/duckdb-go/v2"
)

const timestampLayout = "2006-01-02 15:04:05.999999"

// argumentError is a wrong number or type of arguments.
type argumentError struct{ text string }

func (e *argumentError) Error() string { return e.text }

// arguments are a statement's parameters. A time for a parameter that DuckDB knows no type of is sent as text.
func arguments(st *duckdb.Stmt, values []any) ([]driver.NamedValue, error) {
	if n := st.NumInput(); n != len(values) {
		return nil, &argumentError{fmt.Sprintf("%d arguments for a statement of %d parameters", len(values), n)}
	}
	out := make([]driver.NamedValue, len(values))
	for i, v := range values {
		if t, ok := v.(time.Time); ok {
			kind, err := st.ParamType(i + 1)
			if err != nil {
				return nil, err
			}
			switch kind {
			case duckdb.TYPE_DATE, duckdb.TYPE_TIMESTAMP, duckdb.TYPE_TIMESTAMP_TZ, duckdb.TYPE_TIMESTAMP_S, duckdb.TYPE_TIMESTAMP_MS,
				duckdb.TYPE_TIMESTAMP_NS:
			default:
				v = t.UTC().Format(timestampLayout)
			}
		}
		out[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return out, nil
}

// value turns a value of DuckDB's driver into what link carries: decimals and every type that has no counterpart are text, in the form
// in which PostgreSQL prints it where it has the type.
func value(kind string, v driver.Value) (any, error) {
	switch v := v.(type) {
	case nil, bool, int64, float64, string:
		return v, nil
	case []byte:
		if kind == "UUID" && len(v) == 16 {
			id := duckdb.UUID(v)
			return id.String(), nil
		}
		return v, nil
	case int8:
		return int64(v), nil
	case int16:
		return int64(v), nil
	case int32:
		return int64(v), nil
	case uint8:
		return int64(v), nil
	case uint16:
		return int64(v), nil
	case uint32:
		return int64(v), nil
	case uint64:
		return whole(new(big.Int).SetUint64(v)), nil
	case float32:
		return float64(v), nil
	case *big.Int:
		return whole(v), nil
	case duckdb.Decimal:
		return decimal(v), nil
	case duckdb.Interval:
		return interval(v), nil
	case time.Time:
		return moment(kind, v), nil
	case duckdb.UUID:
		return v.String(), nil
	}
	return fmt.Sprint(v), nil
}

// whole is a number wider than an int64, such as the sum of integers: an int64 where it fits.
func whole(v *big.Int) any {
	if v.IsInt64() {
		return v.Int64()
	}
	return v.String()
}

// decimal writes all digits of the scale.
func decimal(d duckdb.Decimal) string {
	digits := new(big.Int).Abs(d.Value).String()
	if scale := int(d.Scale); scale > 0 {
		if missing := scale + 1 - len(digits); missing > 0 {
			digits = strings.Repeat("0", missing) + digits
		}
		digits = digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
	}
	if d.Value.Sign() < 0 {
		return "-" + digits
	}
	return digits
}

// moment is a date or timestamp, "infinity" or its negative, or the text of a time of day.
func moment(kind string, t time.Time) any {
	switch {
	case kind == "TIME":
		return t.UTC().Format("15:04:05.999999")
	case strings.HasPrefix(kind, "TIME ") || kind == "TIMETZ":
		return t.Format("15:04:05.999999-07")
	case kind == "DATE":
		return finite(t, t.Unix()/86400, math.MaxInt32)
	}
	return finite(t, t.UnixMicro(), math.MaxInt64)
}

func finite(t time.Time, v, limit int64) any {
	switch v {
	case limit:
		return "infinity"
	case -limit:
		return "-infinity"
	}
	return t.UTC()
}

// interval writes one as PostgreSQL does.
func interval(v duckdb.Interval) string {
	var parts []string
	before := false // the part before is negative, and so a positive one says that it is not
	add := func(n int32, one, many string) {
		if n == 0 {
			return
		}
		text := strconv.Itoa(int(n))
		if before && n > 0 {
			text = "+" + text
		}
		if n != 1 {
			one = many
		}
		parts = append(parts, text+" "+one)
		before = n < 0
	}
	add(v.Months/12, "year", "years")
	add(v.Months%12, "mon", "mons")
	add(v.Days, "day", "days")
	if v.Micros != 0 || len(parts) == 0 {
		sign, micros := "", uint64(v.Micros)
		if v.Micros < 0 {
			sign, micros = "-", -micros
		} else if before {
			sign = "+"
		}
		text := fmt.Sprintf("%s%02d:%02d:%02d", sign, micros/3_600_000_000, micros/60_000_000%60, micros/1_000_000%60)
		if rest := micros % 1_000_000; rest != 0 {
			text += strings.TrimRight(fmt.Sprintf(".%06d", rest), "0")
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " ")
}
