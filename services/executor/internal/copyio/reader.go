package copyio

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
	"github.com/attunedb/attune/engine/vec"
)

const (
	// maxShownBytes is how much of a value or line an error shows.
	maxShownBytes = 100
	// batchBytes ends a batch early.
	batchBytes = 4 << 20
	// maxJumps bounds what is remembered of rows of several lines.
	maxJumps = 1 << 20
)

// field is the raw text of one value.
type field struct {
	text []byte
	null bool
}

// jump says that rows from one on begin extra lines further down than their number tells.
type jump struct{ row, extra uint64 }

// Reader turns the data of COPY FROM into batches. It is not safe for concurrent use.
type Reader struct {
	lines  lines
	format Format
	table  string
	cols   []physical.Field
	env    *pgtext.Env

	builders []*vec.Builder
	fields   []field
	// unescaped holds the row's values that are not as they stand in the line.
	unescaped []byte
	rows      uint64
	jumps     []jump
	ended     bool
	header    bool
}

// NewReader returns a reader of rows of the given columns for a table, which errors name.
func NewReader(src io.Reader, table string, cols []physical.Field, f Format, env *pgtext.Env) *Reader {
	r := &Reader{lines: lines{src: src, format: f}, format: f, table: table, cols: cols, env: env, header: f.Header}
	for _, c := range cols {
		r.builders = append(r.builders, vec.NewBuilder(c.Type, vec.BatchSize))
	}
	return r
}

// Next returns up to limit rows, or io.EOF after the last.
func (r *Reader) Next(limit int) (*vec.Batch, error) {
	n, size := 0, 0
	for n < limit && size < batchBytes && !r.ended {
		line, err := r.lines.next()
		if errors.Is(err, io.EOF) {
			r.ended = true
			break
		}
		if err != nil {
			if sqlerr.As(err) == nil {
				return nil, err
			}
			return nil, r.at(err, nil)
		}
		if r.header {
			r.header = false
			continue
		}
		if string(line) == `\.` {
			r.ended = true
			break
		}
		if err := r.row(line); err != nil {
			return nil, err
		}
		r.note()
		n++
		size += len(line)
	}
	if n == 0 {
		return nil, io.EOF
	}
	b := &vec.Batch{Len: n, Cols: make([]*vec.Vector, len(r.builders))}
	for i, c := range r.builders {
		b.Cols[i] = c.Finish()
		r.builders[i] = vec.NewBuilder(r.cols[i].Type, n)
	}
	return b, nil
}

// note remembers where the row that was just read began, if its number does not tell.
func (r *Reader) note() {
	extra := r.lines.first - r.rows
	if n := len(r.jumps); (n == 0 && extra != 1 || n > 0 && r.jumps[n-1].extra != extra) && n < maxJumps {
		r.jumps = append(r.jumps, jump{r.rows, extra})
	}
	r.rows++
}

// Where returns the context of an error in row n, counted from 0.
func (r *Reader) Where(n uint64) string {
	extra := uint64(1)
	for i := len(r.jumps) - 1; i >= 0; i-- {
		if r.jumps[i].row <= n {
			extra = r.jumps[i].extra
			break
		}
	}
	return "COPY " + r.table + ", line " + utoa(n+extra)
}

// row parses one line into the builders.
func (r *Reader) row(line []byte) error {
	r.fields = r.fields[:0]
	var err error
	if r.format.CSV {
		err = r.splitCSV(line)
	} else {
		err = r.splitText(line)
	}
	if err == nil {
		err = r.count(line)
	}
	if err != nil {
		return r.at(err, line)
	}
	for i := range r.fields {
		f := &r.fields[i]
		if f.null {
			r.builders[i].AppendNull()
			continue
		}
		if err := appendField(r.builders[i], r.cols[i].Type, f.text, r.env); err != nil {
			return r.inColumn(err, i, f.text)
		}
	}
	return nil
}

func (r *Reader) count(line []byte) error {
	switch {
	case len(r.fields) > len(r.cols):
		return sqlerr.New(sqlerr.BadCopyFileFormat, "extra data after last expected column")
	case len(r.fields) == 1 && len(r.cols) == 0 && len(line) == 0:
		r.fields = r.fields[:0]
	case len(r.fields) < len(r.cols):
		return sqlerr.New(sqlerr.BadCopyFileFormat, `missing data for column "%s"`, r.cols[len(r.fields)].Name)
	}
	return nil
}

// at adds the line, and its text where known, to an error.
func (r *Reader) at(err error, line []byte) error {
	e := sqlerr.As(err)
	if e == nil {
		e = sqlerr.New(sqlerr.InternalError, "%w", err)
	}
	if line == nil {
		return e.WithWhere("COPY %s, line %d", r.table, r.lines.first)
	}
	return e.WithWhere("COPY %s, line %d: \"%s\"", r.table, r.lines.first, shorten(line))
}

func (r *Reader) inColumn(err error, i int, text []byte) error {
	e := sqlerr.As(err)
	if e == nil {
		e = sqlerr.New(sqlerr.InternalError, "%w", err)
	}
	return e.WithWhere("COPY %s, line %d, column %s: \"%s\"", r.table, r.lines.first, r.cols[i].Name, shorten(text))
}

// shorten returns a text fit for an error: valid UTF-8 of bounded length.
func shorten(b []byte) string {
	if len(b) > maxShownBytes {
		cut := maxShownBytes
		for cut > 0 && !utf8.RuneStart(b[cut]) {
			cut--
		}
		return strings.ToValidUTF8(string(b[:cut]), "?") + "..."
	}
	return strings.ToValidUTF8(string(b), "?")
}

