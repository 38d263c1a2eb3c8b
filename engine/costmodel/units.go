package costmodel

import (
	"math"

	"github.com/attunedb/attune/engine/forest"
)

// Unit is one unit cost of the classical model: nanoseconds for one unit of its
// work. Operators come first, then expression classes, then locations, then the
// units declared here.
type Unit int

const (
	firstExpr     = forest.OperatorCount
	firstLocation = firstExpr + forest.ExprClassCount
	firstOther    = firstLocation + forest.LocationCount
)

// The units that belong to no operator, expression class or location.
const (
	// SourceByte is nanoseconds for each byte the source reads.
	SourceByte = Unit(firstOther) + iota
	// SinkByte is nanoseconds for each byte that arrives at the sink.
	SinkByte
	// Startup is nanoseconds for each pipeline, however small.
	Startup

	// UnitCount is the number of unit costs.
	UnitCount = firstOther + iota
)

// OperatorUnit is the unit cost of op; ExprUnit and LocationUnit those of an
// expression class and a location.
func OperatorUnit(op forest.Operator) Unit { return Unit(op) }

// ExprUnit is the unit cost of one evaluation of class c.
func ExprUnit(c forest.ExprClass) Unit { return Unit(firstExpr + int(c)) }

// LocationUnit is the cost of one source row that lies at l, on top of the scan.
func LocationUnit(l forest.Location) Unit { return Unit(firstLocation + int(l)) }

// String is the unit's name in EXPLAIN and metrics, such as "hash_probe" or
// "expr_like".
func (u Unit) String() string {
	switch {
	case u == SourceByte:
		return "source_byte"
	case u == SinkByte:
		return "sink_byte"
	case u == Startup:
		return "startup"
	case int(u) >= firstLocation && u < SourceByte:
		return "loc_" + forest.Location(int(u)-firstLocation).String()
	case int(u) >= firstExpr && u < SourceByte:
		return "expr_" + forest.ExprClass(int(u)-firstExpr).String()
	}
	return forest.Operator(u).String()
}

// Units holds nanoseconds per unit of work, all positive.
type Units [UnitCount]float64

// DefaultUnits are the costs before anything was measured: orders of magnitude
// for one core of a server, so that a fresh system prefers the sane plan.
func DefaultUnits() Units {
	return Units{
		forest.TableScan: 40, forest.IndexScan: 600, forest.Filter: 2, forest.Project: 2,
		forest.HashBuild: 60, forest.HashProbe: 30, forest.IndexJoin: 4000, forest.NestedLoopJoin: 4,
		forest.HashAggregateBuild: 40, forest.AggregateScan: 15, forest.SortBuild: 10, forest.SortScan: 8,
		forest.TopK: 8, forest.Limit: 0.5, forest.UnionAll: 1, forest.Values: 100,
		forest.Insert: 6000, forest.Update: 10000, forest.Delete: 8000,

		firstExpr + int(forest.ExprCompare): 2, firstExpr + int(forest.ExprBetween): 3,
		firstExpr + int(forest.ExprInList): 8, firstExpr + int(forest.ExprLike): 60,
		firstExpr + int(forest.ExprArithmetic): 3, firstExpr + int(forest.ExprCast): 10,
		firstExpr + int(forest.ExprCase): 8, firstExpr + int(forest.ExprFunction): 40,
		firstExpr + int(forest.ExprBoolean): 1,

		firstLocation + int(forest.InRows): 100, firstLocation + int(forest.InSegments): 5,
		firstLocation + int(forest.InCache): 2, firstLocation + int(forest.Remote): 300,

		SourceByte: 0.1, SinkByte: 0.3, Startup: 20_000,
	}
}

// Hash tables beyond this many rows stop fitting the second-level cache.
const cachedTableRows = 1 << 15

// work fills w with the units of work a pipeline does, so that its time is the
// inner product with the unit costs. Everything but Startup is divided among the
// workers.
func work(f *forest.PipelineFeatures, w *Units) {
	speed := speedup(f.Parallelism)
	for op := range forest.OperatorCount {
		w[op] = f.RowsIn[op] * rowFactor(forest.Operator(op), f.RowsIn[op], f.StateRows[op]) / speed
	}
	for c := range forest.ExprClassCount {
		w[firstExpr+c] = f.ExprEvals[c] / speed
	}
	for l := range forest.LocationCount {
		w[firstLocation+l] = f.SourceRows * f.LocationShare[l] / speed
	}
	w[SourceByte] = f.SourceRows * f.SourceWidthBytes / speed
	w[SinkByte] = f.SinkRows * f.SinkWidthBytes / speed
	w[Startup] = 1
}

// rowFactor is the units of work one row costs in op.
func rowFactor(op forest.Operator, rows, state float64) float64 {
	switch op {
	case forest.NestedLoopJoin:
		return math.Max(1, state)
	case forest.SortBuild:
		return math.Log2(math.Max(2, rows))
	case forest.TopK:
		// A heap is seldom entered: the first k rows and few of the rest.
		return 1 + math.Log2(1+state)*math.Min(1, state/math.Max(1, rows))
	case forest.HashBuild, forest.HashAggregateBuild, forest.HashProbe:
		// Each doubling beyond the cache adds misses, up to a plain memory access.
		return 1 + 0.25*math.Max(0, math.Log2(math.Max(1, state)/cachedTableRows))
	}
	return 1
}

// speedup is how much faster n workers are than one: less than n, since morsels
// end unevenly and workers share memory bandwidth.
func speedup(n float64) float64 {
	return 1 + 0.8*(math.Max(1, n)-1)
}
