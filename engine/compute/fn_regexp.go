package compute

import (
	"regexp"
	"strings"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// Regular expressions are Go's (RE2): linear in time, without back-references and look-around, which fail with 2201B.
// PostgreSQL's \m, \M, \y, \Y, \Z and bracket classes [[:<:]] are translated. As in PostgreSQL the longest of the leftmost matches
// counts, unless the pattern has a quantifier that is not greedy.

const invalidRegularExpression sqlerr.Code = "2201B"

func addRegexps(c *catalogue) {
	text, int4 := types.Text, types.Int4
	for _, k := range []types.Kind{text, types.Char} {
		c.strict("~", ClassPattern, types.Bool, regexpKernel("", false), k, text)
		c.strict("!~", ClassPattern, types.Bool, regexpKernel("", true), k, text)
		c.strict("~*", ClassPattern, types.Bool, regexpKernel("i", false), k, text)
		c.strict("!~*", ClassPattern, types.Bool, regexpKernel("i", true), k, text)
	}
	def := func(name string, ret types.Kind, args int, f func(r *row, re *regexp.Regexp) error) {
		// The pattern is argument 1; flags, when given, come last.
		params := []types.Kind{text, text, text, text}[:args]
		plain := func(r *row) error {
			re, err := r.regexp(r.str(1), "")
			if err != nil {
				return err
			}
			return f(r, re)
		}
		c.rows(name, ClassPattern, ret, plain, params...)
	}
	def("regexp_like", types.Bool, 2, func(r *row, re *regexp.Regexp) error { return r.putBool(re.MatchString(r.str(0))) })
	def("regexp_count", int4, 2, func(r *row, re *regexp.Regexp) error {
		return put(r, int32(len(re.FindAllStringIndex(r.str(0), -1))))
	})
	def("substring", text, 2, regexpSubstring)
	def("regexp_substr", text, 2, func(r *row, re *regexp.Regexp) error {
		m := re.FindStringIndex(r.str(0))
		if m == nil {
			r.out.AppendNull()
			return nil
		}
		return r.putStr(r.str(0)[m[0]:m[1]])
	})
	def("regexp_replace", text, 3, func(r *row, re *regexp.Regexp) error {
		return r.putStr(regexpReplace(re, r.str(0), r.str(2), false))
	})
	c.rows("regexp_replace", ClassPattern, text, func(r *row) error {
		flags := r.str(3)
		re, err := r.regexp(r.str(1), flags)
		if err != nil {
			return err
		}
		return r.putStr(regexpReplace(re, r.str(0), r.str(2), strings.ContainsRune(flags, 'g')))
	}, text, text, text, text)
	c.rows("regexp_like", ClassPattern, types.Bool, func(r *row) error {
		re, err := r.regexp(r.str(1), r.str(2))
		if err != nil {
			return err
		}
		return r.putBool(re.MatchString(r.str(0)))
	}, text, text, text)
	c.rows("similar_to_escape", ClassPattern, text, func(r *row) error {
		s, err := similarToRegexp(r.str(0), `\`)
		if err != nil {
			return err
		}
		return r.putStr(s)
	}, text)
	c.rows("similar_to_escape", ClassPattern, text, func(r *row) error {
		s, err := similarToRegexp(r.str(0), r.str(1))
		if err != nil {
			return err
		}
		return r.putStr(s)
	}, text, text)
}

// compiled remembers the last pattern of a call.
type compiled struct {
	pattern, flags string
	re             *regexp.Regexp
}

// regexp returns the compiled pattern.
func (r *row) regexp(pattern, flags string) (*regexp.Regexp, error) {
	if m, ok := r.memo.(*compiled); ok && m.pattern == pattern && m.flags == flags {
		return m.re, nil
	}
	re, err := compileRegexp(pattern, flags)
	if err != nil {
		return nil, err
	}
	r.memo = &compiled{pattern: strings.Clone(pattern), flags: strings.Clone(flags), re: re}
	return re, nil
}

func regexpKernel(flags string, negated bool) Kernel {
	return func(_ *Env, args []*vec.Vector, valid vec.Bitmap, n int) (*vec.Vector, error) {
		out, res := vec.MakeFixed[uint8](types.Of(types.Bool), n, valid)
		flip := b2u(negated)
		var re *regexp.Regexp
		var source string
		for i := range res {
			if !valid.Valid(i) {
				continue
			}
			if p := args[1].StringAt(i); re == nil || p != source {
				var err error
				if re, err = compileRegexp(p, flags); err != nil {
					return nil, err
				}
				source = p
			}
			res[i] = flip ^ b2u(re.MatchString(args[0].StringAt(i)))
		}
		return out, nil
	}
}

// compileRegexp translates PostgreSQL's pattern and flags.
func compileRegexp(pattern, flags string) (*regexp.Regexp, error) {
	mode := "s"
	for _, f := range flags {
		switch f {
		case 'i':
			mode += "i"
		case 'c':
			mode = strings.ReplaceAll(mode, "i", "")
		case 'n', 'm':
			mode = strings.ReplaceAll(mode, "s", "") + "m"
		case 's':
		case 'q':
			pattern = regexp.QuoteMeta(pattern)
		case 'g':
		default:
			return nil, errParameter("invalid regular expression option: \"%c\"", f)
		}
	}
	body := strings.NewReplacer(`\\`, `\\`, `\m`, `\b`, `\M`, `\b`, `\y`, `\b`, `\Y`, `\B`, `\Z`, `\z`,
		"[[:<:]]", `\b`, "[[:>:]]", `\b`).Replace(pattern)
	if mode != "" {
		body = "(?" + mode + ")" + body
	}
	re, err := regexp.Compile(body)
	if err != nil {
		return nil, sqlerr.New(invalidRegularExpression, "invalid regular expression: %w", err)
	}
	if !strings.Contains(pattern, "*?") && !strings.Contains(pattern, "+?") &&
		!strings.Contains(pattern, "??") && !strings.Contains(pattern, "}?") {
		re.Longest()
	}
	return re, nil
}

// regexpSubstring gives the first parenthesised part of the match, or the match when there is none.
func regexpSubstring(r *row, re *regexp.Regexp) error {
	m := re.FindStringSubmatchIndex(r.str(0))
	if m == nil {
		r.out.AppendNull()
		return nil
	}
	from, to := m[0], m[1]
	if len(m) > 2 {
		from, to = m[2], m[3]
	}
	if from < 0 {
		r.out.AppendNull()
		return nil
	}
	return r.putStr(r.str(0)[from:to])
}

// regexpReplace replaces the first or all matches; in the replacement \1 to \9 are the parts and \& the match.
func regexpReplace(re *regexp.Regexp, s, with string, all bool) string {
	n := 1
	if all {
		n = -1
	}
	var out strings.Builder
	at := 0
	for _, m := range re.FindAllStringSubmatchIndex(s, n) {
		out.WriteString(s[at:m[0]])
		at = m[1]
		for i := 0; i < len(with); i++ {
			if with[i] != '\\' || i+1 == len(with) {
				out.WriteByte(with[i])
				continue
			}
			i++
			var group int
			switch c := with[i]; {
			case c == '&':
			case c >= '1' && c <= '9':
				group = int(c - '0')
			case c == '\\':
				out.WriteByte('\\')
				continue
			default:
				out.WriteByte('\\')
				out.WriteByte(c)
				continue
			}
			if 2*group+1 < len(m) && m[2*group] >= 0 {
				out.WriteString(s[m[2*group]:m[2*group+1]])
			}
		}
	}
	return out.String() + s[at:]
}

// similarToRegexp turns a SIMILAR TO pattern into an anchored regular expression.
func similarToRegexp(pattern, escape string) (string, error) {
	if runeCount(escape) > 1 {
		return "", sqlerr.New(sqlerr.InvalidEscapeSequence, "invalid escape string").
			WithDetail("Escape string must be empty or one character.")
	}
	var out strings.Builder
	out.WriteString("^(?:")
	afterEscape, inClass := false, false
	for _, c := range pattern {
		switch {
		case afterEscape:
			out.WriteString(regexp.QuoteMeta(string(c)))
			afterEscape = false
		case escape != "" && string(c) == escape:
			afterEscape = true
		case inClass:
			if c == '\\' {
				out.WriteByte('\\')
			}
			out.WriteRune(c)
			inClass = c != ']'
		case c == '[':
			out.WriteByte('[')
			inClass = true
		case c == '%':
			out.WriteString(".*")
		case c == '_':
			out.WriteByte('.')
		case c == '(':
			out.WriteString("(?:")
		case c == '\\' || c == '.' || c == '^' || c == '$':
			out.WriteByte('\\')
			out.WriteRune(c)
		default:
			out.WriteRune(c)
		}
	}
	out.WriteString(")$")
	return out.String(), nil
}
