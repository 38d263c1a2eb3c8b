package stack

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/attunedb/attune/platform/coord"
	etcd "github.com/attunedb/attune/platform/coord/embedded"
	"github.com/attunedb/attune/platform/lifecycle"
)

// addEtcd embeds a member. It listens on a port of this machine alone.
func (s *Stack) addEtcd() {
	var server *etcd.Server
	quiet := &quieter{Handler: s.cfg.Log.Handler()}
	s.group.Add(lifecycle.Component{
		Name: "etcd",
		Start: func(ctx context.Context) (err error) {
			server, err = etcd.Start(ctx, etcd.Config{Dir: s.dir("etcd")}, slog.New(quiet))
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
		Stop: func(ctx context.Context) error {
			quiet.stopping.Store(true)
			return server.Stop(ctx)
		},
	})
}

// quieter passes the errors of an embedded etcd on, up to its stop. Its warnings are of a server that others could reach, and
// while it stops it reports its own listeners, as they close, for failures.
type quieter struct {
	slog.Handler
	stopping atomic.Bool
}

// Enabled implements slog.Handler.
func (q *quieter) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelError && !q.stopping.Load() && q.Handler.Enabled(ctx, level)
}

// WithAttrs implements slog.Handler.
func (q *quieter) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &derived{q, q.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (q *quieter) WithGroup(name string) slog.Handler { return &derived{q, q.Handler.WithGroup(name)} }

// derived is a quieter's handler with more attributes.
type derived struct {
	root *quieter
	slog.Handler
}

// Enabled implements slog.Handler.
func (d *derived) Enabled(ctx context.Context, level slog.Level) bool {
	return d.root.Enabled(ctx, level)
}

// WithAttrs implements slog.Handler.
func (d *derived) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &derived{d.root, d.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (d *derived) WithGroup(name string) slog.Handler {
	return &derived{d.root, d.Handler.WithGroup(name)}
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
