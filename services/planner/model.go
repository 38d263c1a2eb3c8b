package planner

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/attunedb/attune/platform/coord"
	costmodelv1 "github.com/attunedb/attune/proto/gen/attune/costmodel/v1"
)

const (
	modelPrefix = "model/"
	championKey = modelPrefix + "champion"
)

// champion is what planners read of the pointer to the model in use.
type champion struct {
	Version string `json:"version"`
}

// followModel keeps the model in use until ctx is done. A version that cannot be had leaves the former one in place and is tried
// again.
func (s *Service) followModel(ctx context.Context) {
	for pause := 50 * time.Millisecond; ctx.Err() == nil; pause = min(2*pause, 5*time.Second) {
		if err := s.watchModel(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("cost model is not followed", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

func (s *Service) watchModel(ctx context.Context) error {
	mirror, err := coord.NewMirror(ctx, s.deps.Coord, modelPrefix, func(key string, value []byte) (champion, error) {
		if key != championKey {
			return champion{}, nil
		}
		var c champion
		if err := json.Unmarshal(value, &c); err != nil {
			return c, fmt.Errorf("planner: pointer to the cost model: %w", err)
		}
		return c, nil
	})
	if err != nil {
		return err
	}
	defer mirror.Close()
	changed := make(chan struct{}, 1)
	stop := mirror.OnChange(func(*coord.Snapshot[champion], []coord.Change[champion]) {
		select {
		case changed <- struct{}{}:
		default:
		}
	})
	defer stop()
	retry := time.NewTimer(0)
	defer retry.Stop()
	pause := 50 * time.Millisecond
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
			pause = 50 * time.Millisecond
		case <-retry.C:
		}
		c, ok := mirror.Snapshot().Get(championKey)
		if !ok || c.Version == "" || c.Version == s.model.Version() {
			continue
		}
		if err := s.loadModel(ctx, c.Version); err != nil && ctx.Err() == nil {
			s.log.Warn("cost model cannot be had", "version", c.Version, "error", err)
			retry.Reset(pause)
			pause = min(2*pause, 5*time.Second)
		}
	}
}

func (s *Service) loadModel(ctx context.Context, version string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	res, err := s.costmodel.GetModel(ctx, &costmodelv1.GetModelRequest{Version: version})
	if err != nil {
		return err
	}
	if err := s.model.Swap(version, res.GetForest(), res.GetClassical()); err != nil {
		return err
	}
	s.log.Info("cost model in use", "version", version)
	return nil
}
