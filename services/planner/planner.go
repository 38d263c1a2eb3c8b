package planner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/platform/coord"
	costmodelv1 "github.com/attunedb/attune/proto/gen/attune/costmodel/v1"
	executorv1 "github.com/attunedb/attune/proto/gen/attune/executor/v1"
	plannerv1 "github.com/attunedb/attune/proto/gen/attune/planner/v1"
	storagev1 "github.com/attunedb/attune/proto/gen/attune/storage/v1"
	"github.com/attunedb/attune/services/planner/internal/cost"
	"github.com/attunedb/attune/services/planner/internal/explore"
	"github.com/attunedb/attune/services/planner/internal/optimizer"
	"github.com/attunedb/attune/services/planner/internal/statistics"
)

// Deps are what the service takes from its process. The connections outlive it.
type Deps struct {
	// Storage, History, CostModel and Executor are connections to all instances of those services.
	Storage, History, CostModel, Executor grpc.ClientConnInterface
	Coord                                 *coord.Client
	// Log, Metrics and Now may be nil: no logs, no metrics, the system's clock.
	Log     *slog.Logger
	Metrics prometheus.Registerer
	Now     func() time.Time
}

// Service is one planner. Make it with New, Register it and Run it.
type Service struct {
	cfg       Config
	deps      Deps
	log       *slog.Logger
	now       func() time.Time
	metrics   *metrics
	model     *cost.Model
	optimizer *optimizer.Optimizer
	history   *historyPeer
	costmodel costmodelv1.CostModelServiceClient
	executor  executorv1.ExecutorServiceClient

	mirror  atomic.Pointer[coord.Mirror[object]]
	started chan struct{} // closed once the catalog was read

	catalogMu   sync.Mutex
	catalogSnap *catalog.Snapshot
	catalogFrom *coord.Snapshot[object]
}

// The service's history is a Feedback source as well.
var _ statistics.CardinalitySource = (*historyPeer)(nil)

// maxFeedbackKeys bounds the measured row counts that are kept.
const maxFeedbackKeys = 100_000

// New returns a planner. It connects to nothing yet.
func New(cfg Config, deps Deps) (*Service, error) {
	if deps.Storage == nil || deps.History == nil || deps.CostModel == nil || deps.Executor == nil || deps.Coord == nil {
		return nil, errors.New("planner: a connection is missing")
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	m, err := newMetrics(deps.Metrics)
	if err != nil {
		return nil, fmt.Errorf("planner: %w", err)
	}
	cfg = cfg.withDefaults()
	s := &Service{cfg: cfg, deps: deps, log: deps.Log, now: deps.Now, metrics: m, model: cost.NewModel(), started: make(chan struct{}),
		history:   newHistoryPeer(deps.History, cfg.HistoryAge, cfg.Wait, deps.Now),
		costmodel: costmodelv1.NewCostModelServiceClient(deps.CostModel), executor: executorv1.NewExecutorServiceClient(deps.Executor)}
	s.optimizer = optimizer.New(optimizer.Deps{
		Tables:   statistics.NewCache(storageSource{storagev1.NewStorageServiceClient(deps.Storage)}, cfg.StatisticsAge, cfg.Wait, deps.Now, deps.Log),
		Feedback: statistics.NewFeedbackCache(s.history, cfg.FeedbackAge, cfg.Wait, maxFeedbackKeys, deps.Now),
		History:  s.history, Model: s.model, Parallelism: cfg.Parallelism, Now: deps.Now,
	})
	return s, nil
}

// Register adds PlannerService to a server.
func (s *Service) Register(r grpc.ServiceRegistrar) {
	plannerv1.RegisterPlannerServiceServer(r, &server{service: s})
}

// Ready returns once the catalog was read, or with the end of ctx.
func (s *Service) Ready(ctx context.Context) error {
	select {
	case <-s.started:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("planner: catalog not read: %w", ctx.Err())
	}
}

// Close does nothing: all that the service holds ends with Run.
func (s *Service) Close() error { return nil }

// Run keeps the copies fresh and takes part in the explorer's election until ctx is done, and returns nil then. All services may be
// away, at the start too, except etcd.
func (s *Service) Run(ctx context.Context) error {
	mirror, err := s.openCatalog(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	defer mirror.Close()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { s.followModel(ctx) })
	wg.Go(func() { s.history.record(ctx) })
	wg.Go(func() { s.history.watch(ctx) })
	if !s.cfg.Explore.Off {
		wg.Go(func() { s.explore(ctx) })
	}
	<-ctx.Done()
	return nil
}

// openCatalog mirrors the catalog, once etcd answers.
func (s *Service) openCatalog(ctx context.Context) (*coord.Mirror[object], error) {
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		m, err := coord.NewMirror(ctx, s.deps.Coord, catalogPrefix, decodeObject)
		if err == nil {
			s.mirror.Store(m)
			close(s.started)
			return m, nil
		}
		s.log.Warn("catalog cannot be read", "error", err)
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// explore takes part in the election of the explorer.
func (s *Service) explore(ctx context.Context) {
	err := s.deps.Coord.Elect(ctx, "explorer", s.cfg.Instance, func(ctx context.Context, _ coord.Leadership) error {
		s.log.Info("exploring")
		return explore.New(s.cfg.Explore, &explorerDeps{s}, s.now, s.log).Run(ctx)
	})
	if err != nil && ctx.Err() == nil {
		s.log.Warn("no part in the explorer's election", "error", err)
	}
}
