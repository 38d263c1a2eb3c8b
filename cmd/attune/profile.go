package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/attunedb/attune/cmd/attune/internal/profilecmd"
	"github.com/attunedb/attune/cmd/attune/internal/progress"
	"github.com/attunedb/attune/platform/coord"
	"github.com/attunedb/attune/platform/profiler/analysis"
	"github.com/attunedb/attune/platform/profiler/render"
	profilerv1 "github.com/attunedb/attune/proto/gen/attune/profiler/v1"
)

// maxPieceBytes bounds one message of a profile.
const maxPieceBytes = 64 << 20

// profilePlace is which processes are profiled, and where the report goes.
type profilePlace struct {
	targets, etcd []string
	out, html     string
	json          bool
}

func (p *profilePlace) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringSliceVar(&p.targets, "target", strings.Split(env("ATTUNE_TARGET", defaultTarget), ","), "addresses of processes to profile (ATTUNE_TARGET)")
	f.StringSliceVar(&p.etcd, "etcd", envList("ATTUNE_ETCD"), "profile every process of the cluster that is registered in this etcd (ATTUNE_ETCD)")
	p.outputFlags(c)
}

func (p *profilePlace) outputFlags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&p.out, "out", "", "directory for the report and the raw profiles; attune-profile-TIME by default, unless --html or --json is given")
	f.StringVar(&p.html, "html", "", "file for the report as one page")
	f.BoolVar(&p.json, "json", false, "print the report as one JSON object")
}

func (p *profilePlace) output(c *cobra.Command) profilecmd.Output {
	dir := p.out
	if dir == "" && p.html == "" && !p.json {
		dir = "attune-profile-" + time.Now().Format("20060102-150405")
	}
	return profilecmd.Output{Dir: dir, HTML: p.html, JSON: p.json, Out: c.OutOrStdout(), Err: c.ErrOrStderr()}
}

// find lists the processes to profile.
func (p *profilePlace) find(ctx context.Context, c *cobra.Command) (*profilecmd.Found, error) {
	if len(p.etcd) > 0 {
		ctx, cancel := context.WithTimeout(ctx, askTimeout)
		defer cancel()
		client, err := coord.Connect(ctx, coord.Config{Endpoints: p.etcd}, nil)
		if err != nil {
			return nil, fmt.Errorf("%w: etcd at %s: %w", errNoServer, strings.Join(p.etcd, ","), err)
		}
		door := ""
		if c.Flags().Changed("target") && len(p.targets) == 1 {
			door = p.targets[0]
		}
		found, err := profilecmd.Discover(ctx, client, door)
		return found, errors.Join(err, client.Close())
	}
	found := &profilecmd.Found{}
	seen := map[string]bool{}
	for _, t := range p.targets {
		if t = strings.TrimSpace(t); t != "" && !seen[t] {
			seen[t] = true
			found.Targets = append(found.Targets, profilecmd.Target{Name: t, Address: t})
		}
	}
	if len(found.Targets) == 0 {
		return nil, fmt.Errorf("nothing to profile: give --target or --etcd: %w", errUsage)
	}
	found.History = found.Targets[0].Address
	return found, nil
}

func newProfile() *cobra.Command {
	var at profilePlace
	var o profilecmd.Options
	c := &cobra.Command{
		Use:   "profile",
		Short: "Find what holds the processes up: processors, memory, disk, network, locks",
		Long: `Profile processes of Attune, all at the same time: CPU, memory, files, calls, locks. The report says for each what it is bound by, with the
figures and the call path, and what to do about it: which setting, query or index.

A process that refuses, or dies in the middle, is named; the others' results are kept, and the exit status is 1.`,
		Example: `  attune profile                                          # the server at --target, for ten seconds
  attune profile --duration 30s --find-leaks --out leaks   # and look for memory that grows
  attune profile --etcd http://etcd:2379                   # every process of a cluster
  attune profile recent --last 10m                         # what the continuous mode kept: before an incident
  attune profile diff before after                         # two profiles against each other
  attune profile serve before                              # pprof's flame graphs in a browser
  attune profile analyze http://localhost:6060/debug/pprof # any other Go program`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := profilecmd.CheckDuration(o.Duration); err != nil {
				return fmt.Errorf("%w: %w", err, errUsage)
			}
			return takeProfile(c, &at, o)
		},
	}
	at.flags(c)
	c.Flags().DurationVar(&o.Duration, "duration", 10*time.Second, "how long to measure, 100ms to 10m")
	c.Flags().BoolVar(&o.FindLeaks, "find-leaks", false, "compare the heap across forced collections, to find what grows; it stops the world a few times")
	c.AddCommand(newProfileRecent(), newProfileDiff(), newProfileServe(), newProfileAnalyze())
	return c
}

