package stdsql

import (
	"database/sql/driver"
	"encoding/json"
	"io"
	"reflect"
	"strings"

	"github.com/attunedb/attune/client"
)

// rows adapts a result. A row is taken from the current batch without converting it to client's form first.
type rows struct {
	rows  *client.Rows
	batch *client.Batch
	next  int
}

var (
	_ driver.RowsColumnTypeDatabaseTypeName = (*rows)(nil)
	_ driver.RowsColumnTypeLength           = (*rows)(nil)
	_ driver.RowsColumnTypePrecisionScale   = (*rows)(nil)
	_ driver.RowsColumnTypeScanType         = (*rows)(nil)
)

func (r *rows) Columns() []string {
	out := make([]string, len(r.rows.Columns()))
	for i, c := range r.rows.Columns() {
		out[i] = c.Name
	}
	return out
}

func (r *rows) Close() error { return r.rows.Close() }

func (r *rows) Next(dest []driver.Value) error {
	for r.batch == nil || r.next >= r.batch.Rows() {
		if r.batch = r.rows.NextBatch(); r.batch == nil {
			if err := r.rows.Err(); err != nil {
				return err
			}
			return io.EOF
		}
		r.next = 0
	}
	for i := range dest {
		dest[i] = value(r.batch.Column(i), r.next)
	}
	r.next++
	return nil
}

// value restricts a value to what driver.Value allows.
func value(c client.Vector, i int) driver.Value {
	switch v := c.Value(i).(type) {
	case client.Decimal:
		return string(v)
	case json.RawMessage:
		return []byte(v)
	case client.Interval, [16]byte:
		return c.String(i)
	default:
		return v
	}
}

func (r *rows) ColumnTypeDatabaseTypeName(i int) string {
	return strings.ToUpper(r.rows.Columns()[i].Kind())
}

func (r *rows) ColumnTypeLength(i int) (int64, bool) { return r.rows.Columns()[i].Length() }

func (r *rows) ColumnTypePrecisionScale(i int) (precision, scale int64, ok bool) {
	return r.rows.Columns()[i].DecimalSize()
}

func (r *rows) ColumnTypeScanType(i int) reflect.Type {
	switch t := r.rows.Columns()[i].GoType(); t {
	case reflect.TypeFor[client.Decimal](), reflect.TypeFor[client.Interval](), reflect.TypeFor[[16]byte]():
		return reflect.TypeFor[string]()
	case reflect.TypeFor[json.RawMessage]():
		return reflect.TypeFor[[]byte]()
	default:
		return t
	}
}
