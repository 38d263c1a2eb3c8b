// Package dbtest gives tests of workloads a real database: the server that ATTUNE_BENCH_PG_URL names, or a PostgreSQL server of their own.
package dbtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/attunedb/attune/bench"
	"github.com/attunedb/attune/bench/db"
	"github.com/attunedb/attune/bench/db/pgwire"
	"github.com/attunedb/attune/bench/peer/postgres"
)

// server is the package's PostgreSQL, started by the first test that asks for it and ended by Main.
var server struct {
	once sync.Once
	peer *postgres.Server
	err  error
}

// Main runs the package's tests, and then ends the server that Open started. It is for TestMain: os.Exit(dbtest.Main(m)).
func Main(m *testing.M) int {
	code := m.Run()
	if server.peer != nil {
		if err := server.peer.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "end PostgreSQL:", err)
			code = max(code, 1)
		}
	}
	return code
}

// Open returns a database that is empty but for what other tests of the package left, and closes it with the test. The package's TestMain
// must call Main. It skips the test where no PostgreSQL is installed.
func Open(t testing.TB) db.DB {
	t.Helper()
	url := os.Getenv("ATTUNE_BENCH_PG_URL")
	if url == "" {
		server.once.Do(func() {
			// Nothing here is measured, and nothing is to outlive the test.
			server.peer, server.err = postgres.Start(context.Background(), postgres.Options{
				Extra: map[string]string{"fsync": "off", "synchronous_commit": "off"},
			})
		})
		if errors.Is(server.err, postgres.ErrNotInstalled) {
			t.Skip(server.err)
		}
		if server.err != nil {
			t.Fatal(server.err)
		}
		url = server.peer.DSN()
	}
	d, err := pgwire.Open(t.Context(), url, "postgres")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// Run runs ops operations of a subject on each of workers, depth at a time, and returns them by worker. It stops at a worker that does
// not open.
func Run(t testing.TB, s bench.Subject, workers, ops, depth int) [][]bench.Op {
	t.Helper()
	out := make([][]bench.Op, workers)
	done := make(chan error, workers)
	for id := range workers {
		go func() {
			w, err := s.Worker(t.Context(), id)
			if err != nil {
				done <- err
				return
			}
			out[id] = make([]bench.Op, ops)
			for i := 0; i < ops; i += depth {
				batch := out[id][i:min(i+depth, ops)]
				for j := range batch {
					batch[j].Start = time.Now()
				}
				w.Run(t.Context(), batch)
			}
			done <- w.Close()
		}()
	}
	var errs []error
	for range workers {
		errs = append(errs, <-done)
	}
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return out
}

// Counts fails the test at the first failed operation or one that lacks its end, and otherwise counts operations by kind.
func Counts(t testing.TB, s bench.Subject, runs [][]bench.Op) map[string]int {
	t.Helper()
	kinds := s.Kinds()
	out := map[string]int{}
	for id, ops := range runs {
		for i, op := range ops {
			if op.Err != nil {
				t.Fatalf("worker %d, operation %d (%s): %v", id, i, kinds[op.Kind], op.Err)
			}
			if op.End.Before(op.Start) {
				t.Fatalf("worker %d, operation %d (%s) ends before it starts", id, i, kinds[op.Kind])
			}
			out[kinds[op.Kind]]++
		}
	}
	return out
}

// Retries sums the retries.
func Retries(runs [][]bench.Op) int {
	n := 0
	for _, ops := range runs {
		for _, op := range ops {
			n += op.Retries
		}
	}
	return n
}

// Within fails the test unless count is the share of total, give or take four standard deviations of a binomial count.
func Within(t testing.TB, what string, count, total int, share float64) {
	t.Helper()
	want := share * float64(total)
	if d := float64(count) - want; d*d > 16*want*(1-share)+1e-9 {
		t.Errorf("%s: %d of %d, want about %.0f", what, count, total, want)
	}
}
