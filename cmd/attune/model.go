package main

import (
	"context"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	"github.com/attunedb/attune/cmd/attune/internal/admin"
	"github.com/attunedb/attune/cmd/attune/internal/stack"
	costmodelv1 "github.com/attunedb/attune/proto/gen/attune/costmodel/v1"
)

func newModel() *cobra.Command {
	var at place
	c := &cobra.Command{
		Use:   "model",
		Short: "Show the versions of the cost model, and choose among them",
		Example: `  attune model list
  attune model rollback`,
		Args: cobra.NoArgs, RunE: helpful,
	}
	at.flags(c)
	// add makes a command whose arguments are given to fn.
	add := func(use, short string, args cobra.PositionalArgs, fn func(ctx context.Context, c *cobra.Command, m costmodelv1.CostModelServiceClient, args []string) error) *cobra.Command {
		sub := &cobra.Command{
			Use: use, Short: short, Args: args,
			RunE: func(c *cobra.Command, args []string) error {
				return at.ask(c.Context(), stack.CostModel, func(ctx context.Context, conn *grpc.ClientConn) error {
					return fn(ctx, c, costmodelv1.NewCostModelServiceClient(conn), args)
				})
			},
		}
		c.AddCommand(sub)
		return sub
	}
	var limit uint32
	list := add("list", "List versions, newest first", cobra.NoArgs, func(ctx context.Context, c *cobra.Command, m costmodelv1.CostModelServiceClient, _ []string) error {
		return admin.ListModels(ctx, c.OutOrStdout(), m, limit)
	})
	list.Flags().Uint32Var(&limit, "limit", 20, "the most to list")
	var pin bool
	promote := add("promote VERSION", "Use a version", cobra.ExactArgs(1), func(ctx context.Context, c *cobra.Command, m costmodelv1.CostModelServiceClient, args []string) error {
		return admin.PromoteModel(ctx, c.OutOrStdout(), m, args[0], pin)
	})
	promote.Flags().BoolVar(&pin, "pin", false, "keep it until it is unpinned")
	add("rollback", "Go back to the version used before, and pin it", cobra.NoArgs, func(ctx context.Context, c *cobra.Command, m costmodelv1.CostModelServiceClient, _ []string) error {
		return admin.RollbackModel(ctx, c.OutOrStdout(), m)
	})
	add("pin [VERSION]", "Keep a version, the one in use when none is named", cobra.MaximumNArgs(1), func(ctx context.Context, c *cobra.Command, m costmodelv1.CostModelServiceClient, args []string) error {
		version := ""
		if len(args) > 0 {
			version = args[0]
		}
		return admin.PinModel(ctx, c.OutOrStdout(), m, version)
	})
	add("unpin", "Let versions be promoted by themselves again", cobra.NoArgs, func(ctx context.Context, c *cobra.Command, m costmodelv1.CostModelServiceClient, _ []string) error {
		return admin.UnpinModel(ctx, c.OutOrStdout(), m)
	})
	return c
}
