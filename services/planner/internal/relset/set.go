package relset

import (
	"iter"
	"math/bits"
	"strconv"
	"strings"
)

// Max is the number of relations a set can tell apart.
const Max = 128

// Set is a set of relations. The zero value is empty.
type Set struct{ lo, hi uint64 }

// Of returns the set of the given relations.
func Of(rels ...int) Set {
	var s Set
	for _, r := range rels {
		s = s.With(r)
	}
	return s
}

// Below returns the set {0, …, n-1}.
func Below(n int) Set {
	switch {
	case n <= 0:
		return Set{}
	case n < 64:
		return Set{lo: 1<<n - 1}
	case n < 128:
		return Set{lo: ^uint64(0), hi: 1<<(n-64) - 1}
	}
	return Set{lo: ^uint64(0), hi: ^uint64(0)}
}

// With returns s and relation r.
func (s Set) With(r int) Set {
	if r < 64 {
		s.lo |= 1 << r
	} else {
		s.hi |= 1 << (r - 64)
	}
	return s
}

// Has reports whether r is in s.
func (s Set) Has(r int) bool {
	if r < 64 {
		return s.lo&(1<<r) != 0
	}
	return s.hi&(1<<(r-64)) != 0
}

// Union returns the relations of both.
func (s Set) Union(t Set) Set { return Set{s.lo | t.lo, s.hi | t.hi} }

// Intersect returns the relations in both.
func (s Set) Intersect(t Set) Set { return Set{s.lo & t.lo, s.hi & t.hi} }

// Minus returns the relations of s that are not in t.
func (s Set) Minus(t Set) Set { return Set{s.lo &^ t.lo, s.hi &^ t.hi} }

// Intersects reports whether s and t share a relation.
func (s Set) Intersects(t Set) bool { return s.lo&t.lo|s.hi&t.hi != 0 }

// SubsetOf reports whether all of s is in t.
func (s Set) SubsetOf(t Set) bool { return s.lo&^t.lo|s.hi&^t.hi == 0 }

// Empty reports whether s has no relation.
func (s Set) Empty() bool { return s.lo|s.hi == 0 }

// Len returns the number of relations.
func (s Set) Len() int { return bits.OnesCount64(s.lo) + bits.OnesCount64(s.hi) }

// Min returns the smallest relation, -1 when s is empty.
func (s Set) Min() int {
	switch {
	case s.lo != 0:
		return bits.TrailingZeros64(s.lo)
	case s.hi != 0:
		return 64 + bits.TrailingZeros64(s.hi)
	}
	return -1
}

// All iterates over the relations in ascending order.
func (s Set) All() iter.Seq[int] {
	return func(yield func(int) bool) {
		for w := s.lo; w != 0; w &= w - 1 {
			if !yield(bits.TrailingZeros64(w)) {
				return
			}
		}
		for w := s.hi; w != 0; w &= w - 1 {
			if !yield(64 + bits.TrailingZeros64(w)) {
				return
			}
		}
	}
}

// Subsets iterates over the non-empty subsets of s, every set after its own subsets' smallest ones. The relations of s must
// be below 64.
func (s Set) Subsets() iter.Seq[Set] {
	return func(yield func(Set) bool) {
		for w := (s.lo-1)&s.lo ^ s.lo; w != 0; w = (w - s.lo) & s.lo {
			if !yield(Set{lo: w}) {
				return
			}
		}
	}
}

// String returns the set as {0,3,5}.
func (s Set) String() string {
	var b strings.Builder
	b.WriteByte('{')
	for r := range s.All() {
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(r))
	}
	b.WriteByte('}')
	return b.String()
}

// Hash mixes the set with a seed.
func (s Set) Hash(seed uint64) uint64 {
	h := (s.lo ^ seed*0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>31 ^ s.hi) * 0x94d049bb133111eb
	return h ^ h>>29
}
