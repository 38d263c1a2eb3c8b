package feedback

import (
	"context"
	"encoding/hex"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/services/executor/internal/exec"
)

// Config says what is reported one by one. Zero values have the defaults that are named.
type Config struct {
	// SlowNanos is the time from which an execution is always reported. Default 1 ms.
	SlowNanos int64
	// FirstRuns of every plan are always reported. Default 5.
	FirstRuns uint64
	// PlanEvery is the number of reports of a plan after which the plan itself travels again. Default 256.
	PlanEvery uint64
}

func (c Config) withDefaults() Config {
	if c.SlowNanos <= 0 {
		c.SlowNanos = int64(time.Millisecond)
	}
	if c.FirstRuns == 0 {
		c.FirstRuns = 5
	}
	if c.PlanEvery == 0 {
		c.PlanEvery = 256
	}
	return c
}

// Recorder decides what becomes of a measured execution. It is safe for concurrent use.
type Recorder struct {
	cfg   Config
	sink  Sink
	clock func() time.Time

	mu sync.Mutex
	// active are the counters that counted something since the last flush.
	active []*Counter
}

// NewRecorder returns a recorder; clock nil means time.Now. A nil sink discards everything.
func NewRecorder(cfg Config, sink Sink, clock func() time.Time) *Recorder {
	if clock == nil {
		clock = time.Now
	}
	return &Recorder{cfg: cfg.withDefaults(), sink: sink, clock: clock}
}

// Counter counts the executions of one plan. It lives as long as the plan is cached and is safe for concurrent use.
type Counter struct {
	recorder         *Recorder
	template, plan   uint64
	sql              string
	listed           atomic.Bool
	runs, reports    atomic.Uint64
	count            atomic.Uint64
	totalNs, maximum atomic.Int64
}

// NewCounter returns a counter of a plan.
func (r *Recorder) NewCounter(templateID, planID uint64, templateSQL string) *Counter {
	return &Counter{recorder: r, template: templateID, plan: planID, sql: templateSQL}
}

// Wants counts a run and reports whether it should be reported by itself; if not, it has been counted in the aggregate.
func (c *Counter) Wants(nanos int64) bool {
	r := c.recorder
	if r.sink == nil {
		return false
	}
	if c.runs.Add(1) <= r.cfg.FirstRuns || nanos >= r.cfg.SlowNanos {
		return true
	}
	c.count.Add(1)
	c.totalNs.Add(nanos)
	for {
		m := c.maximum.Load()
		if nanos <= m || c.maximum.CompareAndSwap(m, nanos) {
			break
		}
	}
	if !c.listed.Load() && c.listed.CompareAndSwap(false, true) {
		r.mu.Lock()
		r.active = append(r.active, c)
		r.mu.Unlock()
	}
	return false
}

// Run describes one execution to report.
type Run struct {
	Plan                   *physical.Plan
	TemplateID             uint64
	TemplateSQL, SampleSQL string
	Params                 []types.Datum
	Settings               map[string]string
	Start                  time.Time
	Nanos                  int64
	Rows                   uint64
	// Stats is nil for a run that was not instrumented.
	Stats      *exec.Stats
	Outcome    Outcome
	Foreground bool
	// OtherValues says that the plan was made for other parameters: what came out of its sub-plans is not what the
	// planner's keys name, so no row count is remembered under them.
	OtherValues bool
}

// Report sends one execution. c may be nil for a plan that is not cached; its plan always travels then.
func (r *Recorder) Report(c *Counter, run *Run) *Execution {
	e := NewExecution(run)
	e.WithPlan = c == nil || c.reports.Add(1)%r.cfg.PlanEvery == 1
	if r.sink != nil {
		r.sink.Execution(e)
	}
	return e
}

// NewExecution describes a run.
func NewExecution(run *Run) *Execution {
	e := &Execution{ID: newID(), TemplateID: run.TemplateID, TemplateSQL: run.TemplateSQL, SampleSQL: run.SampleSQL, Params: run.Params,
		Plan: run.Plan, Foreground: run.Foreground, Outcome: run.Outcome, Start: run.Start, Nanos: run.Nanos, Rows: run.Rows,
		Settings: run.Settings}
	if run.Stats == nil {
		return e
	}
	e.PeakBytes = run.Stats.PeakBytes
	physical.Walk(run.Plan.Root, func(n physical.Node) {
		h := n.Head()
		s, ok := run.Stats.Nodes[h.ID]
		if !ok {
			return
		}
		key := h.Est.SubplanKey
		if run.OtherValues {
			key = 0
		}
		e.Operators = append(e.Operators, Operator{NodeID: h.ID, Op: n.Op(), SubplanKey: key, Estimated: h.Est.Rows,
			Rows: s.Rows, Complete: s.Complete, Nanos: s.Nanos, Bytes: s.Bytes})
	})
	for _, p := range run.Stats.Pipelines {
		e.Pipelines = append(e.Pipelines, Pipeline{Features: p.Features, SourceRows: p.SourceRows, Nanos: p.Nanos, Parallelism: p.Parallelism})
	}
	return e
}

func newID() string {
	var b [16]byte
	for i := 0; i < 16; i += 8 {
		v := rand.Uint64()
		for j := range 8 {
			b[i+j] = byte(v >> (8 * j))
		}
	}
	return hex.EncodeToString(b[:])
}

// Flush reports what was counted since the last flush.
func (r *Recorder) Flush() {
	r.mu.Lock()
	active := r.active
	r.active = nil
	r.mu.Unlock()
	if len(active) == 0 || r.sink == nil {
		return
	}
	second := r.clock().Unix()
	out := make([]Aggregate, 0, len(active))
	for _, c := range active {
		// Unlisted first: what is counted from here on lists the counter again.
		c.listed.Store(false)
		a := Aggregate{TemplateID: c.template, PlanID: c.plan, Count: c.count.Swap(0), TotalNanos: c.totalNs.Swap(0),
			MaxNanos: c.maximum.Swap(0), Second: second, TemplateSQL: c.sql}
		if a.Count > 0 {
			out = append(out, a)
		}
	}
	if len(out) > 0 {
		r.sink.Aggregates(out)
	}
}

// Loop flushes once a second until ctx ends, and once more then.
func (r *Recorder) Loop(ctx context.Context) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			r.Flush()
		case <-ctx.Done():
			r.Flush()
			return
		}
	}
}
