package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/attunedb/attune/cmd/attune/internal/admin"
	"github.com/attunedb/attune/cmd/attune/internal/stack"
	"github.com/attunedb/attune/platform/coord"
)

func newCluster() *cobra.Command {
	c := &cobra.Command{Use: "cluster", Short: "Show who is in the cluster", Args: cobra.NoArgs, RunE: helpful}
	var endpoints []string
	var data string
	status := &cobra.Command{
		Use: "status", Short: "List instances and their health",
		Long: `List the instances of all services as they are registered in etcd, and ask each for its health. The exit status is 1 when one does
not serve. The etcd is the one of --etcd, or that of the "attune up" that runs on the data directory.`,
		Example: "  attune cluster status\n  attune cluster status --etcd http://etcd:2379", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(c.Context(), askTimeout)
			defer cancel()
			door := ""
			if len(endpoints) == 0 {
				running, err := stack.ReadRunning(data)
				if err != nil {
					return fmt.Errorf("%w on %s: start one with attune up, or give --etcd (%w)", errNoServer, data, err)
				}
				endpoints, door = running.Etcd, running.GRPC
			}
			etcd, err := coord.Connect(ctx, coord.Config{Endpoints: endpoints}, nil)
			if err != nil {
				return fmt.Errorf("%w: etcd at %s: %w", errNoServer, strings.Join(endpoints, ","), err)
			}
			err = admin.ClusterStatus(ctx, c.OutOrStdout(), etcd, dialPlain, door, stack.Services())
			return errors.Join(err, etcd.Close())
		},
	}
	status.Flags().StringSliceVar(&endpoints, "etcd", envList("ATTUNE_ETCD"), "etcd's addresses (ATTUNE_ETCD)")
	status.Flags().StringVar(&data, "data", env("ATTUNE_DATA", defaultData), "data directory of a running attune up (ATTUNE_DATA)")
	c.AddCommand(status)
	return c
}

// dialPlain connects without watching health, which is what is asked for.
func dialPlain(address string) (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()))
}
