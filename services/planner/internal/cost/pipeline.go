package cost

import (
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/forest"
	"github.com/attunedb/attune/engine/plan/physical"
)

// Counts tells the rows of a plan: estimates before it ran.
type Counts interface {
	// Rows is the number of rows that come out of a node.
	Rows(n physical.Node) float64
	// Examined is the number of rows a scan reads before its filter.
	Examined(n physical.Node) float64
	// TableRows is the number of rows in the table of an index join.
	TableRows(n *physical.IndexJoin) float64
}

// Pipelines cuts a plan into pipelines, in an order in which they may run, and describes each.
func Pipelines(root physical.Node, c Counts, parallelism float64) []forest.PipelineFeatures {
	b := &breaker{counts: c, parallelism: max(1, parallelism)}
	p := b.flow(root)
	b.finish(p, root)
	return b.done
}

type breaker struct {
	counts      Counts
	parallelism float64
	done        []forest.PipelineFeatures
}

func (b *breaker) source(op forest.Operator, rows, width float64, at forest.Location) *forest.PipelineFeatures {
	p := &forest.PipelineFeatures{SourceRows: rows, SourceWidthBytes: width, Parallelism: b.parallelism}
	p.LocationShare[at] = 1
	p.AddOperator(op, rows, 0)
	return p
}

// finish ends a pipeline whose last rows are those of n.
func (b *breaker) finish(p *forest.PipelineFeatures, n physical.Node) {
	p.SinkRows, p.SinkWidthBytes = b.counts.Rows(n), n.Head().Est.WidthBytes
	b.done = append(b.done, *p)
}

// flow describes the pipeline whose rows are those of n, after it finished all that must run before.
func (b *breaker) flow(n physical.Node) *forest.PipelineFeatures {
	rows := func(n physical.Node) float64 { return b.counts.Rows(n) }
	width := n.Head().Est.WidthBytes
	switch n := n.(type) {
	case *physical.TableScan:
		in := b.counts.Examined(n)
		p := b.source(forest.TableScan, in, width, forest.InRows)
		evals(p, in, n.Filter)
		return p
	case *physical.IndexScan:
		in := b.counts.Examined(n)
		p := b.source(forest.IndexScan, in, width, forest.InRows)
		evals(p, in, n.Filter)
		return p
	case *physical.Values:
		return b.source(forest.Values, float64(len(n.Rows)), width, forest.InCache)
	case *physical.CTEScan:
		return b.source(forest.AggregateScan, rows(n), width, forest.InCache)
	case *physical.HashJoin:
		build := b.flow(n.Right)
		build.AddOperator(forest.HashBuild, rows(n.Right), rows(n.Right))
		evals(build, rows(n.Right), n.RightKeys...)
		b.finish(build, n.Right)
		p := b.flow(n.Left)
		p.AddOperator(forest.HashProbe, rows(n.Left), rows(n.Right))
		evals(p, rows(n.Left), n.LeftKeys...)
		evals(p, rows(n), n.Residual)
		return p
	case *physical.NestedLoopJoin:
		b.finish(b.flow(n.Right), n.Right)
		p := b.flow(n.Left)
		p.AddOperator(forest.NestedLoopJoin, rows(n.Left), rows(n.Right))
		evals(p, rows(n.Left)*rows(n.Right), n.On)
		return p
	case *physical.IndexJoin:
		p := b.flow(n.Input)
		p.AddOperator(forest.IndexJoin, rows(n.Input), b.counts.TableRows(n))
		evals(p, rows(n), n.Filter, n.Residual)
		return p
	case *physical.Filter:
		p := b.flow(n.Input)
		p.AddOperator(forest.Filter, rows(n.Input), 0)
		evals(p, rows(n.Input), n.Cond)
		return p
	case *physical.Project:
		p := b.flow(n.Input)
		p.AddOperator(forest.Project, rows(n.Input), 0)
		evals(p, rows(n.Input), n.Exprs...)
		return p
	case *physical.Aggregate:
		p := b.flow(n.Input)
		in := rows(n.Input)
		p.AddOperator(forest.HashAggregateBuild, in, rows(n))
		evals(p, in, n.Groups...)
		for i := range n.Aggs {
			evals(p, in, n.Aggs[i].Args...)
			evals(p, in, n.Aggs[i].Filter)
		}
		b.finish(p, n.Input)
		return b.source(forest.AggregateScan, rows(n), width, forest.InCache)
	case *physical.Sort:
		p := b.flow(n.Input)
		p.AddOperator(forest.SortBuild, rows(n.Input), rows(n.Input))
		b.finish(p, n.Input)
		return b.source(forest.SortScan, rows(n), width, forest.InCache)
	case *physical.TopK:
		p := b.flow(n.Input)
		p.AddOperator(forest.TopK, rows(n.Input), rows(n))
		b.finish(p, n.Input)
		return b.source(forest.SortScan, rows(n), width, forest.InCache)
	case *physical.Limit:
		p := b.flow(n.Input)
		p.AddOperator(forest.Limit, rows(n.Input), 0)
		return p
	case *physical.UnionAll:
		for _, in := range n.All {
			p := b.flow(in)
			p.AddOperator(forest.UnionAll, rows(in), 0)
			b.finish(p, in)
		}
		return b.source(forest.UnionAll, rows(n), width, forest.InCache)
	case *physical.SetOp:
		build := b.flow(n.Right)
		build.AddOperator(forest.HashBuild, rows(n.Right), rows(n.Right))
		b.finish(build, n.Right)
		p := b.flow(n.Left)
		p.AddOperator(forest.HashProbe, rows(n.Left), rows(n.Right))
		return p
	case *physical.SingleRow:
		return b.flow(n.Input)
	case *physical.With:
		for _, d := range n.Defs {
			b.finish(b.flow(d), d)
		}
		return b.flow(n.Body)
	case *physical.Insert:
		return b.write(forest.Insert, n.Input)
	case *physical.Update:
		return b.write(forest.Update, n.Input)
	case *physical.Delete:
		return b.write(forest.Delete, n.Input)
	}
	return b.source(forest.Values, rows(n), width, forest.InCache)
}

