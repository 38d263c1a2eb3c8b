package enumerate

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/costmodel"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/stats"
	"github.com/attunedb/attune/services/planner/internal/bind"
	"github.com/attunedb/attune/services/planner/internal/cost"
	"github.com/attunedb/attune/services/planner/internal/relset"
	"github.com/attunedb/attune/services/planner/internal/rewrite"
	"github.com/attunedb/attune/services/planner/internal/statistics"
	"github.com/attunedb/attune/services/planner/internal/testcat"
)

type sizes map[catalog.TableID]*stats.Table

func (s sizes) Table(id catalog.TableID) *stats.Table { return s[id] }

// block binds a query over tables t0, t1, … of given sizes and takes its joins apart.
func block(t testing.TB, rows []float64, sql string) *Block {
	t.Helper()
	var c testcat.Catalog
	var ddl strings.Builder
	for i := range rows {
		fmt.Fprintf(&ddl, "CREATE TABLE t%d (id int primary key, a int, b int); CREATE INDEX t%d_a ON t%d (a);", i, i, i)
	}
	if err := c.Exec(ddl.String()); err != nil {
		t.Fatal(err)
	}
	snap := c.Snapshot()
	s := make(sizes)
	for i, n := range rows {
		tab := snap.Table("", fmt.Sprintf("t%d", i))
		s[tab.ID] = &stats.Table{ID: tab.ID, RowCount: n, RowBytes: 12, Columns: []stats.Column{
			{Distinct: n, WidthBytes: 4}, {Distinct: max(1, n/10), WidthBytes: 4}, {Distinct: max(1, n/100), NullFraction: 0.1, WidthBytes: 4}}}
	}
	r, err := bind.Bind(bind.Request{SQL: sql, Catalog: snap})
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	w, err := rewrite.Apply(r.Logical, r.NextColumn, nil)
	if err != nil {
		t.Fatal(err)
	}
	n := w.Plan
	for !InBlock(n) || joinCount(n) == 1 {
		n = n.Inputs()[0]
	}
	b, err := Extract(n)
	if err != nil {
		t.Fatal(err)
	}
	q := statistics.NewQuery(s, statistics.Options{})
	for _, l := range b.Leaves {
		scan, ok := l.Node.(*logical.Scan)
		if !ok {
			t.Fatalf("leaf %T", l.Node)
		}
		l.Rel = q.Scan(scan, l.Preds)
	}
	b.Estimator(q)
	return b
}

func options() Options {
	p := cost.NewPrices(costmodel.DefaultUnits())
	return Options{Prices: &p}
}

// cheapest tries every split of every set: what dynamic programming must find.
func cheapest(b *Block, o Options) float64 {
	v := &solver{b: b, o: o, cards: make(map[relset.Set]float64), table: make(map[relset.Set][]*Path), keep: 1}
	for i := range b.Leaves {
		v.leaf(i)
	}
	n := len(b.Leaves)
	connected := false
	for size := 2; size <= n; size++ {
		for s := range relset.Below(n).Subsets() {
			if s.Len() != size {
				continue
			}
			for s1 := range s.Subsets() {
				s2 := s.Minus(s1)
				if s2.Empty() || s1.Min() > s2.Min() || len(v.table[s1]) == 0 || len(v.table[s2]) == 0 {
					continue
				}
				if st, ok := b.step(s1, s2); ok && st.connected() {
					connected = true
					v.join(st)
				}
			}
		}
	}
	best := math.Inf(1)
	for _, p := range v.table[b.all] {
		best = min(best, p.Cost)
	}
	if !connected {
		return math.NaN()
	}
	return best
}

func TestSolveFindsTheCheapestOrder(t *testing.T) {
	compared := 0
	for seed := range uint64(120) {
		rng := rand.New(rand.NewPCG(seed, 5))
		n := 2 + rng.IntN(5)
		rows := make([]float64, n)
		for i := range rows {
			rows[i] = math.Pow(10, 1+4*rng.Float64())
		}
		from := "t0 x0"
		for i := 1; i < n; i++ {
			kind := []string{"JOIN", "JOIN", "JOIN", "LEFT JOIN"}[rng.IntN(4)]
			from = fmt.Sprintf("(%s %s t%d x%d ON x%d.%s = x%d.%s)", from, kind, i, i, rng.IntN(i), []string{"id", "a", "b"}[rng.IntN(3)],
				i, []string{"id", "a", "b"}[rng.IntN(3)])
		}
		sql := "SELECT * FROM " + from + " WHERE x0.b < 5"
		b := block(t, rows, sql)
		o := options()
		s := b.Prepare(context.Background())
		p, err := s.Solve(context.Background(), o)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, sql)
		}
		if !s.Exact {
			t.Fatalf("seed %d: not enumerated", seed)
		}
		want := cheapest(b, o)
		if math.IsNaN(want) {
			continue
		}
		compared++
		if math.Abs(p.Cost-want) > 1e-6*want {
			t.Errorf("seed %d: cost %v, cheapest %v: %s\n%s", seed, p.Cost, want, b.Summary(p), sql)
		}
		if p.Set != b.All() {
			t.Errorf("seed %d: path over %v", seed, p.Set)
		}
	}
	if compared < 100 {
		t.Errorf("only %d compared", compared)
	}
}

// Blocks too large to enumerate get a plan in time, over all their relations.
func TestLargeBlocksInTime(t *testing.T) {
	for name, edge := range map[string]func(i int) int{"chain": func(i int) int { return i - 1 }, "star": func(int) int { return 0 },
		"tree": func(i int) int { return i / 2 }} {
		n := 60
		rows := make([]float64, n)
		from := "t0"
		for i := range rows {
			rows[i] = float64(100 * (1 + i*7%13))
			if i > 0 {
				from += fmt.Sprintf(" JOIN t%d ON t%d.a = t%d.id", i, edge(i), i)
			}
		}
		largeBlock(t, name, rows, from)
	}
	rows := make([]float64, 60)
	from := "t0"
	for i := range rows {
		rows[i] = 1000
		if i > 0 {
			// One class of sixty columns: every pair is connected.
			from += fmt.Sprintf(" JOIN t%d ON t0.a = t%d.a", i, i)
		}
	}
	largeBlock(t, "clique", rows, from)
}

func largeBlock(t *testing.T, name string, rows []float64, from string) {
	b := block(t, rows, "SELECT * FROM "+from)
	start := time.Now()
	s := b.Prepare(context.Background())
	p, err := s.Solve(context.Background(), options())
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	d := time.Since(start)
	t.Logf("%s of %d: %v, %d pairs, exact %v", name, len(rows), d, s.Pairs, s.Exact)
	if p.Set != b.All() || d > 10*time.Second {
		t.Errorf("%s: %d relations after %v", name, p.Set.Len(), d)
	}
}
