package remote

import (
	"context"
	"encoding/hex"
	"math/rand/v2"

	"google.golang.org/protobuf/proto"

	"github.com/attunedb/attune/engine/forest"
	"github.com/attunedb/attune/platform/bus"
	feedbackv1 "github.com/attunedb/attune/proto/gen/attune/feedback/v1"
	"github.com/attunedb/attune/services/executor/internal/feedback"
	"github.com/attunedb/attune/wire"
)

// maxSampleBytes bounds the text of a statement in an event.
const maxSampleBytes = 64 << 10

// Publisher takes events for the stream and never blocks; *bus.Publisher is one.
type Publisher interface {
	Publish(ctx context.Context, e bus.Event)
}

// Feedback publishes executions. It implements feedback.Sink.
type Feedback struct {
	// Executor names the instance.
	Executor  string
	Publisher Publisher
}

// Execution publishes one execution.
func (f *Feedback) Execution(e *feedback.Execution) {
	f.publish(&feedbackv1.Envelope{MessageId: e.ID, Executor: f.Executor, Executions: []*feedbackv1.Execution{ExecutionToProto(e)}})
}

// Aggregates publishes counts.
func (f *Feedback) Aggregates(as []feedback.Aggregate) {
	env := &feedbackv1.Envelope{MessageId: messageID(), Executor: f.Executor}
	for _, a := range as {
		env.Aggregates = append(env.Aggregates, &feedbackv1.Aggregate{TemplateId: a.TemplateID, PlanId: a.PlanID, Count: a.Count,
			TotalNanos: a.TotalNanos, MaxNanos: a.MaxNanos, Second: a.Second, TemplateSql: a.TemplateSQL})
	}
	f.publish(env)
}

func (f *Feedback) publish(env *feedbackv1.Envelope) {
	b, err := proto.Marshal(env)
	if err != nil {
		// Only invalid UTF-8 in a text can do this: such an event is of no use to anyone.
		return
	}
	f.Publisher.Publish(context.Background(), bus.Event{ID: env.GetMessageId(), Data: b})
}

func messageID() string {
	var b [16]byte
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return hex.EncodeToString(b[:])
}

// ExecutionToProto encodes an execution.
func ExecutionToProto(e *feedback.Execution) *feedbackv1.Execution {
	p := &feedbackv1.Execution{ExecutionId: e.ID, TemplateId: e.TemplateID, TemplateSql: e.TemplateSQL,
		SampleSql: e.SampleSQL, Params: wire.DatumsToProto(e.Params), Foreground: e.Foreground, Outcome: feedbackv1.Outcome(e.Outcome),
		Nanos: e.Nanos, Rows: e.Rows, StartMicros: e.Start.UnixMicro(), PeakBytes: uint64(max(e.PeakBytes, 0)), Settings: e.Settings}
	if len(p.SampleSql) > maxSampleBytes {
		p.SampleSql = ""
	}
	if e.Plan != nil {
		p.PlanId, p.CatalogRevision = e.Plan.PlanID, e.Plan.CatalogRevision
		p.Optimizer, p.ModelVersion = e.Plan.Report.Optimizer, e.Plan.Report.ModelVersion
		p.PredictedNanos = e.Plan.Root.Head().Est.CostNanos
		if e.WithPlan {
			p.Plan = wire.PlanToProto(e.Plan)
		}
	}
	for _, o := range e.Operators {
		p.Operators = append(p.Operators, &feedbackv1.Operator{NodeId: uint32(o.NodeID), Op: o.Op, SubplanKey: o.SubplanKey,
			EstimatedRows: o.Estimated, ActualRows: o.Rows, Complete: o.Complete, Nanos: o.Nanos, Bytes: o.Bytes})
	}
	for _, l := range e.Pipelines {
		p.Pipelines = append(p.Pipelines, &feedbackv1.Pipeline{FeatureSchema: uint32(forest.SchemaVersion), Features: l.Features.Raw(nil),
			SourceRows: l.SourceRows, Nanos: l.Nanos, Parallelism: uint32(max(l.Parallelism, 1))})
	}
	return p
}
