package storage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/platform/coord"
	"github.com/attunedb/attune/platform/profiler/files"
	storagev1 "github.com/attunedb/attune/proto/gen/attune/storage/v1"
	"github.com/attunedb/attune/services/storage/internal/gather"
	"github.com/attunedb/attune/services/storage/internal/log"
	"github.com/attunedb/attune/services/storage/internal/mvcc"
	"github.com/attunedb/attune/services/storage/internal/ranges"
	"github.com/attunedb/attune/services/storage/internal/txn"
)

// Catalog is what the service asks of the catalog.
type Catalog interface {
	// Snapshot returns the newest known state, never nil.
	Snapshot() *catalog.Snapshot
	// Wait returns when the state of a revision is known.
	Wait(ctx context.Context, revision int64) error
}

// Deps are what the service takes from its process.
type Deps struct {
	// Coord holds the catalog and the ranges' leases; it outlives the service. Nil for a node that is alone: it leads everything, and
	// Catalog must be set.
	Coord *coord.Client
	// Catalog replaces the catalog of Coord; may be nil.
	Catalog Catalog
	// Address is what peers dial to reach this node.
	Address string
	// FS is the file system of the data; nil for the operating system's.
	FS vfs.FS
	// Files counts what is read, written and synced, for profiles; nil to count nothing.
	Files *files.Classes
	// RegisterArena is told of memory outside Go's heap, for profiles, until the service is closed; may be nil.
	RegisterArena func(owner string, bytes func() uint64) (unregister func())
	// Log, Metrics and Now may be nil: no logs, no metrics, the system's clock.
	Log     *slog.Logger
	Metrics prometheus.Registerer
	Now     func() time.Time
}

// Service is one storage node. Make it with New, Register it, Run it, and Close it when Run has returned. Its methods are safe for
// concurrent use.
type Service struct {
	cfg     Config
	deps    Deps
	log     *slog.Logger
	node    string
	store   *mvcc.Store
	txns    *txn.Manager
	stats   *gather.Tables
	retired *retired
	ranges  ranges.Table
	catalog Catalog
	close   func() error
	// arenas end what registerArenas began.
	arenas []func()
	// seen is a catalog revision that is known to be known.
	seen atomic.Int64
	// leading is closed when this node leads a range for the first time.
	leading chan struct{}
	lead    func()
}

// startTimeout bounds reading the catalog at the start.
const startTimeout = 15 * time.Second

// New opens the data and the catalog.
func New(cfg Config, deps Deps) (_ *Service, err error) {
	if cfg, err = cfg.withDefaults(); err != nil {
		return nil, err
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	s := &Service{cfg: cfg, deps: deps, log: deps.Log, retired: newRetired(), leading: make(chan struct{}), close: func() error { return nil }}
	s.lead = sync.OnceFunc(func() { close(s.leading) })
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("storage: %w", err), s.Close())
		}
	}()
	switch {
	case deps.Catalog != nil:
		s.catalog = deps.Catalog
	case deps.Coord != nil:
		c, err := newMirror(deps.Coord)
		if err != nil {
			return nil, err
		}
		s.catalog, s.close = c, c.close
	default:
		return nil, errors.New("no catalog")
	}
	s.store, err = mvcc.Open(mvcc.Config{Dir: cfg.Data, FS: counted(deps.FS, deps.Files), CacheBytes: int64(cfg.CacheBytes),
		MemTableBytes: uint64(cfg.MemTableBytes), Logger: pebbleLogger{deps.Log}})
	if err != nil {
		return nil, err
	}
	s.registerArenas()
	if s.node, err = nodeID(s.store); err != nil {
		return nil, err
	}
	l, err := log.OpenLocal(s.store)
	if err != nil {
		return nil, err
	}
	s.stats, err = gather.Open(gather.Deps{Store: s.store, Catalog: s.catalog.Snapshot, Clock: deps.Now,
		Timestamp: func() (uint64, error) { return s.txns.Timestamp() }})
	if err != nil {
		return nil, err
	}
	s.txns, err = txn.New(context.Background(), txn.Config{IdleTimeout: cfg.IdleTimeout, MaxTxnBytes: int64(cfg.TxnBytes),
		MaxTotalBytes: int64(cfg.StagedBytes)}, txn.Deps{Store: s.store, Log: l, Clock: deps.Now,
		Check: s.checkVersions, Prepare: s.stats.Prepare, Applied: s.applied})
	if err != nil {
		return nil, err
	}
	if err := registerMetrics(deps.Metrics, s); err != nil {
		return nil, err
	}
	if deps.Coord == nil {
		s.ranges.Lead(ranges.Range{ID: firstRange, Leader: deps.Address}, true)
		s.lead()
	}
	return s, nil
}

