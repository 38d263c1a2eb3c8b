package pgwire

import (
	"encoding/binary"
	"io"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgbinary"
	"github.com/attunedb/attune/engine/types/pgtext"
	"github.com/attunedb/attune/engine/vec"
)

// flushBytes is how full the buffer gets before rows are sent on.
const flushBytes = 64 << 10

// writer gathers messages and writes them together. After a failure it drops everything and keeps returning the failure. It is not
// safe for concurrent use.
type writer struct {
	dst io.Writer
	buf []byte
	err error
}

func (w *writer) flush() error {
	if w.err == nil && len(w.buf) > 0 {
		_, w.err = w.dst.Write(w.buf)
	}
	if w.buf = w.buf[:0]; cap(w.buf) > keepBufferBytes {
		w.buf = nil
	}
	return w.err
}

// spill writes the buffer when it is full.
func (w *writer) spill() error {
	if len(w.buf) < flushBytes {
		return w.err
	}
	return w.flush()
}

// send adds a message that is not sent often enough to matter.
func (w *writer) send(m pgproto3.BackendMessage) {
	out, err := m.Encode(w.buf)
	if err != nil {
		if w.err == nil {
			w.err = err
		}
		return
	}
	w.buf = out
}

// bare adds a message without content.
func (w *writer) bare(typ byte) { w.buf = append(w.buf, typ, 0, 0, 0, 4) }

func (w *writer) ready(status byte) { w.buf = append(w.buf, 'Z', 0, 0, 0, 5, status) }

func (w *writer) complete(tag string) {
	w.buf = append(w.buf, 'C')
	w.buf = binary.BigEndian.AppendUint32(w.buf, uint32(4+len(tag)+1))
	w.buf = append(append(w.buf, tag...), 0)
}

func (w *writer) fail(severity string, e *sqlerr.Error) {
	w.send(&pgproto3.ErrorResponse{
		Severity: severity, SeverityUnlocalized: severity, Code: string(e.Code), Message: e.Message, Detail: e.Detail, Hint: e.Hint,
		Position: int32(e.Position), Where: e.Where, SchemaName: e.Schema, TableName: e.Table, ColumnName: e.Column,
		DataTypeName: e.DataType, ConstraintName: e.Constraint,
	})
}

func (w *writer) notice(severity string, e *sqlerr.Error) {
	w.send(&pgproto3.NoticeResponse{
		Severity: severity, SeverityUnlocalized: severity, Code: string(e.Code), Message: e.Message, Detail: e.Detail, Hint: e.Hint,
		Position: int32(e.Position), Where: e.Where, SchemaName: e.Schema, TableName: e.Table, ColumnName: e.Column,
		DataTypeName: e.DataType, ConstraintName: e.Constraint,
	})
}

// fields adds a RowDescription; formats are one for each field, or nil for text.
func (w *writer) fields(fields []physical.Field, formats []int16) {
	start := len(w.buf)
	b := w.buf
	b = append(b, 'T', 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(len(fields)))
	for i, f := range fields {
		b = append(append(b, f.Name...), 0)
		b = append(b, 0, 0, 0, 0, 0, 0) // of no table
		b = binary.BigEndian.AppendUint32(b, oidOf(f.Type.Kind))
		b = binary.BigEndian.AppendUint16(b, uint16(sizeOf(f.Type.Kind)))
		b = binary.BigEndian.AppendUint32(b, uint32(f.Type.PGTypmod()))
		b = binary.BigEndian.AppendUint16(b, uint16(formatOf(formats, i)))
	}
	binary.BigEndian.PutUint32(b[start+1:], uint32(len(b)-start-1))
	w.buf = b
}

// params adds a ParameterDescription.
func (w *writer) params(ts []types.Type) {
	b := w.buf
	b = append(b, 't')
	b = binary.BigEndian.AppendUint32(b, uint32(4+2+4*len(ts)))
	b = binary.BigEndian.AppendUint16(b, uint16(len(ts)))
	for _, t := range ts {
		b = binary.BigEndian.AppendUint32(b, oidOf(t.Kind))
	}
	w.buf = b
}

// oidOf gives an untyped value as text, which is what PostgreSQL's clients can read.
func oidOf(k types.Kind) uint32 {
	if k == types.Unknown {
		k = types.Text
	}
	return k.OID()
}

// sizeOf returns pg_type.typlen.
func sizeOf(k types.Kind) int16 {
	if k == types.Numeric || k.Width() == 0 {
		return -1
	}
	return int16(k.Width())
}

func formatOf(formats []int16, i int) int16 {
	if formats == nil {
		return pgproto3.TextFormat
	}
	return formats[i]
}

// maxRowBytes bounds one row; a message's length has 31 bits.
const maxRowBytes = maxFrameBytes

// rows adds rows lo up to hi of columns, each a DataRow, and writes when the buffer is full. Formats are one for each column, or nil for text.
func (w *writer) rows(cols []*vec.Vector, formats []int16, env *pgtext.Env, lo, hi int) error {
	be := binary.BigEndian
	b := w.buf
	for i := lo; i < hi; i++ {
		start := len(b)
		b = append(b, 'D', 0, 0, 0, 0, byte(len(cols)>>8), byte(len(cols)))
		for j, v := range cols {
			if v.IsNull(i) {
				b = append(b, 0xff, 0xff, 0xff, 0xff)
				continue
			}
			at := len(b)
			b = append(b, 0, 0, 0, 0)
			if formatOf(formats, j) == pgproto3.BinaryFormat {
				b = pgbinary.Append(b, v, i)
			} else {
				b = pgtext.AppendAt(b, v, i, env)
			}
			be.PutUint32(b[at:], uint32(len(b)-at-4))
			if len(b)-start > maxRowBytes {
				w.buf = b[:start]
				return sqlerr.New(sqlerr.ProgramLimitExceeded, "a row takes more than %d bytes", maxRowBytes)
			}
		}
		be.PutUint32(b[start+1:], uint32(len(b)-start-1))
		if len(b) >= flushBytes {
			w.buf = b
			if err := w.flush(); err != nil {
				return err
			}
			b = w.buf
		}
	}
	w.buf = b
	return nil
}
