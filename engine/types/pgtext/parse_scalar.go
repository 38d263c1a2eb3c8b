package pgtext

import (
	"encoding/hex"
	"math"
	"strconv"
	"strings"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
)

func parseBool(s string) (types.Datum, error) {
	body := strings.ToLower(trim(s))
	if body != "" {
		for _, w := range []struct {
			word  string
			least int
			value bool
		}{
			{"true", 1, true}, {"false", 1, false}, {"yes", 1, true}, {"no", 1, false},
			{"on", 2, true}, {"off", 2, false}, {"1", 1, true}, {"0", 1, false},
		} {
			if len(body) >= w.least && strings.HasPrefix(w.word, body) {
				return types.NewBool(w.value), nil
			}
		}
	}
	return types.Datum{}, errSyntax(types.Bool, s)
}

func parseInt(k types.Kind, s string) (types.Datum, error) {
	body := trim(s)
	digits := body
	if digits != "" && (digits[0] == '+' || digits[0] == '-') {
		digits = digits[1:]
	}
	if digits == "" {
		return types.Datum{}, errSyntax(k, s)
	}
	for i := range len(digits) {
		if !isDigit(digits[i]) {
			return types.Datum{}, errSyntax(k, s)
		}
	}
	v, err := strconv.ParseInt(body, 10, 64)
	lo, hi := types.IntRange(k)
	if err != nil || v < lo || v > hi {
		return types.Datum{}, sqlerr.New(sqlerr.NumericValueOutOfRange, `value "%s" is out of range for type %s`, s, k)
	}
	return types.NewInt(k, v), nil
}

func parseFloat(k types.Kind, s string) (types.Datum, error) {
	body := trim(s)
	word := strings.ToLower(strings.TrimLeft(body, "+-"))
	if len(body)-len(word) > 1 || word == "" {
		return types.Datum{}, errSyntax(k, s)
	}
	switch word {
	case "nan":
		return types.NewFloat(k, math.NaN()), nil
	case "inf", "infinity":
		if body[0] == '-' {
			return types.NewFloat(k, math.Inf(-1)), nil
		}
		return types.NewFloat(k, math.Inf(1)), nil
	}
	if !isDigit(word[0]) && word[0] != '.' || strings.ContainsAny(word, "_xp") {
		return types.Datum{}, errSyntax(k, s)
	}
	bits := 64
	if k == types.Float4 {
		bits = 32
	}
	f, err := strconv.ParseFloat(body, bits)
	if err != nil && !math.IsInf(f, 0) {
		return types.Datum{}, errSyntax(k, s)
	}
	mantissa, _, _ := strings.Cut(word, "e")
	if math.IsInf(f, 0) || f == 0 && strings.ContainsAny(mantissa, "123456789") {
		return types.Datum{}, sqlerr.New(sqlerr.NumericValueOutOfRange, `"%s" is out of range for type %s`, body, k)
	}
	return types.NewFloat(k, f), nil
}

func parseNumeric(s string) (types.Datum, error) {
	d, outcome := types.ParseDecimal(trim(s))
	switch outcome {
	case types.DecimalMalformed:
		return types.Datum{}, errSyntax(types.Numeric, s)
	case types.DecimalTooLarge:
		return types.Datum{}, sqlerr.New(sqlerr.NumericValueOutOfRange, "value overflows numeric format")
	}
	return types.NewNumeric(d), nil
}

func parseBytea(s string) (types.Datum, error) {
	if strings.HasPrefix(s, `\x`) {
		return parseByteaHex(s[2:])
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		switch {
		case s[i] != '\\':
			out = append(out, s[i])
			i++
		case i+1 < len(s) && s[i+1] == '\\':
			out = append(out, '\\')
			i += 2
		case i+3 < len(s) && s[i+1] >= '0' && s[i+1] <= '3' && isOctal(s[i+2]) && isOctal(s[i+3]):
			out = append(out, (s[i+1]-'0')<<6|(s[i+2]-'0')<<3|(s[i+3]-'0'))
			i += 4
		default:
			return types.Datum{}, sqlerr.New(sqlerr.InvalidTextRepresentation, "invalid input syntax for type bytea")
		}
	}
	return types.NewBytea(out), nil
}

func isOctal(c byte) bool { return c >= '0' && c <= '7' }

func parseByteaHex(s string) (types.Datum, error) {
	out := make([]byte, 0, len(s)/2)
	for i := 0; i < len(s); {
		if c := s[i]; c == ' ' || c == '\n' || c == '\t' || c == '\r' {
			i++
			continue
		}
		hi, ok := hexDigit(s[i])
		if !ok {
			return types.Datum{}, errHexDigit(s[i:])
		}
		if i+1 == len(s) {
			return types.Datum{}, sqlerr.New(sqlerr.InvalidParameterValue, "invalid hexadecimal data: odd number of digits")
		}
		lo, ok := hexDigit(s[i+1])
		if !ok {
			return types.Datum{}, errHexDigit(s[i+1:])
		}
		out = append(out, hi<<4|lo)
		i += 2
	}
	return types.NewBytea(out), nil
}

func errHexDigit(rest string) error {
	for _, r := range rest {
		return sqlerr.New(sqlerr.InvalidParameterValue, `invalid hexadecimal digit: "%c"`, r)
	}
	return nil
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case isDigit(c):
		return c - '0', true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

func parseUUID(s string) (types.Datum, error) {
	body := s
	if strings.HasPrefix(body, "{") && strings.HasSuffix(body, "}") {
		body = body[1 : len(body)-1]
	}
	var u [16]byte
	for i := range u {
		if len(body) < 2 {
			return types.Datum{}, errSyntax(types.UUID, s)
		}
		if _, err := hex.Decode(u[i:i+1], []byte(body[:2])); err != nil {
			return types.Datum{}, errSyntax(types.UUID, s)
		}
		body = body[2:]
		// A hyphen may follow any group of four digits but the last.
		if i%2 == 1 && i < 15 && strings.HasPrefix(body, "-") {
			body = body[1:]
		}
	}
	if body != "" {
		return types.Datum{}, errSyntax(types.UUID, s)
	}
	return types.NewUUID(u), nil
}
