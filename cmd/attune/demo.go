package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	"google.golang.org/grpc"

	"github.com/attunedb/attune/bench/workload/shop"
	"github.com/attunedb/attune/client"
	"github.com/attunedb/attune/cmd/attune/internal/demo"
	"github.com/attunedb/attune/cmd/attune/internal/progress"
	"github.com/attunedb/attune/cmd/attune/internal/stack"
	"github.com/attunedb/attune/platform/telemetry"
	costmodelv1 "github.com/attunedb/attune/proto/gen/attune/costmodel/v1"
	historyv1 "github.com/attunedb/attune/proto/gen/attune/history/v1"
)

// durability is what the demo's figures are measured under: nothing is asked to be less than the default.
const durability = "every commit is synced (fsync, group commit) before it is acknowledged"

type demoFlags struct {
	demo.Config
	target, svg, level string
	json               bool
}

func newDemo() *cobra.Command {
	var f demoFlags
	c := &cobra.Command{
		Use:   "demo",
		Short: "Show what Attune learns, round by round",
		Long: `Make a data set whose statistics mislead, load it, and run a workload of join queries for several rounds. Every query runs twice in a round,
planned from statistics alone and planned with what was learned. Shown are the times of both, the estimates' errors, what the optimizer
tried, took over and gave up, and whether all answers were identical. Between rounds the background has some seconds to try other plans; a
database of the demo's own spends them eagerly.

It runs in a database of its own in a temporary directory, or, with --target, on a server that runs; its tables must not exist there.
A run is valid, with exit status 0, when all answers are identical.`,
		Example: `  attune demo
  attune demo --rounds 10 --svg learned.svg
  attune demo --json > demo.json
  attune demo --target 127.0.0.1:7400 --keep`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runDemo(c, f) },
	}
	fs := c.Flags()
	fs.IntVar(&f.Rounds, "rounds", 6, "rounds to run")
	fs.Float64Var(&f.Scale, "scale", 1, "size of the data; 1 is about 830 thousand rows")
	fs.Uint64Var(&f.Seed, "seed", 1, "seed of the data")
	fs.BoolVar(&f.Keep, "keep", false, "keep the data afterwards")
	fs.BoolVar(&f.json, "json", false, "print one JSON object on standard output, and nothing else there")
	fs.StringVar(&f.svg, "svg", "", "write the chart to this file")
	fs.StringVar(&f.target, "target", "", "run on this server instead of one of its own")
	fs.DurationVar(&f.Budget, "budget", 170*time.Second, "begin no round that would end later than this; 0 for no limit")
	fs.DurationVar(&f.Settle, "settle", 8*time.Second, "longest wait for the background between rounds")
	fs.DurationVar(&f.Quiet, "quiet", 1500*time.Millisecond, "how long the background must be quiet to go on earlier")
	fs.StringVar(&f.level, "log-level", "error", "level of the embedded server's log on standard error")
	return c
}

func runDemo(c *cobra.Command, f demoFlags) (err error) {
	ctx, out := c.Context(), c.OutOrStdout()
	if f.json {
		out = io.Discard
	}
	var chart *os.File
	if f.svg != "" {
		// Opened first: a name that cannot be written should not cost a run.
		if chart, err = os.Create(f.svg); err != nil {
			return fmt.Errorf("--svg: %w", err)
		}
		defer func() { err = errors.Join(err, chart.Close()) }()
	}
	progress := progress.New(c.ErrOrStderr(), isTerminal(c.ErrOrStderr()), time.Now)
	progress.Begin("starting", 0)
	server, stop, err := demoServer(ctx, &f, c.ErrOrStderr())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	progress.End("")
	first := true
	result, err := demo.Run(ctx, f.Config, server, progress, func(r *demo.Round, _ []shop.Query) {
		if first {
			demo.ShowHead(out, f.Config)
			first = false
		}
		demo.ShowRound(out, r)
	})
	if err != nil {
		progress.End("")
		return err
	}
	if f.json {
		err = demo.NewReport(ctx, result, durability).Write(c.OutOrStdout())
	} else {
		err = demo.ShowSummary(out, result)
	}
	if err == nil && chart != nil {
		err = demo.WriteSVG(chart, result)
	}
	if err == nil && len(result.Mismatches) > 0 {
		err = fmt.Errorf("the run is not valid: %w", result.Mismatches[0])
	}
	return err
}

// demoServer connects to --target, or starts a server of its own.
func demoServer(ctx context.Context, f *demoFlags, errs io.Writer) (demo.Server, func() error, error) {
	if f.target != "" {
		db, err := client.Open(ctx, f.target)
		if err != nil {
			return demo.Server{}, nil, err
		}
		conn, err := dialPlain(f.target)
		if err != nil {
			return demo.Server{}, nil, errors.Join(err, db.Close())
		}
		return demo.Server{SQL: db, History: historyv1.NewHistoryServiceClient(conn), Model: costmodelv1.NewCostModelServiceClient(conn)},
			func() error { return errors.Join(conn.Close(), db.Close()) }, nil
	}
	log, _, err := telemetry.NewLogger(errs, telemetry.LogConfig{Level: f.level})
	if err != nil {
		return demo.Server{}, nil, fmt.Errorf("%w: %w", err, errUsage)
	}
	dir, err := os.MkdirTemp("", "attune-demo-")
	if err != nil {
		return demo.Server{}, nil, err
	}
	remove := func() error { return os.RemoveAll(dir) }
	if f.Keep {
		remove = func() error { fmt.Fprintf(errs, "The data is kept: attune up --data %s\n", dir); return nil }
	}
	// The directory is removed as a whole, or kept as a whole.
	f.Keep = true
	server, stop, err := embedded(ctx, dir, log)
	if err != nil {
		return demo.Server{}, nil, errors.Join(err, os.RemoveAll(dir))
	}
	return server, func() error { return errors.Join(stop(), remove()) }, nil
}

// embedded starts all services in this process, without a port.
func embedded(ctx context.Context, dir string, log *slog.Logger) (demo.Server, func() error, error) {
	s, err := stack.New(stack.Config{Data: dir, Log: log, Eager: true})
	if err != nil {
		return demo.Server{}, nil, err
	}
	if err := s.Start(ctx); err != nil {
		return demo.Server{}, nil, err
	}
	stop := func() error { return s.Stop(context.WithoutCancel(ctx)) }
	conns := map[string]*grpc.ClientConn{}
	for _, service := range []string{stack.Executor, stack.History, stack.CostModel} {
		if conns[service], err = s.Conn(service); err != nil {
			return demo.Server{}, nil, errors.Join(err, stop())
		}
	}
	return demo.Server{
			SQL: client.New(conns[stack.Executor]), History: historyv1.NewHistoryServiceClient(conns[stack.History]),
			Model: costmodelv1.NewCostModelServiceClient(conns[stack.CostModel]), CPU: demo.OwnCPU,
		}, func() error {
			var errs []error
			for _, c := range conns {
				errs = append(errs, c.Close())
			}
			return errors.Join(append(errs, stop())...)
		}, nil
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
