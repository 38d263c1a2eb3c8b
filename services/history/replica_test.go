package history_test

import (
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	feedbackv1 "github.com/attunedb/attune/proto/gen/attune/feedback/v1"
	historyv1 "github.com/attunedb/attune/proto/gen/attune/history/v1"
	"github.com/attunedb/attune/services/history"
)

// TestConcurrentTransitionsApplyOnce lets two replicas decide on the same plans at once.
func TestConcurrentTransitionsApplyOnce(t *testing.T) {
	c := newCluster(t)
	both := []*replica{c.start(t.TempDir()), c.start(t.TempDir())}
	const rounds, callers = 15, 6
	version := uint64(0)
	states := []historyv1.PlanState{candidate, historyv1.PlanState_PLAN_STATE_VALIDATING}
	for round := range rounds {
		var wg sync.WaitGroup
		var mu sync.Mutex
		applied := 0
		next := version
		for i := range callers {
			wg.Go(func() {
				resp, err := both[i%2].Transition(c.ctx, &historyv1.TransitionRequest{TemplateId: 7, PlanId: 1, ExpectedVersion: version, To: states[round%2]})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				if resp.Applied {
					applied++
					next = resp.Plan.StateVersion
				}
			})
		}
		wg.Wait()
		if applied != 1 || next == version {
			t.Fatalf("round %d: %d of %d applied, version from %d to %d", round, applied, callers, version, next)
		}
		version = next
	}
}

// TestAReplicaDiesAndAnotherIsAdded runs two, kills one, goes on with the other, and adds one with an empty disk.
func TestAReplicaDiesAndAnotherIsAdded(t *testing.T) {
	c := newCluster(t)
	js := c.connect().JetStream()
	a, b := c.start(t.TempDir()), c.start(t.TempDir())
	c.publish(js, &feedbackv1.Envelope{MessageId: "m1", Executions: []*feedbackv1.Execution{execution("x1", 7, 70, 100)}})
	for _, r := range []*replica{a, b} {
		c.eventually("the run on both", func() bool { return c.get(r, 7).Template != nil })
	}
	one := c.move(a, 7, 70, 0, accepted)
	// The other replica may not have followed yet; its copy must not decide.
	if resp := c.move(b, 7, 70, 0, candidate); resp.Applied {
		t.Fatal("decided on an old copy")
	}
	if resp := c.move(b, 7, 71, 0, candidate); !resp.Applied {
		t.Fatal("a transition on the other replica was refused")
	}
	// A plan that only the caller has.
	if resp, err := b.Transition(c.ctx, &historyv1.TransitionRequest{TemplateId: 8, PlanId: 80, To: accepted, Plan: plan(8, 80)}); err != nil || !resp.Applied {
		t.Fatal(resp, err)
	}
	b.kill()
	c.publish(js, &feedbackv1.Envelope{MessageId: "m2", Executions: []*feedbackv1.Execution{execution("x2", 7, 70, 200)}})
	c.eventually("the second run", func() bool { return c.get(a, 7).Template.Runs == 2 })
	c.eventually("the transition that the dead replica made", func() bool { return len(c.get(a, 7).Plans) == 2 })

	fresh := c.start(t.TempDir())
	if d := c.get(fresh, 8); d.Template == nil || d.Template.AcceptedPlan != 80 || !proto.Equal(d.Plans[0].Plan, plan(8, 80)) {
		t.Fatalf("once ready: %v", d)
	}
	c.eventually("the runs that the stream still has", func() bool {
		d := c.get(fresh, 7)
		return d.Template != nil && d.Template.Runs == 2
	})
	if d := c.get(fresh, 7); d.Template.AcceptedPlan != 70 || d.Plans[0].StateVersion != one.Plan.StateVersion || !proto.Equal(d.Plans[0].Plan, plan(7, 70)) {
		t.Fatalf("%v", d)
	}
}

