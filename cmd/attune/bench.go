package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/attunedb/attune/bench"
	"github.com/attunedb/attune/bench/report"
	"github.com/attunedb/attune/bench/suite"
	"github.com/attunedb/attune/cmd/attune/internal/benchcmd"
	"github.com/attunedb/attune/platform/config"
	"github.com/attunedb/attune/platform/telemetry"
)

func newBench() *cobra.Command {
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure how fast a database is, and how sure that is",
		Long: `Measure a database: Attune, or any that speaks PostgreSQL's protocol. A run warms up until throughput is steady, measures until the confidence
interval is as narrow as asked for, and says how it went: throughput and latency with their intervals, what the machine was used to, and whatever
makes the figures doubtful.

Without an address it measures an Attune of its own in a temporary directory.`,
		Example: `  attune bench list                                            # what can be measured
  attune bench run point-read                                     # one workload
  attune bench run --suite oltp --peer postgres --html o.html  # several, beside PostgreSQL
  attune bench targets                                         # the whole table of targets
  attune bench diff before.json after.json                     # did it get faster?`,
		Args: cobra.NoArgs, RunE: helpful,
	}
	c.AddCommand(newBenchRun(), newBenchTargets(), newBenchScale(), newBenchList(), newBenchDiff(), newBenchReport())
	return c
}

// benchFlags are what all commands that measure share.
type benchFlags struct {
	place         benchcmd.Place
	files         benchcmd.Files
	json          bool
	peers         []string
	budget, stall time.Duration
	dataFiles     string
	memory, level string
	configFile    string
	flagged       bench.Config
	config        bench.Config
}

func (f *benchFlags) bind(c *cobra.Command) {
	fs := c.Flags()
	fs.StringVar(&f.place.GRPC, "target", os.Getenv("ATTUNE_TARGET"), "gRPC address of an Attune that runs; one of the command's own by default (ATTUNE_TARGET)")
	fs.StringVar(&f.place.PG, "pg", "", "connection string of a database that speaks PostgreSQL's protocol, measured instead")
	fs.BoolVar(&f.place.Unary, "unary", false, "over gRPC, send each statement as a call of its own: no transactions, nothing sent together")
	fs.BoolVar(&f.place.InProcess, "in-process", false, "reach a database of the command's own through memory instead of a port")
	fs.StringVar(&f.place.Dir, "data", "", "directory for the data of a database of the command's own; a temporary one, removed afterwards, by default")
	fs.StringVar(&f.memory, "memory", "", "most memory for caches and queries of a database of the command's own, such as 1GiB")
	fs.StringSliceVar(&f.peers, "peer", nil, "measure these beside it, private servers: "+strings.Join(benchcmd.Peers(), ", "))
	fs.StringVar(&f.dataFiles, "files", os.Getenv("ATTUNE_BENCH_FILES"), "directory of data sets that are read, not made: stats (ATTUNE_BENCH_FILES)")
	fs.DurationVar(&f.budget, "budget", 0, "how long the whole may take; divided over its parts (default: the suite's own)")
	fs.DurationVar(&f.stall, "stall", 30*time.Second, "give a run up when no operation ends for so long")
	fs.StringVar(&f.level, "log-level", "error", "level of an embedded server's log on standard error")
	bindOutputs(fs, &f.json, &f.files)
}

// bindConfig adds the flags of how to measure.
func (f *benchFlags) bindConfig(c *cobra.Command) {
	c.Flags().StringVar(&f.configFile, "config", "", "read how to measure from this YAML file; flags override it")
	bench.BindFlags(c.Flags(), &f.flagged)
}

func bindOutputs(fs *pflag.FlagSet, asJSON *bool, files *benchcmd.Files) {
	fs.BoolVar(asJSON, "json", false, "print one JSON object on standard output, and nothing else there")
	fs.StringVar(&files.HTML, "html", "", "write a page to this file: curves, tables and how it was measured")
	fs.StringVar(&files.Markdown, "md", "", "write Markdown to this file")
	fs.StringVar(&files.JSON, "out", "", "write the JSON object to this file, for \"attune bench diff\" and \"attune bench report\"")
	fs.StringVar(&files.Dir, "out-dir", "", "write report.json, report.html and report.md to this directory")
}

