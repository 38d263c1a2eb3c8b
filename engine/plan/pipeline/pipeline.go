package pipeline

import (
	"github.com/attunedb/attune/engine/forest"
	"github.com/attunedb/attune/engine/plan/physical"
)

// Counts gives row counts of nodes, estimated or measured.
type Counts interface {
	// Rows returns the rows that come out of a node.
	Rows(n physical.Node) float64
	// Examined returns the rows a scan reads before its filters.
	Examined(n physical.Node) float64
}

// Pipeline is a part of a plan that runs without holding rows back, from a source to the next operator that does.
type Pipeline struct {
	// Source and Sink are the IDs of the nodes at its ends. The sink of the last pipeline is 0: the client.
	Source, Sink int
	// Nodes are the IDs of the source and of the operators that pass rows on.
	Nodes    []int
	Features forest.PipelineFeatures
}

// Decompose returns the pipelines of a plan in the order in which they run. parallelism is the number of workers that each
// may use. Write nodes are sinks of their input's last pipeline.
func Decompose(root physical.Node, c Counts, parallelism int) []Pipeline {
	d := &decomposer{counts: c, parallelism: max(parallelism, 1)}
	d.produce(root, nil, 0)
	return d.out
}

// stage is what an operator does to rows that pass it.
type stage struct {
	node physical.Node
	op   forest.Operator
	// rowsIn reach the operator, stateRows is the state it works on.
	rowsIn, stateRows float64
	exprs             exprCounts
}

type decomposer struct {
	counts      Counts
	parallelism int
	out         []Pipeline
}

// produce emits the pipelines that make the output of n, which flows through stages (nearest first) into sink.
func (d *decomposer) produce(n physical.Node, stages []stage, sink int) {
	rows := func(m physical.Node) float64 { return d.counts.Rows(m) }
	pass := func(op forest.Operator, in physical.Node, state float64, e exprCounts) {
		s := stage{node: n, op: op, rowsIn: rows(in), stateRows: state, exprs: e}
		d.produce(in, append([]stage{s}, stages...), sink)
	}
	// hold ends a pipeline at n, where op keeps the rows.
	hold := func(op forest.Operator, in physical.Node, state float64, e exprCounts) {
		d.produce(in, []stage{{node: n, op: op, rowsIn: rows(in), stateRows: state, exprs: e}}, n.Head().ID)
	}
	switch n := n.(type) {
	case *physical.TableScan:
		d.emit(n, forest.TableScan, d.counts.Examined(n), countExprs(n.Filter), stages, sink)
	case *physical.IndexScan:
		d.emit(n, forest.IndexScan, d.counts.Examined(n), countExprs(n.Filter), stages, sink)
	case *physical.Values:
		d.emit(n, forest.Values, float64(len(n.Rows)), exprCounts{}, stages, sink)
	case *physical.CTEScan:
		d.emit(n, forest.AggregateScan, rows(n), exprCounts{}, stages, sink)
	case *physical.Filter:
		pass(forest.Filter, n.Input, 0, countExprs(n.Cond))
	case *physical.Project:
		pass(forest.Project, n.Input, 0, countExprs(n.Exprs...))
	case *physical.Limit:
		pass(forest.Limit, n.Input, 0, exprCounts{})
	case *physical.IndexJoin:
		pass(forest.IndexJoin, n.Input, rows(n), countExprs(append(n.Keys[:len(n.Keys):len(n.Keys)], n.Filter, n.Residual)...))
	case *physical.HashJoin:
		hold(forest.HashBuild, n.Right, rows(n.Right), countExprs(n.RightKeys...))
		pass(forest.HashProbe, n.Left, rows(n.Right), countExprs(append(n.LeftKeys[:len(n.LeftKeys):len(n.LeftKeys)], n.Residual)...))
		if n.Kind == physical.JoinRight || n.Kind == physical.JoinFull {
			d.emit(n, forest.AggregateScan, rows(n.Right), exprCounts{}, stages, sink)
		}
	case *physical.NestedLoopJoin:
		hold(forest.UnionAll, n.Right, rows(n.Right), exprCounts{})
		pass(forest.NestedLoopJoin, n.Left, rows(n.Right), countExprs(n.On))
	case *physical.Aggregate:
		e := countExprs(n.Groups...)
		for _, a := range n.Aggs {
			e.add(countExprs(a.Args...))
		}
		hold(forest.HashAggregateBuild, n.Input, rows(n), e)
		d.emit(n, forest.AggregateScan, rows(n), exprCounts{}, stages, sink)
	case *physical.Sort:
		hold(forest.SortBuild, n.Input, rows(n.Input), sortExprs(n.Keys))
		d.emit(n, forest.SortScan, rows(n), exprCounts{}, stages, sink)
	case *physical.TopK:
		hold(forest.TopK, n.Input, rows(n), sortExprs(n.Keys))
		d.emit(n, forest.SortScan, rows(n), exprCounts{}, stages, sink)
	case *physical.SingleRow:
		hold(forest.Limit, n.Input, 1, exprCounts{})
		d.emit(n, forest.Values, 1, exprCounts{}, stages, sink)
	case *physical.SetOp:
		hold(forest.HashAggregateBuild, n.Right, rows(n.Right), exprCounts{})
		hold(forest.HashAggregateBuild, n.Left, rows(n.Left), exprCounts{})
		d.emit(n, forest.AggregateScan, rows(n), exprCounts{}, stages, sink)
	case *physical.UnionAll:
		for _, in := range n.All {
			pass(forest.UnionAll, in, 0, exprCounts{})
		}
	case *physical.With:
		for _, def := range n.Defs {
			hold(forest.UnionAll, def, rows(def), exprCounts{})
		}
		d.produce(n.Body, stages, sink)
	case *physical.Insert:
		hold(forest.Insert, n.Input, 0, exprCounts{})
	case *physical.Update:
		hold(forest.Update, n.Input, 0, exprCounts{})
	case *physical.Delete:
		hold(forest.Delete, n.Input, 0, exprCounts{})
	}
}

