package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/attunedb/attune/client"
	"github.com/attunedb/attune/cmd/attune/internal/shell"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	code := execute(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// execute runs a command line and returns the exit status.
func execute(ctx context.Context, args []string) int {
	root := newRoot()
	root.SetArgs(args)
	understood := false
	root.PersistentPreRun = func(*cobra.Command, []string) { understood = true }
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if !understood && !errors.Is(err, errUsage) {
		err = fmt.Errorf("%w: %w", err, errUsage)
	}
	if !errors.Is(err, shell.ErrFailed) {
		fmt.Fprintln(os.Stderr, "attune:", err)
	}
	return exitCode(err)
}

// errUsage marks a command line that makes no sense.
var errUsage = errors.New("see --help")

func exitCode(err error) int {
	var e *client.Error
	switch {
	case errors.Is(err, errUsage), errors.Is(err, errNoServer):
		return 2
	case errors.As(err, &e) && e.Code == "08001":
		return 2
	}
	return 1
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "attune",
		Short: "A SQL database that gets faster the more it is used",
		Long: `Attune is a SQL database that speaks PostgreSQL's dialect. It measures every execution and learns from it: plans get better, and
one that proves slower than the plan before is rolled back.`,
		Example: `  attune up                          # a database in ./attune-data
  attune sql -c "SELECT 1"           # ask it
  attune demo                        # watch it learn, in under three minutes`,
		SilenceUsage: true, SilenceErrors: true,
		Args: cobra.NoArgs, RunE: helpful,
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w: %w: %s", err, errUsage, c.CommandPath())
	})
	root.AddCommand(newUp(), newSQL(), newDemo(), newPlan(), newModel(), newCluster(), newBench(), newProfile(), newVersion())
	return root
}

// helpful is for commands that only hold others: without it, cobra takes a misspelt one for a request for help.
func helpful(c *cobra.Command, _ []string) error { return c.Help() }
