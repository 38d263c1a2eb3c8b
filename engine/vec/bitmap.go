package vec

import "math/bits"

// Bitmap is Arrow's validity bitmap: bit i of byte i/8 is set when value i is not null.
// A nil Bitmap means that every value is valid.
type Bitmap []byte

// NewBitmap returns a bitmap for n values, all valid.
func NewBitmap(n int) Bitmap {
	b := make(Bitmap, (n+7)/8)
	for i := range b {
		b[i] = 0xff
	}
	return b
}

// Valid reports whether bit i is set; a nil bitmap is all set.
func (b Bitmap) Valid(i int) bool { return b == nil || b[i>>3]&(1<<(i&7)) != 0 }

// Set marks value i as valid.
func (b Bitmap) Set(i int) { b[i>>3] |= 1 << (i & 7) }

// Clear marks value i as null.
func (b Bitmap) Clear(i int) { b[i>>3] &^= 1 << (i & 7) }

// CountNull returns how many of the first n values are null.
func (b Bitmap) CountNull(n int) int {
	if b == nil {
		return 0
	}
	set := 0
	full := n >> 3
	for _, w := range b[:full] {
		set += bits.OnesCount8(w)
	}
	if rest := n & 7; rest != 0 {
		set += bits.OnesCount8(b[full] & (1<<rest - 1))
	}
	return n - set
}

// And returns a bitmap of n values that is valid where both a and b are. It returns one of its
// arguments when the other is nil, so the result must not be changed.
func And(a, b Bitmap, n int) Bitmap {
	if a == nil {
		return b
	}
	if b == nil {
		return a
	}
	out := make(Bitmap, (n+7)/8)
	for i := range out {
		out[i] = a[i] & b[i]
	}
	return out
}
