// Command executor runs one executor.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/spf13/pflag"

	"github.com/attunedb/attune/platform/config"
	"github.com/attunedb/attune/platform/lifecycle"
	"github.com/attunedb/attune/services/executor"
)

type settings struct {
	Process `config:",inline"`
	PG      struct {
		Listen string `config:"listen" usage:"address of the PostgreSQL door; empty for none"`
	} `config:"pg"`
	Executor executor.Config `config:"executor"`
}

func main() {
	ctx, stop := lifecycle.WithSignals(context.Background())
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "executor:", err)
		os.Exit(1) //nolint:gocritic // the process ends here; nothing waits for stop
	}
}

func run(ctx context.Context, args []string) (err error) {
	s := settings{Process: defaults(), Executor: executor.Config{Parallelism: runtime.GOMAXPROCS(0)}}
	s.PG.Listen = ":5432"
	flags := pflag.NewFlagSet("executor", pflag.ContinueOnError)
	config.BindFlags(flags, &s)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := config.Load(&s, config.Sources{LookupEnv: os.LookupEnv, Flags: flags}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.open(ctx, "executor"); err != nil {
		return err
	}
	s.Executor.PGListen = s.PG.Listen
	return s.serveExecutor(ctx, s.Executor)
}
