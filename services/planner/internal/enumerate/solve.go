package enumerate

import (
	"context"
	"errors"
	"math"

	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/services/planner/internal/cost"
	"github.com/attunedb/attune/services/planner/internal/relset"
	"github.com/attunedb/attune/services/planner/internal/statistics"
)

// Options say how a block is solved.
type Options struct {
	Prices *cost.Prices
	// Cards maps an estimate to the row count the solution is to believe; nil takes Rows.
	Cards func(s relset.Set, e physical.Estimate) float64
	// Force prefers a method of joins wherever it can be used: "hash", "loop" or "index"; "" or "auto" for none.
	Force string
	// Noise perturbs the cost of every join by up to the factor e^Noise, by Seed.
	Noise float64
	Seed  uint64
	// Eager allows groupings below joins, for a grouping above the block; nil for none.
	Eager *Eager
}

// Budget bounds the steps of complete enumeration; beyond it the order is found greedily.
const Budget = 12_000

// ErrNoPlan reports a block that could not be put together again. It does not happen.
var ErrNoPlan = errors.New("enumerate: no order keeps the meaning of the joins")

// Search is a block made ready to be solved, several times under different Options.
type Search struct {
	b     *Block
	steps []*step
	// Exact tells that all orders were enumerated.
	Exact bool
	// Pairs is the number of joins of sets that were considered.
	Pairs int
}

// Prepare enumerates the ways to build up the block, asks for what was measured of the sets on the way, and bounds their sizes.
// Estimator must have been called.
func (b *Block) Prepare(ctx context.Context) *Search {
	s := &Search{b: b}
	if len(b.Leaves) > 1 {
		steps := make(map[Pair]*step)
		pairs, ok := b.hypergraph().Pairs(Budget, func(s1, s2 relset.Set) bool {
			st, valid := b.step(s1, s2)
			if valid {
				steps[Pair{s1, s2}] = st
			}
			return valid
		})
		if ok && len(pairs) > 0 {
			last := pairs[len(pairs)-1]
			ok = last.S1.Union(last.S2) == b.all
		}
		if s.Exact = ok && len(pairs) > 0; s.Exact {
			for _, p := range pairs {
				s.steps = append(s.steps, steps[p])
			}
		}
	}
	s.Pairs = len(s.steps)
	sets := s.sets()
	keys := make([]uint64, 0, len(sets))
	for _, set := range sets {
		keys = append(keys, b.joins.Key(set))
	}
	b.q.Prefetch(ctx, keys)
	b.joins.Learn(sets)
	for _, st := range s.steps {
		b.joins.Bound(st.s1, st.s2)
	}
	return s
}

// maxKeys bounds the measured row counts that are asked for at once.
const maxKeys = 1024

// sets lists the sets that a solution may be made of, single leaves first, as far as there is room.
func (s *Search) sets() []relset.Set {
	seen := make(map[relset.Set]bool)
	var out []relset.Set
	add := func(set relset.Set) {
		if !seen[set] && len(out) < maxKeys {
			seen[set] = true
			out = append(out, set)
		}
	}
	for i := range s.b.Leaves {
		add(relset.Of(i))
	}
	add(s.b.all)
	for _, st := range s.steps {
		add(st.s1.Union(st.s2))
	}
	return out
}

// solver is one run of dynamic programming.
type solver struct {
	b     *Block
	o     Options
	cards map[relset.Set]float64
	table map[relset.Set][]*Path
	// collect, when not nil, is shown every path in place of entering it.
	collect func(*Path)
	// keep is how many paths of different row counts are kept of one set.
	keep int
}

// maxRounds bounds how often a block is solved again because something was measured of the path found.
const maxRounds = 4

