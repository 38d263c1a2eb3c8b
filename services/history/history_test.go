package history_test

import (
	"context"
	"math"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	feedbackv1 "github.com/attunedb/attune/proto/gen/attune/feedback/v1"
	historyv1 "github.com/attunedb/attune/proto/gen/attune/history/v1"
	typesv1 "github.com/attunedb/attune/proto/gen/attune/types/v1"
	"github.com/attunedb/attune/services/history"
)

const (
	candidate  = historyv1.PlanState_PLAN_STATE_CANDIDATE
	accepted   = historyv1.PlanState_PLAN_STATE_ACCEPTED
	rolledBack = historyv1.PlanState_PLAN_STATE_ROLLED_BACK
)

func TestFeedbackBecomesAnswers(t *testing.T) {
	c := newCluster(t)
	r := c.start(t.TempDir())
	js := c.connect().JetStream()
	x := execution("x1", 7, 70, 4000)
	c.publish(js, &feedbackv1.Envelope{MessageId: "m1", Executions: []*feedbackv1.Execution{x, execution("x2", 8, 80, 9000)},
		Aggregates: []*feedbackv1.Aggregate{{TemplateId: 7, PlanId: 70, Count: 5, TotalNanos: 10_000, MaxNanos: 6000, Second: 1, TemplateSql: "select 7"}}})
	c.eventually("both templates", func() bool { return c.get(r, 8).Template != nil })

	list, err := r.ListTemplates(c.ctx, &historyv1.ListTemplatesRequest{})
	if err != nil || len(list.Templates) != 2 || list.Templates[0].TemplateId != 7 {
		t.Fatalf("%v %v", list, err)
	}
	d := c.get(r, 7)
	if d.Template.Runs != 6 || d.Template.TotalNanos != 14_000 || d.Template.MaxNanos != 6000 || d.Template.QErrorMedian != 4 {
		t.Errorf("template %v", d.Template)
	}
	if s := d.Template.Sample; s.GetSampleSql() != "select 1" || len(s.GetParams()) != 1 || s.GetSettings()["timezone"] != "UTC" || len(s.GetOperators()) != 0 {
		t.Errorf("sample %v", s)
	}
	if len(d.Runs) != 1 || !proto.Equal(withoutPlan(x), d.Runs[0]) {
		t.Errorf("runs %v", d.Runs)
	}
	if len(d.Plans) != 1 || !proto.Equal(d.Plans[0].Plan, plan(7, 70)) || d.Plans[0].Origin != "learned" || d.Plans[0].BestNanos != 2000 {
		t.Errorf("plans %v", d.Plans)
	}
	cards, err := r.Cardinalities(c.ctx, &historyv1.CardinalitiesRequest{SubplanKeys: []uint64{1007, 2007, 5}})
	if err != nil || len(cards.Cardinalities) != 1 || cards.Cardinalities[0].Rows != 40 {
		t.Errorf("cardinalities %v %v", cards, err)
	}
	if c.get(r, 99).Template != nil {
		t.Error("a template that nobody ran")
	}
}

func withoutPlan(x *feedbackv1.Execution) *feedbackv1.Execution {
	x = proto.CloneOf(x)
	x.Plan = nil
	return x
}

