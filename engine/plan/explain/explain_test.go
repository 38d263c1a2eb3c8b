package explain_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/explain"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types"
)

var int4 = types.Of(types.Int4)

func head(id int, rows float64, names ...string) physical.Header {
	h := physical.Header{ID: id, Est: physical.Estimate{Rows: rows, WidthBytes: 4 * float64(len(names)), CostNanos: rows * 1000,
		Source: physical.SourceSample, UpperRows: 2 * rows}}
	for _, n := range names {
		h.Schema = append(h.Schema, physical.Field{Name: n, Type: int4})
	}
	return h
}

func op(t *testing.T, name string, args ...expr.Expr) expr.Expr {
	t.Helper()
	var ts []types.Type
	for _, a := range args {
		ts = append(ts, a.Type())
	}
	fn, _, err := compute.Resolve(name, ts)
	if err != nil {
		t.Fatal(err)
	}
	return &expr.Call{Fn: fn, Args: args, Typ: fn.Type(ts)}
}

// sample is a plan of joins over two tables with a lookup in a third.
func sample(t *testing.T) *physical.Plan {
	p := &expr.Param{Index: 0, Typ: int4}
	users := &physical.TableScan{Header: head(1, 100, "id", "rep"), Table: physical.TableRef{Name: "users", Alias: "u"},
		Filter:  &expr.And{Terms: []expr.Expr{op(t, ">", expr.At(1, int4, "rep"), p), &expr.IsNull{Arg: expr.At(0, int4, "id"), Negated: true}}},
		Runtime: []physical.RuntimeFilterUse{{FilterID: 1, Columns: []int{0}}}}
	posts := &physical.IndexScan{Header: head(2, 50, "owner", "Score"), Table: physical.TableRef{Name: "posts"}, IndexName: "posts_pkey",
		Equal: []expr.Expr{p}, Low: physical.KeyBound{Value: expr.NewConst(types.NewInt(types.Int4, 3)), Inclusive: true}, Reverse: true}
	hash := &physical.HashJoin{Header: head(3, 40, "id", "rep", "owner", "Score"), Left: users, Right: posts, FilterID: 1,
		LeftKeys: []expr.Expr{expr.At(0, int4, "id")}, RightKeys: []expr.Expr{expr.At(0, int4, "owner")}}
	look := &physical.IndexJoin{Header: head(4, 30, "id", "rep", "owner", "Score", "kind"), Kind: physical.JoinLeft, Input: hash,
		Table: physical.TableRef{Name: "votes", Alias: "v"}, IndexName: "votes_post", Keys: []expr.Expr{expr.At(3, int4, "Score")}, Columns: []int{2},
		Filter: op(t, "=", expr.At(0, int4, "kind"), expr.NewConst(types.NewInt(types.Int4, 2)))}
	pick := &physical.Project{Header: head(5, 30, "kind"), Input: look, Exprs: []expr.Expr{expr.At(4, int4, "kind")}}
	count, ok := compute.AggregateByID("count()")
	if !ok {
		t.Fatal("no count(*)")
	}
	agg := &physical.Aggregate{Header: head(6, 5, "kind", "count"), Input: pick, Groups: []expr.Expr{expr.At(0, int4, "kind")},
		Aggs: []physical.AggCall{{Fn: count, Field: physical.Field{Name: "count", Type: types.Of(types.Int8)}}}}
	top := &physical.TopK{Header: head(7, 3, "kind", "count"), Input: agg, Keys: []physical.SortKey{{Expr: expr.At(1, int4, "count"), Desc: true, NullsFirst: true},
		{Expr: expr.At(0, int4, "kind")}}, Count: expr.NewConst(types.NewInt(types.Int8, 3))}
	return &physical.Plan{Root: top, TemplateID: 1, PlanID: 2, Report: physical.Report{Optimizer: "learned", ModelVersion: "m-000003",
		Phases: []physical.PhaseLine{{Name: "statistics", Nanos: 1500, Summary: "3 tables"}}, Rules: []string{"push_filters"},
		Candidates: []physical.Candidate{{Name: "estimates", PlanID: 2, CostNanos: 2e6, Spread: 1.5, CostSource: "forest", Chosen: true, Summary: "((u ⋈ posts) → v)"}},
		Guard:      "ACCEPTED", Reason: "median 2ms"}}
}

