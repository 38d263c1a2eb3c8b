package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"time"

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

// connectPause is the time between two attempts to reach etcd.
const connectPause = time.Second

// Process is what a running program gives to its service. The service does not close any of it.
type Process struct {
	Log     *slog.Logger
	Metrics *prometheus.Registry
	Coord   *coord.Client
	// Bus is nil for a program without NATS.
	Bus *bus.Conn
	// Discovery is nil for a program without peers.
	Discovery *coord.Discovery
	// Profiler and Files are told of memory outside Go's heap and of files, for profiles.
	Profiler *profiler.Profiler
	Files    *files.Classes
	// Address is what peers dial.
	Address string
	// Instance is the name under which the process is registered.
	Instance string

	program *Program
	cfg     *Config
	server  *rpc.Server
	web     *telemetry.HTTP // nil without an address
	group   *lifecycle.Group
	dialer  *rpc.Dialer
	peers   []io.Closer // connections and pools, in the order of their making
}

// Draining is closed when the gRPC server begins to drain: long-lived streams should end then.
func (p *Process) Draining() <-chan struct{} { return p.server.Draining() }

// Dial returns connections to all instances of each of the services, in their order. It waits for none of them.
func (p *Process) Dial(services ...string) ([]*grpc.ClientConn, error) {
	if p.dialer == nil {
		return nil, fmt.Errorf("process: %s has no peers to dial", p.program.Name)
	}
	out := make([]*grpc.ClientConn, len(services))
	for i, service := range services {
		conn, err := p.dialer.Dial(rpc.Scheme + ":///" + service)
		if err != nil {
			return nil, err
		}
		p.peers = append(p.peers, conn)
		out[i] = conn
	}
	return out, nil
}

// Pool returns connections to at most so many single instances, by their address; 0 is as for rpc.Dialer.NewPool. It panics in a
// program without peers, which is a bug.
func (p *Process) Pool(size int) *rpc.Pool {
	pool := p.dialer.NewPool(size)
	p.peers = append(p.peers, pool)
	return pool
}

// open makes everything but the service. The caller must close the process, also after an error.
func (p *Process) open(ctx context.Context, stderr io.Writer) error {
	var err error
	if p.Log, _, err = telemetry.NewLogger(stderr, p.cfg.Log); err != nil {
		return err
	}
	name := p.program.Name
	p.Log = p.Log.With("service", name)
	p.Metrics = telemetry.NewRegistry()
	if p.program.NATS != nil {
		if p.Bus, err = bus.Connect(bus.Config{URLs: *p.program.NATS, Name: name}, bus.Deps{Log: p.Log, Metrics: p.Metrics}); err != nil {
			return err
		}
	}
	if err := retry(ctx, p.Log, p.openCoord); err != nil {
		return err
	}
	calls := traffic.New(traffic.Config{Name: name})
	deps := rpc.Deps{Log: p.Log, Metrics: p.Metrics, Traffic: calls}
	if p.program.Peers != nil {
		if p.dialer, err = rpc.NewDialer(*p.program.Peers, p.Discovery, deps); err != nil {
			return err
		}
	}
	server := p.program.Server
	server.Listen = []string{p.cfg.Listen}
	if p.server, err = rpc.NewServer(server, deps); err != nil {
		return err
	}
	if p.Address, err = address(p.cfg.Advertise, p.server.Address()); err != nil {
		return err
	}
	p.Instance = p.cfg.Instance
	if p.Instance == "" {
		p.Instance = p.Address
	}
	return p.openProfiler(calls)
}

// openProfiler makes the profiler, which knows of the calls of the process's server and dialer.
func (p *Process) openProfiler(calls *traffic.Recorder) error {
	cfg := profiler.Config{Services: []string{p.program.Name}, Instance: p.Instance,
		Continuous: profiler.Continuous{Off: !p.cfg.Profiler.Continuous}}
	p.Files = files.New()
	var err error
	p.Profiler, err = profiler.New(cfg, profiler.Deps{Traffic: calls, Files: p.Files, Log: p.Log})
	return err
}

// openCoord makes one attempt to reach etcd and, where the program has peers, to read who is registered.
func (p *Process) openCoord(ctx context.Context) error {
	client, err := coord.Connect(ctx, coord.Config{Endpoints: p.cfg.Etcd}, p.Log)
	if err != nil {
		return err
	}
	if p.program.Peers != nil {
		if p.Discovery, err = coord.NewDiscovery(ctx, client); err != nil {
			return errors.Join(err, client.Close())
		}
	}
	p.Coord = client
	return nil
}

// retry tries until it succeeds: everything starts at once in a cluster, and etcd may be last. When ctx ends it returns the error
// of the last attempt.
func retry(ctx context.Context, log *slog.Logger, try func(context.Context) error) error {
	for {
		err := try(ctx)
		if err == nil || ctx.Err() != nil {
			return err
		}
		log.Warn("etcd is away", "error", err)
		select {
		case <-time.After(connectPause):
		case <-ctx.Done():
			return err
		}
	}
}

// address returns what peers dial, for a server that listens on an address.
func address(advertise, listening string) (string, error) {
	if advertise != "" {
		return advertise, nil
	}
	host, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("no address to advertise: %w", err)
	}
	if strings.HasPrefix(listening, "unix:") {
		return "", fmt.Errorf("no port to advertise: it listens on %s; set advertise to what peers dial", listening)
	}
	_, port, err := net.SplitHostPort(listening)
	if err != nil {
		return "", fmt.Errorf("no port to advertise: %w", err)
	}
	return net.JoinHostPort(host, port), nil
}

// close releases what open, Dial and Pool made. Nothing serves any more.
func (p *Process) close() error {
	var errs []error
	// What has served is stopped already, and stopping it again does nothing; what never did still listens.
	if p.server != nil {
		errs = append(errs, p.server.Stop(context.Background()))
	}
	if p.web != nil {
		errs = append(errs, p.web.Stop(context.Background()))
	}
	for _, c := range slices.Backward(p.peers) {
		errs = append(errs, c.Close())
	}
	if p.Discovery != nil {
		errs = append(errs, p.Discovery.Close())
	}
	if p.Bus != nil {
		p.Bus.Close()
	}
	if p.Coord != nil {
		errs = append(errs, p.Coord.Close())
	}
	return errors.Join(errs...)
}
