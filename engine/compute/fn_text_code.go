package compute

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
)

func addTextCode(c *catalogue) {
	text, int4 := types.Text, types.Int4
	str := func(name string, f func(*row) error, args ...types.Kind) *Func {
		return c.rows(name, ClassString, text, f, args...)
	}
	c.rows("ascii", ClassString, int4, func(r *row) error {
		s := r.str(0)
		if s == "" {
			return put(r, int32(0))
		}
		ch, _ := utf8.DecodeRuneInString(s)
		return put(r, ch)
	}, text)
	str("chr", func(r *row) error {
		s, err := chr(r.int(0))
		if err != nil {
			return err
		}
		return r.putStr(s)
	}, int4)
	str("to_hex", func(r *row) error { return r.putStr(strconv.FormatUint(uint64(uint32(r.int(0))), 16)) }, int4)
	str("to_hex", func(r *row) error { return r.putStr(strconv.FormatUint(uint64(r.int(0)), 16)) }, types.Int8)
	for _, k := range []types.Kind{text, types.Bytea} {
		str("md5", func(r *row) error {
			sum := md5.Sum(r.bytes(0))
			return r.putStr(hex.EncodeToString(sum[:]))
		}, k)
	}
	for name, sum := range map[string]func([]byte) []byte{
		"sha224": func(b []byte) []byte { s := sha256.Sum224(b); return s[:] },
		"sha256": func(b []byte) []byte { s := sha256.Sum256(b); return s[:] },
		"sha384": func(b []byte) []byte { s := sha512.Sum384(b); return s[:] },
		"sha512": func(b []byte) []byte { s := sha512.Sum512(b); return s[:] },
	} {
		c.rows(name, ClassString, types.Bytea, func(r *row) error { return r.putBytes(sum(r.bytes(0))) }, types.Bytea)
	}
	str("encode", func(r *row) error {
		s, err := encodeBytes(r.bytes(0), r.str(1))
		if err != nil {
			return err
		}
		return r.putStr(s)
	}, types.Bytea, text)
	c.rows("decode", ClassString, types.Bytea, func(r *row) error {
		b, err := decodeBytes(r.str(0), r.str(1))
		if err != nil {
			return err
		}
		return r.putBytes(b)
	}, text, text)
	c.rows("convert_to", ClassString, types.Bytea, func(r *row) error {
		if err := wantUTF8(r.str(1)); err != nil {
			return err
		}
		return r.putBytes(r.bytes(0))
	}, text, text)
	str("convert_from", func(r *row) error {
		if err := wantUTF8(r.str(1)); err != nil {
			return err
		}
		if !utf8.Valid(r.bytes(0)) || strings.IndexByte(r.str(0), 0) >= 0 {
			return sqlerr.New(sqlerr.CharacterNotInRepertoire, `invalid byte sequence for encoding "UTF8"`)
		}
		return r.putBytes(r.bytes(0))
	}, types.Bytea, text)
}

func wantUTF8(name string) error {
	switch strings.ToLower(strings.ReplaceAll(name, "-", "")) {
	case "utf8", "unicode":
		return nil
	}
	return sqlerr.New(sqlerr.FeatureNotSupported, "encoding %q is not supported", name)
}

func chr(n int64) (string, error) {
	switch {
	case n == 0:
		return "", sqlerr.New(sqlerr.ProgramLimitExceeded, "null character not permitted")
	case n < 0:
		return "", errParameter("character number must be positive")
	case n > utf8.MaxRune:
		return "", sqlerr.New(sqlerr.ProgramLimitExceeded, "requested character too large for encoding: %d", n)
	case !utf8.ValidRune(rune(n)):
		return "", sqlerr.New(sqlerr.ProgramLimitExceeded, "requested character not valid for encoding: %d", n)
	}
	return string(rune(n)), nil
}

func encodeBytes(b []byte, format string) (string, error) {
	switch strings.ToLower(format) {
	case "hex":
		return hex.EncodeToString(b), nil
	case "base64":
		s := base64.StdEncoding.EncodeToString(b)
		// PostgreSQL breaks lines at 76 characters, as MIME does.
		var out strings.Builder
		for len(s) > 76 {
			out.WriteString(s[:76])
			out.WriteByte('\n')
			s = s[76:]
		}
		return out.String() + s, nil
	case "escape":
		var out strings.Builder
		for _, c := range b {
			switch {
			case c == 0 || c >= 0x80:
				out.WriteByte('\\')
				out.WriteString(string([]byte{'0' + c>>6, '0' + c>>3&7, '0' + c&7}))
			case c == '\\':
				out.WriteString(`\\`)
			default:
				out.WriteByte(c)
			}
		}
		return out.String(), nil
	}
	return "", errParameter("unrecognized encoding: %q", format)
}

func decodeBytes(s, format string) ([]byte, error) {
	switch strings.ToLower(format) {
	case "hex":
		return decodeHex(s)
	case "base64":
		clean := strings.Map(func(c rune) rune {
			switch c {
			case ' ', '\t', '\n', '\r':
				return -1
			}
			return c
		}, s)
		b, err := base64.StdEncoding.DecodeString(clean)
		if err != nil {
			return nil, errParameter("invalid base64 end sequence").
				WithHint("Input data is missing padding, is truncated, or is otherwise corrupted.")
		}
		return b, nil
	case "escape":
		return decodeEscape(s)
	}
	return nil, errParameter("unrecognized encoding: %q", format)
}

func decodeHex(s string) ([]byte, error) {
	var out []byte
	high := -1
	for i := 0; i < len(s); i++ {
		c := s[i]
		d := strings.IndexByte("0123456789abcdef", c|0x20)
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			if high >= 0 {
				return nil, errParameter("invalid hexadecimal digit: \"%c\"", c)
			}
			continue
		case d < 0 || c < '0':
			ch, _ := utf8.DecodeRuneInString(s[i:])
			return nil, errParameter("invalid hexadecimal digit: \"%c\"", ch)
		case high < 0:
			high = d
		default:
			out = append(out, byte(high<<4|d))
			high = -1
		}
	}
	if high >= 0 {
		return nil, errParameter("invalid hexadecimal data: odd number of digits")
	}
	return out, nil
}

func decodeEscape(s string) ([]byte, error) {
	var out []byte
	octal := func(c byte, top byte) bool { return c >= '0' && c <= top }
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] != '\\':
			out = append(out, s[i])
		case i+1 < len(s) && s[i+1] == '\\':
			out = append(out, '\\')
			i++
		case i+3 < len(s) && octal(s[i+1], '3') && octal(s[i+2], '7') && octal(s[i+3], '7'):
			out = append(out, (s[i+1]-'0')<<6|(s[i+2]-'0')<<3|(s[i+3]-'0'))
			i += 3
		default:
			return nil, sqlerr.New(sqlerr.InvalidTextRepresentation, "invalid input syntax for type bytea")
		}
	}
	return out, nil
}
