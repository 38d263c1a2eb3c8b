package stack

import (
	"context"
	"errors"

	"google.golang.org/grpc"

	"github.com/attunedb/attune/platform/coord"
	"github.com/attunedb/attune/platform/lifecycle"
	"github.com/attunedb/attune/platform/rpc"
)

// addDialer makes what services reach each other with.
func (s *Stack) addDialer() {
	s.group.Add(lifecycle.Component{
		Name: "dialer",
		Start: func(context.Context) (err error) {
			s.dialer, err = rpc.NewDialer(rpc.DialConfig{Retry: rpc.RetryPolicy{Safe: safeCalls()}}, s.discovery, s.rpcDeps())
			if err == nil {
				s.pool = s.dialer.NewPool(maxPeers)
			}
			return err
		},
		Stop: func(context.Context) error {
			var errs []error
			for _, c := range s.conns {
				errs = append(errs, c.Close())
			}
			return errors.Join(append(errs, s.pool.Close())...)
		},
	})
}

// safeCalls may be sent again to another instance when one was not reached.
func safeCalls() []string {
	return []string{
		"attune.planner.v1.PlannerService/Plan",
		"attune.history.v1.HistoryService/ListTemplates",
		"attune.history.v1.HistoryService/GetTemplate",
		"attune.history.v1.HistoryService/Cardinalities",
		"attune.costmodel.v1.CostModelService/GetModel",
		"attune.costmodel.v1.CostModelService/ListModels",
		"attune.costmodel.v1.PredictorService/Predict",
	}
}

// dial connects to a service; the connection is closed with the dialer.
func (s *Stack) dial(service string) (*grpc.ClientConn, error) {
	c, err := s.dialer.Dial("attune:///" + service)
	if err != nil {
		return nil, err
	}
	s.conns = append(s.conns, c)
	return c, nil
}

// service is what every service's root package makes, but for Ready and Close.
type service interface {
	Register(grpc.ServiceRegistrar)
	Run(ctx context.Context) error
}

// served is where a service's server is reached.
type served struct {
	server *rpc.Server
	// address is what peers dial, instance the name under which it registers.
	address, instance string
}

// serve adds a service: it is made with open, runs, serves once it is ready, and is registered while it serves. further services are
// registered on the same server.
func (s *Stack) serve(name string, open func(ctx context.Context, at served) (service, error), further func() []service) {
	var at served
	var svc service
	s.group.Add(lifecycle.Component{
		Name: name + " data",
		Start: func(ctx context.Context) (err error) {
			if at, err = s.listen(name); err != nil {
				return err
			}
			if svc, err = open(ctx, at); err != nil {
				return errors.Join(err, at.server.Stop(ctx))
			}
			return nil
		},
		Stop: func(ctx context.Context) error {
			if c, ok := svc.(interface{ Close() error }); ok {
				return c.Close()
			}
			return nil
		},
	})
	s.group.Add(lifecycle.Component{
		Name: name,
		Run:  func(ctx context.Context) error { return svc.Run(ctx) },
		Ready: func(ctx context.Context) error {
			if r, ok := svc.(interface{ Ready(context.Context) error }); ok {
				return r.Ready(ctx)
			}
			return nil
		},
	})
	s.group.Add(lifecycle.Component{
		Name: name + " server",
		Start: func(ctx context.Context) error {
			svc.Register(at.server)
			s.profiler.Register(at.server)
			for _, f := range further() {
				f.Register(at.server)
			}
			at.server.SetReady(true)
			return at.server.Start(ctx)
		},
		Run:  func(ctx context.Context) error { return at.server.Run(ctx) },
		Stop: func(ctx context.Context) error { return drain(ctx, at.server, svc) },
	})
	var registration *coord.Registration
	s.group.Add(lifecycle.Component{
		Name: name + " registration",
		Start: func(ctx context.Context) (err error) {
			registration, err = s.coord.Register(ctx, coord.Instance{Service: name, ID: at.instance, Address: at.address, Metadata: s.metadata()})
			return err
		},
		Stop: func(ctx context.Context) error { return registration.Close(ctx) },
	})
}

// drain lets calls end. A service with long conversations ends those itself meanwhile, or the server would wait for them to the last.
func drain(ctx context.Context, server *rpc.Server, svc service) error {
	stopped := make(chan error, 1)
	go func() {
		if d, ok := svc.(interface{ Stop(context.Context) error }); ok {
			stopped <- d.Stop(ctx)
			return
		}
		stopped <- nil
	}()
	return errors.Join(server.Stop(ctx), <-stopped)
}

// listen opens a service's server.
func (s *Stack) listen(name string) (served, error) {
	addresses, err := s.cfg.listen(name)
	if err != nil {
		return served{}, err
	}
	server, err := rpc.NewServer(rpc.ServerConfig{Listen: addresses}, s.rpcDeps())
	if err != nil {
		return served{}, taken(err, "--grpc-listen", s.cfg.GRPCListen)
	}
	address, err := s.cfg.advertise(server.Address())
	if err != nil {
		return served{}, errors.Join(err, server.Stop(context.Background()))
	}
	s.servers[name] = server
	at := served{server: server, address: address, instance: address}
	if s.cfg.embedded() {
		at.instance = "local"
	}
	return at, nil
}

// metadata is what a registration tells of the process.
func (s *Stack) metadata() map[string]string {
	m := map[string]string{}
	if s.http != nil {
		m["http"] = s.http.Address()
	}
	return m
}

// none is for services that serve nothing beside themselves.
func none() []service { return nil }
