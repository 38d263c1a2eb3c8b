package guard

import (
	"errors"
	"fmt"
	"slices"
)

// State is what is thought of a plan within its template.
type State uint8

// The states. Unknown is a plan that ran and on which there is no verdict.
const (
	Unknown State = iota
	Candidate
	Validating
	Accepted
	Rejected
	RolledBack

	stateCount
)

var stateNames = [stateCount]string{"UNKNOWN", "CANDIDATE", "VALIDATING", "ACCEPTED", "REJECTED", "ROLLED_BACK"}

// String is the state's name in logs and metrics.
func (s State) String() string {
	if s < stateCount {
		return stateNames[s]
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// Bounds of a Record.
const (
	MaxPlans       = 32
	MaxLog         = 64
	MaxReasonBytes = 1 << 10
)

// Errors of Next, to be tested with errors.Is.
var (
	// ErrStale says that the plan is not in the version that the caller saw.
	ErrStale = errors.New("guard: state has changed")
	// ErrIllegal says that there is no such move.
	ErrIllegal = errors.New("guard: no such transition")
)

// Plan is the guard's view of one plan.
type Plan struct {
	ID    uint64
	State State
	// Version is the template's counter at the plan's last transition.
	Version uint64
	// Reason says why it is in its state; Origin is "static" or "learned": what chose it first.
	Reason, Origin string
	// ChangedMicros is when it came into its state. GoodMicros is when it was last accepted, 0 for never or rolled back since.
	ChangedMicros, GoodMicros int64
}

// Transition is one move of one plan.
type Transition struct {
	Plan     uint64
	From, To State
	Reason   string
	AtMicros int64
	// Version is the plan's version from then on.
	Version uint64
}

// Record is the guard's knowledge of one template. The zero value knows nothing. A Record is immutable once handed out: Next and
// Forget return another one.
type Record struct {
	// Counter is the version handed out last.
	Counter uint64
	// ForgottenMicros is when the template was last forgotten, 0 for never: what was measured up to then does not count.
	ForgottenMicros int64 `json:",omitempty"`
	// Plans are in the order in which they came to be known.
	Plans []Plan
	// Log is the last transitions, newest first.
	Log []Transition
}

// Plan returns what is known of a plan; a plan without transitions has version 0 and state Unknown.
func (r *Record) Plan(id uint64) Plan {
	if i := r.index(id); i >= 0 {
		return r.Plans[i]
	}
	return Plan{ID: id}
}

// Accepted returns the trusted plan, 0 for none.
func (r *Record) Accepted() uint64 {
	for i := range r.Plans {
		if r.Plans[i].State == Accepted {
			return r.Plans[i].ID
		}
	}
	return 0
}

func (r *Record) index(id uint64) int {
	return slices.IndexFunc(r.Plans, func(p Plan) bool { return p.ID == id })
}

// Change asks for a move of a plan to state To, if its version is still Expected.
type Change struct {
	Plan           uint64
	Expected       uint64
	To             State
	Reason, Origin string
	AtMicros       int64
}

// Next returns r after the change. A change to the state the plan is in returns r itself. The error wraps ErrStale or
// ErrIllegal; r is then what holds.
func (r *Record) Next(c Change) (*Record, error) {
	p := r.Plan(c.Plan)
	if p.Version != c.Expected {
		return r, fmt.Errorf("%w: plan %016x is %s at version %d, not %d", ErrStale, c.Plan, p.State, p.Version, c.Expected)
	}
	if p.State == c.To && c.To != Unknown {
		return r, nil
	}
	if !legal(p.State, c.To) {
		return r, fmt.Errorf("%w: plan %016x from %s to %s", ErrIllegal, c.Plan, p.State, c.To)
	}
	next := &Record{Counter: r.Counter, ForgottenMicros: r.ForgottenMicros, Plans: slices.Clone(r.Plans), Log: r.Log}
	if next.index(c.Plan) < 0 {
		next.makeRoom()
		next.Plans = append(next.Plans, Plan{ID: c.Plan, Origin: c.Origin})
	}
	if c.To == Accepted {
		if former := r.Accepted(); former != 0 {
			next.move(former, Candidate, fmt.Sprintf("superseded by plan %016x, known as good", c.Plan), c.AtMicros)
		}
	}
	next.move(c.Plan, c.To, c.Reason, c.AtMicros)
	if c.To == RolledBack {
		if good := next.lastGood(); good != 0 {
			next.move(good, Accepted, fmt.Sprintf("last good plan, after plan %016x was rolled back", c.Plan), c.AtMicros)
		}
	}
	return next, nil
}

// legal reports whether a caller may ask for a move. Acceptance ends by roll back or by accepting another plan.
func legal(from, to State) bool {
	switch to {
	case Candidate, Validating:
		return from != Accepted
	case Accepted:
		return true
	case Rejected:
		return from == Unknown || from == Candidate || from == Validating
	case RolledBack:
		return from == Accepted
	}
	return false
}

// move puts a plan of r, which the caller owns, into a state.
func (r *Record) move(id uint64, to State, reason string, at int64) {
	p := &r.Plans[r.index(id)]
	r.Counter++
	if len(reason) > MaxReasonBytes {
		reason = reason[:MaxReasonBytes]
	}
	t := Transition{Plan: id, From: p.State, To: to, Reason: reason, AtMicros: at, Version: r.Counter}
	r.Log = append([]Transition{t}, r.Log[:min(len(r.Log), MaxLog-1)]...)
	p.State, p.Version, p.Reason, p.ChangedMicros = to, r.Counter, reason, at
	switch to {
	case Accepted:
		p.GoodMicros = max(at, 1)
	case RolledBack, Rejected:
		p.GoodMicros = 0
	}
}

// lastGood returns the plan that was accepted most recently and is known as good, 0 for none. The later version decides
// between equal times, since clocks may stand still.
func (r *Record) lastGood() uint64 {
	best := Plan{}
	for _, p := range r.Plans {
		if p.State == Accepted || p.GoodMicros == 0 {
			continue
		}
		if p.GoodMicros > best.GoodMicros || p.GoodMicros == best.GoodMicros && p.Version > best.Version {
			best = p
		}
	}
	return best.ID
}

// makeRoom drops the plan that is missed least where there is no room for another: refused ones before candidates, candidates
// before what is known as good, and the one unchanged for longest among equals. The accepted one stays.
func (r *Record) makeRoom() {
	if len(r.Plans) < MaxPlans {
		return
	}
	worth := func(p Plan) int {
		switch {
		case p.State == Accepted:
			return 4
		case p.GoodMicros != 0:
			return 3
		case p.State == Validating:
			return 2
		case p.State == Candidate:
			return 1
		}
		return 0
	}
	victim := 0
	for i, p := range r.Plans {
		if a, b := worth(p), worth(r.Plans[victim]); a < b || a == b && p.Version < r.Plans[victim].Version {
			victim = i
		}
	}
	r.Plans = slices.Delete(r.Plans, victim, victim+1)
}

// Forget returns a record that knows nothing but that it forgot, and from which versions go on.
func (r *Record) Forget(atMicros int64) *Record {
	return &Record{Counter: r.Counter + 1, ForgottenMicros: max(atMicros, r.ForgottenMicros)}
}

// Since returns the transitions of r that a record with the given counter has not seen, oldest first.
func (r *Record) Since(counter uint64) []Transition {
	var out []Transition
	for _, t := range r.Log {
		if t.Version > counter {
			out = append(out, t)
		}
	}
	slices.Reverse(out)
	return out
}

// Validate reports the first fault of a record that came from outside.
func (r *Record) Validate() error {
	if len(r.Plans) > MaxPlans || len(r.Log) > MaxLog {
		return fmt.Errorf("guard: %d plans, %d transitions", len(r.Plans), len(r.Log))
	}
	accepted := 0
	for i, p := range r.Plans {
		if p.ID == 0 || p.State >= stateCount || p.Version > r.Counter || r.index(p.ID) != i {
			return fmt.Errorf("guard: malformed plan %016x", p.ID)
		}
		if p.State == Accepted {
			accepted++
		}
	}
	if accepted > 1 {
		return fmt.Errorf("guard: %d accepted plans", accepted)
	}
	for _, t := range r.Log {
		if t.From >= stateCount || t.To >= stateCount || t.Version > r.Counter {
			return fmt.Errorf("guard: malformed transition of plan %016x", t.Plan)
		}
	}
	return nil
}
