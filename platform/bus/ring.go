package bus

// Event is one event to publish.
type Event struct {
	// ID makes the event idempotent: consumers skip an id they have handled. Empty lets the publisher choose a unique one.
	ID string
	// Data is owned by the publisher from Publish on.
	Data []byte

	traceParent string
}

// overheadBytes is what an event costs beside its bytes, for the bound in bytes.
const overheadBytes = 64

func (e *Event) sizeBytes() int { return len(e.ID) + len(e.Data) + len(e.traceParent) + overheadBytes }

// ring is a queue of events bounded in number and bytes, which makes room by dropping its oldest. It is not safe for concurrent
// use.
//
// Invariants: 0 ≤ count ≤ len(events); bytes is the sum of sizeBytes of the count events from head on, and at most maxBytes,
// except where a single event is larger: such an event is refused.
type ring struct {
	events   []Event
	head     int
	count    int
	bytes    int
	maxBytes int
}

func newRing(maxEvents, maxBytes int) *ring {
	return &ring{events: make([]Event, maxEvents), maxBytes: maxBytes}
}

// push appends e and returns how many events were dropped for it, e itself included where it is too large.
func (r *ring) push(e Event) (dropped int) {
	size := e.sizeBytes()
	if size > r.maxBytes {
		return 1
	}
	for r.count == len(r.events) || r.bytes+size > r.maxBytes {
		r.pop()
		dropped++
	}
	r.events[(r.head+r.count)%len(r.events)] = e
	r.count++
	r.bytes += size
	return dropped
}

// pop removes and returns the oldest event; the ring must not be empty.
func (r *ring) pop() Event {
	e := r.events[r.head]
	r.events[r.head] = Event{}
	r.head = (r.head + 1) % len(r.events)
	r.count--
	r.bytes -= e.sizeBytes()
	return e
}

// take removes up to n of the oldest events, fewer where their data exceeds maxBytes, but at least one if there is any.
func (r *ring) take(n, maxBytes int) []Event {
	var out []Event
	bytes := 0
	for r.count > 0 && len(out) < n {
		size := r.events[r.head].sizeBytes()
		if len(out) > 0 && bytes+size > maxBytes {
			break
		}
		bytes += size
		out = append(out, r.pop())
	}
	return out
}
