package stack

import (
	"context"

	"github.com/attunedb/attune/services/executor"
)

// statementShare is the part of the process's memory that one statement may hold.
const statementShare = 4

func (s *Stack) addExecutor() {
	s.serve(Executor, func(_ context.Context, at served) (service, error) {
		planners, err := s.dial(Planner)
		if err != nil {
			return nil, err
		}
		deps := executor.Deps{Planner: planners, Coord: s.coord, Bus: s.bus, Log: s.logger(Executor), Metrics: s.metrics}
		if s.parts.storage != nil {
			deps.Store = s.parts.storage
		} else {
			if deps.Storage, err = s.dial(Storage); err != nil {
				return nil, err
			}
			deps.StorageNodes = s.pool
		}
		svc, err := executor.New(executor.Config{
			Instance: at.instance, PGListen: s.cfg.PGListen, MemoryBytes: int64(s.cfg.Memory / statementShare),
		}, deps)
		if err != nil {
			return nil, taken(err, "--pg-listen", s.cfg.PGListen)
		}
		s.parts.executor = svc
		return svc, nil
	}, s.parts.admin)
}
