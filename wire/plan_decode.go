package wire

import (
	"fmt"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/physical"
	planv1 "github.com/attunedb/attune/proto/gen/attune/plan/v1"
)

// nodeDecoder decodes one operator whose inputs are decoded. The first error sticks, and what comes
// after it is not looked at.
type nodeDecoder struct {
	head   physical.Header
	inputs []physical.Node
	err    error
}

func (d *nodeDecoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf(format, args...)
	}
}

// want fails unless the operator has n inputs, and makes the missing ones harmless to touch.
func (d *nodeDecoder) want(n int) {
	if len(d.inputs) != n {
		d.fail("%d inputs, not %d", len(d.inputs), n)
	}
	for len(d.inputs) < n {
		d.inputs = append(d.inputs, &physical.Values{})
	}
}

func (d *nodeDecoder) width(i int) int { return len(d.inputs[i].Head().Schema) }

// expr decodes an optional expression over columns input columns.
func (d *nodeDecoder) expr(p *planv1.Expr, columns int) expr.Expr {
	e, err := ExprFromProto(p)
	if err == nil {
		err = CheckColumns(e, columns)
	}
	if err != nil {
		d.fail("%w", err)
		return nil
	}
	return e
}

func (d *nodeDecoder) must(p *planv1.Expr, columns int) expr.Expr {
	e := d.expr(p, columns)
	if e == nil {
		d.fail("missing expression")
	}
	return e
}

func (d *nodeDecoder) exprs(ps []*planv1.Expr, columns int) []expr.Expr {
	if len(ps) == 0 {
		return nil
	}
	out := make([]expr.Expr, len(ps))
	for i, p := range ps {
		out[i] = d.must(p, columns)
	}
	return out
}

func (d *nodeDecoder) sortKeys(ps []*planv1.SortKey, columns int) []physical.SortKey {
	return mapSlice(ps, func(p *planv1.SortKey) physical.SortKey {
		return physical.SortKey{Expr: d.must(p.GetExpr(), columns), Desc: p.GetDesc(), NullsFirst: p.GetNullsFirst()}
	})
}

func (d *nodeDecoder) kind(k planv1.JoinKind) physical.JoinKind {
	if k < 0 || k > planv1.JoinKind(physical.JoinMark) {
		d.fail("unknown join kind %d", k)
		return 0
	}
	return physical.JoinKind(k)
}

func (d *nodeDecoder) runtime(ps []*planv1.RuntimeFilterUse, columns int) []physical.RuntimeFilterUse {
	return mapSlice(ps, func(p *planv1.RuntimeFilterUse) physical.RuntimeFilterUse {
		cols, err := ordinals(p.GetColumns(), columns)
		if err != nil {
			d.fail("runtime filter: %w", err)
		}
		return physical.RuntimeFilterUse{FilterID: int(p.GetFilterId()), Columns: cols}
	})
}

func tableRefFrom(p *planv1.TableRef) physical.TableRef {
	return physical.TableRef{ID: catalog.TableID(p.GetId()), Version: p.GetVersion(), Schema: p.GetSchema(),
		Name: p.GetName(), Alias: p.GetAlias()}
}

func (d *nodeDecoder) decode(p *planv1.Node) physical.Node {
	switch op := p.Op.(type) {
	case *planv1.Node_TableScan:
		s, cols := op.TableScan, len(op.TableScan.GetColumns())
		d.want(0)
		return &physical.TableScan{Header: d.head, Table: tableRefFrom(s.GetTable()), Columns: ints(s.GetColumns()),
			Filter: d.expr(s.GetFilter(), cols), Limit: s.GetLimit(), Runtime: d.runtime(s.GetRuntime(), cols)}
	case *planv1.Node_IndexScan:
		s, cols := op.IndexScan, len(op.IndexScan.GetColumns())
		d.want(0)
		bound := func(b *planv1.KeyBound) physical.KeyBound {
			return physical.KeyBound{Value: d.expr(b.GetValue(), 0), Inclusive: b.GetInclusive()}
		}
		return &physical.IndexScan{Header: d.head, Table: tableRefFrom(s.GetTable()), Index: catalog.IndexID(s.GetIndex()),
			IndexName: s.GetIndexName(), Equal: d.exprs(s.GetEqual(), 0), Low: bound(s.GetLow()), High: bound(s.GetHigh()),
			Desc: s.GetDesc(), Reverse: s.GetReverse(), Columns: ints(s.GetColumns()), Filter: d.expr(s.GetFilter(), cols), Limit: s.GetLimit(),
			Runtime: d.runtime(s.GetRuntime(), cols)}
	case *planv1.Node_Values:
		d.want(0)
		return &physical.Values{Header: d.head, Rows: mapSlice(op.Values.GetRows(), func(r *planv1.ExprList) []expr.Expr {
			if len(r.GetExprs()) != len(d.head.Schema) {
				d.fail("a row of %d values for %d columns", len(r.GetExprs()), len(d.head.Schema))
			}
			return d.exprs(r.GetExprs(), 0)
		})}
	case *planv1.Node_HashJoin, *planv1.Node_NestedLoopJoin, *planv1.Node_IndexJoin:
		return d.join(p)
	case *planv1.Node_Insert, *planv1.Node_Update, *planv1.Node_Delete:
		return d.write(p)
	}
	return d.relational(p)
}

