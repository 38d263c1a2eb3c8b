package compose

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/attunedb/attune/bench/workload/shop"
	"github.com/attunedb/attune/client"
)

// scale of the demo's data set: small enough that most of the test's time goes to what it tests.
const scale = 0.1

// load loads what `attune demo` loads, and returns its queries.
func load(t *testing.T, ctx context.Context, db *client.Client) (*shop.Dataset, []string) {
	t.Helper()
	data, err := shop.NewDataset(1, scale)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range shop.Tables() {
		if _, err := db.Exec(ctx, table.Create); err != nil {
			t.Fatalf("%s: %v", table.Create, err)
		}
		rows, err := data.Reader(table.Name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.CopyFrom(ctx, "COPY "+table.Name+" FROM STDIN", rows); err != nil {
			t.Fatalf("COPY %s: %v", table.Name, err)
		}
		for _, index := range table.Indexes {
			if _, err := db.Exec(ctx, index); err != nil {
				t.Fatalf("%s: %v", index, err)
			}
		}
	}
	var queries []string
	for _, q := range data.Queries() {
		queries = append(queries, q.SQL)
	}
	return data, queries
}

// answer runs a query and renders its rows, sorted.
func answer(ctx context.Context, db *client.Client, sql string) (string, error) {
	rows, err := db.Query(ctx, sql)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var lines []string
	for rows.Next() {
		lines = append(lines, fmt.Sprint(rows.Values()...))
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n"), rows.Err()
}

// running is the load of several clients.
type running struct {
	ok, failed, wrong atomic.Int64
	// slowest is the longest time of a right answer since it was last set to zero, in nanoseconds.
	slowest atomic.Int64
	// example and failure show the last wrong answer and the last error.
	example, failure atomic.Value
	cancel           context.CancelFunc
	wg               sync.WaitGroup
}

// startLoad runs the queries over and over.
func startLoad(t *testing.T, queries, want []string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	l := &running{cancel: cancel}
	addresses := executors(t, "7000")
	for c := range clients {
		db := open(t, addresses)
		l.wg.Add(1)
		go func() {
			defer l.wg.Done()
			for i := c; ctx.Err() == nil; i++ {
				if left := period - time.Duration(time.Now().UnixNano())%period; left < pause {
					time.Sleep(left)
				}
				q := i % len(queries)
				sql := queries[q]
				if i%every == c {
					sql = fmt.Sprintf("SELECT q%d_%d.* FROM (%s) q%d_%d", c, i, sql, c, i)
				}
				l.run(ctx, db, sql, want[q])
			}
		}()
	}
	return l
}

func (l *running) run(ctx context.Context, db *client.Client, sql, want string) {
	attempt, done := context.WithTimeout(ctx, queryTimeout)
	defer done()
	began := time.Now()
	got, err := answer(attempt, db, sql)
	switch took := int64(time.Since(began)); {
	case ctx.Err() != nil:
	case err != nil:
		l.failed.Add(1)
		l.failure.Store(fmt.Sprintf("after %s: %v", time.Duration(took).Round(time.Millisecond), err))
	case got != want:
		l.wrong.Add(1)
		l.example.Store(fmt.Sprintf("%s\ngot:\n%s\nwant:\n%s", sql, got, want))
	default:
		l.ok.Add(1)
		for old := l.slowest.Load(); took > old && !l.slowest.CompareAndSwap(old, took); old = l.slowest.Load() {
		}
	}
}

// killed kills a container under the load and tells how the queries of the time after it went. Only the kill of an executor may be
// noticed: it breaks what runs there.
func (l *running) killed(t *testing.T, service, id string) {
	t.Helper()
	ok, failed := l.ok.Load(), l.failed.Load()
	l.slowest.Store(0)
	docker(t, "kill", id)
	time.Sleep(settle)
	ok, failed = l.ok.Load()-ok, l.failed.Load()-failed
	fmt.Printf("killed one %-10s %5d answers right, slowest %7s, %2d failed, %d wrong\n", service+":", ok,
		time.Duration(l.slowest.Load()).Round(time.Millisecond), failed, l.wrong.Load())
	allowed := int64(0)
	if service == "executor" {
		allowed = 2 * clients
	}
	if failed > allowed {
		t.Errorf("after one %s was killed, %d queries failed, the last %s", service, failed, l.failure.Load())
	}
	if ok == 0 {
		t.Errorf("after one %s was killed, no query was answered for %s", service, settle)
	}
}

func (l *running) stop() {
	l.cancel()
	l.wg.Wait()
}
