package exec

import (
	"context"

	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// runtimeFilterFPR is the share of false positives of the filters that joins send to scans.
const runtimeFilterFPR = 0.02

// hashJoin is a hash join: the right input builds, the left one probes.
type hashJoin struct {
	run       *run
	node      *physical.HashJoin
	meter     *meter
	build     *collector
	table     joinTable
	leftKeys  []scalar
	rightKeys []scalar
	residual  predicate
	// leftNeed and rightNeed say which columns come out; pairNeed what the residual reads, over left and right columns.
	leftNeed, rightNeed, pairNeed []bool
	leftWidth                     int
	out                           sink
	workers                       []probeState
	// marked has, for right and full joins, the build rows that found a match, one set for each worker.
	marked [][]bool
}

// probeState is what one worker needs again and again.
type probeState struct {
	pairs   pairs
	matched []bool
}

func (r *run) compileHashJoin(n *physical.HashJoin, t target, need []bool) error {
	l, w := len(n.Left.Head().Schema), len(n.Right.Head().Schema)
	j := &hashJoin{run: r, node: n, meter: r.meter(n), leftWidth: l, out: r.metered(n, t),
		workers: make([]probeState, r.workers), leftNeed: need[:l], rightNeed: make([]bool, w)}
	if len(need) == l+w && n.Kind != physical.JoinMark {
		j.rightNeed = need[l:]
	}
	j.pairNeed = needs(l+w, nil, n.Residual)
	var err error
	if j.leftKeys, err = r.scalars(n.LeftKeys); err != nil {
		return err
	}
	if j.rightKeys, err = r.scalars(n.RightKeys); err != nil {
		return err
	}
	if j.residual, err = r.predicate(n.Residual); err != nil {
		return err
	}
	j.build = newCollector(r, n)
	j.build.grab = j.appendKeys
	rightAll := needs(w, or(j.rightNeed, j.pairNeed[l:]), n.RightKeys...)
	if err := r.compile(n.Right, end(n, j.build, false), rightAll); err != nil {
		return err
	}
	r.steps = append(r.steps, func(context.Context) error { return j.meter.hold(j.finishBuild) })
	leftAll := needs(l, or(j.leftNeed, j.pairNeed[:l]), n.LeftKeys...)
	if err := r.input(n, n.Left, j, t, leftAll); err != nil {
		return err
	}
	if n.Kind == physical.JoinRight || n.Kind == physical.JoinFull {
		j.marked = make([][]bool, r.workers)
		r.addPipeline(n, &morsels{make: j.unmatched, rows: r.q.batchRows()}, target{sink: t.sink, serial: t.serial,
			sinkID: t.sinkID, through: t.through})
	}
	return nil
}

func or(a, b []bool) []bool {
	out := make([]bool, len(a))
	for i := range out {
		out[i] = a[i] || b[i]
	}
	return out
}

// appendKeys puts the key columns behind the columns of a build batch.
func (j *hashJoin) appendKeys(b *vec.Batch) (*vec.Batch, error) {
	keys, err := evalAll(j.rightKeys, b)
	if err != nil {
		return nil, err
	}
	b = b.Compact()
	return &vec.Batch{Cols: append(append([]*vec.Vector(nil), b.Cols...), keys...), Len: b.Len}, nil
}

func (j *hashJoin) finishBuild() error {
	ts := schemaTypes(j.node.Right.Head().Schema)
	w := len(ts)
	for _, k := range j.node.RightKeys {
		ts = append(ts, k.Type())
	}
	all, err := j.build.concat(ts)
	if err != nil {
		return err
	}
	j.table.build(&vec.Batch{Cols: all.Cols[:w], Len: all.Len}, all.Cols[w:], j.node.NullSafe)
	if err := j.run.memory.charge(j.table.sizeBytes()); err != nil {
		return err
	}
	if j.node.FilterID > 0 && j.run.q.RuntimeFilters {
		j.run.filters[j.node.FilterID] = j.table.filter(runtimeFilterFPR)
	}
	return nil
}

func (j *hashJoin) push(worker int, b *vec.Batch) error {
	keys, err := evalAll(j.leftKeys, b)
	if err != nil {
		return err
	}
	n := b.Rows()
	p := &probe{join: j, worker: worker, batch: b, keys: keys, state: &j.workers[worker]}
	p.state.matched = grow(p.state.matched, n)
	clear(p.state.matched)
	hashes := hashRows(keys, n)
	valid := matchable(keys, j.node.NullSafe, n)
	limit := j.run.q.batchRows()
	t, ps := &j.table, &p.state.pairs
	ps.reset()
	for i := range n {
		if !valid.Valid(i) {
			continue
		}
		h := hashes[i]
		for at := t.heads[h&t.mask]; at != 0; at = t.next[at-1] {
			if t.hashes[at-1] != h {
				continue
			}
			ps.left, ps.right = append(ps.left, int32(i)), append(ps.right, at-1)
			if len(ps.left) >= limit {
				if err := p.flush(i); err != nil {
					return err
				}
			}
		}
	}
	return p.finish(n, valid)
}

// probe is one batch on its way through the join.
type probe struct {
	join   *hashJoin
	worker int
	batch  *vec.Batch
	keys   []*vec.Vector
	state  *probeState
	// passed is the first left row whose outcome has not been emitted (left and full joins).
	passed int
}

// flush checks the candidate pairs and emits what they make. Rows before upTo have no further candidates.
func (p *probe) flush(upTo int) error {
	j, ps := p.join, &p.state.pairs
	ps.keepEqual(p.keys, j.table.keys, j.node.NullSafe)
	if err := p.applyResidual(); err != nil {
		return err
	}
	for _, l := range ps.left {
		p.state.matched[l] = true
	}
	err := p.emit(upTo)
	ps.reset()
	return err
}

func (p *probe) applyResidual() error {
	j, ps := p.join, &p.state.pairs
	if j.residual.prog == nil || len(ps.left) == 0 {
		return nil
	}
	b := &vec.Batch{Len: len(ps.left), Cols: make([]*vec.Vector, len(j.pairNeed))}
	gatherSome(b.Cols[:j.leftWidth], p.batch.Cols, positions(p.batch, ps.left), j.pairNeed[:j.leftWidth])
	gatherSome(b.Cols[j.leftWidth:], j.table.rows.Cols, ps.right, j.pairNeed[j.leftWidth:])
	b, err := j.residual.filter(b)
	if err != nil || b.Sel == nil {
		return err
	}
	ps.keepSelected(b.Sel)
	return nil
}

// emit pushes the pairs for the kinds that give pairs; the others wait for finish.
func (p *probe) emit(upTo int) error {
	j, ps := p.join, &p.state.pairs
	left, right := ps.left, ps.right
	switch j.node.Kind {
	case physical.JoinInner:
	case physical.JoinRight:
		p.mark()
	case physical.JoinFull:
		p.mark()
		left, right = p.padLeft(upTo)
	case physical.JoinLeft:
		left, right = p.padLeft(upTo)
	default:
		return nil
	}
	if len(left) == 0 {
		return nil
	}
	out := &vec.Batch{Len: len(left), Cols: make([]*vec.Vector, j.leftWidth+len(j.rightNeed))}
	gatherSome(out.Cols[:j.leftWidth], p.batch.Cols, positions(p.batch, left), j.leftNeed)
	gatherSome(out.Cols[j.leftWidth:], j.table.rows.Cols, right, j.rightNeed)
	return j.out.push(p.worker, out)
}

// padLeft returns the pairs with a pair (row, -1) for each row before upTo that never matched, in the order of
// the left rows.
func (p *probe) padLeft(upTo int) (left, right []int32) {
	ps := &p.state.pairs
	at := 0
	for i := p.passed; i < upTo; i++ {
		for ; at < len(ps.left) && int(ps.left[at]) <= i; at++ {
			left, right = append(left, ps.left[at]), append(right, ps.right[at])
		}
		if !p.state.matched[i] {
			left, right = append(left, int32(i)), append(right, -1)
		}
	}
	p.passed = max(p.passed, upTo)
	return append(left, ps.left[at:]...), append(right, ps.right[at:]...)
}

func (p *probe) mark() {
	j := p.join
	if j.marked[p.worker] == nil {
		j.marked[p.worker] = make([]bool, j.table.rows.Len)
	}
	for _, r := range p.state.pairs.right {
		j.marked[p.worker][r] = true
	}
}

// finish flushes the last pairs and emits for the kinds that give left rows only.
func (p *probe) finish(n int, valid vec.Bitmap) error {
	if err := p.flush(n); err != nil {
		return err
	}
	j, matched := p.join, p.state.matched[:n]
	switch j.node.Kind {
	case physical.JoinSemi, physical.JoinAnti:
		want := j.node.Kind == physical.JoinSemi
		var sel []int32
		for i, m := range matched {
			if m == want {
				sel = append(sel, int32(p.batch.Row(i)))
			}
		}
		if len(sel) == 0 {
			return nil
		}
		return j.out.push(p.worker, &vec.Batch{Cols: p.batch.Cols, Sel: sel, Len: p.batch.Len})
	case physical.JoinMark:
		return j.out.push(p.worker, withMark(p.batch, matched, func(i int) bool {
			return j.table.rows.Len > 0 && (j.table.hasNull || !valid.Valid(i))
		}))
	}
	return nil
}

// withMark returns the live rows of b with a column that is true where matched, NULL where open says so, else false.
func withMark(b *vec.Batch, matched []bool, open func(i int) bool) *vec.Batch {
	mark := vec.NewBuilder(types.Of(types.Bool), len(matched))
	for i, m := range matched {
		if !m && open(i) {
			mark.AppendNull()
		} else {
			mark.AppendBool(m)
		}
	}
	b = b.Compact()
	return &vec.Batch{Cols: append(append([]*vec.Vector(nil), b.Cols...), mark.Finish()), Len: b.Len}
}

// unmatched returns the build rows without a match, beside NULLs for the left columns.
func (j *hashJoin) unmatched() (*vec.Batch, error) {
	rows := j.table.rows
	var sel []int32
	for i := range rows.Len {
		hit := false
		for _, m := range j.marked {
			hit = hit || (m != nil && m[i])
		}
		if !hit {
			sel = append(sel, int32(i))
		}
	}
	out := &vec.Batch{Len: len(sel), Cols: make([]*vec.Vector, j.leftWidth+len(rows.Cols))}
	for i, f := range j.node.Left.Head().Schema {
		if j.leftNeed[i] {
			out.Cols[i] = vec.Nulls(f.Type, len(sel))
		}
	}
	gatherSome(out.Cols[j.leftWidth:], rows.Cols, sel, j.rightNeed)
	return out, nil
}
