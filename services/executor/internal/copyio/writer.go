package copyio

import (
	"bytes"
	"io"
	"strconv"

	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types/pgtext"
	"github.com/attunedb/attune/engine/vec"
)

// flushBytes is what a writer gathers before it writes.
const flushBytes = 64 << 10

func utoa(v uint64) string { return strconv.FormatUint(v, 10) }

// Writer turns batches into the data of COPY TO. Each write is whole lines. It is not safe for concurrent use.
type Writer struct {
	dst    io.Writer
	format Format
	env    *pgtext.Env
	buf    []byte
	value  []byte
	rows   uint64
}

// NewWriter returns a writer.
func NewWriter(dst io.Writer, f Format, env *pgtext.Env) *Writer {
	return &Writer{dst: dst, format: f, env: env}
}

// Rows returns the number of rows written.
func (w *Writer) Rows() uint64 { return w.rows }

// Header writes the names of the columns if the format has them.
func (w *Writer) Header(cols []physical.Field) error {
	if !w.format.Header {
		return nil
	}
	for i, c := range cols {
		w.separate(i)
		w.append([]byte(c.Name), false)
	}
	w.buf = append(w.buf, '\n')
	return nil
}

func (w *Writer) separate(i int) {
	if i > 0 {
		w.buf = append(w.buf, w.format.Delimiter)
	}
}

// Batch writes the rows of a batch without selection.
func (w *Writer) Batch(b *vec.Batch) error {
	for i := range b.Len {
		for c, col := range b.Cols {
			w.separate(c)
			if col.IsNull(i) {
				w.buf = append(w.buf, w.format.Null...)
				continue
			}
			w.value = pgtext.AppendAt(w.value[:0], col, i, w.env)
			w.append(w.value, len(b.Cols) == 1)
		}
		w.buf = append(w.buf, '\n')
		w.rows++
		if len(w.buf) >= flushBytes {
			if err := w.Flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// append adds one value. alone tells that it is the only one of its line.
func (w *Writer) append(v []byte, alone bool) {
	if w.format.CSV {
		w.appendCSV(v, alone)
		return
	}
	for _, c := range v {
		switch c {
		case '\\':
			w.buf = append(w.buf, '\\', '\\')
		case '\n':
			w.buf = append(w.buf, '\\', 'n')
		case '\r':
			w.buf = append(w.buf, '\\', 'r')
		case '\t':
			w.buf = append(w.buf, '\\', 't')
		case '\b':
			w.buf = append(w.buf, '\\', 'b')
		case '\f':
			w.buf = append(w.buf, '\\', 'f')
		case '\v':
			w.buf = append(w.buf, '\\', 'v')
		case w.format.Delimiter:
			w.buf = append(w.buf, '\\', c)
		default:
			w.buf = append(w.buf, c)
		}
	}
}

func (w *Writer) appendCSV(v []byte, alone bool) {
	quote := string(v) == w.format.Null || alone && string(v) == `\.` || bytes.IndexByte(v, w.format.Delimiter) >= 0 ||
		bytes.IndexByte(v, w.format.Quote) >= 0 || bytes.IndexByte(v, '\n') >= 0 || bytes.IndexByte(v, '\r') >= 0
	if !quote {
		w.buf = append(w.buf, v...)
		return
	}
	w.buf = append(w.buf, w.format.Quote)
	for _, c := range v {
		if c == w.format.Quote || c == w.format.Escape {
			w.buf = append(w.buf, w.format.Escape)
		}
		w.buf = append(w.buf, c)
	}
	w.buf = append(w.buf, w.format.Quote)
}

// Flush writes what was gathered.
func (w *Writer) Flush() error {
	if len(w.buf) == 0 {
		return nil
	}
	_, err := w.dst.Write(w.buf)
	w.buf = w.buf[:0]
	return err
}
