package physicalize

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/costmodel"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/stats"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
	"github.com/attunedb/attune/services/planner/internal/bind"
	"github.com/attunedb/attune/services/planner/internal/cost"
	"github.com/attunedb/attune/services/planner/internal/relset"
	"github.com/attunedb/attune/services/planner/internal/rewrite"
	"github.com/attunedb/attune/services/planner/internal/statistics"
	"github.com/attunedb/attune/services/planner/internal/testcat"
)

const schema = `
CREATE TABLE t0 (id int primary key, a int, b int, s text);
CREATE TABLE t1 (id int primary key, a int, b int, s text);
CREATE TABLE t2 (id int primary key, a int, b int, s text);
CREATE TABLE t3 (id int primary key, a int, b int, s text);
CREATE TABLE t4 (id int primary key, a int, b int, s text);
CREATE INDEX t0_a ON t0 (a);
CREATE INDEX t1_ab ON t1 (a, b);
CREATE INDEX t2_b ON t2 (b);
`

type world struct {
	cat   *catalog.Snapshot
	data  tables
	stats map[catalog.TableID]*stats.Table
}

func (w *world) Table(id catalog.TableID) *stats.Table { return w.stats[id] }

// newWorld fills the tables with rows rows each, skewed and with NULLs.
func newWorld(t testing.TB, seed uint64, rows func(table int) int) *world {
	var c testcat.Catalog
	if err := c.Exec(schema); err != nil {
		t.Fatal(err)
	}
	w := &world{cat: c.Snapshot(), data: make(tables), stats: make(map[catalog.TableID]*stats.Table)}
	rng := rand.New(rand.NewPCG(seed, 3))
	for i := range 5 {
		tab := w.cat.Table("", fmt.Sprintf("t%d", i))
		var ts []types.Type
		for _, col := range tab.Columns {
			ts = append(ts, col.Type)
		}
		builders := make([]*vec.Builder, len(ts))
		for k := range ts {
			builders[k] = vec.NewBuilder(ts[k], 16)
		}
		for id := range rows(i) {
			row := []types.Datum{types.NewInt(types.Int4, int64(id)), small(rng, 6), small(rng, 4), types.NewString(types.Text, string(rune('a'+rng.IntN(3))))}
			w.data[tab.ID] = append(w.data[tab.ID], row)
			for k := range row {
				builders[k].AppendDatum(row[k])
			}
		}
		b := vec.NewBatch(len(w.data[tab.ID]))
		for k := range builders {
			b.Cols = append(b.Cols, builders[k].Finish())
		}
		sb := stats.NewBuilder(ts, stats.Options{Seed: 1})
		sb.Observe(b)
		w.stats[tab.ID] = sb.Build(tab.ID, float64(b.Len), 1, time.Unix(0, 0))
	}
	return w
}

func small(rng *rand.Rand, n int) types.Datum {
	v := rng.IntN(n + 1)
	if v == n {
		return types.Null(types.Int4)
	}
	return types.NewInt(types.Int4, int64(v*rng.IntN(2)+v/2))
}

func sampler(cond expr.Expr, b *vec.Batch) ([]int32, error) {
	out, err := expr.Filter(&compute.Env{}, cond, nil, b)
	if err != nil {
		return nil, err
	}
	if out.Sel == nil {
		return vec.Identity(out.Len), nil
	}
	return out.Sel, nil
}

func (w *world) session(t testing.TB, sql string) (*Session, *bind.Result) {
	t.Helper()
	b, err := bind.Bind(bind.Request{SQL: sql, Catalog: w.cat})
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	p := cost.NewPrices(costmodel.DefaultUnits())
	r, err := rewrite.Apply(b.Logical, b.NextColumn, nil)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	b.Logical = r.Plan
	return NewSession(context.Background(), r.Plan, Config{
		Query: statistics.NewQuery(w, statistics.Options{Sampler: sampler}), Catalog: w.cat, Params: len(b.ParamTypes), Prices: &p, NextColumn: r.NextColumn}), b
}

