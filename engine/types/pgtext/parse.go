package pgtext

import (
	"strings"
	"unicode/utf8"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
)

// Parse reads the text form of a value of type t and applies t's modifier, as PostgreSQL's input functions do:
// text that is too long for varchar(n) or char(n) is an error unless just blanks are cut, numerics and
// timestamps are rounded. Errors carry PostgreSQL's SQLSTATE and message.
func Parse(t types.Type, s string, env *Env) (types.Datum, error) {
	if err := CheckText(s); err != nil {
		return types.Null(t.Kind), err
	}
	d, err := parse(t.Kind, s, env)
	if err != nil {
		return types.Null(t.Kind), err
	}
	if t.Mod == 0 {
		return d, nil
	}
	return Fit(t, d, false)
}

func parse(k types.Kind, s string, env *Env) (types.Datum, error) {
	switch k {
	case types.Bool:
		return parseBool(s)
	case types.Int2, types.Int4, types.Int8:
		return parseInt(k, s)
	case types.Float4, types.Float8:
		return parseFloat(k, s)
	case types.Numeric:
		return parseNumeric(s)
	case types.Bytea:
		return parseBytea(s)
	case types.Date:
		return parseDate(s, env)
	case types.Timestamp, types.TimestampTZ:
		return parseTimestamp(k, s, env)
	case types.Interval:
		return parseInterval(s)
	case types.UUID:
		return parseUUID(s)
	case types.JSONB:
		norm, err := NormalizeJSON(s)
		return types.NewString(types.JSONB, norm), err
	default:
		return types.NewString(k, s), nil
	}
}

// CheckText reports text that PostgreSQL's UTF8 encoding cannot hold: 22021 for invalid UTF-8 and for NUL.
func CheckText(s string) error {
	if strings.IndexByte(s, 0) < 0 && utf8.ValidString(s) {
		return nil
	}
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == 0 || r == utf8.RuneError && n == 1 {
			return errEncoding(s[i:])
		}
		i += n
	}
	return nil
}

func errEncoding(s string) error {
	n := 1
	switch c := s[0]; {
	case c&0xe0 == 0xc0:
		n = 2
	case c&0xf0 == 0xe0:
		n = 3
	case c&0xf8 == 0xf0:
		n = 4
	}
	var b strings.Builder
	const digits = "0123456789abcdef"
	for i := range min(n, len(s)) {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString("0x")
		b.WriteByte(digits[s[i]>>4])
		b.WriteByte(digits[s[i]&15])
	}
	return sqlerr.New(sqlerr.CharacterNotInRepertoire, `invalid byte sequence for encoding "UTF8": %s`, b.String())
}

// inputName is what PostgreSQL's input functions call a kind in their messages.
func inputName(k types.Kind) string {
	switch k {
	case types.Timestamp:
		return "timestamp"
	case types.JSONB:
		return "json"
	}
	return k.String()
}

func errSyntax(k types.Kind, s string) error {
	code := sqlerr.InvalidTextRepresentation
	if k.IsTemporal() || k == types.Interval {
		code = sqlerr.InvalidDatetimeFormat
	}
	return sqlerr.New(code, `invalid input syntax for type %s: "%s"`, inputName(k), s)
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isAlpha(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// trim cuts the blanks of C's isspace.
func trim(s string) string {
	for s != "" && isSpace(s[0]) {
		s = s[1:]
	}
	for s != "" && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}
