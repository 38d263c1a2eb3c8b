package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/attunedb/attune/bench/suite"
	"github.com/attunedb/attune/cmd/attune/internal/benchcmd"
)

func newBenchScale() *cobra.Command {
	var f benchFlags
	o := suite.ScaleOptions{}
	c := &cobra.Command{
		Use:   "scale",
		Short: "Measure what a node costs, and simulate clusters from that",
		Long: `Start a cluster of processes on this machine and grow it, executor by executor. Measured is work efficiency: the processor time of all services
per operation with one executor, divided by that with N. As all sizes share this machine's processors, that, and not throughput, is what one machine can
tell of scaling.

From what an operation was measured to demand of executor, planner, storage, network and log, a queueing network then simulates clusters of real
nodes. Its assumptions are printed with it, and how far it is off where it can be held against a measurement.`,
		Example: `  attune bench scale
  attune bench scale --nodes 1,2,4,8,16,32,64 --budget 20m --html scale.html
  attune bench scale --node-cores 8 --simulate 1,3,9,27`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.check(c); err != nil {
				return err
			}
			for _, sizes := range [][]int{o.Nodes, o.Simulated} {
				if len(sizes) == 0 || slices.Min(sizes) < 1 || slices.Max(sizes) > maxNodes {
					return fmt.Errorf("--nodes and --simulate are sizes from 1 to %d: %w", maxNodes, errUsage)
				}
			}
			if o.Cores < 1 || o.Cores > maxNodes || o.Repeats < 2 {
				return fmt.Errorf("--node-cores is 1 to %d, and --repeats at least 2, or there is no interval: %w", maxNodes, errUsage)
			}
			return f.scale(c, o)
		},
	}
	fs := c.Flags()
	fs.IntSliceVar(&o.Nodes, "nodes", []int{1, 2, 4, 8}, "numbers of executors to measure with")
	fs.IntSliceVar(&o.Simulated, "simulate", []int{1, 2, 4, 8, 16, 32, 64}, "sizes of clusters to simulate")
	fs.IntVar(&o.Cores, "node-cores", 16, "cores of a simulated node")
	fs.IntVar(&o.Repeats, "repeats", 3, "how often each size is measured")
	fs.DurationVar(&f.budget, "budget", 4*time.Minute, "how long the measurements may take, without starting executors")
	fs.DurationVar(&f.stall, "stall", 30*time.Second, "give a run up when no operation ends for so long")
	fs.StringVar(&f.place.Dir, "data", "", "directory for the cluster's data; a temporary one, removed afterwards, by default")
	f.level = "error"
	bindOutputs(fs, &f.json, &f.files)
	f.bindConfig(c)
	return c
}

// maxNodes bounds what a mistyped number can start.
const maxNodes = 256

func (f *benchFlags) scale(c *cobra.Command, o suite.ScaleOptions) (err error) {
	ctx := c.Context()
	display := benchcmd.NewDisplay(c.ErrOrStderr(), isTerminal(c.ErrOrStderr()), time.Now)
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("the program to start a cluster with: %w", err)
	}
	dir, err := os.MkdirTemp(f.place.Dir, "attune-bench-scale-")
	if err != nil {
		return fmt.Errorf("a directory for the cluster: %w", err)
	}
	display.Step("starting storage, planner, history, cost model, etcd and NATS")
	cluster, err := benchcmd.StartCluster(ctx, program, dir)
	if err != nil {
		display.Note("")
		return errors.Join(err, os.RemoveAll(dir))
	}
	display.Note("")
	o.Options = suite.Options{Budget: f.budget, Stall: f.stall, Config: f.config, Dir: dir, Watch: display}
	rep, err := suite.Scale(ctx, benchcmd.Group{Cluster: cluster, Dir: dir}, o)
	display.Note("")
	err = errors.Join(invalid(ctx, err), cluster.Close(), os.RemoveAll(dir))
	return errors.Join(f.hand(c, rep), err)
}