// literals returns the values of a statement's literals, as an executor would parse them.
func literals(n logical.Node, count int) []types.Datum {
	out := make([]types.Datum, count)
	var visit func(n logical.Node)
	visit = func(n logical.Node) {
		for _, e := range logical.Exprs(n) {
			expr.Walk(e, func(e expr.Expr) bool {
				if c, ok := e.(*expr.Const); ok && c.Slot > 0 {
					out[c.Slot-1] = c.Value
				}
				return true
			})
		}
		for _, in := range n.Inputs() {
			visit(in)
		}
	}
	visit(n)
	return out
}

// randomQuery makes a query over two to five tables with joins of all kinds, in every nesting.
func randomQuery(rng *rand.Rand) string {
	n := 2 + rng.IntN(4)
	col := func(i int) string { return fmt.Sprintf("x%d.%s", i, []string{"id", "a", "b"}[rng.IntN(3)]) }
	var from func(lo, hi int) string
	from = func(lo, hi int) string {
		if lo == hi {
			return fmt.Sprintf("t%d x%d", rng.IntN(5), lo)
		}
		mid := lo + rng.IntN(hi-lo)
		kind := []string{"JOIN", "JOIN", "LEFT JOIN", "RIGHT JOIN", "LEFT JOIN", "FULL JOIN"}[rng.IntN(6)]
		on := fmt.Sprintf("%s = %s", col(lo+rng.IntN(mid-lo+1)), col(mid+1+rng.IntN(hi-mid)))
		switch rng.IntN(6) {
		case 0:
			on += fmt.Sprintf(" AND %s = %s", col(lo+rng.IntN(mid-lo+1)), col(mid+1+rng.IntN(hi-mid)))
		case 1:
			on += fmt.Sprintf(" AND %s < %s", col(lo+rng.IntN(mid-lo+1)), col(mid+1+rng.IntN(hi-mid)))
		case 2:
			on += fmt.Sprintf(" AND %s > %d", col(mid+1+rng.IntN(hi-mid)), rng.IntN(4))
		case 3:
			if kind != "FULL JOIN" {
				on += fmt.Sprintf(" AND %s <> %d", col(lo+rng.IntN(mid-lo+1)), rng.IntN(4))
			}
		}
		return "(" + from(lo, mid) + " " + kind + " " + from(mid+1, hi) + " ON " + on + ")"
	}
	var where []string
	for range rng.IntN(3) {
		inner := fmt.Sprintf("SELECT y.%s FROM t%d y WHERE y.%s >= %d", []string{"id", "a", "b"}[rng.IntN(3)], rng.IntN(5),
			[]string{"id", "a", "b"}[rng.IntN(3)], rng.IntN(4))
		correlated := fmt.Sprintf(" AND y.%s = %s", []string{"id", "a", "b"}[rng.IntN(3)], col(rng.IntN(n)))
		not := []string{"", "NOT "}[rng.IntN(2)]
		switch rng.IntN(11) {
		case 6:
			where = append(where, fmt.Sprintf("%s %sIN (%s)", col(rng.IntN(n)), not, inner))
		case 7:
			where = append(where, fmt.Sprintf("%sEXISTS (%s%s)", not, inner, correlated))
		case 8:
			where = append(where, fmt.Sprintf("(%s = 1 OR %sEXISTS (%s%s))", col(rng.IntN(n)), not, inner, correlated))
		case 9:
			where = append(where, fmt.Sprintf("(%s > 2 OR %s %sIN (%s%s))", col(rng.IntN(n)), col(rng.IntN(n)), not, inner, correlated))
		case 10:
			where = append(where, fmt.Sprintf("%s > (SELECT count(*) FROM t%d y WHERE y.id < 3%s)", col(rng.IntN(n)), rng.IntN(5), correlated))
		case 0:
			where = append(where, col(rng.IntN(n))+" IS NULL")
		case 1:
			where = append(where, fmt.Sprintf("%s = %s", col(rng.IntN(n)), col(rng.IntN(n))))
		case 2:
			where = append(where, fmt.Sprintf("(%s = %d OR %s < 2)", col(rng.IntN(n)), rng.IntN(4), col(rng.IntN(n))))
		case 3:
			where = append(where, fmt.Sprintf("%s = %d", col(rng.IntN(n)), rng.IntN(5)))
		default:
			where = append(where, fmt.Sprintf("%s >= %d", col(rng.IntN(n)), rng.IntN(3)))
		}
	}
	sel := "count(*)"
	group := ""
	switch rng.IntN(4) {
	case 0:
		sel = fmt.Sprintf("%s, %s, %s", col(0), col(n-1), col(rng.IntN(n)))
	case 1:
		sel = fmt.Sprintf("count(*), sum(%s), min(%s), count(%s), count(DISTINCT %s)", col(rng.IntN(n)), col(rng.IntN(n)), col(rng.IntN(n)), col(rng.IntN(n)))
	case 2:
		g := col(rng.IntN(n))
		sel = fmt.Sprintf("%s, count(*), sum(%s), max(x%d.s)", g, col(rng.IntN(n)), rng.IntN(n))
		group = " GROUP BY " + g
	}
	q := "SELECT " + sel + " FROM " + from(0, n-1)
	if len(where) > 0 {
		q += " WHERE " + strings.Join(where, " AND ")
	}
	return q + group
}

