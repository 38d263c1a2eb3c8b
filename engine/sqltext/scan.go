package sqltext

import (
	"strings"
	"unicode/utf8"

	"github.com/attunedb/attune/engine/sqlerr"
)

// tokenKind is the lexical class of a token.
type tokenKind uint8

const (
	tokEOF       tokenKind = iota
	tokWord                // identifier or keyword
	tokQuoted              // "identifier", U&"identifier"
	tokInteger             // decimal, hexadecimal, octal or binary
	tokNumeric             // with point or exponent
	tokString              // '…', with its continuation
	tokEscape              // E'…'
	tokDollar              // $tag$…$tag$
	tokUnicode             // U&'…'
	tokBit                 // B'…', X'…'
	tokParam               // $n
	tokOperator            // an operator, or a lone character with a meaning of its own
	tokSemicolon           // ;
)

// token is a piece src[start:end] of the statement.
type token struct {
	kind       tokenKind
	start, end int
}

// Character classes; a byte may be in several.
const (
	classSpace    = 1 << iota // blanks
	classIdent0               // may begin an identifier
	classIdent                // may go on in one
	classDigit                // 0-9
	classOperator             // may be part of an operator
)

var class = func() (t [256]uint8) {
	for _, c := range " \t\n\r\f\v" {
		t[c] |= classSpace
	}
	for c := range 256 {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', c >= 0x80:
			t[c] |= classIdent0 | classIdent
		case c >= '0' && c <= '9':
			t[c] |= classIdent | classDigit
		case c == '$':
			t[c] |= classIdent
		}
	}
	for _, c := range "~!@#^&|`?+-*/%<>=" {
		t[c] |= classOperator
	}
	return t
}()

// scanner walks over a statement. The zero position is the beginning.
type scanner struct {
	src string
	pos int
}

// CharPosition returns the 1-based character position of a byte offset, as PostgreSQL reports it.
// An offset beyond the end counts as the end.
func CharPosition(sql string, offset int) int {
	return utf8.RuneCountInString(sql[:min(max(offset, 0), len(sql))]) + 1
}

func (s *scanner) fail(at int, format string, args ...any) error {
	return sqlerr.New(sqlerr.SyntaxError, format, args...).At(CharPosition(s.src, at))
}

// skip passes blanks and comments.
func (s *scanner) skip() error {
	for s.pos < len(s.src) {
		c := s.src[s.pos]
		switch {
		case class[c]&classSpace != 0:
			s.pos++
		case c == '-' && strings.HasPrefix(s.src[s.pos:], "--"):
			s.skipLine()
		case c == '/' && strings.HasPrefix(s.src[s.pos:], "/*"):
			if err := s.skipBlock(); err != nil {
				return err
			}
		default:
			return nil
		}
	}
	return nil
}

func (s *scanner) skipLine() {
	if i := strings.IndexAny(s.src[s.pos:], "\n\r"); i >= 0 {
		s.pos += i
	} else {
		s.pos = len(s.src)
	}
}

func (s *scanner) skipBlock() error {
	start, depth := s.pos, 0
	for s.pos < len(s.src) {
		switch rest := s.src[s.pos:]; {
		case strings.HasPrefix(rest, "/*"):
			depth++
			s.pos += 2
		case strings.HasPrefix(rest, "*/"):
			depth--
			s.pos += 2
			if depth == 0 {
				return nil
			}
		default:
			s.pos++
		}
	}
	return s.fail(start, "unterminated /* comment at or near %q", s.src[start:])
}

// next returns the next token.
func (s *scanner) next() (token, error) {
	if err := s.skip(); err != nil {
		return token{}, err
	}
	start := s.pos
	if start >= len(s.src) {
		return token{kind: tokEOF, start: start, end: start}, nil
	}
	c := s.src[start]
	kind, err := tokOperator, error(nil)
	switch cl := class[c]; {
	case cl&classIdent0 != 0:
		kind, err = s.word(c)
	case cl&classDigit != 0, c == '.' && s.digitAt(start+1):
		kind, err = s.number()
	case c == '\'':
		kind, err = tokString, s.quoted(start, start+1, '\'', false)
	case c == '"':
		kind, err = tokQuoted, s.quoted(start, start+1, '"', false)
	case c == '$':
		kind, err = s.dollar()
	case c == ';':
		kind = tokSemicolon
		s.pos++
	case cl&classOperator != 0:
		s.operator()
	default:
		s.pos++
		if c == ':' && s.pos < len(s.src) && (s.src[s.pos] == ':' || s.src[s.pos] == '=') ||
			c == '.' && s.pos < len(s.src) && s.src[s.pos] == '.' {
			s.pos++
		}
	}
	return token{kind: kind, start: start, end: s.pos}, err
}

