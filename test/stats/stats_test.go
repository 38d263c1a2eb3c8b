package stats

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/attunedb/attune/test/harness"
)

// tables are the data set's tables in load order.
var tables = []string{"users", "posts", "postLinks", "postHistory", "comments", "votes", "badges", "tags"}

// queryTimeout bounds one query; a query that takes longer fails the test.
const queryTimeout = 120 * time.Second

// passes is how often each optimizer runs the workload; ATTUNE_STATS_PASSES sets it.
func passes(t *testing.T) int {
	s := os.Getenv("ATTUNE_STATS_PASSES")
	if s == "" {
		return 1
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		t.Fatalf("ATTUNE_STATS_PASSES is %q", s)
	}
	return n
}

// query is one query of the workload with its true count.
type query struct {
	id, sql string
	count   int64
}

var head = regexp.MustCompile(`^-- (q\d+) count=(\d+)`)

func readQueries(t *testing.T, path string) []query {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []query
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if m := head.FindStringSubmatch(line); m != nil {
			n, err := strconv.ParseInt(m[2], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, query{id: m[1], count: n})
		} else if line != "" && !strings.HasPrefix(line, "--") && len(out) > 0 {
			out[len(out)-1].sql += strings.TrimSuffix(line, ";") + " "
		}
	}
	return out
}

// load creates the schema and copies every table.
func load(t *testing.T, c *pgx.Conn, dir string) {
	t.Helper()
	harness.Exec(t, c, read(t, filepath.Join(dir, "schema.sql")))
	for _, name := range tables {
		f, err := os.Open(filepath.Join(dir, name+".csv.gz"))
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		tag, err := c.PgConn().CopyFrom(context.Background(), z, "COPY "+name+" FROM STDIN WITH (FORMAT csv, HEADER true, NULL '')")
		if err != nil {
			t.Fatalf("COPY %s: %v", name, err)
		}
		fmt.Printf("%-12s %8d rows  %6.2f s\n", name, tag.RowsAffected(), time.Since(start).Seconds())
		_ = f.Close()
	}
	start := time.Now()
	harness.Exec(t, c, read(t, filepath.Join(dir, "index.sql")))
	fmt.Printf("indexes and analyze    %6.2f s\n", time.Since(start).Seconds())
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// pass runs every query once and returns the total; a wrong count fails the test.
func pass(t *testing.T, c *pgx.Conn, qs []query, times map[string]time.Duration) time.Duration {
	t.Helper()
	var total time.Duration
	for _, q := range qs {
		ctx, cancel := context.WithTimeout(context.Background(), queryTimeout)
		start := time.Now()
		rows, err := harness.Simple(ctx, c.PgConn(), q.sql)
		took := time.Since(start)
		cancel()
		total += took
		times[q.id] = took
		if err != nil {
			t.Errorf("%s: %v", q.id, err)
			if c.PgConn().IsClosed() {
				t.Fatalf("%s: the connection was lost", q.id)
			}
			continue
		}
		if got := string(rows[0][0]); got != strconv.FormatInt(q.count, 10) {
			t.Errorf("%s: count %s, want %d", q.id, got, q.count)
		}
	}
	return total
}

// TestCounts checks every query's count with both optimizers and prints the times.
func TestCounts(t *testing.T) {
	dir := harness.Shared(t, "data", "stats")
	srv := harness.Start(t, "")
	c := srv.Conn(t)
	load(t, c, dir)
	qs := readQueries(t, filepath.Join(dir, "queries.sql"))
	if len(qs) != 100 {
		t.Fatalf("%d queries, want 100", len(qs))
	}
	static, learned := map[string]time.Duration{}, map[string]time.Duration{}
	for _, mode := range []struct {
		name  string
		times map[string]time.Duration
	}{{"static", static}, {"learned", learned}} {
		harness.Exec(t, c, "SET attune.optimizer = '"+mode.name+"'")
		for i := range passes(t) {
			fmt.Printf("%-8s pass %d   %7.2f s\n", mode.name, i+1, pass(t, c, qs, mode.times).Seconds())
		}
	}
	if os.Getenv("ATTUNE_VERBOSE") != "" {
		for _, q := range qs {
			fmt.Printf("%s  static %8.1f ms  learned %8.1f ms\n", q.id, ms(static[q.id]), ms(learned[q.id]))
		}
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
