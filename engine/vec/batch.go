package vec

import "github.com/attunedb/attune/engine/types"

// Batch is a set of columns of equal length and an optional selection.
type Batch struct {
	// Cols are the columns; each has Len values, whatever the selection. A column that the consumer has declared it does
	// not need may be nil.
	Cols []*Vector
	// Sel, when not nil, holds the positions of the live rows, strictly ascending.
	Sel []int32
	// Len is the number of rows in the columns. It stands for itself when there are no columns.
	Len int
}

// NewBatch returns a batch over columns of n values each.
func NewBatch(n int, cols ...*Vector) *Batch { return &Batch{Cols: cols, Len: n} }

// Rows returns the number of live rows.
func (b *Batch) Rows() int {
	if b.Sel != nil {
		return len(b.Sel)
	}
	return b.Len
}

// Row returns the position in the columns of live row i.
func (b *Batch) Row(i int) int {
	if b.Sel != nil {
		return int(b.Sel[i])
	}
	return i
}

// Compact returns a batch with the live rows only and no selection; b itself when it has none.
func (b *Batch) Compact() *Batch {
	if b.Sel == nil {
		return b
	}
	out := &Batch{Cols: make([]*Vector, len(b.Cols)), Len: len(b.Sel)}
	for i, c := range b.Cols {
		if c != nil {
			out.Cols[i] = Gather(c, b.Sel)
		}
	}
	return out
}

// Select returns a batch with the columns at the given ordinals and the same rows.
func (b *Batch) Select(ordinals []int) *Batch {
	out := &Batch{Cols: make([]*Vector, len(ordinals)), Sel: b.Sel, Len: b.Len}
	for i, o := range ordinals {
		out.Cols[i] = b.Cols[o]
	}
	return out
}

// Slice returns live rows lo up to but not including hi.
func (b *Batch) Slice(lo, hi int) *Batch {
	if b.Sel != nil {
		return &Batch{Cols: b.Cols, Sel: b.Sel[lo:hi:hi], Len: b.Len}
	}
	out := &Batch{Cols: make([]*Vector, len(b.Cols)), Len: hi - lo}
	for i, c := range b.Cols {
		if c != nil {
			out.Cols[i] = c.Slice(lo, hi)
		}
	}
	return out
}

// SizeBytes returns the memory of all columns.
func (b *Batch) SizeBytes() int {
	size := 4 * len(b.Sel)
	for _, c := range b.Cols {
		if c != nil {
			size += c.SizeBytes()
		}
	}
	return size
}

// Types returns the types of the columns, none of which is nil.
func (b *Batch) Types() []types.Type {
	out := make([]types.Type, len(b.Cols))
	for i, c := range b.Cols {
		out[i] = c.Type()
	}
	return out
}

// Identity returns the selection of all of n rows.
func Identity(n int) []int32 {
	sel := make([]int32, n)
	for i := range sel {
		sel[i] = int32(i)
	}
	return sel
}
