package statistics

import (
	"math"
	"slices"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/services/planner/internal/relset"
)

// Member is a column of one relation in a Class.
type Member struct {
	Rel int
	Col *Column
}

// Class is columns that inner joins make equal: it is counted once however many equalities follow from it.
type Class struct {
	Members []Member
	rels    relset.Set
	memo    map[relset.Set]float64
	// pair are bounds of the join of two of its relations.
	pair map[relset.Set]float64
}

// Predicate is any other condition of inner joins and filters over two or more relations.
type Predicate struct {
	Rels  relset.Set
	Cond  expr.Expr
	sel   float64
	hash  uint64
	canon bool
}

// Operator is a join that is not inner.
type Operator struct {
	Kind physical.JoinKind
	// Right are all relations of the right side; Needs those that must be there before the operator applies.
	Right, Needs relset.Set
	// LeftKeys and RightKeys are pairwise equal; Residual are the other terms of the condition.
	LeftKeys, RightKeys, Residual []expr.Expr
	hash                          uint64
	canon                         bool
}

// Joins estimates sets of relations of one block. It is not safe for concurrent use.
type Joins struct {
	q       *Query
	rels    []*Relation
	classes []*Class
	preds   []*Predicate
	ops     []*Operator
	plain   map[relset.Set]float64
	memo    map[relset.Set]physical.Estimate
	keys    map[relset.Set]uint64
	upper   map[relset.Set]float64
	// measured are the sets of two and more relations whose row counts are known, larger ones first.
	measured []measuredSet
}

type measuredSet struct {
	set   relset.Set
	rows  float64
	ratio float64
}

// NewJoins returns an estimator over relations and what connects them.
func NewJoins(q *Query, rels []*Relation, classes []*Class, preds []*Predicate, ops []*Operator) *Joins {
	j := &Joins{q: q, rels: rels, classes: classes, preds: preds, ops: ops,
		keys: make(map[relset.Set]uint64), upper: make(map[relset.Set]float64)}
	for _, c := range classes {
		c.memo, c.pair = make(map[relset.Set]float64), make(map[relset.Set]float64)
		for _, m := range c.Members {
			c.rels = c.rels.With(m.Rel)
		}
	}
	for _, p := range preds {
		p.sel = q.joinSelectivity(p.Cond)
		p.hash, p.canon = q.canonJoin(p.Cond)
	}
	for _, o := range ops {
		o.hash, o.canon = Combine(51, uint64(o.Kind)), true
		add := func(h uint64, ok bool) { o.hash, o.canon = o.hash+mix(h), o.canon && ok }
		for i := range o.LeftKeys {
			l, ok1 := q.canonJoin(o.LeftKeys[i])
			r, ok2 := q.canonJoin(o.RightKeys[i])
			add(Combine(52, l, r), ok1 && ok2)
		}
		for _, e := range o.Residual {
			add(q.canonJoin(e))
		}
	}
	j.reset()
	return j
}

// joinSelectivity is the share of pairs for which a condition over several leaves holds.
func (q *Query) joinSelectivity(e expr.Expr) float64 {
	if c, ok := e.(*expr.Call); ok && c.Fn.Name == "=" && len(c.Args) == 2 {
		if l, r := q.columnOf(c.Args[0]), q.columnOf(c.Args[1]); l != nil && r != nil {
			return equalShare([]*Column{l, r})
		}
	}
	return q.Selectivity(e)
}

func (j *Joins) reset() {
	j.plain = make(map[relset.Set]float64)
	j.memo = make(map[relset.Set]physical.Estimate)
}

// Key is the canonical identity of the join of a set with all predicates within it, 0 for none. It depends on tables, local
// predicates and join predicates, not on aliases or order.
func (j *Joins) Key(s relset.Set) uint64 {
	if s.Len() == 1 {
		return j.rels[s.Min()].Key
	}
	if k, ok := j.keys[s]; ok {
		return k
	}
	k := j.key(s)
	j.keys[s] = k
	return k
}

