package cost

import (
	"math"

	"github.com/attunedb/attune/engine/costmodel"
	"github.com/attunedb/attune/engine/forest"
)

// Prices are unit costs in nanoseconds, as the enumeration of joins uses them. They are a plain value.
type Prices struct {
	scanRow, scanByte, indexRow, lookup, build, probe, loopPair float64
	aggregate, aggregateScan, sort, filter, project, startup    float64
	sinkByte                                                    float64
}

// NewPrices takes the prices out of the classical model's unit costs.
func NewPrices(u costmodel.Units) Prices {
	op := func(o forest.Operator) float64 { return u[costmodel.OperatorUnit(o)] }
	rows := u[costmodel.LocationUnit(forest.InRows)]
	compare := u[costmodel.ExprUnit(forest.ExprCompare)]
	return Prices{
		scanRow: op(forest.TableScan) + rows, scanByte: u[costmodel.SourceByte],
		indexRow: op(forest.IndexScan) + rows, lookup: op(forest.IndexJoin),
		build: op(forest.HashBuild), probe: op(forest.HashProbe), loopPair: op(forest.NestedLoopJoin),
		aggregate: op(forest.HashAggregateBuild), aggregateScan: op(forest.AggregateScan),
		sort: op(forest.SortBuild) + op(forest.SortScan), filter: op(forest.Filter) + compare,
		project: op(forest.Project), startup: u[costmodel.Startup], sinkByte: u[costmodel.SinkByte],
	}
}

// beyondCache is the factor by which a hash table of so many rows slows each access (as engine/costmodel has it).
func beyondCache(rows float64) float64 {
	return 1 + 0.25*max(0, math.Log2(max(1, rows)/(1<<15)))
}

// TableScan is the cost of reading rows rows and evaluating preds predicates on each.
func (p *Prices) TableScan(rows, widthBytes float64, preds int) float64 {
	return rows*(p.scanRow+p.scanByte*widthBytes+p.filter*float64(preds)) + p.startup
}

// IndexScan is the cost of reading rows rows through an index; covering says that the rows themselves are its leaves.
func (p *Prices) IndexScan(rows, widthBytes float64, preds int, covering bool) float64 {
	per := p.indexRow
	if covering {
		per = p.scanRow
	}
	// One descent, then the rows.
	return p.indexRow + rows*(per+p.scanByte*widthBytes+p.filter*float64(preds)) + p.startup
}

// IndexJoin is the cost of looking up rows keys that find matches rows, each of which is fetched through the primary key unless
// the index is covering.
func (p *Prices) IndexJoin(rows, matches float64, covering bool) float64 {
	per := p.probe
	if !covering {
		per = p.indexRow
	}
	return rows*p.lookup + matches*per + p.startup
}

// HashJoin is the cost of building on one side and probing with the other, giving out rows.
func (p *Prices) HashJoin(probe, build, buildWidthBytes, out float64) float64 {
	f := beyondCache(build)
	return build*(p.build*f+p.sinkByte*buildWidthBytes) + probe*p.probe*f + out*p.project + p.startup
}

// Loop is the cost of comparing all pairs.
func (p *Prices) Loop(left, right, out float64) float64 {
	return left*max(1, right)*p.loopPair + out*p.project + p.startup
}

// Aggregate is the cost of grouping rows into groups.
func (p *Prices) Aggregate(rows, groups float64) float64 {
	return rows*p.aggregate*beyondCache(groups) + groups*p.aggregateScan + p.startup
}

// Sort is the cost of ordering rows.
func (p *Prices) Sort(rows float64) float64 {
	return rows*p.sort*math.Log2(max(2, rows)) + p.startup
}

// Filter is the cost of preds predicates over rows.
func (p *Prices) Filter(rows float64, preds int) float64 { return rows * p.filter * float64(preds) }
