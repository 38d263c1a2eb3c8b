package demo

import "github.com/attunedb/attune/client"

// hash is FNV-1a with a final mix, so that sums of hashes do not cancel out (Steele et al., Fast Splittable Pseudorandom
// Number Generators, 2014, for the mix).
type hash struct{ h uint64 }

func newHash() *hash { return &hash{14695981039346656037} }

func (h *hash) byte(b byte) { h.h = (h.h ^ uint64(b)) * 1099511628211 }

func (h *hash) text(s string) {
	for i := range len(s) {
		h.byte(s[i])
	}
}

func (h *hash) sum() uint64 {
	z := h.h
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Answer identifies the rows of a result whatever their order: their number, and the sum of their hashes.
type Answer struct {
	Rows int
	Hash uint64
}

// add takes in the rows of a batch.
func (a *Answer) add(b *client.Batch) {
	for row := range b.Rows() {
		h := newHash()
		for i := range b.Columns() {
			v := b.Column(i)
			if v.IsNull(row) {
				h.byte(0)
				continue
			}
			h.byte(1)
			h.text(v.String(row))
			h.byte(2)
		}
		a.Hash += h.sum()
		a.Rows++
	}
}
