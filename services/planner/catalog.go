package planner

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/platform/coord"
	typesv1 "github.com/attunedb/attune/proto/gen/attune/types/v1"
	"github.com/attunedb/attune/wire"
)

const (
	catalogPrefix  = "catalog/"
	tablePrefix    = catalogPrefix + "table/"
	sequencePrefix = catalogPrefix + "sequence/"
)

// object is one key of the catalog: a table, a sequence, or neither (a counter).
type object struct {
	table    *catalog.Table
	sequence *catalog.Sequence
}

func decodeObject(key string, value []byte) (object, error) {
	switch {
	case strings.HasPrefix(key, tablePrefix):
		var p typesv1.Table
		if err := proto.Unmarshal(value, &p); err != nil {
			return object{}, fmt.Errorf("planner: catalog key %s: %w", key, err)
		}
		t, err := wire.TableFromProto(&p)
		return object{table: t}, err
	case strings.HasPrefix(key, sequencePrefix):
		var p typesv1.Sequence
		if err := proto.Unmarshal(value, &p); err != nil {
			return object{}, fmt.Errorf("planner: catalog key %s: %w", key, err)
		}
		q, err := wire.SequenceFromProto(&p)
		return object{sequence: q}, err
	}
	return object{}, nil
}

func snapshotOf(s *coord.Snapshot[object]) *catalog.Snapshot {
	var tables []*catalog.Table
	var sequences []*catalog.Sequence
	for _, o := range s.All() {
		if o.table != nil {
			tables = append(tables, o.table)
		}
		if o.sequence != nil {
			sequences = append(sequences, o.sequence)
		}
	}
	return catalog.NewSnapshot(s.Revision(), tables, sequences)
}

// catalogAt returns a snapshot that has seen a revision, waiting for it within ctx.
func (s *Service) catalogAt(ctx context.Context, revision int64) (*catalog.Snapshot, error) {
	select {
	case <-s.started:
	case <-ctx.Done():
		return nil, sqlerr.New(sqlerr.CannotConnectNow, "the planner has not read the catalog yet: %w", ctx.Err())
	}
	m := s.mirror.Load()
	if m.Snapshot().Revision() < revision {
		if err := m.WaitRevision(ctx, revision); err != nil {
			if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
				return nil, sqlerr.New(sqlerr.QueryCanceled, "the planner did not see catalog revision %d in time: %w", revision, err)
			}
			return nil, sqlerr.New(sqlerr.InternalError, "planner: %w", err)
		}
	}
	shot := m.Snapshot()
	s.catalogMu.Lock()
	defer s.catalogMu.Unlock()
	if s.catalogSnap == nil || s.catalogFrom != shot {
		s.catalogSnap, s.catalogFrom = snapshotOf(shot), shot
	}
	return s.catalogSnap, nil
}
