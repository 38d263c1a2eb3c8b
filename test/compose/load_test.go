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

	"github.com/attunedb/attune/client"
)

// workload are queries whose answers are checked on every run.
var workload = []string{
	"SELECT count(*) FROM orders o JOIN customers c ON o.customer = c.id WHERE c.segment = 'vip'",
	"SELECT c.region, count(*), sum(o.amount) FROM orders o JOIN customers c ON o.customer = c.id GROUP BY c.region ORDER BY c.region",
	"SELECT p.kind, sum(i.qty) FROM items i JOIN products p ON i.product = p.id JOIN orders o ON i.order_id = o.id JOIN customers c ON o.customer = c.id WHERE c.segment = 'vip' GROUP BY p.kind ORDER BY p.kind",
	"SELECT count(*) FROM items i JOIN products p ON i.product = p.id WHERE p.kind = 'k3' AND i.qty > 2",
	"SELECT max(o.amount) FROM orders o WHERE o.customer IN (SELECT id FROM customers WHERE region = 'r1')",
	"SELECT count(o.amount), sum(i.qty) FROM items i JOIN orders o ON i.order_id = o.id WHERE o.amount < 20",
	"SELECT c.region || '/' || c.id, count(*) FROM customers c JOIN orders o ON o.customer = c.id JOIN items i ON i.order_id = o.id WHERE c.id < 30 GROUP BY c.region, c.id",
	"SELECT count(*) FROM orders o JOIN customers c ON o.customer = c.id JOIN items i ON i.order_id = o.id JOIN products p ON i.product = p.id WHERE c.region = 'r2' AND p.kind = 'k4'",
}

// load makes a small skewed data set: a few customers place most of the orders.
func load(t *testing.T, ctx context.Context, db *client.Client) {
	t.Helper()
	for _, sql := range []string{
		"CREATE TABLE customers (id int PRIMARY KEY, region text, segment text)",
		"CREATE TABLE products (id int PRIMARY KEY, kind text)",
		"CREATE TABLE orders (id int PRIMARY KEY, customer int, amount int)",
		"CREATE TABLE items (order_id int, line int, product int, qty int, PRIMARY KEY (order_id, line))",
		"CREATE INDEX orders_customer ON orders (customer)",
		"CREATE INDEX items_product ON items (product)",
	} {
		if _, err := db.Exec(ctx, sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	copyRows(t, ctx, db, "customers", 1000, func(i int) string {
		segment := "plain"
		if i%100 == 0 {
			segment = "vip"
		}
		return fmt.Sprintf("%d,r%d,%s\n", i, i%7, segment)
	})
	copyRows(t, ctx, db, "products", 200, func(i int) string { return fmt.Sprintf("%d,k%d\n", i, i%9) })
	copyRows(t, ctx, db, "orders", 20_000, func(i int) string {
		customer := i % 1000
		if i%4 != 0 {
			customer = 100 * (i % 10)
		}
		return fmt.Sprintf("%d,%d,%d\n", i, customer, i%977)
	})
	copyRows(t, ctx, db, "items", 40_000, func(i int) string {
		return fmt.Sprintf("%d,%d,%d,%d\n", i/2, i%2, (i*i)%200, i%5)
	})
}

func copyRows(t *testing.T, ctx context.Context, db *client.Client, table string, n int, line func(int) string) {
	t.Helper()
	var b strings.Builder
	for i := range n {
		b.WriteString(line(i))
	}
	if _, err := db.CopyFrom(ctx, "COPY "+table+" FROM STDIN WITH (FORMAT csv)", strings.NewReader(b.String())); err != nil {
		t.Fatalf("COPY %s: %v", table, err)
	}
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

// startLoad runs the workload over and over.
func startLoad(t *testing.T, want []string) *running {
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
				q := i % len(workload)
				sql := workload[q]
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