// TestPoisonIsRefusedAlone sends each poisoned execution between two good ones.
func TestPoisonIsRefusedAlone(t *testing.T) {
	c := newCluster(t)
	r := c.start(t.TempDir())
	js := c.connect().JetStream()
	poison := map[string]func(*feedbackv1.Execution){
		"no template":        func(x *feedbackv1.Execution) { x.TemplateId = 0 },
		"no plan":            func(x *feedbackv1.Execution) { x.PlanId = 0 },
		"no id":              func(x *feedbackv1.Execution) { x.ExecutionId = "" },
		"negative time":      func(x *feedbackv1.Execution) { x.Nanos = -1 },
		"a year":             func(x *feedbackv1.Execution) { x.Nanos = math.MaxInt64 },
		"negative start":     func(x *feedbackv1.Execution) { x.StartMicros = -5 },
		"no outcome":         func(x *feedbackv1.Execution) { x.Outcome = 0 },
		"unknown outcome":    func(x *feedbackv1.Execution) { x.Outcome = 9 },
		"NaN prediction":     func(x *feedbackv1.Execution) { x.PredictedNanos = math.NaN() },
		"NaN estimate":       func(x *feedbackv1.Execution) { x.Operators[0].EstimatedRows = math.NaN() },
		"absurd rows":        func(x *feedbackv1.Execution) { x.Operators[0].ActualRows = math.MaxUint64 },
		"negative operator":  func(x *feedbackv1.Execution) { x.Operators[1].Nanos = -1 },
		"infinite feature":   func(x *feedbackv1.Execution) { x.Pipelines[0].Features[1] = math.Inf(1) },
		"absurd text":        func(x *feedbackv1.Execution) { x.TemplateSql = string(make([]byte, 2<<20)) },
		"too many operators": func(x *feedbackv1.Execution) { x.Operators = make([]*feedbackv1.Operator, 5000) },
		"unknown optimizer":  func(x *feedbackv1.Execution) { x.Optimizer = "oracle" },
		"broken parameter":   func(x *feedbackv1.Execution) { x.Params = []*typesv1.Datum{{Kind: 77}} },
		"plan of another":    func(x *feedbackv1.Execution) { x.Plan.PlanId++ },
		"empty plan":         func(x *feedbackv1.Execution) { x.Plan.Root = nil },
		"another text":       func(x *feedbackv1.Execution) { x.TemplateSql = "select other" },
	}
	// A run with another text is refused once the template's own is stored.
	c.publish(js, &feedbackv1.Envelope{Executions: []*feedbackv1.Execution{execution("first", 7, 70, 100)}})
	c.eventually("the first run", func() bool { return c.get(r, 7).Template != nil })
	want := 0.0
	for name, spoil := range poison {
		bad := execution("bad-"+name, 7, 70, 100)
		spoil(bad)
		c.publish(js, &feedbackv1.Envelope{MessageId: name, Executions: []*feedbackv1.Execution{
			execution("before-"+name, 7, 70, 100), bad, execution("after-"+name, 7, 70, 100)}})
		want++
	}
	for _, a := range []*feedbackv1.Aggregate{{PlanId: 1, Count: 1}, {TemplateId: 7, PlanId: 70}, {TemplateId: 7, PlanId: 70, Count: 1, TotalNanos: -1},
		{TemplateId: 7, PlanId: 70, Count: 1, TotalNanos: 5, MaxNanos: 6}, {TemplateId: 7, PlanId: 70, Count: 1, Second: math.MaxInt64}} {
		c.publish(js, &feedbackv1.Envelope{Aggregates: []*feedbackv1.Aggregate{a}})
		want++
	}
	c.publishRaw(js, []byte("\xff\xff not an envelope"))
	want++
	c.publish(js, &feedbackv1.Envelope{Executions: []*feedbackv1.Execution{execution("last", 9, 90, 1)}})
	c.eventually("the event behind all poison", func() bool { return c.get(r, 9).Template != nil })
	// Refusals are counted after the batch is stored.
	c.eventually("all refusals", func() bool { return r.events(t, "refused") >= want })
	if got := r.events(t, "refused"); got != want {
		t.Errorf("%v refused, %v poisoned", got, want)
	}
	if d := c.get(r, 7); d.Template.Runs != uint64(1+2*len(poison)) || len(d.Plans) != 1 {
		t.Errorf("%d of %d good runs, %d plans", d.Template.Runs, 1+2*len(poison), len(d.Plans))
	}
}

