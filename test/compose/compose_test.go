package compose

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/attunedb/attune/client"
	"github.com/attunedb/attune/test/harness"
)

// scaled are the services that run twice, in the order in which one container of each is killed.
var scaled = []string{"planner", "costmodel", "history", "executor"}

const (
	upTimeout = 3 * time.Minute
	// settle is how long the load runs before the first kill and after each.
	settle = 6 * time.Second
	// learnTimeout bounds the wait for a newer model version after all kills.
	learnTimeout = 2 * time.Minute
	clients      = 4
)

// workload are queries whose answers are checked on every run.
var workload = []string{
	"SELECT count(*) FROM orders o JOIN customers c ON o.customer = c.id WHERE c.segment = 'vip'",
	"SELECT c.region, count(*), sum(o.amount) FROM orders o JOIN customers c ON o.customer = c.id GROUP BY c.region ORDER BY c.region",
	"SELECT p.kind, sum(i.qty) FROM items i JOIN products p ON i.product = p.id JOIN orders o ON i.order_id = o.id JOIN customers c ON o.customer = c.id WHERE c.segment = 'vip' GROUP BY p.kind ORDER BY p.kind",
	"SELECT count(*) FROM items i JOIN products p ON i.product = p.id WHERE p.kind = 'k3' AND i.qty > 2",
	"SELECT max(o.amount) FROM orders o WHERE o.customer IN (SELECT id FROM customers WHERE region = 'r1')",
}

// compose runs the compose script and returns its output.
func compose(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command(filepath.Join(harness.Root(), "scripts", "compose"), args...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("compose %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func docker(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("docker", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// containers returns the IDs of a service's containers.
func containers(t *testing.T, service string) []string {
	t.Helper()
	return strings.Fields(compose(t, "ps", "-q", service))
}

var portLine = regexp.MustCompile(`127\.0\.0\.1:\d+`)

// executors returns the gRPC addresses of the running executors.
func executors(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, id := range containers(t, "executor") {
		if a := portLine.FindString(docker(t, "port", id, "7000/tcp")); a != "" {
			out = append(out, a)
		}
	}
	if len(out) == 0 {
		t.Fatal("no executor has a port")
	}
	return out
}

func TestScaledClusterSurvivesKills(t *testing.T) {
	if os.Getenv("ATTUNE_COMPOSE") == "" {
		t.Skip("set ATTUNE_COMPOSE=1, or run scripts/compose-test, which builds the images first")
	}
	args := []string{"up", "-d"}
	for _, s := range scaled {
		args = append(args, "--scale", s+"=2")
	}
	compose(t, args...)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(compose(t, "logs", "--tail=40"))
		}
	})
	wait := exec.Command(filepath.Join(harness.Root(), "scripts", "compose-wait"), fmt.Sprint(int(upTimeout.Seconds())))
	if out, err := wait.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, s := range scaled {
		if n := len(containers(t, s)); n != 2 {
			t.Fatalf("%d containers of %s, want 2", n, s)
		}
	}
	ctx := context.Background()
	db := open(t, executors(t))
	load(t, ctx, db)
	want := make([]string, len(workload))
	for i, q := range workload {
		got, err := answer(ctx, db, q)
		if err != nil {
			t.Fatalf("%s: %v", q, err)
		}
		want[i] = got
	}
	l := startLoad(t, want)
	time.Sleep(settle)
	before := modelVersion(t, ctx, db)
	for _, s := range scaled {
		id := containers(t, s)[0]
		ok, failed := l.ok.Load(), l.failed.Load()
		docker(t, "kill", id)
		time.Sleep(settle)
		fmt.Printf("killed one %-10s %5d answers right, %3d failed and retried, %d wrong\n", s+":", l.ok.Load()-ok, l.failed.Load()-failed, l.wrong.Load())
		if l.ok.Load() == ok {
			t.Errorf("after one %s was killed, no query was answered for %s", s, settle)
		}
	}
	after := learned(t, ctx, before)
	l.stop()
	fmt.Printf("model version before the kills %s, after %s\n", before, after)
	if n := l.wrong.Load(); n > 0 {
		t.Errorf("%d answers were wrong: %s", n, l.example.Load())
	}
}

func open(t *testing.T, addresses []string) *client.Client {
	t.Helper()
	db, err := client.Open(context.Background(), strings.Join(addresses, ","))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
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
	example           atomic.Value
	cancel            context.CancelFunc
	wg                sync.WaitGroup
}

// startLoad runs the workload over and over. A query that fails is run again, on the executors that are there by then.
func startLoad(t *testing.T, want []string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	l := &running{cancel: cancel}
	addresses := executors(t)
	for c := range clients {
		db := open(t, addresses)
		l.wg.Add(1)
		go func() {
			defer l.wg.Done()
			for i := c; ctx.Err() == nil; i++ {
				q := i % len(workload)
				attempt, done := context.WithTimeout(ctx, 10*time.Second)
				got, err := answer(attempt, db, workload[q])
				done()
				switch {
				case ctx.Err() != nil:
				case err != nil:
					l.failed.Add(1)
				case got != want[q]:
					l.wrong.Add(1)
					l.example.Store(fmt.Sprintf("%s\ngot:\n%s\nwant:\n%s", workload[q], got, want[q]))
				default:
					l.ok.Add(1)
				}
			}
		}()
	}
	return l
}

func (l *running) stop() {
	l.cancel()
	l.wg.Wait()
}

// modelVersion returns the cost model's version that planners use.
func modelVersion(t *testing.T, ctx context.Context, db *client.Client) string {
	t.Helper()
	var text string
	// A new statement each time, so that a planner is asked.
	sql := fmt.Sprintf("EXPLAIN (LEARNED, FORMAT JSON) SELECT count(*) AS c%d FROM orders o JOIN customers c ON o.customer = c.id", time.Now().UnixNano())
	var err error
	for range 10 {
		if text, err = answer(ctx, db, sql); err == nil {
			break
		}
		time.Sleep(time.Second)
	}
	if err != nil {
		t.Fatalf("EXPLAIN: %v", err)
	}
	m := modelField.FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("EXPLAIN names no model version:\n%s", text)
	}
	var version string
	if err := json.Unmarshal([]byte(m[1]), &version); err != nil {
		t.Fatal(err)
	}
	return version
}

var modelField = regexp.MustCompile(`"Cost Model":\s*("(?:[^"\\]|\\.)*")`)

// learned waits until planners use another model version than before.
func learned(t *testing.T, ctx context.Context, before string) string {
	t.Helper()
	db := open(t, executors(t))
	deadline := time.Now().Add(learnTimeout)
	for {
		v := modelVersion(t, ctx, db)
		if v != before && v != "classical" {
			return v
		}
		if time.Now().After(deadline) {
			t.Errorf("the model is still %s, %s after the kills", v, learnTimeout)
			return v
		}
		time.Sleep(2 * time.Second)
	}
}
