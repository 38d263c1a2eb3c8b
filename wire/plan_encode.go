package wire

import (
	"fmt"

	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/physical"
	planv1 "github.com/attunedb/attune/proto/gen/attune/plan/v1"
)

func tableRef(t physical.TableRef) *planv1.TableRef {
	return &planv1.TableRef{Id: uint64(t.ID), Version: t.Version, Schema: t.Schema, Name: t.Name, Alias: t.Alias}
}

func runtimeUses(us []physical.RuntimeFilterUse) []*planv1.RuntimeFilterUse {
	return mapSlice(us, func(u physical.RuntimeFilterUse) *planv1.RuntimeFilterUse {
		return &planv1.RuntimeFilterUse{FilterId: uint32(u.FilterID), Columns: uints(u.Columns)}
	})
}

func keyBound(b physical.KeyBound) *planv1.KeyBound {
	return &planv1.KeyBound{Value: ExprToProto(b.Value), Inclusive: b.Inclusive}
}

// SortKeysToProto encodes an order.
func SortKeysToProto(ks []physical.SortKey) []*planv1.SortKey {
	return mapSlice(ks, func(k physical.SortKey) *planv1.SortKey {
		return &planv1.SortKey{Expr: ExprToProto(k.Expr), Desc: k.Desc, NullsFirst: k.NullsFirst}
	})
}

func leafToProto(p *planv1.Node, n physical.Node) {
	switch n := n.(type) {
	case *physical.TableScan:
		p.Op = &planv1.Node_TableScan{TableScan: &planv1.TableScan{Table: tableRef(n.Table), Columns: uints(n.Columns),
			Filter: ExprToProto(n.Filter), Limit: n.Limit, Runtime: runtimeUses(n.Runtime)}}
	case *physical.IndexScan:
		p.Op = &planv1.Node_IndexScan{IndexScan: &planv1.IndexScan{Table: tableRef(n.Table), Index: uint32(n.Index),
			IndexName: n.IndexName, Equal: ExprsToProto(n.Equal), Low: keyBound(n.Low), High: keyBound(n.High),
			Desc: n.Desc, Reverse: n.Reverse, Columns: uints(n.Columns), Filter: ExprToProto(n.Filter), Limit: n.Limit,
			Runtime: runtimeUses(n.Runtime)}}
	case *physical.Values:
		p.Op = &planv1.Node_Values{Values: &planv1.Values{Rows: mapSlice(n.Rows, exprList)}}
	}
}

func joinToProto(p *planv1.Node, n physical.Node) {
	switch n := n.(type) {
	case *physical.HashJoin:
		p.Op = &planv1.Node_HashJoin{HashJoin: &planv1.HashJoin{Kind: planv1.JoinKind(n.Kind),
			LeftKeys: ExprsToProto(n.LeftKeys), RightKeys: ExprsToProto(n.RightKeys), NullSafe: n.NullSafe,
			Residual: ExprToProto(n.Residual), FilterId: uint32(n.FilterID)}}
	case *physical.NestedLoopJoin:
		p.Op = &planv1.Node_NestedLoopJoin{NestedLoopJoin: &planv1.NestedLoopJoin{Kind: planv1.JoinKind(n.Kind),
			On: ExprToProto(n.On)}}
	case *physical.IndexJoin:
		p.Op = &planv1.Node_IndexJoin{IndexJoin: &planv1.IndexJoin{Kind: planv1.JoinKind(n.Kind),
			Table: tableRef(n.Table), Index: uint32(n.Index), IndexName: n.IndexName, Desc: n.Desc, Keys: ExprsToProto(n.Keys),
			Columns: uints(n.Columns), Filter: ExprToProto(n.Filter), Residual: ExprToProto(n.Residual)}}
	}
}

