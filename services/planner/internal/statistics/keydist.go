package statistics

import (
	"github.com/attunedb/attune/engine/types"
)

// keyDist is how the values of a join key are spread over a leaf's rows.
type keyDist struct {
	// frequent are shares of single values, by hash; values keeps one datum for range checks.
	frequent map[uint64]float64
	values   map[uint64]types.Datum
	// rest is the share of all other values that are not NULL, restDistinct their number.
	rest, restDistinct float64
	// most is the largest share of one value, least the smallest of the frequent ones.
	most, least float64
	min, max    types.Datum
}

// share returns the expected share of one given value.
func (d *keyDist) share(h uint64, v types.Datum) float64 {
	if f, ok := d.frequent[h]; ok {
		return f
	}
	if !d.min.IsNull() && order(v, d.min) < 0 || !d.max.IsNull() && order(v, d.max) > 0 {
		return 0
	}
	return d.rest / max(1, d.restDistinct)
}

// within narrows a distribution to the range that the column's own predicates leave.
func (d *keyDist) within(c *Column) {
	for h, v := range d.values {
		if !c.own.has(v) {
			delete(d.frequent, h)
			delete(d.values, h)
			d.restDistinct--
			continue
		}
		d.frequent[h] = min(1, d.frequent[h]/c.ownShare)
	}
	d.rest = 1
	d.restDistinct = max(1, d.restDistinct*c.ownShare, float64(len(d.frequent)))
}

const (
	// conditionalHits is the number of sample rows from which on frequencies under the local predicates are read off the sample.
	conditionalHits = 100
	// priorWeight is how many sample rows the unconditional frequencies count for.
	priorWeight = 10
	// conditionalLimit is the most sample rows that are looked at, to bound the time of planning.
	conditionalLimit = 2048
	// seenOften is the number of sample rows that makes a value frequent.
	seenOften = 4
)

// dist returns the distribution of a column over its leaf's rows, under the leaf's local predicates when the sample can tell.
func dist(c *Column) *keyDist {
	if c.Rel != nil && c.Rel.dists != nil {
		if d := c.Rel.dists[c.Ordinal]; d != nil {
			return d
		}
	}
	if c.fixed != 0 {
		d := &keyDist{frequent: map[uint64]float64{c.fixed: 1}, values: map[uint64]types.Datum{c.fixed: {}}, most: 1, least: 1, restDistinct: 1}
		if c.Rel != nil && c.Rel.dists != nil {
			c.Rel.dists[c.Ordinal] = d
		}
		return d
	}
	key := sampleKey{}
	if r := c.Rel; r != nil && r.samples != nil && c.Table != nil {
		key = r.sampleKey
		key.columns = Combine(71, uint64(c.Ordinal))
		if d, ok := r.samples.get(key); ok {
			r.dists[c.Ordinal] = d.(*keyDist)
			return d.(*keyDist)
		}
	}
	d := &keyDist{frequent: make(map[uint64]float64), values: make(map[uint64]types.Datum)}
	d.rest, d.restDistinct = 1-c.NullFraction, max(1, c.Distinct)
	if c.Base != nil {
		d.min, d.max = c.Base.Min, c.Base.Max
		if c.Table != nil {
			for _, m := range c.Base.MostCommon {
				h := hashDatum(m.Value)
				d.frequent[h], d.values[h] = m.Frequency, m.Value
			}
		}
	}
	if c.ownShare > 0 && c.own != nil {
		d.within(c)
	}
	if r := c.Rel; r != nil && r.sampled && len(r.hits) >= conditionalHits && c.Table != nil && !c.Unique {
		condition(d, c, r)
	}
	d.least = 1
	for _, f := range d.frequent {
		d.rest -= f
		d.most, d.least = max(d.most, f), min(d.least, f)
	}
	d.rest = max(0, d.rest)
	d.restDistinct = max(1, d.restDistinct-float64(len(d.frequent)))
	d.most = max(d.most, d.rest/d.restDistinct)
	if c.Rel != nil && c.Rel.dists != nil {
		c.Rel.dists[c.Ordinal] = d
	}
	if key != (sampleKey{}) {
		c.Rel.samples.put(key, d)
	}
	return d
}

// condition replaces frequencies by those among the sample rows that pass the local predicates, smoothed by the former.
func condition(d *keyDist, c *Column, r *Relation) {
	v := r.Stats.Sample.Cols[c.Ordinal]
	counts := make(map[uint64]int, conditionalLimit)
	first := make(map[uint64]int, conditionalLimit)
	nulls := 0
	hits := thin(r.hits, conditionalLimit)
	for _, i := range hits {
		if v.IsNull(int(i)) {
			nulls++
			continue
		}
		h := hashDatum(v.DatumAt(int(i)))
		if counts[h]++; counts[h] == 1 {
			first[h] = int(i)
		}
	}
	n := float64(len(hits))
	for h, f := range d.frequent {
		d.frequent[h] = (float64(counts[h]) + priorWeight*f) / (n + priorWeight)
	}
	for h, k := range counts {
		if _, ok := d.frequent[h]; !ok && k >= seenOften {
			d.frequent[h], d.values[h] = float64(k)/n, v.DatumAt(first[h])
		}
	}
	d.rest = 1 - float64(nulls)/n
}

// thin returns at most limit of the rows, spread evenly.
func thin(rows []int32, limit int) []int32 {
	if len(rows) <= limit {
		return rows
	}
	out := make([]int32, limit)
	for i := range out {
		out[i] = rows[i*len(rows)/limit]
	}
	return out
}

// equalShare is the probability that one independent row of every column have the same value: frequent values
// one by one, the rest under the assumption that the smaller domain is contained in the larger ones. For two columns this is
// PostgreSQL's eqjoinsel.
func equalShare(cols []*Column) float64 {
	dists := make([]*keyDist, len(cols))
	for i, c := range cols {
		dists[i] = dist(c)
	}
	sum := 0.0
	done := make(map[uint64]bool)
	for _, d := range dists {
		for h, v := range d.values {
			if done[h] {
				continue
			}
			done[h] = true
			p := 1.0
			for _, e := range dists {
				p *= e.share(h, v)
			}
			sum += p
		}
	}
	fewest, p := dists[0].restDistinct, 1.0
	for _, d := range dists {
		fewest = min(fewest, d.restDistinct)
		p *= d.rest / d.restDistinct
	}
	return clamp01(sum + fewest*p)
}

// matchShare is the probability that a row of left finds at least one equal among rows rows of right.
func matchShare(left, right *Column, rows float64) float64 {
	l, r := dist(left), dist(right)
	sum := 0.0
	for h, v := range l.values {
		sum += l.frequent[h] * atLeastOne(r.share(h, v)*rows)
	}
	each := r.rest / r.restDistinct * rows
	domain := min(1, r.restDistinct/l.restDistinct)
	if left.Rel != nil && right.Table != nil && right.Unique {
		// A reference finds its target: all values of the left are in the key's domain.
		domain = 1
	}
	return clamp01(sum + l.rest*domain*atLeastOne(each))
}

// atLeastOne is the probability that an expected number of rows is not none.
func atLeastOne(expected float64) float64 {
	if expected >= 1 {
		return 1
	}
	// Between a Poisson count and rows spread as evenly as can be: keys are mostly even.
	return clamp01(expected)
}
