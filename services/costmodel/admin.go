package costmodel

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	costmodelv1 "github.com/attunedb/attune/proto/gen/attune/costmodel/v1"
	"github.com/attunedb/attune/services/costmodel/internal/model"
)

// promote puts a stored version in use, on a person's word.
func (s *Service) promote(ctx context.Context, version string, pin bool) (*model.Info, model.Pointer, error) {
	store, err := s.openedModels(ctx)
	if err != nil {
		return nil, model.Pointer{}, err
	}
	m, _, err := store.get(ctx, version)
	if err != nil {
		return nil, model.Pointer{}, err
	}
	p, err := s.move(ctx, func(p model.Pointer) (model.Pointer, error) {
		if p.Version == version {
			p.Pinned = pin
			return p, nil
		}
		return p.Promote(version, pin), nil
	})
	return &m.Info, p, err
}

// rollback goes back to the last version that is still whole.
func (s *Service) rollback(ctx context.Context) (*model.Info, model.Pointer, error) {
	store, err := s.openedModels(ctx)
	if err != nil {
		return nil, model.Pointer{}, err
	}
	var info *model.Info
	p, err := s.move(ctx, func(p model.Pointer) (model.Pointer, error) {
		var away error
		next, err := p.Rollback(func(version string) bool {
			if away != nil {
				return false
			}
			m, _, err := store.get(ctx, version)
			if err == nil {
				info = &m.Info
				return true
			}
			if !errors.Is(err, errUnknown) && !errors.Is(err, model.ErrArtifact) {
				away = err // it is not known whether the version is whole: do not go past it
			}
			return false
		})
		if away != nil {
			return p, away
		}
		return next, err
	})
	return info, p, err
}

// ask has the trainer train at once, between its other work.
func (t *trainer) ask(ctx context.Context) (outcome, error) {
	answer := make(chan outcome, 1)
	select {
	case t.asked <- answer:
	case <-ctx.Done():
		return outcome{}, fmt.Errorf("costmodel: the trainer is busy: %w", ctx.Err())
	case <-t.ended:
		return outcome{}, status.Error(codes.Unavailable, "costmodel: the trainer changes")
	}
	select {
	case o := <-answer:
		return o, nil
	case <-ctx.Done():
		return outcome{}, fmt.Errorf("costmodel: training goes on: %w", ctx.Err())
	}
}

// peer returns a client of the trainer, for a call that was not passed on already.
func (s *Service) peer(ctx context.Context) (costmodelv1.CostModelServiceClient, func(), error) {
	if len(metadata.ValueFromIncomingContext(ctx, forwardedKey)) > 0 {
		return nil, nil, status.Error(codes.Unavailable, "costmodel: this replica is not the trainer any more")
	}
	l, err := s.deps.Coord.Leader(ctx, Election)
	if err != nil {
		return nil, nil, fmt.Errorf("costmodel: no trainer: %w", err)
	}
	if s.deps.Peers != nil && s.deps.Instances != nil {
		for _, i := range s.deps.Instances.Instances(ServiceName) {
			if i.ID == l.ID && l.ID != s.deps.Instance {
				conn, release, err := s.deps.Peers.Get(i.Address)
				if err != nil {
					return nil, nil, fmt.Errorf("costmodel: reach the trainer: %w", err)
				}
				return costmodelv1.NewCostModelServiceClient(conn), release, nil
			}
		}
	}
	return nil, nil, status.Errorf(codes.Unavailable, "costmodel: the trainer %s cannot be reached from here", l.ID)
}
