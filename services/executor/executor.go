package executor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/attunedb/attune/platform/bus"
	"github.com/attunedb/attune/platform/coord"
	executorv1 "github.com/attunedb/attune/proto/gen/attune/executor/v1"
	historyv1 "github.com/attunedb/attune/proto/gen/attune/history/v1"
	queryv1 "github.com/attunedb/attune/proto/gen/attune/query/v1"
	typesv1 "github.com/attunedb/attune/proto/gen/attune/types/v1"
	"github.com/attunedb/attune/services/executor/internal/feedback"
	"github.com/attunedb/attune/services/executor/internal/pgwire"
	"github.com/attunedb/attune/services/executor/internal/plancache"
	"github.com/attunedb/attune/services/executor/internal/sequence"
	"github.com/attunedb/attune/services/executor/internal/session"
	"github.com/attunedb/attune/services/executor/internal/store"
	"github.com/attunedb/attune/services/executor/remote"
)

const (
	// feedbackSubject is where executions are published; the stream ATTUNE_FEEDBACK covers it.
	feedbackSubject = "attune.feedback"
	// transitionsSubject carries changes of plans' states.
	transitionsSubject = "attune.transitions"
	rangePrefix        = "ranges/"
	settingPrefix      = "settings/"
	startTimeout       = 30 * time.Second
)

// Store is what the executor needs of storage: its methods are those of storage's local hand-off.
type Store = store.Store

// Deps are what an executor works with.
type Deps struct {
	// Store is storage in the same process; nil reaches it over Storage.
	Store Store
	// Storage reaches some storage node, StorageNodes each one by address; both are unused with Store. StorageNodes may be nil.
	Storage      grpc.ClientConnInterface
	StorageNodes remote.Connections
	// Planner reaches the planners.
	Planner grpc.ClientConnInterface
	Coord   *coord.Client
	// Bus may be nil: no feedback, and changes of plans are not followed.
	Bus *bus.Conn
	// Draining is closed when the gRPC server begins to drain: Session streams end then as soon as they are between transactions.
	// Nil is never.
	Draining <-chan struct{}
	Log      *slog.Logger
	Metrics  prometheus.Registerer
	// Clock is time.Now when nil.
	Clock func() time.Time
}

// Service is an executor.
type Service struct {
	cfg      Config
	deps     Deps
	log      *slog.Logger
	catalog  *remote.Catalog
	storage  *remote.Storage
	plans    *plancache.Cache
	recorder *feedback.Recorder
	events   *bus.Publisher
	manager  *session.Manager
	pg       *pgwire.Server
	ranges   *coord.Mirror[*typesv1.RangeDescriptor]
	settings *coord.Mirror[string]
	query    *queryServer
	stopOnce sync.Once
}