// splitText cuts a line of the text format.
func (r *Reader) splitText(line []byte) error {
	plain := bytes.IndexByte(line, '\\') < 0
	r.unescaped = r.unescaped[:0]
	// Reserved at once: growing would leave earlier fields on a part of memory that is no longer written, which is fine, but slow.
	if !plain && cap(r.unescaped) < len(line) {
		r.unescaped = make([]byte, 0, len(line))
	}
	for {
		end := fieldEnd(line, r.format.Delimiter, plain)
		raw := line
		if end >= 0 {
			raw = line[:end]
		}
		switch {
		case string(raw) == r.format.Null:
			r.fields = append(r.fields, field{null: true})
		case plain || bytes.IndexByte(raw, '\\') < 0:
			r.fields = append(r.fields, field{text: raw})
		default:
			r.fields = append(r.fields, field{text: r.unescape(raw)})
		}
		if end < 0 {
			return nil
		}
		line = line[end+1:]
	}
}

// fieldEnd returns the position of the first delimiter that is not escaped, -1 for none.
func fieldEnd(line []byte, delimiter byte, plain bool) int {
	if plain {
		return bytes.IndexByte(line, delimiter)
	}
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case delimiter:
			return i
		}
	}
	return -1
}

// unescape resolves the backslashes of a field of the text format.
func (r *Reader) unescape(raw []byte) []byte {
	start := len(r.unescaped)
	out := r.unescaped
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if c != '\\' || i+1 == len(raw) {
			out = append(out, c)
			continue
		}
		i++
		switch c = raw[i]; c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'v':
			c = '\v'
		case '0', '1', '2', '3', '4', '5', '6', '7':
			v := c - '0'
			for k := 0; k < 2 && i+1 < len(raw) && raw[i+1] >= '0' && raw[i+1] <= '7'; k++ {
				i++
				v = v<<3 | (raw[i] - '0')
			}
			c = v
		case 'x':
			v, n := byte(0), 0
			for n < 2 && i+1 < len(raw) {
				h, ok := hexDigit(raw[i+1])
				if !ok {
					break
				}
				i++
				n++
				v = v<<4 | h
			}
			if n > 0 {
				c = v
			}
		}
		out = append(out, c)
	}
	r.unescaped = out
	return out[start:len(out):len(out)]
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

// splitCSV cuts a row of CSV.
func (r *Reader) splitCSV(line []byte) error {
	r.unescaped = r.unescaped[:0]
	for {
		end := bytes.IndexByte(line, r.format.Delimiter)
		raw := line
		if end >= 0 {
			raw = line[:end]
		}
		if bytes.IndexByte(raw, r.format.Quote) < 0 {
			r.fields = append(r.fields, field{text: raw, null: string(raw) == r.format.Null})
		} else {
			text, n, err := r.unquote(line)
			if err != nil {
				return err
			}
			r.fields = append(r.fields, field{text: text})
			if end = n; end == len(line) {
				end = -1
			}
		}
		if end < 0 {
			return nil
		}
		line = line[end+1:]
	}
}

// unquote returns the value of a field with quotes and the number of bytes it takes.
func (r *Reader) unquote(line []byte) (text []byte, n int, err error) {
	start := len(r.unescaped)
	out := r.unescaped
	quoted := false
	i := 0
	for ; i < len(line); i++ {
		c := line[i]
		switch {
		case quoted && c == r.format.Escape && i+1 < len(line) && (line[i+1] == r.format.Quote || line[i+1] == r.format.Escape):
			i++
			out = append(out, line[i])
		case c == r.format.Quote:
			quoted = !quoted
		case !quoted && c == r.format.Delimiter:
			r.unescaped = out
			return out[start:len(out):len(out)], i, nil
		default:
			out = append(out, c)
		}
	}
	if quoted {
		return nil, 0, sqlerr.New(sqlerr.BadCopyFileFormat, "unterminated CSV quoted field")
	}
	r.unescaped = out
	return out[start:len(out):len(out)], i, nil
}

// appendField parses a value of type t into b.
func appendField(b *vec.Builder, t types.Type, text []byte, env *pgtext.Env) error {
	switch t.Kind {
	case types.Int4:
		if v, ok := smallInt(text); ok && v == int64(int32(v)) {
			vec.Append(b, int32(v))
			return nil
		}
	case types.Int8:
		if v, ok := smallInt(text); ok {
			vec.Append(b, v)
			return nil
		}
	case types.Text, types.Varchar, types.Char, types.Unknown:
		// The text is copied by the builder, so a view of the line is enough.
		s := unsafe.String(unsafe.SliceData(text), len(text))
		if err := pgtext.CheckText(s); err != nil {
			return err
		}
		if t.Mod > 0 {
			fit, err := pgtext.FitText(t, s, false)
			if err != nil {
				return err
			}
			s = fit
		}
		if !b.FitsBytes(len(s)) {
			return sqlerr.New(sqlerr.ProgramLimitExceeded, "the value is too long")
		}
		b.AppendString(s)
		return nil
	}
	d, err := pgtext.Parse(t, string(text), env)
	if err != nil {
		return err
	}
	b.AppendDatum(d)
	return nil
}

// smallInt parses up to 18 digits with an optional minus.
func smallInt(text []byte) (v int64, ok bool) {
	digits := text
	if len(digits) > 0 && digits[0] == '-' {
		digits = digits[1:]
	}
	if len(digits) == 0 || len(digits) > 18 {
		return 0, false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int64(c-'0')
	}
	if len(digits) != len(text) {
		v = -v
	}
	return v, true
}
