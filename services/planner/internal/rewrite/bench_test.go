package rewrite_test

import (
	"testing"

	"github.com/attunedb/attune/services/planner/internal/bind"
	"github.com/attunedb/attune/services/planner/internal/rewrite"
	"github.com/attunedb/attune/services/planner/internal/testcat"
)

func BenchmarkFrontHalf(b *testing.B) {
	var cat testcat.Catalog
	if err := cat.Exec(schema); err != nil {
		b.Fatal(err)
	}
	snapshot := cat.Snapshot()
	for name, sql := range map[string]string{
		"point": "select b from t where a = 5",
		"join":  "select count(*) from t, s, p, c, s s2 where t.a = s.x and s.y = p.id and p.id = c.q and s2.x = c.p and t.b > 5 and c.w in (1, 2, 3)",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				r, err := bind.Bind(bind.Request{SQL: sql, Catalog: snapshot})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := rewrite.Apply(r.Logical, r.NextColumn, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// FuzzFrontHalf checks that no statement makes the binder or the rules panic.
func FuzzFrontHalf(f *testing.F) {
	for _, sql := range moreQueries {
		f.Add(sql)
	}
	for _, sql := range []string{
		"insert into t (a, b) values (1, default), ($1, 2) returning *", "update t set (a, b) = (select 1, 2) where c like 'x'",
		"create table x (a serial primary key, b int references t, check (a > b), unique (a, b))", "delete from t using s returning t.*",
		"explain (analyze) select 1", "copy t (a) from stdin with (format csv)", "prepare q (int) as select $1", "execute q (1 + 1)",
		"set x = 1", "show all", "alter table t add unique (b)", "select interval '1' day, extract(year from date '2020-01-01')",
		"select trim(both 'x' from c), position('a' in c), substring(c from 1 for 2), overlay(c placing 'x' from 1) from t",
		"select c similar to 'x', c ilike 'y' escape 'z', a between symmetric 1 and b from t",
	} {
		f.Add(sql)
	}
	var cat testcat.Catalog
	if err := cat.Exec(schema); err != nil {
		f.Fatal(err)
	}
	snapshot := cat.Snapshot()
	f.Fuzz(func(t *testing.T, sql string) {
		r, err := bind.Bind(bind.Request{SQL: sql, Catalog: snapshot})
		if err != nil || r.Logical == nil {
			return
		}
		_, _ = rewrite.Apply(r.Logical, r.NextColumn, nil)
	})
}
