package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/attunedb/attune/test/harness"
)

// process is one running server.
type process struct {
	name string
	args []string
	env  []string
	cmd  *exec.Cmd
	log  string
}

// cluster is the processes of one test.
type cluster struct {
	t   *testing.T
	dir string
	bin map[string]string
	mu  sync.Mutex
	all map[string]*process
	// etcd and nats are the addresses of the servers, pg the PostgreSQL addresses of the executors by name.
	etcd, nats string
	pg         map[string]string
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// newCluster builds the services and starts etcd and NATS.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	etcd, nats := os.Getenv("ATTUNE_ETCD_BIN"), os.Getenv("ATTUNE_NATS_BIN")
	if os.Getenv("ATTUNE_E2E") == "" || etcd == "" || nats == "" {
		t.Skip("set ATTUNE_E2E, ATTUNE_ETCD_BIN and ATTUNE_NATS_BIN, or run scripts/e2e, which builds the servers")
	}
	c := &cluster{t: t, dir: t.TempDir(), bin: map[string]string{"etcd": etcd, "nats": nats}, all: map[string]*process{}, pg: map[string]string{}}
	out := filepath.Join(c.dir, "bin")
	if err := os.MkdirAll(out, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"storage", "planner", "costmodel", "history", "executor"} {
		c.bin[s] = filepath.Join(out, s)
		cmd := exec.Command("go", "build", "-o", c.bin[s], "./services/"+s+"/cmd/"+s)
		cmd.Dir = harness.Root()
		if msg, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("building %s: %v\n%s", s, err, msg)
		}
	}
	t.Cleanup(c.stopAll)
	client, peer := freePort(t), freePort(t)
	c.etcd = "http://" + client
	c.start("etcd", "etcd", nil, "--data-dir", filepath.Join(c.dir, "etcd"), "--listen-client-urls", c.etcd, "--advertise-client-urls", c.etcd,
		"--listen-peer-urls", "http://"+peer, "--initial-advertise-peer-urls", "http://"+peer, "--initial-cluster", "default=http://"+peer, "--log-level", "warn")
	natsAddress := freePort(t)
	c.nats = "nats://" + natsAddress
	conf := filepath.Join(c.dir, "nats.conf")
	text := fmt.Sprintf("listen: %q\nmax_payload: 8MB\njetstream { store_dir: %q, sync_interval: always }\n", natsAddress, filepath.Join(c.dir, "nats"))
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c.start("nats", "nats", nil, "--config", conf)
	return c
}

// start runs a server under a name; its output goes to a file that a failing test prints.
func (c *cluster) start(name, kind string, env []string, args ...string) {
	c.t.Helper()
	p := &process{name: name, args: args, env: env, log: filepath.Join(c.dir, name+".log")}
	c.mu.Lock()
	c.all[name] = p
	c.mu.Unlock()
	c.run(p, c.bin[kind])
}

func (c *cluster) run(p *process, bin string) {
	c.t.Helper()
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		c.t.Fatal(err)
	}
	defer log.Close()
	p.cmd = exec.Command(bin, p.args...)
	p.cmd.Env = append(os.Environ(), p.env...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := p.cmd.Start(); err != nil {
		c.t.Fatalf("starting %s: %v", p.name, err)
	}
}

// service starts one instance of a service.
func (c *cluster) service(kind, name string) {
	c.t.Helper()
	listen := freePort(c.t)
	env := []string{"ATTUNE_ETCD=" + c.etcd, "ATTUNE_NATS=" + c.nats, "ATTUNE_LISTEN=" + listen, "ATTUNE_ADVERTISE=" + listen,
		"ATTUNE_HTTP_LISTEN=" + freePort(c.t), "ATTUNE_DATA=" + filepath.Join(c.dir, name), "ATTUNE_INSTANCE=" + name}
	if kind == "executor" {
		c.pg[name] = freePort(c.t)
		env = append(env, "ATTUNE_PG_LISTEN="+c.pg[name])
	}
	c.start(name, kind, env)
}

// kill ends a process at once.
func (c *cluster) kill(name string) {
	c.t.Helper()
	p := c.all[name]
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	p.cmd = nil
}

// restart runs a killed process again as it was.
func (c *cluster) restart(name, kind string) {
	c.t.Helper()
	c.run(c.all[name], c.bin[kind])
}

func (c *cluster) stopAll() {
	for _, p := range c.all {
		if p.cmd != nil {
			_ = p.cmd.Process.Kill()
			_ = p.cmd.Wait()
		}
		if c.t.Failed() {
			if b, err := os.ReadFile(p.log); err == nil {
				c.t.Logf("%s:\n%s", p.name, b[max(0, len(b)-3000):])
			}
		}
	}
}

