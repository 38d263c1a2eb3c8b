package remote

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/platform/coord"
	typesv1 "github.com/attunedb/attune/proto/gen/attune/types/v1"
	"github.com/attunedb/attune/services/executor/internal/ddl"
	"github.com/attunedb/attune/wire"
)

const (
	catalogPrefix  = "catalog/"
	tablePrefix    = "catalog/table/"
	sequencePrefix = "catalog/sequence/"
	nextIDKey      = "catalog/next_id"
	// epochKey is written by every change of the catalog, so that changes follow one another.
	epochKey = "ddl/epoch"
	// firstTableID leaves the small numbers to objects of the system.
	firstTableID = 100
	maxRaces     = 100
	raceBackoff  = 2 * time.Millisecond
	// maxEdit is how many objects one change may touch: etcd's bound on a transaction, less the epoch.
	maxEdit = 120
)

// object is one decoded key of the catalog.
type object struct {
	table    *catalog.Table
	sequence *catalog.Sequence
}

// Catalog is the shared catalog in the coordination store. It implements ddl.Catalog and is safe for concurrent use.
type Catalog struct {
	client  *coord.Client
	mirror  *coord.Mirror[object]
	present atomic.Pointer[catalog.Snapshot]
	stop    func()
}

// NewCatalog reads the catalog, which must succeed within ctx, and follows it until Close.
func NewCatalog(ctx context.Context, client *coord.Client) (*Catalog, error) {
	m, err := coord.NewMirror(ctx, client, catalogPrefix, decodeObject)
	if err != nil {
		return nil, err
	}
	c := &Catalog{client: client, mirror: m}
	c.stop = m.OnChange(func(s *coord.Snapshot[object], _ []coord.Change[object]) { c.present.Store(build(s)) })
	if c.present.Load() == nil {
		c.present.Store(build(m.Snapshot()))
	}
	return c, nil
}

// Close ends following.
func (c *Catalog) Close() error {
	c.stop()
	return c.mirror.Close()
}

func decodeObject(key string, value []byte) (object, error) {
	switch {
	case strings.HasPrefix(key, tablePrefix):
		p := &typesv1.Table{}
		if err := proto.Unmarshal(value, p); err != nil {
			return object{}, err
		}
		t, err := wire.TableFromProto(p)
		return object{table: t}, err
	case strings.HasPrefix(key, sequencePrefix):
		p := &typesv1.Sequence{}
		if err := proto.Unmarshal(value, p); err != nil {
			return object{}, err
		}
		q, err := wire.SequenceFromProto(p)
		return object{sequence: q}, err
	}
	return object{}, nil
}

func build(s *coord.Snapshot[object]) *catalog.Snapshot {
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
func (c *Catalog) Snapshot() *catalog.Snapshot { return c.present.Load() }

// Wait blocks until the state of a revision is known.
func (c *Catalog) Wait(ctx context.Context, revision int64) error {
	if err := c.mirror.WaitRevision(ctx, revision); err != nil {
		return unavailable(ctx, err)
	}
	return nil
}

func unavailable(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return sqlerr.New(sqlerr.CannotConnectNow, "the catalog cannot be changed at the moment: %w", err).
		WithHint("The coordination store does not answer. Running queries and writes are not affected.")
}

// Update applies a change: see ddl.Catalog.
func (c *Catalog) Update(ctx context.Context, change func(*catalog.Snapshot) (*ddl.Edit, error)) (*catalog.Snapshot, error) {
	for attempt := range maxRaces {
		epoch, err := c.client.Get(ctx, epochKey)
		if err != nil && !errors.Is(err, coord.ErrNotFound) {
			return nil, unavailable(ctx, err)
		}
		if err := c.Wait(ctx, epoch.ModRevision); err != nil {
			return nil, err
		}
		snap := c.Snapshot()
		edit, err := change(snap)
		if err != nil || edit == nil {
			return snap, err
		}
		ops, err := encodeEdit(edit)
		if err != nil {
			return nil, err
		}
		ops = append(ops, coord.Op{Key: epochKey, Value: strconv.AppendInt(nil, epoch.ModRevision, 10)})
		revision, err := c.client.Txn(ctx, []coord.Cond{{Key: epochKey, ModRevision: epoch.ModRevision}}, ops)
		if err == nil {
			if err := c.Wait(ctx, revision); err != nil {
				return nil, err
			}
			return c.Snapshot(), nil
		}
		if !errors.Is(err, coord.ErrConflict) {
			return nil, unavailable(ctx, err)
		}
		select {
		case <-time.After(raceBackoff * time.Duration(attempt+1)):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return nil, sqlerr.New(sqlerr.LockNotAvailable, "the catalog is changed by too many commands at once").WithHint("Try again.")
}

func encodeEdit(e *ddl.Edit) ([]coord.Op, error) {
	var ops []coord.Op
	for _, t := range e.Put {
		b, err := proto.Marshal(wire.TableToProto(t))
		if err != nil {
			return nil, fmt.Errorf("remote: encode table %q: %w", t.Name, err)
		}
		ops = append(ops, coord.Op{Key: tablePrefix + t.Schema + "/" + t.Name, Value: b})
	}
	for _, n := range e.Drop {
		ops = append(ops, coord.Op{Key: tablePrefix + n.Schema + "/" + n.Name, Delete: true})
	}
	for _, q := range e.PutSequences {
		b, err := proto.Marshal(wire.SequenceToProto(q))
		if err != nil {
			return nil, fmt.Errorf("remote: encode sequence %q: %w", q.Name, err)
		}
		ops = append(ops, coord.Op{Key: sequencePrefix + q.Schema + "/" + q.Name, Value: b})
	}
	for _, n := range e.DropSequences {
		ops = append(ops, coord.Op{Key: sequencePrefix + n.Schema + "/" + n.Name, Delete: true})
	}
	if len(ops) > maxEdit {
		return nil, sqlerr.New(sqlerr.ProgramLimitExceeded, "the command changes %d objects at once, more than %d", len(ops), maxEdit)
	}
	return ops, nil
}

// NextID returns a table ID that was never used.
func (c *Catalog) NextID(ctx context.Context) (catalog.TableID, error) {
	for range maxRaces {
		id := uint64(firstTableID)
		kv, err := c.client.Get(ctx, nextIDKey)
		if err != nil && !errors.Is(err, coord.ErrNotFound) {
			return 0, unavailable(ctx, err)
		}
		if err == nil {
			if id, err = strconv.ParseUint(string(kv.Value), 10, 64); err != nil {
				return 0, sqlerr.New(sqlerr.DataCorrupted, "the counter of tables holds %q", kv.Value)
			}
		}
		_, err = c.client.PutIfRevision(ctx, nextIDKey, strconv.AppendUint(nil, id+1, 10), kv.ModRevision)
		if err == nil {
			return catalog.TableID(id), nil
		}
		if !errors.Is(err, coord.ErrConflict) {
			return 0, unavailable(ctx, err)
		}
	}
	return 0, sqlerr.New(sqlerr.LockNotAvailable, "the counter of tables is contended").WithHint("Try again.")
}
