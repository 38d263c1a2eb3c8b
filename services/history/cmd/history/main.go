// Command history runs one replica of the history service.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/attunedb/attune/platform/config"
	"github.com/attunedb/attune/platform/lifecycle"
	"github.com/attunedb/attune/platform/rpc"
	"github.com/attunedb/attune/services/history"
)

type settings struct {
	Process `config:",inline"`
	History history.Config `config:"history"`
}

func main() {
	ctx, stop := lifecycle.WithSignals(context.Background())
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "history:", err)
		os.Exit(1) //nolint:gocritic // the process ends here; nothing waits for stop
	}
}

func run(ctx context.Context, args []string) (err error) {
	s := settings{Process: defaults()}
	flags := pflag.NewFlagSet("history", pflag.ContinueOnError)
	config.BindFlags(flags, &s)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := config.Load(&s, config.Sources{LookupEnv: os.LookupEnv, Flags: flags}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.open(ctx, "history"); err != nil {
		return err
	}
	server, err := rpc.NewServer(rpc.ServerConfig{Listen: []string{s.Listen}}, rpc.Deps{Log: s.logger, Metrics: s.metrics})
	if err != nil {
		return err
	}
	s.History.Data = filepath.Join(s.Data, "history")
	service, err := history.New(s.History, history.Deps{Bus: s.bus, Log: s.logger, Metrics: s.metrics, Draining: server.Draining()})
	if err != nil {
		return errors.Join(err, server.Stop(ctx))
	}
	return s.serve(ctx, "history", server, service)
}
