package stats

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// slot is a sampled row and the place at which it came by.
type slot struct {
	at    int64
	row   []types.Datum
	bytes int
}

// datumBytes is what a datum takes, roughly, beside its text.
const datumBytes = 64

// reservoir is a uniform sample without replacement: algorithm L of Li, "Reservoir-Sampling Algorithms of Time Complexity
// O(n(1+log(N/n)))", 1994, which computes how many rows to pass over.
type reservoir struct {
	limit    int
	maxBytes int
	bytes    int
	slots    []slot
	rnd      *rand.Rand
	// next is the place of the row to take next and w the algorithm's state, once the reservoir is full.
	next int64
	w    float64
}

// observe offers the rows of a dense batch, the first of which came by at place base.
func (r *reservoir) observe(b *vec.Batch, base int64) {
	i := 0
	for ; i < b.Len && len(r.slots) < r.limit; i++ {
		r.add(b, i, base+int64(i))
		if len(r.slots) == r.limit {
			r.w = 1
			r.skip(base + int64(i))
		}
	}
	if len(r.slots) < r.limit {
		return
	}
	for r.next < base+int64(b.Len) {
		if r.next >= base+int64(i) {
			victim := r.rnd.IntN(len(r.slots))
			r.bytes -= r.slots[victim].bytes
			r.slots[victim] = r.slots[len(r.slots)-1]
			r.slots = r.slots[:len(r.slots)-1]
			r.add(b, int(r.next-base), r.next)
		}
		r.skip(r.next)
	}
}

func (r *reservoir) skip(from int64) {
	r.w *= math.Exp(math.Log(1-r.rnd.Float64()) / float64(r.limit))
	gap := math.Log(1-r.rnd.Float64()) / math.Log(1-r.w)
	r.next = from + 1 + int64(min(math.Floor(gap), 1e15))
}

// add takes a row, and makes the reservoir smaller when it holds too many bytes: a random part of a uniform sample is one.
func (r *reservoir) add(b *vec.Batch, i int, at int64) {
	s := slot{at: at, row: make([]types.Datum, len(b.Cols))}
	for c, v := range b.Cols {
		s.row[c] = v.DatumAt(i)
		s.bytes += datumBytes + len(s.row[c].Str())
	}
	r.slots = append(r.slots, s)
	r.bytes += s.bytes
	if r.bytes <= r.maxBytes || len(r.slots) == 1 {
		return
	}
	if len(r.slots) < r.limit {
		// All rows so far are in; from here on it is full.
		r.limit = len(r.slots)
		return
	}
	for r.bytes > r.maxBytes && len(r.slots) > 1 {
		victim := r.rnd.IntN(len(r.slots))
		r.bytes -= r.slots[victim].bytes
		r.slots[victim] = r.slots[len(r.slots)-1]
		r.slots = r.slots[:len(r.slots)-1]
	}
	r.limit = len(r.slots)
}

// merge draws from both samples as from the n and m rows behind them.
func (r *reservoir) merge(o *reservoir, n, m int64) {
	limit := min(r.limit, o.limit)
	if int64(len(r.slots)) == n && int64(len(o.slots)) == m {
		limit = max(r.limit, o.limit)
	}
	limit = min(limit, len(r.slots)+len(o.slots))
	mine, theirs := r.slots, o.slots
	a, b := float64(n), float64(m)
	r.slots, r.bytes = nil, 0
	take := func(from []slot, shift int64) []slot {
		i := r.rnd.IntN(len(from))
		s := from[i]
		s.at += shift
		r.slots = append(r.slots, s)
		r.bytes += s.bytes
		from[i] = from[len(from)-1]
		return from[:len(from)-1]
	}
	for len(r.slots) < limit && r.bytes < r.maxBytes && len(mine)+len(theirs) > 0 {
		if len(theirs) == 0 || len(mine) > 0 && r.rnd.Float64()*(a+b) < a {
			mine = take(mine, 0)
			a--
		} else {
			theirs = take(theirs, n)
			b--
		}
	}
	if int64(len(r.slots)) == n+m && len(r.slots) < r.limit {
		return
	}
	r.limit = max(len(r.slots), 1)
	// The state's expectation after so many rows.
	r.w = float64(r.limit) / float64(n+m+1)
	r.skip(n + m - 1)
}

// ordered returns the rows in the order in which they came by.
func (r *reservoir) ordered() []slot {
	s := slices.Clone(r.slots)
	slices.SortFunc(s, func(a, b slot) int { return cmp.Compare(a.at, b.at) })
	return s
}

func (r *reservoir) batch(columns []types.Type, slots []slot) *vec.Batch {
	b := &vec.Batch{Len: len(slots), Cols: make([]*vec.Vector, len(columns))}
	for c, t := range columns {
		out := vec.NewBuilder(t, len(slots))
		for i := range slots {
			out.AppendDatum(slots[i].row[c])
		}
		b.Cols[c] = out.Finish()
	}
	return b
}
