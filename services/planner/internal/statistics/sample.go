package statistics

import (
	"math"
	"sync"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/physical"
)

// sampleTrust is the number of hits at which a sample outweighs the independence assumption nearly completely.
const sampleTrust = 3

// SampleCache remembers what was read off samples: which rows pass a conjunction ([]int32), how a key is spread among them
// (*keyDist), how many combinations of values there are (float64). It is bounded and safe for concurrent use; nil remembers nothing.
type SampleCache struct {
	mu      sync.Mutex
	entries map[sampleKey]any
	limit   int
}

// sampleKey names something read off one version of a table's sample, under a conjunction, about some columns.
type sampleKey struct {
	table   catalog.TableID
	version uint64
	preds   uint64
	columns uint64
}

// NewSampleCache returns a cache of at most limit entries.
func NewSampleCache(limit int) *SampleCache {
	return &SampleCache{entries: make(map[sampleKey]any), limit: max(1, limit)}
}

func (c *SampleCache) get(k sampleKey) (any, bool) {
	if c == nil {
		return nil, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok := c.entries[k]
	return v, ok
}

func (c *SampleCache) put(k sampleKey, hits any) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.entries) >= c.limit {
		// Which one goes hardly matters: an entry is microseconds of work.
		for old := range c.entries {
			delete(c.entries, old)
			break
		}
	}
	c.entries[k] = hits
}

// applyLocal estimates the rows of a table that pass its local predicates.
func (q *Query) applyLocal(r *Relation, preds []expr.Expr) {
	terms := flatten(preds)
	g := q.conjunction(terms)
	r.Selectivity = g.sel
	r.Upper = r.BaseRows
	if len(terms) > 0 && r.Source > g.source {
		r.Source = g.source
	}
	if hits, evaluated, ok := q.sampleHits(r, terms); ok && len(terms) > 0 {
		r.hits, r.sampled = hits, true
		n, k := float64(r.Stats.Sample.Rows()), float64(len(hits))
		// Predicates that could not be evaluated are taken as independent of the others.
		rest := 1.0
		if evaluated < len(terms) {
			rest = q.conjunction(q.unevaluable(terms)).sel
		}
		simple := len(terms) == 1 && g.source == physical.SourceStatistic
		if !simple {
			r.Selectivity = clamp01(blend(k, n, g.sel/max(rest, 1e-12)) * rest)
			r.Source = physical.SourceSample
		}
		if evaluated == len(terms) {
			// Three standard deviations above what was seen.
			r.Upper = r.BaseRows * min(1, (k+3*math.Sqrt(k)+3)/n)
		}
	}
	r.Rows = r.BaseRows * r.Selectivity
	r.Upper = max(r.Upper, r.Rows)
}

// blend combines k hits in a sample of n rows with a prior selectivity. Without a hit the prior stands, below what the sample
// would nearly surely have shown.
func blend(k, n, prior float64) float64 {
	if k == 0 {
		return min(prior, 0.69/n)
	}
	w := k / (k + sampleTrust)
	prior = max(prior, 1e-9)
	return math.Exp(w*math.Log(k/n) + (1-w)*math.Log(prior))
}

// sampleHits evaluates the terms that can be on the relation's sample. evaluated is how many could.
func (q *Query) sampleHits(r *Relation, terms []expr.Expr) (hits []int32, evaluated int, ok bool) {
	if q.sampler == nil || r.Stats == nil || r.Stats.Sample == nil || r.Stats.Sample.Rows() < 30 {
		return nil, 0, false
	}
	var bound []expr.Expr
	key := sampleKey{table: r.Stats.ID, version: r.Stats.Version}
	for _, t := range terms {
		b, ok := q.bindSample(t)
		if !ok {
			continue
		}
		h, _ := q.canonLocal(t)
		key.preds += h
		bound = append(bound, b)
	}
	if len(bound) == 0 {
		return nil, 0, false
	}
	r.samples, r.sampleKey = q.samples, key
	if hits, ok := q.samples.get(key); ok {
		return hits.([]int32), len(bound), true
	}
	hits, err := q.sampler(expr.Conjoin(bound), r.Stats.Sample)
	if err != nil {
		// A predicate that fails on a row of the sample may still never see it in the query.
		return nil, 0, false
	}
	q.samples.put(key, hits)
	return hits, len(bound), true
}

func (q *Query) unevaluable(terms []expr.Expr) []expr.Expr {
	var out []expr.Expr
	for _, t := range terms {
		if _, ok := q.bindSample(t); !ok {
			out = append(out, t)
		}
	}
	return out
}

// bindSample rewrites a predicate to the ordinals of its table, with parameters replaced by their values. ok is false when
// a value is not known or the predicate is not repeatable.
func (q *Query) bindSample(e expr.Expr) (expr.Expr, bool) {
	ok := true
	out := expr.Transform(e, func(n expr.Expr) expr.Expr {
		switch n := n.(type) {
		case *expr.Column:
			c := q.cols[n.ID]
			if c == nil || c.Table == nil {
				ok = false
				return n
			}
			return expr.At(c.Ordinal, n.Typ, n.Name)
		case *expr.Param:
			v, known := q.value(n)
			if !known {
				ok = false
				return n
			}
			return &expr.Const{Value: v, Typ: n.Typ}
		case *expr.Call:
			ok = ok && n.Fn.Volatility == compute.Immutable
		}
		return n
	})
	return out, ok
}