// Solve returns the best path for the whole block. The groupings of Options.Eager are used where they pay, so the path may
// be Weighted. What was measured of such a path is known only once it is found: then the block is solved again with it.
func (s *Search) Solve(ctx context.Context, o Options) (*Path, error) {
	for round := 1; ; round++ {
		p, err := s.solve(o)
		if err != nil || o.Eager == nil || round == maxRounds || s.b.q.Prefetch(ctx, p.keys(nil)) == 0 {
			return p, err
		}
	}
}

// keys appends the keys of a path's weighted parts.
func (p *Path) keys(out []uint64) []uint64 {
	if p == nil || !p.Weighted {
		return out
	}
	return p.Right.keys(p.Left.keys(append(out, p.Key)))
}

func (s *Search) solve(o Options) (*Path, error) {
	v := &solver{b: s.b, o: o, cards: make(map[relset.Set]float64), table: make(map[relset.Set][]*Path), keep: 1}
	if o.Eager != nil {
		if v.keep = 3; s.Pairs > 1500 {
			v.keep = 2
		}
	}
	for i := range s.b.Leaves {
		v.leaf(i)
	}
	switch {
	case len(s.b.Leaves) == 1:
	case s.Exact:
		for _, st := range s.steps {
			v.join(st)
		}
	default:
		if err := v.greedy(); err != nil {
			return nil, err
		}
	}
	return v.best()
}

func (v *solver) best() (*Path, error) {
	var best *Path
	low := math.Inf(1)
	for _, p := range v.table[v.b.all] {
		c := p.Cost
		if v.o.Eager != nil {
			c += v.o.Prices.Aggregate(p.Rows, v.groups(v.b.all, v.o.Eager.Groups, p.Rows))
		}
		if c < low {
			best, low = p, c
		}
	}
	if best == nil {
		return nil, ErrNoPlan
	}
	return best, nil
}

// rows is the number of rows the solver believes a set to have.
func (v *solver) rows(s relset.Set) float64 {
	if r, ok := v.cards[s]; ok {
		return r
	}
	e := v.b.joins.Estimate(s)
	r := e.Rows
	if v.o.Cards != nil {
		r = v.o.Cards(s, e)
	}
	v.cards[s] = r
	return r
}

func (v *solver) leaf(i int) {
	l := v.b.Leaves[i]
	set := relset.Of(i)
	p := &Path{Set: set, Leaf: i, Rows: v.rows(set), Cost: l.Cost, Key: l.Rel.Key}
	p.units = statistics.Combine(92, p.Key)
	if scan := l.Scan(); scan != nil {
		if l.accesses == nil {
			l.accesses = Accesses(v.b.q, scan, l.Preds, l.Rel, v.o.Prices)
		}
		p.Access = &l.accesses[0]
		p.Cost = p.Access.Cost
	} else {
		p.Cost += v.o.Prices.Filter(l.Rel.BaseRows, len(l.Preds))
	}
	v.add(p)
}

// add enters a path, unless one that is kept is as cheap with as few rows, and the path grouped where that pays.
func (v *solver) add(p *Path) {
	if v.collect != nil {
		v.collect(p)
		return
	}
	if !v.enter(p) || v.o.Eager == nil || p.Group || p.Set == v.b.all {
		return
	}
	needed := v.needed(p.Set)
	groups := v.groups(p.Set, needed, p.Rows)
	if groups > 0.8*p.Rows || p.Rows < 64 {
		return
	}
	v.enter(v.grouped(p, groups))
}

// grouped returns the grouping of a path.
func (v *solver) grouped(p *Path, groups float64) *Path {
	g := &Path{Set: p.Set, Leaf: -1, Left: p, Group: true, Weighted: true, Rows: groups}
	if p.Key != 0 {
		g.Key = v.b.q.GroupKey(v.needed(p.Set), p.Key)
	}
	if k, ok := v.b.q.Measured(g.Key); ok {
		g.Rows, g.Measured = k.Rows, true
	}
	g.units = statistics.Combine(93, g.Key)
	g.Cost = p.Cost + v.o.Prices.Aggregate(p.Rows, g.Rows)
	return g
}

