package costmodel

import (
	"context"
	"time"

	"github.com/attunedb/attune/engine/costmodel"
	"github.com/attunedb/attune/platform/coord"
	"github.com/attunedb/attune/services/costmodel/internal/model"
)

// loaded is a version in memory. It is immutable.
type loaded struct {
	model     *model.Model
	artifact  []byte
	predictor *costmodel.Predictor
	pointer   model.Pointer
}

// follow keeps the version in use in memory until ctx is done. A version that cannot be had leaves the former one in place and is
// tried again.
func (s *Service) follow(ctx context.Context) {
	for pause := 50 * time.Millisecond; ctx.Err() == nil; pause = min(2*pause, 5*time.Second) {
		if err := s.watch(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("version in use is not followed", "error", err)
		}
		wait(ctx, pause)
	}
}

// watch mirrors the pointer and loads what it names.
func (s *Service) watch(ctx context.Context) error {
	mirror, err := coord.NewMirror(ctx, s.deps.Coord, championPrefix, func(_ string, value []byte) (model.Pointer, error) {
		return model.ParsePointer(value)
	})
	if err != nil {
		return err
	}
	defer mirror.Close()
	changed := make(chan struct{}, 1)
	cancel := mirror.OnChange(func(*coord.Snapshot[model.Pointer], []coord.Change[model.Pointer]) {
		select {
		case changed <- struct{}{}:
		default:
		}
	})
	defer cancel()
	pause := 20 * time.Millisecond
	retry := time.NewTimer(0)
	defer retry.Stop()
	for {
		select {
		case <-changed:
			pause = 20 * time.Millisecond
		case <-retry.C:
		case <-ctx.Done():
			return nil
		}
		p, ok := mirror.Snapshot().Get(ChampionKey)
		if !ok {
			continue
		}
		if err := s.load(ctx, p); err != nil && ctx.Err() == nil {
			s.log.Warn("version in use cannot be had", "version", p.Version, "error", err)
			retry.Reset(pause)
			pause = min(2*pause, 5*time.Second)
		}
	}
}

// load takes a version into use on this replica.
func (s *Service) load(ctx context.Context, p model.Pointer) error {
	if c := s.current.Load(); c != nil && c.pointer.Version == p.Version {
		next := *c
		next.pointer = p
		s.current.Store(&next)
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	store, err := s.openedModels(ctx)
	if err != nil {
		return err
	}
	m, artifact, err := store.get(ctx, p.Version)
	if err != nil {
		return err
	}
	predictor, err := m.Predictor()
	if err != nil {
		return err
	}
	s.current.Store(&loaded{model: m, artifact: artifact, predictor: predictor, pointer: p})
	s.loadedOnce()
	return nil
}

// openedModels returns the object store, opened at the first call that reaches NATS.
func (s *Service) openedModels(ctx context.Context) (*models, error) {
	if m := s.models.Load(); m != nil {
		return m, nil
	}
	m, err := openModels(ctx, s.deps.Bus.JetStream(), s.cfg.Replicas)
	if err != nil {
		return nil, err
	}
	s.models.Store(m)
	return m, nil
}

// wait pauses for d or until ctx is done.
func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
