package exec

import (
	"math/bits"

	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// groups numbers the distinct keys it sees, from 0 in order of appearance. NULLs are equal. It has one user at a time.
//
// A key of one column of at most 8 bytes is compared as an integer; any other as its order-preserving encoding, in
// which equal values are equal bytes.
type groups struct {
	types []types.Type
	// values has the key of each group, as it first came.
	values []*vec.Builder
	n      int
	// slots has 1 + the group in each bucket, 0 for none; linear probing.
	slots  []int32
	hashes []uint64
	mask   uint64
	// small holds integer keys; null is 1 + the group of NULL.
	small  []uint64
	null   int32
	narrow bool
	// bytes and ends hold encoded keys.
	bytes []byte
	ends  []int
	buf   []byte
}

func newGroups(ts []types.Type) *groups {
	g := &groups{types: ts, slots: make([]int32, 64), mask: 63}
	g.narrow = len(ts) == 1 && narrowKind(ts[0].Kind)
	for _, t := range ts {
		g.values = append(g.values, vec.NewBuilder(t, 0))
	}
	return g
}

// narrowKind reports whether equal values of the kind are equal bits in at most 8 bytes.
func narrowKind(k types.Kind) bool {
	switch k {
	case types.Bool, types.Int2, types.Int4, types.Int8, types.Date, types.Timestamp, types.TimestampTZ:
		return true
	}
	return false
}

// assign returns the group of each of n rows of the key columns, making groups for new keys.
func (g *groups) assign(cols []*vec.Vector, n int, out []int32) []int32 {
	out = grow(out, n)
	if len(cols) == 0 {
		if g.n == 0 && n > 0 {
			g.n = 1
		}
		clear(out)
		return out
	}
	hashes := hashRows(cols, n)
	if g.narrow {
		g.assignNarrow(cols[0], hashes, out)
		return out
	}
	for i := range out {
		out[i] = g.find(cols, i, hashes[i])
	}
	return out
}

func (g *groups) assignNarrow(col *vec.Vector, hashes []uint64, out []int32) {
	switch col.Kind().Width() {
	case 1:
		assignInts(g, col, vec.Values[uint8](col), hashes, out)
	case 2:
		assignInts(g, col, vec.Values[int16](col), hashes, out)
	case 4:
		assignInts(g, col, vec.Values[int32](col), hashes, out)
	default:
		assignInts(g, col, vec.Values[int64](col), hashes, out)
	}
}

func assignInts[T uint8 | int16 | int32 | int64](g *groups, col *vec.Vector, v []T, hashes []uint64, out []int32) {
	valid := col.Validity()
	for i := range out {
		if !valid.Valid(i) {
			if g.null == 0 {
				g.values[0].AppendNull()
				g.small = append(g.small, 0)
				g.hashes = append(g.hashes, 0)
				g.n++
				g.null = int32(g.n)
			}
			out[i] = g.null - 1
			continue
		}
		k, h := uint64(int64(v[i])), hashes[i]
		at := h & g.mask
		for {
			s := g.slots[at]
			if s == 0 {
				g.values[0].AppendFrom(col, i)
				g.small = append(g.small, k)
				out[i] = g.add(at, h)
				break
			}
			if g.hashes[s-1] == h && g.small[s-1] == k {
				out[i] = s - 1
				break
			}
			at = (at + 1) & g.mask
		}
	}
}

// add makes a group in an empty bucket.
func (g *groups) add(at, h uint64) int32 {
	g.n++
	g.slots[at] = int32(g.n)
	g.hashes = append(g.hashes, h)
	if 2*g.n > len(g.slots) {
		g.rehash()
	}
	return int32(g.n - 1)
}

func (g *groups) rehash() {
	size := 1 << bits.Len(uint(4*g.n))
	g.slots, g.mask = make([]int32, size), uint64(size-1)
	for i, h := range g.hashes {
		if int32(i+1) == g.null {
			continue
		}
		at := h & g.mask
		for g.slots[at] != 0 {
			at = (at + 1) & g.mask
		}
		g.slots[at] = int32(i + 1)
	}
}

// find returns the group of row i of the columns, compared by encoding.
func (g *groups) find(cols []*vec.Vector, i int, h uint64) int32 {
	g.buf = g.buf[:0]
	for _, c := range cols {
		g.buf = compute.AppendSortKey(g.buf, c, i, false, false)
	}
	for at := h & g.mask; ; at = (at + 1) & g.mask {
		s := g.slots[at]
		if s == 0 {
			for c, b := range g.values {
				b.AppendFrom(cols[c], i)
			}
			g.bytes = append(g.bytes, g.buf...)
			g.ends = append(g.ends, len(g.bytes))
			return g.add(at, h)
		}
		if g.hashes[s-1] == h && string(g.key(int(s-1))) == string(g.buf) {
			return s - 1
		}
	}
}

func (g *groups) key(i int) []byte {
	start := 0
	if i > 0 {
		start = g.ends[i-1]
	}
	return g.bytes[start:g.ends[i]]
}

// finish returns the keys of all groups; the groups are not used afterwards.
func (g *groups) finish() []*vec.Vector {
	out := make([]*vec.Vector, len(g.values))
	for i, b := range g.values {
		out[i] = b.Finish()
	}
	return out
}

// sizeBytes returns roughly what the groups take.
func (g *groups) sizeBytes() int {
	n := 4*len(g.slots) + 8*len(g.hashes) + 8*len(g.small) + len(g.bytes) + 8*len(g.ends)
	for i, t := range g.types {
		n += g.n*max(t.Kind.Width(), 4) + g.values[i].DataBytes()
	}
	return n
}