func TestRedeliveryCountsNothingTwice(t *testing.T) {
	c := newCluster(t)
	dir := t.TempDir()
	r := c.start(dir)
	js := c.connect().JetStream()
	env := &feedbackv1.Envelope{MessageId: "m", Executions: []*feedbackv1.Execution{execution("x", 7, 70, 100)},
		Aggregates: []*feedbackv1.Aggregate{{TemplateId: 7, PlanId: 70, Count: 10, TotalNanos: 1000, MaxNanos: 200}}}
	last := func(r *replica, template uint64) {
		c.publish(js, &feedbackv1.Envelope{Executions: []*feedbackv1.Execution{execution("last", template, 1, 1)}})
		c.eventually("the last event", func() bool { return c.get(r, template).Template != nil })
	}
	c.publish(js, env)
	c.publish(js, env)
	env.MessageId = "the same execution in another message"
	env.Aggregates = nil
	c.publish(js, env)
	env.Executions[0].ExecutionId = "last"
	env.Executions[0].TemplateId, env.Executions[0].Plan = 8, plan(8, 70)
	last(r, 9)
	c.publish(js, env)
	if d := c.get(r, 7); d.Template.Runs != 11 {
		t.Errorf("%d runs", d.Template.Runs)
	}
	r.kill()

	// All of it again, with the place in the stream lost.
	stream, err := js.Stream(c.ctx, history.FeedbackStream)
	if err != nil {
		t.Fatal(err)
	}
	for name := range stream.ConsumerNames(c.ctx).Name() {
		if err := stream.DeleteConsumer(c.ctx, name); err != nil {
			t.Fatal(err)
		}
	}
	r = c.start(dir)
	c.publish(js, &feedbackv1.Envelope{Executions: []*feedbackv1.Execution{execution("end", 10, 1, 1)}})
	c.eventually("the last event", func() bool { return c.get(r, 10).Template != nil })
	if d := c.get(r, 7); d.Template.Runs != 11 || len(d.Runs) != 1 {
		t.Errorf("after the stream was read again: %d runs", d.Template.Runs)
	}
	if c.get(r, 8).Template != nil {
		t.Error("an execution under a known id counted")
	}
}

func TestRestartGoesOnWhereItWas(t *testing.T) {
	c := newCluster(t)
	dir := t.TempDir()
	js := c.connect().JetStream()
	r := c.start(dir)
	c.publish(js, &feedbackv1.Envelope{Executions: []*feedbackv1.Execution{execution("x1", 7, 70, 100)}})
	c.eventually("the first run", func() bool { return c.get(r, 7).Template != nil })
	version := c.move(r, 7, 70, 0, accepted).Plan.StateVersion
	r.kill()
	c.publish(js, &feedbackv1.Envelope{Executions: []*feedbackv1.Execution{execution("x2", 7, 70, 300)}})
	r = c.start(dir)
	c.eventually("the run sent meanwhile", func() bool { return c.get(r, 7).Template.Runs == 2 })
	d := c.get(r, 7)
	if d.Template.AcceptedPlan != 70 || d.Plans[0].StateVersion != version || d.Plans[0].BestNanos != 100 || len(d.Transitions) != 1 {
		t.Errorf("%v", d)
	}
}

