package postgres

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

func start(t *testing.T, o Options) *Server {
	t.Helper()
	s, err := Start(context.Background(), o)
	if errors.Is(err, ErrNotInstalled) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func ask(t *testing.T, s *Server, sql string) string {
	t.Helper()
	c, err := pgconn.Connect(context.Background(), s.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(context.Background()) }()
	results, err := c.Exec(context.Background(), sql).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	if last := results[len(results)-1]; len(last.Rows) > 0 {
		return string(last.Rows[0][0])
	}
	return ""
}

func TestServer(t *testing.T) {
	base, err := os.MkdirTemp("", "attune-postgres-test-") // one that other users can be let into
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(base) }()
	if err := os.Chmod(base, 0o755); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(base, "pg")
	s := start(t, Options{Dir: dir, SharedBuffers: "16MB", WorkMem: "1MB", Extra: map[string]string{"random_page_cost": "1.5"}})
	for setting, want := range map[string]string{
		"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "shared_buffers": "16MB", "work_mem": "1MB",
		"random_page_cost": "1.5", "listen_addresses": "127.0.0.1", "TimeZone": "UTC", "server_encoding": "UTF8",
	} {
		if got := ask(t, s, "SHOW "+setting); got != want {
			t.Errorf("%s is %s, want %s", setting, got, want)
		}
	}
	if !strings.HasPrefix(s.Version(), "PostgreSQL 1") {
		t.Errorf("version %q", s.Version())
	}
	if pids := s.PIDs(); len(pids) < 3 || pids[0] != s.PID() {
		t.Errorf("processes %v", pids)
	}
	ask(t, s, "CREATE TABLE kept AS SELECT 42 AS x")
	address := s.DSN()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := pgconn.Connect(context.Background(), address); err == nil {
		t.Error("the server answers after Close")
	}
	_, err = Start(context.Background(), Options{Dir: dir, Extra: map[string]string{"no_such_setting": "1"}})
	if err == nil || !strings.Contains(err.Error(), "no_such_setting") {
		t.Errorf("an unknown setting: %v", err)
	}
	if got := ask(t, start(t, Options{Dir: dir}), "SELECT x FROM kept"); got != "42" {
		t.Errorf("the directory used again holds %q", got)
	}
}

func TestBadStart(t *testing.T) {
	if _, err := programs(); err != nil {
		t.Skip(err)
	}
	ctx := context.Background()
	temp, err := os.MkdirTemp("", "attune-postgres-test-")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(temp) }()
	if err := os.Chmod(temp, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", temp)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(ctx, Options{Dir: filepath.Join(file, "x")}); err == nil || !strings.Contains(err.Error(), "not a directory") {
		t.Errorf("a directory below a file: %v", err)
	}
	if os.Geteuid() == 0 {
		closed := filepath.Join(t.TempDir(), "closed")
		if err := os.Mkdir(closed, 0o700); err != nil {
			t.Fatal(err)
		}
		if _, err := Start(ctx, Options{Dir: filepath.Join(closed, "pg")}); err == nil || !strings.Contains(err.Error(), "may not enter") {
			t.Errorf("a directory behind a closed one: %v", err)
		}
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := Start(ended, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a start whose context ended: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(temp, "attune-postgres-*")); err != nil || len(left) > 0 {
		t.Errorf("failed starts left %v, %v", left, err)
	}
}

func TestNotInstalled(t *testing.T) {
	t.Setenv("ATTUNE_POSTGRES_BIN", t.TempDir())
	_, err := Start(context.Background(), Options{})
	if !errors.Is(err, ErrNotInstalled) || !strings.Contains(err.Error(), "package postgresql") {
		t.Errorf("error %v", err)
	}
}
