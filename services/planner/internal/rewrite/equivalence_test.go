package rewrite_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/services/planner/internal/algebra"
	"github.com/attunedb/attune/services/planner/internal/bind"
	"github.com/attunedb/attune/services/planner/internal/rewrite"
	"github.com/attunedb/attune/services/planner/internal/testcat"
)

const schema = `create table t (a int primary key, b int, c text, d numeric(10,2));
create table s (x int not null, y int, z text);
create table p (id int primary key, v int);
create table c (id int primary key, p int references p, q int not null references p, w int)`

// randomTables fills the test schema with few values, so that everything meets everything, NULLs too.
func randomTables(rnd *rand.Rand) map[string][][]types.Datum {
	integer := func(nullable bool) types.Datum {
		if nullable && rnd.IntN(4) == 0 {
			return types.Null(types.Int4)
		}
		return types.NewInt(types.Int4, int64(rnd.IntN(5)))
	}
	text := func() types.Datum {
		if rnd.IntN(4) == 0 {
			return types.Null(types.Text)
		}
		return types.NewString(types.Text, string(rune('a'+rnd.IntN(3))))
	}
	n := func(i int) types.Datum { return types.NewInt(types.Int4, int64(i)) }
	out := map[string][][]types.Datum{}
	for i := range rnd.IntN(6) {
		d := types.Null(types.Numeric)
		if rnd.IntN(3) > 0 {
			d = types.NewNumeric(types.Decimal{Small: int64(rnd.IntN(5)) * 100, Scale: 2})
		}
		out["t"] = append(out["t"], []types.Datum{n(i), integer(true), text(), d})
	}
	for i := range rnd.IntN(7) {
		out["s"] = append(out["s"], []types.Datum{integer(false), integer(true), text(), types.NewInt(types.Int8, int64(i))})
	}
	parents := 1 + rnd.IntN(5)
	for i := range parents {
		out["p"] = append(out["p"], []types.Datum{n(i), integer(true)})
	}
	for i := range rnd.IntN(6) {
		p := types.Null(types.Int4)
		if rnd.IntN(4) > 0 {
			p = n(rnd.IntN(parents))
		}
		out["c"] = append(out["c"], []types.Datum{n(i), p, n(rnd.IntN(parents)), integer(true)})
	}
	return out
}

// queries returns the statements of the goldens and some more.
func queries(t *testing.T) []string {
	files, err := filepath.Glob("testdata/*")
	if err != nil || len(files) == 0 {
		t.Fatal("no goldens", err)
	}
	out := slices.Clone(moreQueries)
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range strings.Split(string(text), "\n\n") {
			lines := strings.Split(block, "\n")
			for i, l := range lines {
				if strings.HasPrefix(l, "opt") || strings.HasPrefix(l, "eager") {
					sql, _, _ := strings.Cut(strings.Join(lines[i+1:], "\n"), "\n----")
					out = append(out, sql)
				}
			}
		}
	}
	return out
}

var moreQueries = []string{
	"select a from t where b > all (select y from s where s.x = t.a)",
	"select a from t where b >= any (select y from s where s.x <> t.a)",
	"select a, b not in (select y from s) from t",
	"select a, b not in (select y from s where s.x > t.b) from t",
	"select a from t where not (b in (select y from s) or exists (select 1 from p where p.v = t.a))",
	"select a, (select sum(y) from s where s.x = t.a and s.y > t.b) from t",
	"select a, (select count(*) from s where s.y = t.b group by s.x having count(*) > 5) from t",
	"select a, (select count(distinct y) from s where s.x in (t.a, t.b)) from t",
	"select a, (select max(y) from s where s.x = t.a having count(*) > 1) from t",
	"select a, (select v from p where p.id = t.b and p.v > 1) from t",
	"select a, (select y from s where s.x = t.a and s.y = t.b) from t",
	"select b, (select count(*) from s where s.y = t.b) n from t group by b having exists (select 1 from s where s.x = t.b)",
	"select a from t where exists (select 1 from s left join p on p.id = s.y and p.v = t.b where s.x = t.a and p.id is null)",
	"select a from t where exists (select 1 from s where s.x = t.a and s.y not in (select v from p where p.id <> t.b))",
	"select a from t where exists (select 1 from s where s.x = t.a and (select count(*) from p where p.v = s.y and p.id < t.b) = 1)",
	"select a, (select count(*) from s where exists (select 1 from p where p.id = s.x and p.v = t.b)) from t",
	"select t.a, q.n from t left join lateral (select count(*) n from s where s.x = t.a) q on q.n > 1",
	"select t.a, q.y from t, lateral (select y from s where s.x = t.a union select v from p where p.id = t.b) q",
	"select t.a, q.y from t left join lateral (select y from s where s.x = t.a except select v from p where p.id < t.b) q on true",
	"select a, (values (t.b)) from t",
	"select t.a, q.k from t, lateral (values (t.a), (t.b), (7)) q (k)",
	"select * from t full join s on t.a = s.x and t.b > 1 where t.b is null or s.y < 3",
	"select * from (t full join s on t.a = s.x) left join p on p.id = t.b and s.y = 1 where p.v = 2 or p.v is null",
	"select q.k, r.m from (select a, b + 1 as k from t) q left join (select x, coalesce(y, 9) m from s) r on r.x = q.k where q.k < 4",
	"select count(*), sum(q.m) from (select distinct b from t) u left join (select x, count(*) m from s group by x) q on q.x = u.b",
	"select b, count(*) from (select b from t union all select y from s) q where b is not null group by b",
	"select distinct t.b from t join s on t.a = s.x where s.y in (select id from p)",
	"with q as (select b, count(*) n from t group by b) select q1.b from q q1 join q q2 on q1.n = q2.n where q1.b in (select n from q)",
	"select s.x, count(*), count(c.p), sum(t.b), min(s.y), max(t.c) from s join c on s.x = c.q join t on t.b = c.p group by s.x",
	"select count(*), sum(s.y), count(t.b), max(c.w) from s, c, t where s.x = c.p and s.x = t.b and c.w = t.a",
	"select count(*) from s s1, s s2, s s3 where s1.x = s2.x and s2.y = s3.y",
	"select s1.y, sum(s2.y), sum(s1.y), count(*) from s s1 join s s2 on s1.x = s2.x and s1.z <= s2.z group by s1.y",
	"select case when exists (select 1 from s where s.x = t.a) then 1 else (select max(v) from p where p.id = t.b) end from t",
	"select a from t where (a, b) not in (select x, y from s)",
	"select a from t where (a, b) in (select x, y from s where z = t.c)",
	"select a from t where b = (select y from s where s.x = t.a) or b is null",
	"select coalesce(t.b, s.y) k, count(*) from t left join s on s.x = t.a group by 1",
}

