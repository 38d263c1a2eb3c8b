// Package arrival says when the operations of an open loop are to begin, whatever becomes of those before them.
//
// A closed loop needs none of it: there a worker begins when it is done. In an open loop, latency counts from the intended start, so that
// a stall of the server is seen by all operations that should have begun meanwhile (Schroeder et al., Open Versus Closed: A Cautionary
// Tale, NSDI 2006; Tene, How Not to Measure Latency, 2013).
//
// The package is pure: time goes in and out as durations since the schedule's begin.
package arrival

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// The kinds of arrivals.
const (
	Closed   = "closed"
	Constant = "constant"
	Poisson  = "poisson"
)

// Names lists the kinds of arrivals.
func Names() []string { return []string{Closed, Constant, Poisson} }

// never is later than any run.
const never = time.Duration(math.MaxInt64)

// Schedule is an endless sequence of intended starts at a rate that may change. Its workers share it: each claims the next arrival. For
// arrivals per worker, give each worker a schedule of its own with its share of the rate; independent Poisson arrivals add up to Poisson
// arrivals.
//
// It is a process at the rate of one per unit, stretched over time by the rate: arrival i has a position in units, drawn once (constant arrivals are in the middle of their unit), and its time is
// where the integral of the rate reaches that. So arrivals that were claimed and not begun move when the rate changes.
//
// Claim and When are safe for concurrent use with everything, take no lock, save for one in a thousand claims, and hold no queue: a backlog
// is a difference of two numbers, however long it is.
type Schedule struct {
	poisson bool
	seed    uint64

	next   atomic.Uint64
	curve  atomic.Pointer[[]segment]
	blocks [ringSize]atomic.Pointer[block]

	mu     sync.Mutex
	begins []float64 // by block, its begin in units
}

// Ticket is a claimed arrival: its position in units.
type Ticket float64

const (
	blockSize = 1024
	ringSize  = 16
)

// block has the positions of arrivals number*blockSize and following.
type block struct {
	number    uint64
	positions [blockSize]float64
}

// segment is a span of time, up to the next segment's begin, in which the rate is a line.
type segment struct {
	begin    float64 // seconds
	position float64 // the integral of the rate up to begin
	rate     float64 // at begin, per second
	slope    float64 // per second and second
}

// reach returns the integral of the rate up to at, in seconds, which is not before begin.
func (g segment) reach(at float64) float64 {
	d := at - g.begin
	return g.position + d*(g.rate+g.slope*d/2)
}

// when returns at what time the integral reaches a position, which is not before the segment's.
func (g segment) when(position float64) float64 {
	d := position - g.position
	if d <= 0 {
		return g.begin
	}
	root := g.rate*g.rate + 2*g.slope*d
	if root <= 0 {
		return math.Inf(1)
	}
	return g.begin + 2*d/(g.rate+math.Sqrt(root))
}

// New returns a schedule of Constant or Poisson arrivals, at no rate yet. The same seed gives the same arrivals.
func New(kind string, seed uint64) (*Schedule, error) {
	if kind != Constant && kind != Poisson {
		return nil, fmt.Errorf("arrival: no schedule has arrivals of kind %q; there are %s and %s", kind, Constant, Poisson)
	}
	s := &Schedule{poisson: kind == Poisson, seed: seed, begins: []float64{0}}
	s.curve.Store(&[]segment{{}})
	return s, nil
}

// SetRate makes the rate so many per second from a time on. What was said of later times is forgotten.
func (s *Schedule) SetRate(from time.Duration, perSecond float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(from.Seconds(), perSecond, 0)
}

// Ramp lets the rate rise, or fall, along a line between two times, and stay. What was said of later times is forgotten.
func (s *Schedule) Ramp(from, to time.Duration, first, last float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if to <= from {
		s.add(from.Seconds(), last, 0)
		return
	}
	s.add(from.Seconds(), first, (last-first)/(to-from).Seconds())
	s.add(to.Seconds(), last, 0)
}

// add appends a segment. The segments are copied: those that are published do not change.
func (s *Schedule) add(begin, rate, slope float64) {
	kept := *s.curve.Load()
	for len(kept) > 1 && kept[len(kept)-1].begin >= begin {
		kept = kept[:len(kept)-1]
	}
	last := kept[len(kept)-1]
	begin = max(begin, last.begin)
	segments := append(append(make([]segment, 0, len(kept)+1), kept...),
		segment{begin: begin, position: last.reach(begin), rate: max(rate, 0), slope: slope})
	s.curve.Store(&segments)
}

// Rate is the arrivals per second that are intended at a time.
func (s *Schedule) Rate(at time.Duration) float64 {
	g := s.segmentAt(at.Seconds())
	return g.rate + g.slope*(at.Seconds()-g.begin)
}

