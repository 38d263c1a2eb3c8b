package enumerate

import (
	"math"

	"github.com/attunedb/attune/services/planner/internal/relset"
)

// linearLimit is the number of leaves up to which a greedy order is improved by dynamic programming over its intervals.
const linearLimit = 100

// greedy fills the table for blocks that are too large to enumerate: operator ordering by smallest result (L. Fegaras, "A New
// Heuristic for Optimizing Large Queries", DEXA 1998), then dynamic programming over the intervals of the order found (T. Neumann,
// B. Radke, "Adaptive Optimization of Very Large Join Queries", SIGMOD 2018, §4).
func (v *solver) greedy() error {
	parts := make([]relset.Set, len(v.b.Leaves))
	for i := range parts {
		parts[i] = relset.Of(i)
	}
	steps := make(map[Pair]*step)
	at := func(s1, s2 relset.Set) *step {
		p := Pair{s1, s2}
		st, ok := steps[p]
		if !ok {
			if st, ok = v.b.step(s1, s2); !ok {
				st = nil
			}
			steps[p] = st
		}
		return st
	}
	order := make(map[relset.Set][]int)
	made := make(map[relset.Set]bool)
	for i, p := range parts {
		order[p] = []int{i}
	}
	for len(parts) > 1 {
		bi, bj, low, linked := -1, -1, math.Inf(1), false
		for i := range parts {
			for j := i + 1; j < len(parts); j++ {
				st := at(parts[i], parts[j])
				if st == nil || linked && !st.connected() {
					continue
				}
				rows := v.rows(parts[i].Union(parts[j]))
				if st.connected() && !linked || rows < low {
					bi, bj, low, linked = i, j, rows, st.connected()
				}
			}
		}
		if bi < 0 {
			return ErrNoPlan
		}
		s1, s2 := parts[bi], parts[bj]
		v.join(at(s1, s2))
		s := s1.Union(s2)
		if len(v.table[s]) == 0 {
			return ErrNoPlan
		}
		order[s] = append(append([]int(nil), order[s1]...), order[s2]...)
		made[s] = true
		parts[bi] = s
		parts = append(parts[:bj], parts[bj+1:]...)
	}
	if len(v.b.Leaves) <= linearLimit {
		v.intervals(order[v.b.all], made)
	}
	return nil
}

// intervals joins every interval of the order in the best way; a cross product only where the greedy order has it.
func (v *solver) intervals(order []int, made map[relset.Set]bool) {
	n := len(order)
	sets := make([][]relset.Set, n)
	for i := range n {
		sets[i] = make([]relset.Set, n)
		var s relset.Set
		for j := i; j < n; j++ {
			s = s.With(order[j])
			sets[i][j] = s
		}
	}
	for size := 2; size <= n; size++ {
		for i := 0; i+size <= n; i++ {
			j := i + size - 1
			for k := i; k < j; k++ {
				s1, s2 := sets[i][k], sets[k+1][j]
				if len(v.table[s1]) == 0 || len(v.table[s2]) == 0 {
					continue
				}
				st, ok := v.b.step(s1, s2)
				if ok && (st.connected() || made[sets[i][j]]) {
					v.join(st)
				}
			}
		}
	}
}
