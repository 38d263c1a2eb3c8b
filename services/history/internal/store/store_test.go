package store

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/attunedb/attune/services/history/internal/guard"
)

const now = int64(1_000_000_000)

func open(t *testing.T, fs vfs.FS, cfg Config) *Store {
	t.Helper()
	cfg.FS = fs
	s, err := Open("db", cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ingestAll(t *testing.T, s *Store, events ...Event) Ingested {
	t.Helper()
	out, err := s.Ingest(events, now)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var executions int

// run makes a completed foreground run with an identity of its own.
func run(template, plan uint64, nanos int64) Run {
	executions++
	return Run{ExecutionID: fmt.Sprint("x", executions), Template: template, Plan: plan, SQL: fmt.Sprint("select ", template),
		Optimizer: "learned", Foreground: true, Outcome: Completed, Nanos: nanos, StartMicros: int64(executions),
		Encoded: []byte(fmt.Sprint("event ", executions)), Sample: []byte("sample")}
}

func event(id string, runs ...Run) Event { return Event{ID: id, PublishedMicros: now, Runs: runs} }

// state is all that a store answers, for comparison.
func state(t *testing.T, s *Store) []any {
	t.Helper()
	list, err := s.Templates(1000, 0)
	if err != nil {
		t.Fatal(err)
	}
	out := []any{list}
	for _, l := range list {
		d, err := s.Template(l.ID, 100, true)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, *d)
	}
	return append(out, s.Cardinalities([]uint64{1, 2, 3, 4, 5, 6, 7, 8}))
}

func TestTimesAndCounts(t *testing.T) {
	s := open(t, vfs.NewMem(), Config{})
	defer s.Close()
	var runs []Run
	for i := int64(1); i <= 100; i++ {
		runs = append(runs, run(7, 1, i*1000))
	}
	background := run(7, 2, 500)
	background.Foreground = false
	static := run(7, 1, 9000)
	static.Optimizer = "static"
	timedOut := run(7, 3, 77_000)
	timedOut.Outcome, timedOut.Foreground = TimedOut, false
	failed := run(7, 1, 1)
	failed.Outcome = Failed
	last := run(7, 1, 50_000)
	last.QErrors = []float64{1, 2, 3, 100}
	ingestAll(t, s, event("a", append(runs, background, static, timedOut, failed, last)...),
		Event{ID: "b", Aggregates: []Aggregate{{Template: 7, Plan: 1, Count: 1000, TotalNanos: 400_000, MaxNanos: 900_000, AtMicros: 5}}})

	d, err := s.Template(7, 0, false)
	if err != nil {
		t.Fatal(err)
	}
	if d.Runs != 1102 || d.MaxNanos != 900_000 || d.TotalNanos != 5050*1000+9000+50_000+400_000 || d.Plans != 3 {
		t.Errorf("template: %+v", d.TemplateSummary)
	}
	if d.MedianNanos != 50_000 || d.P99Nanos != 99_000 {
		t.Errorf("median %d, p99 %d", d.MedianNanos, d.P99Nanos)
	}
	if d.QErrorMedian != 3 || d.QErrorP90 != 100 {
		t.Errorf("q-errors %v and %v", d.QErrorMedian, d.QErrorP90)
	}
	p := d.PlanList
	if p[0].Runs != 1102 || p[0].BestNanos != 400 || p[0].StaticMedianNanos != 9000 || p[0].BackgroundRuns != 0 {
		t.Errorf("plan 1: %+v", p[0])
	}
	if p[1].Runs != 0 || p[1].BackgroundRuns != 1 || p[1].MedianNanos != 500 {
		t.Errorf("plan 2: %+v", p[1])
	}
	if p[2].CensoredNanos != 77_000 || p[2].MedianNanos != 0 || p[2].BestNanos != 0 {
		t.Errorf("plan 3: %+v", p[2])
	}
}

// TestCrashAndRedelivery crashes after every batch, keeping only what was synced, delivers the batch again as JetStream would,
// and ends with the state of a store that never crashed.
func TestCrashAndRedelivery(t *testing.T) {
	const seed = 5
	rng := rand.New(rand.NewPCG(seed, seed))
	calm := open(t, vfs.NewMem(), Config{})
	defer calm.Close()
	fs := vfs.NewCrashableMem()
	s := open(t, fs, Config{})
	replica := s.Replica()
	for i := range 12 {
		var batch []Event
		for j := range 1 + rng.IntN(4) {
			e := event(fmt.Sprintf("m%d-%d", i, j))
			for range rng.IntN(5) {
				r := run(1+rng.Uint64N(3), 1+rng.Uint64N(3), 1+rng.Int64N(1e6))
				r.Counts = []Count{{Key: 1 + rng.Uint64N(8), Rows: float64(rng.IntN(100))}}
				r.PlanEncoded = []byte(fmt.Sprint("plan", r.Plan))
				e.Runs = append(e.Runs, r)
			}
			e.Aggregates = []Aggregate{{Template: 1, Plan: 1, Count: 3, TotalNanos: 30, MaxNanos: 20, AtMicros: 9}}
			batch = append(batch, e)
		}
		ingestAll(t, calm, batch...)
		ingestAll(t, s, batch...)
		clone := fs.CrashClone(vfs.CrashCloneCfg{})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		fs = clone
		s = open(t, fs, Config{})
		if out := ingestAll(t, s, batch...); out.Runs+out.Aggregates != 0 || out.Duplicates != len(batch) {
			t.Fatalf("seed %d: batch %d counted again: %+v", seed, i, out)
		}
	}
	if s.Replica() != replica {
		t.Error("the replica's name changed")
	}
	if a, b := state(t, calm), state(t, s); !reflect.DeepEqual(a, b) {
		t.Errorf("seed %d: after crashes\n%+v\nwithout\n%+v", seed, b, a)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestAnExecutionInTwoMessagesCountsOnce(t *testing.T) {
	s := open(t, vfs.NewMem(), Config{})
	defer s.Close()
	r := run(1, 1, 10)
	ingestAll(t, s, event("a", r), event("b", r), event("", r))
	if d, _ := s.Template(1, 10, false); d.Runs != 1 || len(d.RunList) != 1 {
		t.Fatalf("%+v", d)
	}
}

func TestBounds(t *testing.T) {
	fs := vfs.NewMem()
	cfg := Config{Templates: 3, Plans: 4, Runs: 6, Window: 5, Subplans: 4, Seen: 10}
	s := open(t, fs, cfg)
	// A plan tried once stays among the runs of one that always runs.
	ingestAll(t, s, event("", run(1, 9, 10)))
	for i := range 50 {
		r := run(1, 1, int64(100+i))
		r.Counts = []Count{{Key: uint64(1 + i%8), Rows: 5}}
		ingestAll(t, s, event(fmt.Sprint("m", i), r))
	}
	d, err := s.Template(1, 100, false)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.RunList) != 6 || !bytes.Contains(d.RunList[5], []byte("event ")) || d.PlanList[1].Runs != 1 {
		t.Errorf("%d runs", len(d.RunList))
	}
	if d.PlanList[0].MedianNanos != 147 {
		t.Errorf("median of the last five is %d", d.PlanList[0].MedianNanos)
	}
	for plan := range uint64(20) {
		ingestAll(t, s, event("", run(1, 100+plan, 10)))
	}
	if d, _ = s.Template(1, 0, false); d.Plans != 4 {
		t.Errorf("%d plans", d.Plans)
	}
	check := func(s *Store) {
		t.Helper()
		if c := s.Counts(); c.Subplans != 4 || c.Seen != 10 {
			t.Errorf("counts %+v", c)
		}
		// Keys 1 and 2 came last, before them 8 and 7.
		if got := s.Cardinalities([]uint64{1, 2, 3, 4, 5, 6, 7, 8}); len(got) != 4 || got[2].Key != 7 {
			t.Errorf("sub-plans %+v", got)
		}
	}
	check(s)

	// The template with an accepted plan outlives those without.
	if _, _, err := s.ApplyGuard(1, &guard.Record{Counter: 1, Plans: []guard.Plan{{ID: 1, State: guard.Accepted, Version: 1}}}, 5); err != nil {
		t.Fatal(err)
	}
	var gone []uint64
	for template := uint64(2); template <= 6; template++ {
		for _, e := range ingestAll(t, s, event("", run(template, 1, 10))).Evicted {
			gone = append(gone, e.Template)
		}
	}
	if !reflect.DeepEqual(gone, []uint64{2, 3, 4}) {
		t.Errorf("evicted %v", gone)
	}
	before := state(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, fs, cfg)
	defer s.Close()
	check(s)
	if after := state(t, s); !reflect.DeepEqual(before, after) {
		t.Errorf("after a restart\n%+v\nbefore\n%+v", after, before)
	}
}

func TestContradictionsAreRefusedAlone(t *testing.T) {
	s := open(t, vfs.NewMem(), Config{})
	defer s.Close()
	bad := run(1, 1, 10)
	bad.SQL = "another text"
	silent := run(1, 1, 10)
	silent.SQL = ""
	out := ingestAll(t, s, event("a", run(1, 1, 10), bad, silent))
	if out.Runs != 2 || len(out.Refused) != 1 {
		t.Fatalf("%+v", out)
	}
}

func TestCardinalityFollowsRecentRuns(t *testing.T) {
	s := open(t, vfs.NewMem(), Config{})
	defer s.Close()
	observe := func(rows float64, n int) {
		for range n {
			r := run(1, 1, 10)
			r.Counts = []Count{{Key: 4, Rows: rows}}
			ingestAll(t, s, event("", r))
		}
	}
	observe(100, 1)
	if c := s.Cardinalities([]uint64{4})[0]; c.Rows != 100 || c.Observations != 1 {
		t.Fatalf("%+v", c)
	}
	observe(1000, 12)
	if c := s.Cardinalities([]uint64{3, 4}); len(c) != 1 || c[0].Rows < 950 {
		t.Fatalf("%+v", c)
	}
}

func TestForgettingRemovesAndIgnoresWhatCameBefore(t *testing.T) {
	fs := vfs.NewMem()
	s := open(t, fs, Config{})
	old := run(1, 1, 10)
	old.PlanEncoded = []byte("plan")
	ingestAll(t, s, event("a", old))
	rec := (&guard.Record{}).Forget(now + 10)
	if _, _, err := s.ApplyGuard(1, rec, 3); err != nil {
		t.Fatal(err)
	}
	late := event("b", run(1, 1, 10))
	late.PublishedMicros = now + 5
	if out := ingestAll(t, s, late); out.Forgotten != 1 {
		t.Fatalf("%+v", out)
	}
	if d, err := s.Template(1, 10, true); d != nil || err != nil {
		t.Fatalf("%+v %v", d, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, fs, Config{})
	defer s.Close()
	if d, _ := s.Template(1, 10, true); d != nil {
		t.Fatalf("after a restart: %+v", d)
	}
	later := event("c", run(1, 1, 10))
	later.PublishedMicros = now + 20
	if out := ingestAll(t, s, later); out.Runs != 1 {
		t.Fatalf("%+v", out)
	}
	if d, _ := s.Template(1, 10, true); d.Runs != 1 || d.PlanList[0].Encoded != nil {
		t.Fatalf("%+v", d)
	}
}

func TestGuardRecordsFollowTheirRevision(t *testing.T) {
	fs := vfs.NewMem()
	s := open(t, fs, Config{})
	one := &guard.Record{}
	two, err := one.Next(guard.Change{Plan: 5, To: guard.Accepted, AtMicros: 1})
	if err != nil {
		t.Fatal(err)
	}
	if made, _, err := s.ApplyGuard(1, two, 8); err != nil || len(made) != 1 {
		t.Fatalf("%+v %v", made, err)
	}
	if made, _, err := s.ApplyGuard(1, &guard.Record{Counter: 9}, 7); err != nil || len(made) != 0 {
		t.Fatalf("an older record: %+v %v", made, err)
	}
	if err := s.StorePlan(1, 5, []byte("plan"), true); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, fs, Config{})
	defer s.Close()
	if r, rev := s.Guard(1); rev != 8 || r.Accepted() != 5 {
		t.Fatalf("after a restart %+v at %d", r, rev)
	}
	if b, shared, err := s.PlanBytes(1, 5); string(b) != "plan" || !shared || err != nil {
		t.Fatalf("%q %v %v", b, shared, err)
	}
	// Another bucket starts its revisions anew.
	for i, want := range []bool{false, true, false} {
		if same, err := s.SameBucket([]string{"x", "x", "y"}[i]); same != want || err != nil {
			t.Fatalf("step %d: %v %v", i, same, err)
		}
	}
	if _, rev := s.Guard(1); rev != 0 {
		t.Fatalf("revision %d", rev)
	}
	if _, shared, _ := s.PlanBytes(1, 5); shared {
		t.Fatal("still marked as shared")
	}
	if err := s.DropGuard(1, 2); err != nil {
		t.Fatal(err)
	}
	if r, rev := s.Guard(1); rev != 2 || r.Accepted() != 0 || len(s.Guards()) != 0 {
		t.Fatalf("dropped: %+v at %d", r, rev)
	}
}

func TestAFailedWriteStopsTheStore(t *testing.T) {
	s := open(t, vfs.NewMem(), Config{})
	defer s.Close()
	s.failed = ErrFailed
	if _, err := s.Ingest([]Event{event("a", run(1, 1, 10))}, now); err == nil {
		t.Fatal("a store that failed took an event in")
	}
	if s.Err() == nil || len(s.IDs()) != 0 {
		t.Fatal("memory changed")
	}
}
