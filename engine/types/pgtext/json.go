package pgtext

import (
	"bytes"
	"sort"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
)

// maxJSONDepth bounds the nesting of a JSON value, as PostgreSQL's stack limit does.
const maxJSONDepth = 6000

// NormalizeJSON returns a JSON text in the form PostgreSQL prints jsonb: keys sorted by length and then
// bytes, the last of equal keys kept, one blank after colons and commas, numbers as numeric prints them.
func NormalizeJSON(s string) (string, error) {
	p := jsonParser{src: s}
	out, err := p.value(make([]byte, 0, len(s)+8), 0)
	if err != nil {
		return "", err
	}
	p.skip()
	if p.pos < len(s) {
		return "", p.errToken("Expected end of input, but found \"%s\".")
	}
	return string(out), nil
}

// jsonParser reads one JSON text and writes its normal form.
type jsonParser struct {
	src string
	pos int
}

func (p *jsonParser) skip() {
	for p.pos < len(p.src) {
		switch p.src[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

func errJSON() *sqlerr.Error {
	return sqlerr.New(sqlerr.InvalidTextRepresentation, "invalid input syntax for type json")
}

func (p *jsonParser) errEnd() error {
	return errJSON().WithDetail("The input string ended unexpectedly.")
}

// errToken reports the token at the current position with PostgreSQL's detail.
func (p *jsonParser) errToken(format string) error {
	end := p.pos
	for end < len(p.src) && (isAlpha(p.src[end]) || isDigit(p.src[end]) || p.src[end] >= 0x80 || p.src[end] == '_') {
		end++
	}
	if end == p.pos {
		end++
	}
	token := p.src[p.pos:end]
	switch {
	case token == "true", token == "false", token == "null", strings.ContainsAny(token[:1], "{}[],:\"-0123456789"):
		return errJSON().WithDetail(format, token)
	}
	return errJSON().WithDetail("Token \"%s\" is invalid.", token)
}

func (p *jsonParser) value(dst []byte, depth int) ([]byte, error) {
	if depth > maxJSONDepth {
		return nil, sqlerr.New(sqlerr.StatementTooComplex, "stack depth limit exceeded")
	}
	p.skip()
	if p.pos == len(p.src) {
		return nil, p.errEnd()
	}
	switch c := p.src[p.pos]; {
	case c == '{':
		return p.object(dst, depth)
	case c == '[':
		return p.array(dst, depth)
	case c == '"':
		return p.str(dst)
	case c == '-' || isDigit(c):
		return p.number(dst)
	}
	for _, word := range []string{"true", "false", "null"} {
		end := p.pos + len(word)
		if end <= len(p.src) && p.src[p.pos:end] == word && (end == len(p.src) || !isAlpha(p.src[end]) && !isDigit(p.src[end]) && p.src[end] != '_') {
			p.pos = end
			return append(dst, word...), nil
		}
	}
	return nil, p.errToken("Expected JSON value, but found \"%s\".")
}

func (p *jsonParser) number(dst []byte) ([]byte, error) {
	start := p.pos
	digits := func() bool {
		from := p.pos
		for p.pos < len(p.src) && isDigit(p.src[p.pos]) {
			p.pos++
		}
		return p.pos > from
	}
	peek := func(set string) bool {
		return p.pos < len(p.src) && bytes.IndexByte([]byte(set), p.src[p.pos]) >= 0
	}
	fine := true
	if peek("-") {
		p.pos++
	}
	if peek("0") {
		p.pos++
	} else {
		fine = digits()
	}
	if peek(".") {
		p.pos++
		fine = digits() && fine
	}
	if peek("eE") {
		p.pos++
		if peek("+-") {
			p.pos++
		}
		fine = digits() && fine
	}
	if p.pos < len(p.src) && (isAlpha(p.src[p.pos]) || isDigit(p.src[p.pos]) || p.src[p.pos] == '_' || p.src[p.pos] >= 0x80) {
		fine = false
	}
	if !fine {
		for p.pos < len(p.src) && (isAlpha(p.src[p.pos]) || isDigit(p.src[p.pos]) || p.src[p.pos] == '_') {
			p.pos++
		}
		return nil, errJSON().WithDetail("Token \"%s\" is invalid.", p.src[start:p.pos])
	}
	d, outcome := types.ParseDecimal(p.src[start:p.pos])
	if outcome != types.DecimalOK {
		return nil, sqlerr.New(sqlerr.NumericValueOutOfRange, "value overflows numeric format")
	}
	return d.Append(dst), nil
}

func (p *jsonParser) array(dst []byte, depth int) ([]byte, error) {
	p.pos++
	dst = append(dst, '[')
	p.skip()
	if p.pos < len(p.src) && p.src[p.pos] == ']' {
		p.pos++
		return append(dst, ']'), nil
	}
	for {
		var err error
		if dst, err = p.value(dst, depth+1); err != nil {
			return nil, err
		}
		p.skip()
		switch {
		case p.pos == len(p.src):
			return nil, p.errEnd()
		case p.src[p.pos] == ',':
			p.pos++
			dst = append(dst, ", "...)
		case p.src[p.pos] == ']':
			p.pos++
			return append(dst, ']'), nil
		default:
			return nil, p.errToken("Expected \",\" or \"]\", but found \"%s\".")
		}
	}
}

// member is one pair of an object: where its rendered key and value lie in the object's scratch.
type member struct {
	key             string // the key itself, unescaped
	from, colon, to int
}

func (p *jsonParser) object(dst []byte, depth int) ([]byte, error) {
	p.pos++
	var members []member
	var scratch []byte
	p.skip()
	if p.pos < len(p.src) && p.src[p.pos] == '}' {
		p.pos++
		return append(dst, "{}"...), nil
	}
	for {
		p.skip()
		if p.pos == len(p.src) {
			return nil, p.errEnd()
		}
		if p.src[p.pos] != '"' {
			return nil, p.errToken("Expected string, but found \"%s\".")
		}
		m := member{from: len(scratch)}
		key, err := p.text()
		if err != nil {
			return nil, err
		}
		m.key = string(key)
		scratch = appendJSONString(scratch, key)
		m.colon = len(scratch)
		p.skip()
		if p.pos == len(p.src) {
			return nil, p.errEnd()
		}
		if p.src[p.pos] != ':' {
			return nil, p.errToken("Expected \":\", but found \"%s\".")
		}
		p.pos++
		if scratch, err = p.value(scratch, depth+1); err != nil {
			return nil, err
		}
		m.to = len(scratch)
		members = append(members, m)
		p.skip()
		if p.pos == len(p.src) {
			return nil, p.errEnd()
		}
		c := p.src[p.pos]
		if c != ',' && c != '}' {
			return nil, p.errToken("Expected \",\" or \"}\", but found \"%s\".")
		}
		p.pos++
		if c == '}' {
			return appendMembers(dst, members, scratch), nil
		}
	}
}

func appendMembers(dst []byte, members []member, scratch []byte) []byte {
	sort.SliceStable(members, func(i, j int) bool {
		a, b := members[i].key, members[j].key
		if len(a) != len(b) {
			return len(a) < len(b)
		}
		return a < b
	})
	dst = append(dst, '{')
	first := true
	for i, m := range members {
		if i+1 < len(members) && members[i+1].key == m.key {
			continue
		}
		if !first {
			dst = append(dst, ", "...)
		}
		first = false
		dst = append(dst, scratch[m.from:m.colon]...)
		dst = append(dst, ": "...)
		dst = append(dst, scratch[m.colon:m.to]...)
	}
	return append(dst, '}')
}

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
