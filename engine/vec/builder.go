package vec

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/attunedb/attune/engine/types"
)

// Builder appends values to a column. It is not safe for concurrent use. After Finish it is
// empty and may be used for the next column of the same type.
type Builder struct {
	typ     types.Type
	width   int
	n       int
	nulls   int
	valid   Bitmap
	fixed   []byte
	offsets []int32
	data    []byte
}

// NewBuilder returns a builder of t with room for capacity values.
func NewBuilder(t types.Type, capacity int) *Builder {
	b := &Builder{typ: t, width: t.Kind.Width()}
	b.reserve(capacity)
	return b
}

func (b *Builder) reserve(capacity int) {
	if b.width > 0 {
		b.fixed = alloc(capacity * b.width)[:0]
		return
	}
	b.offsets = make([]int32, 1, capacity+1)
}

// Type returns the type of the column being built.
func (b *Builder) Type() types.Type { return b.typ }

// Len returns the number of values so far.
func (b *Builder) Len() int { return b.n }

// DataBytes returns the bytes of variable-width values so far.
func (b *Builder) DataBytes() int { return len(b.data) }

// grow makes room for one more fixed-width value and returns its place.
func (b *Builder) grow() []byte {
	at := len(b.fixed)
	if at+b.width > cap(b.fixed) {
		next := alloc(max(2*cap(b.fixed), 64*b.width))
		copy(next, b.fixed)
		b.fixed = next[:at]
	}
	b.fixed = b.fixed[: at+b.width : cap(b.fixed)]
	return b.fixed[at:]
}

func (b *Builder) markValid() {
	if b.valid != nil {
		if b.n&7 == 0 {
			b.valid = append(b.valid, 0)
		}
		b.valid.Set(b.n)
	}
	b.n++
}

// AppendNull appends a NULL.
func (b *Builder) AppendNull() {
	if b.valid == nil {
		b.valid = NewBitmap(b.n)
		if rest := b.n & 7; rest != 0 {
			b.valid[b.n>>3] = 1<<rest - 1
		}
	}
	if b.n&7 == 0 {
		b.valid = append(b.valid, 0)
	}
	b.n++
	b.nulls++
	if b.width > 0 {
		clear(b.grow())
		return
	}
	b.offsets = append(b.offsets, int32(len(b.data)))
}

// Append appends a fixed-width value of the builder's physical form.
func Append[T Fixed](b *Builder, v T) {
	*(*T)(unsafe.Pointer(unsafe.SliceData(b.grow()))) = v
	b.markValid()
}

// AppendBool appends a boolean.
func (b *Builder) AppendBool(v bool) {
	var x uint8
	if v {
		x = 1
	}
	Append(b, x)
}

// AppendBytes appends a variable-width value, which is copied. The bytes of one column are
// limited to 2 GiB by the offsets; callers bound a batch far below that (see FitsBytes).
func (b *Builder) AppendBytes(v []byte) {
	b.data = append(b.data, v...)
	b.offsets = append(b.offsets, b.end())
	b.markValid()
}

// AppendString appends a variable-width value.
func (b *Builder) AppendString(v string) {
	b.data = append(b.data, v...)
	b.offsets = append(b.offsets, b.end())
	b.markValid()
}

func (b *Builder) end() int32 {
	if len(b.data) > math.MaxInt32 {
		panic("vec: a column's bytes exceed 2 GiB")
	}
	return int32(len(b.data))
}

// FitsBytes reports whether n more bytes of variable-width data stay within a column's limit.
func (b *Builder) FitsBytes(n int) bool { return len(b.data)+n <= math.MaxInt32 }

// AppendDecimal appends a numeric.
func (b *Builder) AppendDecimal(d types.Decimal) {
	var w DecimalWord
	w, b.data = decimalWord(d, b.data)
	Append(b, w)
}

// AppendDatum appends a scalar of the builder's kind, or a NULL of any kind.
func (b *Builder) AppendDatum(d types.Datum) {
	if d.IsNull() {
		b.AppendNull()
		return
	}
	switch b.typ.Kind {
	case types.Bool:
		b.AppendBool(d.Bool())
	case types.Int2:
		Append(b, int16(d.Int()))
	case types.Int4, types.Date:
		Append(b, int32(d.Int()))
	case types.Int8, types.Timestamp, types.TimestampTZ:
		Append(b, d.Int())
	case types.Float4:
		Append(b, float32(d.Float()))
	case types.Float8:
		Append(b, d.Float())
	case types.Numeric:
		b.AppendDecimal(d.Numeric())
	case types.Interval:
		Append(b, d.Interval())
	case types.UUID:
		Append(b, UUIDWord(d.UUID()))
	case types.Unknown, types.Text, types.Varchar, types.Char, types.Bytea, types.JSONB:
		b.AppendString(d.Str())
	default:
		panic(fmt.Sprintf("vec: append to %s", b.typ))
	}
}

// AppendFrom appends value i of v, whose kind is the builder's.
func (b *Builder) AppendFrom(v *Vector, i int) {
	switch {
	case v.IsNull(i):
		b.AppendNull()
	case b.width == 0:
		b.AppendBytes(v.BytesAt(i))
	case b.typ.Kind == types.Numeric:
		w := Values[DecimalWord](v)[i]
		if w.Big != 0 {
			b.AppendDecimal(v.DecimalAt(i))
			return
		}
		Append(b, w)
	default:
		copy(b.grow(), v.fixed[i*b.width:(i+1)*b.width])
		b.markValid()
	}
}

// Finish returns the column and leaves the builder empty.
func (b *Builder) Finish() *Vector {
	v := &Vector{typ: b.typ, n: b.n, fixed: b.fixed, offsets: b.offsets, data: b.data}
	if b.nulls > 0 {
		v.valid = b.valid
	}
	*b = Builder{typ: b.typ, width: b.width}
	b.reserve(0)
	return v
}
