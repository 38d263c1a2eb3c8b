package process

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/attunedb/attune/platform/coord"
	"github.com/attunedb/attune/platform/lifecycle"
	"github.com/attunedb/attune/platform/telemetry"
)

// startTimeout is how long the service may wait for etcd, NATS and peers before the process gives up.
const startTimeout = 5 * time.Minute

// serve makes the service and runs it until ctx is done: it serves once the service is ready, is registered while it serves,
// and drains before the service stops.
func (p *Process) serve(ctx context.Context) (err error) {
	service, err := p.program.New(p)
	if err != nil {
		return err
	}
	if closer, ok := service.(io.Closer); ok {
		defer func() { err = errors.Join(err, closer.Close()) }()
	}
	if err := p.assemble(service); err != nil {
		if stopper, ok := service.(Stopper); ok {
			err = errors.Join(err, stopper.Stop(ctx))
		}
		return err
	}
	return p.group.Run(ctx)
}

// assemble makes the group of the process's components, in the order of their start.
func (p *Process) assemble(service Service) error {
	service.Register(p.server)
	p.Profiler.Register(p.server)
	group := lifecycle.NewGroup(p.Log)
	p.group = group
	if p.cfg.HTTP.Listen != "" {
		web, err := telemetry.NewHTTP(telemetry.HTTPConfig{Listen: p.cfg.HTTP.Listen, Ready: group.CheckReady, Gatherer: p.Metrics, Profiles: true}, p.Log)
		if err != nil {
			return err
		}
		p.web = web
		group.Add(lifecycle.Component{Name: "http", Start: web.Start, Run: web.Run, Stop: web.Stop})
	}
	group.Add(lifecycle.Component{Name: "profiler", Run: p.Profiler.Run})
	c := lifecycle.Component{Name: p.program.Name, Run: service.Run, Ready: service.Ready, StartTimeout: startTimeout}
	if stopper, ok := service.(Stopper); ok {
		c.Stop = stopper.Stop
	}
	group.Add(c)
	group.Add(lifecycle.Component{Name: "grpc", Start: func(ctx context.Context) error {
		p.server.SetReady(true)
		return p.server.Start(ctx)
	}, Run: p.server.Run, Ready: p.server.Ready, Stop: p.server.Stop})
	var registration *coord.Registration
	group.Add(lifecycle.Component{Name: "registration", Start: func(ctx context.Context) (err error) {
		registration, err = p.Coord.Register(ctx, coord.Instance{Service: p.program.Name, ID: p.Instance, Address: p.Address})
		return err
	}, Stop: func(ctx context.Context) error { return registration.Close(ctx) }})
	return nil
}
