package rpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	"github.com/attunedb/attune/platform/profiler/traffic"
	"github.com/attunedb/attune/platform/telemetry"
)

// ServerConfig configures NewServer. Zero values have the defaults that are named.
type ServerConfig struct {
	// Listen are the addresses to serve on, in the forms of Network.Listen; at least one.
	Listen []string
	// MaxRecvBytes bounds a message that is received. Default 64 MiB.
	MaxRecvBytes int
	// MaxSendBytes bounds a message that is sent. Default: no bound of its own, the receiver's counts.
	MaxSendBytes int
	// MaxStreams bounds the concurrent calls of one connection. Default 16384.
	MaxStreams uint32
	// DefaultDeadline is given to unary calls that come without one. Default 30 s.
	DefaultDeadline time.Duration
	// DrainDelay is how long Stop, having turned NOT_SERVING, still takes calls, so that clients notice. Default 0.
	DrainDelay time.Duration
	// DrainTimeout bounds the graceful part of Stop; calls that still run then are cut. Default 10 s.
	DrainTimeout time.Duration
	// Credentials secure the connections; nil is plain text.
	Credentials credentials.TransportCredentials
	// Options are appended to the server's own, for a codec or further interceptors.
	Options []grpc.ServerOption
}

func (c ServerConfig) withDefaults() ServerConfig {
	if c.MaxRecvBytes <= 0 {
		c.MaxRecvBytes = defaultMaxMessageBytes
	}
	if c.MaxSendBytes <= 0 {
		c.MaxSendBytes = math.MaxInt32
	}
	if c.MaxStreams == 0 {
		c.MaxStreams = 16384
	}
	if c.DefaultDeadline <= 0 {
		c.DefaultDeadline = 30 * time.Second
	}
	if c.DrainTimeout <= 0 {
		c.DrainTimeout = 10 * time.Second
	}
	if c.Credentials == nil {
		c.Credentials = insecure.NewCredentials()
	}
	return c
}

const defaultMaxMessageBytes = 64 << 20

// Deps are what servers and dialers take from their process. Every field may be nil: no in-memory addresses, no logs, no
// metrics, no traces, no record of traffic.
type Deps struct {
	Network *Network
	Log     *slog.Logger
	Metrics prometheus.Registerer
	Tracer  *telemetry.Tracer
	// Traffic records calls by peer and method, for profiles. A process has one.
	Traffic *traffic.Recorder
}

func (d Deps) withDefaults() Deps {
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	return d
}

// Server is a gRPC server with health and reflection registered. It implements grpc.ServiceRegistrar.
//
// Its life: NewServer listens, the caller registers services, Start serves, SetReady(true) turns it SERVING, Stop drains it.
type Server struct {
	cfg       ServerConfig
	log       *slog.Logger
	grpc      *grpc.Server
	health    *health.Server
	listeners []net.Listener

	mu       sync.Mutex
	started  bool
	ready    bool
	draining bool
	drain    chan struct{} // closed when Stop begins
	failed   chan error    // the first error of Serve
	serving  sync.WaitGroup
}

// NewServer opens the listeners, so that Addresses is known before anything is registered. It accepts no connection before
// Start. Without a Start the caller must Stop it all the same.
func NewServer(cfg ServerConfig, deps Deps) (*Server, error) {
	cfg, deps = cfg.withDefaults(), deps.withDefaults()
	if len(cfg.Listen) == 0 {
		return nil, errors.New("rpc: no listen address")
	}
	metrics, err := newMetrics(deps.Metrics, "server")
	if err != nil {
		return nil, err
	}
	in := &serverInterceptor{log: deps.Log, metrics: metrics, tracer: deps.Tracer, deadline: cfg.DefaultDeadline}
	opts := []grpc.ServerOption{
		grpc.Creds(cfg.Credentials),
		grpc.MaxRecvMsgSize(cfg.MaxRecvBytes),
		grpc.MaxSendMsgSize(cfg.MaxSendBytes),
		grpc.MaxConcurrentStreams(cfg.MaxStreams),
		grpc.ConnectionTimeout(10 * time.Second),
		// Clients of this package ping every 20 s, also without calls, so that a dead peer is noticed before it is needed.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 30 * time.Second, Timeout: 10 * time.Second}),
		grpc.ChainUnaryInterceptor(in.unary),
		grpc.ChainStreamInterceptor(in.stream),
	}
	if deps.Traffic != nil {
		opts = append(opts, grpc.InTapHandle(deps.Traffic.Tap))
	}
	s := &Server{
		cfg: cfg, log: deps.Log,
		grpc:   grpc.NewServer(append(opts, cfg.Options...)...),
		health: health.NewServer(),
		drain:  make(chan struct{}),
		failed: make(chan error, len(cfg.Listen)),
	}
	s.health.SetServingStatus("", healthpb.HealthCheckResponse_NOT_SERVING)
	healthpb.RegisterHealthServer(s.grpc, s.health)
	for _, address := range cfg.Listen {
		l, err := deps.Network.Listen(address)
		if err != nil {
			for _, open := range s.listeners {
				open.Close()
			}
			return nil, fmt.Errorf("rpc: listen on %s: %w", address, err)
		}
		s.listeners = append(s.listeners, l)
	}
	return s, nil
}