func takeProfile(c *cobra.Command, at *profilePlace, o profilecmd.Options) error {
	found, err := at.find(c.Context(), c)
	if err != nil {
		return err
	}
	queries, end := beginQueries(c, found)
	defer end()
	line, step := profileProgress(c.ErrOrStderr(), fmt.Sprintf("%d %s, %s", len(found.Targets), plural(len(found.Targets), "process", "processes"), o.Duration))
	profiles, missing := profilecmd.Profile(c.Context(), found.Targets, dialProfiler, o, step)
	line.End("")
	in := analysis.Input{Addresses: found.Instances, Missing: missing}
	if queries != nil && len(profiles) > 0 {
		ctx, cancel := context.WithTimeout(c.Context(), askTimeout)
		defer cancel()
		if in.Templates, err = queries.End(ctx); err != nil {
			fmt.Fprintln(c.ErrOrStderr(), "Queries are not in the report:", err)
		}
	}
	return at.output(c).Write(profiles, in)
}

// beginQueries asks history what it knows, where there is one. end closes the connection.
func beginQueries(c *cobra.Command, found *profilecmd.Found) (q *profilecmd.Queries, end func()) {
	if found.History == "" {
		return nil, func() {}
	}
	ctx, cancel := context.WithTimeout(c.Context(), connectTimeout)
	defer cancel()
	conn, err := dialProfiler(found.History)
	if err != nil {
		return nil, func() {}
	}
	end = func() { _ = conn.Close() } // nothing is under way on it
	if q, err = profilecmd.BeginQueries(ctx, conn); err != nil {
		// A process without the history service has no queries to tell of; whether it is up at all, its profile says.
		return nil, end
	}
	return q, end
}

func newProfileRecent() *cobra.Command {
	var at profilePlace
	var last, until time.Duration
	c := &cobra.Command{
		Use:     "recent",
		Short:   "Report what the continuous mode kept",
		Long:    "Report what the processes' continuous mode kept of the last minutes, so that the time before an incident can be read after it.",
		Example: "  attune profile recent --last 10m\n  attune profile recent --last 30m --until 25m   # five minutes, half an hour ago",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if last <= 0 || until < 0 || until >= last {
				return fmt.Errorf("--last %s --until %s is no span of time: --last is how long ago it begins, --until how long ago it ends: %w", last, until, errUsage)
			}
			found, err := at.find(c.Context(), c)
			if err != nil {
				return err
			}
			now := time.Now()
			profiles, missing := profilecmd.Recent(c.Context(), found.Targets, dialProfiler, now.Add(-last), now.Add(-until))
			return at.output(c).Write(profiles, analysis.Input{Addresses: found.Instances, Missing: missing})
		},
	}
	at.flags(c)
	c.Flags().DurationVar(&last, "last", 10*time.Minute, "how long ago the span begins")
	c.Flags().DurationVar(&until, "until", 0, "how long ago it ends")
	return c
}

func newProfileDiff() *cobra.Command {
	var at profilePlace
	c := &cobra.Command{
		Use:   "diff BEFORE AFTER",
		Short: "Set two profiles against each other",
		Long: `Set two profiles against each other: of two times, or of two versions. Each is a directory that attune profile wrote, or a file in pprof's
format. Shares of each profile's own total are compared, so that lengths and loads may differ.`,
		Example: "  attune profile diff before after --html diff.html\n  attune profile diff old/cpu.pb.gz new/cpu.pb.gz",
		Args:    exactly(2, "two profiles: BEFORE and AFTER"),
		RunE: func(c *cobra.Command, args []string) error {
			before, err := profilecmd.Load(args[0])
			if err != nil {
				return err
			}
			after, err := profilecmd.Load(args[1])
			if err != nil {
				return err
			}
			pairs, alone := profilecmd.Pair(before, after)
			for _, name := range alone {
				fmt.Fprintln(c.ErrOrStderr(), "No partner to compare with:", name)
			}
			if len(pairs) == 0 {
				return errors.New("the two have no process in common")
			}
			return writeComparisons(c, &at, pairs)
		},
	}
	c.Flags().StringVar(&at.html, "html", "", "file for the comparison as one page, with differential flame graphs")
	c.Flags().BoolVar(&at.json, "json", false, "print the comparison as JSON")
	return c
}

