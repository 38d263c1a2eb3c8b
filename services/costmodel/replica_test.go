package costmodel_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	costmodelv1 "github.com/attunedb/attune/proto/gen/attune/costmodel/v1"
	"github.com/attunedb/attune/services/costmodel"
)

// TestRestartGoesOnWhereItWas stops the only replica: NATS and etcd are all it keeps.
func TestRestartGoesOnWhereItWas(t *testing.T) {
	c := newCluster(t)
	js := c.bus().JetStream()
	r := c.start()
	c.publish(js, 150)
	c.learnt(r, 150)
	if resp, err := r.Retrain(c.ctx, &costmodelv1.RetrainRequest{}); err != nil || !resp.Promoted {
		t.Fatal(resp, err)
	}
	before := c.status(r)
	r.kill()
	c.publish(js, 10)
	r = c.start()
	c.learnt(r, 160)
	if st := c.status(r); st.Samples != before.Samples+20 || st.Champion != "m-000002" {
		t.Errorf("before %v, after %v", before, st)
	}
	if resp, err := r.Retrain(c.ctx, &costmodelv1.RetrainRequest{}); err != nil || resp.Challenger.GetVersion() != "m-000003" {
		t.Errorf("%v %v", resp, err)
	}
}

// TestATrainerDies runs two replicas and kills the one that trains.
func TestATrainerDies(t *testing.T) {
	c := newCluster(t)
	js := c.bus().JetStream()
	a, b := c.start(), c.start()
	c.publish(js, 150)
	c.learnt(a, 150)
	if st := c.status(b); st.Trainer || st.Events != 150 {
		t.Fatalf("the other replica passes on %v", st)
	}
	resp, err := b.Retrain(c.ctx, &costmodelv1.RetrainRequest{})
	if err != nil || !resp.Promoted {
		t.Fatal(resp, err)
	}
	for _, r := range []*replica{a, b} {
		c.eventually("the learned version on both", func() bool { return c.champion(r).Info.Version == "m-000002" })
	}
	a.kill()
	c.eventually("a new trainer", func() bool { return c.status(b).Trainer })
	if st := c.status(b); st.Events != 150 || st.Samples == 0 {
		t.Errorf("the new trainer knows %v", st)
	}
	c.publish(js, 20)
	c.learnt(b, 170)
	if resp, err := b.Retrain(c.ctx, &costmodelv1.RetrainRequest{}); err != nil || resp.Challenger.GetVersion() != "m-000003" {
		t.Errorf("%v %v", resp, err)
	}
}

// TestATrainerIsCutOff takes the trainer's connections away, so that it neither stores what it knows nor gives up its term.
func TestATrainerIsCutOff(t *testing.T) {
	c := newCluster(t)
	js := c.bus().JetStream()
	a, b := c.start(), c.start()
	c.publish(js, 150)
	c.learnt(a, 150)
	store, err := js.ObjectStore(c.ctx, "ATTUNE_MODELS")
	if err != nil {
		t.Fatal(err)
	}
	// A checkpoint that is younger than this knows at least those.
	known := time.Now()
	c.publish(js, 10)
	c.eventually("a checkpoint", func() bool {
		all, err := store.List(c.ctx)
		return err == nil && slices.ContainsFunc(all, func(o *jetstream.ObjectInfo) bool {
			return strings.HasPrefix(o.Name, "state.") && o.ModTime.After(known)
		})
	})
	a.cut()
	c.eventually("a new trainer", func() bool { return c.status(b).Trainer })
	st := c.status(b)
	if st.Events < 150 || st.Samples != 2*st.Events {
		t.Errorf("the new trainer knows %v", st)
	}
	c.publish(js, 20)
	c.eventually("it learns on", func() bool { return c.status(b).Events >= st.Events+20 })
}

// TestLostArtifacts deletes the object store under a version in use: the next trainer puts another in its place.
func TestLostArtifacts(t *testing.T) {
	c := newCluster(t)
	js := c.bus().JetStream()
	r := c.start()
	r.kill()
	if err := js.DeleteObjectStore(c.ctx, "ATTUNE_MODELS"); err != nil {
		t.Fatal(err)
	}
	r = c.start()
	if m := c.champion(r); m.Info.Version != "m-000002" {
		t.Errorf("%v", m.Info)
	}
}

func TestVersionsAreBounded(t *testing.T) {
	c := newCluster(t)
	r := c.start(func(cfg *costmodel.Config) { cfg.Versions = 2 })
	c.publish(c.bus().JetStream(), 150)
	c.learnt(r, 150)
	for range 6 {
		if _, err := r.Retrain(c.ctx, &costmodelv1.RetrainRequest{}); err != nil {
			t.Fatal(err)
		}
	}
	list, err := r.ListModels(c.ctx, &costmodelv1.ListModelsRequest{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for _, m := range list.Models {
		if m.Role == "refused" {
			refused++
		}
	}
	if refused > 2 || len(list.Models) > 2+9 || list.Models[0].Version != "m-000007" {
		t.Errorf("%v", list)
	}
}
