package vec

import (
	"fmt"
	"unsafe"

	"github.com/attunedb/attune/engine/types"
)

// BatchSize is the usual number of rows in a batch. Nothing may rely on it: tests run with 1.
const BatchSize = 2048

// Fixed is the set of Go types a fixed-width column may be viewed as.
type Fixed interface {
	~int8 | ~uint8 | ~int16 | ~int32 | ~int64 | ~uint32 | ~uint64 | ~float32 | ~float64 |
		DecimalWord | IntervalWord | UUIDWord
}

// IntervalWord is an interval as it lies in a column. It equals types.IntervalValue in layout.
type IntervalWord = types.IntervalValue

// UUIDWord is a uuid as it lies in a column, in network order.
type UUIDWord [16]byte

// Vector is one column of values. See the package comment for ownership.
type Vector struct {
	typ   types.Type
	n     int
	valid Bitmap
	// fixed holds n values of typ.Kind.Width() bytes; nil for variable-width kinds.
	fixed []byte
	// offsets has n+1 ascending entries into data; nil for fixed-width kinds.
	offsets []int32
	// data holds the bytes of variable-width values, and the big coefficients of numerics.
	data []byte
}

// Buffers are the raw parts of a vector, for the codec.
type Buffers struct {
	Validity []byte
	Fixed    []byte
	Offsets  []int32
	Data     []byte
}

// FromBuffers makes a vector of n values over buffers from outside. It checks every length and
// offset, so that a hostile message cannot make a later read go out of bounds. The vector keeps the buffers.
func FromBuffers(t types.Type, n int, b Buffers) (*Vector, error) {
	if !t.Kind.Valid() {
		return nil, fmt.Errorf("vec: invalid kind %d", t.Kind)
	}
	if n < 0 {
		return nil, fmt.Errorf("vec: negative length %d", n)
	}
	if b.Validity != nil && len(b.Validity) < (n+7)/8 {
		return nil, fmt.Errorf("vec: validity of %d bytes for %d values", len(b.Validity), n)
	}
	v := &Vector{typ: t, n: n, valid: b.Validity, data: b.Data}
	if w := t.Kind.Width(); w > 0 {
		if len(b.Fixed) != n*w {
			return nil, fmt.Errorf("vec: %d bytes of values for %d values of %d", len(b.Fixed), n, w)
		}
		v.fixed = aligned(b.Fixed)
		if t.Kind == types.Numeric {
			if err := v.checkDecimals(); err != nil {
				return nil, err
			}
		}
		return v, nil
	}
	if len(b.Offsets) != n+1 {
		return nil, fmt.Errorf("vec: %d offsets for %d values", len(b.Offsets), n)
	}
	prev := int32(0)
	for _, o := range b.Offsets {
		if o < prev || int(o) > len(b.Data) {
			return nil, fmt.Errorf("vec: offset %d outside 0..%d or descending", o, len(b.Data))
		}
		prev = o
	}
	v.offsets = b.Offsets
	return v, nil
}

// aligned returns b, copied when its start is not aligned to 8 bytes.
func aligned(b []byte) []byte {
	if len(b) == 0 || uintptr(unsafe.Pointer(unsafe.SliceData(b)))&7 == 0 {
		return b
	}
	return append(alloc(len(b))[:0], b...)
}

// alloc returns n zero bytes whose start is aligned to 8.
func alloc(n int) []byte {
	if n == 0 {
		return nil
	}
	words := make([]uint64, (n+7)/8)
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), len(words)*8)[:n]
}

// Buffers returns the raw parts of v, which stay v's.
func (v *Vector) Buffers() Buffers {
	return Buffers{Validity: v.valid, Fixed: v.fixed, Offsets: v.offsets, Data: v.data}
}

// Type returns the type of the values.
func (v *Vector) Type() types.Type { return v.typ }

// Kind returns the kind of the values.
func (v *Vector) Kind() types.Kind { return v.typ.Kind }

// Len returns the number of values.
func (v *Vector) Len() int { return v.n }

// Validity returns the validity bitmap, nil when no value is null.
func (v *Vector) Validity() Bitmap { return v.valid }

// IsNull reports whether value i is NULL.
func (v *Vector) IsNull(i int) bool { return !v.valid.Valid(i) }

// HasNulls reports whether a value may be NULL; false is certain.
func (v *Vector) HasNulls() bool { return v.valid != nil }

// SizeBytes returns the memory the vector's buffers take.
func (v *Vector) SizeBytes() int {
	return len(v.valid) + len(v.fixed) + 4*len(v.offsets) + len(v.data)
}

// Retyped returns a vector with the same buffers under another type of the same physical form.
func (v *Vector) Retyped(t types.Type) *Vector {
	if t == v.typ {
		return v
	}
	c := *v
	c.typ = t
	return &c
}

// Values views a fixed-width vector as a slice of T, whose size must be the kind's width.
func Values[T Fixed](v *Vector) []T {
	var zero T
	if int(unsafe.Sizeof(zero)) != v.typ.Kind.Width() {
		panic(fmt.Sprintf("vec: view of %s as %T", v.typ, zero))
	}
	if v.n == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(v.fixed))), v.n)
}

// BytesAt returns the bytes of variable-width value i, which stay the vector's.
func (v *Vector) BytesAt(i int) []byte {
	return v.data[v.offsets[i]:v.offsets[i+1]:v.offsets[i+1]]
}

// StringAt returns variable-width value i as a string that shares the vector's memory.
func (v *Vector) StringAt(i int) string {
	b := v.data[v.offsets[i]:v.offsets[i+1]]
	return unsafe.String(unsafe.SliceData(b), len(b))
}
