package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/attunedb/attune/bench/report"
)

// version is set by the build of a release.
var version = "dev"

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(c.OutOrStdout(), "attune %s, commit %s, %s %s/%s\n", version, report.Commit(c.Context()),
				runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}
