package main

import (
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/attunedb/attune/cmd/attune/internal/stack"
	"github.com/attunedb/attune/platform/config"
	"github.com/attunedb/attune/platform/telemetry"
)

func newUp() *cobra.Command {
	cfg := stack.Config{}
	var targets []string
	var memory, level, format string
	c := &cobra.Command{
		Use:   "up",
		Short: "Run a database, or a part of a cluster",
		Long: `Run a database in this process: all five services, with etcd and NATS embedded. It serves until it is told to end (SIGTERM or
Ctrl-C), and then drains.

Standard output gets one line, as soon as it serves:

  ready pg=HOST:PORT grpc=HOST:PORT http=HOST:PORT data=DIR

With --target only the named services run, against the etcd and NATS of a cluster. The services are ` + strings.Join(stack.Services(), ", ") + `.`,
		Example: `  attune up
  attune up --data /var/lib/attune --pg-listen 0.0.0.0:5432 --memory 4GiB
  attune up --target executor,planner --etcd http://etcd:2379 --nats nats://nats:4222 --grpc-listen 0.0.0.0:7400`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			log, _, err := telemetry.NewLogger(os.Stderr, telemetry.LogConfig{Level: level, Format: format})
			if err != nil {
				return fmt.Errorf("%w: %w", err, errUsage)
			}
			slog.SetDefault(log)
			cfg.Log = log
			if len(targets) > 0 {
				cfg.Services = targets
			}
			if memory != "" {
				size, err := config.ParseByteSize(memory)
				if err != nil {
					return fmt.Errorf("--memory: %w: %w", err, errUsage)
				}
				cfg.Memory = size
				debug.SetMemoryLimit(int64(size))
			}
			return up(c, cfg)
		},
	}
	f := c.Flags()
	f.StringVar(&cfg.Data, "data", env("ATTUNE_DATA", defaultData), "directory of everything that must survive (ATTUNE_DATA)")
	f.StringVar(&cfg.PGListen, "pg-listen", env("ATTUNE_PG_LISTEN", "127.0.0.1:5432"), "address for PostgreSQL clients, empty for none (ATTUNE_PG_LISTEN)")
	f.StringVar(&cfg.GRPCListen, "grpc-listen", env("ATTUNE_LISTEN", defaultTarget), "address for gRPC, empty for none (ATTUNE_LISTEN)")
	f.StringVar(&cfg.HTTPListen, "http-listen", env("ATTUNE_HTTP_LISTEN", "127.0.0.1:7401"), "address for metrics, health and profiles, empty for none (ATTUNE_HTTP_LISTEN)")
	f.StringVar(&memory, "memory", env("ATTUNE_MEMORY", ""), "most memory for caches and queries, such as 4GiB; half of the machine's by default (ATTUNE_MEMORY)")
	f.StringVar(&level, "log-level", env("ATTUNE_LOG_LEVEL", "info"), "debug, info, warn or error (ATTUNE_LOG_LEVEL)")
	f.StringVar(&format, "log-format", env("ATTUNE_LOG_FORMAT", "text"), "text or json (ATTUNE_LOG_FORMAT)")
	f.StringSliceVar(&targets, "target", nil, "services to run, all by default")
	f.StringSliceVar(&cfg.Etcd, "etcd", envList("ATTUNE_ETCD"), "etcd's addresses; embedded when empty (ATTUNE_ETCD)")
	f.StringSliceVar(&cfg.NATS, "nats", envList("ATTUNE_NATS"), "NATS servers' URLs; embedded when empty (ATTUNE_NATS)")
	f.StringVar(&cfg.Advertise, "advertise", env("ATTUNE_ADVERTISE", ""), "host that peers dial, the machine's name by default (ATTUNE_ADVERTISE)")
	return c
}

func up(c *cobra.Command, cfg stack.Config) error {
	s, err := stack.New(cfg)
	if err != nil {
		return err
	}
	return s.Run(c.Context(), func() {
		var parts []string
		for _, p := range []struct{ name, value string }{
			{"pg", s.PG()}, {"grpc", s.Address()}, {"http", s.HTTP()}, {"data", cfg.Data},
		} {
			if p.value != "" {
				parts = append(parts, p.name+"="+p.value)
			}
		}
		fmt.Fprintln(c.OutOrStdout(), "ready", strings.Join(parts, " "))
	})
}