func (s *scanner) digitAt(i int) bool { return i < len(s.src) && class[s.src[i]]&classDigit != 0 }

// word reads an identifier, a keyword, or a string with a letter before its quote.
func (s *scanner) word(c byte) (tokenKind, error) {
	start := s.pos
	if start+1 < len(s.src) {
		switch c1 := s.src[start+1]; {
		case c1 == '\'' && (c == 'e' || c == 'E'):
			return tokEscape, s.quoted(start, start+2, '\'', true)
		case c1 == '\'' && (c == 'b' || c == 'B' || c == 'x' || c == 'X'):
			return tokBit, s.quoted(start, start+2, '\'', false)
		case c1 == '&' && (c == 'u' || c == 'U') && start+2 < len(s.src):
			switch s.src[start+2] {
			case '\'':
				return tokUnicode, s.quoted(start, start+3, '\'', false)
			case '"':
				return tokQuoted, s.quoted(start, start+3, '"', false)
			}
		}
	}
	i := start + 1
	for i < len(s.src) && class[s.src[i]]&classIdent != 0 {
		i++
	}
	s.pos = i
	return tokWord, nil
}

// quoted reads up to the closing quote, doubled quotes and, for strings, continuations over a line break included. body is
// the offset after the opening quote.
func (s *scanner) quoted(start, body int, quote byte, escapes bool) error {
	i := body
	for i < len(s.src) {
		switch c := s.src[i]; {
		case c == '\\' && escapes:
			i += 2
		case c != quote:
			i++
		case i+1 < len(s.src) && s.src[i+1] == quote:
			i += 2
		default:
			if quote == '\'' {
				if next := continuation(s.src, i+1); next > 0 {
					i = next
					continue
				}
			}
			s.pos = i + 1
			return nil
		}
	}
	s.pos = len(s.src)
	what := "quoted string"
	if quote == '"' {
		what = "quoted identifier"
	}
	return s.fail(start, "unterminated %s at or near \"%s\"", what, s.src[start:])
}

// continuation returns the offset after the quote that goes on with the string closed before i: a quote after blanks and
// line comments with at least one line break. It returns 0 when there is none.
func continuation(src string, i int) int {
	lines := 0
	for i < len(src) {
		switch c := src[i]; {
		case c == '\n' || c == '\r':
			lines++
			i++
		case class[c]&classSpace != 0:
			i++
		case c == '-' && strings.HasPrefix(src[i:], "--"):
			n := strings.IndexAny(src[i:], "\n\r")
			if n < 0 {
				return 0
			}
			i += n
		case c == '\'' && lines > 0:
			return i + 1
		default:
			return 0
		}
	}
	return 0
}

// dollar reads $n, a dollar-quoted string, or a lone $.
func (s *scanner) dollar() (tokenKind, error) {
	start := s.pos
	i := start + 1
	if s.digitAt(i) {
		for s.digitAt(i) {
			i++
		}
		s.pos = i
		if i < len(s.src) && class[s.src[i]]&classIdent0 != 0 {
			return tokParam, s.fail(start, "trailing junk after parameter at or near %q", s.junk(start))
		}
		return tokParam, nil
	}
	if i < len(s.src) && class[s.src[i]]&classIdent0 != 0 {
		for i < len(s.src) && class[s.src[i]]&classIdent != 0 && s.src[i] != '$' {
			i++
		}
	}
	if i >= len(s.src) || s.src[i] != '$' {
		s.pos = start + 1
		return tokOperator, nil
	}
	tag := s.src[start : i+1]
	end := strings.Index(s.src[i+1:], tag)
	if end < 0 {
		s.pos = len(s.src)
		return tokDollar, s.fail(start, "unterminated dollar-quoted string at or near \"%s\"", s.src[start:])
	}
	s.pos = i + 1 + end + len(tag)
	return tokDollar, nil
}

// operator reads an operator by PostgreSQL's rules: it ends before a comment, and + or - may end it only when it has
// a character that the standard's operators lack.
func (s *scanner) operator() {
	start, i := s.pos, s.pos
	special := false
	for i < len(s.src) && class[s.src[i]]&classOperator != 0 {
		if i > start && i+1 < len(s.src) &&
			(s.src[i] == '-' && s.src[i+1] == '-' || s.src[i] == '/' && s.src[i+1] == '*') {
			break
		}
		if strings.IndexByte("~!@#^&|`?%", s.src[i]) >= 0 {
			special = true
		}
		i++
	}
	if !special {
		for i > start+1 && (s.src[i-1] == '+' || s.src[i-1] == '-') {
			i--
		}
	}
	s.pos = i
}

// junk returns the run of identifier characters from start, for messages.
func (s *scanner) junk(start int) string {
	i := s.pos
	for i < len(s.src) && class[s.src[i]]&classIdent != 0 {
		i++
	}
	return s.src[start:i]
}
