package pipeline

import (
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/forest"
	"github.com/attunedb/attune/engine/plan/physical"
)

// exprCounts is how many scalar operations of each class one row takes.
type exprCounts [forest.ExprClassCount]float64

func (c *exprCounts) add(o exprCounts) {
	for i := range c {
		c[i] += o[i]
	}
}

// addTo records the operations for a number of rows.
func (c *exprCounts) addTo(f *forest.PipelineFeatures, rows float64) {
	for i := range c {
		f.ExprEvals[i] += c[i] * rows
	}
}

func sortExprs(keys []physical.SortKey) exprCounts {
	var c exprCounts
	for _, k := range keys {
		c.add(countExprs(k.Expr))
	}
	return c
}

// countExprs counts the operations in expressions; nil ones have none.
func countExprs(es ...expr.Expr) exprCounts {
	var c exprCounts
	for _, e := range es {
		if e == nil {
			continue
		}
		expr.Walk(e, func(e expr.Expr) bool {
			if class, ok := classify(e); ok {
				c[class]++
			}
			return true
		})
	}
	return c
}

func classify(e expr.Expr) (forest.ExprClass, bool) {
	switch e := e.(type) {
	case *expr.Const, *expr.Column, *expr.Param:
		return 0, false
	case *expr.Call:
		switch e.Fn.Class {
		case compute.ClassComparison:
			return forest.ExprCompare, true
		case compute.ClassArithmetic:
			return forest.ExprArithmetic, true
		case compute.ClassPattern:
			return forest.ExprLike, true
		case compute.ClassCast:
			return forest.ExprCast, true
		}
		return forest.ExprFunction, true
	case *expr.IsDistinct:
		return forest.ExprCompare, true
	case *expr.Cast:
		return forest.ExprCast, true
	case *expr.Case, *expr.Coalesce:
		return forest.ExprCase, true
	case *expr.InList:
		return forest.ExprInList, true
	}
	return forest.ExprBoolean, true
}