// TestEquivalence holds rewritten plans, under random sets of rules, against the plan as it was bound, on random tables.
func TestEquivalence(t *testing.T) {
	var cat testcat.Catalog
	if err := cat.Exec(schema); err != nil {
		t.Fatal(err)
	}
	const seed = 20260101
	rnd := rand.New(rand.NewPCG(seed, 1))
	var data []map[string][][]types.Datum
	for range 12 {
		data = append(data, randomTables(rnd))
	}
	checked, eagerly := 0, 0
	for _, sql := range queries(t) {
		if strings.Contains(sql, "random()") || strings.Contains(sql, "$1") {
			continue
		}
		b, err := bind.Bind(bind.Request{SQL: sql, Catalog: cat.Snapshot()})
		if err != nil {
			t.Errorf("%s: %v", sql, err)
			continue
		}
		if _, isWrite := b.Logical.(*logical.Write); isWrite {
			continue
		}
		for round := range 4 {
			settings := map[string]string{}
			for _, id := range rewrite.Rules() {
				if round > 0 && rnd.IntN(3) == 0 {
					settings["attune.rules."+id] = "off"
				}
			}
			r, err := rewrite.Apply(b.Logical, b.NextColumn, settings)
			if err != nil {
				if !strings.Contains(err.Error(), "LIMIT in a correlated subquery") {
					t.Errorf("%s: %v", sql, err)
				}
				break
			}
			if !slices.Equal(r.Plan.Columns(), b.Logical.Columns()) {
				t.Fatalf("%s: columns %v instead of %v", sql, r.Plan.Columns(), b.Logical.Columns())
			}
			plans := []logical.Node{r.Plan}
			if e, ok := eagerPlan(r, func(logical.Node, []logical.Column) bool { return round == 0 || rnd.IntN(2) == 0 }); ok {
				plans = append(plans, e)
				eagerly++
			}
			for _, tables := range data {
				want := answer(t, tables, b.Logical)
				for _, plan := range plans {
					got := answer(t, tables, plan)
					checked++
					if strings.Contains(sql, "limit") && len(got) == len(want) {
						continue
					}
					if !slices.Equal(got, want) {
						t.Fatalf("seed %d: %s\nsettings %v\ntables %v\ngot  %q\nwant %q\nbound\n%splan\n%s", seed, sql, settings, tables,
							got, want, algebra.Text(b.Logical), algebra.Text(plan))
					}
				}
			}
		}
	}
	t.Logf("%d answers compared, %d plans with early aggregation", checked, eagerly)
	if checked < 1000 || eagerly < 20 {
		t.Errorf("only %d answers and %d eager plans were compared", checked, eagerly)
	}
}

// eagerPlan replaces the topmost aggregation by its eager form.
func eagerPlan(r *rewrite.Result, worth rewrite.Worth) (logical.Node, bool) {
	done := false
	out := algebra.Transform(r.Plan, func(n logical.Node) logical.Node {
		a, ok := n.(*logical.Aggregate)
		if !ok || done || len(logical.FreeColumns(a)) > 0 {
			return n
		}
		e, _, ok := rewrite.PushAggregate(a, a.Input, r.NextColumn, worth)
		if !ok {
			return n
		}
		done = true
		return e
	})
	return out, done
}
