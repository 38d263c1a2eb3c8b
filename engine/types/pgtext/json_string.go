package pgtext

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/attunedb/attune/engine/sqlerr"
)

func (p *jsonParser) str(dst []byte) ([]byte, error) {
	s, err := p.text()
	if err != nil {
		return nil, err
	}
	return appendJSONString(dst, s), nil
}

// text reads the string at the current position and returns it unescaped.
func (p *jsonParser) text() ([]byte, error) {
	p.pos++
	var out []byte
	for {
		from := p.pos
		for p.pos < len(p.src) && p.src[p.pos] != '"' && p.src[p.pos] != '\\' && p.src[p.pos] >= 0x20 {
			p.pos++
		}
		out = append(out, p.src[from:p.pos]...)
		if p.pos == len(p.src) {
			return nil, errJSON().WithDetail("Token \"%s\" is invalid.", p.src[p.tokenStart(from):])
		}
		switch c := p.src[p.pos]; {
		case c == '"':
			p.pos++
			return out, nil
		case c == '\\':
			var err error
			if out, err = p.escape(out); err != nil {
				return nil, err
			}
		default:
			return nil, errJSON().WithDetail("Character with value 0x%02x must be escaped.", c)
		}
	}
}

// tokenStart returns the position of the quote that opened the string of which i is within.
func (p *jsonParser) tokenStart(i int) int {
	for i > 0 && p.src[i-1] != '"' {
		i--
	}
	return max(i-1, 0)
}

func (p *jsonParser) escape(out []byte) ([]byte, error) {
	if p.pos+1 >= len(p.src) {
		return nil, p.errEnd()
	}
	c := p.src[p.pos+1]
	p.pos += 2
	switch c {
	case '"', '\\', '/':
		return append(out, c), nil
	case 'b':
		return append(out, '\b'), nil
	case 'f':
		return append(out, '\f'), nil
	case 'n':
		return append(out, '\n'), nil
	case 'r':
		return append(out, '\r'), nil
	case 't':
		return append(out, '\t'), nil
	case 'u':
		return p.unicode(out)
	}
	return nil, errJSON().WithDetail("Escape sequence \"\\%c\" is invalid.", c)
}

func (p *jsonParser) hex4() (rune, bool) {
	if p.pos+4 > len(p.src) {
		return 0, false
	}
	v, err := strconv.ParseUint(p.src[p.pos:p.pos+4], 16, 32)
	if err != nil {
		return 0, false
	}
	p.pos += 4
	return rune(v), true
}

func (p *jsonParser) unicode(out []byte) ([]byte, error) {
	r, valid := p.hex4()
	if !valid {
		return nil, errJSON().WithDetail(`"\u" must be followed by four hexadecimal digits.`)
	}
	switch {
	case r == 0:
		return nil, sqlerr.New(sqlerr.UntranslatableCharacter, "unsupported Unicode escape sequence").
			WithDetail(`\u0000 cannot be converted to text.`)
	case r >= 0xdc00 && r <= 0xdfff:
		return nil, errJSON().WithDetail("Unicode low surrogate must follow a high surrogate.")
	case r >= 0xd800 && r <= 0xdbff:
		if p.pos+1 < len(p.src) && p.src[p.pos] == '\\' && p.src[p.pos+1] == 'u' {
			p.pos += 2
			low, valid := p.hex4()
			if valid && low >= 0xdc00 && low <= 0xdfff {
				return utf8.AppendRune(out, utf16.DecodeRune(r, low)), nil
			}
		}
		return nil, errJSON().WithDetail("Unicode low surrogate must follow a high surrogate.")
	}
	return utf8.AppendRune(out, r), nil
}

// appendJSONString appends s as PostgreSQL's escape_json quotes it.
func appendJSONString(dst, s []byte) []byte {
	dst = append(dst, '"')
	for _, c := range s {
		switch {
		case c == '"', c == '\\':
			dst = append(dst, '\\', c)
		case c >= 0x20:
			dst = append(dst, c)
		case c == '\b':
			dst = append(dst, `\b`...)
		case c == '\f':
			dst = append(dst, `\f`...)
		case c == '\n':
			dst = append(dst, `\n`...)
		case c == '\r':
			dst = append(dst, `\r`...)
		case c == '\t':
			dst = append(dst, `\t`...)
		default:
			const digits = "0123456789abcdef"
			dst = append(dst, `\u00`...)
			dst = append(dst, digits[c>>4], digits[c&15])
		}
	}
	return append(dst, '"')
}

// QuoteJSON appends s as a JSON string in the normal form of jsonb.
func QuoteJSON(dst []byte, s string) []byte { return appendJSONString(dst, []byte(s)) }
