package exec

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// collectRows runs a plan and returns its rows in the order they came.
func collectRows(t *testing.T, store Store, root physical.Node, workers, batch int) ([]row, *Stats, error) {
	t.Helper()
	var got []row
	s, err := Run(context.Background(), &Query{Plan: &physical.Plan{Root: root}, Store: store, Env: &compute.Env{},
		Parallelism: workers, BatchRows: batch}, func(b *vec.Batch) error {
		for i := range b.Len {
			var r row
			for _, c := range b.Cols {
				r = append(r, c.DatumAt(i))
			}
			got = append(got, r)
		}
		return nil
	})
	return got, s, err
}

func int8Const(v int64) expr.Expr { return expr.NewConst(types.NewInt(types.Int8, v)) }

// keyed gives a scan of table 1 and its columns: id and c0.
func keyed(g *generator) (*physical.TableScan, []physical.Field) {
	schema := []physical.Field{{Name: "id", Type: types.Of(types.Int4)}, {Name: "c0", Type: types.Of(types.Int4)}}
	return &physical.TableScan{Header: g.head(schema), Table: physical.TableRef{ID: 1, Version: 1}, Columns: []int{0, 1}}, schema
}

func TestOrderAndLimits(t *testing.T) {
	g := &generator{t: t, rng: rand.New(rand.NewPCG(1, 2)), store: newFakeStore()}
	g.table(1, 500)
	for _, desc := range []bool{false, true} {
		for _, nullsFirst := range []bool{false, true} {
			scan, schema := keyed(g)
			keys := []physical.SortKey{{Expr: expr.At(1, schema[1].Type, ""), Desc: desc, NullsFirst: nullsFirst},
				{Expr: expr.At(0, schema[0].Type, "")}}
			want, err := (&naive{store: g.store}).sort(scan, keys)
			if err != nil {
				t.Fatal(err)
			}
			sort := &physical.Sort{Header: g.head(schema), Input: scan, Keys: keys}
			topk := &physical.TopK{Header: g.head(schema), Input: g.renumber(scan), Keys: keys, Count: int8Const(20), Offset: int8Const(5)}
			limit := &physical.Limit{Header: g.head(schema), Input: g.renumber(sort), Count: int8Const(20), Offset: int8Const(5)}
			for _, c := range []struct {
				root physical.Node
				want []row
			}{{sort, want}, {topk, want[5:25]}, {limit, want[5:25]}} {
				for _, batch := range []int{0, 1, 9} {
					got, _, err := collectRows(t, g.store, c.root, 3, batch)
					if err != nil {
						t.Fatal(err)
					}
					if a, b := inOrder(got), inOrder(c.want); a != b {
						t.Errorf("%s desc=%v nullsFirst=%v batch=%d: %d rows in another order than the oracle's %d", c.root.Op(), desc, nullsFirst, batch, len(got), len(c.want))
					}
				}
			}
		}
	}
}

func inOrder(rs []row) string {
	var b strings.Builder
	for _, r := range rs {
		b.WriteString(text(r) + "\n")
	}
	return b.String()
}

