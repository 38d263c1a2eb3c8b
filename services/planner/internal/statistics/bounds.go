package statistics

import (
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/services/planner/internal/relset"
)

// Bound lowers the upper bound of s1 ∪ s2 by what the split tells, where s1 and s2 have their bounds already. A join of a set
// with one relation has at most as many rows as the set times the relation's largest degree in the join key, or, binned by
// key value, the sum over the bins of what the rarer side allows (Z. Wu et al., "FactorJoin: A New Cardinality
// Estimation Framework for Join Queries", SIGMOD 2023; W. Cai, M. Balazinska, D. Suciu, "Pessimistic Cardinality Estimation", SIGMOD 2019).
// Outer joins keep their preserved side; semi, anti and mark joins never add rows.
func (j *Joins) Bound(s1, s2 relset.Set) {
	s := s1.Union(s2)
	u1, u2 := j.bound(s1), j.bound(s2)
	b := u1 * u2
	op := j.operatorAt(s1, s2)
	switch {
	case op != nil:
		left, right := s1, s2
		if op.Right.Intersects(s1) && !op.Right.Intersects(s2) {
			left, right = s2, s1
		}
		b = j.bound(left)
		if op.Kind < physical.JoinSemi {
			b *= max(1, min(j.bound(right), j.operatorDegree(op)))
		}
	default:
		if s2.Len() == 1 {
			b = min(b, u1*j.degree(s2.Min(), s1))
		}
		if s1.Len() == 1 {
			b = min(b, u2*j.degree(s1.Min(), s2))
		}
		if s1.Len() == 1 && s2.Len() == 1 {
			b = min(b, j.binned(s1.Min(), s2.Min()))
		}
	}
	if old, ok := j.upper[s]; !ok || b < old {
		j.upper[s] = b
		delete(j.memo, s)
	}
}

func (j *Joins) bound(s relset.Set) float64 {
	if s.Len() == 1 {
		r := j.rels[s.Min()]
		if r.Upper > 0 {
			return max(1, r.Upper)
		}
		return max(1, r.Rows)
	}
	if u, ok := j.upper[s]; ok {
		return max(1, u)
	}
	return max(1, j.formula(s)*1e3)
}

// operatorAt returns the operator that joins the two sets, nil for an inner join.
func (j *Joins) operatorAt(s1, s2 relset.Set) *Operator {
	s := s1.Union(s2)
	for _, o := range j.ops {
		if o.Needs.SubsetOf(s) && !o.Needs.SubsetOf(s1) && !o.Needs.SubsetOf(s2) {
			return o
		}
	}
	return nil
}

// operatorDegree is the most right rows that one left row can match.
func (j *Joins) operatorDegree(o *Operator) float64 {
	d := 1e30
	for _, k := range o.RightKeys {
		if c := j.q.columnOf(k); c != nil {
			d = min(d, columnDegree(c))
		}
	}
	return d
}

func columnDegree(c *Column) float64 {
	if c.Unique {
		return 1
	}
	if c.Rel == nil {
		return 1e30
	}
	return max(1, dist(c).most*max(c.Rel.Rows, c.Rel.BaseRows*min(1, c.Rel.Selectivity)))
}

// degree is the most rows of relation r that can match one row of the set s.
func (j *Joins) degree(r int, s relset.Set) float64 {
	d := j.bound(relset.Of(r))
	var ords []int
	for _, c := range j.classes {
		if !c.rels.Intersects(s) {
			continue
		}
		for _, m := range c.Members {
			if m.Rel == r {
				d = min(d, columnDegree(m.Col))
				if m.Col.Table != nil {
					ords = append(ords, m.Col.Ordinal)
				}
			}
		}
	}
	if t := j.rels[r].Table; t != nil && len(ords) > 1 {
		for _, ix := range append([]catalog.Index{t.Primary}, t.Indexes...) {
			if (ix.Unique || ix.ID == catalog.PrimaryIndex) && containsAll(ords, ix.Columns) {
				return 1
			}
		}
	}
	return d
}

// bins is the number of bins that the rarer values of a join key are cut into.
const bins = 32

// binned is the bound of the join of two relations from the distributions of their keys: every frequent value is a bin of
// its own, the others are cut by the histogram of one side.
func (j *Joins) binned(r1, r2 int) float64 {
	best := 1e30
	for _, c := range j.classes {
		var a, b *Column
		for _, m := range c.Members {
			if m.Rel == r1 {
				a = m.Col
			}
			if m.Rel == r2 {
				b = m.Col
			}
		}
		if a == nil || b == nil || a.Base == nil || b.Base == nil {
			continue
		}
		if _, ok := c.pair[relset.Of(r1, r2)]; !ok {
			c.pair[relset.Of(r1, r2)] = binnedPair(a, b)
		}
		best = min(best, c.pair[relset.Of(r1, r2)])
	}
	return best
}

func binnedPair(a, b *Column) float64 {
	da, db := dist(a), dist(b)
	na, nb := max(1, a.Rel.Upper, a.Rel.Rows), max(1, b.Rel.Upper, b.Rel.Rows)
	sum := 0.0
	for h, f := range da.frequent {
		sum += f * na * max(1, most(db, b, h, nb))
	}
	for h, f := range db.frequent {
		if _, both := da.frequent[h]; !both {
			sum += f * nb * max(1, rarest(da, a)*na)
		}
	}
	ma, mb := max(1, rarest(da, a)*na), max(1, rarest(db, b)*nb)
	h := a.Base.Histogram
	if len(h) < 2 || len(b.Base.Histogram) < 2 {
		return sum + min(da.rest*na*mb, db.rest*nb*ma)
	}
	step := max(1, (len(h)-1)/bins)
	for i := 0; i+1 < len(h); i += step {
		hi := min(i+step, len(h)-1)
		ca := da.rest * na * float64(hi-i) / float64(len(h)-1)
		cb := db.rest * nb * max(0, below(b.Base.Histogram, h[hi])-below(b.Base.Histogram, h[i]))
		sum += min(ca*mb, cb*ma)
	}
	return sum
}

// most is the largest count of one value that is frequent in the other side.
func most(d *keyDist, c *Column, h uint64, rows float64) float64 {
	if f, ok := d.frequent[h]; ok {
		return f * rows
	}
	return rarest(d, c) * rows
}

// rarest bounds the share of any value that is not among the frequent ones.
func rarest(d *keyDist, c *Column) float64 {
	if c.Unique {
		return 1 / max(1, c.Rel.BaseRows)
	}
	if len(d.frequent) == 0 {
		return min(1, 4*d.rest/d.restDistinct)
	}
	return d.least
}
