package stack

import (
	"context"
	"time"

	"github.com/attunedb/attune/services/costmodel"
)

// eagerInterval is the least time between two trainings of an eager stack.
const eagerInterval = 5 * time.Second

func (s *Stack) addCostModel() {
	s.serve(CostModel, func(_ context.Context, at served) (service, error) {
		past, err := s.dial(History)
		if err != nil {
			return nil, err
		}
		cfg := costmodel.Config{}
		if s.cfg.Eager {
			cfg.MinInterval, cfg.Checkpoint = eagerInterval, eagerInterval
		}
		svc, err := costmodel.New(cfg, costmodel.Deps{
			Bus: s.bus, Coord: s.coord, Instance: at.instance, History: past, Peers: s.pool, Instances: s.discovery,
			Log: s.logger(CostModel), Metrics: s.metrics,
		})
		if err != nil {
			return nil, err
		}
		s.parts.costmodel = svc
		return svc, nil
	}, none)
}
