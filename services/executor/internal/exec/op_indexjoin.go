package exec

import (
	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/keys"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/vec"
)

// indexJoin looks the matches of each batch up in an index, one request for a batch.
type indexJoin struct {
	run            *run
	node           *physical.IndexJoin
	meter          *meter
	keys           []scalar
	residual       predicate
	need, pairNeed []bool
	leftWidth      int
	out            sink
}

func (r *run) compileIndexJoin(n *physical.IndexJoin, t target, need []bool) error {
	if n.Kind == physical.JoinRight || n.Kind == physical.JoinFull || n.Kind == physical.JoinMark {
		return unsupported(n)
	}
	l := len(n.Input.Head().Schema)
	all := l + len(n.Columns)
	j := &indexJoin{run: r, node: n, meter: r.meter(n), leftWidth: l, need: make([]bool, all),
		pairNeed: needs(all, nil, n.Residual), out: r.metered(n, t)}
	copy(j.need, need)
	var err error
	if j.keys, err = r.scalars(n.Keys); err != nil {
		return err
	}
	if j.residual, err = r.predicate(n.Residual); err != nil {
		return err
	}
	return r.input(n, n.Input, j, t, needs(l, or(j.need[:l], j.pairNeed[:l]), n.Keys...))
}

// lookup is the distinct keys of a batch and the rows that have each.
type lookup struct {
	keys [][]byte
	// first has, for each key, the first row with it, next the row after each row, -1 at the end.
	first, next []int32
}

func (j *indexJoin) push(worker int, b *vec.Batch) error {
	b = b.Compact()
	cols, err := evalAll(j.keys, b)
	if err != nil {
		return err
	}
	l := j.distinct(cols, b.Len)
	var found *access.Found
	if len(l.keys) > 0 {
		q := j.run.q
		req := &access.Lookup{Snapshot: q.Snapshot, Table: access.TableVersion{ID: j.node.Table.ID, Version: j.node.Table.Version},
			Index: j.node.Index, Keys: l.keys, Columns: j.node.Columns, Filter: j.node.Filter, Params: q.Params}
		if q.Env != nil {
			req.Zone = q.Env.Location
		}
		if found, err = q.Store.Lookup(j.run.ctx, req); err != nil {
			return err
		}
		j.meter.examined.Add(uint64(found.Batch.Rows()))
		j.meter.bytes.Add(uint64(found.Batch.SizeBytes()))
	}
	return j.join(worker, b, l, found)
}

// distinct encodes the keys of the rows, each key once; rows with a NULL in their key have none.
func (j *indexJoin) distinct(cols []*vec.Vector, n int) *lookup {
	l := &lookup{next: make([]int32, n)}
	prefix := keys.IndexPrefix(j.node.Table.ID, j.node.Index)
	seen := make(map[string]int32, n)
	var buf []byte
	for i := n - 1; i >= 0; i-- {
		if anyNull(cols, i) {
			continue
		}
		buf = append(buf[:0], prefix...)
		for c, col := range cols {
			buf = keys.AppendAt(buf, col, i, j.node.Descends(c))
		}
		k, ok := seen[string(buf)]
		if !ok {
			k = int32(len(l.keys))
			key := append([]byte(nil), buf...)
			seen[string(key)] = k
			l.keys, l.first = append(l.keys, key), append(l.first, -1)
		}
		l.next[i], l.first[k] = l.first[k], int32(i)
	}
	return l
}

func anyNull(cols []*vec.Vector, i int) bool {
	for _, c := range cols {
		if c.IsNull(i) {
			return true
		}
	}
	return false
}

// join pairs the rows of b with what was found.
func (j *indexJoin) join(worker int, b *vec.Batch, l *lookup, found *access.Found) error {
	matches := make([][]int32, b.Len)
	if found != nil {
		rows := found.Batch.Compact()
		found = &access.Found{Batch: rows, Key: found.Key}
		for r, k := range found.Key {
			for i := l.first[k]; i >= 0; i = l.next[i] {
				matches[i] = append(matches[i], int32(r))
			}
		}
	}
	var left, right []int32
	step := j.run.q.batchRows()
	lo := 0
	for i := range matches {
		for _, r := range matches[i] {
			left, right = append(left, int32(i)), append(right, r)
		}
		if len(left) >= step || i == len(matches)-1 {
			if err := j.emit(worker, b, found, left, right, lo, i+1); err != nil {
				return err
			}
			left, right, lo = left[:0], right[:0], i+1
		}
	}
	return nil
}

// emit checks the pairs of left rows lo to hi and pushes what they make.
func (j *indexJoin) emit(worker int, b *vec.Batch, found *access.Found, left, right []int32, lo, hi int) error {
	if j.residual.prog != nil && len(left) > 0 {
		pb := &vec.Batch{Len: len(left), Cols: make([]*vec.Vector, len(j.pairNeed))}
		gatherSome(pb.Cols[:j.leftWidth], b.Cols, left, j.pairNeed[:j.leftWidth])
		gatherSome(pb.Cols[j.leftWidth:], found.Batch.Cols, right, j.pairNeed[j.leftWidth:])
		pb, err := j.residual.filter(pb)
		if err != nil {
			return err
		}
		if pb.Sel != nil {
			p := pairs{left: left, right: right}
			p.keepSelected(pb.Sel)
			left, right = p.left, p.right
		}
	}
	matched := make([]bool, hi-lo)
	for _, l := range left {
		matched[int(l)-lo] = true
	}
	switch j.node.Kind {
	case physical.JoinSemi, physical.JoinAnti:
		var sel []int32
		for i, m := range matched {
			if m == (j.node.Kind == physical.JoinSemi) {
				sel = append(sel, int32(lo+i))
			}
		}
		if len(sel) == 0 {
			return nil
		}
		return j.out.push(worker, &vec.Batch{Cols: b.Cols, Sel: sel, Len: b.Len})
	case physical.JoinLeft:
		p := probe{state: &probeState{matched: make([]bool, hi)}, passed: lo}
		copy(p.state.matched[lo:], matched)
		p.state.pairs = pairs{left: left, right: right}
		left, right = p.padLeft(hi)
	}
	if len(left) == 0 {
		return nil
	}
	out := &vec.Batch{Len: len(left), Cols: make([]*vec.Vector, len(j.need))}
	gatherSome(out.Cols[:j.leftWidth], b.Cols, left, j.need[:j.leftWidth])
	switch {
	case found != nil:
		gatherSome(out.Cols[j.leftWidth:], found.Batch.Cols, right, j.need[j.leftWidth:])
	default:
		for i, f := range j.node.Schema[j.leftWidth:] {
			if j.need[j.leftWidth+i] {
				out.Cols[j.leftWidth+i] = vec.Nulls(f.Type, len(right))
			}
		}
	}
	return j.out.push(worker, out)
}
