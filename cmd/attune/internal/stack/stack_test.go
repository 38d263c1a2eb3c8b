package stack_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/attunedb/attune/client"
	"github.com/attunedb/attune/cmd/attune/internal/stack"
)

func TestConfigIsChecked(t *testing.T) {
	for _, c := range []struct {
		name, want string
		cfg        stack.Config
	}{
		{"no directory", "no data directory", stack.Config{}},
		{"unknown service", `no service "oracle"`, stack.Config{Data: "d", Services: []string{"oracle"}}},
		{"nothing to run", "no service to run", stack.Config{Data: "d", Services: []string{}}},
		{"a part without a cluster", "give --etcd and --nats", stack.Config{Data: "d", Services: []string{stack.Executor}}},
		{"etcd without NATS", "go together", stack.Config{Data: "d", Etcd: []string{"x"}}},
		{"a part that nobody reaches", "needs --grpc-listen", stack.Config{Data: "d", Etcd: []string{"x"}, NATS: []string{"y"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := stack.New(c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

// start runs a stack on dir until the test ends or stop is called.
func start(t *testing.T, dir string) (s *stack.Stack, db *client.Client, stop func()) {
	t.Helper()
	const free = "127.0.0.1:0"
	s, err := stack.New(stack.Config{Data: dir, PGListen: free, GRPCListen: free, HTTPListen: free, Memory: 256 << 20})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	if db, err = client.Open(t.Context(), s.Address()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return s, db, stop
}

func TestTheEmbeddedMeshServesAndItsDataSurvives(t *testing.T) {
	dir := t.TempDir()
	s, db, stop := start(t, dir)
	for _, sql := range []string{"CREATE TABLE t (id int PRIMARY KEY, note text)", "INSERT INTO t VALUES (1, 'kept')"} {
		if _, err := db.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	conn, err := net.Dial("tcp", s.PG())
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/debug/pprof/cmdline"} {
		resp, err := http.Get("http://" + s.HTTP() + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK || len(body) == 0 {
			t.Errorf("%s: %s, %d bytes", path, resp.Status, len(body))
		}
	}
	running, err := stack.ReadRunning(dir)
	if err != nil || running.GRPC != s.Address() || running.PG != s.PG() || running.PID != os.Getpid() || len(running.Etcd) != 1 {
		t.Errorf("announced %+v, %v", running, err)
	}

	second, err := stack.New(stack.Config{Data: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Start(t.Context()); !errors.Is(err, stack.ErrInUse) || !strings.Contains(err.Error(), "--data") {
		t.Errorf("a second process on the directory: %v", err)
	}
	third, err := stack.New(stack.Config{Data: t.TempDir(), HTTPListen: s.HTTP()})
	if err != nil {
		t.Fatal(err)
	}
	if err := third.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "give another address with --http-listen") {
		t.Errorf("an address that is taken: %v", err)
	}

	stop()
	if _, err := os.Stat(filepath.Join(dir, "running.json")); !os.IsNotExist(err) {
		t.Errorf("still announced: %v", err)
	}
	_, db, _ = start(t, dir)
	var note string
	if err := db.QueryRow(t.Context(), "SELECT note FROM t WHERE id = 1").Scan(&note); err != nil || note != "kept" {
		t.Errorf("after a restart: %q, %v", note, err)
	}
}
