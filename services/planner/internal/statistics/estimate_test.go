package statistics

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/stats"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
	"github.com/attunedb/attune/services/planner/internal/relset"
)

type tables map[catalog.TableID]*stats.Table

func (t tables) Table(id catalog.TableID) *stats.Table { return t[id] }

// fixture is a table of integer columns with its rows and statistics.
type fixture struct {
	table *catalog.Table
	rows  [][]int64 // -1 is NULL
	scan  *logical.Scan
}

var nextColumn expr.ColumnID = 1000

func makeTable(all tables, id catalog.TableID, n int, unique bool, row func(i int) []int64) *fixture {
	f := &fixture{table: &catalog.Table{ID: id, Name: fmt.Sprintf("t%d", id)}}
	width := len(row(0))
	var ts []types.Type
	builders := make([]*vec.Builder, width)
	for c := range width {
		f.table.Columns = append(f.table.Columns, catalog.Column{Name: fmt.Sprintf("c%d", c), Type: types.Of(types.Int8)})
		ts = append(ts, types.Of(types.Int8))
		builders[c] = vec.NewBuilder(ts[c], n)
	}
	f.table.Primary = catalog.Index{ID: catalog.PrimaryIndex, Columns: []int{0}, Unique: unique}
	if !unique {
		f.table.Primary.Columns = []int{0, 1}
	}
	for i := range n {
		r := row(i)
		f.rows = append(f.rows, r)
		for c, v := range r {
			if v < 0 {
				builders[c].AppendNull()
			} else {
				vec.Append(builders[c], v)
			}
		}
	}
	b := vec.NewBatch(n)
	for _, x := range builders {
		b.Cols = append(b.Cols, x.Finish())
	}
	sb := stats.NewBuilder(ts, stats.Options{Seed: 1, SampleRows: 2000})
	sb.Observe(b)
	all[id] = sb.Build(id, float64(n), 1, time.Unix(0, 0))
	f.scan = newScan(f.table)
	return f
}

func newScan(t *catalog.Table) *logical.Scan {
	s := &logical.Scan{Table: t, Alias: t.Name}
	for i, c := range t.Columns {
		nextColumn++
		s.Ordinals = append(s.Ordinals, i)
		s.Cols = append(s.Cols, logical.Column{ID: nextColumn, Name: c.Name, Type: c.Type})
	}
	return s
}

