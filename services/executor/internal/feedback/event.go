package feedback

import (
	"time"

	"github.com/attunedb/attune/engine/forest"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types"
)

// Outcome is how an execution ended.
type Outcome uint8

// The outcomes.
const (
	Completed Outcome = 1
	TimedOut  Outcome = 2
	Failed    Outcome = 3
)

// Execution is one measured run of a plan.
type Execution struct {
	ID                     string
	TemplateID             uint64
	TemplateSQL, SampleSQL string
	Params                 []types.Datum
	// Plan is what ran; WithPlan asks to send it along.
	Plan       *physical.Plan
	WithPlan   bool
	Foreground bool
	Outcome    Outcome
	Start      time.Time
	Nanos      int64
	Rows       uint64
	PeakBytes  int64
	Operators  []Operator
	Pipelines  []Pipeline
	// Settings are those of the session that bear on planning.
	Settings map[string]string
}

// Operator is what one plan node did.
type Operator struct {
	NodeID     int
	Op         string
	SubplanKey uint64
	Estimated  float64
	Rows       uint64
	Complete   bool
	Nanos      int64
	Bytes      uint64
}

// Pipeline is what one pipeline took.
type Pipeline struct {
	Features    forest.PipelineFeatures
	SourceRows  float64
	Nanos       int64
	Parallelism int
}

// Aggregate is executions of one plan within one second that were only counted.
type Aggregate struct {
	TemplateID, PlanID   uint64
	Count                uint64
	TotalNanos, MaxNanos int64
	Second               int64
	TemplateSQL          string
}

// Sink takes events; neither method blocks. It is safe for concurrent use.
type Sink interface {
	Execution(e *Execution)
	Aggregates(a []Aggregate)
}
