package stack

import (
	"context"

	"google.golang.org/grpc"

	"github.com/attunedb/attune/services/planner"
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
		return planner.New(planner.Config{Instance: at.instance}, planner.Deps{
			Storage: conns[Storage], History: conns[History], CostModel: conns[CostModel], Executor: conns[Executor],
			Coord: s.coord, Log: s.logger(Planner), Metrics: s.metrics,
		})
	}, none)
}
