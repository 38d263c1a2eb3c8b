package physicalize

import (
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/services/planner/internal/statistics"
)

// Identity hashes the shape of a plan: operators, tables, indexes, methods and expressions, with neither values, estimates nor
// runtime filters. It is never 0.
func Identity(n physical.Node) uint64 {
	h := identity(n)
	if h == 0 {
		return 1
	}
	return h
}

func identity(n physical.Node) uint64 {
	parts := []uint64{statistics.HashString(n.Op())}
	add := func(p ...uint64) { parts = append(parts, p...) }
	exprs := func(es ...expr.Expr) {
		for _, e := range es {
			add(exprShape(e))
		}
	}
	table := func(t physical.TableRef) { add(uint64(t.ID), statistics.HashString(t.Alias)) }
	keys := func(ks []physical.SortKey) {
		for _, k := range ks {
			add(exprShape(k.Expr), bit(k.Desc), bit(k.NullsFirst))
		}
	}
	switch n := n.(type) {
	case *physical.TableScan:
		table(n.Table)
		exprs(n.Filter)
	case *physical.IndexScan:
		table(n.Table)
		add(uint64(n.Index), uint64(len(n.Equal)), bit(n.Low.Value != nil), bit(n.High.Value != nil), bit(n.Reverse))
		exprs(n.Filter)
	case *physical.Values:
		add(uint64(len(n.Rows)))
	case *physical.HashJoin:
		add(uint64(n.Kind))
		exprs(n.LeftKeys...)
		exprs(n.RightKeys...)
		exprs(n.Residual)
	case *physical.NestedLoopJoin:
		add(uint64(n.Kind))
		exprs(n.On)
	case *physical.IndexJoin:
		table(n.Table)
		add(uint64(n.Kind), uint64(n.Index))
		exprs(n.Keys...)
		exprs(n.Filter, n.Residual)
	case *physical.Filter:
		exprs(n.Cond)
	case *physical.Project:
		exprs(n.Exprs...)
	case *physical.Aggregate:
		exprs(n.Groups...)
		for _, a := range n.Aggs {
			add(statistics.HashString(a.Fn.ID()), bit(a.Distinct))
			exprs(a.Args...)
			exprs(a.Filter)
		}
	case *physical.Sort:
		keys(n.Keys)
	case *physical.TopK:
		keys(n.Keys)
	case *physical.SetOp:
		add(uint64(n.Kind))
	case *physical.CTEScan:
		add(uint64(n.CTE))
	case *physical.Insert:
		table(n.Table)
	case *physical.Update:
		table(n.Table)
	case *physical.Delete:
		table(n.Table)
	}
	for _, in := range n.Inputs() {
		add(identity(in))
	}
	return statistics.Combine(parts...)
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// exprShape hashes an expression without the values in it.
func exprShape(e expr.Expr) uint64 {
	switch e := e.(type) {
	case nil:
		return 3
	case *expr.Const, *expr.Param:
		return 5
	case *expr.Column:
		return statistics.Combine(7, uint64(e.Ordinal))
	}
	parts := []uint64{11}
	switch e := e.(type) {
	case *expr.Call:
		parts = append(parts, statistics.HashString(e.Fn.ID()))
	case *expr.And:
		parts = append(parts, 13)
	case *expr.Or:
		parts = append(parts, 17)
	case *expr.Not:
		parts = append(parts, 19)
	case *expr.IsNull:
		parts = append(parts, 23, bit(e.Negated))
	case *expr.TruthTest:
		parts = append(parts, 29, bit(e.Want), bit(e.Negated))
	case *expr.IsDistinct:
		parts = append(parts, 31, bit(e.Negated))
	case *expr.Cast:
		parts = append(parts, 37, uint64(e.To.Kind))
	case *expr.Case:
		parts = append(parts, 41)
	case *expr.Coalesce:
		parts = append(parts, 43)
	case *expr.InList:
		parts = append(parts, 47, bit(e.Negated))
	}
	for _, c := range e.Children() {
		parts = append(parts, exprShape(c))
	}
	return statistics.Combine(parts...)
}
