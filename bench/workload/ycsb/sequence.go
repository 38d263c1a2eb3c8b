package ycsb

import (
	"sync"

	"github.com/attunedb/attune/bench/keydist"
)

// sequence hands out the numbers of records to insert, and knows up to which number all are there, so that nobody chooses a record whose
// insert is under way. It is safe for concurrent use.
//
// Invariant: a number is below records.Len(), or done, or taken by a worker, or returned, or not below next.
type sequence struct {
	records *keydist.Space

	mu       sync.Mutex
	next     uint64
	done     map[uint64]struct{} // inserted above the first that is not; at most as many as workers have under way
	returned []uint64            // taken by workers that ended without having inserted them
}

func newSequence(n uint64) *sequence {
	return &sequence{records: keydist.NewSpace(n), next: n, done: map[uint64]struct{}{}}
}

// take gives the caller a number to insert, and whether another has tried to; the caller passes it on to finish or giveBack.
func (s *sequence) take() (n uint64, again bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.returned); n > 0 {
		v := s.returned[n-1]
		s.returned = s.returned[:n-1]
		return v, true
	}
	s.next++
	return s.next - 1, false
}

// finish tells that the record with this number is there.
func (s *sequence) finish(n uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done[n] = struct{}{}
	for {
		first := s.records.Len()
		if _, ok := s.done[first]; !ok {
			return
		}
		delete(s.done, first)
		s.records.Grow()
	}
}

// giveBack tells that the caller ends without having inserted the number.
func (s *sequence) giveBack(n uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.returned = append(s.returned, n)
}
