package exec

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"sync"

	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// sorter keeps rows with their sort keys behind the columns.
type sorter struct {
	run     *run
	keys    []scalar
	order   []physical.SortKey
	types   []types.Type
	width   int
	meter   *meter
	collect *collector
}

func (r *run) newSorter(n, in physical.Node, keys []physical.SortKey) (*sorter, error) {
	ss, err := r.scalars(sortExprs(keys))
	if err != nil {
		return nil, err
	}
	s := &sorter{run: r, keys: ss, order: keys, types: schemaTypes(in.Head().Schema), meter: r.meter(n), collect: newCollector(r, n)}
	s.width = len(s.types)
	for _, k := range keys {
		s.types = append(s.types, k.Expr.Type())
	}
	s.collect.grab = s.appendKeys
	return s, nil
}

func (s *sorter) appendKeys(b *vec.Batch) (*vec.Batch, error) {
	keys, err := evalAll(s.keys, b)
	if err != nil {
		return nil, err
	}
	b = b.Compact()
	return &vec.Batch{Cols: append(append([]*vec.Vector(nil), b.Cols...), keys...), Len: b.Len}, nil
}

// sorted returns rows lo to hi of the order, hi negative for all, with their keys.
func (s *sorter) sorted(lo, hi int) (*vec.Batch, error) {
	b, err := s.collect.concat(s.types)
	if err != nil {
		return nil, err
	}
	at := sortedRows(b.Cols[s.width:], s.order, b.Len)
	if hi < 0 || hi > len(at) {
		hi = len(at)
	}
	at = at[min(lo, hi):hi]
	out := &vec.Batch{Len: len(at), Cols: make([]*vec.Vector, len(b.Cols))}
	gatherSome(out.Cols, b.Cols, at, nil)
	return out, nil
}

// sortedRows returns the positions of n rows in the order of their key columns.
func sortedRows(keys []*vec.Vector, order []physical.SortKey, n int) []int32 {
	type entry struct {
		prefix uint64
		row    int32
	}
	var arena []byte
	ends := make([]int, n+1)
	rows := make([]entry, n)
	for i := range n {
		for k, c := range keys {
			arena = compute.AppendSortKey(arena, c, i, order[k].Desc, order[k].NullsFirst)
		}
		ends[i+1] = len(arena)
		var head [8]byte
		copy(head[:], arena[ends[i]:])
		rows[i] = entry{binary.BigEndian.Uint64(head[:]), int32(i)}
	}
	slices.SortFunc(rows, func(a, b entry) int {
		if a.prefix != b.prefix {
			if a.prefix < b.prefix {
				return -1
			}
			return 1
		}
		return bytes.Compare(arena[ends[a.row]:ends[a.row+1]], arena[ends[b.row]:ends[b.row+1]])
	})
	out := make([]int32, n)
	for i, e := range rows {
		out[i] = e.row
	}
	return out
}

func (r *run) compileSort(n *physical.Sort, t target, need []bool) error {
	s, err := r.newSorter(n, n.Input, n.Keys)
	if err != nil {
		return err
	}
	if err := r.compile(n.Input, end(n, s.collect, false), needs(s.width, need, sortExprs(n.Keys)...)); err != nil {
		return err
	}
	r.addSorted(n, t, func() (*vec.Batch, error) { return s.sorted(0, -1) }, s.width)
	return nil
}

// addSorted adds the pipeline that gives an ordered batch's first width columns, to one worker.
func (r *run) addSorted(n physical.Node, t target, sorted func() (*vec.Batch, error), width int) {
	var result *vec.Batch
	r.steps = append(r.steps, func(context.Context) error {
		return r.meter(n).hold(func() (err error) {
			result, err = sorted()
			return err
		})
	})
	t.serial = true
	r.addPipeline(n, &morsels{make: func() (*vec.Batch, error) {
		return &vec.Batch{Len: result.Len, Cols: result.Cols[:width]}, nil
	}, rows: r.q.batchRows()}, t)
}

// topK keeps the first rows of an order, and from time to time forgets the others.
type topK struct {
	*sorter
	node          *physical.TopK
	mu            sync.Mutex
	ready         bool
	count, offset int64
}

func (r *run) compileTopK(n *physical.TopK, t target, need []bool) error {
	s, err := r.newSorter(n, n.Input, n.Keys)
	if err != nil {
		return err
	}
	k := &topK{sorter: s, node: n}
	if err := r.compile(n.Input, end(n, k, false), needs(s.width, need, sortExprs(n.Keys)...)); err != nil {
		return err
	}
	r.addSorted(n, t, k.result, s.width)
	return nil
}

func (k *topK) prepare() (err error) {
	if !k.ready {
		k.count, k.offset, err = k.run.limits(k.node.Count, k.node.Offset)
		k.ready = err == nil
	}
	return err
}

func (k *topK) push(_ int, b *vec.Batch) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.prepare(); err != nil {
		return err
	}
	if err := k.collect.push(0, b); err != nil || k.count < 0 {
		return err
	}
	keep := k.count + k.offset
	if rows := int64(k.collect.rows()); rows < 4*keep+int64(k.run.q.batchRows()) {
		return nil
	}
	before := 0
	for _, b := range k.collect.parts[0] {
		before += b.SizeBytes()
	}
	best, err := k.sorted(0, int(keep))
	if err != nil {
		return err
	}
	k.collect.parts[0] = []*vec.Batch{best}
	return k.run.memory.charge(best.SizeBytes() - before)
}

func (k *topK) result() (*vec.Batch, error) {
	if err := k.prepare(); err != nil {
		return nil, err
	}
	if k.count < 0 {
		return k.sorted(int(k.offset), -1)
	}
	return k.sorted(int(k.offset), int(k.offset+k.count))
}