func (d *nodeDecoder) join(p *planv1.Node) physical.Node {
	switch op := p.Op.(type) {
	case *planv1.Node_HashJoin:
		d.want(2)
		j := op.HashJoin
		l, r := d.width(0), d.width(1)
		n := &physical.HashJoin{Header: d.head, Kind: d.kind(j.GetKind()), Left: d.inputs[0], Right: d.inputs[1],
			LeftKeys: d.exprs(j.GetLeftKeys(), l), RightKeys: d.exprs(j.GetRightKeys(), r), NullSafe: j.GetNullSafe(),
			Residual: d.expr(j.GetResidual(), l+r), FilterID: int(j.GetFilterId())}
		if len(n.LeftKeys) != len(n.RightKeys) || (len(n.NullSafe) != 0 && len(n.NullSafe) != len(n.LeftKeys)) {
			d.fail("%d left keys, %d right keys, %d null-safe marks", len(n.LeftKeys), len(n.RightKeys), len(n.NullSafe))
			return n
		}
		for i := range n.LeftKeys {
			if d.err == nil && n.LeftKeys[i].Type().Kind != n.RightKeys[i].Type().Kind {
				d.fail("key %d joins %s with %s", i, n.LeftKeys[i].Type(), n.RightKeys[i].Type())
			}
		}
		return n
	case *planv1.Node_NestedLoopJoin:
		d.want(2)
		j := op.NestedLoopJoin
		return &physical.NestedLoopJoin{Header: d.head, Kind: d.kind(j.GetKind()), Left: d.inputs[0], Right: d.inputs[1],
			On: d.expr(j.GetOn(), d.width(0)+d.width(1))}
	case *planv1.Node_IndexJoin:
		d.want(1)
		j, l := op.IndexJoin, d.width(0)
		cols := len(j.GetColumns())
		return &physical.IndexJoin{Header: d.head, Kind: d.kind(j.GetKind()), Input: d.inputs[0],
			Table: tableRefFrom(j.GetTable()), Index: catalog.IndexID(j.GetIndex()), IndexName: j.GetIndexName(), Desc: j.GetDesc(),
			Keys: d.exprs(j.GetKeys(), l), Columns: ints(j.GetColumns()), Filter: d.expr(j.GetFilter(), cols),
			Residual: d.expr(j.GetResidual(), l+cols)}
	}
	return nil
}

func (d *nodeDecoder) relational(p *planv1.Node) physical.Node {
	switch op := p.Op.(type) {
	case *planv1.Node_Filter:
		d.want(1)
		return &physical.Filter{Header: d.head, Input: d.inputs[0], Cond: d.must(op.Filter.GetCond(), d.width(0))}
	case *planv1.Node_Project:
		d.want(1)
		return &physical.Project{Header: d.head, Input: d.inputs[0], Exprs: d.exprs(op.Project.GetExprs(), d.width(0))}
	case *planv1.Node_Aggregate:
		d.want(1)
		return &physical.Aggregate{Header: d.head, Input: d.inputs[0], Groups: d.exprs(op.Aggregate.GetGroups(), d.width(0)),
			Aggs: mapSlice(op.Aggregate.GetAggs(), d.aggCall)}
	case *planv1.Node_Sort:
		d.want(1)
		return &physical.Sort{Header: d.head, Input: d.inputs[0], Keys: d.sortKeys(op.Sort.GetKeys(), d.width(0))}
	case *planv1.Node_TopK:
		d.want(1)
		t := op.TopK
		return &physical.TopK{Header: d.head, Input: d.inputs[0], Keys: d.sortKeys(t.GetKeys(), d.width(0)),
			Count: d.must(t.GetCount(), 0), Offset: d.expr(t.GetOffset(), 0)}
	case *planv1.Node_Limit:
		d.want(1)
		return &physical.Limit{Header: d.head, Input: d.inputs[0], Count: d.expr(op.Limit.GetCount(), 0),
			Offset: d.expr(op.Limit.GetOffset(), 0)}
	case *planv1.Node_SetOp:
		d.want(2)
		if op.SetOp.GetKind() > uint32(physical.SetExceptAll) || d.width(0) != d.width(1) {
			d.fail("malformed set operation")
		}
		return &physical.SetOp{Header: d.head, Kind: physical.SetOpKind(op.SetOp.GetKind()), Left: d.inputs[0], Right: d.inputs[1]}
	case *planv1.Node_UnionAll:
		for i := range d.inputs {
			if d.width(i) != len(d.head.Schema) {
				d.fail("input %d has %d columns, not %d", i, d.width(i), len(d.head.Schema))
			}
		}
		return &physical.UnionAll{Header: d.head, All: d.inputs}
	case *planv1.Node_SingleRow:
		d.want(1)
		return &physical.SingleRow{Header: d.head, Input: d.inputs[0]}
	case *planv1.Node_With:
		n := len(op.With.GetCtes())
		d.want(n + 1)
		return &physical.With{Header: d.head, CTEs: ints(op.With.GetCtes()), Defs: d.inputs[:n:n], Body: d.inputs[n]}
	case *planv1.Node_CteScan:
		d.want(0)
		return &physical.CTEScan{Header: d.head, CTE: int(op.CteScan.GetCte()), Name: op.CteScan.GetName()}
	}
	d.fail("no operator")
	return nil
}

