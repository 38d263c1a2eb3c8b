package compute

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// maxTextBytes bounds a string that a function makes, as PostgreSQL's varlena limit does.
const maxTextBytes = 1<<30 - 1

func addText(c *catalogue) {
	text, int4 := types.Text, types.Int4
	str := func(name string, f func(*row) error, args ...types.Kind) *Func {
		return c.rows(name, ClassString, text, f, args...)
	}
	for _, name := range []string{"length", "char_length", "character_length"} {
		c.rows(name, ClassString, int4, func(r *row) error { return put(r, int32(runeCount(r.str(0)))) }, text)
		c.rows(name, ClassString, int4, func(r *row) error { return put(r, int32(runeCount(charKey(r.str(0))))) }, types.Char)
	}
	c.rows("length", ClassString, int4, func(r *row) error { return put(r, int32(len(r.bytes(0)))) }, types.Bytea)
	for _, k := range []types.Kind{text, types.Char, types.Bytea} {
		c.rows("octet_length", ClassString, int4, func(r *row) error { return put(r, int32(len(r.bytes(0)))) }, k)
	}
	for _, k := range []types.Kind{text, types.Bytea} {
		c.rows("bit_length", ClassString, int4, func(r *row) error { return put(r, int32(8*len(r.bytes(0)))) }, k)
	}
	str("lower", mapText(strings.ToLower, 'A', 'Z', 32), text)
	str("upper", mapText(strings.ToUpper, 'a', 'z', -32&0xff), text)
	str("initcap", func(r *row) error { return r.putStr(initcap(r.str(0))) }, text)
	str("reverse", func(r *row) error { return r.putStr(reverse(r.str(0))) }, text)
	str("left", func(r *row) error { return r.putStr(left(r.str(0), r.int(1))) }, text, int4)
	str("right", func(r *row) error { return r.putStr(right(r.str(0), r.int(1))) }, text, int4)
	for _, name := range []string{"substr", "substring"} {
		str(name, func(r *row) error {
			s, err := substring(r.str(0), r.int(1), -1, true)
			if err != nil {
				return err
			}
			return r.putStr(s)
		}, text, int4)
		str(name, func(r *row) error {
			s, err := substring(r.str(0), r.int(1), r.int(2), false)
			if err != nil {
				return err
			}
			return r.putStr(s)
		}, text, int4, int4)
		c.rows(name, ClassString, types.Bytea, func(r *row) error {
			b, err := byteRange(r.bytes(0), r.int(1), -1, true)
			if err != nil {
				return err
			}
			return r.putBytes(b)
		}, types.Bytea, int4)
		c.rows(name, ClassString, types.Bytea, func(r *row) error {
			b, err := byteRange(r.bytes(0), r.int(1), r.int(2), false)
			if err != nil {
				return err
			}
			return r.putBytes(b)
		}, types.Bytea, int4, int4)
	}
	for _, name := range []string{"strpos", "position"} {
		c.rows(name, ClassString, int4, func(r *row) error { return put(r, int32(runePosition(r.str(0), r.str(1)))) }, text, text)
	}
	c.rows("starts_with", ClassString, types.Bool, func(r *row) error {
		return r.putBool(strings.HasPrefix(r.str(0), r.str(1)))
	}, text, text)
	c.rows("^@", ClassString, types.Bool, func(r *row) error {
		return r.putBool(strings.HasPrefix(r.str(0), r.str(1)))
	}, text, text)
	addConcat(c)
}

// addConcat defines ||. With one text operand the other may be of any kind and is written as a cast to text would.
func addConcat(c *catalogue) {
	join := func(r *row) error {
		r.buf = append(append(r.buf[:0], r.bytes(0)...), r.bytes(1)...)
		return r.putBytes(r.buf)
	}
	c.rows("||", ClassString, types.Text, join, types.Text, types.Text)
	c.rows("||", ClassString, types.Bytea, join, types.Bytea, types.Bytea)
	asText := func(at int) Kernel {
		kernel := eachRow(types.Text, join)
		return func(env *Env, args []*vec.Vector, valid vec.Bitmap, n int) (*vec.Vector, error) {
			v, err := Cast(env, args[at], types.Of(types.Text), true)
			if err != nil {
				return nil, err
			}
			both := []*vec.Vector{args[0], args[1]}
			both[at] = v
			return kernel(env, both, valid, n)
		}
	}
	c.strict("||", ClassString, types.Text, asText(1), types.Text, Any).Volatility = Stable
	c.strict("||", ClassString, types.Text, asText(0), Any, types.Text).Volatility = Stable
}

// mapText is lower or upper: bytes from lo to hi move by delta, and text that is not ASCII goes through full.
func mapText(full func(string) string, lo, hi, delta byte) func(*row) error {
	return func(r *row) error {
		src := r.bytes(0)
		r.buf = append(r.buf[:0], src...)
		for i, b := range r.buf {
			if b >= utf8.RuneSelf {
				return r.putStr(full(string(src)))
			}
			if b >= lo && b <= hi {
				r.buf[i] = b + delta
			}
		}
		return r.putBytes(r.buf)
	}
}

func runeCount(s string) int { return utf8.RuneCountInString(s) }

// runePosition returns the 1-based character position of sub in s, 0 when it is not there.
func runePosition(s, sub string) int {
	i := strings.Index(s, sub)
	if i < 0 {
		return 0
	}
	return runeCount(s[:i]) + 1
}

// runeOffset returns the byte offset of character n of s, len(s) when there are fewer.
func runeOffset(s string, n int64) int {
	if n <= 0 {
		return 0
	}
	at := 0
	for at < len(s) && n > 0 {
		_, size := utf8.DecodeRuneInString(s[at:])
		at += size
		n--
	}
	return at
}

func left(s string, n int64) string {
	if n < 0 {
		n += int64(runeCount(s))
	}
	return s[:runeOffset(s, n)]
}

func right(s string, n int64) string {
	if n < 0 {
		n = -n
	} else {
		n = int64(runeCount(s)) - n
	}
	return s[runeOffset(s, n):]
}

// substringRange turns SQL's start and count, which may lie outside the string, into characters to skip and to take.
func substringRange(start, count int64, rest bool) (skip, take int64, err error) {
	if rest {
		return max(start-1, 0), 1 << 40, nil
	}
	if count < 0 {
		return 0, 0, errSubstring()
	}
	end := start + count
	skip = max(start-1, 0)
	return skip, max(end-1-skip, 0), nil
}

func substring(s string, start, count int64, rest bool) (string, error) {
	skip, take, err := substringRange(start, count, rest)
	if err != nil {
		return "", err
	}
	s = s[runeOffset(s, skip):]
	return s[:runeOffset(s, take)], nil
}

func byteRange(b []byte, start, count int64, rest bool) ([]byte, error) {
	skip, take, err := substringRange(start, count, rest)
	if err != nil {
		return nil, err
	}
	b = b[min(skip, int64(len(b))):]
	return b[:min(take, int64(len(b)))], nil
}

func initcap(s string) string {
	inWord := false
	return strings.Map(func(r rune) rune {
		was := inWord
		inWord = unicode.IsLetter(r) || unicode.IsDigit(r)
		if was {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, s)
}

func reverse(s string) string {
	out := make([]byte, len(s))
	at := len(s)
	for i := 0; i < len(s); {
		_, size := utf8.DecodeRuneInString(s[i:])
		at -= size
		copy(out[at:], s[i:i+size])
		i += size
	}
	return string(out)
}
