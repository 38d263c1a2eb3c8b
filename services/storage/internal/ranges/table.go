package ranges

import (
	"bytes"
	"fmt"
	"sync"
)

// Range is a span of the key space. An empty End is the end of the space.
type Range struct {
	ID         uint64
	Start, End []byte
	// Leader is the address of the leading node, empty when there is none.
	Leader string
	// Epoch grows with every change of leadership.
	Epoch uint64
}

// contains reports whether the keys from start up to but not including end are all in the range. An empty end is the end of the space.
func (r *Range) contains(start, end []byte) bool {
	if bytes.Compare(start, r.Start) < 0 {
		return false
	}
	return len(r.End) == 0 || len(end) > 0 && bytes.Compare(end, r.End) <= 0
}

// holds reports whether a key is in the range.
func (r *Range) holds(key []byte) bool {
	return bytes.Compare(key, r.Start) >= 0 && (len(r.End) == 0 || bytes.Compare(key, r.End) < 0)
}

// NotLeaderError tells that another node leads the range of a key.
type NotLeaderError struct {
	// Leader is its address, empty when it is not known.
	Leader string
}

// Error names the leader.
func (e *NotLeaderError) Error() string {
	if e.Leader == "" {
		return "this node does not lead the range, and none is known that does"
	}
	return fmt.Sprintf("this node does not lead the range: %s does", e.Leader)
}

// Table is what a node knows of ranges. It is safe for concurrent use. Its zero value knows none and leads none.
type Table struct {
	mu sync.RWMutex
	// led are the ranges whose lease this node holds; known are all descriptors that it has seen.
	led, known map[uint64]Range
}

// Lead notes that this node holds a range's lease, or with ok false that it does not any more.
func (t *Table) Lead(r Range, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !ok {
		delete(t.led, r.ID)
		return
	}
	if t.led == nil {
		t.led = map[uint64]Range{}
	}
	t.led[r.ID] = r
}

// Know replaces the descriptors.
func (t *Table) Know(all []Range) {
	known := make(map[uint64]Range, len(all))
	for _, r := range all {
		known[r.ID] = r
	}
	t.mu.Lock()
	t.known = known
	t.mu.Unlock()
}

// CheckKey returns nil when this node leads the range of a key, else a *NotLeaderError.
func (t *Table) CheckKey(key []byte) error {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, r := range t.led {
		if r.holds(key) {
			return nil
		}
	}
	return t.notLeader(key)
}

// CheckSpan returns nil when this node leads a range that has all keys from start up to but not including end. An empty end is the end of
// the space.
func (t *Table) CheckSpan(start, end []byte) error {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, r := range t.led {
		if r.contains(start, end) {
			return nil
		}
	}
	return t.notLeader(start)
}

// CheckAny returns nil when this node leads at least one range.
func (t *Table) CheckAny() error {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if len(t.led) > 0 {
		return nil
	}
	return t.notLeader(nil)
}

func (t *Table) notLeader(key []byte) error {
	for _, r := range t.known {
		if r.holds(key) {
			if _, own := t.led[r.ID]; own {
				// The descriptor is older than what is led.
				return &NotLeaderError{}
			}
			return &NotLeaderError{Leader: r.Leader}
		}
	}
	return &NotLeaderError{}
}
