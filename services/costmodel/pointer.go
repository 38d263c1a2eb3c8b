package costmodel

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/attunedb/attune/platform/coord"
	"github.com/attunedb/attune/services/costmodel/internal/model"
)

// errContended says that the pointer kept moving.
var errContended = errors.New("costmodel: the version in use keeps changing")

// moveAttempts bounds how often a person's move is tried again because somebody else moved the pointer meanwhile.
const moveAttempts = 5

// pointer reads which version is in use and the revision of that; the zero pointer and 0 when none is yet.
func (s *Service) pointer(ctx context.Context) (model.Pointer, int64, error) {
	kv, err := s.deps.Coord.Get(ctx, ChampionKey)
	if errors.Is(err, coord.ErrNotFound) {
		return model.Pointer{}, 0, nil
	}
	if err != nil {
		return model.Pointer{}, 0, fmt.Errorf("costmodel: %w", err)
	}
	p, err := model.ParsePointer(kv.Value)
	return p, kv.ModRevision, err
}

// movePointer puts a pointer in place of the one at revision, 0 for none, under further conditions. The error wraps
// coord.ErrConflict when one of them does not hold.
func (s *Service) movePointer(ctx context.Context, p model.Pointer, revision int64, conds ...coord.Cond) error {
	_, err := s.deps.Coord.Txn(ctx, append(conds, coord.Cond{Key: ChampionKey, ModRevision: revision}),
		[]coord.Op{{Key: ChampionKey, Value: p.Encode()}})
	if err != nil {
		return fmt.Errorf("costmodel: move to %s: %w", p.Version, err)
	}
	s.log.Info("version in use", "version", p.Version, "pinned", p.Pinned)
	return nil
}

// move changes the pointer as a person asks, on top of whatever it is.
func (s *Service) move(ctx context.Context, change func(model.Pointer) (model.Pointer, error)) (model.Pointer, error) {
	for range moveAttempts {
		p, revision, err := s.pointer(ctx)
		if err != nil {
			return p, err
		}
		next, err := change(p)
		if err != nil {
			return p, err
		}
		err = s.movePointer(ctx, next, revision)
		if !errors.Is(err, coord.ErrConflict) {
			return next, err
		}
	}
	return model.Pointer{}, errContended
}

// nextVersion takes a version that nobody has or will have, for the trainer of a term. least is a number to stay above.
func (s *Service) nextVersion(ctx context.Context, l coord.Leadership, least uint64) (string, error) {
	kv, err := s.deps.Coord.Get(ctx, nextKey)
	if err != nil && !errors.Is(err, coord.ErrNotFound) {
		return "", fmt.Errorf("costmodel: %w", err)
	}
	last := least
	if err == nil {
		n, err := strconv.ParseUint(string(kv.Value), 10, 64)
		if err != nil {
			return "", fmt.Errorf("costmodel: counter of versions: %w", err)
		}
		last = max(last, n)
	}
	_, err = s.deps.Coord.Txn(ctx, []coord.Cond{l.Cond(), {Key: nextKey, ModRevision: kv.ModRevision}},
		[]coord.Op{{Key: nextKey, Value: strconv.AppendUint(nil, last+1, 10)}})
	if err != nil {
		return "", fmt.Errorf("costmodel: take a version: %w", err)
	}
	return model.Version(last + 1), nil
}