func writeComparisons(c *cobra.Command, at *profilePlace, pairs [][2]*profilerv1.ProcessProfile) error {
	var all []*analysis.Comparison
	for _, p := range pairs {
		all = append(all, analysis.CompareProcesses(p[0], p[1]))
	}
	if at.html != "" {
		if err := render.File(at.html, func(w io.Writer) error { return render.ComparisonHTML(w, all) }); err != nil {
			return err
		}
	}
	if at.json {
		return render.JSON(c.OutOrStdout(), all)
	}
	return render.ComparisonText(c.OutOrStdout(), all)
}

func newProfileServe() *cobra.Command {
	var listen string
	c := &cobra.Command{
		Use:     "serve DIR",
		Short:   "Show profiles in a browser, with pprof's flame graphs",
		Long:    "Serve the report of a directory, and pprof's own pages for each profile in it: flame graph, top, source; the call graph where Graphviz is installed.",
		Example: "  attune profile serve attune-profile-20260102-150405",
		Args:    exactly(1, "a directory of profiles, or one of them"),
		RunE: func(c *cobra.Command, args []string) error {
			pages, err := profilecmd.NewPages(args[0])
			if err != nil {
				return err
			}
			return pages.Serve(c.Context(), listen, func(address string) {
				fmt.Fprintf(c.OutOrStdout(), "http://%s/\n", address)
			})
		},
	}
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:7480", "address to serve on, port 0 for any free one")
	return c
}

func newProfileAnalyze() *cobra.Command {
	var at profilePlace
	var o profilecmd.Options
	var processors int
	c := &cobra.Command{
		Use:   "analyze DIR|FILE|URL",
		Short: "Report on the profiles of any Go program",
		Long: `Report on profiles that are there already: a directory of attune profile, or any files in pprof's format. With the address of a Go
program's /debug/pprof pages, profile that program for --duration first.`,
		Example: "  attune profile analyze http://localhost:6060/debug/pprof --duration 10s --processors 8\n  attune profile analyze ./profiles",
		Args:    exactly(1, "a directory, a file, or the address of a program"),
		RunE: func(c *cobra.Command, args []string) error {
			if !profilecmd.IsURL(args[0]) {
				profiles, err := profilecmd.Load(args[0])
				if err != nil {
					return err
				}
				out := at.output(c)
				out.Dir = at.out
				return out.Write(profiles, analysis.Input{})
			}
			if err := profilecmd.CheckDuration(o.Duration); err != nil {
				return fmt.Errorf("%w: %w", err, errUsage)
			}
			line := newProgress(c.ErrOrStderr())
			line.Begin(fmt.Sprintf("%s, %s", args[0], o.Duration), 0)
			p, err := profilecmd.Fetcher{}.Fetch(c.Context(), args[0], o, processors)
			line.End("")
			if err != nil {
				return err
			}
			return at.output(c).Write([]*profilerv1.ProcessProfile{p}, analysis.Input{})
		},
	}
	at.outputFlags(c)
	c.Flags().DurationVar(&o.Duration, "duration", 10*time.Second, "how long to measure a program, 1s to 10m")
	c.Flags().BoolVar(&o.FindLeaks, "find-leaks", false, "compare the heap across forced collections")
	c.Flags().IntVar(&processors, "processors", 0, "how many processors the program may use; 0 where that is not known")
	return c
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// dialProfiler connects without retries: a process that is not there is named, not waited for.
func dialProfiler(address string) (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxPieceBytes)))
}

func newProgress(w io.Writer) *progress.Line {
	f, ok := w.(*os.File)
	return progress.New(w, ok && term.IsTerminal(int(f.Fd())), time.Now)
}

// profileProgress draws a bar of shares.
func profileProgress(w io.Writer, label string) (*progress.Line, func(float64)) {
	const steps = 1000
	line := newProgress(w)
	line.Begin(label, steps)
	done := int64(0)
	return line, func(share float64) {
		if n := int64(share * steps); n > done {
			line.Add(n - done)
			done = n
		}
	}
}