func relationalToProto(p *planv1.Node, n physical.Node) {
	switch n := n.(type) {
	case *physical.Filter:
		p.Op = &planv1.Node_Filter{Filter: &planv1.Filter{Cond: ExprToProto(n.Cond)}}
	case *physical.Project:
		p.Op = &planv1.Node_Project{Project: &planv1.Project{Exprs: ExprsToProto(n.Exprs)}}
	case *physical.Aggregate:
		p.Op = &planv1.Node_Aggregate{Aggregate: &planv1.Aggregate{Groups: ExprsToProto(n.Groups),
			Aggs: mapSlice(n.Aggs, func(a physical.AggCall) *planv1.AggCall {
				return &planv1.AggCall{Function: a.Fn.ID(), Args: ExprsToProto(a.Args), Distinct: a.Distinct,
					Filter: ExprToProto(a.Filter), OrderBy: SortKeysToProto(a.OrderBy), Field: FieldToProto(a.Field)}
			})}}
	case *physical.Sort:
		p.Op = &planv1.Node_Sort{Sort: &planv1.Sort{Keys: SortKeysToProto(n.Keys)}}
	case *physical.TopK:
		p.Op = &planv1.Node_TopK{TopK: &planv1.TopK{Keys: SortKeysToProto(n.Keys), Count: ExprToProto(n.Count),
			Offset: ExprToProto(n.Offset)}}
	case *physical.Limit:
		p.Op = &planv1.Node_Limit{Limit: &planv1.Limit{Count: ExprToProto(n.Count), Offset: ExprToProto(n.Offset)}}
	case *physical.SetOp:
		p.Op = &planv1.Node_SetOp{SetOp: &planv1.SetOp{Kind: uint32(n.Kind)}}
	case *physical.UnionAll:
		p.Op = &planv1.Node_UnionAll{UnionAll: &planv1.UnionAll{}}
	case *physical.SingleRow:
		p.Op = &planv1.Node_SingleRow{SingleRow: &planv1.SingleRow{}}
	case *physical.With:
		p.Op = &planv1.Node_With{With: &planv1.With{Ctes: uints(n.CTEs)}}
	case *physical.CTEScan:
		p.Op = &planv1.Node_CteScan{CteScan: &planv1.CTEScan{Cte: uint32(n.CTE), Name: n.Name}}
	default:
		panic(fmt.Sprintf("wire: operator %T has no message", n))
	}
}

func foreignKeyChecks(fs []physical.ForeignKeyCheck) []*planv1.ForeignKeyCheck {
	return mapSlice(fs, func(f physical.ForeignKeyCheck) *planv1.ForeignKeyCheck {
		return &planv1.ForeignKeyCheck{Name: f.Name, Other: tableRef(f.Other), OtherIndex: uint32(f.OtherIndex),
			Columns: uints(f.Columns), OtherColumns: uints(f.OtherColumns)}
	})
}

func target(t *physical.Target) *planv1.Target {
	return &planv1.Target{Table: tableRef(t.Table), Parents: foreignKeyChecks(t.Parents),
		Children: foreignKeyChecks(t.Children),
		Checks: mapSlice(t.Checks, func(c physical.CheckConstraint) *planv1.CheckConstraint {
			return &planv1.CheckConstraint{Name: c.Name, Cond: ExprToProto(c.Cond)}
		})}
}

func writeToProto(p *planv1.Node, n physical.Node) {
	returning := func(es []expr.Expr) (bool, []*planv1.Expr) { return es != nil, ExprsToProto(es) }
	switch n := n.(type) {
	case *physical.Insert:
		has, es := returning(n.Returning)
		p.Op = &planv1.Node_Insert{Insert: &planv1.Insert{Target: target(&n.Target), HasReturning: has, Returning: es}}
	case *physical.Update:
		has, es := returning(n.Returning)
		p.Op = &planv1.Node_Update{Update: &planv1.Update{Target: target(&n.Target), Set: uints(n.Set), HasReturning: has, Returning: es}}
	case *physical.Delete:
		has, es := returning(n.Returning)
		p.Op = &planv1.Node_Delete{Delete: &planv1.Delete{Target: target(&n.Target), HasReturning: has, Returning: es}}
	}
}
