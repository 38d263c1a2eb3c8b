package pipeline

import (
	"fmt"
	"strings"
	"testing"

	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/forest"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types"
)

// fixed gives each node the estimate in its header; scans read ten times what they give.
type fixed struct{}

func (fixed) Rows(n physical.Node) float64     { return n.Head().Est.Rows }
func (fixed) Examined(n physical.Node) float64 { return 10 * n.Head().Est.Rows }

func head(id int, rows float64) physical.Header {
	return physical.Header{ID: id, Schema: []physical.Field{{Type: types.Of(types.Int8)}}, Est: physical.Estimate{Rows: rows}}
}

func scan(id int, rows float64) physical.Node {
	return &physical.TableScan{Header: head(id, rows), Filter: &expr.IsNull{Arg: expr.At(0, types.Of(types.Int8), "a")}}
}

// describe prints a pipeline as source>sink [operators].
func describe(p Pipeline) string {
	var ops []string
	for op, n := range p.Features.Count {
		if n > 0 {
			ops = append(ops, fmt.Sprintf("%s(%g of %g)", forest.Operator(op), p.Features.RowsIn[op], p.Features.StateRows[op]))
		}
	}
	return fmt.Sprintf("%d>%d %v %s", p.Source, p.Sink, p.Nodes, strings.Join(ops, " "))
}

func TestDecompose(t *testing.T) {
	join := &physical.HashJoin{Header: head(3, 50), Left: scan(1, 100), Right: scan(2, 20),
		LeftKeys: []expr.Expr{expr.At(0, types.Of(types.Int8), "a")}, RightKeys: []expr.Expr{expr.At(0, types.Of(types.Int8), "b")}}
	agg := &physical.Aggregate{Header: head(4, 5), Input: join}
	sort := &physical.Sort{Header: head(5, 5), Input: agg}
	full := &physical.HashJoin{Header: head(8, 30), Kind: physical.JoinFull, Left: scan(6, 10), Right: scan(7, 20)}
	for _, c := range []struct {
		name string
		root physical.Node
		want []string
	}{
		{"scan", scan(1, 100), []string{"1>0 [1] table_scan(1000 of 0)"}},
		{"sorted aggregate over a join", sort, []string{
			"2>3 [2] table_scan(200 of 0) hash_build(20 of 20)",
			"1>4 [1 3] table_scan(1000 of 0) hash_probe(100 of 20) hash_aggregate_build(50 of 5)",
			"4>5 [4] aggregate_scan(5 of 0) sort_build(5 of 5)",
			"5>0 [5] sort_scan(5 of 0)",
		}},
		{"full join", full, []string{
			"7>8 [7] table_scan(200 of 0) hash_build(20 of 20)",
			"6>0 [6 8] table_scan(100 of 0) hash_probe(10 of 20)",
			"8>0 [8] aggregate_scan(20 of 0)",
		}},
		{"union", &physical.UnionAll{Header: head(9, 120), All: []physical.Node{scan(1, 100), scan(2, 20)}}, []string{
			"1>0 [1 9] table_scan(1000 of 0) union_all(100 of 0)",
			"2>0 [2 9] table_scan(200 of 0) union_all(20 of 0)",
		}},
	} {
		var got []string
		for _, p := range Decompose(c.root, fixed{}, 2) {
			got = append(got, describe(p))
			if err := p.Features.Validate(); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			if p.Features.Parallelism != 2 {
				t.Errorf("%s: parallelism %g", c.name, p.Features.Parallelism)
			}
		}
		if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

func TestScanFilterIsCounted(t *testing.T) {
	p := Decompose(scan(1, 100), fixed{}, 1)[0]
	if got := p.Features.ExprEvals[forest.ExprBoolean]; got != 1000 {
		t.Errorf("%g evaluations of the scan's filter, want one for each of 1000 rows", got)
	}
}
