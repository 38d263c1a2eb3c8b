// Command costmodel runs one replica of the cost model service.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/pflag"

	"github.com/attunedb/attune/platform/config"
	"github.com/attunedb/attune/platform/lifecycle"
	"github.com/attunedb/attune/services/costmodel"
)

type settings struct {
	Process   `config:",inline"`
	CostModel costmodel.Config `config:"costmodel"`
}

func main() {
	ctx, stop := lifecycle.WithSignals(context.Background())
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "costmodel:", err)
		os.Exit(1) //nolint:gocritic // the process ends here; nothing waits for stop
	}
}

func run(ctx context.Context, args []string) (err error) {
	s := settings{Process: defaults()}
	flags := pflag.NewFlagSet("costmodel", pflag.ContinueOnError)
	config.BindFlags(flags, &s)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := config.Load(&s, config.Sources{LookupEnv: os.LookupEnv, Flags: flags}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.open(ctx, "costmodel"); err != nil {
		return err
	}
	p, err := s.peers(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	service, err := costmodel.New(s.CostModel, costmodel.Deps{Bus: s.bus, Coord: s.coord, Instance: s.instance(p.address),
		History: p.history, Peers: p.pool, Instances: p.discovery, Log: s.logger, Metrics: s.metrics})
	if err != nil {
		return errors.Join(err, p.server.Stop(ctx))
	}
	return s.serve(ctx, "costmodel", p.address, p.server, service)
}