func (b *breaker) write(op forest.Operator, in physical.Node) *forest.PipelineFeatures {
	p := b.flow(in)
	p.AddOperator(op, b.counts.Rows(in), 0)
	return p
}

// evals counts the evaluations of expressions on rows rows; nil ones and plain columns cost nothing.
func evals(p *forest.PipelineFeatures, rows float64, es ...expr.Expr) {
	for _, e := range es {
		if e == nil {
			continue
		}
		expr.Walk(e, func(n expr.Expr) bool {
			if c, ok := exprClass(n); ok {
				p.ExprEvals[c] += rows
			}
			return true
		})
	}
}

func exprClass(e expr.Expr) (forest.ExprClass, bool) {
	switch e := e.(type) {
	case *expr.Const, *expr.Param, *expr.Column:
		return 0, false
	case *expr.And, *expr.Or, *expr.Not, *expr.IsNull, *expr.TruthTest:
		return forest.ExprBoolean, true
	case *expr.InList:
		return forest.ExprInList, true
	case *expr.Cast:
		return forest.ExprCast, true
	case *expr.Case, *expr.Coalesce:
		return forest.ExprCase, true
	case *expr.IsDistinct:
		return forest.ExprCompare, true
	case *expr.Call:
		switch e.Fn.Class {
		case compute.ClassComparison:
			return forest.ExprCompare, true
		case compute.ClassArithmetic, compute.ClassTemporal:
			return forest.ExprArithmetic, true
		case compute.ClassPattern:
			return forest.ExprLike, true
		case compute.ClassCast:
			return forest.ExprCast, true
		}
	}
	return forest.ExprFunction, true
}