// identify gives a join of two paths its key, and its row count where that was measured.
func (v *solver) identify(p *Path) {
	p.units = p.Left.units + p.Right.units
	if p.Key = v.b.joins.Key(p.Set); !p.Weighted || p.Key == 0 {
		return
	}
	if p.Left.Key == 0 || p.Right.Key == 0 {
		p.Key = 0
		return
	}
	p.Key = statistics.Combine(94, p.Key, p.units)
	if k, ok := v.b.q.Measured(p.Key); ok {
		p.Rows, p.Measured = k.Rows, true
	}
}

func (v *solver) enter(p *Path) bool {
	if math.IsNaN(p.Cost) {
		return false
	}
	old := v.table[p.Set]
	kept := old[:0:0]
	for _, o := range old {
		if o.Cost <= p.Cost && (v.keep == 1 || o.Rows <= p.Rows*1.01) {
			return false
		}
		if v.keep > 1 && (o.Cost < p.Cost || o.Rows < p.Rows*0.99) {
			kept = append(kept, o)
		}
	}
	kept = append(kept, p)
	for len(kept) > v.keep {
		// Whoever costs the most goes; the cheapest always stays.
		worst := 0
		for i := range kept {
			if kept[i].Cost > kept[worst].Cost {
				worst = i
			}
		}
		kept = append(kept[:worst:worst], kept[worst+1:]...)
	}
	v.table[p.Set] = kept
	for _, k := range kept {
		if k == p {
			return true
		}
	}
	return false
}

func (v *solver) join(st *step) {
	for _, l := range v.table[st.s1] {
		for _, r := range v.table[st.s2] {
			v.alternatives(st, l, r)
		}
	}
}

// joined is the expected output of joining two paths.
func (v *solver) joined(st *step, l, r *Path) float64 {
	all := v.rows(st.s1.Union(st.s2))
	if !l.Weighted && !r.Weighted {
		return all
	}
	if st.op != nil {
		return min(all, l.Rows*all/max(v.rows(st.s1), 1e-9))
	}
	d := max(v.b.joins.KeyDistinct(st.s1, st.s2, l.Rows), v.b.joins.KeyDistinct(st.s2, st.s1, r.Rows))
	if len(st.keys) == 0 || d <= 1 {
		return min(all, l.Rows*r.Rows*all/max(v.rows(st.s1)*v.rows(st.s2), 1e-9))
	}
	return min(all, l.Rows*r.Rows/d)
}

// alternatives enters the ways to join l and r at a step.
func (v *solver) alternatives(st *step, l, r *Path) {
	out := v.joined(st, l, r)
	p := Path{Set: st.s1.Union(st.s2), Leaf: -1, Left: l, Right: r, Rows: out, Kind: st.kind(), Keys: st.keys, On: st.on,
		Filter: st.filter, Op: st.op, Weighted: l.Weighted || r.Weighted}
	v.identify(&p)
	out = p.Rows
	pr := v.o.Prices
	base := l.Cost + r.Cost + pr.Filter(out, len(st.filter))
	hashable := len(st.keys) > 0 && (st.op == nil || st.op.hashable())
	if hashable {
		h := p
		h.Cost = base + v.weigh(&p, Hash, pr.HashJoin(l.Rows, r.Rows, v.width(r), out))
		v.add(&h)
	}
	v.lookups(st, p)
	if !hashable || v.o.Force == "loop" {
		n := p
		n.Method = Loop
		n.Cost = base + v.weigh(&p, Loop, pr.Loop(l.Rows, r.Rows, out))
		v.add(&n)
	}
	switch {
	case st.op == nil:
		f := st.flip()
		q := p
		q.Left, q.Right, q.Keys = r, l, f.keys
		if hashable {
			h := q
			h.Cost = base + v.weigh(&q, Hash, pr.HashJoin(r.Rows, l.Rows, v.width(l), out))
			v.add(&h)
		}
		v.lookups(f, q)
		if !hashable || v.o.Force == "loop" {
			n := q
			n.Method = Loop
			n.Cost = base + v.weigh(&q, Loop, pr.Loop(r.Rows, l.Rows, out))
			v.add(&n)
		}
	case st.op.Kind == physical.JoinLeft && hashable:
		h := p
		h.Kind, h.Left, h.Right, h.Keys = physical.JoinRight, r, l, st.flip().keys
		h.Cost = base + v.weigh(&h, Hash, pr.HashJoin(r.Rows, l.Rows, v.width(l), out))
		v.add(&h)
	}
}