func (j *Joins) key(s relset.Set) uint64 {
	// Two relations that are alike are told apart by the predicates around them: one round of colour refinement.
	var around [relset.Max]uint64
	sum := uint64(0)
	touch := func(rels relset.Set, h uint64) {
		sum += mix(h)
		for r := range rels.All() {
			around[r] += mix(h)
		}
	}
	for _, c := range j.classes {
		in := c.rels.Intersect(s)
		if in.Len() < 2 {
			continue
		}
		h := uint64(0)
		for _, m := range c.Members {
			if s.Has(m.Rel) {
				h += mix(joinCanon(m.Col))
			}
		}
		touch(in, Combine(53, h))
	}
	for _, p := range j.preds {
		if p.Rels.SubsetOf(s) {
			if !p.canon {
				return 0
			}
			touch(p.Rels, p.hash)
		}
	}
	for _, o := range j.ops {
		if o.Needs.SubsetOf(s) {
			if !o.canon {
				return 0
			}
			touch(o.Right.Intersect(s), o.hash)
		}
	}
	for r := range s.All() {
		if j.rels[r].Key == 0 {
			return 0
		}
		sum += Combine(54, j.rels[r].Key, around[r])
	}
	return Combine(55, uint64(s.Len()), sum)
}

// Learn takes over what was measured of the relations and of the sets; the sets' keys must have been prefetched.
func (j *Joins) Learn(sets []relset.Set) {
	for _, r := range j.rels {
		j.q.Learn(r)
	}
	j.reset()
	j.measured = j.measured[:0]
	for _, s := range sets {
		if s.Len() < 2 {
			continue
		}
		if k, ok := j.q.Measured(j.Key(s)); ok {
			ratio := max(k.Rows, 0.1) / max(j.formula(s), 1e-6)
			j.measured = append(j.measured, measuredSet{s, k.Rows, ratio})
		}
	}
	slices.SortStableFunc(j.measured, func(a, b measuredSet) int { return b.set.Len() - a.set.Len() })
}

// Estimate returns the rows of the join of a set, where the number came from, and the set's key.
func (j *Joins) Estimate(s relset.Set) physical.Estimate {
	if e, ok := j.memo[s]; ok {
		return e
	}
	e := j.estimate(s)
	e.Rows = max(0, min(e.Rows, 1e30))
	if math.IsNaN(e.Rows) {
		e.Rows = 1
	}
	e.SubplanKey = j.Key(s)
	for r := range s.All() {
		if !j.hidden(s, r) {
			e.WidthBytes += j.rels[r].WidthBytes
		}
	}
	j.memo[s] = e
	return e
}

// hidden reports whether an operator within s keeps the columns of r to itself.
func (j *Joins) hidden(s relset.Set, r int) bool {
	for _, o := range j.ops {
		if o.Right.Has(r) && o.Needs.SubsetOf(s) && o.Kind >= physical.JoinSemi {
			return true
		}
	}
	return false
}

func (j *Joins) estimate(s relset.Set) physical.Estimate {
	if s.Len() == 1 {
		r := j.rels[s.Min()]
		return physical.Estimate{Rows: r.Rows, UpperRows: r.Upper, Source: r.Source}
	}
	e := physical.Estimate{Rows: j.formula(s), Source: physical.SourceStatistic, UpperRows: j.upper[s]}
	weakest := physical.SourceExact
	for r := range s.All() {
		weakest = min(weakest, j.rels[r].Source)
	}
	if weakest == physical.SourceDefault {
		e.Source = weakest
	}
	var covered relset.Set
	for _, m := range j.measured {
		if m.set == s {
			e.Rows, e.Source = m.rows, physical.SourceFeedback
			return e
		}
		if m.set.SubsetOf(s) && !m.set.Intersects(covered) {
			covered = covered.Union(m.set)
			e.Rows *= m.ratio
			e.Source = physical.SourceFeedback
		}
	}
	if e.UpperRows > 0 && e.Rows > e.UpperRows {
		e.Rows, e.Source = e.UpperRows, physical.SourceBound
	}
	return e
}

