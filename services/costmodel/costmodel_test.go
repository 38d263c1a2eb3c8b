package costmodel_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	engine "github.com/attunedb/attune/engine/costmodel"
	"github.com/attunedb/attune/engine/forest"
	costmodelv1 "github.com/attunedb/attune/proto/gen/attune/costmodel/v1"
	feedbackv1 "github.com/attunedb/attune/proto/gen/attune/feedback/v1"
	"github.com/attunedb/attune/services/costmodel"
)

func TestTheFirstVersionIsTheClassicalModel(t *testing.T) {
	c := newCluster(t)
	r := c.start()
	m := c.champion(r)
	if m.Info.Version != "m-000001" || m.Info.Role != "champion" || len(m.Forest) != 0 {
		t.Fatalf("%v", m.Info)
	}
	if err := engine.NewClassical(engine.DefaultUnits()).UnmarshalBinary(m.Classical); err != nil {
		t.Fatal(err)
	}
	kv, err := c.coord().Get(c.ctx, costmodel.ChampionKey)
	if err != nil {
		t.Fatal(err)
	}
	var pointer map[string]any
	if err := json.Unmarshal(kv.Value, &pointer); err != nil || pointer["version"] != "m-000001" || pointer["pinned"] != false {
		t.Fatalf("%s %v", kv.Value, err)
	}
	p := c.world.pipeline(1000, 0)
	resp, err := r.predictor.Predict(c.ctx, &costmodelv1.PredictRequest{FeatureSchema: p.FeatureSchema,
		Pipelines: []*costmodelv1.PipelineFeatures{{Values: p.Features}, {Values: p.Features}}})
	if err != nil || len(resp.Predictions) != 2 || !(resp.Predictions[0].Nanos > 0) || resp.ModelVersion != "m-000001" {
		t.Fatalf("%v %v", resp, err)
	}
	if _, err := r.Rollback(c.ctx, &costmodelv1.RollbackRequest{}); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("rollback with nothing before: %v", err)
	}
	if resp, err := r.Retrain(c.ctx, &costmodelv1.RetrainRequest{}); err != nil || resp.Promoted || !strings.Contains(resp.Reason, "too few") {
		t.Errorf("training on nothing: %v %v", resp, err)
	}
}

// qError is the mean of |ln(predicted ÷ measured)| of what a replica predicts on fresh pipelines.
func (c *cluster) qError(r *replica) float64 {
	c.t.Helper()
	req := &costmodelv1.PredictRequest{FeatureSchema: uint32(forest.SchemaVersion)}
	var measured []float64
	for range 200 {
		s := c.world.shape()
		p := c.world.pipeline(s[0], s[1])
		req.Pipelines = append(req.Pipelines, &costmodelv1.PipelineFeatures{Values: p.Features})
		measured = append(measured, float64(p.Nanos)/2)
	}
	resp, err := r.predictor.Predict(c.ctx, req)
	if err != nil {
		c.t.Fatal(err)
	}
	sum := 0.0
	for i, p := range resp.Predictions {
		sum += math.Abs(math.Log(p.Nanos / measured[i]))
	}
	return sum / float64(len(measured))
}

