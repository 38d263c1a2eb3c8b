package exec

import (
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/vec"
)

// nestedLoop joins on any condition: every left row meets every right row.
type nestedLoop struct {
	run                 *run
	node                *physical.NestedLoopJoin
	inner               *collector
	on                  scalar
	hasOn               bool
	need, pairNeed      []bool
	leftWidth, allWidth int
	out                 sink
}

func (r *run) compileNestedLoop(n *physical.NestedLoopJoin, t target, need []bool) error {
	if n.Kind == physical.JoinRight || n.Kind == physical.JoinFull {
		return unsupported(n)
	}
	l, w := len(n.Left.Head().Schema), len(n.Right.Head().Schema)
	j := &nestedLoop{run: r, node: n, leftWidth: l, allWidth: l + w, need: make([]bool, l+w), out: r.metered(n, t)}
	copy(j.need, need[:l])
	if n.Kind == physical.JoinInner || n.Kind == physical.JoinLeft {
		copy(j.need, need)
	}
	j.pairNeed = needs(l+w, nil, n.On)
	if n.On != nil {
		var err error
		if j.on, err = r.scalar(n.On); err != nil {
			return err
		}
		j.hasOn = true
	}
	j.inner = newCollector(r, n)
	if err := r.compile(n.Right, end(n, j.inner, false), or(j.need[l:], j.pairNeed[l:])); err != nil {
		return err
	}
	return r.input(n, n.Left, j, t, or(j.need[:l], j.pairNeed[:l]))
}

// crossing is one left batch on its way through the join.
type crossing struct {
	j      *nestedLoop
	worker int
	left   *vec.Batch
	// matched and open tell, for each left row, whether some pair was true, or NULL.
	matched, open []bool
}

func (j *nestedLoop) push(worker int, b *vec.Batch) error {
	b = b.Compact()
	c := &crossing{j: j, worker: worker, left: b, matched: make([]bool, b.Len), open: make([]bool, b.Len)}
	inner, _ := j.inner.list()
	step := j.run.q.batchRows()
	for lo := 0; lo < b.Len; {
		if err := j.run.ctx.Err(); err != nil {
			return err
		}
		hi := lo + 1
		for _, r := range inner {
			// As many left rows at once as fill a batch with this inner one.
			hi = max(hi, min(b.Len, lo+step/max(r.Len, 1)))
			break
		}
		for _, r := range inner {
			if err := c.cross(lo, hi, r, step); err != nil {
				return err
			}
		}
		if j.node.Kind == physical.JoinLeft {
			if err := c.padLeft(lo, hi); err != nil {
				return err
			}
		}
		lo = hi
	}
	return c.finish()
}

// cross joins left rows lo to hi with an inner batch, in pieces of at most step pairs or one left row.
func (c *crossing) cross(lo, hi int, inner *vec.Batch, step int) error {
	left, right := make([]int32, 0, step), make([]int32, 0, step)
	for i := lo; i < hi; i++ {
		if c.settled(i) {
			continue
		}
		for k := range inner.Len {
			left, right = append(left, int32(i)), append(right, int32(k))
			if len(left) >= step {
				if err := c.pairs(left, right, inner); err != nil {
					return err
				}
				left, right = left[:0], right[:0]
				if c.settled(i) {
					break
				}
			}
		}
	}
	if len(left) == 0 {
		return nil
	}
	return c.pairs(left, right, inner)
}

// settled reports whether a left row's outcome cannot change any more.
func (c *crossing) settled(i int) bool {
	switch c.j.node.Kind {
	case physical.JoinSemi, physical.JoinAnti, physical.JoinMark:
		return c.matched[i]
	}
	return false
}

// pairs evaluates the condition on pairs of rows and emits those for which it is true.
func (c *crossing) pairs(left, right []int32, inner *vec.Batch) error {
	j := c.j
	if j.hasOn {
		b := &vec.Batch{Len: len(left), Cols: make([]*vec.Vector, j.allWidth)}
		gatherSome(b.Cols[:j.leftWidth], c.left.Cols, left, j.pairNeed[:j.leftWidth])
		gatherSome(b.Cols[j.leftWidth:], inner.Cols, right, j.pairNeed[j.leftWidth:])
		cond, err := j.on.eval(b)
		if err != nil {
			return err
		}
		left, right = c.judge(cond, left, right)
	} else {
		for _, l := range left {
			c.matched[l] = true
		}
	}
	if len(left) == 0 || (j.node.Kind != physical.JoinInner && j.node.Kind != physical.JoinLeft) {
		return nil
	}
	out := &vec.Batch{Len: len(left), Cols: make([]*vec.Vector, j.allWidth)}
	gatherSome(out.Cols[:j.leftWidth], c.left.Cols, left, j.need[:j.leftWidth])
	gatherSome(out.Cols[j.leftWidth:], inner.Cols, right, j.need[j.leftWidth:])
	return j.out.push(c.worker, out)
}

// judge notes the outcomes and returns the pairs for which the condition is true.
func (c *crossing) judge(cond *vec.Vector, left, right []int32) (l, r []int32) {
	v := vec.Values[uint8](cond)
	for i := range left {
		switch {
		case cond.IsNull(i):
			c.open[left[i]] = true
		case v[i] != 0:
			c.matched[left[i]] = true
			l, r = append(l, left[i]), append(r, right[i])
		}
	}
	return l, r
}

// padLeft emits the left rows lo to hi without a match, beside NULLs.
func (c *crossing) padLeft(lo, hi int) error {
	var at []int32
	for i := lo; i < hi; i++ {
		if !c.matched[i] {
			at = append(at, int32(i))
		}
	}
	if len(at) == 0 {
		return nil
	}
	j := c.j
	out := &vec.Batch{Len: len(at), Cols: make([]*vec.Vector, j.allWidth)}
	gatherSome(out.Cols[:j.leftWidth], c.left.Cols, at, j.need[:j.leftWidth])
	for i, f := range j.node.Right.Head().Schema {
		if j.need[j.leftWidth+i] {
			out.Cols[j.leftWidth+i] = vec.Nulls(f.Type, len(at))
		}
	}
	return j.out.push(c.worker, out)
}

// finish emits for the kinds that give left rows only.
func (c *crossing) finish() error {
	switch kind := c.j.node.Kind; kind {
	case physical.JoinSemi, physical.JoinAnti:
		var sel []int32
		for i, m := range c.matched {
			if m == (kind == physical.JoinSemi) {
				sel = append(sel, int32(i))
			}
		}
		if len(sel) == 0 {
			return nil
		}
		return c.j.out.push(c.worker, &vec.Batch{Cols: c.left.Cols, Sel: sel, Len: c.left.Len})
	case physical.JoinMark:
		return c.j.out.push(c.worker, withMark(c.left, c.matched, func(i int) bool { return c.open[i] }))
	}
	return nil
}