// formula is the estimate from statistics of the single relations alone.
func (j *Joins) formula(s relset.Set) float64 {
	if s.Len() == 1 {
		return j.rels[s.Min()].Rows
	}
	if v, ok := j.plain[s]; ok {
		return v
	}
	rest := s
	var applied []*Operator
	for _, o := range j.ops {
		if o.Needs.SubsetOf(s) && !s.SubsetOf(o.Right) {
			rest = rest.Minus(o.Right)
			applied = append(applied, o)
		}
	}
	rows := j.inner(rest)
	// Operators inside another's right side are counted in the estimate of that side.
	for i, o := range applied {
		nested := false
		for k, p := range applied {
			nested = nested || k != i && o.Right.SubsetOf(p.Right) && (o.Right != p.Right || k < i)
		}
		if !nested {
			rows *= j.factor(o, s)
		}
	}
	for _, p := range j.preds {
		if !p.Rels.SubsetOf(s) || p.Rels.SubsetOf(rest) {
			continue
		}
		within := false
		for _, o := range applied {
			within = within || p.Rels.SubsetOf(o.Right)
		}
		if sel, ok := j.unmatchedTest(p, applied, s); ok {
			rows *= sel
		} else if !within {
			rows *= p.sel
		}
	}
	rows = min(rows, 1e30)
	j.plain[s] = rows
	return rows
}

// inner is the size of an inner join: the product of the sides and of the share of each equality class and predicate.
func (j *Joins) inner(s relset.Set) float64 {
	rows := 1.0
	for r := range s.All() {
		rows *= j.rels[r].Rows
	}
	type link struct {
		rels relset.Set
		sels []float64
		cs   []*Class
	}
	var links []*link
	for _, c := range j.classes {
		in := c.rels.Intersect(s)
		if in.Len() < 2 {
			continue
		}
		i := slices.IndexFunc(links, func(l *link) bool { return l.rels == in })
		if i < 0 {
			links = append(links, &link{rels: in})
			i = len(links) - 1
		}
		links[i].sels = append(links[i].sels, c.share(in))
		links[i].cs = append(links[i].cs, c)
	}
	for _, l := range links {
		if len(l.sels) > 1 && l.rels.Len() == 2 {
			if sel, ok := j.keyShare(l.rels, l.cs); ok {
				rows *= sel
				continue
			}
		}
		// Columns that join together are seldom independent: each further one counts for the root of its share.
		slices.Sort(l.sels)
		exponent := 1.0
		for _, sel := range l.sels {
			rows *= math.Pow(sel, exponent)
			exponent /= 2
		}
	}
	for _, p := range j.preds {
		if p.Rels.SubsetOf(s) {
			rows *= p.sel
		}
	}
	return rows
}

func (c *Class) share(in relset.Set) float64 {
	if v, ok := c.memo[in]; ok {
		return v
	}
	var cols []*Column
	for _, m := range c.Members {
		if in.Has(m.Rel) {
			cols = append(cols, m.Col)
		}
	}
	v := equalShare(cols)
	c.memo[in] = v
	return v
}

// keyShare is the share of pairs that match when the classes between two relations cover a unique key of one of them.
func (j *Joins) keyShare(rels relset.Set, cs []*Class) (float64, bool) {
	for r := range rels.All() {
		rel := j.rels[r]
		if rel.Table == nil {
			continue
		}
		var ords []int
		for _, c := range cs {
			for _, m := range c.Members {
				if m.Rel == r && m.Col.Table != nil {
					ords = append(ords, m.Col.Ordinal)
				}
			}
		}
		for _, ix := range append([]catalog.Index{rel.Table.Primary}, rel.Table.Indexes...) {
			if (ix.Unique || ix.ID == catalog.PrimaryIndex) && containsAll(ords, ix.Columns) {
				return 1 / max(1, rel.BaseRows), true
			}
		}
	}
	return 0, false
}

