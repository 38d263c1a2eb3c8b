package stack

import (
	"context"
	"time"

	"google.golang.org/grpc"

	"github.com/attunedb/attune/services/planner"
)

// eagerShare is the part of the time that an eager stack may spend on trying plans, eagerStart what of it is there at once.
const (
	eagerShare = 0.5
	eagerStart = 10 * time.Second
)

func (s *Stack) addPlanner() {
	s.serve(Planner, func(_ context.Context, at served) (service, error) {
		conns := map[string]*grpc.ClientConn{}
		for _, name := range []string{Storage, History, CostModel, Executor} {
			conn, err := s.dial(name)
			if err != nil {
				return nil, err
			}
			conns[name] = conn
		}
		cfg := planner.Config{Instance: at.instance}
		if s.cfg.Eager {
			cfg.Explore.Share, cfg.Explore.Start = eagerShare, eagerStart
		}
		return planner.New(cfg, planner.Deps{
			Storage: conns[Storage], History: conns[History], CostModel: conns[CostModel], Executor: conns[Executor],
			Coord: s.coord, Log: s.logger(Planner), Metrics: s.metrics,
		})
	}, none)
}
