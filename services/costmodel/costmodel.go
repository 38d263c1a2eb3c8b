package costmodel

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

	"github.com/attunedb/attune/platform/bus"
	"github.com/attunedb/attune/platform/coord"
	costmodelv1 "github.com/attunedb/attune/proto/gen/attune/costmodel/v1"
	historyv1 "github.com/attunedb/attune/proto/gen/attune/history/v1"
)

// Peers reaches single replicas; *rpc.Pool is one.
type Peers interface {
	Get(address string) (conn grpc.ClientConnInterface, release func(), err error)
}

// Instances knows the registered replicas; *coord.Discovery does.
type Instances interface {
	Instances(service string) []coord.Instance
}

// Deps are what the service takes from its process.
type Deps struct {
	// Bus and Coord are the connections to NATS and etcd, which outlive the service.
	Bus   *bus.Conn
	Coord *coord.Client
	// Instance is the name under which the process registers this replica, and stands for election.
	Instance string
	// History answers what was tried. Nil leaves challengers to be judged without a choice of plans, which no champion loses to.
	History grpc.ClientConnInterface
	// Peers and Instances find the trainer for calls that only it can answer. Where one is nil, other replicas refuse them.
	Peers     Peers
	Instances Instances
	// Log, Metrics and Now may be nil: no logs, no metrics, the system's clock.
	Log     *slog.Logger
	Metrics prometheus.Registerer
	Now     func() time.Time
}

// Service is one replica. Make it with New, Register it and Run it.
type Service struct {
	cfg     Config
	deps    Deps
	log     *slog.Logger
	now     func() time.Time
	metrics *metrics
	history historyv1.HistoryServiceClient // nil without Deps.History

	models  atomic.Pointer[models]  // nil until NATS was reached
	current atomic.Pointer[loaded]  // nil until a version was loaded
	trainer atomic.Pointer[trainer] // nil while this replica is not the trainer

	ready      chan struct{} // closed once a version was loaded
	loadedOnce func()        // closes ready
}

// New checks the configuration. It reaches for nothing.
func New(cfg Config, deps Deps) (*Service, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if deps.Bus == nil || deps.Coord == nil || deps.Instance == "" {
		return nil, errors.New("costmodel: it needs NATS, etcd and the instance's name")
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	m, err := newMetrics(deps.Metrics)
	if err != nil {
		return nil, fmt.Errorf("costmodel: %w", err)
	}
	s := &Service{cfg: cfg, deps: deps, log: deps.Log, now: deps.Now, metrics: m, ready: make(chan struct{})}
	s.loadedOnce = sync.OnceFunc(func() { close(s.ready) })
	if deps.History != nil {
		s.history = historyv1.NewHistoryServiceClient(deps.History)
	}
	return s, nil
}

// Register adds CostModelService and PredictorService to a server.
func (s *Service) Register(r grpc.ServiceRegistrar) {
	costmodelv1.RegisterCostModelServiceServer(r, &server{service: s})
	costmodelv1.RegisterPredictorServiceServer(r, &predictor{service: s})
}

// Ready returns once the replica holds a version, or with the end of ctx.
func (s *Service) Ready(ctx context.Context) error {
	select {
	case <-s.ready:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("costmodel: no version loaded: %w", ctx.Err())
	}
}

// Run follows the version in use and stands for election until ctx is done, and returns nil then, after a trainer has stored
// what it learnt. NATS and etcd may be away, at the start too.
func (s *Service) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { s.follow(ctx) })
	err := s.deps.Coord.Elect(ctx, Election, s.deps.Instance, s.lead)
	wg.Wait()
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("costmodel: %w", err)
	}
	return nil
}
