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

	"github.com/jackc/pgx/v5"

	"github.com/attunedb/attune/client"
	"github.com/attunedb/attune/test/harness"
)

// scaled are the services that run twice, in the order in which one container of each is killed. The trainer of the cost model goes
// first, before it has trained: what is learned is learned by its successor.
var scaled = []string{"costmodel", "planner", "history", "executor"}

// leads is what a replica logs that was elected; where a service has such a leader, it is the one that is killed.
var leads = map[string]string{"costmodel": "election=trainer", "planner": "election=explorer"}

const (
	upTimeout = 3 * time.Minute
	// warm is how long the load runs before the first kill, and settle after each: longer than a lease, so that a successor leads.
	warm   = 2 * time.Second
	settle = 9 * time.Second
	// learnTimeout bounds the wait for what is learned after all kills.
	learnTimeout = 90 * time.Second
	clients      = 4
	// queryTimeout is what a query may take, a fail-over included.
	queryTimeout = 10 * time.Second
	// Every period ends with a pause of all clients, in which executors are idle and the explorer may try plans.
	period, pause = 2 * time.Second, 600 * time.Millisecond
	// every is the number of queries of which one is a statement that no plan cache has seen.
	every = 8
)

// settings make the cost model learn as soon as a test can wait for, but not before the first kill.
var settings = []string{"ATTUNE_COSTMODEL_MIN_SAMPLES=1000", "ATTUNE_COSTMODEL_MIN_INTERVAL=5s", "ATTUNE_COSTMODEL_TRAIN_SHARE=0.9"}

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