func TestTransitions(t *testing.T) {
	c := newCluster(t)
	r := c.start(t.TempDir())
	subject, err := c.connect().NATS().SubscribeSync(history.TransitionSubject)
	if err != nil {
		t.Fatal(err)
	}
	watch, err := r.WatchTransitions(c.ctx, &historyv1.WatchTransitionsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if first, err := watch.Recv(); err != nil || len(first.Transitions) != 0 {
		t.Fatalf("%v %v", first, err)
	}
	one := c.move(r, 7, 1, 0, accepted)
	if !one.Applied || one.Plan.State != accepted {
		t.Fatalf("%v", one)
	}
	if again := c.move(r, 7, 1, 0, candidate); again.Applied || again.Plan.State != accepted {
		t.Fatalf("a stale version applied: %v", again)
	}
	two := c.move(r, 7, 2, 0, accepted)
	back := c.move(r, 7, 2, two.Plan.StateVersion, rolledBack)
	if !back.Applied || back.Plan.State != rolledBack {
		t.Fatalf("%v", back)
	}
	want := []struct {
		plan uint64
		to   historyv1.PlanState
	}{{1, accepted}, {1, candidate}, {2, accepted}, {2, rolledBack}, {1, accepted}}
	var got []*historyv1.PlanTransition
	for len(got) < len(want) {
		resp, err := watch.Recv()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, resp.Transitions...)
	}
	for i, w := range want {
		if got[i].PlanId != w.plan || got[i].To != w.to || got[i].TemplateId != 7 || got[i].AtMicros == 0 {
			t.Errorf("transition %d: %v", i, got[i])
		}
		m, err := subject.NextMsgWithContext(c.ctx)
		if err != nil {
			t.Fatal(err)
		}
		var p historyv1.PlanTransition
		if err := proto.Unmarshal(m.Data, &p); err != nil || !proto.Equal(&p, got[i]) {
			t.Errorf("on the subject: %v, watched %v, %v", &p, got[i], err)
		}
	}
	if d := c.get(r, 7); d.Template.AcceptedPlan != 1 || len(d.Transitions) != 5 || d.Transitions[0].PlanId != 1 {
		t.Errorf("%v", d)
	}
}

func TestBadRequests(t *testing.T) {
	c := newCluster(t)
	r := c.start(t.TempDir())
	for name, tc := range map[string]struct {
		req  *historyv1.TransitionRequest
		want codes.Code
	}{
		"no template":   {&historyv1.TransitionRequest{PlanId: 1, To: accepted}, codes.InvalidArgument},
		"no plan":       {&historyv1.TransitionRequest{TemplateId: 1, To: accepted}, codes.InvalidArgument},
		"no state":      {&historyv1.TransitionRequest{TemplateId: 1, PlanId: 1}, codes.InvalidArgument},
		"a wrong state": {&historyv1.TransitionRequest{TemplateId: 1, PlanId: 1, To: 258}, codes.InvalidArgument},
		"a wrong plan":  {&historyv1.TransitionRequest{TemplateId: 1, PlanId: 1, To: accepted, Plan: plan(1, 2)}, codes.InvalidArgument},
		"an origin":     {&historyv1.TransitionRequest{TemplateId: 1, PlanId: 1, To: accepted, Origin: "?"}, codes.InvalidArgument},
		"no such move":  {&historyv1.TransitionRequest{TemplateId: 1, PlanId: 1, To: rolledBack}, codes.FailedPrecondition},
	} {
		if _, err := r.Transition(c.ctx, tc.req); status.Code(err) != tc.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := r.Cardinalities(c.ctx, &historyv1.CardinalitiesRequest{SubplanKeys: make([]uint64, 5000)}); status.Code(err) != codes.InvalidArgument {
		t.Error(err)
	}
	if _, err := r.Forget(c.ctx, &historyv1.ForgetRequest{TemplateIds: make([]uint64, 5000)}); status.Code(err) != codes.InvalidArgument {
		t.Error(err)
	}
}

func TestNATSAway(t *testing.T) {
	c := newCluster(t)
	r := c.start(t.TempDir())
	js := c.connect().JetStream()
	c.publish(js, &feedbackv1.Envelope{Executions: []*feedbackv1.Execution{execution("x1", 7, 70, 100)}})
	c.eventually("the run", func() bool { return c.get(r, 7).Template != nil })
	stopNATS(c.nats)
	if c.get(r, 7).Template == nil {
		t.Error("reads need NATS")
	}
	ctx, cancel := context.WithTimeout(c.ctx, 200*time.Millisecond)
	defer cancel()
	_, err := r.Transition(ctx, &historyv1.TransitionRequest{TemplateId: 7, PlanId: 70, To: accepted})
	if code := status.Code(err); code != codes.Unavailable && code != codes.DeadlineExceeded {
		t.Errorf("a transition without NATS: %v", err)
	}
}