func TestIndexScanBounds(t *testing.T) {
	g := &generator{t: t, rng: rand.New(rand.NewPCG(5, 2)), store: newFakeStore()}
	g.table(1, 300)
	def := g.store.tables[1].def
	for _, ix := range def.Indexes {
		col := ix.Columns[0]
		kind := def.Columns[col].Type.Kind
		for range 60 {
			schema := []physical.Field{{Type: def.Columns[col].Type}, {Type: types.Of(types.Int4)}}
			n := &physical.IndexScan{Header: g.head(schema), Table: physical.TableRef{ID: 1, Version: 1}, Index: ix.ID, Desc: ix.Desc,
				Columns: []int{col, 0}, Reverse: g.rng.IntN(2) == 0}
			var conds []expr.Expr
			c := expr.At(0, def.Columns[col].Type, "")
			bound := func(strict, loose string) physical.KeyBound {
				if g.rng.IntN(4) == 0 {
					return physical.KeyBound{}
				}
				v := &expr.Const{Value: g.datum(kind), Typ: types.Of(kind)}
				b := physical.KeyBound{Value: v, Inclusive: g.rng.IntN(2) == 0}
				op := strict
				if b.Inclusive {
					op = loose
				}
				conds = append(conds, call(t, op, c, v))
				return b
			}
			if g.rng.IntN(3) == 0 {
				v := &expr.Const{Value: g.datum(kind), Typ: types.Of(kind)}
				n.Equal, conds = []expr.Expr{v}, append(conds, call(t, "=", c, v))
			} else {
				n.Low, n.High = bound(">", ">="), bound("<", "<=")
			}
			got, _, err := collectRows(t, g.store, n, 2, 0)
			if err != nil {
				t.Fatal(err)
			}
			scan := &physical.TableScan{Header: g.head(schema), Table: n.Table, Columns: n.Columns, Filter: expr.Conjoin(conds)}
			want, err := (&naive{store: g.store}).run(scan)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Join(sorted(got), "|") != strings.Join(sorted(want), "|") {
				t.Fatalf("index %d equal=%d low=%+v high=%+v: %d rows, want %d", ix.ID, len(n.Equal), n.Low, n.High, len(got), len(want))
			}
			checkIndexOrder(t, got, (ix.Desc != nil && ix.Desc[0]) != n.Reverse)
		}
	}
}

func checkIndexOrder(t *testing.T, got []row, desc bool) {
	t.Helper()
	for i := 1; i < len(got); i++ {
		a, b := got[i-1][0], got[i][0]
		if a.IsNull() || b.IsNull() {
			continue
		}
		if c := compute.CompareDatum(a, b); (c > 0 && !desc) || (c < 0 && desc) {
			t.Fatalf("rows %d and %d are out of the index's order", i-1, i)
		}
	}
}

func TestScalarSubquery(t *testing.T) {
	g := &generator{t: t, rng: rand.New(rand.NewPCG(1, 2)), store: newFakeStore()}
	g.table(1, 50)
	for _, c := range []struct {
		limit int64
		rows  int
		code  sqlerr.Code
	}{{0, 1, ""}, {1, 1, ""}, {2, 0, sqlerr.CardinalityViolation}} {
		scan, schema := keyed(g)
		in := &physical.Limit{Header: g.head(schema), Input: scan, Count: int8Const(c.limit)}
		got, _, err := collectRows(t, g.store, &physical.SingleRow{Header: g.head(schema), Input: in}, 2, 1)
		if sqlerr.CodeOf(err) != c.code || len(got) != c.rows {
			t.Errorf("%d rows below: %d rows, error %v", c.limit, len(got), err)
		}
		if c.limit == 0 && !got[0][0].IsNull() {
			t.Errorf("no row below gives %v, not NULL", got[0])
		}
	}
}

func TestNegativeLimits(t *testing.T) {
	g := &generator{t: t, rng: rand.New(rand.NewPCG(1, 2)), store: newFakeStore()}
	g.table(1, 50)
	scan, schema := keyed(g)
	_, _, err := collectRows(t, g.store, &physical.Limit{Header: g.head(schema), Input: scan, Count: int8Const(-1)}, 1, 0)
	if sqlerr.CodeOf(err) != sqlerr.InvalidRowCountInLimitClause {
		t.Errorf("LIMIT -1: %v", err)
	}
	scan, schema = keyed(g)
	_, _, err = collectRows(t, g.store, &physical.Limit{Header: g.head(schema), Input: scan, Offset: int8Const(-1)}, 1, 0)
	if sqlerr.CodeOf(err) != sqlerr.InvalidRowCountInOffsetClause {
		t.Errorf("OFFSET -1: %v", err)
	}
}

