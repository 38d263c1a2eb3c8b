package pgtext

import "strings"

// fieldKind classifies a field of a date or interval literal (PostgreSQL's ParseDateTime).
type fieldKind uint8

const (
	fieldNumber  fieldKind = iota // 1999, 19990108, 12.5
	fieldString                   // jan, pm, zulu
	fieldDate                     // 1999-01-08, 8-jan-1999, america/new_york
	fieldTime                     // 04:05:06.789
	fieldZone                     // +02:30, and in intervals any signed number
	fieldSpecial                  // -infinity
)

type field struct {
	kind fieldKind
	text string // lower case
	raw  string // as written
}

const maxFields = 25

// scanFields splits a literal into fields; false when it has a character that begins none.
func scanFields(s string) ([]field, bool) {
	fields := make([]field, 0, 8)
	lower := strings.ToLower(s)
	if len(lower) != len(s) {
		return nil, false
	}
	for i := 0; i < len(s); {
		if isSpace(s[i]) {
			i++
			continue
		}
		kind, end, ok := scanField(lower, i)
		if !ok || len(fields) == maxFields {
			return nil, false
		}
		if end < 0 {
			i = -end
			continue
		}
		text := lower[i:end]
		if kind == fieldZone || kind == fieldSpecial {
			text = strings.Map(dropSpace, text)
		}
		fields = append(fields, field{kind, text, s[i:end]})
		i = end
	}
	return fields, len(fields) > 0
}

func dropSpace(r rune) rune {
	if r < 0x80 && isSpace(byte(r)) {
		return -1
	}
	return r
}

// scanField returns the kind and end of the field at s[i]. A negative end is the negated position after
// punctuation that only separates.
func scanField(s string, i int) (fieldKind, int, bool) {
	run := func(j int, extra string) int {
		for j < len(s) && (isDigit(s[j]) || strings.IndexByte(extra, s[j]) >= 0) {
			j++
		}
		return j
	}
	switch c := s[i]; {
	case isDigit(c):
		kind, end := scanNumeric(s, i, run)
		return kind, end, true
	case c == '.':
		if end := run(i+1, ""); end > i+1 {
			return fieldNumber, end, true
		}
		return 0, 0, false
	case isAlpha(c):
		kind, end := scanWord(s, i)
		return kind, end, true
	case c == '+' || c == '-':
		j := i + 1
		for j < len(s) && isSpace(s[j]) {
			j++
		}
		if j < len(s) && isDigit(s[j]) {
			return fieldZone, run(j, ":.-"), true
		}
		if j < len(s) && isAlpha(s[j]) {
			for j < len(s) && isAlpha(s[j]) {
				j++
			}
			return fieldSpecial, j, true
		}
		return 0, 0, false
	case c < 0x80 && strings.IndexByte("!\"#$%&'()*,/:;<=>?@[\\]^_`{|}~", c) >= 0:
		return 0, -(i + 1), true
	}
	return 0, 0, false
}

func scanNumeric(s string, i int, run func(int, string) int) (fieldKind, int) {
	j := run(i, "")
	if j == len(s) {
		return fieldNumber, j
	}
	switch delim := s[j]; delim {
	case ':':
		return fieldTime, run(j, ":.")
	case '-', '/', '.':
		if j+1 < len(s) && isDigit(s[j+1]) || delim == '.' && (j+1 == len(s) || !isAlpha(s[j+1])) {
			k := run(j+1, "")
			if k < len(s) && s[k] == delim {
				return fieldDate, run(k, string(delim))
			}
			if delim == '.' {
				return fieldNumber, k
			}
			return fieldDate, k
		}
		k := j + 1
		for k < len(s) && (isDigit(s[k]) || isAlpha(s[k]) || s[k] == delim) {
			k++
		}
		return fieldDate, k
	}
	return fieldNumber, j
}

func scanWord(s string, i int) (fieldKind, int) {
	j := i
	for j < len(s) && isAlpha(s[j]) {
		j++
	}
	if j == len(s) {
		return fieldString, j
	}
	switch c := s[j]; {
	case c == '-', c == '/', c == '.':
	case c == '+' || isDigit(c):
		if isDateWord(s[i:j]) {
			return fieldString, j
		}
	default:
		return fieldString, j
	}
	for j < len(s) && (isDigit(s[j]) || isAlpha(s[j]) || strings.IndexByte("+-/_.:", s[j]) >= 0) {
		j++
	}
	return fieldDate, j
}
