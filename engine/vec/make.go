package vec

import (
	"unsafe"

	"github.com/attunedb/attune/engine/types"
)

// MakeFixed returns a fixed-width vector of n zero values and a view of them to fill before the
// vector is handed on. valid may be nil and is kept.
func MakeFixed[T Fixed](t types.Type, n int, valid Bitmap) (*Vector, []T) {
	v := &Vector{typ: t, n: n, valid: valid, fixed: alloc(n * t.Kind.Width())}
	return v, Values[T](v)
}

// FromSlice returns a fixed-width vector over values, which it keeps. valid may be nil.
func FromSlice[T Fixed](t types.Type, values []T, valid Bitmap) *Vector {
	var zero T
	size := int(unsafe.Sizeof(zero))
	if size != t.Kind.Width() {
		panic("vec: values of another width than the type's")
	}
	raw := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(values))), len(values)*size)
	return &Vector{typ: t, n: len(values), valid: valid, fixed: aligned(raw)}
}

// FromStrings returns a variable-width vector of values without NULLs.
func FromStrings(t types.Type, values []string) *Vector {
	b := NewBuilder(t, len(values))
	for _, s := range values {
		b.AppendString(s)
	}
	return b.Finish()
}

// Nulls returns a vector of n NULLs.
func Nulls(t types.Type, n int) *Vector {
	v := &Vector{typ: t, n: n, valid: make(Bitmap, (n+7)/8)}
	if w := t.Kind.Width(); w > 0 {
		v.fixed = alloc(n * w)
	} else {
		v.offsets = make([]int32, n+1)
	}
	return v
}
