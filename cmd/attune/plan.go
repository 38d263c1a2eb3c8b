package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	"github.com/attunedb/attune/cmd/attune/internal/admin"
	"github.com/attunedb/attune/cmd/attune/internal/stack"
	historyv1 "github.com/attunedb/attune/proto/gen/attune/history/v1"
)

func newPlan() *cobra.Command {
	var at place
	c := &cobra.Command{
		Use:   "plan",
		Short: "Show what was run, with which plans, and why",
		Long: `Show what history knows. A template is a statement with its literals taken out; it is named by the number that "plan list" shows, or by
any statement of it.`,
		Args: cobra.NoArgs, RunE: helpful,
	}
	at.flags(c)
	ask := func(c *cobra.Command, fn func(context.Context, historyv1.HistoryServiceClient) error) error {
		return at.ask(c.Context(), stack.History, func(ctx context.Context, conn *grpc.ClientConn) error {
			return fn(ctx, historyv1.NewHistoryServiceClient(conn))
		})
	}
	var limit uint32
	var since time.Duration
	list := &cobra.Command{
		Use: "list", Short: "List templates, most costly first",
		Example: "  attune plan list --limit 10 --since 1h", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var from time.Time
			if since > 0 {
				from = time.Now().Add(-since)
			}
			return ask(c, func(ctx context.Context, h historyv1.HistoryServiceClient) error {
				return admin.ListPlans(ctx, c.OutOrStdout(), h, limit, from)
			})
		},
	}
	list.Flags().Uint32Var(&limit, "limit", 20, "the most to list")
	list.Flags().DurationVar(&since, "since", 0, "only those run in the last …, such as 1h")
	var trees bool
	show := &cobra.Command{
		Use: "show TEMPLATE", Short: "Show a template and its plans",
		Example: "  attune plan show 9f0a3c5512de7b40 --trees\n  attune plan show \"SELECT * FROM t WHERE id = 1\"", Args: oneTemplate,
		RunE: func(c *cobra.Command, args []string) error {
			id, err := admin.ParseTemplate(strings.Join(args, " "))
			if err != nil {
				return fmt.Errorf("%w: %w", err, errUsage)
			}
			return ask(c, func(ctx context.Context, h historyv1.HistoryServiceClient) error {
				return admin.ShowPlans(ctx, c.OutOrStdout(), h, id, trees)
			})
		},
	}
	show.Flags().BoolVar(&trees, "trees", false, "show each plan's operators")
	why := &cobra.Command{
		Use: "why TEMPLATE", Short: "Tell why a template runs with the plan it has",
		Example: "  attune plan why 9f0a3c5512de7b40", Args: oneTemplate,
		RunE: func(c *cobra.Command, args []string) error {
			id, err := admin.ParseTemplate(strings.Join(args, " "))
			if err != nil {
				return fmt.Errorf("%w: %w", err, errUsage)
			}
			return ask(c, func(ctx context.Context, h historyv1.HistoryServiceClient) error {
				return admin.WhyPlan(ctx, c.OutOrStdout(), h, id)
			})
		},
	}
	c.AddCommand(list, show, why)
	return c
}

func oneTemplate(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("which template? %w: %s", errUsage, c.CommandPath())
	}
	return nil
}
