package stack

import (
	"context"

	"github.com/attunedb/attune/services/costmodel"
)

func (s *Stack) addCostModel() {
	s.serve(CostModel, func(_ context.Context, at served) (service, error) {
		past, err := s.dial(History)
		if err != nil {
			return nil, err
		}
		svc, err := costmodel.New(costmodel.Config{}, costmodel.Deps{
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
