package sqltext

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// number reads an unsigned number.
func (s *scanner) number() (tokenKind, error) {
	start := s.pos
	kind := tokInteger
	if base := baseOf(s.src[start:]); base != 0 {
		i := start + 2
		for i < len(s.src) && (s.src[i] == '_' || digitOf(s.src[i]) < base) {
			i++
		}
		s.pos = i
		if i == start+2 || s.src[i-1] == '_' || strings.Contains(s.src[start:i], "__") {
			return kind, s.fail(start, "invalid %s integer at or near %q", baseName(base), s.junk(start))
		}
		return kind, s.endNumber(start)
	}
	i := s.digits(start)
	if i < len(s.src) && s.src[i] == '.' && !strings.HasPrefix(s.src[i:], "..") {
		kind = tokNumeric
		i = s.digits(i + 1)
	}
	if i < len(s.src) && (s.src[i] == 'e' || s.src[i] == 'E') {
		j := i + 1
		if j < len(s.src) && (s.src[j] == '+' || s.src[j] == '-') {
			j++
		}
		if s.digitAt(j) {
			kind = tokNumeric
			i = s.digits(j)
		}
	}
	s.pos = i
	return kind, s.endNumber(start)
}

// digits returns the offset after a run of digits in which single underscores may separate digits.
func (s *scanner) digits(i int) int {
	for s.digitAt(i) || i < len(s.src) && s.src[i] == '_' && s.digitAt(i+1) && s.digitAt(i-1) {
		i++
	}
	return i
}

func (s *scanner) endNumber(start int) error {
	if s.pos < len(s.src) && class[s.src[s.pos]]&classIdent0 != 0 {
		return s.fail(start, "trailing junk after numeric literal at or near %q", s.junk(start))
	}
	return nil
}

// baseOf returns the base that a prefix such as 0x announces, 0 for none.
func baseOf(s string) int {
	if len(s) < 2 || s[0] != '0' {
		return 0
	}
	switch s[1] {
	case 'x', 'X':
		return 16
	case 'o', 'O':
		return 8
	case 'b', 'B':
		return 2
	}
	return 0
}

func baseName(base int) string {
	switch base {
	case 16:
		return "hexadecimal"
	case 8:
		return "octal"
	}
	return "binary"
}

// digitOf returns the value of a digit, or a number above any base.
func digitOf(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return 99
}

// integerLiteral returns the class of an integer token and its decimal text.
func integerLiteral(raw string) (Kind, string) {
	if base := baseOf(raw); base != 0 {
		v, _ := new(big.Int).SetString(strings.ReplaceAll(raw[2:], "_", ""), base)
		if v == nil {
			return Numeric, raw
		}
		raw = v.String()
	} else if strings.IndexByte(raw, '_') >= 0 {
		raw = strings.ReplaceAll(raw, "_", "")
	}
	if len(raw) < 10 {
		return Int4, raw
	}
	v, err := strconv.ParseInt(raw, 10, 64)
	switch {
	case err != nil:
		return Numeric, raw
	case v <= math.MaxInt32:
		return Int4, raw
	}
	return Int8, raw
}

func numericText(raw string) string {
	if strings.IndexByte(raw, '_') >= 0 {
		return strings.ReplaceAll(raw, "_", "")
	}
	return raw
}
