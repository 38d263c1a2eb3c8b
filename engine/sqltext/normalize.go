package sqltext

import (
	"strconv"

	"github.com/attunedb/attune/engine/sqlerr"
)

// MaxParams is the largest n of a $n.
const MaxParams = 65535

// Template is a normalised statement.
type Template struct {
	// Text is the statement with one blank between tokens, keywords and unquoted identifiers in lower case, no comments, and
	// {class} in place of each literal.
	Text string
	// ID is the FNV-1a hash of Text: equal for equal templates, on every machine. It is never 0.
	ID uint64
	// Literals in source order.
	Literals []Literal
	// Params is the largest n of a $n, 0 for none.
	Params int
}

// Normalize returns the template of one statement. TRUE, FALSE and NULL, signs, U&'…' strings and type names stay text. A
// semicolon at the end is dropped. Errors are lexical ones, with SQLSTATE and position as the parser gives them.
func Normalize(sql string) (Template, error) {
	var n Normalizer
	if err := n.Normalize(sql); err != nil {
		return Template{}, err
	}
	return Template{Text: string(n.text), ID: n.id, Literals: n.literals, Params: n.params}, nil
}

// Normalizer normalises one statement after the other in its own buffers: no allocation for a statement whose
// literals need no unescaping. It is not safe for concurrent use; its zero value is ready.
type Normalizer struct {
	text     []byte
	literals []Literal
	params   int
	id       uint64
}

// Text returns the template's text, valid until the next call of Normalize.
func (n *Normalizer) Text() []byte { return n.text }

// ID returns the template's ID.
func (n *Normalizer) ID() uint64 { return n.id }

// Literals returns the literals, valid until the next call of Normalize; their texts may share the statement's memory.
func (n *Normalizer) Literals() []Literal { return n.literals }

// Params returns the largest n of a $n.
func (n *Normalizer) Params() int { return n.params }

// Normalize replaces the normalizer's content by the template of sql. After an error the content is meaningless.
func (n *Normalizer) Normalize(sql string) error {
	n.text, n.literals, n.params = n.text[:0], n.literals[:0], 0
	s := scanner{src: sql}
	semicolons := 0
	for {
		t, err := s.next()
		if err != nil {
			return err
		}
		switch t.kind {
		case tokEOF:
			n.id = hash(n.text)
			return nil
		case tokSemicolon:
			semicolons++
			continue
		}
		for ; semicolons > 0; semicolons-- {
			n.text = append(n.text, " ;"...)
		}
		if len(n.text) > 0 {
			n.text = append(n.text, ' ')
		}
		if err := n.add(&s, t); err != nil {
			return err
		}
	}
}

func (n *Normalizer) add(s *scanner, t token) error {
	raw := s.src[t.start:t.end]
	switch t.kind {
	case tokWord:
		for i := range len(raw) {
			c := raw[i]
			if c >= 'A' && c <= 'Z' {
				c += 'a' - 'A'
			}
			n.text = append(n.text, c)
		}
		return nil
	case tokOperator:
		if raw == "!=" {
			raw = "<>"
		}
	case tokParam:
		i, err := strconv.Atoi(raw[1:])
		if err != nil || i > MaxParams || i == 0 {
			return sqlerr.New(sqlerr.UndefinedParameter, "there is no parameter %s", raw).At(CharPosition(s.src, t.start))
		}
		n.params = max(n.params, i)
		n.text = append(n.text, '$')
		n.text = strconv.AppendInt(n.text, int64(i), 10)
		return nil
	default:
		lit, ok, err := s.literal(t)
		if err != nil {
			return err
		}
		if ok {
			n.literals = append(n.literals, lit)
			n.text = append(n.text, '{')
			n.text = append(n.text, lit.Kind.String()...)
			n.text = append(n.text, '}')
			return nil
		}
	}
	n.text = append(n.text, raw...)
	return nil
}

// hash is 64-bit FNV-1a, with 0 kept free.
func hash(text []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range text {
		h ^= uint64(c)
		h *= 1099511628211
	}
	if h == 0 {
		return 1
	}
	return h
}
