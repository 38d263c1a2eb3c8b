package types

import (
	"encoding/binary"
	"math"
)

// IntervalValue is a span of time as PostgreSQL keeps it: the three parts do not convert into each other.
type IntervalValue struct {
	Micros int64
	Days   int32
	Months int32
}

// Datum is one SQL value of a kind, or NULL. It is a small immutable value; the bytes of a
// string or bytea belong to the datum and are never changed.
//
// The zero value is a NULL of Unknown kind.
type Datum struct {
	kind  Kind
	valid bool
	// i holds bool, integers, float bits, date, timestamps, interval microseconds, uuid's first half.
	i int64
	// j holds interval days (low half) and months (high half), or uuid's second half.
	j int64
	s string
	d *Decimal
}

// Null returns the NULL of a kind.
func Null(k Kind) Datum { return Datum{kind: k} }

// NewBool returns a boolean.
func NewBool(v bool) Datum {
	d := Datum{kind: Bool, valid: true}
	if v {
		d.i = 1
	}
	return d
}

// NewInt returns an integer of kind Int2, Int4 or Int8; the caller has checked the range.
func NewInt(k Kind, v int64) Datum { return Datum{kind: k, valid: true, i: v} }

// NewFloat returns a float of kind Float4 or Float8.
func NewFloat(k Kind, v float64) Datum {
	return Datum{kind: k, valid: true, i: int64(math.Float64bits(v))}
}

// NewNumeric returns a numeric.
func NewNumeric(v Decimal) Datum { return Datum{kind: Numeric, valid: true, d: &v} }

// NewString returns a value of a string kind, or of Unknown (an untyped literal) or JSONB (its stored text).
func NewString(k Kind, v string) Datum { return Datum{kind: k, valid: true, s: v} }

// NewBytea returns a byte string; v is copied.
func NewBytea(v []byte) Datum { return Datum{kind: Bytea, valid: true, s: string(v)} }

// NewDate returns a date from days since 1970-01-01.
func NewDate(days int32) Datum { return Datum{kind: Date, valid: true, i: int64(days)} }

// NewTimestamp returns a Timestamp or TimestampTZ from microseconds since 1970-01-01.
func NewTimestamp(k Kind, micros int64) Datum { return Datum{kind: k, valid: true, i: micros} }

// NewInterval returns an interval.
func NewInterval(v IntervalValue) Datum {
	return Datum{kind: Interval, valid: true, i: v.Micros, j: int64(v.Months)<<32 | int64(uint32(v.Days))}
}

// NewUUID returns a uuid.
func NewUUID(v [16]byte) Datum {
	return Datum{kind: UUID, valid: true,
		i: int64(binary.BigEndian.Uint64(v[:8])), j: int64(binary.BigEndian.Uint64(v[8:]))}
}

// Kind returns the kind of the value.
func (d Datum) Kind() Kind { return d.kind }

// IsNull reports whether the value is NULL.
func (d Datum) IsNull() bool { return !d.valid }

// Bool returns a boolean's value.
func (d Datum) Bool() bool { return d.i != 0 }

// Int returns the value of an integer, date (days) or timestamp (microseconds).
func (d Datum) Int() int64 { return d.i }

// Float returns a float's value.
func (d Datum) Float() float64 { return math.Float64frombits(uint64(d.i)) }

// Numeric returns a numeric's value.
func (d Datum) Numeric() Decimal {
	if d.d == nil {
		return Decimal{}
	}
	return *d.d
}

// Str returns the text of a string, jsonb or unknown value, or the bytes of a bytea.
func (d Datum) Str() string { return d.s }

// Interval returns an interval's value.
func (d Datum) Interval() IntervalValue {
	return IntervalValue{Micros: d.i, Days: int32(uint32(d.j)), Months: int32(d.j >> 32)}
}

// UUID returns a uuid's value.
func (d Datum) UUID() (v [16]byte) {
	binary.BigEndian.PutUint64(v[:8], uint64(d.i))
	binary.BigEndian.PutUint64(v[8:], uint64(d.j))
	return v
}

// As returns the same bits under another kind of the same physical form, such as text as varchar
// or a timestamp as timestamptz. It converts nothing.
func (d Datum) As(k Kind) Datum {
	d.kind = k
	return d
}
