package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/attunedb/attune/client"
	"github.com/attunedb/attune/cmd/attune/internal/shell"
)

func newSQL() *cobra.Command {
	var target, format string
	var commands, files, settings []string
	var csv, json, expanded, timing bool
	c := &cobra.Command{
		Use:   "sql",
		Short: "Run SQL: a shell, a statement, or a file",
		Long: `Run SQL over gRPC. Without -c and -f it is a shell on a terminal, and runs standard input otherwise. Statements of one call share a
session. The first one that fails ends a script, with exit status 1.`,
		Example: `  attune sql
  attune sql -c "SELECT count(*) FROM t" --csv
  attune sql -f schema.sql -f data.sql
  attune sql --set attune.optimizer=static -c "EXPLAIN (ANALYZE) SELECT …"
  attune sql -c "\copy points FROM 'points.csv' (FORMAT csv, HEADER)"`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			f, err := outputFormat(format, csv, json)
			if err != nil {
				return fmt.Errorf("%w: %w", err, errUsage)
			}
			set, err := parseSettings(settings)
			if err != nil {
				return fmt.Errorf("%w: %w", err, errUsage)
			}
			ctx, cancel := context.WithTimeout(c.Context(), connectTimeout)
			defer cancel()
			db, err := client.Open(ctx, target, client.WithSettings(set))
			if err != nil {
				return fmt.Errorf("%w (start one with: attune up)", err)
			}
			defer db.Close()
			s := shell.New(shell.Config{
				Target: target, Format: f, Expanded: expanded, Timing: timing, Out: c.OutOrStdout(), Err: c.ErrOrStderr(),
			}, db)
			defer s.Close()
			return runSQL(c.Context(), s, commands, files)
		},
	}
	f := c.Flags()
	f.StringVar(&target, "target", env("ATTUNE_TARGET", defaultTarget), "address of the server, several separated by commas (ATTUNE_TARGET)")
	f.StringArrayVarP(&commands, "command", "c", nil, "run this and leave; may be repeated")
	f.StringArrayVarP(&files, "file", "f", nil, "run this file and leave, - for standard input; may be repeated")
	f.StringArrayVar(&settings, "set", nil, "a setting for all statements, NAME=VALUE; may be repeated")
	f.StringVar(&format, "format", "aligned", "aligned, csv or json")
	f.BoolVar(&csv, "csv", false, "same as --format csv")
	f.BoolVar(&json, "json", false, "same as --format json")
	f.BoolVarP(&expanded, "expanded", "x", false, "one line for each value")
	f.BoolVar(&timing, "timing", false, "tell how long statements take")
	return c
}

func runSQL(ctx context.Context, s *shell.Shell, commands, files []string) error {
	if len(commands) == 0 && len(files) == 0 {
		if term.IsTerminal(int(os.Stdin.Fd())) {
			// Ctrl-C belongs to the shell's statements; only the terminal's end or \q leaves it.
			return s.RunTerminal(context.WithoutCancel(ctx))
		}
		files = []string{"-"}
	}
	for _, text := range commands {
		if err := s.RunText(ctx, text); err != nil {
			return err
		}
	}
	for _, path := range files {
		if err := s.RunFile(ctx, path); err != nil {
			return err
		}
	}
	return nil
}

func outputFormat(format string, csv, json bool) (shell.Format, error) {
	switch {
	case csv && json:
		return "", errors.New("--csv and --json exclude each other")
	case csv:
		return shell.CSV, nil
	case json:
		return shell.JSON, nil
	}
	return shell.ParseFormat(format)
}

func parseSettings(pairs []string) (client.Settings, error) {
	set := client.Settings{}
	for _, p := range pairs {
		name, value, ok := strings.Cut(p, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("--set %s: write NAME=VALUE", p)
		}
		set[name] = value
	}
	return set, nil
}