func variants() []Variant {
	// So many rows are believed that groupings below joins pay everywhere.
	up := func(s relset.Set, e physical.Estimate) float64 { return (e.Rows + 1) * math.Pow(300, float64(s.Len())) }
	out := []Variant{
		{Name: "plain"}, {Name: "eager", Eager: true, RuntimeFilters: true}, {Name: "hash", Force: "hash"},
		{Name: "up loop", Cards: up, Eager: true, Noise: 4, Seed: 9}, {Name: "loop", Force: "loop"}, {Name: "index", Force: "index", Eager: true}, {Name: "up", Cards: up, Eager: true},
	}
	for seed := range uint64(6) {
		out = append(out, Variant{Name: fmt.Sprintf("noise %d", seed), Noise: 8, Seed: seed, Eager: seed%2 == 0})
	}
	return out
}

// Every plan of a query, under every variant, gives the rows that the bound query gives by definition, and so does every plan
// made again from its shape, which has the same identity.
func TestAllPlansGiveTheSameRows(t *testing.T) {
	queries, plans, shapes, grouped := 0, 0, 0, 0
	for seed := range uint64(250) {
		rng := rand.New(rand.NewPCG(seed, 11))
		w := newWorld(t, seed, func(i int) int { return 2 + rng.IntN(9) })
		sql := randomQuery(rng)
		s, b := w.session(t, sql)
		oracle := &naive{data: w.data, cat: w.cat}
		want := canonical(oracle.logical(b.Logical).rows)
		if len(want) > 20000 {
			continue
		}
		queries++
		oracle.params = literals(b.Logical, len(b.Template.Literals))
		seen := make(map[uint64]bool)
		for _, v := range variants() {
			r, err := s.Plan(v)
			if err != nil {
				t.Fatalf("seed %d %s: %v\n%s", seed, v.Name, err, sql)
			}
			if seen[r.PlanID] {
				continue
			}
			seen[r.PlanID] = true
			plans++
			if r.Eager {
				grouped++
			}
			got := canonical(oracle.physical(r.Root).rows)
			if !slices.Equal(got, want) {
				t.Fatalf("seed %d, variant %s: %d rows, want %d\n%s\n%v\n%v\n%s", seed, v.Name, len(got), len(want), sql, got, want, r.Summary)
			}
			again, err := s.Plan(Variant{Name: "again", Shape: ShapeOf(r.Root), Eager: v.Eager})
			if err != nil {
				t.Logf("seed %d, variant %s: not made again: %v: %s", seed, v.Name, err, r.Summary)
				continue
			}
			if again.PlanID == r.PlanID {
				shapes++
			}
			if got := canonical(oracle.physical(again.Root).rows); !slices.Equal(got, want) {
				t.Fatalf("seed %d, variant %s made again: other rows\n%s", seed, v.Name, sql)
			}
		}
	}
	t.Logf("%d queries, %d plans, %d with groupings below joins, %d made again exactly", queries, plans, grouped, shapes)
	if grouped < plans/20 || shapes < plans*8/10 {
		t.Errorf("too few plans of the kinds that matter")
	}
}
