package store

import "github.com/cockroachdb/pebble/v2"

// seen is the ids that were handled, the last ones of a bounded number, in memory and on disk.
type seen struct {
	size        int
	numbers     map[string]uint64
	ids         map[uint64]string
	first, next uint64 // ids are numbered first ≤ n < next
}

func newSeen(size int) *seen {
	return &seen{size: size, numbers: map[string]uint64{}, ids: map[uint64]string{}}
}

// load takes in what the disk has, in ascending order of numbers.
func (s *seen) load(number uint64, id string) {
	if len(s.ids) == 0 {
		s.first = number
	}
	s.ids[number], s.numbers[id], s.next = id, number, number+1
}

func (s *seen) contains(id string) bool {
	_, ok := s.numbers[id]
	return ok
}

// add remembers an id that is not contained.
func (s *seen) add(b *pebble.Batch, id string) {
	s.ids[s.next], s.numbers[id] = id, s.next
	put(b, key(kindSeen, s.next), []byte(id))
	s.next++
	// A smaller size than that of an earlier run shrinks the window here, a few ids at a time.
	for range 4 {
		if len(s.ids) <= s.size {
			return
		}
		delete(s.numbers, s.ids[s.first])
		delete(s.ids, s.first)
		remove(b, key(kindSeen, s.first))
		s.first++
	}
}
