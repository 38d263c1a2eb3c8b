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

	"github.com/attunedb/attune/platform/coord"
	"github.com/attunedb/attune/platform/lifecycle"
	"github.com/attunedb/attune/platform/rpc"
	"github.com/attunedb/attune/platform/telemetry"
	"github.com/attunedb/attune/services/storage"
)

// Process is what the settings that every service has in common ask for.
type Process struct {
	Etcd      []string `config:"etcd" usage:"etcd's client addresses"`
	Listen    string   `config:"listen" usage:"address to serve gRPC on"`
	Advertise string   `config:"advertise" usage:"address that peers dial; by default the host's name with the port of listen"`
	Instance  string   `config:"instance" usage:"this instance's name in the service; by default the advertised address"`
	Data      string   `config:"data" usage:"directory of this instance's data"`
	HTTP      struct {
		Listen string `config:"listen" usage:"address to serve metrics, health and profiles on; empty for none"`
	} `config:"http"`
	Log telemetry.LogConfig `config:"log"`

	logger  *slog.Logger
	metrics *prometheus.Registry
	coord   *coord.Client
}

func defaults() Process {
	p := Process{Etcd: []string{"127.0.0.1:2379"}, Listen: ":7600", Data: "data"}
	p.HTTP.Listen = ":7601"
	return p
}

const (
	service = "storage"
	// startTimeout is how long the node may wait for etcd and its lease before the process gives up.
	startTimeout = 5 * time.Minute
	connectPause = time.Second
)

// open connects to etcd. The caller must close the process, also after an error.
func (p *Process) open(ctx context.Context) error {
	var err error
	if p.logger, _, err = telemetry.NewLogger(os.Stderr, p.Log); err != nil {
		return err
	}
	p.logger = p.logger.With("service", service)
	p.metrics = telemetry.NewRegistry()
	// Everything starts at once in a cluster, and etcd may be last.
	for {
		p.coord, err = coord.Connect(ctx, coord.Config{Endpoints: p.Etcd}, p.logger)
		if err == nil || ctx.Err() != nil {
			return err
		}
		p.logger.Warn("etcd is away", "error", err)
		select {
		case <-time.After(connectPause):
		case <-ctx.Done():
		}
	}
}

func (p *Process) close() error {
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

// serve runs the node that open gives until ctx is done: it serves once it leads a range, is registered while it serves,
// and drains before the node stops.
func (p *Process) serve(ctx context.Context, server *rpc.Server, open func(address string) (*storage.Service, error)) (err error) {
	address, err := p.address(server.Address())
	if err != nil {
		return errors.Join(err, server.Stop(ctx))
	}
	s, err := open(address)
	if err != nil {
		return errors.Join(err, server.Stop(ctx))
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	s.Register(server)
	group := lifecycle.NewGroup(p.logger)
	if p.HTTP.Listen != "" {
		web, err := telemetry.NewHTTP(telemetry.HTTPConfig{Listen: p.HTTP.Listen, Ready: group.CheckReady, Gatherer: p.metrics, Profiles: true}, p.logger)
		if err != nil {
			return errors.Join(err, server.Stop(ctx))
		}
		group.Add(lifecycle.Component{Name: "http", Start: web.Start, Run: web.Run, Stop: web.Stop})
	}
	group.Add(lifecycle.Component{Name: service, Run: s.Run, Ready: s.Ready, StartTimeout: startTimeout})
	group.Add(lifecycle.Component{Name: "grpc", Start: func(ctx context.Context) error {
		server.SetReady(true)
		return server.Start(ctx)
	}, Run: server.Run, Ready: server.Ready, Stop: server.Stop})
	var registration *coord.Registration
	group.Add(lifecycle.Component{Name: "registration", Start: func(ctx context.Context) (err error) {
		registration, err = p.coord.Register(ctx, coord.Instance{Service: service, ID: p.instance(address), Address: address})
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
