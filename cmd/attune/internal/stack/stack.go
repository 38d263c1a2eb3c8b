package stack

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"

	"github.com/attunedb/attune/platform/bus"
	"github.com/attunedb/attune/platform/coord"
	"github.com/attunedb/attune/platform/lifecycle"
	"github.com/attunedb/attune/platform/profiler"
	"github.com/attunedb/attune/platform/profiler/files"
	"github.com/attunedb/attune/platform/profiler/traffic"
	"github.com/attunedb/attune/platform/rpc"
	"github.com/attunedb/attune/platform/telemetry"
)

// Stack is the process's services. Make it with New; then Run it, or Start and Stop it.
type Stack struct {
	cfg     Config
	group   *lifecycle.Group
	metrics *prometheus.Registry
	network *rpc.Network

	// profiler knows of calls, and of what is counted in files.
	profiler *profiler.Profiler
	calls    *traffic.Recorder
	files    *files.Classes

	// What follows is set while the group starts.
	endpoints []string // of etcd
	coord     *coord.Client
	discovery *coord.Discovery
	bus       *bus.Conn
	dialer    *rpc.Dialer
	pool      *rpc.Pool
	http      *telemetry.HTTP
	servers   map[string]*rpc.Server
	conns     []*grpc.ClientConn

	parts parts
}

// maxPeers bounds the connections to single instances.
const maxPeers = 256

// New prepares a process; nothing is opened before it starts.
func New(cfg Config) (*Stack, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Stack{
		cfg: cfg, group: lifecycle.NewGroup(cfg.Log), metrics: telemetry.NewRegistry(), network: rpc.NewNetwork(),
		servers: map[string]*rpc.Server{},
	}
	s.addLock()
	s.addHTTP()
	if err := s.addProfiler(); err != nil {
		return nil, err
	}
	if cfg.embedded() {
		s.addEtcd()
	}
	s.addBus()
	s.addCoord()
	s.addDialer()
	for _, add := range []struct {
		name string
		fn   func()
	}{
		{Storage, s.addStorage}, {History, s.addHistory}, {CostModel, s.addCostModel}, {Planner, s.addPlanner}, {Executor, s.addExecutor},
	} {
		if cfg.runs(add.name) {
			add.fn()
		}
	}
	s.addRunning()
	return s, nil
}

// Start starts everything and returns when it serves; after an error nothing is left running.
func (s *Stack) Start(ctx context.Context) error { return s.group.Start(ctx) }

// Stop drains and stops everything.
func (s *Stack) Stop(ctx context.Context) error { return s.group.Stop(ctx) }

// Run starts everything, calls ready, and serves until ctx ends or something fails.
func (s *Stack) Run(ctx context.Context, ready func()) error {
	if err := s.Start(ctx); err != nil {
		return err
	}
	ready()
	select {
	case <-ctx.Done():
		s.cfg.Log.Info("draining", "reason", context.Cause(ctx))
	case <-s.group.Failed():
	}
	return errors.Join(s.group.Err(), s.Stop(context.WithoutCancel(ctx)))
}

// Conn connects to a service of the mesh; the stack must have started. The caller closes the connection.
func (s *Stack) Conn(service string) (*grpc.ClientConn, error) {
	return s.dialer.Dial("attune:///" + service)
}

// Address returns where the process is reached over gRPC: an executor's door, or where there is none the server of the first service. It is
// empty when the process does not listen.
func (s *Stack) Address() string {
	if s.cfg.GRPCListen == "" {
		return ""
	}
	first := s.cfg.Services[0]
	if s.cfg.runs(Executor) {
		first = Executor
	}
	server := s.servers[first]
	if server == nil {
		return ""
	}
	addresses := server.Addresses()
	return addresses[len(addresses)-1]
}

// HTTP returns the address of metrics and health, or empty when it does not listen.
func (s *Stack) HTTP() string {
	if s.http == nil {
		return ""
	}
	return s.http.Address()
}

// PG returns the address of the PostgreSQL door, or empty when it does not listen.
func (s *Stack) PG() string { return s.parts.pgAddress() }

// dir returns a directory of the data directory.
func (s *Stack) dir(name string) string { return filepath.Join(s.cfg.Data, name) }

// rpcDeps are what servers and dialers take.
func (s *Stack) rpcDeps() rpc.Deps {
	return rpc.Deps{Network: s.network, Log: s.cfg.Log, Metrics: s.metrics, Traffic: s.calls}
}

func (s *Stack) addLock() {
	var l *lock
	s.group.Add(lifecycle.Component{
		Name:  "data directory",
		Start: func(ctx context.Context) (err error) { l, err = takeLock(ctx, s.cfg.Data); return err },
		Stop:  func(ctx context.Context) error { return l.release(ctx) },
	})
}

func (s *Stack) addHTTP() {
	if s.cfg.HTTPListen == "" {
		return
	}
	s.group.Add(lifecycle.Component{
		Name: "http",
		Start: func(ctx context.Context) (err error) {
			s.http, err = telemetry.NewHTTP(telemetry.HTTPConfig{
				Listen: s.cfg.HTTPListen, Ready: s.group.CheckReady, Gatherer: s.metrics, Profiles: true,
			}, s.cfg.Log)
			if err != nil {
				return taken(err, "--http-listen", s.cfg.HTTPListen)
			}
			return s.http.Start(ctx)
		},
		Run:  func(ctx context.Context) error { return s.http.Run(ctx) },
		Stop: func(ctx context.Context) error { return s.http.Stop(ctx) },
	})
}

// taken explains an address that another program listens on.
func taken(err error, flag, address string) error {
	if !errors.Is(err, syscall.EADDRINUSE) {
		return err
	}
	return fmt.Errorf("%s is taken by another program: give another address with %s, port 0 for any free one (%w)", address, flag, err)
}