func TestText(t *testing.T) {
	p := sample(t)
	run := &explain.Run{Planning: time.Millisecond, Execution: 3 * time.Millisecond, PeakBytes: 2048, Nodes: map[int]explain.Actual{
		1: {Rows: 200, Nanos: 1e6, Loops: 1, Bytes: 800, Extra: map[string]int64{"Rows Examined": 900}}, 2: {Rows: 50, Loops: 1, Nanos: 1},
		3: {Rows: 40, Loops: 1, Nanos: 1}, 4: {Rows: 300, Loops: 1, Nanos: 1, Incomplete: true}, 6: {Rows: 5, Loops: 1, Nanos: 1}}}
	for _, c := range []struct {
		name string
		o    explain.Options
		want string
	}{
		{"costs", explain.Options{Costs: true}, `
Top-K  (cost=0.00..0.00 rows=3 width=8)
  Sort Key: count DESC, v.kind
  Count: 3
  ->  HashAggregate  (cost=0.00..0.01 rows=5 width=8)
        Group Key: v.kind
        ->  Index Left Join using votes_post on votes v  (cost=0.00..0.03 rows=30 width=20)
              Lookup Keys: posts."Score"
              Filter: v.kind = 2
              ->  Hash Join  (cost=0.00..0.04 rows=40 width=16)
                    Hash Cond: (u.id = posts.owner)
                    Makes Runtime Filter: #1
                    ->  Table Scan on users u  (cost=0.00..0.10 rows=100 width=8)
                          Filter: (u.rep > $1) AND u.id IS NOT NULL
                          Runtime Filters: #1
                    ->  Index Scan Backward using posts_pkey on posts  (cost=0.00..0.05 rows=50 width=8)
                          Index Cond: key 1 = $1 AND key 2 >= 3`},
		{"analyze, learned, with values", explain.Options{Timing: true, Learned: true, Run: run, Params: []types.Datum{types.NewInt(types.Int4, 9)}}, `
Top-K (never executed) [sample ≤6]
  Sort Key: count DESC, v.kind
  Count: 3
  ->  HashAggregate (actual time=0.000 rows=5 loops=1) [sample ≤10 q=1]
        Group Key: v.kind
        ->  Index Left Join using votes_post on votes v (actual time=0.000 rows=300 loops=1) [sample ≤60]
              Lookup Keys: posts."Score"
              Filter: v.kind = 2
              ->  Hash Join (actual time=0.000 rows=40 loops=1) [sample ≤80 q=1]
                    Hash Cond: (u.id = posts.owner)
                    Makes Runtime Filter: #1
                    ->  Table Scan on users u (actual time=1.000 rows=200 loops=1) [sample ≤200 q=2]
                          Filter: (u.rep > 9) AND u.id IS NOT NULL
                          Runtime Filters: #1
                          Bytes: 800
                          Rows Examined: 900
                    ->  Index Scan Backward using posts_pkey on posts (actual time=0.000 rows=50 loops=1) [sample ≤100 q=1]
                          Index Cond: key 1 = 9 AND key 2 >= 3
Optimizer: learned, cost model m-000003
Phase statistics: 3 tables (0.002 ms)
Rules: push_filters
Candidates:
 * estimates: 2.000 ms ±×1.5 (forest) plan 0000000000000002  ((u ⋈ posts) → v)
Guard: ACCEPTED: median 2ms
Planning Time: 1.000 ms
Execution Time: 3.000 ms
Peak Memory: 2 kB`},
	} {
		if got := "\n" + strings.Join(explain.Text(p, c.o), "\n"); got != c.want {
			t.Errorf("%s:%s\nwant:%s", c.name, got, c.want)
		}
	}
}

func TestJSON(t *testing.T) {
	b, err := explain.JSON(sample(t), explain.Options{Costs: true, Learned: true, Timing: true, Run: &explain.Run{Execution: time.Second}})
	if err != nil {
		t.Fatal(err)
	}
	var out []struct {
		Plan struct {
			NodeType string `json:"Node Type"`
			Plans    []map[string]any
		}
		Learned struct {
			Candidates []map[string]any
			Guard      string
		}
		ExecutionTime float64 `json:"Execution Time"`
	}
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	if len(out) != 1 || out[0].Plan.NodeType != "Top-K" || len(out[0].Plan.Plans) != 1 || out[0].Learned.Guard != "ACCEPTED" ||
		len(out[0].Learned.Candidates) != 1 || out[0].ExecutionTime != 1000 {
		t.Errorf("%s", b)
	}
	if strings.Index(string(b), `"Node Type"`) > strings.Index(string(b), `"Node ID"`) {
		t.Error("the order of keys is lost")
	}
}

func TestQError(t *testing.T) {
	for _, c := range []struct {
		est    float64
		actual uint64
		want   float64
	}{{10, 10, 1}, {10, 100, 10}, {100, 10, 10}, {0, 0, 1}, {0.2, 5, 5}} {
		if got := explain.QError(c.est, c.actual); got != c.want {
			t.Errorf("QError(%v, %d) = %v, want %v", c.est, c.actual, got, c.want)
		}
	}
}
