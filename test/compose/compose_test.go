package compose

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
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
	warm   = time.Second
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
var settings = []string{"ATTUNE_COSTMODEL_MIN_SAMPLES=2000", "ATTUNE_COSTMODEL_MIN_INTERVAL=5s", "ATTUNE_COSTMODEL_TRAIN_SHARE=0.9",
	"ATTUNE_COSTMODEL_MEMBERS=3", "ATTUNE_COSTMODEL_TREES=30"}

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
	data, queries := load(t, ctx, db)
	want := make([]string, len(queries))
	for i, q := range queries {
		got, err := answer(ctx, db, q)
		if err != nil {
			t.Fatalf("%s: %v", q, err)
		}
		want[i] = got
	}
	postgres(t, ctx, data.Rows("purchase"))
	fmt.Printf("up and loaded after %s\n", time.Since(began).Round(time.Second))

	before := modelVersion(t, ctx, db)
	l := startLoad(t, queries, want)
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

// postgres counts the rows of purchase over the PostgreSQL protocol, at each executor.
func postgres(t *testing.T, ctx context.Context, rows int) {
	t.Helper()
	for _, a := range executors(t, "5432") {
		conn, err := pgx.Connect(ctx, "postgres://attune@"+a+"/attune?sslmode=disable")
		if err != nil {
			t.Fatal(err)
		}
		var n int
		if err := conn.QueryRow(ctx, "SELECT count(*) FROM purchase").Scan(&n); err != nil || n != rows {
			t.Fatalf("%d of %d rows over the PostgreSQL door of %s, %v", n, rows, a, err)
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

// modelVersion returns the cost model's version that planners use.
func modelVersion(t *testing.T, ctx context.Context, db *client.Client) string {
	t.Helper()
	// A new statement each time, so that a planner is asked.
	text, err := answer(ctx, db, fmt.Sprintf("EXPLAIN (LEARNED, FORMAT JSON) SELECT count(*) AS c%d FROM purchase p JOIN member m ON p.member_id = m.id", time.Now().UnixNano()))
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

// measured waits until a query that first runs after the kills is known by its measured rows: its feedback went through what is
// left of the cluster.
func measured(t *testing.T, ctx context.Context) {
	t.Helper()
	db := open(t, executors(t, "7000"))
	const sql = "SELECT count(*) FROM item i WHERE i.amount < 1111 AND i.purchase_id < 444"
	for run, want := range []bool{false, true} {
		await(t, "the measured rows of a new query", func() (string, bool) {
			if run > 0 {
				if _, err := answer(ctx, db, sql); err != nil {
					t.Fatal(err)
				}
			}
			text, err := answer(ctx, db, "EXPLAIN (LEARNED) "+sql)
			if err != nil {
				t.Fatal(err)
			}
			return text, strings.Contains(text, " 0 measured sub-plans") != want
		})
	}
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