// Register adds StorageService to a server.
func (s *Service) Register(r grpc.ServiceRegistrar) {
	storagev1.RegisterStorageServiceServer(r, &server{service: s})
}

// Ready returns once the node leads a range, or with the end of ctx.
func (s *Service) Ready(ctx context.Context) error {
	select {
	case <-s.leading:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("storage: no lease of a range: %w", ctx.Err())
	}
}

// Run commits, collects, gathers and holds leases until ctx is done, and returns nil then. Without it no commit ends.
func (s *Service) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	parts := []func(context.Context) error{s.txns.Run, s.stats.Run, s.collect}
	if s.deps.Coord != nil {
		parts = append(parts, s.holdRanges)
	}
	errs := make(chan error, len(parts))
	for _, run := range parts {
		go func() {
			errs <- run(ctx)
			// One part that ends ends them all.
			cancel()
		}()
	}
	var err error
	for range parts {
		err = errors.Join(err, <-errs)
	}
	return err
}

// Close closes the data. Run must have returned, every scan be closed, and no call be running.
func (s *Service) Close() error {
	err := s.close()
	for _, unregister := range s.arenas {
		unregister()
	}
	s.arenas = nil
	if s.store != nil {
		err = errors.Join(err, s.store.Close())
	}
	return err
}

// registerArenas tells of what Pebble holds outside Go's heap.
func (s *Service) registerArenas() {
	register := s.deps.RegisterArena
	if register == nil {
		return
	}
	s.arenas = append(s.arenas,
		register("pebble cache", func() uint64 { return uint64(s.store.Metrics().BlockCache.Size) }),
		register("pebble memtables", func() uint64 { m := s.store.Metrics().MemTable; return m.Size + m.ZombieSize }))
}

func (s *Service) applied(commits []txn.Commit) {
	if s.deps.Files != nil {
		s.deps.Files.User(0, writtenBytes(commits))
	}
	s.stats.Applied(commits)
	s.retired.add(commits)
}

// table returns a table in the version that a request was made for.
func (s *Service) table(v access.TableVersion) (*catalog.Table, error) {
	t := s.catalog.Snapshot().TableByID(v.ID)
	switch {
	case t == nil:
		return nil, fmt.Errorf("%w: there is no table %d", access.ErrStaleSchema, v.ID)
	case t.Version != v.Version:
		return nil, fmt.Errorf("%w: table %q is at version %d, not %d", access.ErrStaleSchema, t.Name, t.Version, v.Version)
	}
	return t, nil
}

// checkVersions is table for the writes of a transaction that commits.
func (s *Service) checkVersions(versions []txn.Version) error {
	for _, v := range versions {
		if _, err := s.table(access.TableVersion{ID: v.Table, Version: v.Version}); err != nil {
			return errSchemaMoved(err)
		}
	}
	return nil
}

// awaitCatalog returns when a catalog revision is known.
func (s *Service) awaitCatalog(ctx context.Context, revision int64) error {
	if revision <= s.seen.Load() {
		return nil
	}
	if err := s.catalog.Wait(ctx, revision); err != nil {
		return fmt.Errorf("storage: catalog revision %d: %w", revision, err)
	}
	for {
		at := s.seen.Load()
		if revision <= at || s.seen.CompareAndSwap(at, revision) {
			return nil
		}
	}
}

// pebbleLogger hands Pebble's messages on.
type pebbleLogger struct{ log *slog.Logger }

func (l pebbleLogger) Infof(format string, args ...any) {
	l.log.Debug("pebble", "message", fmt.Sprintf(format, args...))
}

func (l pebbleLogger) Errorf(format string, args ...any) {
	l.log.Error("pebble", "message", fmt.Sprintf(format, args...))
}

// Fatalf is called when Pebble cannot go on without risking the data, such as after a failed sync: the process must not.
func (l pebbleLogger) Fatalf(format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	l.log.Error("pebble cannot go on", "message", message)
	panic("storage: " + message)
}
