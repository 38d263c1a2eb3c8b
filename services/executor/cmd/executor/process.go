package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"

	"github.com/attunedb/attune/platform/bus"
	"github.com/attunedb/attune/platform/coord"
	"github.com/attunedb/attune/platform/lifecycle"
	"github.com/attunedb/attune/platform/rpc"
	"github.com/attunedb/attune/platform/telemetry"
)

// Process is what the settings that every service has in common ask for.
type Process struct {
	Etcd      []string `config:"etcd" usage:"etcd's client addresses"`
	NATS      []string `config:"nats" usage:"URLs of the NATS servers"`
	Listen    string   `config:"listen" usage:"address to serve gRPC on"`
	Advertise string   `config:"advertise" usage:"address that peers dial; by default the host's name with the port of listen"`
	Instance  string   `config:"instance" usage:"this instance's name in the service; by default the advertised address"`
	HTTP      struct {
		Listen string `config:"listen" usage:"address to serve metrics, health and profiles on; empty for none"`
	} `config:"http"`
	Log telemetry.LogConfig `config:"log"`

	logger  *slog.Logger
	metrics *prometheus.Registry
	bus     *bus.Conn
	coord   *coord.Client
}

// service is what a process serves.
type service interface {
	Register(grpc.ServiceRegistrar)
	Run(context.Context) error
	Ready(context.Context) error
	Stop(context.Context) error
}

func defaults() Process {
	p := Process{Etcd: []string{"127.0.0.1:2379"}, NATS: []string{"nats://127.0.0.1:4222"}, Listen: ":7400"}
	p.HTTP.Listen = ":7401"
	return p
}

// open connects to NATS and etcd. The caller must close the process, also after an error.
func (p *Process) open(ctx context.Context, name string) error {
	var err error
	if p.logger, _, err = telemetry.NewLogger(os.Stderr, p.Log); err != nil {
		return err
	}
	p.logger = p.logger.With("service", name)
	p.metrics = telemetry.NewRegistry()
	if p.bus, err = bus.Connect(bus.Config{URLs: p.NATS, Name: name}, bus.Deps{Log: p.logger, Metrics: p.metrics}); err != nil {
		return err
	}
	// Everything starts at once in a cluster, and etcd may be last.
	for {
		p.coord, err = coord.Connect(ctx, coord.Config{Endpoints: p.Etcd}, p.logger)
		if err == nil || ctx.Err() != nil {
			return err
		}
		p.logger.Warn("etcd is away", "error", err)
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
}

// startTimeout is how long the service may wait for etcd and NATS before the process gives up.
const startTimeout = 5 * time.Minute

func (p *Process) close() error {
	if p.bus != nil {
		p.bus.Close()
	}
	if p.coord != nil {
		return p.coord.Close()
	}
	return nil
}

// address returns what peers dial, for a server that listens on address.
func (p *Process) address(listening string) (string, error) {
	if p.Advertise != "" {
		return p.Advertise, nil
	}
	host, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("no address to advertise: %w", err)
	}
	_, port, err := net.SplitHostPort(listening)
	if err != nil {
		return "", fmt.Errorf("no port to advertise: %w", err)
	}
	return net.JoinHostPort(host, port), nil
}

// serve runs the service until ctx is done: it serves once the service is ready, is registered while it serves, and drains
// before the service stops.
func (p *Process) serve(ctx context.Context, name string, server *rpc.Server, s service) (err error) {
	address, err := p.address(server.Address())
	if err != nil {
		return errors.Join(err, server.Stop(ctx))
	}
	s.Register(server)
	group := lifecycle.NewGroup(p.logger)
	if p.HTTP.Listen != "" {
		web, err := telemetry.NewHTTP(telemetry.HTTPConfig{Listen: p.HTTP.Listen, Ready: group.CheckReady, Gatherer: p.metrics, Profiles: true}, p.logger)
		if err != nil {
			return errors.Join(err, server.Stop(ctx))
		}
		group.Add(lifecycle.Component{Name: "http", Start: web.Start, Run: web.Run, Stop: web.Stop})
	}
	group.Add(lifecycle.Component{Name: name, Run: s.Run, Ready: s.Ready, Stop: s.Stop, StartTimeout: startTimeout})
	group.Add(lifecycle.Component{Name: "grpc", Start: func(ctx context.Context) error {
		server.SetReady(true)
		return server.Start(ctx)
	}, Run: server.Run, Ready: server.Ready, Stop: server.Stop})
	var registration *coord.Registration
	group.Add(lifecycle.Component{Name: "registration", Start: func(ctx context.Context) (err error) {
		registration, err = p.coord.Register(ctx, coord.Instance{Service: name, ID: p.instance(address), Address: address})
		return err
	}, Stop: func(ctx context.Context) error { return registration.Close(ctx) }})
	return group.Run(ctx)
}

// instance is the name under which this process is registered.
func (p *Process) instance(address string) string {
	if p.Instance != "" {
		return p.Instance
	}
	return address
}
