package costmodel

import (
	"context"
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/proto"

	"github.com/attunedb/attune/engine/forest"
	"github.com/attunedb/attune/platform/bus"
	feedbackv1 "github.com/attunedb/attune/proto/gen/attune/feedback/v1"
	"github.com/attunedb/attune/services/costmodel/internal/learner"
)

// Bounds of what an executor may send.
const (
	maxNanos     = int64(7 * 24 * 3600 * 1e9)
	maxPipelines = 1024
	maxIDBytes   = 128
)

// handler returns the handler of the feedback stream that teaches l. It never fails: what cannot be learnt from once cannot be
// learnt from later.
func (s *Service) handler(l *learner.Learner) bus.Handler {
	return func(_ context.Context, msgs []*bus.Msg) error {
		for _, m := range msgs {
			var env feedbackv1.Envelope
			if err := proto.Unmarshal(m.Data, &env); err != nil {
				s.refuse(m.ID, fmt.Errorf("not an envelope: %w", err))
				continue
			}
			for _, x := range env.GetExecutions() {
				s.teach(l, x)
			}
		}
		return nil
	}
}

func (s *Service) refuse(id string, err error) {
	s.metrics.events.WithLabelValues("refused").Inc()
	s.log.Warn("feedback refused", "event", id, "reason", err)
}

func (s *Service) teach(l *learner.Learner, x *feedbackv1.Execution) {
	if x.GetOutcome() != feedbackv1.Outcome_OUTCOME_COMPLETED || len(x.GetPipelines()) == 0 {
		// The pipelines of a run that was cut off have neither their counts nor their times.
		s.metrics.events.WithLabelValues("useless").Inc()
		return
	}
	e, err := executionFromProto(x)
	if err != nil {
		s.refuse(x.GetExecutionId(), err)
		return
	}
	outcome := "learnt"
	if l.Take(e) == 0 {
		outcome = "useless"
	}
	s.metrics.events.WithLabelValues(outcome).Inc()
}

// executionFromProto validates a completed execution and converts it.
func executionFromProto(x *feedbackv1.Execution) (*learner.Execution, error) {
	switch {
	case x.GetTemplateId() == 0:
		return nil, errors.New("execution without a template")
	case x.GetExecutionId() == "" || len(x.GetExecutionId()) > maxIDBytes:
		return nil, fmt.Errorf("execution id of %d bytes", len(x.GetExecutionId()))
	case x.GetStartMicros() < 0 || x.GetStartMicros() > math.MaxInt64/2000:
		return nil, fmt.Errorf("execution started at %d", x.GetStartMicros())
	case x.GetNanos() < 0 || x.GetNanos() > maxNanos:
		return nil, fmt.Errorf("execution took %d ns", x.GetNanos())
	case len(x.GetPipelines()) > maxPipelines:
		return nil, fmt.Errorf("execution of %d pipelines", len(x.GetPipelines()))
	}
	pipelines, err := pipelinesFromProto(x)
	if err != nil {
		return nil, err
	}
	return &learner.Execution{ID: x.GetExecutionId(), Template: templateName(x.GetTemplateId()),
		AtUnixNanos: x.GetStartMicros()*1000 + x.GetNanos(), Pipelines: pipelines}, nil
}

func templateName(id uint64) string { return fmt.Sprintf("%016x", id) }

// pipelinesFromProto converts what the pipelines of an execution took. The time that travels is that of all threads together;
// models predict how long a pipeline keeps its query waiting, for which its threads are taken to have worked alike.
func pipelinesFromProto(x *feedbackv1.Execution) ([]learner.Pipeline, error) {
	out := make([]learner.Pipeline, 0, len(x.GetPipelines()))
	for i, p := range x.GetPipelines() {
		if p.GetFeatureSchema() > math.MaxUint16 || p.GetNanos() < 0 || p.GetNanos() > maxNanos {
			return nil, fmt.Errorf("pipeline %d: schema %d, %d ns", i, p.GetFeatureSchema(), p.GetNanos())
		}
		f, err := forest.FromRaw(uint16(p.GetFeatureSchema()), p.GetFeatures())
		if err != nil {
			return nil, fmt.Errorf("pipeline %d: %w", i, err)
		}
		if p.GetNanos() == 0 {
			continue
		}
		out = append(out, learner.Pipeline{Features: f, Nanos: float64(p.GetNanos()) / math.Max(1, float64(p.GetParallelism()))})
	}
	return out, nil
}
