package pgtext

import (
	"bytes"
	"sort"
	"strings"

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
