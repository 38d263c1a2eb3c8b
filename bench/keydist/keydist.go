// Package keydist chooses which keys operations touch: indexes below the length of a key space that may grow meanwhile.
//
// The distributions are those of YCSB (Cooper et al., Benchmarking Cloud Serving Systems with YCSB, SoCC 2010, section 4.1). YCSB draws
// Zipf's distribution with the method of Gray et al. (Quickly Generating Billion-Record Synthetic Databases, SIGMOD 1994), which is
// an approximation, needs a sum over all keys whenever there are more of them, and holds for theta below 1 only. Here the same distribution is drawn
// exactly, for every theta above 0 and at no cost when the key space grows, by rejection-inversion.
package keydist

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync/atomic"
)

// Space is a key space: the indexes from 0 up to its length. It is safe for concurrent use, and grows at its end only.
type Space struct {
	length atomic.Uint64
}

// NewSpace returns a space of so many keys.
func NewSpace(length uint64) *Space {
	s := &Space{}
	s.length.Store(length)
	return s
}

// Len is the number of keys.
func (s *Space) Len() uint64 { return s.length.Load() }

// Grow adds a key and returns its index.
func (s *Space) Grow() uint64 { return s.length.Add(1) - 1 }

// Keys draws key indexes. An implementation belongs to one goroutine, allocates nothing when drawing, and follows the growth of its
// space.
type Keys interface {
	// Next returns an index below the space's length at that moment. All its randomness is r's.
	Next(r *rand.Rand) uint64
}

// The names of the distributions.
const (
	Uniform    = "uniform"
	Zipf       = "zipf"
	Latest     = "latest"
	Hotspot    = "hotspot"
	Sequential = "sequential"
)

// Names lists the distributions.
func Names() []string { return []string{Uniform, Zipf, Latest, Hotspot, Sequential} }

// Shape has the parameters of distributions. The zero value of a field has the default that is named.
type Shape struct {
	// Theta is the skew of Zipf and Latest: the key of rank k is drawn in proportion to k to the power of -Theta. Default 0.99.
	Theta float64
	// HotOperations is the share of draws that go to the hot keys of Hotspot, HotKeys the share of keys that are hot. Defaults 0.8, 0.2.
	HotOperations, HotKeys float64
}

// New returns the distribution with this name over the space, which must not be empty.
func New(name string, space *Space, shape Shape) (Keys, error) {
	if space.Len() == 0 {
		return nil, fmt.Errorf("keydist: the key space is empty: there is no key to choose")
	}
	if shape.Theta == 0 {
		shape.Theta = 0.99
	}
	if shape.HotOperations == 0 {
		shape.HotOperations = 0.8
	}
	if shape.HotKeys == 0 {
		shape.HotKeys = 0.2
	}
	if !(shape.Theta > 0) || math.IsInf(shape.Theta, 0) {
		return nil, fmt.Errorf("keydist: theta %v is not a positive number", shape.Theta)
	}
	if !(shape.HotOperations > 0 && shape.HotOperations <= 1) || !(shape.HotKeys > 0 && shape.HotKeys <= 1) {
		return nil, fmt.Errorf("keydist: shares of a hotspot are above 0 and at most 1, not %v of operations on %v of keys",
			shape.HotOperations, shape.HotKeys)
	}
	switch name {
	case Uniform:
		return &uniform{space}, nil
	case Zipf:
		return &scrambled{space: space, ranks: newRanks(shape.Theta), spread: newSpread(space.Len())}, nil
	case Latest:
		return &latest{space: space, ranks: newRanks(shape.Theta)}, nil
	case Hotspot:
		return &hotspot{space: space, operations: shape.HotOperations, keys: shape.HotKeys}, nil
	case Sequential:
		return &sequential{space: space}, nil
	}
	return nil, fmt.Errorf("keydist: no distribution is named %q; there are %v", name, Names())
}

// uniform draws every key alike.
type uniform struct{ space *Space }

func (u *uniform) Next(r *rand.Rand) uint64 { return r.Uint64N(u.space.Len()) }

// scrambled draws ranks of Zipf's distribution, spread over the key space, so that hot keys are not neighbours.
type scrambled struct {
	space  *Space
	ranks  ranks
	spread spread
}

func (s *scrambled) Next(r *rand.Rand) uint64 {
	n := s.space.Len()
	return s.spread.of(s.ranks.next(r, n), n)
}

// latest draws ranks of Zipf's distribution counted from the newest key.
type latest struct {
	space *Space
	ranks ranks
}

func (l *latest) Next(r *rand.Rand) uint64 {
	n := l.space.Len()
	return n - 1 - l.ranks.next(r, n)
}

// hotspot draws from the lowest keys with a given probability, uniformly, and from the others else.
type hotspot struct {
	space            *Space
	operations, keys float64
}

func (h *hotspot) Next(r *rand.Rand) uint64 {
	n := h.space.Len()
	hot := min(n, max(1, uint64(math.Round(h.keys*float64(n)))))
	if hot == n || r.Float64() < h.operations {
		return r.Uint64N(hot)
	}
	return hot + r.Uint64N(n-hot)
}

// sequential goes through the keys in order, and again from the first.
type sequential struct {
	space *Space
	next  uint64
}

func (s *sequential) Next(*rand.Rand) uint64 {
	if s.next >= s.space.Len() {
		s.next = 0
	}
	s.next++
	return s.next - 1
}