func containsAll(set, want []int) bool {
	for _, w := range want {
		if !slices.Contains(set, w) {
			return false
		}
	}
	return len(want) > 0
}

// operatorShares returns, for one row of the left, the expected matches in the right side and the chance of any.
func (j *Joins) operatorShares(o *Operator, s relset.Set) (fan, match float64) {
	rows := j.formula(s.Intersect(o.Right))
	if k, ok := j.q.Measured(j.Key(s.Intersect(o.Right))); ok {
		rows = k.Rows
	}
	sel, match, residual := 1.0, 1.0, 1.0
	for i := range o.LeftKeys {
		l, r := j.q.columnOf(o.LeftKeys[i]), j.q.columnOf(o.RightKeys[i])
		exponent := 1 / float64(uint64(1)<<min(i, 8))
		if l == nil || r == nil {
			d := max(j.q.Distinct(o.LeftKeys[i]), j.q.Distinct(o.RightKeys[i]))
			sel *= math.Pow(1/d, exponent)
			match *= atLeastOne(rows / d)
			continue
		}
		sel *= math.Pow(equalShare([]*Column{l, r}), exponent)
		match *= math.Pow(matchShare(l, r, rows), exponent)
	}
	for _, e := range o.Residual {
		residual *= j.q.Selectivity(e)
	}
	fan = rows * sel * residual
	if len(o.LeftKeys) == 0 {
		match = atLeastOne(fan)
	}
	if len(o.Residual) > 0 && match > 0 {
		match *= atLeastOne(fan / match)
	}
	return fan, clamp01(match)
}

// factor is what an operator multiplies the rows of its left side with.
func (j *Joins) factor(o *Operator, s relset.Set) float64 {
	fan, match := j.operatorShares(o, s)
	switch o.Kind {
	case physical.JoinSemi:
		return match
	case physical.JoinAnti:
		return 1 - match
	case physical.JoinMark:
		return 1
	}
	return max(fan, match) + 1 - match
}

// unmatchedTest recognises IS NULL on a column that an outer join fills with NULLs.
func (j *Joins) unmatchedTest(p *Predicate, ops []*Operator, s relset.Set) (float64, bool) {
	t, ok := p.Cond.(*expr.IsNull)
	if !ok || j.q.columnOf(t.Arg) == nil {
		return 0, false
	}
	for _, o := range ops {
		if o.Kind != physical.JoinLeft || !p.Rels.Intersects(o.Right) {
			continue
		}
		nulls := j.q.columnOf(t.Arg).NullFraction
		_, match := j.operatorShares(o, s)
		isNull := clamp01((1 - match + match*nulls) / max(j.factor(o, s), 1e-9))
		if t.Negated {
			return 1 - isNull, true
		}
		return isNull, true
	}
	return 0, false
}

// MatchShare is the chance that a row of the left side of an inner equality join finds a match among rows of the
// right side, for the first class that connects them; 1 when none does.
func (j *Joins) MatchShare(left, right relset.Set, rows float64) float64 {
	share := 1.0
	for _, c := range j.classes {
		var l, r *Column
		for _, m := range c.Members {
			if left.Has(m.Rel) && l == nil {
				l = m.Col
			}
			if right.Has(m.Rel) && r == nil {
				r = m.Col
			}
		}
		if l != nil && r != nil {
			share = min(share, matchShare(l, r, rows))
		}
	}
	return share
}

// KeyDistinct is the number of distinct values, or combinations, of the columns of s that classes connect with t, among rows rows.
func (j *Joins) KeyDistinct(s, t relset.Set, rows float64) float64 {
	d := 1.0
	for _, c := range j.classes {
		if !c.rels.Intersects(t) {
			continue
		}
		fewest := math.Inf(1)
		for _, m := range c.Members {
			if s.Has(m.Rel) {
				fewest = min(fewest, m.Col.Distinct)
			}
		}
		if !math.IsInf(fewest, 1) {
			d *= fewest
		}
	}
	return max(1, survivors(d, max(1, rows)))
}
