package stack

import (
	"context"

	"github.com/attunedb/attune/services/storage"
)

// storageShare is the part of the process's memory that the block cache takes.
const storageShare = 4

func (s *Stack) addStorage() {
	s.serve(Storage, func(_ context.Context, at served) (service, error) {
		svc, err := storage.New(storage.Config{Data: s.dir("storage"), CacheBytes: s.cfg.Memory / storageShare}, storage.Deps{
			Coord: s.coord, Address: at.address, Log: s.logger(Storage), Metrics: s.metrics,
			Files: s.files, RegisterArena: s.profiler.RegisterArena,
		})
		if err != nil {
			return nil, err
		}
		s.parts.storage = svc
		return svc, nil
	}, none)
}