// RegisterService implements grpc.ServiceRegistrar. It must be called before Start.
func (s *Server) RegisterService(desc *grpc.ServiceDesc, impl any) {
	s.grpc.RegisterService(desc, impl)
	s.health.SetServingStatus(desc.ServiceName, healthpb.HealthCheckResponse_NOT_SERVING)
}

// Addresses returns what clients dial, in the order of ServerConfig.Listen, with real ports.
func (s *Server) Addresses() []string {
	out := make([]string, len(s.listeners))
	for i, l := range s.listeners {
		out[i] = l.Addr().String()
		if l.Addr().Network() == "unix" {
			out[i] = "unix://" + out[i]
		}
	}
	return out
}

// Address returns the first of Addresses.
func (s *Server) Address() string { return s.Addresses()[0] }

// Start serves in the background, NOT_SERVING in its health until SetReady. ctx is not used beyond the call.
func (s *Server) Start(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started || s.draining {
		return errors.New("rpc: server started twice, or after Stop")
	}
	s.started = true
	reflection.Register(s.grpc)
	for _, l := range s.listeners {
		s.serving.Go(func() {
			if err := s.grpc.Serve(l); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
				s.failed <- fmt.Errorf("rpc: serve %s: %w", l.Addr(), err)
			}
		})
	}
	return nil
}

// Run is for lifecycle.Component: it returns a failure of serving, or nil once ctx is done.
func (s *Server) Run(ctx context.Context) error {
	select {
	case err := <-s.failed:
		return err
	case <-ctx.Done():
		return nil
	}
}

// SetReady turns the server SERVING or NOT_SERVING. It has no effect once Stop has begun.
func (s *Server) SetReady(ready bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready = ready
	status := healthpb.HealthCheckResponse_NOT_SERVING
	if ready {
		status = healthpb.HealthCheckResponse_SERVING
	}
	// After Shutdown the health server ignores this.
	s.health.SetServingStatus("", status)
	for name := range s.grpc.GetServiceInfo() {
		s.health.SetServingStatus(name, status)
	}
}

// Ready returns an error unless the server is SERVING.
func (s *Server) Ready(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.draining:
		return errors.New("rpc: draining")
	case !s.started || !s.ready:
		return errors.New("rpc: not serving")
	}
	return nil
}

// Draining is closed when Stop begins. Handlers of long-lived streams should end them then, or they are cut.
func (s *Server) Draining() <-chan struct{} { return s.drain }

// Stop turns NOT_SERVING, waits DrainDelay, refuses further calls, waits for the running ones until DrainTimeout or the end of
// ctx, and cuts what is left, which is reported as an error. When it returns, every handler has, except for handlers that ignore
// the end of their context for longer than abandonAfter, which the error says. A second call returns nil.
func (s *Server) Stop(ctx context.Context) error {
	s.mu.Lock()
	if s.draining {
		s.mu.Unlock()
		return nil
	}
	s.draining = true
	started := s.started
	s.mu.Unlock()
	close(s.drain)
	s.health.Shutdown()
	if !started {
		for _, l := range s.listeners {
			l.Close()
		}
		s.grpc.Stop()
		return nil
	}

	ctx, cancel := context.WithTimeout(ctx, s.cfg.DrainTimeout+s.cfg.DrainDelay)
	defer cancel()
	if s.cfg.DrainDelay > 0 {
		delay := time.NewTimer(s.cfg.DrainDelay)
		defer delay.Stop()
		select {
		case <-delay.C:
		case <-ctx.Done():
		}
	}
	graceful := make(chan struct{})
	go func() {
		defer close(graceful)
		s.grpc.GracefulStop()
	}()
	var err error
	select {
	case <-graceful:
	case <-ctx.Done():
		err = fmt.Errorf("rpc: calls were cut while draining: %w", ctx.Err())
		s.grpc.Stop()
		last := time.NewTimer(abandonAfter)
		defer last.Stop()
		select {
		case <-graceful:
		case <-last.C:
			return errors.Join(err, errors.New("rpc: handlers ignore the end of their calls and were abandoned"))
		}
	}
	s.serving.Wait()
	return err
}

// abandonAfter is how long Stop waits for handlers whose calls it has cut.
const abandonAfter = time.Second
