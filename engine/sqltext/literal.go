package sqltext

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/attunedb/attune/engine/sqlerr"
)

// Kind is the class of a literal: what it is before its context gives it a type.
type Kind uint8

// The classes. An integer is Int4, Int8 or Numeric by its size.
const (
	Int4 Kind = iota
	Int8
	Numeric
	// String is a quoted string of any form; its type comes from its context.
	String
	// Bit is B'…' or X'…'.
	Bit
)

var kindNames = [...]string{"int4", "int8", "numeric", "string", "bit"}

// String returns the name that placeholders carry.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// Literal is one literal of a statement.
type Literal struct {
	Kind Kind
	// Text is the value: digits without underscores and in base ten, a string without quotes and escapes, for Bit the base
	// letter (b or x) and the digits. It may share memory with the statement.
	Text string
	// Offset is the byte offset of the token.
	Offset int
}

// literal decodes a token; ok is false for tokens that are no literals of a template.
func (s *scanner) literal(t token) (lit Literal, ok bool, err error) {
	raw := s.src[t.start:t.end]
	lit.Offset = t.start
	switch t.kind {
	case tokInteger:
		lit.Kind, lit.Text = integerLiteral(raw)
	case tokNumeric:
		lit.Kind, lit.Text = Numeric, numericText(raw)
	case tokString:
		lit.Kind, lit.Text = String, plainText(raw[1:])
	case tokEscape:
		lit.Kind = String
		lit.Text, err = s.escapedText(t.start, plainEscaped(raw[2:]))
	case tokDollar:
		tag := strings.IndexByte(raw[1:], '$') + 2
		lit.Kind, lit.Text = String, raw[tag:len(raw)-tag]
	case tokBit:
		lit.Kind, lit.Text = Bit, strings.ToLower(raw[:1])+plainText(raw[2:])
	default:
		return lit, false, nil
	}
	return lit, true, err
}

// plainText returns the value of a string without escapes, given the token after its opening quote.
func plainText(body string) string {
	if strings.IndexByte(body, '\'') == len(body)-1 {
		return body[:len(body)-1]
	}
	var b strings.Builder
	for i := 0; i < len(body); {
		if body[i] != '\'' {
			b.WriteByte(body[i])
			i++
			continue
		}
		if i+1 < len(body) && body[i+1] == '\'' {
			b.WriteByte('\'')
			i += 2
			continue
		}
		next := continuation(body, i+1)
		if next == 0 {
			break
		}
		i = next
	}
	return b.String()
}

// plainEscaped joins the parts of a continued E'…' string and undoes doubled quotes, leaving backslashes.
func plainEscaped(body string) string {
	var b strings.Builder
	for i := 0; i < len(body); {
		switch {
		case body[i] == '\\' && i+1 < len(body):
			b.WriteString(body[i : i+2])
			i += 2
		case body[i] != '\'':
			b.WriteByte(body[i])
			i++
		case i+1 < len(body) && body[i+1] == '\'':
			b.WriteByte('\'')
			i += 2
		default:
			next := continuation(body, i+1)
			if next == 0 {
				return b.String()
			}
			i = next
		}
	}
	return b.String()
}

// escapedText undoes backslash escapes.
func (s *scanner) escapedText(at int, body string) (string, error) {
	if strings.IndexByte(body, '\\') < 0 {
		return body, nil
	}
	out := make([]byte, 0, len(body))
	var high rune
	for i := 0; i < len(body); {
		c := body[i]
		if c != '\\' || i+1 >= len(body) {
			if high != 0 {
				return "", s.badUnicode(at)
			}
			out = append(out, c)
			i++
			continue
		}
		i++
		c = body[i]
		i++
		if c == 'u' || c == 'U' {
			n := 4
			if c == 'U' {
				n = 8
			}
			r, ok := hexRune(body[i:], n)
			if !ok {
				return "", sqlerr.New(sqlerr.InvalidEscapeSequence, "invalid Unicode escape").
					WithHint("Unicode escapes must be \\uXXXX or \\UXXXXXXXX.").At(CharPosition(s.src, at))
			}
			i += n
			switch {
			case high != 0:
				if r = utf16.DecodeRune(high, r); r == utf8.RuneError {
					return "", s.badUnicode(at)
				}
				high = 0
			case r >= 0xD800 && r < 0xDC00:
				high = r
				continue
			case r >= 0xDC00 && r < 0xE000:
				return "", s.badUnicode(at)
			}
			if r == 0 || r > utf8.MaxRune {
				return "", sqlerr.New(sqlerr.SyntaxError, "invalid Unicode escape value").At(CharPosition(s.src, at))
			}
			out = utf8.AppendRune(out, r)
			continue
		}
		if high != 0 {
			return "", s.badUnicode(at)
		}
		switch c {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'v':
			out = append(out, '\v')
		case '0', '1', '2', '3', '4', '5', '6', '7':
			v := int(c - '0')
			for n := 1; n < 3 && i < len(body) && body[i] >= '0' && body[i] <= '7'; n++ {
				v = v*8 + int(body[i]-'0')
				i++
			}
			out = append(out, byte(v))
		case 'x':
			v, n := 0, 0
			for ; n < 2 && i < len(body) && digitOf(body[i]) < 16; n++ {
				v = v*16 + digitOf(body[i])
				i++
			}
			if n == 0 {
				out = append(out, 'x')
			} else {
				out = append(out, byte(v))
			}
		default:
			out = append(out, c)
		}
	}
	if high != 0 {
		return "", s.badUnicode(at)
	}
	if text := string(out); utf8.ValidString(text) && strings.IndexByte(text, 0) < 0 {
		return text, nil
	}
	return "", sqlerr.New(sqlerr.CharacterNotInRepertoire, "invalid byte sequence for encoding \"UTF8\"").At(CharPosition(s.src, at))
}

func (s *scanner) badUnicode(at int) error {
	return sqlerr.New(sqlerr.SyntaxError, "invalid Unicode surrogate pair").At(CharPosition(s.src, at))
}

// hexRune reads exactly n hexadecimal digits.
func hexRune(s string, n int) (rune, bool) {
	if len(s) < n {
		return 0, false
	}
	v := int64(0)
	for i := range n {
		d := digitOf(s[i])
		if d > 15 {
			return 0, false
		}
		v = v*16 + int64(d)
	}
	if v > utf8.MaxRune {
		return utf8.MaxRune + 1, true
	}
	return rune(v), true
}
