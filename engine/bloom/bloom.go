// Package bloom is a split-block Bloom filter over 64-bit hashes: one cache line of memory for a
// test, eight bits in eight words of a 32-byte block (Putze, Sanders and Singler, "Cache-, Hash- and
// Space-Efficient Bloom Filters", WEA 2007; the block layout is that of Apache Parquet).
//
// A Filter is safe for concurrent Test; Add needs one owner. It never says no to a hash that was added.
package bloom

import (
	"encoding/binary"
	"errors"
	"math"
)

// blockWords is the number of 32-bit words of a block, each of which holds one bit of a hash.
const blockWords = 8

// maxBlocks bounds a filter to 64 MiB: a larger one costs more than it saves.
const maxBlocks = 2 << 20

var salts = [blockWords]uint32{
	0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31,
}

type block [blockWords]uint32

// Filter is a set of hashes with false positives.
type Filter struct{ blocks []block }

// New returns an empty filter for about n hashes with the given share of false positives, 0 < fpr < 1. Its size is bounded:
// far too many hashes make it let more pass.
func New(n int, fpr float64) *Filter {
	// An eighth of a split-block filter's bits decide for each hash: bits = -8n / ln(1 - fpr^(1/8)).
	bits := -8 * float64(max(n, 1)) / math.Log(1-math.Pow(fpr, 1.0/8))
	blocks := int(math.Ceil(bits / (32 * blockWords)))
	return &Filter{blocks: make([]block, min(max(blocks, 1), maxBlocks))}
}

// place returns the block of a hash and the bits within it.
func (f *Filter) place(h uint64) (*block, uint32) {
	i := (h >> 32) * uint64(len(f.blocks)) >> 32
	return &f.blocks[i], uint32(h)
}

// Add puts hashes into the filter.
func (f *Filter) Add(hashes []uint64) {
	for _, h := range hashes {
		b, key := f.place(h)
		for i := range b {
			b[i] |= 1 << (key * salts[i] >> 27)
		}
	}
}

// Contains reports whether the hash may have been added; false is certain.
func (f *Filter) Contains(h uint64) bool {
	b, key := f.place(h)
	missing := uint32(0)
	for i := range b {
		missing |= ^b[i] & (1 << (key * salts[i] >> 27))
	}
	return missing == 0
}

// Test appends to dst the positions in hashes, or of sel where it is not nil, whose hash may have been
// added. sel holds one position for each hash.
func (f *Filter) Test(dst []int32, hashes []uint64, sel []int32) []int32 {
	for i, h := range hashes {
		if !f.Contains(h) {
			continue
		}
		if sel != nil {
			dst = append(dst, sel[i])
		} else {
			dst = append(dst, int32(i))
		}
	}
	return dst
}

// SizeBytes returns the size of the filter's blocks.
func (f *Filter) SizeBytes() int { return len(f.blocks) * 4 * blockWords }

// Marshal returns the blocks, little-endian.
func (f *Filter) Marshal() []byte {
	out := make([]byte, 0, f.SizeBytes())
	for i := range f.blocks {
		for _, w := range f.blocks[i] {
			out = binary.LittleEndian.AppendUint32(out, w)
		}
	}
	return out
}

// ErrMalformed marks bytes that are no filter.
var ErrMalformed = errors.New("bloom: malformed filter")

// Unmarshal returns the filter that Marshal wrote.
func Unmarshal(b []byte) (*Filter, error) {
	size := 4 * blockWords
	if len(b) == 0 || len(b)%size != 0 || len(b)/size > maxBlocks {
		return nil, ErrMalformed
	}
	f := &Filter{blocks: make([]block, len(b)/size)}
	for i := range f.blocks {
		for w := range f.blocks[i] {
			f.blocks[i][w] = binary.LittleEndian.Uint32(b[i*size+4*w:])
		}
	}
	return f, nil
}
