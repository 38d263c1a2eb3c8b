package main

import (
	"context"
	"errors"

	"google.golang.org/grpc"

	"github.com/attunedb/attune/platform/coord"
	"github.com/attunedb/attune/platform/rpc"
)

// peers are the server of this process and its connections to others.
type peers struct {
	address   string // what peers dial
	server    *rpc.Server
	discovery *coord.Discovery
	pool      *rpc.Pool
	history   *grpc.ClientConn
}

// peers opens the server's listener and the connections. The caller must close them, and stop the server if it serves nothing.
func (p *Process) peers(ctx context.Context) (_ *peers, err error) {
	deps := rpc.Deps{Log: p.logger, Metrics: p.metrics}
	out := &peers{}
	defer func() {
		if err != nil {
			err = errors.Join(err, out.close())
		}
	}()
	if out.discovery, err = coord.NewDiscovery(ctx, p.coord); err != nil {
		return nil, err
	}
	safe := []string{"attune.history.v1.HistoryService/ListTemplates", "attune.history.v1.HistoryService/GetTemplate"}
	dialer, err := rpc.NewDialer(rpc.DialConfig{Retry: rpc.RetryPolicy{Safe: safe}}, out.discovery, deps)
	if err != nil {
		return nil, err
	}
	out.pool = dialer.NewPool(16)
	if out.history, err = dialer.Dial("attune:///history"); err != nil {
		return nil, err
	}
	if out.server, err = rpc.NewServer(rpc.ServerConfig{Listen: []string{p.Listen}}, deps); err != nil {
		return nil, err
	}
	if out.address, err = p.advertised(out.server.Address()); err != nil {
		return nil, errors.Join(err, out.server.Stop(ctx))
	}
	return out, nil
}

func (p *peers) close() error {
	var errs []error
	if p.history != nil {
		errs = append(errs, p.history.Close())
	}
	if p.pool != nil {
		errs = append(errs, p.pool.Close())
	}
	if p.discovery != nil {
		errs = append(errs, p.discovery.Close())
	}
	return errors.Join(errs...)
}
