package client

import (
	"encoding/json"
	"time"

	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
	"github.com/attunedb/attune/engine/vec"
	typesv1 "github.com/attunedb/attune/proto/gen/attune/types/v1"
	"github.com/attunedb/attune/wire"
)

// Batch is a run of rows of a result, column by column. It is read-only and lives as long as it is referred to.
type Batch struct {
	columns []Column
	vectors []Vector
	rows    int
}

// Rows returns the number of rows.
func (b *Batch) Rows() int { return b.rows }

// Columns describes the columns.
func (b *Batch) Columns() []Column { return b.columns }

// Column returns the values of column i, counted from 0.
func (b *Batch) Column(i int) Vector { return b.vectors[i] }

// Vector is the values of one column of a batch. The slices it returns are views of the batch: they must not be changed, and hold
// arbitrary values where IsNull is true. A typed view of a column of another type is nil.
type Vector struct{ v *vec.Vector }

// Len returns the number of values.
func (c Vector) Len() int { return c.v.Len() }

// IsNull reports whether value i is NULL.
func (c Vector) IsNull(i int) bool { return c.v.IsNull(i) }

// HasNulls reports whether a value may be NULL; false is certain.
func (c Vector) HasNulls() bool { return c.v.HasNulls() }

// Int16s returns the values of a smallint column.
func (c Vector) Int16s() []int16 { return view[int16](c, types.Int2) }

// Int32s returns the values of an integer column, or those of a date column as days since 1970-01-01.
func (c Vector) Int32s() []int32 { return view[int32](c, types.Int4, types.Date) }

// Int64s returns the values of a bigint column, or those of a timestamp column as microseconds since 1970.
func (c Vector) Int64s() []int64 {
	return view[int64](c, types.Int8, types.Timestamp, types.TimestampTZ)
}

// Float32s returns the values of a real column.
func (c Vector) Float32s() []float32 { return view[float32](c, types.Float4) }

// Float64s returns the values of a double precision column.
func (c Vector) Float64s() []float64 { return view[float64](c, types.Float8) }

// Bools returns the values of a boolean column, 0 or 1.
func (c Vector) Bools() []uint8 { return view[uint8](c, types.Bool) }

// UUID returns value i of a uuid column; zero for other types.
func (c Vector) UUID(i int) [16]byte {
	if c.v.Kind() != types.UUID {
		return [16]byte{}
	}
	return vec.Values[vec.UUIDWord](c.v)[i]
}

// Bytes returns value i of a text, bytea or jsonb column without copying it; nil for other types.
func (c Vector) Bytes(i int) []byte {
	if !c.v.Kind().IsVariable() {
		return nil
	}
	return c.v.BytesAt(i)
}

// String returns the text of value i in any type, as PostgreSQL prints it in time zone UTC; "" for NULL.
func (c Vector) String(i int) string {
	switch {
	case c.v.IsNull(i):
		return ""
	case c.v.Kind() != types.Bytea && c.v.Kind().IsVariable():
		return string(c.v.BytesAt(i))
	}
	return string(pgtext.AppendAt(nil, c.v, i, nil))
}

// Value returns value i in the type that Column.GoType tells, nil for NULL. An infinite date or timestamp, which
// time.Time cannot hold, is the string "infinity" or "-infinity".
func (c Vector) Value(i int) any {
	v := c.v
	if v.IsNull(i) {
		return nil
	}
	switch k := v.Kind(); k {
	case types.Bool:
		return vec.Values[uint8](v)[i] != 0
	case types.Int2:
		return int64(vec.Values[int16](v)[i])
	case types.Int4:
		return int64(vec.Values[int32](v)[i])
	case types.Int8:
		return vec.Values[int64](v)[i]
	case types.Float4:
		return float64(vec.Values[float32](v)[i])
	case types.Float8:
		return vec.Values[float64](v)[i]
	case types.Numeric:
		return Decimal(v.DecimalAt(i).String())
	case types.Bytea:
		return append([]byte{}, v.BytesAt(i)...)
	case types.Date, types.Timestamp, types.TimestampTZ:
		if t, finite := c.time(i); finite {
			return t
		}
		return c.String(i)
	case types.Interval:
		x := vec.Values[vec.IntervalWord](v)[i]
		return Interval{Micros: x.Micros, Days: x.Days, Months: x.Months}
	case types.UUID:
		return [16]byte(vec.Values[vec.UUIDWord](v)[i])
	case types.JSONB:
		return json.RawMessage(append([]byte{}, v.BytesAt(i)...))
	}
	return string(v.BytesAt(i))
}

// time returns a date or timestamp in UTC; false for the infinities.
func (c Vector) time(i int) (time.Time, bool) {
	if c.v.Kind() == types.Date {
		days := vec.Values[int32](c.v)[i]
		return time.Unix(int64(days)*86400, 0).UTC(), days != pgtext.DatePosInf && days != pgtext.DateNegInf
	}
	micros := vec.Values[int64](c.v)[i]
	return time.UnixMicro(micros).UTC(), micros != pgtext.TimestampPosInf && micros != pgtext.TimestampNegInf
}

func view[T vec.Fixed](c Vector, kinds ...types.Kind) []T {
	for _, k := range kinds {
		if c.v.Kind() == k {
			return vec.Values[T](c.v)
		}
	}
	return nil
}

// batchFromProto decodes rows of a result whose columns are known.
func batchFromProto(p *typesv1.Batch, columns []Column) (*Batch, error) {
	b, err := wire.BatchFromProto(p)
	if err != nil {
		return nil, errProtocol("%v", err)
	}
	if len(b.Cols) != len(columns) {
		return nil, errProtocol("a batch of %d columns in a result of %d", len(b.Cols), len(columns))
	}
	out := &Batch{columns: columns, vectors: make([]Vector, len(columns)), rows: b.Len}
	for i, v := range b.Cols {
		if v.Kind() != columns[i].typ.Kind {
			return nil, errProtocol("column %d is %s where %s was announced", i+1, v.Kind(), columns[i].typ.Kind)
		}
		out.vectors[i] = Vector{v}
	}
	return out, nil
}
