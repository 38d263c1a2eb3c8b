package store

// Outcome is how a run ended.
type Outcome uint8

// The outcomes.
const (
	Completed Outcome = iota + 1
	TimedOut
	Failed
)

// Run is one measured execution, already validated: times and counts are finite and not negative.
type Run struct {
	ExecutionID    string
	Template, Plan uint64
	// SQL is the template's text; empty where the sender left it out.
	SQL string
	// Optimizer is "static", "learned" or unknown.
	Optimizer  string
	Foreground bool
	Outcome    Outcome
	Nanos      int64
	// StartMicros is when it started, microseconds since 1970.
	StartMicros int64
	// QErrors are of the operators that ran to their end, each ≥ 1.
	QErrors []float64
	// Counts are the rows of the sub-plans that ran to their end.
	Counts []Count
	// Encoded is the event without its plan, PlanEncoded the plan or nil, Sample the event reduced to what runs it again, or nil.
	// The store takes ownership.
	Encoded, PlanEncoded, Sample []byte
}

// Count is the rows that came out of a canonical sub-plan.
type Count struct {
	Key  uint64
	Rows float64
}

// Aggregate is runs of one plan that were only counted.
type Aggregate struct {
	Template, Plan       uint64
	SQL                  string
	Count                uint64
	TotalNanos, MaxNanos int64
	AtMicros             int64
}

// Event is one message: what one executor sent at once.
type Event struct {
	// ID of the message; an event without one cannot be known again by it.
	ID string
	// PublishedMicros is when the stream took it in.
	PublishedMicros int64
	Runs            []Run
	Aggregates      []Aggregate
}

// Ingested says what came of events.
type Ingested struct {
	Runs, Aggregates int
	// Duplicates are runs, and events as a whole, that were known.
	Duplicates int
	// Forgotten are runs and aggregates from before their template was forgotten.
	Forgotten int
	// Refused are the reasons of those that contradict what is known.
	Refused []string
	// Evicted are the templates that made room; their guard records are for the caller to remove where others keep them.
	Evicted []Evicted
}

// Evicted is a template that was dropped, with the revision of its guard record, 0 for none.
type Evicted struct {
	Template      uint64
	GuardRevision uint64
}
