package pgtext

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
)

// Fit applies t's modifier to a value of t's kind. An explicit conversion cuts text that is too long, any
// other one fails with 22001 unless just blanks are cut. Numerics are rounded and fail with 22003 when
// they do not fit; temporal values are rounded to the declared fractional digits.
func Fit(t types.Type, d types.Datum, explicit bool) (types.Datum, error) {
	if d.IsNull() || t.Mod == 0 {
		return d, nil
	}
	switch t.Kind {
	case types.Varchar, types.Char:
		s, err := FitText(t, d.Str(), explicit)
		return types.NewString(t.Kind, s), err
	case types.Numeric:
		n, err := FitNumeric(t, d.Numeric())
		return types.NewNumeric(n), err
	case types.Timestamp, types.TimestampTZ:
		return types.NewTimestamp(t.Kind, RoundTimestamp(d.Int(), t.FractionDigits())), nil
	case types.Interval:
		v := d.Interval()
		v.Micros = RoundMicros(v.Micros, t.FractionDigits())
		return types.NewInterval(v), nil
	}
	return d, nil
}

// FitText applies the length of varchar(n) or char(n), counted in characters: see Fit. char(n) is padded with blanks.
func FitText(t types.Type, s string, explicit bool) (string, error) {
	limit := int(t.Mod)
	// A character is at least one byte, so most values need no count.
	if len(s) > limit {
		n := 0
		for i := range s {
			if n == limit {
				if !explicit && strings.Trim(s[i:], " ") != "" {
					return "", sqlerr.New(sqlerr.StringDataRightTruncation, "value too long for type %s", t)
				}
				return s[:i], nil
			}
			n++
		}
	}
	if t.Kind == types.Char {
		if missing := limit - utf8.RuneCountInString(s); missing > 0 {
			return s + strings.Repeat(" ", missing), nil
		}
	}
	return s, nil
}

// FitNumeric applies numeric(precision, scale): see Fit.
func FitNumeric(t types.Type, n types.Decimal) (types.Decimal, error) {
	fit, ok := n.Fit(t.Precision(), t.Scale())
	if ok {
		return fit, nil
	}
	err := sqlerr.New(sqlerr.NumericValueOutOfRange, "numeric field overflow")
	if n.IsInf() {
		return n, err.WithDetail("A field with precision %d, scale %d cannot hold an infinite value.", t.Precision(), t.Scale())
	}
	bound := "1"
	if whole := t.Precision() - t.Scale(); whole > 0 {
		bound = fmt.Sprintf("10^%d", whole)
	}
	return n, err.WithDetail("A field with precision %d, scale %d must round to an absolute value less than %s.",
		t.Precision(), t.Scale(), bound)
}
