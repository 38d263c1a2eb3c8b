package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/attunedb/attune/bench/suite"
	"github.com/attunedb/attune/cmd/attune/internal/table"
)

func newBenchList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List workloads, suites and databases",
		Example: `  attune bench list`,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			out := c.OutOrStdout()
			for _, part := range []struct {
				title string
				rows  [][2]string
			}{{"workload", workloads()}, {"suite", suites()}, {"database", databases}} {
				t := table.Table{Columns: []table.Column{{Name: part.title}, {Name: "what it is"}}}
				for _, r := range part.rows {
					t.Add(r[0], r[1])
				}
				if err := table.Aligned(out, &t); err != nil {
					return err
				}
				fmt.Fprintln(out)
			}
			return nil
		},
	}
}

func workloads() [][2]string {
	var out [][2]string
	for _, e := range suite.Workloads() {
		out = append(out, [2]string{e.Name, e.Description})
	}
	return out
}

func suites() [][2]string {
	var out [][2]string
	for _, s := range suite.All() {
		out = append(out, [2]string{s.Name, s.Description})
	}
	return out
}

// databases are how a database is reached.
var databases = [][2]string{
	{"(nothing)", "an Attune of the command's own, in a temporary directory, over gRPC on the loopback address"},
	{"--in-process", "the same, reached through memory: what the network costs is the difference"},
	{"--target HOST:PORT", "an Attune that runs, over gRPC; several addresses with commas"},
	{"--unary", "any of these with each statement a call of its own; without it connections are sessions on a stream"},
	{"--pg DSN", "any database that speaks PostgreSQL's protocol: PostgreSQL, Attune, and their relatives"},
	{"--peer postgres", "a private PostgreSQL server beside it, where PostgreSQL is installed"},
	{"--peer duckdb", "DuckDB beside it, in a process of its own, where attune-duckdb is installed"},
}
