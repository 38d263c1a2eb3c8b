// Command planner runs one planner.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/pflag"

	"github.com/attunedb/attune/platform/config"
	"github.com/attunedb/attune/platform/lifecycle"
	"github.com/attunedb/attune/platform/rpc"
	"github.com/attunedb/attune/services/planner"
)

type settings struct {
	Process `config:",inline"`
	Planner planner.Config `config:"planner"`
}

func main() {
	ctx, stop := lifecycle.WithSignals(context.Background())
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "planner:", err)
		os.Exit(1) //nolint:gocritic // the process ends here; nothing waits for stop
	}
}

func run(ctx context.Context, args []string) (err error) {
	s := settings{Process: defaults()}
	flags := pflag.NewFlagSet("planner", pflag.ContinueOnError)
	config.BindFlags(flags, &s)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := config.Load(&s, config.Sources{LookupEnv: os.LookupEnv, Flags: flags}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	deps, err := s.open(ctx)
	if err != nil {
		return err
	}
	server, err := rpc.NewServer(rpc.ServerConfig{Listen: []string{s.Listen}}, rpc.Deps{Log: s.logger, Metrics: s.metrics})
	if err != nil {
		return err
	}
	return s.serve(ctx, server, s.Planner, deps)
}