// emit adds the pipeline that starts at source.
func (d *decomposer) emit(source physical.Node, op forest.Operator, read float64, e exprCounts, stages []stage, sink int) {
	out := d.counts.Rows(source)
	p := Pipeline{Source: source.Head().ID, Sink: sink, Nodes: []int{source.Head().ID}}
	f := &p.Features
	f.AddOperator(op, read, 0)
	e.addTo(f, read)
	f.SourceRows, f.SourceWidthBytes = read, width(source)
	f.SinkRows, f.SinkWidthBytes = out, f.SourceWidthBytes
	for i := range stages {
		s := &stages[i]
		f.AddOperator(s.op, s.rowsIn, s.stateRows)
		s.exprs.addTo(f, s.rowsIn)
		f.SinkRows = s.rowsIn
		if id := s.node.Head().ID; id != sink {
			p.Nodes = append(p.Nodes, id)
			f.SinkRows, f.SinkWidthBytes = d.counts.Rows(s.node), width(s.node)
		}
	}
	f.Parallelism = float64(d.parallelism)
	switch op {
	case forest.TableScan, forest.IndexScan:
		f.LocationShare[forest.InRows] = 1
	default:
		f.LocationShare[forest.InCache] = 1
	}
	d.out = append(d.out, p)
}

// width returns the expected bytes of a node's row: the planner's, or one of its types.
func width(n physical.Node) float64 {
	h := n.Head()
	if h.Est.WidthBytes > 0 {
		return h.Est.WidthBytes
	}
	w := 0.0
	for _, f := range h.Schema {
		if fixed := f.Type.Kind.Width(); fixed > 0 {
			w += float64(fixed)
		} else {
			w += variableWidth
		}
	}
	return w
}

// variableWidth is what a variable-width value is taken for when nothing is known of it.
const variableWidth = 16
