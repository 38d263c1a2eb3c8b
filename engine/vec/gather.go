package vec

import (
	"unsafe"

	"github.com/attunedb/attune/engine/types"
)

// Gather returns the values of v at the given positions, in their order; a position may repeat, and
// a negative one gives NULL.
func Gather(v *Vector, sel []int32) *Vector {
	out := &Vector{typ: v.typ, n: len(sel), valid: gatherValid(v, sel)}
	if v.typ.Kind.IsVariable() {
		gatherBytes(out, v, sel)
		return out
	}
	out.fixed = alloc(len(sel) * v.typ.Kind.Width())
	// Big numeric coefficients are addressed by offset: sharing the data keeps the words valid.
	out.data = v.data
	switch v.typ.Kind.Width() {
	case 1:
		gatherFixed[uint8](out, v, sel)
	case 2:
		gatherFixed[int16](out, v, sel)
	case 4:
		gatherFixed[int32](out, v, sel)
	case 8:
		gatherFixed[int64](out, v, sel)
	case 16:
		gatherFixed[[2]uint64](out, v, sel)
	}
	return out
}

func gatherFixed[T any](out, v *Vector, sel []int32) {
	if len(sel) == 0 || v.n == 0 {
		return
	}
	src := unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(v.fixed))), v.n)
	dst := unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(out.fixed))), len(sel))
	for i, s := range sel {
		if s >= 0 {
			dst[i] = src[s]
		}
	}
}

func gatherBytes(out, v *Vector, sel []int32) {
	out.offsets = make([]int32, len(sel)+1)
	total := 0
	for _, s := range sel {
		if s >= 0 {
			total += int(v.offsets[s+1] - v.offsets[s])
		}
	}
	out.data = make([]byte, 0, total)
	for i, s := range sel {
		if s >= 0 {
			out.data = append(out.data, v.data[v.offsets[s]:v.offsets[s+1]]...)
		}
		out.offsets[i+1] = int32(len(out.data))
	}
}

func gatherValid(v *Vector, sel []int32) Bitmap {
	var out Bitmap
	for i, s := range sel {
		if s >= 0 && v.valid.Valid(int(s)) {
			continue
		}
		if out == nil {
			out = NewBitmap(len(sel))
		}
		out.Clear(i)
	}
	return out
}

// Concat returns the values of all vectors, one after the other. All have the type t's kind.
func Concat(t types.Type, vs ...*Vector) *Vector {
	n := 0
	for _, v := range vs {
		n += v.n
	}
	if len(vs) == 1 {
		return vs[0].Retyped(t)
	}
	b := NewBuilder(t, n)
	for _, v := range vs {
		b.AppendVector(v)
	}
	return b.Finish()
}

// AppendVector appends all values of v, whose kind is the builder's.
func (b *Builder) AppendVector(v *Vector) {
	if b.width == 0 || v.valid != nil || b.valid != nil || b.typ.Kind == types.Numeric {
		for i := range v.n {
			b.AppendFrom(v, i)
		}
		return
	}
	at := len(b.fixed)
	need := at + len(v.fixed)
	if need > cap(b.fixed) {
		next := alloc(max(need, 2*cap(b.fixed)))
		copy(next, b.fixed)
		b.fixed = next[:at]
	}
	b.fixed = append(b.fixed, v.fixed...)
	b.n += v.n
}

// Slice returns values lo up to but not including hi. It shares fixed-width memory and data where it can.
func (v *Vector) Slice(lo, hi int) *Vector {
	if lo == 0 && hi == v.n {
		return v
	}
	out := &Vector{typ: v.typ, n: hi - lo, data: v.data}
	if v.valid != nil {
		out.valid = make(Bitmap, (hi-lo+7)/8)
		for i := lo; i < hi; i++ {
			if v.valid.Valid(i) {
				out.valid.Set(i - lo)
			}
		}
	}
	if w := v.typ.Kind.Width(); w > 0 {
		out.fixed = aligned(v.fixed[lo*w : hi*w : hi*w])
		return out
	}
	base := v.offsets[lo]
	out.offsets = make([]int32, hi-lo+1)
	for i := range out.offsets {
		out.offsets[i] = v.offsets[lo+i] - base
	}
	out.data = v.data[base:v.offsets[hi]:v.offsets[hi]]
	return out
}
