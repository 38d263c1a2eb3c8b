// Command storage runs one node of the storage service.
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
	"github.com/attunedb/attune/services/storage"
)

type settings struct {
	Process `config:",inline"`
	Storage storage.Config `config:"storage"`
}

func main() {
	ctx, stop := lifecycle.WithSignals(context.Background())
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "storage:", err)
		os.Exit(1) //nolint:gocritic // the process ends here; nothing waits for stop
	}
}

func run(ctx context.Context, args []string) (err error) {
	s := settings{Process: defaults()}
	flags := pflag.NewFlagSet("storage", pflag.ContinueOnError)
	config.BindFlags(flags, &s)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := config.Load(&s, config.Sources{LookupEnv: os.LookupEnv, Flags: flags}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.open(ctx); err != nil {
		return err
	}
	server, err := rpc.NewServer(rpc.ServerConfig{Listen: []string{s.Listen}}, rpc.Deps{Log: s.logger, Metrics: s.metrics})
	if err != nil {
		return err
	}
	return s.serve(ctx, server, func(address string) (*storage.Service, error) {
		s.Storage.Data = filepath.Join(s.Data, "storage")
		return storage.New(s.Storage, storage.Deps{Coord: s.coord, Address: address, Log: s.logger, Metrics: s.metrics})
	})
}
