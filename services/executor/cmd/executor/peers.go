package main

import (
	"context"
	"errors"
	"time"

	"github.com/attunedb/attune/platform/coord"
	"github.com/attunedb/attune/platform/rpc"
	"github.com/attunedb/attune/services/executor"
)

// queryDeadline is given to unary statements that come without a deadline.
const queryDeadline = 10 * time.Minute

// serveExecutor finds the other services and serves.
func (p *Process) serveExecutor(ctx context.Context, cfg executor.Config) (err error) {
	discovery, err := coord.NewDiscovery(ctx, p.coord)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, discovery.Close()) }()
	deps := rpc.Deps{Log: p.logger, Metrics: p.metrics}
	dialer, err := rpc.NewDialer(rpc.DialConfig{DefaultDeadline: queryDeadline,
		Retry: rpc.RetryPolicy{Safe: []string{"attune.planner.v1.PlannerService/Plan"}}}, discovery, deps)
	if err != nil {
		return err
	}
	planner, err := dialer.Dial("attune:///planner")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, planner.Close()) }()
	storage, err := dialer.Dial("attune:///storage")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, storage.Close()) }()
	nodes := dialer.NewPool(0)
	defer func() { err = errors.Join(err, nodes.Close()) }()
	server, err := rpc.NewServer(rpc.ServerConfig{Listen: []string{p.Listen}, DefaultDeadline: queryDeadline}, deps)
	if err != nil {
		return err
	}
	address, err := p.address(server.Address())
	if err != nil {
		return errors.Join(err, server.Stop(ctx))
	}
	cfg.Instance = p.instance(address)
	service, err := executor.New(cfg, executor.Deps{Planner: planner, Storage: storage, StorageNodes: nodes, Coord: p.coord, Bus: p.bus,
		Draining: server.Draining(), Log: p.logger, Metrics: p.metrics})
	if err != nil {
		return errors.Join(err, server.Stop(ctx))
	}
	return p.serve(ctx, "executor", server, service)
}
