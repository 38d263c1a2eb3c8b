package txn

import (
	"context"
	"os"
	"sync/atomic"
	"testing"

	"github.com/attunedb/attune/bench"
	"github.com/attunedb/attune/bench/db"
	"github.com/attunedb/attune/bench/workload/internal/dbtest"
	"github.com/attunedb/attune/bench/workload/internal/load"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

func TestBadConfigurations(t *testing.T) {
	if _, err := New(bench.Config{}, "txn"); err == nil {
		t.Error("an unknown name is accepted")
	}
	if _, err := New(bench.Config{KeySpaceSize: 1}, CrossRange); err == nil {
		t.Error("a single account is accepted")
	}
	if _, err := New(bench.Config{Distribution: "gauss"}, SingleRow); err == nil {
		t.Error("an unknown distribution is accepted")
	}
}

// TestTotalsHold runs each workload on few keys, so that transactions meet.
func TestTotalsHold(t *testing.T) {
	d := dbtest.Open(t)
	ctx := t.Context()
	for _, name := range Names() {
		for _, depth := range []int{1, 4} {
			w, err := New(bench.Config{KeySpaceSize: 40, Threads: 4, PipelineDepth: depth}, name)
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
			runs := dbtest.Run(t, s, 4, 80, depth)
			dbtest.Counts(t, s, runs)
			t.Logf("%s, depth %d: %d retries", name, depth, dbtest.Retries(runs))
			if err := w.Check(ctx, d); err != nil {
				t.Fatal(err)
			}
			table := w.(*txn).first
			if err := load.Exec(ctx, d, "UPDATE "+table+" SET v = v + 1 WHERE k = 3"); err != nil {
				t.Fatal(err)
			}
			if err := w.Check(ctx, d); err == nil {
				t.Errorf("%s: a changed balance is not found", name)
			}
			if err := load.Exec(ctx, d, "UPDATE "+table+" SET v = v - 1 WHERE k = 3"); err != nil {
				t.Fatal(err)
			}
			if err := w.Check(ctx, d); err != nil {
				t.Error(err)
			}
			if err := w.Drop(ctx, d); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// weak is a database that does not isolate transactions as it was asked to.
type weak struct{ db.DB }

type weakConn struct{ db.Conn }

func (w weak) Open(ctx context.Context) (db.Conn, error) {
	c, err := w.DB.Open(ctx)
	return weakConn{c}, err
}

func (c weakConn) Exec(ctx context.Context, sql string, args ...any) (int64, error) {
	if sql == "BEGIN ISOLATION LEVEL REPEATABLE READ" {
		sql = "BEGIN ISOLATION LEVEL READ COMMITTED"
	}
	return c.Conn.Exec(ctx, sql, args...)
}

// TestLostUpdatesAreFound runs increments at READ COMMITTED, which PostgreSQL allows to overwrite each other.
func TestLostUpdatesAreFound(t *testing.T) {
	if os.Getenv("ATTUNE_BENCH_PG_URL") != "" {
		t.Skip("the server that ATTUNE_BENCH_PG_URL names may isolate better than it was asked to")
	}
	d := weak{dbtest.Open(t)}
	w, err := New(bench.Config{KeySpaceSize: 2, Threads: 4}, SingleRow)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Prepare(t.Context(), d, nil); err != nil {
		t.Fatal(err)
	}
	s, err := w.Subject(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		dbtest.Run(t, s, 4, 100, 1)
		if w.Check(t.Context(), d) != nil {
			return
		}
	}
	t.Error("8000 increments of two counters from four connections at READ COMMITTED lost none")
}

// cut is a database whose connections break at a COMMIT: the answer of every third is lost.
type cut struct {
	db.DB
	commits *atomic.Int64
}

type cutConn struct {
	db.Conn
	cut
}

func (c cut) Open(ctx context.Context) (db.Conn, error) {
	conn, err := c.DB.Open(ctx)
	return cutConn{conn, c}, err
}

type lostError struct{}

func (lostError) Error() string { return "the connection broke" }

func (c cutConn) Exec(ctx context.Context, sql string, args ...any) (int64, error) {
	n, err := c.Conn.Exec(ctx, sql, args...)
	if err == nil && sql == "COMMIT" && c.commits.Add(1)%3 == 0 {
		return 0, lostError{}
	}
	return n, err
}

func TestLostAnswersAreUnknown(t *testing.T) {
	d := cut{dbtest.Open(t), &atomic.Int64{}}
	w, err := New(bench.Config{KeySpaceSize: 100, Threads: 1}, SingleRow)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Prepare(t.Context(), d, nil); err != nil {
		t.Fatal(err)
	}
	s, err := w.Subject(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	failed := 0
	for _, op := range dbtest.Run(t, s, 1, 30, 1)[0] {
		if op.Err != nil {
			failed++
		}
	}
	tally := &w.(*txn).tally
	if failed != 10 || tally.Acknowledged.Load() != 20 || tally.Unknown.Load() != 10 {
		t.Errorf("%d failed, %d acknowledged, %d unknown", failed, tally.Acknowledged.Load(), tally.Unknown.Load())
	}
	if err := w.Check(t.Context(), d); err != nil {
		t.Error(err)
	}
	if err := load.Exec(t.Context(), d.DB, "UPDATE txn_counter SET v = v + 1 WHERE k = 1"); err != nil {
		t.Fatal(err)
	}
	if err := w.Check(t.Context(), d); err == nil {
		t.Error("31 increments of 30 pass the check")
	}
}