func TestForgetReachesAllReplicasAndTheOnesToCome(t *testing.T) {
	c := newCluster(t)
	js := c.connect().JetStream()
	a, b := c.start(t.TempDir()), c.start(t.TempDir())
	c.publish(js, &feedbackv1.Envelope{MessageId: "m1", Executions: []*feedbackv1.Execution{execution("x1", 7, 70, 100), execution("x2", 8, 80, 100)}})
	for _, r := range []*replica{a, b} {
		c.eventually("the runs on both", func() bool { return c.get(r, 8).Template != nil })
	}
	c.move(a, 7, 70, 0, accepted)
	if _, err := b.Forget(c.ctx, &historyv1.ForgetRequest{TemplateIds: []uint64{7}}); err != nil {
		t.Fatal(err)
	}
	c.eventually("forgotten on both", func() bool { return c.get(a, 7).Template == nil && c.get(b, 7).Template == nil })
	fresh := c.start(t.TempDir())
	c.eventually("the template that was kept", func() bool { return c.get(fresh, 8).Template != nil })
	if c.get(fresh, 7).Template != nil {
		t.Error("a fresh replica counted what was forgotten")
	}
	c.publish(js, &feedbackv1.Envelope{MessageId: "m2", Executions: []*feedbackv1.Execution{execution("x3", 7, 70, 100)}})
	c.eventually("what came later", func() bool { return c.get(fresh, 7).Template != nil })
	if d := c.get(fresh, 7); d.Template.Runs != 1 || d.Template.AcceptedPlan != 0 {
		t.Errorf("%v", d.Template)
	}
	if _, err := a.Forget(c.ctx, &historyv1.ForgetRequest{}); err != nil {
		t.Fatal(err)
	}
	if list, err := a.ListTemplates(c.ctx, &historyv1.ListTemplatesRequest{}); err != nil || len(list.Templates) != 0 {
		t.Errorf("%v %v", list, err)
	}
}

// TestALostBucketIsRestored starts a replica against a NATS server that has lost everything.
func TestALostBucketIsRestored(t *testing.T) {
	c := newCluster(t)
	dir := t.TempDir()
	r := c.start(dir)
	if resp, err := r.Transition(c.ctx, &historyv1.TransitionRequest{TemplateId: 8, PlanId: 80, To: accepted, Plan: plan(8, 80)}); err != nil || !resp.Applied {
		t.Fatal(resp, err)
	}
	r.kill()
	stopNATS(c.nats)
	c.nats = c.startNATS(t.TempDir())
	r = c.start(dir)
	fresh := c.start(t.TempDir())
	for _, r := range []*replica{r, fresh} {
		d := c.get(r, 8)
		if d.Template.GetAcceptedPlan() != 80 || !proto.Equal(d.Plans[0].Plan, plan(8, 80)) {
			t.Fatalf("%v", d)
		}
	}
	if resp := c.move(fresh, 8, 80, c.get(fresh, 8).Plans[0].StateVersion, rolledBack); !resp.Applied {
		t.Error("the restored record cannot be changed")
	}
}

// TestEvictedTemplatesLeaveTheBucket bounds the bucket by the replicas' own bound.
func TestEvictedTemplatesLeaveTheBucket(t *testing.T) {
	c := newCluster(t)
	js := c.connect().JetStream()
	r := c.start(t.TempDir(), func(cfg *history.Config) { cfg.Templates = 2 })
	for template := uint64(1); template <= 5; template++ {
		if resp, err := r.Transition(c.ctx, &historyv1.TransitionRequest{TemplateId: template, PlanId: 1, To: accepted, Plan: plan(template, 1)}); err != nil || !resp.Applied {
			t.Fatal(resp, err)
		}
	}
	kv, err := js.KeyValue(c.ctx, "ATTUNE_GUARD")
	if err != nil {
		t.Fatal(err)
	}
	c.eventually("two records and two plans left", func() bool {
		keys, err := kv.Keys(c.ctx)
		return err == nil && len(keys) == 4
	})
	// An evicted template can come back.
	if resp := c.move(r, 1, 1, 0, candidate); !resp.Applied {
		t.Errorf("%v", resp)
	}
}