func (s *Schedule) segmentAt(seconds float64) segment {
	segments := *s.curve.Load()
	for i := len(segments) - 1; i > 0; i-- {
		if segments[i].begin <= seconds {
			return segments[i]
		}
	}
	return segments[0]
}

// Claim takes the next arrival.
func (s *Schedule) Claim() Ticket { return Ticket(s.position(s.next.Add(1) - 1)) }

// ClaimDue takes the next arrival if it is due at a time. So a worker that sends several operations together takes what waits, and
// waits for none.
func (s *Schedule) ClaimDue(at time.Duration) (Ticket, bool) {
	for {
		next := s.next.Load()
		t := Ticket(s.position(next))
		if s.When(t) > at {
			return 0, false
		}
		if s.next.CompareAndSwap(next, next+1) {
			return t, true
		}
	}
}

// When is the intended start of a claimed arrival, as the rate is known; it may change with the rate, until it has passed. It is
// the largest duration while the rate is zero.
func (s *Schedule) When(t Ticket) time.Duration {
	segments := *s.curve.Load()
	for i := len(segments) - 1; i >= 0; i-- {
		if segments[i].position <= float64(t) || i == 0 {
			seconds := segments[i].when(float64(t))
			if seconds >= never.Seconds() {
				return never
			}
			return time.Duration(seconds * float64(time.Second))
		}
	}
	return never
}

// Backlog says how late a load generator is.
type Backlog struct {
	// Operations should have begun and were not claimed. Late is for how long the first of them has been due.
	Operations uint64
	Late       time.Duration
}

// Backlog returns how late the claims are at a time.
func (s *Schedule) Backlog(at time.Duration) Backlog {
	next := s.next.Load()
	due := s.due(at, next)
	if due <= next {
		return Backlog{}
	}
	return Backlog{Operations: due - next, Late: at - s.When(Ticket(s.position(next)))}
}

// Skip drops the arrivals that are due at a time and not claimed, and returns how many they were.
func (s *Schedule) Skip(at time.Duration) uint64 {
	for {
		next := s.next.Load()
		due := s.due(at, next)
		if due <= next {
			return 0
		}
		if s.next.CompareAndSwap(next, due) {
			return due - next
		}
	}
}

// Due returns how many arrivals were intended up to a time.
func (s *Schedule) Due(at time.Duration) uint64 { return s.due(at, 0) }

// due returns the number of the first arrival after a time, which is not below from.
func (s *Schedule) due(at time.Duration, from uint64) uint64 {
	reach := s.segmentAt(at.Seconds()).reach(at.Seconds())
	if !s.poisson {
		return max(from, uint64(math.Floor(reach+0.5)))
	}
	s.mu.Lock()
	for s.begins[len(s.begins)-1] <= reach {
		s.extend()
	}
	low, high := uint64(0), uint64(len(s.begins)-1) // the block is low, or between
	for low+1 < high {
		middle := (low + high) / 2
		if s.begins[middle] <= reach {
			low = middle
		} else {
			high = middle
		}
	}
	s.mu.Unlock()
	b := s.block(low)
	first, last := 0, blockSize
	for first < last {
		middle := (first + last) / 2
		if b.positions[middle] <= reach {
			first = middle + 1
		} else {
			last = middle
		}
	}
	return max(from, low*blockSize+uint64(first))
}

// position returns where arrival i is, in units.
func (s *Schedule) position(i uint64) float64 {
	if !s.poisson {
		return float64(i) + 0.5
	}
	return s.block(i / blockSize).positions[i%blockSize]
}

func (s *Schedule) block(number uint64) *block {
	slot := &s.blocks[number%ringSize]
	if b := slot.Load(); b != nil && b.number == number {
		return b
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := slot.Load(); b != nil && b.number == number {
		return b
	}
	for uint64(len(s.begins)) <= number {
		s.extend()
	}
	b := s.generate(number)
	slot.Store(b)
	return b
}

// extend finds where the last known block ends, which is the next one's begin. One number is kept for a thousand arrivals, for as
// long as the schedule is used.
func (s *Schedule) extend() {
	b := s.generate(uint64(len(s.begins) - 1))
	s.begins = append(s.begins, b.positions[blockSize-1])
}

// generate draws a block's arrivals; the same each time.
func (s *Schedule) generate(number uint64) *block {
	b := &block{number: number}
	r := rand.New(rand.NewPCG(s.seed, number))
	at := s.begins[number]
	for i := range b.positions {
		at += r.ExpFloat64()
		b.positions[i] = at
	}
	return b
}
