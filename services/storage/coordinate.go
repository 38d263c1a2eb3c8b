package storage

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/platform/coord"
	typesv1 "github.com/attunedb/attune/proto/gen/attune/types/v1"
	"github.com/attunedb/attune/services/storage/internal/mvcc"
	"github.com/attunedb/attune/services/storage/internal/ranges"
	"github.com/attunedb/attune/wire"
)

const (
	catalogPrefix  = "catalog/"
	tablePrefix    = "catalog/table/"
	sequencePrefix = "catalog/sequence/"
	rangePrefix    = "ranges/"
	homePrefix     = "storage/home/"

	// firstRange covers the whole key space.
	firstRange = 1
)

// object is one decoded key of the catalog.
type object struct {
	table    *catalog.Table
	sequence *catalog.Sequence
}

// mirror is the catalog of the coordination store.
type mirror struct {
	m       *coord.Mirror[object]
	present atomic.Pointer[catalog.Snapshot]
	stop    func()
}

func newMirror(client *coord.Client) (*mirror, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	m, err := coord.NewMirror(ctx, client, catalogPrefix, decodeObject)
	if err != nil {
		return nil, fmt.Errorf("catalog: %w", err)
	}
	c := &mirror{m: m}
	c.present.Store(catalog.NewSnapshot(0, nil, nil))
	c.stop = m.OnChange(func(s *coord.Snapshot[object], _ []coord.Change[object]) { c.present.Store(newSnapshot(s)) })
	return c, nil
}

func decodeObject(key string, value []byte) (object, error) {
	switch {
	case strings.HasPrefix(key, tablePrefix):
		p := &typesv1.Table{}
		if err := proto.Unmarshal(value, p); err != nil {
			return object{}, fmt.Errorf("storage: %s: %w", key, err)
		}
		t, err := wire.TableFromProto(p)
		return object{table: t}, err
	case strings.HasPrefix(key, sequencePrefix):
		p := &typesv1.Sequence{}
		if err := proto.Unmarshal(value, p); err != nil {
			return object{}, fmt.Errorf("storage: %s: %w", key, err)
		}
		q, err := wire.SequenceFromProto(p)
		return object{sequence: q}, err
	}
	return object{}, nil
}

func newSnapshot(s *coord.Snapshot[object]) *catalog.Snapshot {
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

// Snapshot returns the newest known state.
func (c *mirror) Snapshot() *catalog.Snapshot { return c.present.Load() }

// Wait returns when the state of a revision is known.
func (c *mirror) Wait(ctx context.Context, revision int64) error {
	return c.m.WaitRevision(ctx, revision)
}

func (c *mirror) close() error {
	c.stop()
	return c.m.Close()
}

var nodeName = []byte("node/id")

// nodeID returns the identity of a node, which is made with its data and stays.
func nodeID(store *mvcc.Store) (string, error) {
	b, ok, err := store.System(nil, nodeName)
	if err != nil || ok {
		return string(b), err
	}
	raw := make([]byte, 8)
	if _, err := rand.Read(raw); err != nil {
		return "", fmt.Errorf("node identity: %w", err)
	}
	id := hex.EncodeToString(raw)
	batch := store.NewBatch()
	if err := batch.SetSystem(nodeName, []byte(id)); err != nil {
		return "", err
	}
	return id, batch.Commit(true)
}

// retryPause is the pause after etcd did not answer.
const retryPause = time.Second

// holdRanges stands for election for the range whose home this node is, and follows all descriptors, until ctx ends.
func (s *Service) holdRanges(ctx context.Context) error {
	following := make(chan struct{})
	go func() {
		defer close(following)
		s.followRanges(ctx)
	}()
	defer func() { <-following }()
	id := strconv.Itoa(firstRange)
	for ctx.Err() == nil {
		home, err := s.home(ctx, id)
		if err == nil && home != s.node {
			s.log.Info("another node is the range's home", "range", id, "home", home)
			<-ctx.Done()
			return nil
		}
		if err == nil {
			err = s.deps.Coord.Elect(ctx, "range-"+id, s.node, s.leadRange)
		}
		if ctx.Err() == nil {
			s.log.Warn("no election for the range", "range", id, "error", err)
			pause(ctx, retryPause)
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// home returns the node that has a range's data: this one, when the range is made by the call.
func (s *Service) home(ctx context.Context, id string) (string, error) {
	_, err := s.deps.Coord.Create(ctx, homePrefix+id, []byte(s.node))
	if err == nil {
		return s.node, nil
	}
	if !errors.Is(err, coord.ErrConflict) {
		return "", err
	}
	kv, err := s.deps.Coord.Get(ctx, homePrefix+id)
	return string(kv.Value), err
}

// leadRange publishes this node as the range's leader and serves it until the lease ends.
func (s *Service) leadRange(ctx context.Context, l coord.Leadership) error {
	r := ranges.Range{ID: firstRange, Leader: s.deps.Address, Epoch: uint64(l.Revision)}
	b, err := proto.Marshal(&typesv1.RangeDescriptor{Id: r.ID, Start: r.Start, End: r.End, Leader: r.Leader, Epoch: r.Epoch})
	if err != nil {
		return fmt.Errorf("storage: %w", err)
	}
	_, err = s.deps.Coord.Txn(ctx, []coord.Cond{l.Cond()}, []coord.Op{{Key: rangePrefix + strconv.Itoa(firstRange), Value: b}})
	if err != nil {
		return fmt.Errorf("storage: publish the range: %w", err)
	}
	s.ranges.Lead(r, true)
	defer s.ranges.Lead(r, false)
	s.lead()
	s.log.Info("leading", "range", r.ID, "epoch", r.Epoch)
	<-ctx.Done()
	return nil
}

// followRanges keeps the descriptors up to date, so that others' keys are answered with their leader.
func (s *Service) followRanges(ctx context.Context) {
	for ctx.Err() == nil {
		m, err := coord.NewMirror(ctx, s.deps.Coord, rangePrefix, decodeRange)
		if err != nil {
			pause(ctx, retryPause)
			continue
		}
		stop := m.OnChange(func(all *coord.Snapshot[ranges.Range], _ []coord.Change[ranges.Range]) {
			var known []ranges.Range
			for _, r := range all.All() {
				known = append(known, r)
			}
			s.ranges.Know(known)
		})
		<-ctx.Done()
		stop()
		if err := m.Close(); err != nil {
			s.log.Warn("the watch of ranges did not close", "error", err)
		}
	}
}

func decodeRange(_ string, value []byte) (ranges.Range, error) {
	p := &typesv1.RangeDescriptor{}
	if err := proto.Unmarshal(value, p); err != nil {
		return ranges.Range{}, fmt.Errorf("storage: %w", err)
	}
	return ranges.Range{ID: p.GetId(), Start: p.GetStart(), End: p.GetEnd(), Leader: p.GetLeader(), Epoch: p.GetEpoch()}, nil
}
