package exec

import (
	"math/bits"

	"github.com/attunedb/attune/engine/bloom"
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/vec"
)

// joinTable is the build side of a hash join: its rows as columns, and chains of rows by the hash of their
// key. After build it is read-only, except for the marks.
type joinTable struct {
	// rows holds the build side's columns; those nobody needs are nil.
	rows *vec.Batch
	// keys are the key columns, one value for each row.
	keys []*vec.Vector
	// hashes has the hash of each row's key.
	hashes []uint64
	// heads has, for each bucket, 1 + the first row of its chain; next has the same for the row after. 0 ends a chain.
	heads, next []int32
	mask        uint64
	// hasNull says that some row's key is NULL, and so in no chain.
	hasNull bool
	// kept is the number of rows in chains.
	kept int
}

// build makes the chains. nullSafe marks key columns whose NULLs match; it may be nil.
func (t *joinTable) build(rows *vec.Batch, keys []*vec.Vector, nullSafe []bool) {
	t.rows, t.keys = rows, keys
	n := rows.Len
	t.hashes = hashRows(keys, n)
	size := 1 << bits.Len(uint(max(n, 1)))
	t.heads, t.next, t.mask = make([]int32, size), make([]int32, n), uint64(size-1)
	valid := matchable(keys, nullSafe, n)
	// Rows are linked last first, so that a chain gives them in their order.
	for i := n - 1; i >= 0; i-- {
		if !valid.Valid(i) {
			t.hasNull = true
			continue
		}
		b := t.hashes[i] & t.mask
		t.next[i], t.heads[b] = t.heads[b], int32(i+1)
		t.kept++
	}
}

// sizeBytes returns what the table holds beside its rows.
func (t *joinTable) sizeBytes() int { return 8*len(t.hashes) + 4*len(t.heads) + 4*len(t.next) }

// filter returns a Bloom filter of the keys in the chains, for the scans of the probe side.
func (t *joinTable) filter(fpr float64) *bloom.Filter {
	f := bloom.New(max(t.kept, 1), fpr)
	if !t.hasNull {
		f.Add(t.hashes)
		return f
	}
	kept := make([]uint64, 0, t.kept)
	for _, head := range t.heads {
		for at := head; at != 0; at = t.next[at-1] {
			kept = append(kept, t.hashes[at-1])
		}
	}
	f.Add(kept)
	return f
}

// hashRows returns the hash of each row over all columns.
func hashRows(cols []*vec.Vector, n int) []uint64 {
	h := make([]uint64, n)
	for i, c := range cols {
		compute.Hash(h, c, i > 0)
	}
	return h
}

// matchable returns which rows have no NULL in a key column that NULL never matches in; nil for all.
func matchable(keys []*vec.Vector, nullSafe []bool, n int) vec.Bitmap {
	var valid vec.Bitmap
	for i, k := range keys {
		if nullSafe == nil || !nullSafe[i] {
			valid = vec.And(valid, k.Validity(), n)
		}
	}
	return valid
}

// pairs is a list of matching positions: row left[i] of the probe side with row right[i] of the build side.
type pairs struct {
	left, right []int32
	match       []bool
}

func (p *pairs) reset() { p.left, p.right = p.left[:0], p.right[:0] }

// keepEqual drops the pairs whose keys, left over probe rows and right over build rows, are not equal.
func (p *pairs) keepEqual(left, right []*vec.Vector, nullSafe []bool) {
	if len(p.left) == 0 {
		return
	}
	p.match = grow(p.match, len(p.left))
	for i := range p.match {
		p.match[i] = true
	}
	for i := range left {
		compute.EqualRows(p.match, left[i], p.left, right[i], p.right, nullSafe != nil && nullSafe[i])
	}
	p.keep()
}

// keep drops the pairs that are not marked in match.
func (p *pairs) keep() {
	n := 0
	for i, ok := range p.match {
		p.left[n], p.right[n] = p.left[i], p.right[i]
		if ok {
			n++
		}
	}
	p.left, p.right = p.left[:n], p.right[:n]
}

// keepSelected drops the pairs that are not in sel, which is ascending.
func (p *pairs) keepSelected(sel []int32) {
	for n, i := range sel {
		p.left[n], p.right[n] = p.left[i], p.right[i]
	}
	p.left, p.right = p.left[:len(sel)], p.right[:len(sel)]
}

func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/2)
	}
	return s[:n]
}

// positions maps dense row numbers of a batch to positions in its columns.
func positions(b *vec.Batch, dense []int32) []int32 {
	if b.Sel == nil {
		return dense
	}
	out := make([]int32, len(dense))
	for i, d := range dense {
		out[i] = b.Sel[d]
	}
	return out
}

// gatherSome gathers the columns that are needed (need may be nil for all) and present.
func gatherSome(dst []*vec.Vector, cols []*vec.Vector, at []int32, need []bool) {
	for i, c := range cols {
		if c != nil && (need == nil || need[i]) {
			dst[i] = vec.Gather(c, at)
		}
	}
}