// compose runs the compose script and returns its output.
func compose(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command(filepath.Join(harness.Root(), "scripts", "compose"), args...)
	cmd.Env = append(os.Environ(), settings...)
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

// victim returns the container of a service that is killed: its leader, if it has one.
func victim(t *testing.T, service string) string {
	t.Helper()
	all := containers(t, service)
	for _, id := range all {
		if sign := leads[service]; sign != "" && strings.Contains(docker(t, "logs", id), sign) {
			return id
		}
	}
	return all[0]
}

var portLine = regexp.MustCompile(`127\.0\.0\.1:\d+`)

// executors returns the addresses of a port of the running executors.
func executors(t *testing.T, port string) []string {
	t.Helper()
	var out []string
	for _, id := range containers(t, "executor") {
		if docker(t, "inspect", "--format", "{{.State.Running}}", id) != "true" {
			continue
		}
		if a := portLine.FindString(docker(t, "port", id, port+"/tcp")); a != "" {
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
	began := time.Now()
	up(t)
	ctx := context.Background()
	db := open(t, executors(t, "7000"))
	load(t, ctx, db)
	want := make([]string, len(workload))
	for i, q := range workload {
		got, err := answer(ctx, db, q)
		if err != nil {
			t.Fatalf("%s: %v", q, err)
		}
		want[i] = got
	}
	postgres(t, ctx)
	fmt.Printf("up and loaded after %s\n", time.Since(began).Round(time.Second))

	before := modelVersion(t, ctx, db)
	l := startLoad(t, want)
	defer l.stop()
	time.Sleep(warm)
	var trainer string
	var last time.Time
	for _, s := range scaled {
		l.killed(t, s, victim(t, s))
		last = time.Now()
		if s == "costmodel" {
			if v := modelVersion(t, ctx, db); v != before {
				t.Logf("the killed trainer had learned version %s already", v)
			}
			trainer = survivor(t, s)
		}
	}
	after := learned(t, ctx, before)
	measured(t, ctx)
	challenge := trained(t, trainer, last)
	l.stop()
	fmt.Printf("model version before the kills %s, after %s; after the last kill the other trainer said: %s\n", before, after, challenge)
	if n := l.wrong.Load(); n > 0 {
		t.Errorf("%d answers were wrong: %s", n, l.example.Load())
	}
	fmt.Printf("%d answers, all compared, in %s with start and load\n", l.ok.Load()+l.wrong.Load(), time.Since(began).Round(time.Second))
}

// up starts the cluster and waits until it is healthy. The test's end removes it.
func up(t *testing.T) {
	t.Helper()
	args := []string{"up", "-d"}
	for _, s := range scaled {
		args = append(args, "--scale", s+"=2")
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(compose(t, "logs", "--no-color", "--tail=25"))
		}
		compose(t, "down", "--volumes", "--remove-orphans")
	})
	compose(t, args...)
	wait := exec.Command(filepath.Join(harness.Root(), "scripts", "compose-wait"), fmt.Sprint(int(upTimeout.Seconds())))
	if out, err := wait.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, s := range scaled {
		if n := len(containers(t, s)); n != 2 {
			t.Fatalf("%d containers of %s, want 2", n, s)
		}
	}
}

// postgres asks each executor over the PostgreSQL protocol.
func postgres(t *testing.T, ctx context.Context) {
	t.Helper()
	for _, a := range executors(t, "5432") {
		conn, err := pgx.Connect(ctx, "postgres://attune@"+a+"/attune?sslmode=disable")
		if err != nil {
			t.Fatal(err)
		}
		var n int64
		if err := conn.QueryRow(ctx, "SELECT count(*) FROM orders").Scan(&n); err != nil || n != 20_000 {
			t.Fatalf("%d rows over the PostgreSQL door of %s, %v", n, a, err)
		}
		_ = conn.Close(ctx)
	}
}

// survivor returns the running container of a service.
func survivor(t *testing.T, service string) string {
	t.Helper()
	for _, id := range containers(t, service) {
		if docker(t, "inspect", "--format", "{{.State.Running}}", id) == "true" {
			return id
		}
	}
	t.Fatalf("no container of %s runs", service)
	return ""
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

// modelVersion returns the cost model's version that planners use.
func modelVersion(t *testing.T, ctx context.Context, db *client.Client) string {
	t.Helper()
	// A new statement each time, so that a planner is asked.
	text, err := answer(ctx, db, fmt.Sprintf("EXPLAIN (LEARNED, FORMAT JSON) SELECT count(*) AS c%d FROM orders o JOIN customers c ON o.customer = c.id", time.Now().UnixNano()))
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
	db := open(t, executors(t, "7000"))
	return await(t, "a newer model than "+before, func() (string, bool) {
		v := modelVersion(t, ctx, db)
		return v, v != before && v != "classical"
	})
}

// measured waits until a query that first runs after the kills is estimated by its measured rows: its feedback went through what
// is left of the cluster.
func measured(t *testing.T, ctx context.Context) {
	t.Helper()
	db := open(t, executors(t, "7000"))
	const sql = "SELECT count(*) FROM orders o JOIN customers c ON o.customer = c.id WHERE o.amount < 111 AND c.id < 444"
	await(t, "an estimate from feedback", func() (string, bool) {
		if _, err := answer(ctx, db, sql); err != nil {
			t.Fatal(err)
		}
		text, err := answer(ctx, db, "EXPLAIN (LEARNED) "+sql)
		if err != nil {
			t.Fatal(err)
		}
		return text, strings.Contains(text, "[feedback")
	})
}

// trained waits until a replica of the cost model has trained a version since, and returns what it said of it.
func trained(t *testing.T, id string, since time.Time) string {
	t.Helper()
	return await(t, "a training of the other replica", func() (string, bool) {
		line := challengeLine.FindString(docker(t, "logs", "--since", since.UTC().Format(time.RFC3339), id))
		return line, line != ""
	})
}

var challengeLine = regexp.MustCompile(`outcome=\w+ version=m-\d+ reason="[^"]*"`)

// await asks until there is an answer.
func await(t *testing.T, what string, ask func() (string, bool)) string {
	t.Helper()
	for deadline := time.Now().Add(learnTimeout); ; time.Sleep(time.Second) {
		got, ok := ask()
		if ok {
			return got
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come within %s; the last answer was %q", what, learnTimeout, got)
		}
	}
}
