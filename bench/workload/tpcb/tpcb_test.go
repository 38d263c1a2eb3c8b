package tpcb

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/attunedb/attune/bench"
	"github.com/attunedb/attune/bench/workload/internal/dbtest"
	"github.com/attunedb/attune/bench/workload/internal/load"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

func TestSizes(t *testing.T) {
	for _, c := range []struct {
		scale                       float64
		branches, tellers, accounts int64
	}{{0, 1, 10, 100_000}, {1, 1, 10, 100_000}, {7, 7, 70, 700_000}, {0.01, 1, 10, 1000}} {
		w, err := New(bench.Config{Scale: c.scale})
		if err != nil {
			t.Fatal(err)
		}
		if got := w.(*tpcb); got.branches != c.branches || got.tellers != c.tellers || got.accounts != c.accounts {
			t.Errorf("scale %g: %d branches, %d tellers, %d accounts", c.scale, got.branches, got.tellers, got.accounts)
		}
	}
	if _, err := New(bench.Config{Scale: -1}); err == nil {
		t.Error("a negative scale is accepted")
	}
}

func TestBalancesAddUp(t *testing.T) {
	d := dbtest.Open(t)
	ctx := t.Context()
	for _, depth := range []int{1, 4} {
		w, err := New(bench.Config{Scale: 0.02, Seed: 3, Threads: 4, PipelineDepth: depth})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Prepare(ctx, d, nil); err != nil {
			t.Fatal(err)
		}
		if err := w.Check(ctx, d); err != nil {
			t.Fatalf("after the load: %v", err)
		}
		s, err := w.Subject(ctx, d)
		if err != nil {
			t.Fatal(err)
		}
		runs := dbtest.Run(t, s, 4, 100, depth)
		if n := dbtest.Counts(t, s, runs)["deposit"]; n != 400 {
			t.Fatalf("%d deposits, want 400", n)
		}
		t.Logf("depth %d: %d retries", depth, dbtest.Retries(runs))
		if err := w.Check(ctx, d); err != nil {
			t.Fatal(err)
		}
		if depth == 1 {
			continue
		}
		for _, tamper := range []struct{ change, undo, want string }{
			{"UPDATE tpcb_accounts SET abalance = abalance + 1 WHERE aid = 5", "UPDATE tpcb_accounts SET abalance = abalance - 1 WHERE aid = 5", "accounts"},
			{"UPDATE tpcb_tellers SET tbalance = tbalance + CASE WHEN tid = 1 THEN 1 ELSE -1 END WHERE tid < 3",
				"UPDATE tpcb_tellers SET tbalance = tbalance - CASE WHEN tid = 1 THEN 1 ELSE -1 END WHERE tid < 3", "teller"},
			{"INSERT INTO tpcb_history (tid, bid, aid, delta, mtime) VALUES (1, 1, 1, 0, '2026-01-01')",
				"DELETE FROM tpcb_history WHERE delta = 0 AND mtime = '2026-01-01'", "acknowledged"},
		} {
			if err := load.Exec(ctx, d, tamper.change); err != nil {
				t.Fatal(err)
			}
			if err := w.Check(ctx, d); err == nil || !strings.Contains(err.Error(), tamper.want) {
				t.Errorf("after %s the check says %v", tamper.change, err)
			}
			if err := load.Exec(ctx, d, tamper.undo); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Check(ctx, d); err != nil {
			t.Errorf("after all was undone: %v", err)
		}
		if err := w.Drop(ctx, d); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWorkersRepeatThemselves(t *testing.T) {
	d := dbtest.Open(t)
	ctx := context.Background()
	history := func() string {
		w, err := New(bench.Config{Scale: 0.01, Seed: 9})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Prepare(ctx, d, nil); err != nil {
			t.Fatal(err)
		}
		s, err := w.Subject(ctx, d)
		if err != nil {
			t.Fatal(err)
		}
		dbtest.Counts(t, s, dbtest.Run(t, s, 2, 20, 1))
		var b strings.Builder
		err = load.Each(ctx, d, "SELECT aid::text || ' ' || tid::text || ' ' || delta::text FROM tpcb_history ORDER BY aid, tid, delta", func(row []any) error {
			b.WriteString(row[0].(string) + "\n")
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	if a, b := history(), history(); a != b || strings.Count(a, "\n") != 40 {
		t.Errorf("two runs of the same seed differ:\n%s\n%s", a, b)
	}
}
