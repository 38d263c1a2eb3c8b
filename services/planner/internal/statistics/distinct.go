package statistics

import (
	"math"
	"slices"

	"github.com/attunedb/attune/engine/expr"
)

// Distinct is the number of distinct values of an expression, before the query's predicates; at least 1.
func (q *Query) Distinct(e expr.Expr) float64 {
	if _, ok := q.value(e); ok {
		return 1
	}
	if c := q.columnOf(e); c != nil {
		return max(1, c.Distinct)
	}
	switch x := e.(type) {
	case *expr.Column, *expr.Param:
		return defaultDistinct
	case *expr.And, *expr.Or, *expr.Not, *expr.IsNull, *expr.IsDistinct, *expr.TruthTest, *expr.InList:
		return 2
	case *expr.Case:
		return float64(len(x.Whens) + 1)
	}
	// A function has at most as many values as its arguments have combinations.
	d := 1.0
	for _, c := range e.Children() {
		d *= q.Distinct(c)
	}
	return max(1, d)
}

// Groups is the number of groups that rows fall into by the given keys.
//
// Columns of one table count by the combinations in its sample, columns of different tables as independent; what remains of
// the combinations after a selection follows A. F. Cardenas, "Analysis and Performance of Inverted Data Base
// Structures", CACM 18(5), 1975.
func (q *Query) Groups(keys []expr.Expr, rows float64) float64 {
	if len(keys) == 0 {
		return 1
	}
	byRel := make(map[*Relation][]*Column)
	var rels []*Relation
	total := 1.0
	for _, k := range keys {
		c := q.columnOf(k)
		if c == nil || c.Rel == nil {
			total *= q.Distinct(k)
			continue
		}
		if byRel[c.Rel] == nil {
			rels = append(rels, c.Rel)
		}
		byRel[c.Rel] = append(byRel[c.Rel], c)
	}
	for _, r := range rels {
		if len(rels) == 1 && total == 1 && slices.ContainsFunc(byRel[r], func(c *Column) bool { return c.Unique }) {
			// Each row of the leaf is a group of its own.
			return min(rows, max(1, r.Rows))
		}
		total *= combinations(r, byRel[r])
	}
	return survivors(total, rows)
}

// survivors is the expected number of d equally frequent values that appear among n rows.
func survivors(d, n float64) float64 {
	if n <= 0 || d <= 0 {
		return 0
	}
	if d > 1e12 {
		return n
	}
	return min(n, d*-math.Expm1(n*math.Log1p(-1/max(d, 1.0000001))))
}

// combinations is the number of distinct combinations of a leaf's columns.
func combinations(r *Relation, cols []*Column) float64 {
	product := 1.0
	for _, c := range cols {
		if c.Unique {
			return max(1, r.Rows)
		}
		nulls := 0.0
		if c.NullFraction > 0 {
			nulls = 1
		}
		product *= c.Distinct + nulls
	}
	product = min(product, max(1, r.BaseRows))
	if len(cols) < 2 || r.Stats == nil || r.Stats.Sample == nil || r.Stats.Sample.Rows() < 100 {
		return max(1, product)
	}
	key := sampleKey{table: r.Stats.ID, version: r.Stats.Version, columns: 72}
	for _, c := range cols {
		key.columns = Combine(key.columns, uint64(c.Ordinal))
	}
	if r.combos == nil {
		r.combos = make(map[uint64]float64)
	}
	if d, ok := r.combos[key.columns]; ok {
		return d
	}
	if d, ok := r.samples.get(key); ok {
		r.combos[key.columns] = d.(float64)
		return d.(float64)
	}
	// M. Charikar et al., "Towards Estimation Error Guarantees for Distinct Values", PODS 2000: the guaranteed-error
	// estimator, sqrt(N/n)·f1 + the values seen more than once.
	s := r.Stats.Sample
	step := max(1, s.Rows()/conditionalLimit)
	looked := 0
	seen := make(map[uint64]int)
	for i := 0; i < s.Rows(); i += step {
		looked++
		h := uint64(0)
		for _, c := range cols {
			if c.Ordinal < len(s.Cols) {
				h = Combine(h, hashDatum(s.Cols[c.Ordinal].DatumAt(s.Row(i))))
			}
		}
		seen[h]++
	}
	once := 0
	for _, n := range seen {
		if n == 1 {
			once++
		}
	}
	scaled := math.Sqrt(max(1, r.BaseRows/float64(looked)))*float64(once) + float64(len(seen)-once)
	d := max(1, min(product, scaled))
	r.combos[key.columns] = d
	r.samples.put(key, d)
	return d
}
