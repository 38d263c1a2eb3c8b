package optimizer

import (
	"compress/gzip"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/plan/explain"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/stats"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
	"github.com/attunedb/attune/engine/vec"
	"github.com/attunedb/attune/services/planner/internal/cost"
	"github.com/attunedb/attune/services/planner/internal/testcat"
)

// held is tables' statistics in memory.
type held map[catalog.TableID]*stats.Table

func (h held) Table(id catalog.TableID) *stats.Table   { return h[id] }
func (h held) Warm(context.Context, []catalog.TableID) {}

// statsData loads the STATS data set, or skips.
func statsData(t testing.TB) (*catalog.Snapshot, held, string) {
	shared := os.Getenv("ATTUNE_SHARED")
	if shared == "" {
		shared = "../../../../../shared"
	}
	dir := filepath.Join(shared, "data", "stats")
	schema, err := os.ReadFile(filepath.Join(dir, "schema.sql"))
	if err != nil {
		t.Skipf("the STATS data set is not here: %v", err)
	}
	index, err := os.ReadFile(filepath.Join(dir, "index.sql"))
	if err != nil {
		t.Fatal(err)
	}
	var c testcat.Catalog
	script := string(schema) + regexp.MustCompile(`(?m)^analyze.*$`).ReplaceAllString(string(index), "")
	if err := c.Exec(script); err != nil {
		t.Fatal(err)
	}
	snap := c.Snapshot()
	h := make(held)
	files, err := filepath.Glob(filepath.Join(dir, "*.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name := strings.ToLower(strings.TrimSuffix(filepath.Base(f), ".csv.gz"))
		tab := snap.Table("", name)
		if tab == nil {
			t.Fatalf("no table %s", name)
		}
		h[tab.ID] = loadCSV(t, f, tab)
	}
	queries, err := os.ReadFile(filepath.Join(dir, "queries.sql"))
	if err != nil {
		t.Fatal(err)
	}
	return snap, h, string(queries)
}

func loadCSV(t testing.TB, path string, tab *catalog.Table) *stats.Table {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	r := csv.NewReader(z)
	r.ReuseRecord = true
	if _, err := r.Read(); err != nil {
		t.Fatal(err)
	}
	var ts []types.Type
	for _, c := range tab.Columns {
		ts = append(ts, c.Type)
	}
	sb := stats.NewBuilder(ts, stats.Options{Seed: 1})
	builders := make([]*vec.Builder, len(ts))
	for i := range ts {
		builders[i] = vec.NewBuilder(ts[i], vec.BatchSize)
	}
	rows := 0
	flush := func() {
		b := vec.NewBatch(builders[0].Len())
		for _, x := range builders {
			b.Cols = append(b.Cols, x.Finish())
		}
		sb.Observe(b)
	}
	for {
		rec, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range rec {
			if s == "" {
				builders[i].AppendNull()
				continue
			}
			if ts[i].Kind.IsInteger() {
				v, err := strconv.ParseInt(s, 10, 64)
				if err != nil {
					t.Fatal(err)
				}
				builders[i].AppendDatum(types.NewInt(ts[i].Kind, v))
				continue
			}
			d, err := pgtext.Parse(ts[i], s, nil)
			if err != nil {
				t.Fatal(err)
			}
			builders[i].AppendDatum(d)
		}
		if rows++; rows%vec.BatchSize == 0 {
			flush()
		}
	}
	flush()
	return sb.Build(tab.ID, float64(rows), 1, time.Unix(0, 0))
}

// TestSTATS plans the STATS-CEB queries and holds the estimates of their results against the true counts. No plan may run a join of
// 10^8 rows and more unless grouped below.
func TestSTATS(t *testing.T) {
	snap, h, queries := statsData(t)
	o := New(Deps{Tables: h, Model: cost.NewModel(), Parallelism: 2})
	re := regexp.MustCompile(`(?m)^-- (q\d+) count=(\d+)\n(.*;)$`)
	var qs []float64
	var times []time.Duration
	eager := 0
	for _, m := range re.FindAllStringSubmatch(queries, -1) {
		want, _ := strconv.ParseUint(m[2], 10, 64)
		start := time.Now()
		res, err := o.Plan(context.Background(), Request{SQL: m[3], Catalog: snap, Settings: map[string]string{"attune.optimizer": "static"}})
		times = append(times, time.Since(start))
		if err != nil {
			t.Errorf("%s: %v", m[1], err)
			continue
		}
		lazy, err := o.Plan(context.Background(), Request{SQL: m[3], Catalog: snap, Settings: map[string]string{
			"attune.optimizer": "static", "attune.rules.push_aggregates_through_joins": "off", "attune.runtime_filters": "off"}})
		if err != nil {
			t.Errorf("%s: %v", m[1], err)
			continue
		}
		rows := topJoin(lazy.Plan.Root).Head().Est.Rows
		q := explain.QError(rows, want)
		qs = append(qs, q)
		widest := 0.0
		physical.Walk(res.Plan.Root, func(n physical.Node) { widest = max(widest, n.Head().Est.Rows) })
		if slices.Contains(res.Plan.Report.Rules, "push_aggregates_through_joins") {
			eager++
		} else if want > 100_000_000 {
			t.Errorf("%s: %d rows are joined without grouping below", m[1], want)
		}
		if os.Getenv("ATTUNE_SHOW") != "" {
			fmt.Printf("%s true %d est %.0f q=%.1f widest %.0f time %v %s\n", m[1], want, rows, q, widest, times[len(times)-1], res.Plan.Report.Candidates[0].Summary)
			if os.Getenv("ATTUNE_SHOW") == m[1] {
				fmt.Println(strings.Join(explain.Text(res.Plan, explain.Options{Costs: true, Learned: true}), "\n"))
			}
		}
	}
	slices.Sort(qs)
	slices.Sort(times)
	t.Logf("%d queries: q-error median %.2f, p90 %.1f, worst %.0f; %d grouped below joins; planning median %v, p90 %v, worst %v", len(qs),
		qs[len(qs)/2], qs[len(qs)*9/10], qs[len(qs)-1], eager, times[len(times)/2], times[len(times)*9/10], times[len(times)-1])
	if len(qs) != 100 || qs[len(qs)/2] > 4 {
		t.Errorf("%d queries estimated, median q-error %.2f", len(qs), qs[len(qs)/2])
	}
}

// topJoin is the node below the final grouping.
func topJoin(n physical.Node) physical.Node {
	for {
		if a, ok := n.(*physical.Aggregate); ok {
			return a.Input
		}
		in := n.Inputs()
		if len(in) == 0 {
			return n
		}
		n = in[0]
	}
}