// TestLearningPromotionAndPeople trains by itself on a stream of feedback, and then lets people have their say.
func TestLearningPromotionAndPeople(t *testing.T) {
	c := newCluster(t)
	r := c.start(func(cfg *costmodel.Config) { cfg.MinInterval, cfg.MinSamples = time.Millisecond, 300 })
	before := c.qError(r)
	c.publish(c.bus().JetStream(), 200)
	c.eventually("a learned version in use", func() bool { return len(c.champion(r).Forest) > 0 })
	m := c.champion(r)
	f := &forest.Forest{}
	if err := f.UnmarshalBinary(m.Forest); err != nil {
		t.Fatal(err)
	}
	if after := c.qError(r); after > before/2 {
		t.Errorf("seed %d: mean error %v, untrained %v", seed, after, before)
	}
	if m.Info.Samples == 0 || m.Info.TrainNanos == 0 || m.Info.QErrorMedian < 1 || m.Info.Regret < 1 || m.Info.Reason == "" {
		t.Errorf("%v", m.Info)
	}
	learned := m.Info.Version

	back, err := r.Rollback(c.ctx, &costmodelv1.RollbackRequest{})
	if err != nil || back.Champion.Version == learned || back.Champion.Role != "champion" {
		t.Fatalf("%v %v", back, err)
	}
	c.eventually("the rollback on the replica", func() bool { return c.champion(r).Info.Version == back.Champion.Version })
	c.publish(c.bus().JetStream(), 100)
	c.learnt(r, 300)
	retrained, err := r.Retrain(c.ctx, &costmodelv1.RetrainRequest{})
	if err != nil || retrained.Promoted {
		t.Fatalf("promoted over a pin: %v %v", retrained, err)
	}
	list, err := r.ListModels(c.ctx, &costmodelv1.ListModelsRequest{})
	if err != nil || !list.Pinned || list.Champion != back.Champion.Version {
		t.Fatalf("%v %v", list, err)
	}
	for i, m := range list.Models[1:] {
		if m.Version >= list.Models[i].Version {
			t.Errorf("not newest first: %v", list.Models)
		}
	}
	if _, err := r.Unpin(c.ctx, &costmodelv1.UnpinRequest{}); err != nil {
		t.Fatal(err)
	}
	retrained, err = r.Retrain(c.ctx, &costmodelv1.RetrainRequest{})
	if err != nil || !retrained.Promoted || retrained.Challenger.Role != "champion" {
		t.Fatalf("not promoted without the pin: %v %v", retrained, err)
	}
	promoted, err := r.Promote(c.ctx, &costmodelv1.PromoteRequest{Version: learned, Pin: true})
	if err != nil || promoted.Champion.Version != learned {
		t.Fatalf("%v %v", promoted, err)
	}
	if list, err = r.ListModels(c.ctx, &costmodelv1.ListModelsRequest{Limit: 1}); err != nil || !list.Pinned || list.Champion != learned || len(list.Models) != 1 {
		t.Fatalf("%v %v", list, err)
	}
	if old, err := r.GetModel(c.ctx, &costmodelv1.GetModelRequest{Version: "m-000001"}); err != nil || len(old.Forest) != 0 || old.Info.Role != "retired" {
		t.Errorf("%v %v", old, err)
	}
	for version, want := range map[string]codes.Code{"m-000999": codes.NotFound, "nonsense": codes.InvalidArgument, "": codes.InvalidArgument} {
		if _, err := r.Promote(c.ctx, &costmodelv1.PromoteRequest{Version: version}); status.Code(err) != want {
			t.Errorf("promote %q: %v", version, err)
		}
	}
	if _, err := r.GetModel(c.ctx, &costmodelv1.GetModelRequest{Version: "m-000999"}); status.Code(err) != codes.NotFound {
		t.Errorf("%v", err)
	}
}

func TestPoisonAndRedelivery(t *testing.T) {
	c := newCluster(t)
	r := c.start()
	js := c.bus().JetStream()
	env := &feedbackv1.Envelope{MessageId: "m", Executions: []*feedbackv1.Execution{c.world.execution(), c.world.execution()}}
	c.send(js, env)
	c.send(js, env)
	for _, spoil := range []func(*feedbackv1.Execution){
		func(x *feedbackv1.Execution) { x.TemplateId = 0 },
		func(x *feedbackv1.Execution) { x.ExecutionId = "" },
		func(x *feedbackv1.Execution) { x.Nanos = -1 },
		func(x *feedbackv1.Execution) { x.StartMicros = math.MaxInt64 },
		func(x *feedbackv1.Execution) { x.Outcome = feedbackv1.Outcome_OUTCOME_TIMED_OUT },
		func(x *feedbackv1.Execution) { x.Pipelines = make([]*feedbackv1.Pipeline, 5000) },
		func(x *feedbackv1.Execution) { x.Pipelines[0].FeatureSchema = 99 },
		func(x *feedbackv1.Execution) { x.Pipelines[0].FeatureSchema = 1 << 20 },
		func(x *feedbackv1.Execution) { x.Pipelines[0].Features[3] = math.NaN() },
		func(x *feedbackv1.Execution) { x.Pipelines[0].Features = x.Pipelines[0].Features[1:] },
		func(x *feedbackv1.Execution) { x.Pipelines[0].Nanos = -5 },
	} {
		bad := c.world.execution()
		spoil(bad)
		c.send(js, &feedbackv1.Envelope{Executions: []*feedbackv1.Execution{bad}})
	}
	if _, err := js.Publish(c.ctx, costmodel.FeedbackSubject, []byte("\xff not an envelope")); err != nil {
		t.Fatal(err)
	}
	c.send(js, &feedbackv1.Envelope{Executions: []*feedbackv1.Execution{c.world.execution()}})
	c.learnt(r, 3)
	if st := c.status(r); st.Samples != 6 {
		t.Errorf("%v", st)
	}
	for _, req := range []*costmodelv1.PredictRequest{
		{FeatureSchema: 1, Pipelines: make([]*costmodelv1.PipelineFeatures, 5000)},
		{FeatureSchema: 77, Pipelines: []*costmodelv1.PipelineFeatures{{}}},
		{FeatureSchema: 1, Pipelines: []*costmodelv1.PipelineFeatures{{Values: []float64{1}}}},
	} {
		if _, err := r.predictor.Predict(c.ctx, req); status.Code(err) != codes.InvalidArgument {
			t.Error(err)
		}
	}
}
