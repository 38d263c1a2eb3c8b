package exec

import (
	"runtime/pprof"
	"sync/atomic"
	"time"

	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/plan/pipeline"
	"github.com/attunedb/attune/engine/vec"
)

// meter measures one plan node. Times are inclusive where they are taken; stats takes them apart.
type meter struct {
	node physical.Node
	// rows came out; pushed is the time their consumers took.
	rows   atomic.Uint64
	pushed atomic.Int64
	// source is the time in the node as the source of a pipeline, held the time between pipelines (building a table).
	source, held atomic.Int64
	examined     atomic.Uint64
	bytes        atomic.Uint64
	// stopped says that somebody above had enough before the node's end.
	stopped atomic.Bool
	extra   map[string]string
}

func (r *run) meter(n physical.Node) *meter {
	id := n.Head().ID
	m := r.meters[id]
	if m == nil {
		m = &meter{node: n}
		r.meters[id] = m
	}
	return m
}

// meteredSink counts what a node pushes into the next sink.
type meteredSink struct {
	m    *meter
	next sink
	labels
}

// metered returns a sink that counts n's output before handing it on to t.
func (r *run) metered(n physical.Node, t target) sink {
	s := &meteredSink{m: r.meter(n), next: t.sink, labels: labels{run: r}}
	to := t.sinkID
	if len(t.through) > 0 {
		to = t.through[0]
	}
	if m := r.meters[to]; m != nil {
		s.consumer = m.node
	}
	return s
}

func (s *meteredSink) push(worker int, b *vec.Batch) error {
	rows := b.Rows()
	if rows == 0 {
		return nil
	}
	first := s.m.rows.Add(uint64(rows)) == uint64(rows)
	start := time.Now()
	if first {
		err := s.next.push(worker, b)
		s.m.pushed.Add(time.Since(start).Nanoseconds())
		return err
	}
	made := s.consume(s.m.node)
	err := s.next.push(worker, b)
	pprof.SetGoroutineLabels(made.producer)
	s.m.pushed.Add(time.Since(start).Nanoseconds())
	return err
}

// hold measures work of a node between pipelines.
func (m *meter) hold(work func() error) error {
	start := time.Now()
	err := work()
	m.held.Add(time.Since(start).Nanoseconds())
	return err
}

// streams reports whether input i of a node is passed on as it comes, so that the time in the node's consumers is part of
// the time its input spent pushing.
func streams(n physical.Node, i int) bool {
	switch n.(type) {
	case *physical.Filter, *physical.Project, *physical.Limit, *physical.UnionAll, *physical.IndexJoin:
		return true
	case *physical.HashJoin, *physical.NestedLoopJoin:
		return i == 0
	case *physical.With:
		return i == len(n.Inputs())-1
	}
	return false
}

// stats takes the measurements apart.
func (r *run) stats() *Stats {
	s := &Stats{Rows: r.emitted.Load(), PeakBytes: r.memory.peak.Load(), Nodes: map[int]NodeStats{}}
	for id, m := range r.meters {
		self := m.source.Load() + m.held.Load()
		streaming := false
		for i, in := range m.node.Inputs() {
			if im := r.meters[in.Head().ID]; im != nil {
				self += im.pushed.Load()
				streaming = streaming || streams(m.node, i)
			}
		}
		if streaming {
			self -= m.pushed.Load()
		}
		s.Nodes[id] = NodeStats{Rows: m.rows.Load(), Complete: !m.stopped.Load(), ExaminedRows: m.examined.Load(),
			Bytes: m.bytes.Load(), Nanos: max(self, 0), Extra: m.extra}
	}
	s.Pipelines = r.pipelineStats()
	return s
}

// measured gives the measured counts to the decomposition.
type measured struct{ r *run }

func (c measured) Rows(n physical.Node) float64 {
	if m := c.r.meters[n.Head().ID]; m != nil {
		return float64(m.rows.Load())
	}
	return 0
}

func (c measured) Examined(n physical.Node) float64 {
	if m := c.r.meters[n.Head().ID]; m != nil {
		return float64(m.examined.Load())
	}
	return 0
}

// pipelineStats describes the pipelines that ran to their end. Those that did not say nothing of
// what their rows would have cost.
func (r *run) pipelineStats() []PipelineStats {
	parts := pipeline.Decompose(r.root, measured{r}, r.workers)
	if len(parts) == 0 || len(r.timings) > len(parts) {
		return nil
	}
	var out []PipelineStats
	for i, t := range r.timings {
		p := parts[i]
		if p.Source != t.source || p.Sink != t.sink || !t.complete || r.anyStopped(p.Nodes) {
			continue
		}
		p.Features.Parallelism = float64(t.workers)
		out = append(out, PipelineStats{Features: p.Features, SourceRows: p.Features.SourceRows,
			Nanos: t.nanos, Parallelism: t.workers})
	}
	return out
}

func (r *run) anyStopped(nodes []int) bool {
	for _, id := range nodes {
		if m := r.meters[id]; m != nil && m.stopped.Load() {
			return true
		}
	}
	return false
}
