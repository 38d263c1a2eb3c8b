package compute

import (
	"strconv"
	"strings"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
)

// quotedWords are the key words that PostgreSQL's quote_ident quotes.
const quotedWords = " " + "all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both case " +
	"cast char character check coalesce collate collation column concurrently constraint create cross " +
	"current_catalog current_date current_role current_schema current_time current_timestamp current_user dec " +
	"decimal default deferrable desc distinct do else end except exists extract false fetch float for foreign " +
	"freeze from full grant greatest group grouping having ilike in initially inner inout int integer intersect " +
	"interval into is isnull join lateral leading least left like limit localtime localtimestamp national natural " +
	"nchar none normalize not notnull null nullif numeric offset on only or order out outer overlaps overlay " +
	"placing position precision primary real references returning right row select session_user setof similar " +
	"smallint some substring symmetric table tablesample then time timestamp to trailing treat trim true union " +
	"unique user using values varchar variadic verbose when where window with xmlattributes xmlconcat xmlelement " +
	"xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable "

func addFormat(c *catalogue) {
	text := types.Text
	c.rows("quote_ident", ClassString, text, func(r *row) error { return r.putStr(quoteIdent(r.str(0))) }, text)
	c.strict("quote_literal", ClassString, text, eachRow(text, func(r *row) error {
		return r.putStr(quoteLiteral(string(r.appendText(nil, 0))))
	}), Any).Volatility = Stable
	c.add(&Func{Name: "quote_nullable", Args: []types.Kind{Any}, Ret: text, Volatility: Stable, Class: ClassString,
		Eval: eachRow(text, func(r *row) error {
			if r.null(0) {
				return r.putStr("NULL")
			}
			return r.putStr(quoteLiteral(string(r.appendText(nil, 0))))
		})})
	format := func(r *row) error {
		if r.null(0) {
			r.out.AppendNull()
			return nil
		}
		s, err := formatText(r)
		if err != nil {
			return err
		}
		return r.putStr(s)
	}
	c.add(&Func{Name: "format", Args: []types.Kind{text}, Ret: text, Volatility: Stable, Class: ClassString, Eval: eachRow(text, format)})
	c.add(&Func{Name: "format", Args: []types.Kind{text, Any}, Variadic: true, Ret: text, Volatility: Stable, Class: ClassString,
		Eval: eachRow(text, format)})
}

func quoteIdent(s string) string {
	plain := s != "" && (s[0] == '_' || s[0] >= 'a' && s[0] <= 'z')
	for i := 0; i < len(s) && plain; i++ {
		c := s[i]
		plain = c == '_' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
	}
	if plain && !strings.Contains(quotedWords, " "+s+" ") {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

func quoteLiteral(s string) string {
	body := "'" + strings.ReplaceAll(s, "'", "''") + "'"
	if strings.Contains(s, `\`) {
		return "E" + strings.ReplaceAll(body, `\`, `\\`)
	}
	return body
}

// formatText is format(): %[position$][-][width](s|I|L) and %%.
func formatText(r *row) (string, error) {
	spec := r.str(0)
	var out strings.Builder
	next := 1
	for i := 0; i < len(spec); i++ {
		if spec[i] != '%' {
			out.WriteByte(spec[i])
			continue
		}
		i++
		if i < len(spec) && spec[i] == '%' {
			out.WriteByte('%')
			continue
		}
		f := formatSpec{text: spec, at: i}
		if err := f.read(r, &next); err != nil {
			return "", err
		}
		i = f.at
		s, err := formatArg(r, f.arg, f.verb)
		if err != nil {
			return "", err
		}
		if out.Len()+f.width > maxTextBytes {
			return "", errBatchTooLarge()
		}
		fill := strings.Repeat(" ", max(f.width-runeCount(s), 0))
		if f.left {
			out.WriteString(s + fill)
		} else {
			out.WriteString(fill + s)
		}
	}
	return out.String(), nil
}

// formatSpec is one conversion of format().
type formatSpec struct {
	text  string
	at    int // the next byte to read; at the end, the verb
	arg   int
	width int
	left  bool
	verb  byte
}

func errFormatEnd() error {
	return errParameter("unterminated format() type specifier").WithHint("For a single \"%%\" use \"%%%%\".")
}

func errFormatFew() error { return errParameter("too few arguments for format()") }

// number reads digits; false when there are none.
func (f *formatSpec) number() (int, bool, error) {
	from := f.at
	for f.at < len(f.text) && f.text[f.at] >= '0' && f.text[f.at] <= '9' {
		f.at++
	}
	if from == f.at {
		return 0, false, nil
	}
	n, err := strconv.ParseInt(f.text[from:f.at], 10, 32)
	if err != nil {
		return 0, false, sqlerr.New(sqlerr.NumericValueOutOfRange, "number is out of range")
	}
	return int(n), true, nil
}

// read reads the specification and takes its arguments; next is the argument after the last one taken.
func (f *formatSpec) read(r *row, next *int) error {
	n, ok, err := f.number()
	if err != nil {
		return err
	}
	positional := false
	if ok && f.at < len(f.text) && f.text[f.at] == '$' {
		if n == 0 {
			return errParameter("format specifies argument 0, but arguments are numbered from 1")
		}
		*next, positional = n, true
		f.at++
		ok = false
	}
	if !ok {
		if f.at < len(f.text) && f.text[f.at] == '-' {
			f.left = true
			f.at++
		}
		if f.at < len(f.text) && f.text[f.at] == '*' {
			f.at++
			if err := f.widthArgument(r, next, positional); err != nil {
				return err
			}
		} else if n, _, err = f.number(); err != nil {
			return err
		} else {
			f.width = n
		}
	} else {
		f.width = n
	}
	if f.at >= len(f.text) {
		return errFormatEnd()
	}
	f.verb = f.text[f.at]
	if strings.IndexByte("sIL", f.verb) < 0 {
		return errParameter("unrecognized format() type specifier \"%c\"", f.verb).WithHint("For a single \"%%\" use \"%%%%\".")
	}
	if *next >= len(r.args) {
		return errFormatFew()
	}
	f.arg = *next
	*next++
	return nil
}

// widthArgument takes the width from an argument: * or *n$.
func (f *formatSpec) widthArgument(r *row, next *int, positional bool) error {
	at := *next
	n, ok, err := f.number()
	if err != nil {
		return err
	}
	if ok {
		if f.at >= len(f.text) || f.text[f.at] != '$' {
			return errParameter("width argument position must be ended by \"$\"")
		}
		if n == 0 {
			return errParameter("format specifies argument 0, but arguments are numbered from 1")
		}
		f.at++
		at = n
	} else if !positional {
		*next++
	}
	if at >= len(r.args) {
		return errFormatFew()
	}
	if !r.null(at) {
		w, err := strconv.ParseInt(string(r.appendText(nil, at)), 10, 32)
		if err != nil {
			return sqlerr.New(sqlerr.InvalidTextRepresentation, "invalid input syntax for type integer: %q", r.appendText(nil, at))
		}
		if f.width = int(w); f.width < 0 {
			f.left, f.width = true, -f.width
		}
	}
	return nil
}

func formatArg(r *row, k int, verb byte) (string, error) {
	if r.null(k) {
		switch verb {
		case 'L':
			return "NULL", nil
		case 'I':
			return "", sqlerr.New(sqlerr.NullValueNotAllowed, "null values cannot be formatted as an SQL identifier")
		}
		return "", nil
	}
	s := string(r.appendText(nil, k))
	switch verb {
	case 'L':
		return quoteLiteral(s), nil
	case 'I':
		return quoteIdent(s), nil
	}
	return s, nil
}