// within repeats what until it succeeds, and fails the test when that takes too long.
func (c *cluster) within(limit time.Duration, what string, try func(ctx context.Context) error) {
	c.t.Helper()
	deadline := time.Now().Add(limit)
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		err := try(ctx)
		cancel()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("%s: not within %s: %v", what, limit, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// part runs a subtest, which the cluster's own failures then are failures of.
func (c *cluster) part(name string, f func(t *testing.T)) {
	whole := c.t
	defer func() { c.t = whole }()
	whole.Run(name, func(t *testing.T) {
		c.t = t
		f(t)
	})
}

func (c *cluster) connect(ctx context.Context, executor string) (*pgx.Conn, error) {
	return pgx.Connect(ctx, "postgres://attune@"+c.pg[executor]+"/attune?sslmode=disable")
}

// query runs a statement on a connection of its own and returns its first value as text.
func (c *cluster) query(ctx context.Context, executor, sql string) (string, error) {
	conn, err := c.connect(ctx, executor)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	rows, err := harness.Simple(ctx, conn.PgConn(), sql)
	if err != nil || len(rows) == 0 {
		return "", err
	}
	return string(rows[0][0]), nil
}

// expect demands an answer within a limit.
func (c *cluster) expect(limit time.Duration, executor, what, sql, want string) {
	c.t.Helper()
	c.within(limit, what, func(ctx context.Context) error {
		got, err := c.query(ctx, executor, sql)
		if err == nil && got != want {
			return fmt.Errorf("%q, want %q", got, want)
		}
		return err
	})
}

const (
	// failover is how long the mesh may take to notice that somebody is away.
	failover = 20 * time.Second
	count    = "SELECT count(*) FROM t a JOIN t b ON a.id = b.id WHERE a.grp = 3"
)

// TestEachIsAway takes every part of a cluster away in turn.
func TestEachIsAway(t *testing.T) {
	c := newCluster(t)
	c.service("storage", "storage")
	c.service("history", "history")
	c.service("costmodel", "costmodel")
	c.service("planner", "planner-1")
	c.service("planner", "planner-2")
	c.service("executor", "executor-1")
	c.service("executor", "executor-2")

	c.expect(90*time.Second, "executor-1", "the cluster answers", "SELECT 1", "1")
	c.expect(30*time.Second, "executor-2", "the second executor answers", "SELECT 1", "1")
	script := "CREATE TABLE t (id int PRIMARY KEY, grp int, note text); INSERT INTO t VALUES "
	var rows []string
	for i := range 500 {
		rows = append(rows, fmt.Sprintf("(%d, %d, 'n%d')", i, i%10, i))
	}
	c.within(30*time.Second, "loading", func(ctx context.Context) error {
		_, err := c.query(ctx, "executor-1", script+strings.Join(rows, ","))
		return err
	})
	c.expect(failover, "executor-2", "a table made through one executor is there on the other", count, "50")
	c.expect(failover, "executor-1", "warm the plan cache", count, "50")

	c.part("a profile of all processes", func(t *testing.T) {
		attune := harness.Binary(t) // which may have to be built first
		ctx, cancel := context.WithTimeout(context.Background(), failover)
		defer cancel()
		out, err := exec.CommandContext(ctx, attune, "profile", "--etcd", c.etcd, "--duration", "1s", "--json").Output()
		if err != nil {
			t.Fatal(err)
		}
		var report struct {
			Processes []struct{ Name string }
			Missing   []struct{ Process, Reason string }
		}
		if err := json.Unmarshal(out, &report); err != nil {
			t.Fatalf("%v\n%.500s", err, out)
		}
		if len(report.Processes) != 7 || len(report.Missing) > 0 {
			t.Errorf("%d of 7 processes are in the report: %+v", len(report.Processes), report)
		}
	})
	c.part("one planner", func(t *testing.T) {
		c.kill("planner-1")
		c.expect(failover, "executor-1", "a new statement fails over", "SELECT sum(id) FROM t WHERE grp = 4", "12450")
	})
	c.part("all planners", func(t *testing.T) {
		c.kill("planner-2")
		c.expect(failover, "executor-1", "a cached plan runs on", count, "50")
		ctx, cancel := context.WithTimeout(context.Background(), failover)
		defer cancel()
		if _, err := c.query(ctx, "executor-1", "SELECT min(id) FROM t WHERE grp = 5 AND note > 'a'"); err == nil {
			t.Error("a statement that was never planned runs without a planner")
		}
		c.restart("planner-1", "planner")
		c.restart("planner-2", "planner")
		c.expect(failover, "executor-1", "planning is back", "SELECT max(id) FROM t WHERE grp = 5", "495")
	})
	c.part("history", func(t *testing.T) {
		c.kill("history")
		c.expect(failover, "executor-1", "planning without history", "SELECT count(note) FROM t WHERE grp = 6", "50")
		c.restart("history", "history")
	})
	c.part("cost model", func(t *testing.T) {
		c.kill("costmodel")
		c.expect(failover, "executor-1", "planning without the cost model's service", "SELECT count(note) FROM t WHERE grp = 7", "50")
		c.restart("costmodel", "costmodel")
	})
	c.part("NATS", func(t *testing.T) {
		c.kill("nats")
		c.expect(failover, "executor-2", "reads", count, "50")
		c.expect(failover, "executor-2", "writes", "INSERT INTO t VALUES (1000, 100, 'x') RETURNING id", "1000")
		c.restart("nats", "nats")
	})
	c.part("etcd", func(t *testing.T) {
		c.kill("etcd")
		c.expect(failover, "executor-1", "reads go on by the cached maps", count, "50")
		c.restart("etcd", "etcd")
		c.expect(60*time.Second, "executor-1", "schema changes are back", "CREATE TABLE IF NOT EXISTS u (id int); SELECT 1", "1")
	})
	c.part("one executor", func(t *testing.T) {
		c.kill("executor-1")
		c.expect(failover, "executor-2", "the other answers", count, "50")
	})
	c.part("storage", func(t *testing.T) {
		c.kill("storage")
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if _, err := c.query(ctx, "executor-2", "SELECT count(*) FROM t WHERE id = 77777"); err == nil {
			t.Error("rows are read without storage")
		}
		c.restart("storage", "storage")
		c.expect(60*time.Second, "executor-2", "every acknowledged write is there", "SELECT count(*) FROM t", "501")
	})
}
