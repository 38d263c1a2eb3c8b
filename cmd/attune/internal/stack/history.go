package stack

import (
	"context"

	"github.com/attunedb/attune/services/history"
)

func (s *Stack) addHistory() {
	s.serve(History, func(_ context.Context, at served) (service, error) {
		svc, err := history.New(history.Config{Data: s.dir("history")}, history.Deps{
			Bus: s.bus, Log: s.logger(History), Metrics: s.metrics, Draining: at.server.Draining(),
		})
		if err != nil {
			return nil, err
		}
		s.parts.history = svc
		return svc, nil
	}, none)
}
