package history

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
	historyv1 "github.com/attunedb/attune/proto/gen/attune/history/v1"
	"github.com/attunedb/attune/services/history/internal/store"
)

// Deps are what the service takes from its process.
type Deps struct {
	// Bus is the connection to NATS, which outlives the service.
	Bus *bus.Conn
	// Log, Metrics and Now may be nil: no logs, no metrics, the system's clock.
	Log     *slog.Logger
	Metrics prometheus.Registerer
	Now     func() time.Time
	// Draining, once closed, ends the watches, so that the server need not cut them. May be nil.
	Draining <-chan struct{}
}

// Service is one replica. Make it with New, Register it, Run it, and Close it when Run has returned.
type Service struct {
	cfg     Config
	deps    Deps
	log     *slog.Logger
	now     func() time.Time
	metrics *metrics
	store   *store.Store
	hub     *hub
	bucket  atomic.Pointer[bucket] // nil until NATS was reached

	applying sync.Mutex
	evicted  chan store.Evicted
	synced   chan struct{} // closed once the copy of the bucket was complete
	caughtUp func()        // closes synced
	stopping chan struct{} // closed when Run ends, so that watches do
	stop     func()
}

// New opens the store.
func New(cfg Config, deps Deps) (*Service, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if deps.Bus == nil {
		return nil, errors.New("history: no connection to NATS")
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	m, err := newMetrics(deps.Metrics)
	if err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	st, err := store.Open(cfg.Data, cfg.store(), deps.Log)
	if err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	s := &Service{cfg: cfg, deps: deps, log: deps.Log, now: deps.Now, metrics: m, store: st, hub: newHub(cfg.WatchBuffer),
		evicted: make(chan store.Evicted, 1024), synced: make(chan struct{}), stopping: make(chan struct{})}
	s.caughtUp = sync.OnceFunc(func() { close(s.synced) })
	s.stop = sync.OnceFunc(func() { close(s.stopping) })
	return s, nil
}

// Register adds HistoryService to a server.
func (s *Service) Register(r grpc.ServiceRegistrar) {
	historyv1.RegisterHistoryServiceServer(r, &server{service: s})
}

// Ready returns once the replica holds the guard's records, or with the end of ctx.
func (s *Service) Ready(ctx context.Context) error {
	if err := s.store.Err(); err != nil {
		return err
	}
	select {
	case <-s.synced:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("history: not caught up with the guard's records: %w", ctx.Err())
	}
}

// Close closes the store. Run must have returned, and no call be running.
func (s *Service) Close() error { return s.store.Close() }

// Run consumes until ctx is done, and returns nil then. NATS may be away, at the start too. It fails when the disk does.
func (s *Service) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	defer s.stop()
	wg.Go(func() { s.followBucket(ctx) })
	wg.Go(func() { s.removeEvicted(ctx) })

	stream := bus.StreamConfig{Name: FeedbackStream, Subjects: []string{FeedbackSubject, FeedbackSubject + ".>"},
		MaxBytes: s.cfg.StreamBytes, Replicas: s.cfg.Replicas}
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		js, err := s.deps.Bus.EnsureStream(ctx, stream)
		if err == nil {
			wg.Go(func() { s.removeStale(ctx, js) })
			break
		}
		if ctx.Err() != nil {
			return nil
		}
		s.log.Warn("no feedback stream", "error", err)
		wait(ctx, pause)
	}
	broken := make(chan error, 1)
	consumer, err := s.deps.Bus.NewConsumer(bus.ConsumerConfig{Stream: FeedbackStream, Durable: s.durable(), Batch: s.cfg.Batch},
		func(ctx context.Context, msgs []*bus.Msg) error {
			err := s.consume(ctx, msgs)
			if err != nil && s.store.Err() != nil {
				// Trying again cannot help, and giving the events up would lose them: the next start takes them in.
				select {
				case broken <- err:
				default:
				}
				<-ctx.Done()
			}
			return err
		})
	if err != nil {
		return fmt.Errorf("history: %w", err)
	}
	consuming, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	wg.Go(func() { done <- consumer.Run(consuming) })
	select {
	case err := <-done:
		return err
	case err := <-broken:
		stop()
		return fmt.Errorf("history: %w", err)
	}
}

// durable is the replica's place in the feedback stream.
func (s *Service) durable() string { return durablePrefix + s.store.Replica() }