// check settles the flags, before anything is started.
func (f *benchFlags) check(c *cobra.Command) (err error) {
	if f.place.GRPC != "" && f.place.PG != "" {
		if c.Flags().Changed("target") {
			return fmt.Errorf("--target and --pg name two databases: give one, and the other as --peer: %w", errUsage)
		}
		f.place.GRPC = ""
	}
	if f.place.InProcess && (f.place.GRPC != "" || f.place.PG != "") {
		return fmt.Errorf("--in-process measures a database of the command's own, and not one at an address: %w", errUsage)
	}
	if f.budget < 0 || f.stall <= 0 {
		return fmt.Errorf("--budget and --stall are durations above zero: %w", errUsage)
	}
	f.place.Patience = min(f.stall, maxPatience)
	if f.memory != "" {
		if f.place.Memory, err = config.ParseByteSize(f.memory); err != nil {
			return fmt.Errorf("--memory: %w: %w", err, errUsage)
		}
	}
	if f.place.Log, _, err = telemetry.NewLogger(c.ErrOrStderr(), telemetry.LogConfig{Level: f.level}); err != nil {
		return fmt.Errorf("%w: %w", err, errUsage)
	}
	if f.config, err = f.settle(c); err != nil {
		return err
	}
	return f.files.Check()
}

// maxPatience bounds how long reaching a server may take.
const maxPatience = 10 * time.Second

// settle reads the configuration's file and lays the flags over it.
func (f *benchFlags) settle(c *cobra.Command) (bench.Config, error) {
	cfg := f.flagged
	if f.configFile != "" {
		file, err := os.Open(f.configFile)
		if err != nil {
			return cfg, fmt.Errorf("--config: %w: %w", err, errUsage)
		}
		cfg, err = bench.ReadConfig(file)
		if err = errors.Join(err, file.Close()); err != nil {
			return cfg, fmt.Errorf("--config %s: %w: %w", f.configFile, err, errUsage)
		}
		cfg = bench.OverrideByFlags(c.Flags(), f.flagged, cfg)
	}
	if err := cfg.WithDefaults().Validate(); err != nil {
		return cfg, fmt.Errorf("%w: %w", err, errUsage)
	}
	return cfg, nil
}

// measure runs a suite as the flags say and hands its report out.
func (f *benchFlags) measure(c *cobra.Command, s *suite.Suite) error {
	ctx := c.Context()
	display := benchcmd.NewDisplay(c.ErrOrStderr(), isTerminal(c.ErrOrStderr()), time.Now)
	o := suite.Options{Budget: f.budget, Stall: f.stall, Config: f.config, Files: f.dataFiles, Watch: display, Missing: map[string]string{}}
	dir, err := os.MkdirTemp(f.place.Dir, "attune-bench-files-")
	if err != nil {
		return fmt.Errorf("a directory for scratch files: %w", err)
	}
	o.Dir = dir
	closers := []func() error{func() error { return os.RemoveAll(dir) }}
	shut := func() (err error) {
		for i := len(closers) - 1; i >= 0; i-- {
			err = errors.Join(err, closers[i]())
		}
		closers = nil
		return err
	}
	if s.NeedsDatabase {
		display.Step("starting")
		d, stop, err := benchcmd.Open(ctx, f.place)
		if err != nil {
			display.Note("")
			return errors.Join(err, shut())
		}
		closers = append(closers, stop)
		o.Database = d
		for _, name := range f.peers {
			peer, stop, err := benchcmd.OpenPeer(ctx, name, dir)
			if err != nil {
				o.Missing[name] = err.Error()
				continue
			}
			closers = append(closers, stop)
			o.Peers = append(o.Peers, peer)
		}
		display.Note("")
	}
	rep, err := suite.Run(ctx, s, o)
	display.Note("")
	// Servers end and their data goes before files are written: a disk that is full has room then.
	err = errors.Join(invalid(ctx, err), shut())
	return errors.Join(f.hand(c, rep), err)
}

// invalid words why a run does not count.
func invalid(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted: the report is of what was measured until then")
	case err != nil:
		return fmt.Errorf("the run is not valid: %w", err)
	}
	return nil
}

// hand gives the report to standard output and to files.
func (f *benchFlags) hand(c *cobra.Command, rep *report.Report) error {
	return handOut(c, rep, f.json, f.files)
}

func handOut(c *cobra.Command, rep *report.Report, asJSON bool, files benchcmd.Files) error {
	out, fallback := c.OutOrStdout(), c.OutOrStdout()
	var err error
	if asJSON {
		err, fallback = rep.Write(out), nil
	} else {
		err = benchcmd.Show(out, rep)
	}
	return errors.Join(err, files.Write(rep, fallback))
}

