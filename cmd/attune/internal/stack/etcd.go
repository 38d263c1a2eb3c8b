package stack

import (
	"context"
	"fmt"

	"github.com/attunedb/attune/platform/coord"
	etcd "github.com/attunedb/attune/platform/coord/embedded"
	"github.com/attunedb/attune/platform/lifecycle"
)

// addEtcd embeds a member. It listens on a port of this machine alone.
func (s *Stack) addEtcd() {
	var server *etcd.Server
	s.group.Add(lifecycle.Component{
		Name: "etcd",
		Start: func(ctx context.Context) (err error) {
			server, err = etcd.Start(ctx, etcd.Config{Dir: s.dir("etcd")}, s.cfg.Log)
			if err != nil {
				return err
			}
			s.endpoints = []string{server.Endpoint()}
			return nil
		},
		Run: func(ctx context.Context) error {
			select {
			case err := <-server.Err():
				return fmt.Errorf("embedded etcd: %w", err)
			case <-ctx.Done():
				return nil
			}
		},
		Stop: func(ctx context.Context) error { return server.Stop(ctx) },
	})
}

// addCoord connects to etcd and follows who is registered.
func (s *Stack) addCoord() {
	s.group.Add(lifecycle.Component{
		Name: "coordination",
		Start: func(ctx context.Context) (err error) {
			if !s.cfg.embedded() {
				s.endpoints = s.cfg.Etcd
			}
			if s.coord, err = coord.Connect(ctx, coord.Config{Endpoints: s.endpoints}, s.cfg.Log); err != nil {
				return err
			}
			if s.discovery, err = coord.NewDiscovery(ctx, s.coord); err != nil {
				_ = s.coord.Close()
				return err
			}
			return nil
		},
		Stop: func(context.Context) error {
			_ = s.discovery.Close()
			return s.coord.Close()
		},
	})
}
