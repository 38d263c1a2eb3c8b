package exec

import (
	"context"
	"sync"

	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/vec"
)

// setOp intersects or subtracts whole rows by counting how often each comes on either side.
type setOp struct {
	run    *run
	node   *physical.SetOp
	meter  *meter
	mu     sync.Mutex
	groups *groups
	counts [2][]int64
	size   int
}

// setSide is one input of a setOp.
type setSide struct {
	op   *setOp
	side int
}

func (r *run) compileSetOp(n *physical.SetOp, t target) error {
	s := &setOp{run: r, node: n, meter: r.meter(n), groups: newGroups(schemaTypes(n.Schema))}
	for i, in := range []physical.Node{n.Right, n.Left} {
		if err := r.compile(in, end(n, &setSide{op: s, side: 1 - i}, false), every(len(n.Schema))); err != nil {
			return err
		}
	}
	var result *vec.Batch
	r.steps = append(r.steps, func(context.Context) error {
		return s.meter.hold(func() error {
			result = s.result()
			return nil
		})
	})
	r.addPipeline(n, &morsels{make: func() (*vec.Batch, error) { return result, nil }, rows: r.q.batchRows()}, t)
	return nil
}

func (s *setSide) push(_ int, b *vec.Batch) error {
	b = b.Compact()
	o := s.op
	o.mu.Lock()
	defer o.mu.Unlock()
	ids := o.groups.assign(b.Cols, b.Len, nil)
	for side := range o.counts {
		for len(o.counts[side]) < o.groups.n {
			o.counts[side] = append(o.counts[side], 0)
		}
	}
	for _, id := range ids {
		o.counts[s.side][id]++
	}
	size := o.groups.sizeBytes() + 16*o.groups.n
	delta := size - o.size
	o.size = size
	return o.run.memory.charge(delta)
}

// result returns each row as often as the operation says.
func (s *setOp) result() *vec.Batch {
	var at []int32
	for id := range s.groups.n {
		left, right := s.counts[0][id], s.counts[1][id]
		var times int64
		switch s.node.Kind {
		case physical.SetIntersect:
			times = min(left, right, 1)
		case physical.SetIntersectAll:
			times = min(left, right)
		case physical.SetExcept:
			if left > 0 && right == 0 {
				times = 1
			}
		case physical.SetExceptAll:
			times = max(left-right, 0)
		}
		for range times {
			at = append(at, int32(id))
		}
	}
	rows := s.groups.finish()
	out := &vec.Batch{Len: len(at), Cols: make([]*vec.Vector, len(rows))}
	gatherSome(out.Cols, rows, at, nil)
	return out
}