// hashable reports whether a hash join can compute the operator. A null-aware one with conditions beside the comparison cannot: a
// hash key that is NULL would leave the answer open where it must be no match.
func (o *Operator) hashable() bool {
	if !o.NullAware || len(o.On) == 1 {
		return len(o.leftKeys) > 0
	}
	return false
}

// lookups enters the index join of a path whose right input is a scan.
func (v *solver) lookups(st *step, p Path) {
	r := p.Right
	if !r.IsLeaf() || p.Kind == physical.JoinMark || p.Op != nil && p.Op.NullAware {
		return
	}
	leaf := v.b.Leaves[r.Leaf]
	keys := st.lookupKeys(leaf)
	if len(keys) == 0 {
		return
	}
	look := lookup(leaf, keys)
	if look == nil {
		return
	}
	scan := leaf.Scan()
	bound := make(map[expr.ColumnID]bool)
	for _, o := range look.joined {
		for i, c := range scan.Cols {
			if scan.Ordinals[i] == o {
				bound[c.ID] = true
			}
		}
	}
	p.Method, p.Lookup, p.Keys = Index, look, nil
	// Keys that the index does not bind are checked on the pair.
	for _, k := range st.keys {
		c := plainColumn(k.Right)
		if c == nil || !bound[c.ID] || !usesKey(look.Keys, k.Left) {
			p.Keys = append(p.Keys, k)
		}
	}
	matches := p.Left.Rows
	if !look.unique {
		inner := p.Rows
		if p.Op != nil {
			fan := max(1, leaf.Rel.BaseRows) / max(1, v.b.joins.KeyDistinct(st.s2, st.s1, leaf.Rel.BaseRows))
			inner = max(inner, p.Left.Rows*fan*leaf.Rel.Selectivity)
		}
		matches = inner / max(leaf.Rel.Selectivity, 1e-6)
	}
	matches = min(matches, p.Left.Rows*max(1, leaf.Rel.BaseRows))
	pr := v.o.Prices
	p.Cost = p.Left.Cost + pr.Filter(p.Rows, len(p.Filter)) +
		v.weigh(&p, Index, pr.IndexJoin(p.Left.Rows, matches, Covers(scan.Table, look.Index, scan.Ordinals)))
	v.add(&p)
}

func usesKey(keys []expr.Expr, e expr.Expr) bool {
	for _, k := range keys {
		if k == e {
			return true
		}
	}
	return false
}

// width is the size of a path's rows.
func (v *solver) width(p *Path) float64 {
	if p.Group {
		return 24
	}
	return v.b.joins.Estimate(p.Set).WidthBytes
}

// weigh applies what the options say of a join: a method that is not the forced one is dear, noise perturbs.
func (v *solver) weigh(p *Path, m Method, c float64) float64 {
	if v.o.Force != "" && v.o.Force != "auto" && v.o.Force != m.String() {
		c = (c + 1e6) * 1e4
	}
	if v.o.Noise > 0 {
		h := p.Left.Set.Hash(v.o.Seed) ^ p.Right.Set.Hash(v.o.Seed+1)*31 ^ uint64(m)*0x9e3779b97f4a7c15
		h = (h ^ h>>33) * 0xff51afd7ed558ccd
		c *= math.Exp(v.o.Noise * (float64(h>>11)/(1<<52) - 1))
	}
	return c
}
