package duckdb

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/attunedb/attune/bench/db"
	"github.com/attunedb/attune/bench/db/dbtest"
)

func open(t *testing.T, o Options) *DB {
	t.Helper()
	d, err := Open(context.Background(), o)
	if errors.Is(err, ErrNoProgram) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func TestDuckDB(t *testing.T) {
	t.Run("Memory", func(t *testing.T) {
		dbtest.Run(t, func(t *testing.T) db.DB { return open(t, Options{Threads: 2, MemoryLimit: "512MB"}) })
	})
	t.Run("File", func(t *testing.T) {
		dbtest.Run(t, func(t *testing.T) db.DB { return open(t, Options{File: filepath.Join(t.TempDir(), "a b.duckdb")}) })
	})
}

func TestOptions(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kept.duckdb")
	d := open(t, Options{File: file, Threads: 1, MemoryLimit: "256MB"})
	ctx := context.Background()
	c, err := d.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var got []any
	add := func(row []any) error {
		got = append(got, row...)
		return nil
	}
	_, err = c.Query(ctx, "SELECT current_setting('threads'), current_setting('memory_limit')", add)
	if err != nil || got[0] != int64(1) || !strings.HasPrefix(got[1].(string), "244.1") { // 256 MB in MiB
		t.Errorf("settings %v, %v", got, err)
	}
	got = nil
	_, err = c.Query(ctx, `SELECT sum(x), 170141183460469231731687303715884105727::HUGEINT, INTERVAL '1 month 2 days 03:04:05.5', -1.5::DECIMAL(4,3),
		'6ba7b810-9dad-11d1-80b4-00c04fd430c8'::UUID, 'infinity'::DATE, TIME '01:02:03', 0.005::DECIMAL(5,3) FROM (VALUES (1), (2)) v(x)`, add)
	want := []any{int64(3), "170141183460469231731687303715884105727", "1 mon 2 days 03:04:05.5", "-1.500",
		"6ba7b810-9dad-11d1-80b4-00c04fd430c8", "infinity", "01:02:03", "0.005"}
	for i := range want {
		if err != nil || got[i] != want[i] {
			t.Errorf("value %d: %v, %v, want %v", i, got, err, want[i])
			break
		}
	}
	if _, err := c.Exec(ctx, "CREATE TABLE kept AS SELECT 42 AS x"); err != nil {
		t.Fatal(err)
	}
	// The time is DuckDB's own: less than ours, and more than nothing.
	begin := time.Now()
	if _, err := c.Query(ctx, "SELECT sum(x * 3.5) FROM range(3000000) r(x)", nil); err != nil {
		t.Fatal(err)
	}
	if inside, whole := c.(db.ServerTimer).ServerTime(), time.Since(begin); inside <= whole/100 || inside > whole {
		t.Errorf("%s inside of %s", inside, whole)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	c, err = open(t, Options{File: file}).Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	got = nil
	if _, err := c.Query(ctx, "SELECT x FROM kept", add); err != nil || got[0] != int64(42) {
		t.Errorf("the file holds %v, %v", got, err)
	}
}

// TestProgramDies kills the program under a statement.
func TestProgramDies(t *testing.T) {
	d := open(t, Options{})
	c, err := d.Open(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	_, err = c.Query(context.Background(), "SELECT x FROM range(3000000) r(x)", func([]any) error {
		if n++; n == 1 {
			return syscall.Kill(d.PID(), syscall.SIGKILL)
		}
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "the program has ended") {
		t.Errorf("after %d rows: %v", n, err)
	}
	if _, err := c.Exec(context.Background(), "SELECT 1"); err == nil {
		t.Error("a statement ran in a dead program")
	}
}

func TestBadOpen(t *testing.T) {
	ctx := context.Background()
	t.Setenv("ATTUNE_DUCKDB", "/nonexistent/attune-duckdb")
	if _, err := Open(ctx, Options{}); !errors.Is(err, ErrNoProgram) || !strings.Contains(err.Error(), "scripts/build-peers") {
		t.Errorf("without a program: %v", err)
	}
	for _, other := range []string{"/bin/true", "/bin/cat"} {
		if _, err := os.Stat(other); err != nil {
			continue
		}
		if _, err := Open(ctx, Options{Program: other}); err == nil || !strings.Contains(err.Error(), "is not ready") {
			t.Errorf("%s as the program: %v", other, err)
		}
	}
	t.Setenv("ATTUNE_DUCKDB", "")
	program, err := find("")
	if err != nil {
		t.Skip(err)
	}
	for _, bad := range []Options{{File: "/nonexistent/x.duckdb"}, {MemoryLimit: "much"}, {File: "x?y"}} {
		bad.Program = program
		if _, err := Open(ctx, bad); err == nil || !strings.Contains(err.Error(), "is not ready") {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}