func compare(op string, c logical.Column, v int64) expr.Expr {
	fn, _, err := compute.Resolve(op, []types.Type{c.Type, types.Of(types.Int8)})
	if err != nil {
		panic(err)
	}
	return &expr.Call{Fn: fn, Args: []expr.Expr{c.Ref(), expr.NewConst(types.NewInt(types.Int8, v))}, Typ: types.Of(types.Bool)}
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

func qerror(a, b float64) float64 {
	a, b = max(1, a), max(1, b)
	return max(a/b, b/a)
}

// zipf draws values with a heavy head.
func zipf(rng *rand.Rand, n uint64) int64 { return int64(rand.NewZipf(rng, 1.3, 4, n).Uint64()) }

func TestSelectivityOfPredicates(t *testing.T) {
	all := make(tables)
	rng := rand.New(rand.NewPCG(1, 1))
	f := makeTable(all, 1, 20000, true, func(i int) []int64 {
		a := zipf(rng, 500)
		b := a / 5 // wholly determined by a
		c := int64(rng.IntN(1000))
		if i%4 == 0 {
			c = -1
		}
		return []int64{int64(i), a, b, c}
	})
	col := f.scan.Cols
	not := func(e expr.Expr) expr.Expr { return &expr.Not{Arg: e} }
	for _, c := range []struct {
		name  string
		preds []expr.Expr
		limit float64
		holds func(r []int64) bool
	}{
		{"equality with a frequent value", []expr.Expr{compare("=", col[1], 0)}, 1.2, func(r []int64) bool { return r[1] == 0 }},
		{"equality with a unique value", []expr.Expr{compare("=", col[0], 77)}, 1.5, func(r []int64) bool { return r[0] == 77 }},
		{"equality beyond the extremes", []expr.Expr{compare("=", col[0], 9999999)}, 1.5, func(r []int64) bool { return false }},
		{"range", []expr.Expr{compare(">=", col[3], 200), compare("<", col[3], 300)}, 1.3, func(r []int64) bool { return r[3] >= 200 && r[3] < 300 }},
		{"empty range", []expr.Expr{compare(">", col[3], 300), compare("<", col[3], 300)}, 1, func(r []int64) bool { return false }},
		{"negated range", []expr.Expr{not(compare("<", col[3], 300))}, 1.2, func(r []int64) bool { return r[3] >= 300 }},
		{"is null", []expr.Expr{&expr.IsNull{Arg: col[3].Ref()}}, 1.1, func(r []int64) bool { return r[3] < 0 }},
		{"is not null", []expr.Expr{&expr.IsNull{Arg: col[3].Ref(), Negated: true}}, 1.1, func(r []int64) bool { return r[3] >= 0 }},
		{"in", []expr.Expr{&expr.InList{Arg: col[1].Ref(), List: []expr.Expr{expr.NewConst(types.NewInt(types.Int8, 0)),
			expr.NewConst(types.NewInt(types.Int8, 1)), expr.NewConst(types.NewInt(types.Int8, 1))}}}, 1.2, func(r []int64) bool { return r[1] <= 1 }},
		{"or", []expr.Expr{&expr.Or{Terms: []expr.Expr{compare("=", col[1], 0), compare("<", col[3], 100)}}}, 1.3,
			func(r []int64) bool { return r[1] == 0 || r[3] >= 0 && r[3] < 100 }},
		{"correlated columns", []expr.Expr{compare("=", col[1], 3), compare("=", col[2], 0)}, 1.4, func(r []int64) bool { return r[1] == 3 && r[2] == 0 }},
		{"contradicting columns", []expr.Expr{compare("=", col[1], 3), compare("=", col[2], 1)}, 12, func(r []int64) bool { return false }},
	} {
		want := 0.0
		for _, r := range f.rows {
			if c.holds(r) {
				want++
			}
		}
		r := NewQuery(all, Options{Sampler: sampler}).Scan(f.scan, c.preds)
		if q := qerror(r.Rows, want); q > c.limit {
			t.Errorf("%s: %.1f rows, true %.0f (%s)", c.name, r.Rows, want, r.Source)
		}
		if r.Upper < want {
			t.Errorf("%s: bound %.1f below the true %.0f", c.name, r.Upper, want)
		}
	}
}

// joinFixture is a parent with unique keys and two children whose references are skewed alike.
func joinFixture() (tables, [3]*fixture) {
	all := make(tables)
	rng := rand.New(rand.NewPCG(2, 2))
	p := makeTable(all, 1, 2000, true, func(i int) []int64 { return []int64{int64(i), int64(i % 7)} })
	child := func(id catalog.TableID, n int) *fixture {
		return makeTable(all, id, n, true, func(i int) []int64 {
			ref := zipf(rng, 1999)
			if i%10 == 0 {
				ref = -1
			}
			return []int64{int64(i), ref, int64(rng.IntN(100))}
		})
	}
	return all, [3]*fixture{p, child(2, 9000), child(3, 5000)}
}

func (f *fixture) counts(col int, keep func([]int64) bool) map[int64]float64 {
	out := make(map[int64]float64)
	for _, r := range f.rows {
		if r[col] >= 0 && (keep == nil || keep(r)) {
			out[r[col]]++
		}
	}
	return out
}

func TestJoinSizesAndBounds(t *testing.T) {
	all, fs := joinFixture()
	small := func(r []int64) bool { return r[2] < 30 }
	a, b, p := fs[1].counts(1, small), fs[2].counts(1, nil), fs[0].counts(0, nil)
	truth := func(ms ...map[int64]float64) float64 {
		sum := 0.0
		for k, n := range ms[0] {
			for _, m := range ms[1:] {
				n *= m[k]
			}
			sum += n
		}
		return sum
	}
	q := NewQuery(all, Options{Sampler: sampler})
	rels := []*Relation{q.Scan(fs[0].scan, nil), q.Scan(fs[1].scan, []expr.Expr{compare("<", fs[1].scan.Cols[2], 30)}), q.Scan(fs[2].scan, nil)}
	class := &Class{Members: []Member{{0, q.Column(fs[0].scan.Cols[0].ID)}, {1, q.Column(fs[1].scan.Cols[1].ID)}, {2, q.Column(fs[2].scan.Cols[1].ID)}}}
	j := NewJoins(q, rels, []*Class{class}, nil, nil)
	sets := map[string]struct {
		set   relset.Set
		want  float64
		limit float64
	}{
		"reference":    {relset.Of(0, 1), truth(a, p), 1.2},
		"many to many": {relset.Of(1, 2), truth(a, b), 1.5},
		"all three":    {relset.Of(0, 1, 2), truth(a, b, p), 1.6},
	}
	for _, s := range [][2]relset.Set{{relset.Of(0), relset.Of(1)}, {relset.Of(0), relset.Of(2)}, {relset.Of(1), relset.Of(2)},
		{relset.Of(0, 1), relset.Of(2)}, {relset.Of(0, 2), relset.Of(1)}, {relset.Of(1, 2), relset.Of(0)}} {
		j.Bound(s[0], s[1])
	}
	for name, c := range sets {
		e := j.Estimate(c.set)
		if qe := qerror(e.Rows, c.want); qe > c.limit {
			t.Errorf("%s: %.0f rows, true %.0f", name, e.Rows, c.want)
		}
		if e.UpperRows < c.want || e.UpperRows > 1000*c.want {
			t.Errorf("%s: bound %.0f, true %.0f", name, e.UpperRows, c.want)
		}
	}
}

func TestOuterSemiAndAntiJoins(t *testing.T) {
	all, fs := joinFixture()
	refs := fs[2].counts(1, func(r []int64) bool { return r[2] < 5 })
	matched, pairs := 0.0, 0.0
	for _, r := range fs[0].rows {
		if refs[r[0]] > 0 {
			matched++
		}
		pairs += refs[r[0]]
	}
	n := float64(len(fs[0].rows))
	for kind, want := range map[physical.JoinKind]float64{physical.JoinSemi: matched, physical.JoinAnti: n - matched,
		physical.JoinLeft: pairs + n - matched, physical.JoinMark: n} {
		q := NewQuery(all, Options{Sampler: sampler})
		rels := []*Relation{q.Scan(fs[0].scan, nil), q.Scan(fs[2].scan, []expr.Expr{compare("<", fs[2].scan.Cols[2], 5)})}
		j := NewJoins(q, rels, nil, nil, []*Operator{{Kind: kind, Right: relset.Of(1), Needs: relset.Of(0, 1),
			LeftKeys: []expr.Expr{fs[0].scan.Cols[0].Ref()}, RightKeys: []expr.Expr{fs[2].scan.Cols[1].Ref()}}})
		if e := j.Estimate(relset.Of(0, 1)); qerror(e.Rows, want) > 2.5 {
			t.Errorf("%s: %.0f rows, true %.0f", kind, e.Rows, want)
		}
	}
}

// A key says what is joined, not how the statement names or orders it; anything that changes the rows changes the key.
func TestKeysAreCanonical(t *testing.T) {
	all, fs := joinFixture()
	key := func(order [3]int, limit int64, other int) uint64 {
		q := NewQuery(all, Options{})
		var rels []*Relation
		class := &Class{}
		for i, k := range order {
			s := newScan(fs[k].table)
			var preds []expr.Expr
			if k == 1 {
				preds = []expr.Expr{compare("<", s.Cols[2], limit), compare(">", s.Cols[0], 5)}
				if i%2 == 0 {
					preds[0], preds[1] = preds[1], preds[0]
				}
			}
			rels = append(rels, q.Scan(s, preds))
			c := 1
			if k == 0 {
				c = other
			}
			class.Members = append(class.Members, Member{i, q.Column(s.Cols[c].ID)})
		}
		return NewJoins(q, rels, []*Class{class}, nil, nil).Key(relset.Below(3))
	}
	base := key([3]int{0, 1, 2}, 30, 0)
	if base == 0 || key([3]int{2, 1, 0}, 30, 0) != base || key([3]int{1, 2, 0}, 30, 0) != base {
		t.Error("the key depends on the order of relations")
	}
	if key([3]int{0, 1, 2}, 31, 0) == base {
		t.Error("the key does not depend on a predicate's value")
	}
	if key([3]int{0, 1, 2}, 30, 1) == base {
		t.Error("the key does not depend on the joined column")
	}
}

type measured map[uint64]Known

func (m measured) Cardinalities(_ context.Context, keys []uint64) map[uint64]Known {
	out := make(map[uint64]Known)
	for _, k := range keys {
		if v, ok := m[k]; ok {
			out[k] = v
		}
	}
	return out
}

// What was measured of a set is its estimate, and scales the estimates of the sets around it.
func TestFeedbackPropagates(t *testing.T) {
	all, fs := joinFixture()
	build := func(f Feedback) *Joins {
		q := NewQuery(all, Options{Feedback: f})
		rels := []*Relation{q.Scan(fs[0].scan, nil), q.Scan(fs[1].scan, nil), q.Scan(fs[2].scan, nil)}
		cl := func(a, ca, b, cb int) *Class {
			return &Class{Members: []Member{{a, q.Column(fs[a].scan.Cols[ca].ID)}, {b, q.Column(fs[b].scan.Cols[cb].ID)}}}
		}
		j := NewJoins(q, rels, []*Class{cl(0, 0, 1, 1), cl(1, 2, 2, 2)}, nil, nil)
		sets := []relset.Set{relset.Of(0), relset.Of(1), relset.Of(2), relset.Of(0, 1), relset.Of(1, 2), relset.Of(0, 1, 2)}
		var keys []uint64
		for _, s := range sets {
			keys = append(keys, j.Key(s))
		}
		q.Prefetch(context.Background(), keys)
		j.Learn(sets)
		return j
	}
	plain := build(nil)
	pair, whole := plain.Estimate(relset.Of(0, 1)), plain.Estimate(relset.Of(0, 1, 2))
	j := build(measured{pair.SubplanKey: {Rows: 10 * pair.Rows}})
	if e := j.Estimate(relset.Of(0, 1)); e.Rows != 10*pair.Rows || e.Source != physical.SourceFeedback {
		t.Errorf("measured %v, believed %v (%s)", 10*pair.Rows, e.Rows, e.Source)
	}
	if e := j.Estimate(relset.Of(0, 1, 2)); math.Abs(e.Rows/whole.Rows-10) > 0.1 {
		t.Errorf("the whole was %v, became %v: the correction of a part did not carry over", whole.Rows, e.Rows)
	}
	if e := j.Estimate(relset.Of(1, 2)); e.Source == physical.SourceFeedback {
		t.Error("a set was corrected by one that is no part of it")
	}
}

type failing struct {
	calls int
	fail  bool
	stats tables
}

func (f *failing) Statistics(_ context.Context, ids []catalog.TableID, samples bool) ([]*stats.Table, error) {
	f.calls++
	if f.fail {
		return nil, errors.New("away")
	}
	var out []*stats.Table
	for _, id := range ids {
		c := *f.stats[id]
		if !samples {
			c.Sample = nil
		}
		out = append(out, &c)
	}
	return out, nil
}

func TestCacheServesOnWhileStorageIsAway(t *testing.T) {
	all, _ := joinFixture()
	src := &failing{stats: all}
	clock := time.Unix(0, 0)
	c := NewCache(src, time.Second, time.Second, func() time.Time { return clock }, nil)
	ctx := context.Background()
	c.Warm(ctx, []catalog.TableID{1, 2})
	if s := c.Table(1); s == nil || s.Sample == nil || s.RowCount != 2000 || src.calls != 2 {
		t.Fatalf("first: %v after %d calls", s, src.calls)
	}
	c.Warm(ctx, []catalog.TableID{1, 2})
	if src.calls != 2 {
		t.Error("asked again although young")
	}
	clock = clock.Add(2 * time.Second)
	grown := *all[1]
	grown.RowCount = 3000
	all[1] = &grown
	c.Warm(ctx, []catalog.TableID{1})
	if s := c.Table(1); src.calls != 3 || s.RowCount != 3000 || s.Sample == nil {
		t.Errorf("row counts are refreshed without samples: %d calls, %v rows", src.calls, s.RowCount)
	}
	clock = clock.Add(2 * time.Second)
	src.fail = true
	c.Warm(ctx, []catalog.TableID{1, 3})
	if s := c.Table(1); s == nil || s.RowCount != 3000 {
		t.Error("what was known is gone with storage")
	}
	src.fail = false
	c.Warm(ctx, []catalog.TableID{3})
	if c.Table(3) == nil {
		t.Error("not asked again after a failure")
	}
}
