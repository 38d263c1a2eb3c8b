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

	"github.com/attunedb/attune/platform/coord"
	"github.com/attunedb/attune/platform/lifecycle"
	"github.com/attunedb/attune/platform/rpc"
	"github.com/attunedb/attune/platform/telemetry"
	"github.com/attunedb/attune/services/planner"
)

// Process is what the settings that every service has in common ask for.
type Process struct {
	Etcd      []string `config:"etcd" usage:"etcd's client addresses"`
	NATS      []string `config:"nats" usage:"URLs of the NATS servers; the planner needs none"`
	Listen    string   `config:"listen" usage:"address to serve gRPC on"`
	Advertise string   `config:"advertise" usage:"address that peers dial; by default the host's name with the port of listen"`
	Instance  string   `config:"instance" usage:"this instance's name in the service; by default the advertised address"`
	Data      string   `config:"data" usage:"directory of this instance's data; the planner keeps none"`
	HTTP      struct {
		Listen string `config:"listen" usage:"address to serve metrics, health and profiles on; empty for none"`
	} `config:"http"`
	Log telemetry.LogConfig `config:"log"`

	logger    *slog.Logger
	metrics   *prometheus.Registry
	coord     *coord.Client
	discovery *coord.Discovery
	conns     []*grpc.ClientConn
}

func defaults() Process {
	p := Process{Etcd: []string{"127.0.0.1:2379"}, Listen: ":7100"}
	p.HTTP.Listen = ":7101"
	return p
}

// open connects to etcd and, through it, to the peers. The caller must close the process, also after an error.
func (p *Process) open(ctx context.Context) (planner.Deps, error) {
	var d planner.Deps
	var err error
	if p.logger, _, err = telemetry.NewLogger(os.Stderr, p.Log); err != nil {
		return d, err
	}
	p.logger = p.logger.With("service", "planner")
	p.metrics = telemetry.NewRegistry()
	// Everything starts at once in a cluster, and etcd may be last.
	for {
		if p.coord, err = coord.Connect(ctx, coord.Config{Endpoints: p.Etcd}, p.logger); err == nil {
			p.discovery, err = coord.NewDiscovery(ctx, p.coord)
		}
		if err == nil {
			break
		}
		p.logger.Warn("etcd is away", "error", err)
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return d, err
		}
	}
	dialer, err := rpc.NewDialer(rpc.DialConfig{Retry: rpc.RetryPolicy{Safe: []string{
		"attune.storage.v1.StorageService/Statistics", "attune.history.v1.HistoryService/GetTemplate",
		"attune.history.v1.HistoryService/Cardinalities", "attune.history.v1.HistoryService/ListTemplates",
		"attune.costmodel.v1.CostModelService/GetModel",
	}}}, p.discovery, rpc.Deps{Log: p.logger, Metrics: p.metrics})
	if err != nil {
		return d, err
	}
	dial := func(service string) *grpc.ClientConn {
		conn, dialErr := dialer.Dial("attune:///" + service)
		if dialErr != nil {
			err = errors.Join(err, dialErr)
			return nil
		}
		p.conns = append(p.conns, conn)
		return conn
	}
	d = planner.Deps{Storage: dial("storage"), History: dial("history"), CostModel: dial("costmodel"), Executor: dial("executor"),
		Coord: p.coord, Log: p.logger, Metrics: p.metrics}
	return d, err
}

func (p *Process) close() error {
	var err error
	for _, c := range p.conns {
		err = errors.Join(err, c.Close())
	}
	if p.discovery != nil {
		err = errors.Join(err, p.discovery.Close())
	}
	if p.coord != nil {
		err = errors.Join(err, p.coord.Close())
	}
	return err
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

// serve runs the service until ctx is done: it serves once the catalog was read, is registered while it serves, and drains before
// it stops.
func (p *Process) serve(ctx context.Context, server *rpc.Server, cfg planner.Config, deps planner.Deps) error {
	address, err := p.address(server.Address())
	if err != nil {
		return errors.Join(err, server.Stop(ctx))
	}
	if p.Instance == "" {
		p.Instance = address
	}
	cfg.Instance = p.Instance
	service, err := planner.New(cfg, deps)
	if err != nil {
		return errors.Join(err, server.Stop(ctx))
	}
	service.Register(server)
	group := lifecycle.NewGroup(p.logger)
	if p.HTTP.Listen != "" {
		web, err := telemetry.NewHTTP(telemetry.HTTPConfig{Listen: p.HTTP.Listen, Ready: group.CheckReady, Gatherer: p.metrics, Profiles: true}, p.logger)
		if err != nil {
			return errors.Join(err, server.Stop(ctx))
		}
		group.Add(lifecycle.Component{Name: "http", Start: web.Start, Run: web.Run, Stop: web.Stop})
	}
	group.Add(lifecycle.Component{Name: "planner", Run: service.Run, Ready: service.Ready, StartTimeout: 5 * time.Minute})
	group.Add(lifecycle.Component{Name: "grpc", Start: func(ctx context.Context) error {
		server.SetReady(true)
		return server.Start(ctx)
	}, Run: server.Run, Ready: server.Ready, Stop: server.Stop})
	var registration *coord.Registration
	group.Add(lifecycle.Component{Name: "registration", Start: func(ctx context.Context) (err error) {
		registration, err = p.coord.Register(ctx, coord.Instance{Service: "planner", ID: p.Instance, Address: address})
		return err
	}, Stop: func(ctx context.Context) error { return registration.Close(ctx) }})
	return group.Run(ctx)
}
