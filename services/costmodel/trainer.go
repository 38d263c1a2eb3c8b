package costmodel

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/attunedb/attune/engine/forest"
	"github.com/attunedb/attune/platform/bus"
	"github.com/attunedb/attune/platform/coord"
	"github.com/attunedb/attune/services/costmodel/internal/learner"
	"github.com/attunedb/attune/services/costmodel/internal/model"
)

// look is how often the trainer looks whether there is something to do.
const look = 100 * time.Millisecond

// trainer is one term of this replica as trainer.
type trainer struct {
	service    *Service
	leadership coord.Leadership
	models     *models
	learner    *learner.Learner
	// champion is the version the learner watches.
	champion string
	// asked are the calls of Retrain.
	asked chan chan outcome
	// ended is closed when nobody answers them any more.
	ended chan struct{}

	lastTraining  time.Time
	trainingTook  time.Duration
	lastStored    time.Time
	storedAtEvent uint64
}

// outcome is what came of a challenge.
type outcome struct {
	// challenger is zero when none came to be.
	challenger model.Info
	promoted   bool
	reason     string
	err        error
}

// lead is the trainer's work, for as long as it is elected.
func (s *Service) lead(ctx context.Context, l coord.Leadership) error {
	t := &trainer{service: s, leadership: l, learner: learner.New(s.cfg.learner()), asked: make(chan chan outcome), ended: make(chan struct{}),
		lastTraining: s.now(), lastStored: s.now()}
	stream := bus.StreamConfig{Name: FeedbackStream, Subjects: []string{FeedbackSubject, FeedbackSubject + ".>"},
		MaxBytes: s.cfg.StreamBytes, Replicas: s.cfg.Replicas}
	if _, err := s.deps.Bus.EnsureStream(ctx, stream); err != nil {
		return fmt.Errorf("costmodel: %w", err)
	}
	var err error
	if t.models, err = openModels(ctx, s.deps.Bus.JetStream(), s.cfg.Replicas); err != nil {
		return err
	}
	if err := t.resume(ctx); err != nil {
		return err
	}
	consumer, err := s.deps.Bus.NewConsumer(bus.ConsumerConfig{Stream: FeedbackStream, Durable: durableName}, s.handler(t.learner))
	if err != nil {
		return fmt.Errorf("costmodel: %w", err)
	}
	s.log.Info("this replica is the trainer", "term", l.Revision)
	s.trainer.Store(t)
	s.metrics.trainer.Set(1)
	var wg sync.WaitGroup
	wg.Go(func() { _ = consumer.Run(ctx) }) // it ends with ctx, without an error
	err = t.run(ctx)
	s.trainer.Store(nil)
	close(t.ended)
	s.metrics.trainer.Set(0)
	wg.Wait()
	// The consumer has taken its last event in; the successor starts from here.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	return errors.Join(err, t.store(last))
}

// resume takes up what an earlier trainer left: what it learnt and the version in use, or makes the first one.
func (t *trainer) resume(ctx context.Context) error {
	state, err := t.models.checkpoint(ctx)
	if err != nil {
		return err
	}
	if state != nil {
		if err := t.learner.Restore(state); err != nil {
			t.service.log.Warn("what an earlier trainer learnt is lost in part", "error", err)
		}
	}
	p, revision, err := t.service.pointer(ctx)
	if err != nil {
		return err
	}
	if p.Version != "" {
		_, _, err := t.models.get(ctx, p.Version)
		if err == nil {
			return nil
		}
		if !errors.Is(err, errUnknown) && !errors.Is(err, model.ErrArtifact) {
			return err
		}
		t.service.log.Error("the version in use is lost", "version", p.Version, "error", err)
	}
	return t.first(ctx, p, revision)
}

// first puts a version in use where there is none, or none that can be read: the newest that was good once, or the classical
// model alone.
func (t *trainer) first(ctx context.Context, p model.Pointer, revision int64) error {
	all, err := t.models.list(ctx)
	if err != nil {
		return err
	}
	for _, i := range all {
		if !i.Won || i.Version == p.Version {
			continue
		}
		if _, _, err := t.models.get(ctx, i.Version); err == nil {
			return t.service.movePointer(ctx, p.Promote(i.Version, false), revision, t.leadership.Cond())
		}
	}
	classical, err := t.learner.Classical()
	if err != nil {
		return err
	}
	_, observations := classical.Units()
	m := &model.Model{Classical: classical, Info: model.Info{TrainedMicros: t.service.now().UnixMicro(), Samples: int(observations),
		Won: true, Reason: "first version: the classical model alone", Schema: forest.SchemaVersion}}
	if m.Info.Version, err = t.service.nextVersion(ctx, t.leadership, newest(all, p)); err != nil {
		return err
	}
	if err := t.models.put(ctx, m); err != nil {
		return err
	}
	return t.service.movePointer(ctx, p.Promote(m.Info.Version, false), revision, t.leadership.Cond())
}

// newest returns the highest number of a version that is known to have been taken.
func newest(all []model.Info, p model.Pointer) uint64 {
	most, _ := model.Number(p.Version)
	for _, i := range all {
		n, _ := model.Number(i.Version)
		most = max(most, n)
	}
	return most
}

// run trains and stores when it is time to, until ctx is done.
func (t *trainer) run(ctx context.Context) error {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case answer := <-t.asked:
			answer <- t.challenge(ctx)
		case <-tick.C:
			t.watch()
			if t.due() {
				if o := t.challenge(ctx); o.err != nil && ctx.Err() == nil {
					t.service.log.Warn("no challenger", "error", o.err)
				}
			}
			if s := t.service; s.now().Sub(t.lastStored) >= s.cfg.Checkpoint {
				if err := t.store(ctx); err != nil && ctx.Err() == nil {
					s.log.Warn("checkpoint failed", "error", err)
				}
			}
		}
	}
}

// watch has the learner follow the errors of the version in use.
func (t *trainer) watch() {
	st := t.learner.Status()
	t.service.metrics.samples.Set(float64(st.Samples))
	t.service.metrics.meanError.Set(st.MeanError)
	if c := t.service.current.Load(); c != nil && c.model.Info.Version != t.champion {
		t.champion = c.model.Info.Version
		t.learner.SetChampion(c.predictor)
	}
}

// due reports whether a challenger is to be trained: enough is new, or the champion's errors grow; and training has not taken
// more than its share.
func (t *trainer) due() bool {
	cfg := &t.service.cfg
	pause := max(cfg.MinInterval, time.Duration(float64(t.trainingTook)*(1/cfg.TrainShare-1)))
	if t.service.now().Sub(t.lastTraining) < pause {
		return false
	}
	st := t.learner.Status()
	return st.SinceTraining >= uint64(cfg.MinSamples) || st.Drifted && st.SinceTraining >= uint64(max(1, cfg.MinSamples/4))
}

// store writes a checkpoint, if there is something to write.
func (t *trainer) store(ctx context.Context) error {
	t.lastStored = t.service.now()
	events := t.learner.Status().Events
	if events == t.storedAtEvent {
		return nil
	}
	state, err := t.learner.Checkpoint()
	if err != nil {
		return err
	}
	if err := t.models.putCheckpoint(ctx, t.leadership.Revision, state); err != nil {
		return err
	}
	t.storedAtEvent = events
	return nil
}
