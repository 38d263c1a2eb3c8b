package compute

import (
	"strings"
	"unicode/utf8"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

func addPatterns(c *catalogue) {
	like := func(name string, fold, negated bool, arg types.Kind) {
		c.strict(name, ClassPattern, types.Bool, likeKernel(fold, negated), arg, types.Text)
	}
	for _, k := range []types.Kind{types.Text, types.Char} {
		like("~~", false, false, k)
		like("!~~", false, true, k)
		like("~~*", true, false, k)
		like("!~~*", true, true, k)
	}
	like("like", false, false, types.Text)
	like("notlike", false, true, types.Text)
	c.rows("like_escape", ClassPattern, types.Text, func(r *row) error {
		s, err := likeEscape(r.str(0), r.str(1))
		if err != nil {
			return err
		}
		return r.putStr(s)
	}, types.Text, types.Text)
	addRegexps(c)
}

// likePattern is a LIKE pattern cut at its percent signs.
type likePattern struct {
	// parts are the stretches between percent signs. The first is anchored at the start and the last at the end;
	// a single one is both.
	parts []likePart
}

// likePart matches text without a percent sign.
type likePart struct {
	// literal is the text to match; where wild is not nil, it lists the pieces between underscores instead.
	literal string
	wild    []string
}

// parseLike reads a pattern in which a backslash takes the next character as it is.
func parseLike(pattern string) (*likePattern, error) {
	p := &likePattern{}
	var lit []byte
	var wild []string
	flush := func() {
		if wild != nil {
			wild = append(wild, string(lit))
			p.parts = append(p.parts, likePart{wild: wild})
		} else {
			p.parts = append(p.parts, likePart{literal: string(lit)})
		}
		lit, wild = nil, nil
	}
	for i := 0; i < len(pattern); i++ {
		switch ch := pattern[i]; ch {
		case '%':
			flush()
		case '_':
			wild = append(wild, string(lit))
			lit = nil
		case '\\':
			if i++; i == len(pattern) {
				return nil, sqlerr.New(sqlerr.InvalidEscapeSequence, "LIKE pattern must not end with escape character")
			}
			lit = append(lit, pattern[i])
		default:
			lit = append(lit, ch)
		}
	}
	flush()
	return p, nil
}

func (p *likePattern) match(s string) bool {
	last := len(p.parts) - 1
	n, ok := p.parts[0].prefix(s)
	if !ok {
		return false
	}
	if last == 0 {
		return n == len(s)
	}
	s = s[n:]
	for _, part := range p.parts[1:last] {
		if s, ok = part.after(s); !ok {
			return false
		}
	}
	return p.parts[last].suffix(s)
}

// prefix returns the bytes of s that the part takes at its start.
func (p likePart) prefix(s string) (int, bool) {
	if p.wild == nil {
		return len(p.literal), strings.HasPrefix(s, p.literal)
	}
	at := 0
	for i, piece := range p.wild {
		if i > 0 {
			if at == len(s) {
				return 0, false
			}
			_, size := utf8.DecodeRuneInString(s[at:])
			at += size
		}
		if !strings.HasPrefix(s[at:], piece) {
			return 0, false
		}
		at += len(piece)
	}
	return at, true
}

// after returns what follows the first place in s that the part matches.
func (p likePart) after(s string) (string, bool) {
	if p.wild == nil {
		i := strings.Index(s, p.literal)
		if i < 0 {
			return "", false
		}
		return s[i+len(p.literal):], true
	}
	for at := 0; ; {
		if n, ok := p.prefix(s[at:]); ok {
			return s[at+n:], true
		}
		if at == len(s) {
			return "", false
		}
		_, size := utf8.DecodeRuneInString(s[at:])
		at += size
	}
}

// suffix reports whether the part matches the end of s.
func (p likePart) suffix(s string) bool {
	if p.wild == nil {
		return strings.HasSuffix(s, p.literal)
	}
	chars := len(p.wild) - 1
	for _, piece := range p.wild {
		chars += runeCount(piece)
	}
	at := len(s)
	for ; chars > 0; chars-- {
		if at == 0 {
			return false
		}
		_, size := utf8.DecodeLastRuneInString(s[:at])
		at -= size
	}
	n, ok := p.prefix(s[at:])
	return ok && n == len(s)-at
}

// likeKernel matches a column against patterns; a pattern is read once for the rows in a row that have it.
func likeKernel(fold, negated bool) Kernel {
	return func(_ *Env, args []*vec.Vector, valid vec.Bitmap, n int) (*vec.Vector, error) {
		out, res := vec.MakeFixed[uint8](types.Of(types.Bool), n, valid)
		flip := b2u(negated)
		var p *likePattern
		var source string
		for i := range res {
			if !valid.Valid(i) {
				continue
			}
			s, pattern := args[0].StringAt(i), args[1].StringAt(i)
			if p == nil || pattern != source {
				source = pattern
				if fold {
					pattern = strings.ToLower(pattern)
				}
				var err error
				if p, err = parseLike(pattern); err != nil {
					return nil, err
				}
			}
			if fold {
				s = strings.ToLower(s)
			}
			res[i] = flip ^ b2u(p.match(s))
		}
		return out, nil
	}
}

// likeEscape rewrites a pattern with another escape character into one with a backslash.
func likeEscape(pattern, escape string) (string, error) {
	if runeCount(escape) > 1 {
		return "", sqlerr.New(sqlerr.InvalidEscapeSequence, "invalid escape string").
			WithDetail("Escape string must be empty or one character.")
	}
	if escape == `\` {
		return pattern, nil
	}
	var out strings.Builder
	afterEscape := false
	for _, c := range pattern {
		switch {
		case escape != "" && string(c) == escape && !afterEscape:
			out.WriteByte('\\')
			afterEscape = true
			continue
		case c == '\\':
			if !afterEscape {
				out.WriteByte('\\')
			}
		}
		out.WriteRune(c)
		afterEscape = false
	}
	return out.String(), nil
}