// New reads the catalog and makes an executor that is ready to serve. The caller must Run it, or Stop it.
func New(cfg Config, deps Deps) (_ *Service, err error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Planner == nil || deps.Coord == nil || deps.Store == nil && deps.Storage == nil {
		return nil, errors.New("executor: planner, coordination store and storage are needed")
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{cfg: cfg, deps: deps, log: deps.Log}
	defer func() {
		if err != nil {
			s.release(context.Background())
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if s.catalog, err = remote.NewCatalog(ctx, deps.Coord); err != nil {
		return nil, fmt.Errorf("executor: catalog: %w", err)
	}
	st := deps.Store
	if st == nil {
		s.storage = remote.NewStorage(remote.StorageConfig{Any: deps.Storage, Connections: deps.StorageNodes, Log: deps.Log})
		st = s.storage
		if err := s.followRanges(ctx); err != nil {
			return nil, err
		}
	}
	if s.plans, err = plancache.New(cfg.MaxPlans, deps.Metrics); err != nil {
		return nil, fmt.Errorf("executor: %w", err)
	}
	var sink feedback.Sink
	if deps.Bus != nil {
		if s.events, err = deps.Bus.NewPublisher(bus.PublisherConfig{Subject: feedbackSubject, BatchEvents: 64, BatchDelay: 5 * time.Millisecond}); err != nil {
			return nil, fmt.Errorf("executor: feedback: %w", err)
		}
		sink = &remote.Feedback{Executor: cfg.Instance, Publisher: s.events}
	}
	s.recorder = feedback.NewRecorder(cfg.feedback(), sink, deps.Clock)
	s.manager = session.NewManager(cfg.sessions(), session.Deps{Store: st, Planner: remote.NewPlanner(deps.Planner), Catalog: s.catalog,
		Plans: s.plans, Feedback: s.recorder, Sequences: sequence.New(deps.Coord), Log: deps.Log, Clock: deps.Clock})
	if err := s.followSettings(ctx); err != nil {
		return nil, err
	}
	if cfg.PGListen != "" {
		s.pg = pgwire.New(cfg.pgwire(), s.manager, deps.Log)
		if err := s.pg.Start(ctx); err != nil {
			return nil, err
		}
	}
	s.query = newQueryServer(cfg, s.manager, deps.Log, deps.Draining)
	return s, nil
}

func (s *Service) followRanges(ctx context.Context) (err error) {
	s.ranges, err = coord.NewMirror(ctx, s.deps.Coord, rangePrefix, func(_ string, value []byte) (*typesv1.RangeDescriptor, error) {
		r := &typesv1.RangeDescriptor{}
		return r, proto.Unmarshal(value, r)
	})
	if err != nil {
		return fmt.Errorf("executor: range map: %w", err)
	}
	apply := func(snap *coord.Snapshot[*typesv1.RangeDescriptor]) {
		var all []*typesv1.RangeDescriptor
		for _, r := range snap.All() {
			all = append(all, r)
		}
		s.storage.SetRanges(all)
	}
	apply(s.ranges.Snapshot())
	s.ranges.OnChange(func(snap *coord.Snapshot[*typesv1.RangeDescriptor], _ []coord.Change[*typesv1.RangeDescriptor]) {
		apply(snap)
	})
	return nil
}

func (s *Service) followSettings(ctx context.Context) (err error) {
	s.settings, err = coord.NewMirror(ctx, s.deps.Coord, settingPrefix, func(_ string, value []byte) (string, error) { return string(value), nil })
	if err != nil {
		return fmt.Errorf("executor: settings: %w", err)
	}
	apply := func(snap *coord.Snapshot[string]) {
		values := map[string]string{}
		for key, v := range snap.All() {
			values[strings.ToLower(strings.TrimPrefix(key, settingPrefix))] = v
		}
		s.manager.SetDefaults(values)
	}
	apply(s.settings.Snapshot())
	s.settings.OnChange(func(snap *coord.Snapshot[string], _ []coord.Change[string]) { apply(snap) })
	return nil
}

// Register adds the executor's gRPC services to a server.
func (s *Service) Register(r grpc.ServiceRegistrar) {
	queryv1.RegisterQueryServiceServer(r, s.query)
	executorv1.RegisterExecutorServiceServer(r, &executorServer{cfg: s.cfg, manager: s.manager, plans: s.plans})
}

// PGAddress returns where the PostgreSQL door listens, empty without one.
func (s *Service) PGAddress() string {
	if s.pg == nil {
		return ""
	}
	return s.pg.Address()
}

// Ready reports why statements cannot be served, nil when they can.
func (s *Service) Ready(context.Context) error { return nil }

// Run serves until ctx ends, then ends all sessions and releases everything.
func (s *Service) Run(ctx context.Context) error {
	loops, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var wait sync.WaitGroup
	wait.Go(func() { s.manager.Heartbeats(loops) })
	wait.Go(func() { s.recorder.Loop(loops) })
	unsubscribe := s.followTransitions()
	pg := make(chan error, 1)
	if s.pg != nil {
		wait.Go(func() { pg <- s.pg.Run(loops) })
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-pg:
	}
	stop, done := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.DrainTimeout)
	defer done()
	unsubscribe()
	err = errors.Join(err, s.Stop(stop))
	cancel()
	wait.Wait()
	s.release(stop)
	return err
}

// Stop refuses sessions, waits for those that are open until ctx ends, and cancels what is left. Run returns after its context has
// ended; a lifecycle calls Stop before. It may be called twice and never fails.
func (s *Service) Stop(ctx context.Context) error {
	s.stopOnce.Do(func() {
		if s.pg != nil {
			if err := s.pg.Stop(ctx); err != nil {
				s.log.Warn("sessions were cut", "error", err)
			}
		}
		s.query.close()
		s.manager.Drain(ctx)
	})
	return nil
}

// release gives back what New took.
func (s *Service) release(ctx context.Context) {
	var errs []error
	if s.events != nil {
		errs = append(errs, s.events.Close(ctx))
	}
	if s.storage != nil {
		s.storage.Close()
	}
	if s.ranges != nil {
		errs = append(errs, s.ranges.Close())
	}
	if s.settings != nil {
		errs = append(errs, s.settings.Close())
	}
	if s.catalog != nil {
		errs = append(errs, s.catalog.Close())
	}
	if err := errors.Join(errs...); err != nil {
		s.log.Debug("release", "error", err)
	}
}

// followTransitions drops the plans of templates whose plans have changed their state.
func (s *Service) followTransitions() (stop func()) {
	if s.deps.Bus == nil {
		return func() {}
	}
	sub, err := s.deps.Bus.NATS().Subscribe(transitionsSubject, func(m *nats.Msg) {
		t := &historyv1.PlanTransition{}
		if err := proto.Unmarshal(m.Data, t); err != nil {
			s.log.Warn("malformed transition", "error", err)
			return
		}
		s.plans.Forget([]uint64{t.GetTemplateId()})
	})
	if err != nil {
		s.log.Warn("changes of plans are not followed", "error", err)
		return func() {}
	}
	return func() {
		if err := sub.Unsubscribe(); err != nil {
			s.log.Debug("unsubscribe", "error", err)
		}
	}
}
