package history

import (
	"context"
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/proto"

	"github.com/attunedb/attune/platform/bus"
	feedbackv1 "github.com/attunedb/attune/proto/gen/attune/feedback/v1"
	planv1 "github.com/attunedb/attune/proto/gen/attune/plan/v1"
	"github.com/attunedb/attune/services/history/internal/store"
	"github.com/attunedb/attune/wire"
)

// Bounds of what an executor may send.
const (
	maxNanos      = int64(7 * 24 * 3600 * 1e9)
	maxRows       = 1e18
	maxTextBytes  = 1 << 20
	maxEventBytes = 1 << 20
	maxPlanBytes  = 512 << 10
	maxIDBytes    = 128
	maxOperators  = 4096
	maxPipelines  = 1024
	maxFeatures   = 4096
)

// consume is the handler of the feedback stream: it takes a batch of messages in with one write. Its error means that nothing of
// the batch is known to be on disk, and that it must come again.
func (s *Service) consume(_ context.Context, msgs []*bus.Msg) error {
	events := make([]store.Event, 0, len(msgs))
	for _, m := range msgs {
		var env feedbackv1.Envelope
		if err := proto.Unmarshal(m.Data, &env); err != nil {
			s.refuse(m.ID, fmt.Errorf("not an envelope: %w", err))
			continue
		}
		events = append(events, s.event(m, &env))
	}
	out, err := s.store.Ingest(events, s.now().UnixMicro())
	if err != nil {
		return err
	}
	for _, reason := range out.Refused {
		s.refuse("", errors.New(reason))
	}
	s.metrics.events.WithLabelValues("run").Add(float64(out.Runs))
	s.metrics.events.WithLabelValues("aggregate").Add(float64(out.Aggregates))
	s.metrics.events.WithLabelValues("duplicate").Add(float64(out.Duplicates))
	s.metrics.events.WithLabelValues("forgotten").Add(float64(out.Forgotten))
	s.dropEvicted(out.Evicted)
	counts := s.store.Counts()
	s.metrics.size.WithLabelValues("templates").Set(float64(counts.Templates))
	s.metrics.size.WithLabelValues("subplans").Set(float64(counts.Subplans))
	return nil
}

func (s *Service) refuse(id string, err error) {
	s.metrics.events.WithLabelValues("refused").Inc()
	s.log.Warn("feedback refused", "event", id, "reason", err)
}

// event converts an envelope, leaving out what is poisoned.
func (s *Service) event(m *bus.Msg, env *feedbackv1.Envelope) store.Event {
	e := store.Event{ID: env.GetMessageId(), PublishedMicros: m.Published.UnixMicro()}
	if len(e.ID) > maxIDBytes {
		e.ID = ""
	}
	for _, x := range env.GetExecutions() {
		r, err := runFromProto(x)
		if err != nil {
			s.refuse(x.GetExecutionId(), err)
			continue
		}
		e.Runs = append(e.Runs, r)
	}
	for _, a := range env.GetAggregates() {
		g, err := aggregateFromProto(a)
		if err != nil {
			s.refuse(env.GetMessageId(), err)
			continue
		}
		e.Aggregates = append(e.Aggregates, g)
	}
	return e
}

func aggregateFromProto(a *feedbackv1.Aggregate) (store.Aggregate, error) {
	count, total, most := a.GetCount(), a.GetTotalNanos(), a.GetMaxNanos()
	switch {
	case a.GetTemplateId() == 0 || a.GetPlanId() == 0:
		return store.Aggregate{}, errors.New("aggregate without template or plan")
	case count == 0 || count > 1<<32:
		return store.Aggregate{}, fmt.Errorf("aggregate of %d runs", count)
	case total < 0 || most < 0 || most > total || most > maxNanos:
		return store.Aggregate{}, fmt.Errorf("aggregate took %d ns, the slowest %d ns", total, most)
	case a.GetSecond() < 0 || a.GetSecond() > math.MaxInt64/1_000_000:
		return store.Aggregate{}, fmt.Errorf("aggregate of second %d", a.GetSecond())
	case len(a.GetTemplateSql()) > maxTextBytes:
		return store.Aggregate{}, fmt.Errorf("aggregate with a text of %d bytes", len(a.GetTemplateSql()))
	}
	return store.Aggregate{Template: a.GetTemplateId(), Plan: a.GetPlanId(), SQL: a.GetTemplateSql(), Count: count,
		TotalNanos: total, MaxNanos: most, AtMicros: a.GetSecond() * 1_000_000}, nil
}

var outcomes = map[feedbackv1.Outcome]store.Outcome{
	feedbackv1.Outcome_OUTCOME_COMPLETED: store.Completed,
	feedbackv1.Outcome_OUTCOME_TIMED_OUT: store.TimedOut,
	feedbackv1.Outcome_OUTCOME_FAILED:    store.Failed,
}

