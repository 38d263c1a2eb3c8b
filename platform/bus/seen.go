package bus

import "sync"

// SeenSet remembers the ids of handled events, the latest ones of a bounded number. Safe for concurrent use.
//
// It keeps two generations: when the younger is full it becomes the older, and the older is forgotten. So it remembers at least
// the last half of its capacity and at most all of it, for one map lookup and no list.
type SeenSet struct {
	mu         sync.Mutex
	generation int // ids per generation
	young, old map[string]struct{}
	youngOrder []string
	oldOrder   []string
}

// NewSeenSet returns an empty set that holds at most capacity ids; 0 means 65536.
func NewSeenSet(capacity int) *SeenSet {
	if capacity <= 0 {
		capacity = 65536
	}
	s := &SeenSet{generation: max(capacity/2, 1)}
	s.young = map[string]struct{}{}
	return s
}

// Contains reports whether id is remembered.
func (s *SeenSet) Contains(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.contains(id)
}

func (s *SeenSet) contains(id string) bool {
	if _, ok := s.young[id]; ok {
		return true
	}
	_, ok := s.old[id]
	return ok
}

// Add remembers id.
func (s *SeenSet) Add(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(id)
}

func (s *SeenSet) add(id string) {
	if _, ok := s.young[id]; ok {
		return
	}
	if len(s.young) >= s.generation {
		s.old, s.oldOrder = s.young, s.youngOrder
		s.young, s.youngOrder = make(map[string]struct{}, s.generation), make([]string, 0, s.generation)
	}
	s.young[id] = struct{}{}
	s.youngOrder = append(s.youngOrder, id)
}

// Snapshot returns the remembered ids, oldest first, for the owner to persist beside the state they are reflected in.
func (s *SeenSet) Snapshot() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]string, 0, len(s.oldOrder)+len(s.youngOrder))
	for _, id := range s.oldOrder {
		// An id that was added again since is listed once, at its later place.
		if _, ok := s.young[id]; !ok {
			out = append(out, id)
		}
	}
	return append(out, s.youngOrder...)
}

// Restore adds ids as a Snapshot returned them.
func (s *SeenSet) Restore(ids []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		s.add(id)
	}
}
