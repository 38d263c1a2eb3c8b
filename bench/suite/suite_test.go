package suite

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/attunedb/attune/bench"
	"github.com/attunedb/attune/bench/db"
	"github.com/attunedb/attune/bench/report"
	"github.com/attunedb/attune/bench/workload"
)

// fake is a database and a workload in one; what it does is in its fields.
type fake struct {
	db.DB
	name              string
	load, check, run  error
	hang              bool
	prepared, dropped int
	took              time.Duration
}

func (f *fake) Name() string                            { return f.name }
func (f *fake) Version(context.Context) (string, error) { return "1", nil }
func (f *fake) Durability(context.Context) string       { return "fsync of " + f.name }

// made is the workload: it does what the database says.
type made struct{}

func (made) Name() string     { return "made" }
func (made) Describe() string { return "made up" }
func (made) Prepare(_ context.Context, d db.DB, p workload.Loading) error {
	d.(*fake).prepared++
	p.Table("t", 1)
	p.Add(1)
	return d.(*fake).load
}
func (made) Subject(_ context.Context, d db.DB) (bench.Subject, error) {
	return subject{d.(*fake)}, nil
}
func (made) Check(_ context.Context, d db.DB) error { return d.(*fake).check }
func (made) Drop(_ context.Context, d db.DB) error  { d.(*fake).dropped++; return nil }

type subject struct{ *fake }

func (s subject) Kinds() []string                                   { return []string{"op"} }
func (s subject) Worker(context.Context, int) (bench.Worker, error) { return worker(s), nil }

type worker struct{ *fake }

func (w worker) Run(ctx context.Context, ops []bench.Op) {
	for i := range ops {
		if w.hang {
			<-ctx.Done()
			ops[i].Err = ctx.Err()
		} else {
			time.Sleep(w.took)
			ops[i].Err = w.run
		}
		ops[i].End = time.Now()
	}
}

func (w worker) Close() error { return nil }

func short() bench.Config {
	return bench.Config{Threads: 1, WarmupDuration: 100 * time.Millisecond, MeasurementDuration: 300 * time.Millisecond, MinMeasurement: 200 * time.Millisecond,
		CooldownDuration: 100 * time.Millisecond, Interval: 20 * time.Millisecond}
}

// run runs one part on a database and its peers.
func run(t *testing.T, ctx context.Context, stall time.Duration, dbs ...*fake) (*report.Report, error) {
	t.Helper()
	o := Options{Database: Database{DB: dbs[0]}, Config: short(), Stall: stall, Budget: time.Minute}
	for _, d := range dbs[1:] {
		o.Peers = append(o.Peers, Database{DB: d})
	}
	return Run(ctx, &Suite{Name: "x", NeedsDatabase: true, run: func(ctx context.Context, r *runner) error {
		out := r.compare(ctx, part{figure: "made", w: made{}, cfg: r.Config, weight: 1}, "made.qps")
		if out.result != nil {
			r.rep.Add(r.throughputRow("made.qps", "ops/s", out, map[string]float64{"limit": 1e6}))
			r.rep.Add(latencyRow("made.p50", out, p50))
		}
		return nil
	}}, o)
}

func skipped(r *report.Report) string {
	var b strings.Builder
	for _, s := range r.Skipped {
		b.WriteString(s.Name + ": " + s.Reason + "\n")
	}
	return b.String()
}

func TestADatabaseIsMeasuredBesideItsPeer(t *testing.T) {
	own, peer := &fake{name: "own", took: time.Millisecond}, &fake{name: "peer", took: 4 * time.Millisecond}
	r, err := run(t, t.Context(), time.Second, own, peer)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Rows) != 2 || len(r.Runs) != 2 || own.prepared != 1 || peer.prepared != 1 || own.dropped != 1 || peer.dropped != 1 {
		t.Fatalf("%+v, %+v, %+v", r, own, peer)
	}
	qps, tail := r.Rows[0], r.Rows[1]
	if ratio := qps.Ratios["peer"]; ratio < 2 || ratio > 8 {
		t.Errorf("a peer four times as slow: ratio %v", ratio)
	}
	if ratio := tail.Ratios["peer"]; ratio < 1.5 {
		t.Errorf("its latency: ratio %v", ratio)
	}
	if qps.Limits["limit"] != 1e6 || qps.Ratios["limit"] <= 0 || qps.CILow == nil || *qps.CILow > qps.Value || qps.PerCore == nil || qps.Run != "made/own" {
		t.Errorf("%+v", qps)
	}
	if r.Durability != "fsync of own" || !strings.Contains(strings.Join(r.Notes, " "), "fsync of peer") {
		t.Errorf("durability %q, notes %v", r.Durability, r.Notes)
	}
}