// runFromProto validates an execution and converts it. It changes x.
func runFromProto(x *feedbackv1.Execution) (store.Run, error) {
	if err := check(x); err != nil {
		return store.Run{}, err
	}
	r := store.Run{ExecutionID: x.GetExecutionId(), Template: x.GetTemplateId(), Plan: x.GetPlanId(), SQL: x.GetTemplateSql(),
		Optimizer: x.GetOptimizer(), Foreground: x.GetForeground(), Outcome: outcomes[x.GetOutcome()],
		// A clock that stands still for a whole run is coarse, not wrong.
		Nanos: max(1, x.GetNanos()), StartMicros: x.GetStartMicros()}
	for _, op := range x.GetOperators() {
		if !op.GetComplete() {
			continue
		}
		rows := float64(op.GetActualRows())
		estimated, actual := math.Max(1, op.GetEstimatedRows()), math.Max(1, rows)
		r.QErrors = append(r.QErrors, math.Max(estimated/actual, actual/estimated))
		if op.GetSubplanKey() != 0 && r.Outcome != store.Failed {
			r.Counts = append(r.Counts, store.Count{Key: op.GetSubplanKey(), Rows: rows})
		}
	}
	var err error
	if x.GetPlan() != nil {
		if r.PlanEncoded, err = encodePlan(x.GetPlan(), r.Template, r.Plan); err != nil {
			return store.Run{}, err
		}
		x.Plan = nil
	}
	if r.Encoded, err = proto.Marshal(x); err != nil {
		return store.Run{}, fmt.Errorf("encode execution: %w", err)
	}
	if len(r.Encoded) > maxEventBytes {
		return store.Run{}, fmt.Errorf("execution of %d bytes", len(r.Encoded))
	}
	if x.GetSampleSql() != "" && r.Foreground && r.Outcome == store.Completed {
		x.Operators, x.Pipelines = nil, nil
		if r.Sample, err = proto.Marshal(x); err != nil {
			return store.Run{}, fmt.Errorf("encode sample: %w", err)
		}
	}
	return r, nil
}

// check refuses what no executor can have measured.
func check(x *feedbackv1.Execution) error {
	switch {
	case x.GetTemplateId() == 0 || x.GetPlanId() == 0:
		return errors.New("execution without template or plan")
	case x.GetExecutionId() == "" || len(x.GetExecutionId()) > maxIDBytes:
		return fmt.Errorf("execution id of %d bytes", len(x.GetExecutionId()))
	case outcomes[x.GetOutcome()] == 0:
		return fmt.Errorf("execution with outcome %d", x.GetOutcome())
	case x.GetNanos() < 0 || x.GetNanos() > maxNanos:
		return fmt.Errorf("execution took %d ns", x.GetNanos())
	case x.GetStartMicros() < 0:
		return fmt.Errorf("execution started at %d", x.GetStartMicros())
	case !measurable(x.GetPredictedNanos()):
		return fmt.Errorf("execution with a prediction of %v ns", x.GetPredictedNanos())
	case len(x.GetTemplateSql()) > maxTextBytes || len(x.GetSampleSql()) > maxTextBytes:
		return fmt.Errorf("execution with texts of %d and %d bytes", len(x.GetTemplateSql()), len(x.GetSampleSql()))
	case x.GetOptimizer() != "" && x.GetOptimizer() != "static" && x.GetOptimizer() != "learned":
		return fmt.Errorf("execution of optimizer %.20q", x.GetOptimizer())
	case len(x.GetOperators()) > maxOperators || len(x.GetPipelines()) > maxPipelines:
		return fmt.Errorf("execution with %d operators and %d pipelines", len(x.GetOperators()), len(x.GetPipelines()))
	}
	for _, op := range x.GetOperators() {
		if !measurable(op.GetEstimatedRows()) || float64(op.GetActualRows()) > maxRows || op.GetNanos() < 0 {
			return fmt.Errorf("operator %d: %v rows estimated, %d counted, %d ns", op.GetNodeId(), op.GetEstimatedRows(), op.GetActualRows(), op.GetNanos())
		}
	}
	for i, p := range x.GetPipelines() {
		ok := len(p.GetFeatures()) <= maxFeatures && measurable(p.GetSourceRows()) && p.GetNanos() >= 0
		for _, f := range p.GetFeatures() {
			ok = ok && measurable(f)
		}
		if !ok {
			return fmt.Errorf("pipeline %d: %d features, %v rows, %d ns", i, len(p.GetFeatures()), p.GetSourceRows(), p.GetNanos())
		}
	}
	if _, err := wire.DatumsFromProto(x.GetParams()); err != nil {
		return fmt.Errorf("parameters: %w", err)
	}
	return nil
}

// measurable reports whether x can be a count or a time: NaN and infinities cannot.
func measurable(x float64) bool { return x >= 0 && x < 1e30 }

// encodePlan encodes a plan that decodes and is the one it is said to be.
func encodePlan(p *planv1.Plan, template, plan uint64) ([]byte, error) {
	if p.GetTemplateId() != template || p.GetPlanId() != plan {
		return nil, fmt.Errorf("plan %016x of template %016x sent as %016x of %016x", p.GetPlanId(), p.GetTemplateId(), plan, template)
	}
	if size := proto.Size(p); size > maxPlanBytes {
		return nil, fmt.Errorf("plan of %d bytes", size)
	}
	if _, err := wire.PlanFromProto(p); err != nil {
		return nil, fmt.Errorf("plan does not decode: %w", err)
	}
	b, err := proto.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encode plan: %w", err)
	}
	return b, nil
}