func (d *nodeDecoder) aggCall(p *planv1.AggCall) physical.AggCall {
	fn, ok := compute.AggregateByID(p.GetFunction())
	if !ok {
		d.fail("unknown aggregate %q", p.GetFunction())
		return physical.AggCall{}
	}
	cols := d.width(0)
	c := physical.AggCall{Fn: fn, Args: d.exprs(p.GetArgs(), cols), Distinct: p.GetDistinct(),
		Filter: d.expr(p.GetFilter(), cols), OrderBy: d.sortKeys(p.GetOrderBy(), cols)}
	if len(c.Args) != len(fn.Args) {
		d.fail("%d arguments for %q", len(c.Args), p.GetFunction())
		return c
	}
	for i, a := range c.Args {
		if d.err == nil && fn.Args[i] != compute.Any && a.Type().Kind != fn.Args[i] {
			d.fail("argument %d of %q is a %s", i+1, p.GetFunction(), a.Type())
		}
	}
	f, err := FieldFromProto(p.GetField())
	if err != nil {
		d.fail("%w", err)
	}
	c.Field = f
	return c
}

func (d *nodeDecoder) foreignKeys(ps []*planv1.ForeignKeyCheck) []physical.ForeignKeyCheck {
	return mapSlice(ps, func(p *planv1.ForeignKeyCheck) physical.ForeignKeyCheck {
		if len(p.GetColumns()) != len(p.GetOtherColumns()) {
			d.fail("constraint %q refers from %d to %d columns", p.GetName(), len(p.GetColumns()), len(p.GetOtherColumns()))
		}
		return physical.ForeignKeyCheck{Name: p.GetName(), Other: tableRefFrom(p.GetOther()),
			OtherIndex: catalog.IndexID(p.GetOtherIndex()), Columns: ints(p.GetColumns()), OtherColumns: ints(p.GetOtherColumns())}
	})
}

func (d *nodeDecoder) target(p *planv1.Target, columns int) physical.Target {
	return physical.Target{Table: tableRefFrom(p.GetTable()), Parents: d.foreignKeys(p.GetParents()),
		Children: d.foreignKeys(p.GetChildren()),
		Checks: mapSlice(p.GetChecks(), func(c *planv1.CheckConstraint) physical.CheckConstraint {
			return physical.CheckConstraint{Name: c.GetName(), Cond: d.must(c.GetCond(), columns)}
		})}
}

func (d *nodeDecoder) returning(has bool, ps []*planv1.Expr, columns int) []expr.Expr {
	if !has {
		return nil
	}
	return append([]expr.Expr{}, d.exprs(ps, columns)...)
}

func (d *nodeDecoder) write(p *planv1.Node) physical.Node {
	d.want(1)
	in, w := d.inputs[0], d.width(0)
	switch op := p.Op.(type) {
	case *planv1.Node_Insert:
		m := op.Insert
		return &physical.Insert{Header: d.head, Input: in, Target: d.target(m.GetTarget(), w),
			Returning: d.returning(m.GetHasReturning(), m.GetReturning(), w)}
	case *planv1.Node_Update:
		m := op.Update
		cols := w - len(m.GetSet())
		set, err := ordinals(m.GetSet(), max(cols, 0))
		if err != nil {
			d.fail("%w", err)
		}
		return &physical.Update{Header: d.head, Input: in, Target: d.target(m.GetTarget(), cols), Set: set,
			Returning: d.returning(m.GetHasReturning(), m.GetReturning(), cols)}
	case *planv1.Node_Delete:
		m := op.Delete
		return &physical.Delete{Header: d.head, Input: in, Target: d.target(m.GetTarget(), w),
			Returning: d.returning(m.GetHasReturning(), m.GetReturning(), w)}
	}
	return nil
}
