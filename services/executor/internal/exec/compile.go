package exec

import (
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/sqlerr"
)

// compile adds the steps that make the output of n and push it into t. need marks the columns of n's output that
// anybody above reads; the others may come as nil.
func (r *run) compile(n physical.Node, t target, need []bool) error {
	switch n := n.(type) {
	case *physical.TableScan:
		return r.compileTableScan(n, t)
	case *physical.IndexScan:
		return r.compileIndexScan(n, t)
	case *physical.Values:
		return r.compileValues(n, t)
	case *physical.Filter:
		return r.compileFilter(n, t, need)
	case *physical.Project:
		return r.compileProject(n, t, need)
	case *physical.HashJoin:
		return r.compileHashJoin(n, t, need)
	case *physical.NestedLoopJoin:
		return r.compileNestedLoop(n, t, need)
	case *physical.IndexJoin:
		return r.compileIndexJoin(n, t, need)
	case *physical.Aggregate:
		return r.compileAggregate(n, t)
	case *physical.Sort:
		return r.compileSort(n, t, need)
	case *physical.TopK:
		return r.compileTopK(n, t, need)
	case *physical.Limit:
		return r.compileLimit(n, t, need)
	case *physical.SetOp:
		return r.compileSetOp(n, t)
	case *physical.UnionAll:
		return r.compileUnionAll(n, t, need)
	case *physical.SingleRow:
		return r.compileSingleRow(n, t)
	case *physical.With:
		return r.compileWith(n, t, need)
	case *physical.CTEScan:
		return r.compileCTEScan(n, t)
	}
	return unsupported(n)
}

// input compiles input in of node n so that its output passes s, an operator of n, on its way to t.
func (r *run) input(n, in physical.Node, s sink, t target, need []bool) error {
	r.meter(n)
	return r.compile(in, t.via(n.Head().ID, s), need)
}

// needs returns the set of input columns, out of width, that the expressions read, together with also.
func needs(width int, also []bool, es ...expr.Expr) []bool {
	out := make([]bool, width)
	copy(out, also)
	for _, e := range es {
		if e != nil {
			expr.Columns(e, func(c *expr.Column) { out[c.Ordinal] = true })
		}
	}
	return out
}

func every(width int) []bool {
	out := make([]bool, width)
	for i := range out {
		out[i] = true
	}
	return out
}

func sortExprs(keys []physical.SortKey) []expr.Expr {
	out := make([]expr.Expr, len(keys))
	for i, k := range keys {
		out[i] = k.Expr
	}
	return out
}

func (r *run) compileUnionAll(n *physical.UnionAll, t target, need []bool) error {
	out := r.metered(n, t)
	for _, in := range n.All {
		if err := r.input(n, in, out, t, need); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) compileWith(n *physical.With, t target, need []bool) error {
	for i, def := range n.Defs {
		c := newCollector(r, n)
		r.ctes[n.CTEs[i]] = c
		r.meter(n)
		if err := r.compile(def, end(n, c, false), every(len(def.Head().Schema))); err != nil {
			return err
		}
	}
	return r.input(n, n.Body, r.metered(n, t), t, need)
}

func (r *run) compileCTEScan(n *physical.CTEScan, t target) error {
	c := r.ctes[n.CTE]
	if c == nil {
		return sqlerr.New(sqlerr.InternalError, "common table expression %d is read before it is defined", n.CTE)
	}
	r.addPipeline(n, &batches{list: c.list}, t)
	return nil
}
