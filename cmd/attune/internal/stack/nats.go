package stack

import (
	"context"

	"github.com/attunedb/attune/platform/bus"
	nats "github.com/attunedb/attune/platform/bus/embedded"
	"github.com/attunedb/attune/platform/lifecycle"
)

// addBus connects to NATS, embedded where no address is given. Nobody outside of the process reaches an embedded server.
func (s *Stack) addBus() {
	var server *nats.Server
	if s.cfg.embedded() {
		s.group.Add(lifecycle.Component{
			Name: "nats",
			Start: func(ctx context.Context) (err error) {
				server, err = nats.Start(ctx, nats.Config{Dir: s.dir("nats")}, s.cfg.Log)
				return err
			},
			Stop: func(ctx context.Context) error { return server.Stop(ctx) },
		})
	}
	s.group.Add(lifecycle.Component{
		Name: "bus",
		Start: func(context.Context) (err error) {
			cfg := bus.Config{URLs: s.cfg.NATS, Name: "attune"}
			if server != nil {
				cfg.InProcess = server
			}
			s.bus, err = bus.Connect(cfg, bus.Deps{Log: s.cfg.Log, Metrics: s.metrics})
			return err
		},
		Stop: func(context.Context) error {
			s.bus.Close()
			return nil
		},
	})
}
