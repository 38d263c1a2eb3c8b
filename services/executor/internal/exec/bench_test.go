package exec

import (
	"context"
	"io"
	"testing"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// benchStore serves ready-made batches: table 1 has benchFacts rows (key, value), table 2 benchDims.
type benchStore struct {
	*fakeStore
	batches map[int][]*vec.Batch
}

const benchFacts, benchDims = 1 << 20, 1 << 16

type benchRows struct{ left []*vec.Batch }

func (r *benchRows) Next(context.Context) (*vec.Batch, error) {
	if len(r.left) == 0 {
		return nil, io.EOF
	}
	b := r.left[0]
	r.left = r.left[1:]
	return b, nil
}
func (r *benchRows) Counters() access.Counters { return access.Counters{} }
func (r *benchRows) Close()                    {}

func newBenchStore() *benchStore {
	s := &benchStore{batches: map[int][]*vec.Batch{}}
	for table, n := range map[int]int{1: benchFacts, 2: benchDims} {
		for lo := 0; lo < n; lo += vec.BatchSize {
			key, k := vec.MakeFixed[int32](types.Of(types.Int4), vec.BatchSize, nil)
			val, v := vec.MakeFixed[int32](types.Of(types.Int4), vec.BatchSize, nil)
			for i := range k {
				k[i], v[i] = int32(uint32(lo+i)*2654435761%benchDims), int32((lo+i)%1000)
				if table == 2 {
					k[i] = int32(lo + i)
				}
			}
			s.batches[table] = append(s.batches[table], vec.NewBatch(vec.BatchSize, key, val))
		}
	}
	return s
}

func (s *benchStore) Scan(_ context.Context, req *access.Scan) (access.Rows, error) {
	return &benchRows{left: s.batches[int(req.Table.ID)]}, nil
}

func (s *benchStore) Split(_ context.Context, req *access.Scan, _ int) ([]access.Span, error) {
	return []access.Span{req.Span}, nil
}

func benchRun(b *testing.B, rows int, root physical.Node) {
	b.Helper()
	s := newBenchStore()
	b.ReportAllocs()
	for b.Loop() {
		_, err := Run(context.Background(), &Query{Plan: &physical.Plan{Root: root}, Store: s, Env: &compute.Env{}, Parallelism: 1},
			func(*vec.Batch) error { return nil })
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
}

var benchSchema = []physical.Field{{Name: "k", Type: types.Of(types.Int4)}, {Name: "v", Type: types.Of(types.Int4)}}

func benchScan(id int, table uint64) *physical.TableScan {
	n := &physical.TableScan{Columns: []int{0, 1}}
	n.ID, n.Schema, n.Table.ID = id, benchSchema, 1
	n.Table.ID = 1
	if table == 2 {
		n.Table.ID = 2
	}
	return n
}

func benchCol(i int) expr.Expr { return expr.At(i, types.Of(types.Int4), "") }

func benchAgg(b *testing.B, in physical.Node, groups ...expr.Expr) physical.Node {
	a := &physical.Aggregate{Input: in, Groups: groups, Aggs: []physical.AggCall{
		{Fn: aggregateFn(b, "count")}, {Fn: aggregateFn(b, "sum", types.Of(types.Int4)), Args: []expr.Expr{benchCol(1)}}}}
	a.ID, a.Schema = 9, make([]physical.Field, len(groups)+2)
	return a
}

func benchJoin(b *testing.B) physical.Node {
	j := &physical.HashJoin{Left: benchScan(1, 1), Right: benchScan(2, 2), LeftKeys: []expr.Expr{benchCol(0)}, RightKeys: []expr.Expr{benchCol(0)}}
	j.ID, j.Schema = 3, append(append([]physical.Field{}, benchSchema...), benchSchema...)
	return j
}

func BenchmarkAggregateOneGroup(b *testing.B) { benchRun(b, benchFacts, benchAgg(b, benchScan(1, 1))) }

func BenchmarkAggregateManyGroups(b *testing.B) {
	benchRun(b, benchFacts, benchAgg(b, benchScan(1, 1), benchCol(0)))
}

func BenchmarkHashJoinAggregate(b *testing.B) {
	benchRun(b, benchFacts+benchDims, benchAgg(b, benchJoin(b)))
}

func BenchmarkSort(b *testing.B) {
	s := &physical.Sort{Input: benchScan(1, 1), Keys: []physical.SortKey{{Expr: benchCol(0)}}}
	s.ID, s.Schema = 9, benchSchema
	benchRun(b, benchFacts, s)
}