func newBenchRun() *cobra.Command {
	var f benchFlags
	var name string
	c := &cobra.Command{
		Use:   "run [WORKLOAD...]",
		Short: "Run workloads, or a suite",
		Long: `Run workloads one after the other, or a suite (--suite: ` + strings.Join(suite.Names(), ", ") + `), and report on it. "attune bench list" names them.

A run has phases: load; warm-up, until throughput is steady; ramp, where one is asked for; measurement, until the interval is within
--relative-error or --measurement-duration is over; cool-down. Ctrl-C ends it and reports what was measured until then; a second one ends at once.

The exit status is 0 when the run was valid, whatever it found, 1 when it was not, 2 when the command line makes no sense.`,
		Example: `  attune bench run point-read --threads 16
  attune bench run point-read point-write --distribution zipf --peer postgres --html ycsb.html
  attune bench run point-read --arrivals poisson --rate 5000       # latency at a rate, without coordinated omission
  attune bench run point-read --ramp knee --knee-latency 5ms       # how much can it take?
  attune bench run tpcb --pg "postgres://me@localhost/db"       # another database
  attune bench run --suite tpch --scale 0.1 --peer postgres,duckdb --out tpch.json`,
		RunE: func(c *cobra.Command, args []string) error {
			s, err := chosen(name, args)
			if err != nil {
				return err
			}
			if err := f.check(c); err != nil {
				return err
			}
			return f.measure(c, s)
		},
	}
	c.Flags().StringVar(&name, "suite", "", "run this suite: "+strings.Join(suite.Names(), ", "))
	f.bind(c)
	f.bindConfig(c)
	return c
}

// chosen is the suite of a command line.
func chosen(name string, workloads []string) (*suite.Suite, error) {
	var s *suite.Suite
	var err error
	switch {
	case name != "" && len(workloads) > 0:
		err = errors.New("give workloads, or --suite, not both")
	case name != "":
		s, err = suite.ByName(name)
	case len(workloads) > 0:
		s, err = suite.Of(workloads)
	default:
		err = errors.New("nothing to run: name a workload or give --suite; \"attune bench list\" names them")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, errUsage)
	}
	return s, nil
}

func newBenchTargets() *cobra.Command {
	f := benchFlags{}
	c := &cobra.Command{
		Use:   "targets",
		Short: "Measure the whole table of targets, beside PostgreSQL and the machine's limits",
		Long: `Measure every target: point and range reads, writes, batches, mixed load, analytical queries, storage, compression and the machine's
use; each beside PostgreSQL on the same data (where it is installed) and beside what the machine can do at all: an echo over the same kind of gRPC
stream, the storage engine called directly, a plain memory copy, the disk. The targets are stated for a node of 16 cores; a throughput's
target here is that figure divided by 16, times the cores at hand. What cannot be measured is listed with the reason.`,
		Example: `  attune bench targets
  attune bench targets --budget 3m --html targets.html --json > targets.json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.check(c); err != nil {
				return err
			}
			s, err := suite.ByName("targets")
			if err != nil {
				return err
			}
			return f.measure(c, s)
		},
	}
	f.bind(c)
	f.bindConfig(c)
	c.Flags().Lookup("peer").DefValue = "postgres"
	f.peers = []string{"postgres"}
	return c
}

func newBenchReport() *cobra.Command {
	var files benchcmd.Files
	var asJSON bool
	c := &cobra.Command{
		Use:   "report FILE",
		Short: "Draw a saved report",
		Long:  `Print a report that --out or --json saved ("-" is standard input), or draw it as a page or as Markdown.`,
		Example: `  attune bench report targets.json
  attune bench report targets.json --html targets.html --md docs/performance.md`,
		Args: exactly(1, "the file of a report"),
		RunE: func(c *cobra.Command, args []string) error {
			rep, err := readReport(c.InOrStdin(), args[0])
			if err != nil {
				return err
			}
			if err := files.Check(); err != nil {
				return err
			}
			if files.Empty() || asJSON {
				return handOut(c, rep, asJSON, files)
			}
			return files.Write(rep, nil)
		},
	}
	bindOutputs(c.Flags(), &asJSON, &files)
	return c
}

func exactly(n int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != n {
			return fmt.Errorf("give %s", what)
		}
		return nil
	}
}
