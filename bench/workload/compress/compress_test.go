package compress

import (
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"io"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/attunedb/attune/bench"
	"github.com/attunedb/attune/bench/db"
	"github.com/attunedb/attune/bench/workload/internal/dbtest"
	"github.com/attunedb/attune/bench/workload/internal/load"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

// capture is a database that keeps loads.
type capture struct {
	db.DB
	tables map[string][]byte
}

func (c *capture) Load(_ context.Context, table string, _ []string, rows io.Reader) (int64, error) {
	b, err := io.ReadAll(rows)
	c.tables[table] = b
	return int64(bytes.Count(b, []byte("\n"))), err
}

func generate(t *testing.T, seed uint64, rows int64) (map[string][]byte, int64) {
	t.Helper()
	c := &capture{tables: map[string][]byte{}}
	logical := int64(0)
	for _, tab := range newTables() {
		out := &counted{}
		err := load.Copy(t.Context(), c, nil, tab.name, tab.columns, rows, func(r *load.Rows) error {
			out.Rows = r
			return tab.fill(out, seed, rows)
		})
		if err != nil {
			t.Fatal(err)
		}
		logical += out.bytes
	}
	return c.tables, logical
}

// TestDataIsRealistic wants of a general compressor what it does to such data: from 2 to 5 times, where text alone is at 2 to 3.5.
func TestDataIsRealistic(t *testing.T) {
	deflated := func(b []byte) float64 {
		var out bytes.Buffer
		w, err := flate.NewWriter(&out, 6)
		if err != nil {
			t.Fatal(err)
		}
		w.Write(b)
		w.Close()
		return float64(out.Len())
	}
	tables, logical := generate(t, 1, 5000)
	text, all := tables["compress_review"], 0.0
	for _, b := range tables {
		all += deflated(b)
	}
	if r := float64(len(text)) / deflated(text); r < 2 || r > 3.5 {
		t.Errorf("reviews deflate %.2f times", r)
	}
	if r := float64(logical) / all; r < 2 || r > 5 {
		t.Errorf("all tables deflate %.2f times", r)
	}
	if per := float64(logical) / 5000; per < 700 || per > 950 {
		t.Errorf("%.0f bytes in a row of each table together", per)
	}
}

func TestGenerationIsDeterministic(t *testing.T) {
	a, n := generate(t, 1, 300)
	b, m := generate(t, 1, 300)
	other, _ := generate(t, 2, 300)
	for name := range a {
		if !bytes.Equal(a[name], b[name]) {
			t.Errorf("%s differs between two generations of one seed", name)
		}
		if bytes.Equal(a[name], other[name]) {
			t.Errorf("%s is the same under two seeds", name)
		}
	}
	if n != m || len(a) != 3 {
		t.Errorf("%d and %d bytes in %d tables", n, m, len(a))
	}
}

func TestMeasure(t *testing.T) {
	d := dbtest.Open(t)
	ctx := t.Context()
	c, err := New(bench.Config{Scale: 0.02})
	if err != nil {
		t.Fatal(err)
	}
	size := func() (int64, error) {
		v, err := load.Ints(ctx, d, "SELECT coalesce(sum(pg_total_relation_size(oid)), 0) FROM pg_class WHERE relname LIKE 'compress%' AND relkind = 'r'")
		if err != nil {
			return 0, err
		}
		return v[0], nil
	}
	if os.Getenv("ATTUNE_BENCH_PG_URL") != "" {
		calls := int64(0)
		size = func() (int64, error) { calls++; return calls << 20, nil }
	}
	r, err := c.Measure(ctx, d, size, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v, ratio %.2f", r, r.Ratio())
	if r.Rows != 6000 || r.LogicalBytes < 700*2000 || math.Abs(r.Ratio()*float64(r.DiskBytes)-float64(r.LogicalBytes)) > 1 {
		t.Errorf("%+v", r)
	}
	// PostgreSQL compresses long values alone, and each row has a header and a key in an index.
	if os.Getenv("ATTUNE_BENCH_PG_URL") == "" && (r.Ratio() < 0.5 || r.Ratio() > 1.3) {
		t.Errorf("PostgreSQL has a ratio of %.2f", r.Ratio())
	}
	if err := c.Check(ctx, d); err != nil {
		t.Fatal(err)
	}
	for _, tamper := range []string{
		"UPDATE compress_sale SET cents = cents + 1 WHERE id = 7",
		"UPDATE compress_review SET body = '' WHERE id = 7",
		"DELETE FROM compress_event WHERE id = 7",
	} {
		if err := load.Exec(ctx, d, tamper); err != nil {
			t.Fatal(err)
		}
		table := strings.Fields(strings.TrimPrefix(strings.TrimPrefix(tamper, "DELETE FROM "), "UPDATE "))[0]
		if err := c.Check(ctx, d); err == nil || !strings.Contains(err.Error(), table) {
			t.Errorf("after %s the check says %v", tamper, err)
		}
	}
	if err := c.Drop(ctx, d); err != nil {
		t.Fatal(err)
	}
}

func TestBadSizes(t *testing.T) {
	d := dbtest.Open(t)
	c, err := New(bench.Config{Scale: 0.0001})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Measure(t.Context(), d, func() (int64, error) { return 5, nil }, nil); err == nil || !strings.Contains(err.Error(), "5 bytes") {
		t.Errorf("a size that does not grow: %v", err)
	}
	broken := errors.New("no such directory")
	if _, err := c.Measure(t.Context(), d, func() (int64, error) { return 0, broken }, nil); !errors.Is(err, broken) {
		t.Errorf("a size that cannot be read: %v", err)
	}
	if err := c.Drop(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if _, err := New(bench.Config{Scale: -1}); err == nil {
		t.Error("a negative scale is accepted")
	}
}