func TestWhatFailsIsListedWithItsReason(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		what    string
		dbs     []*fake
		invalid string
		skipped string
		rows    int
	}{
		{"a peer that does not load", []*fake{{name: "own", took: time.Millisecond}, {name: "peer", load: broken}}, "", "made on peer: loading made into peer: broken", 2},
		{"a peer that cannot", []*fake{{name: "own", took: time.Millisecond}, {name: "peer", load: &workload.Unsupported{Workload: "made", Database: "peer", Reason: "old"}}}, "",
			"made on peer", 2},
		{"a database that does not load", []*fake{{name: "own", load: broken}}, "broken", "made.qps: loading made into own: broken", 0},
		{"a database that cannot", []*fake{{name: "own", load: &workload.Unsupported{Workload: "made", Database: "own", Reason: "old"}}}, "nothing was measured",
			"made.qps: loading made into own: workload made cannot run on own: old", 0},
		{"wrong data", []*fake{{name: "own", took: time.Millisecond, check: broken}}, "own gave wrong data: broken", "made.qps: own gave wrong data", 2},
		{"operations that fail", []*fake{{name: "own", took: time.Millisecond, run: broken}}, "no operation", "made.qps", 0},
		{"a server that hangs", []*fake{{name: "own", hang: true}}, "hangs", "made.qps: own takes connections, but no operation ended for 200ms", 0},
	} {
		r, err := run(t, t.Context(), 200*time.Millisecond, c.dbs...)
		if (err == nil) != (c.invalid == "") || err != nil && !strings.Contains(err.Error(), c.invalid) {
			t.Errorf("%s: error %v", c.what, err)
		}
		if got := skipped(r); !strings.Contains(got, c.skipped) || len(r.Rows) != c.rows {
			t.Errorf("%s: %d rows, skipped %s", c.what, len(r.Rows), got)
		}
	}
}

func TestAnInterruptedSuiteHasItsReport(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	r, err := run(t, ctx, time.Second, &fake{name: "own"})
	if err == nil || err.Error() != "enough" || !r.Interrupted || !strings.Contains(skipped(r), "the run was ended before") {
		t.Errorf("%v, %+v", err, r)
	}
}

func TestTheBudgetIsDivided(t *testing.T) {
	at := time.Unix(0, 0)
	r := &runner{Options: Options{Now: func() time.Time { return at }}, deadline: at.Add(100 * time.Second), weight: 10}
	if got := r.slot(5); got != 50*time.Second {
		t.Errorf("half of it: %v", got)
	}
	at = at.Add(80 * time.Second) // it took longer than it was given
	if got := r.slot(5); got != 20*time.Second {
		t.Errorf("the rest: %v", got)
	}
	at = at.Add(time.Hour)
	if got := r.slot(1); got != 0 {
		t.Errorf("nothing left: %v", got)
	}
	cfg := timed(bench.Config{}, 20*time.Second)
	if whole := cfg.WarmupDuration + cfg.MeasurementDuration + cfg.CooldownDuration; whole > 20*time.Second || whole < 19*time.Second {
		t.Errorf("phases of a slot: %+v", cfg)
	}
	if cfg := timed(bench.Config{MeasurementDuration: time.Hour}, time.Second); cfg.MeasurementDuration != time.Hour {
		t.Error("what the user asked for was changed")
	}
	if err := timed(bench.Config{}, 2*time.Second).WithDefaults().Validate(); err != nil {
		t.Error(err)
	}
}

func TestNamesAreStable(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range Workloads() {
		if seen[e.Name] || e.Name != strings.ToLower(e.Name) || e.Description == "" || e.Family == "" || e.New == nil {
			t.Errorf("workload %+v", e)
		}
		seen[e.Name] = true
		if e.Name == "stats" {
			continue // its data is read from files
		}
		small := bench.Config{Scale: 0.01, KeySpaceSize: 1000}.WithDefaults()
		if w, err := e.New(small, ""); err != nil || w.Name() == "" || w.Describe() == "" {
			t.Errorf("%s: %v", e.Name, err)
		}
	}
	for _, name := range []string{"targets", "tpch", "stats", "imdb", "shop", "oltp", "limits", "micro"} {
		if s, err := ByName(name); err != nil || s.Description == "" || s.Budget <= 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range oltp() {
		if _, err := Lookup(name); err != nil {
			t.Error(err)
		}
	}
	if _, err := Of([]string{"point-read", "nope"}); err == nil {
		t.Error("an unknown workload")
	}
}