func TestLimitStopsTheScanAndSaysSo(t *testing.T) {
	g := &generator{t: t, rng: rand.New(rand.NewPCG(1, 2)), store: newFakeStore()}
	g.table(1, 500)
	scan, schema := keyed(g)
	root := &physical.Limit{Header: g.head(schema), Input: scan, Count: int8Const(10)}
	got, s, err := collectRows(t, g.store, root, 1, 10)
	if err != nil || len(got) != 10 {
		t.Fatalf("%d rows, %v", len(got), err)
	}
	if s.Nodes[scan.ID].Complete {
		t.Error("the scan that was stopped counts as complete")
	}
	if len(s.Pipelines) != 0 {
		t.Error("a stopped pipeline is taught as if it had run to its end")
	}
}

// blockingStore gives batches until its context ends.
type blockingStore struct{ *fakeStore }

type endless struct{ b *vec.Batch }

func (e *endless) Next(ctx context.Context) (*vec.Batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return e.b, nil
}
func (e *endless) Counters() access.Counters { return access.Counters{} }
func (e *endless) Close()                    {}

func (s *blockingStore) Scan(context.Context, *access.Scan) (access.Rows, error) {
	return &endless{vec.NewBatch(2, vec.FromSlice(types.Of(types.Int4), []int32{1, 2}, nil), vec.FromSlice(types.Of(types.Int4), []int32{3, 4}, nil))}, nil
}

func TestCancellation(t *testing.T) {
	g := &generator{t: t, rng: rand.New(rand.NewPCG(1, 2)), store: newFakeStore()}
	g.table(1, 1)
	scan, schema := keyed(g)
	root := &physical.Aggregate{Header: g.head([]physical.Field{{Type: types.Of(types.Int8)}}), Input: scan,
		Aggs: []physical.AggCall{{Fn: aggregateFn(t, "count")}}}
	_ = schema
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, err := Run(ctx, &Query{Plan: &physical.Plan{Root: root}, Store: &blockingStore{g.store}, Env: &compute.Env{}, Parallelism: 2},
		func(*vec.Batch) error { return nil })
	if sqlerr.CodeOf(err) != sqlerr.QueryCanceled || !strings.Contains(err.Error(), "statement timeout") {
		t.Errorf("a timeout gives %v", err)
	}
}

func TestMemoryBound(t *testing.T) {
	g := &generator{t: t, rng: rand.New(rand.NewPCG(1, 2)), store: newFakeStore()}
	g.table(1, 1)
	scan, schema := keyed(g)
	sort := &physical.Sort{Header: g.head(schema), Input: scan, Keys: []physical.SortKey{{Expr: expr.At(0, schema[0].Type, "")}}}
	_, err := Run(context.Background(), &Query{Plan: &physical.Plan{Root: sort}, Store: &blockingStore{g.store}, Env: &compute.Env{},
		Parallelism: 2, MemoryBytes: 1 << 20}, func(*vec.Batch) error { return nil })
	if sqlerr.CodeOf(err) != sqlerr.OutOfMemory {
		t.Errorf("an endless sort within 1 MB gives %v", err)
	}
}

func TestEmitStops(t *testing.T) {
	g := &generator{t: t, rng: rand.New(rand.NewPCG(1, 2)), store: newFakeStore()}
	g.table(1, 100)
	scan, _ := keyed(g)
	q := &Query{Plan: &physical.Plan{Root: scan}, Store: g.store, Env: &compute.Env{}, BatchRows: 10}
	if _, err := Run(context.Background(), q, func(*vec.Batch) error { return ErrStop }); err != nil {
		t.Errorf("ErrStop from emit gives %v", err)
	}
	boom := fmt.Errorf("boom")
	if _, err := Run(context.Background(), q, func(*vec.Batch) error { return boom }); !errors.Is(err, boom) {
		t.Errorf("an error from emit gives %v", err)
	}
}
