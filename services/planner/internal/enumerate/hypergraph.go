package enumerate

import "github.com/attunedb/attune/services/planner/internal/relset"

// Hyperedge connects two disjoint sets of relations that a predicate or operator needs on its two sides.
type Hyperedge struct{ Left, Right relset.Set }

// Hypergraph is a query graph: relations 0 to N-1 and what connects them.
type Hypergraph struct {
	N     int
	Edges []Hyperedge

	// simple[r] are the relations that an edge between single relations connects with r; complex are the other edges, by
	// index. Both are filled by index.
	simple  []relset.Set
	complex []int
}

// Pair is two disjoint sets of relations, each connected, with an edge between them.
type Pair struct{ S1, S2 relset.Set }

func (g *Hypergraph) index() {
	g.simple = make([]relset.Set, g.N)
	g.complex = g.complex[:0]
	for i, e := range g.Edges {
		if e.Left.Len() == 1 && e.Right.Len() == 1 {
			l, r := e.Left.Min(), e.Right.Min()
			g.simple[l] = g.simple[l].With(r)
			g.simple[r] = g.simple[r].With(l)
			continue
		}
		g.complex = append(g.complex, i)
	}
}

// connected reports whether an edge leads from within s1 to within s2.
func (g *Hypergraph) connected(s1, s2 relset.Set) bool {
	for r := range s1.All() {
		if g.simple[r].Intersects(s2) {
			return true
		}
	}
	for _, i := range g.complex {
		e := g.Edges[i]
		if e.Left.SubsetOf(s1) && e.Right.SubsetOf(s2) || e.Right.SubsetOf(s1) && e.Left.SubsetOf(s2) {
			return true
		}
	}
	return false
}

// neighbours is N(s, x) of the paper: one representative of every hypernode that an edge leads to from within s
// and that avoids s and x.
func (g *Hypergraph) neighbours(s, x relset.Set) relset.Set {
	var n relset.Set
	for r := range s.All() {
		n = n.Union(g.simple[r])
	}
	n = n.Minus(s).Minus(x)
	avoid := s.Union(x)
	for _, i := range g.complex {
		e := g.Edges[i]
		if e.Left.SubsetOf(s) && !e.Right.Intersects(avoid) && !e.Right.Intersects(n) {
			n = n.With(e.Right.Min())
		}
		if e.Right.SubsetOf(s) && !e.Left.Intersects(avoid) && !e.Left.Intersects(n) {
			n = n.With(e.Left.Min())
		}
	}
	return n
}

// Connect adds edges between the connected components, so that a plan exists: cross products, only where needed.
// An edge's hypernodes are whole components, so that a product is taken of complete ones.
func (g *Hypergraph) Connect() {
	comp := make([]relset.Set, g.N)
	for r := range comp {
		comp[r] = relset.Of(r)
	}
	for _, e := range g.Edges {
		all := e.Left.Union(e.Right)
		var merged relset.Set
		for r := range all.All() {
			merged = merged.Union(comp[r])
		}
		for r := range merged.All() {
			comp[r] = merged
		}
	}
	var parts []relset.Set
	var seen relset.Set
	for r := range g.N {
		if !seen.Has(r) {
			parts = append(parts, comp[r])
			seen = seen.Union(comp[r])
		}
	}
	for i := range parts {
		for j := i + 1; j < len(parts); j++ {
			g.Edges = append(g.Edges, Hyperedge{parts[i], parts[j]})
		}
	}
}

// Pairs enumerates every pair of connected subgraph and connected complement once, with both parts of a pair built before it
// (G. Moerkotte, T. Neumann, "Dynamic Programming Strikes Back", SIGMOD 2008, §3: DPhyp). A set counts as connected when it is
// a single relation or valid accepted a pair that makes it; valid may be nil for always.
//
// It gives up, and ok is false, when the work exceeds budget steps or there are more than 64 relations.
func (g *Hypergraph) Pairs(budget int, valid func(s1, s2 relset.Set) bool) (pairs []Pair, ok bool) {
	if g.N > 64 {
		return nil, false
	}
	g.index()
	e := &enumerator{g: g, left: budget, valid: valid, known: make(map[relset.Set]bool, 4*g.N)}
	for v := g.N - 1; v >= 0; v-- {
		e.known[relset.Of(v)] = true
	}
	for v := g.N - 1; v >= 0; v-- {
		s := relset.Of(v)
		e.emitCsg(s)
		e.enumerateCsg(s, relset.Below(v+1))
	}
	if e.left < 0 {
		return nil, false
	}
	return e.pairs, true
}

type enumerator struct {
	g     *Hypergraph
	left  int
	valid func(s1, s2 relset.Set) bool
	known map[relset.Set]bool
	pairs []Pair
}

func (e *enumerator) spend() bool { e.left--; return e.left >= 0 }

func (e *enumerator) enumerateCsg(s1, x relset.Set) {
	n := e.g.neighbours(s1, x)
	for sub := range n.Subsets() {
		if !e.spend() {
			return
		}
		if s := s1.Union(sub); e.known[s] {
			e.emitCsg(s)
		}
	}
	x = x.Union(n)
	for sub := range n.Subsets() {
		if !e.spend() {
			return
		}
		e.enumerateCsg(s1.Union(sub), x)
	}
}

func (e *enumerator) emitCsg(s1 relset.Set) {
	x := s1.Union(relset.Below(s1.Min() + 1))
	n := e.g.neighbours(s1, x)
	for v := e.g.N - 1; v >= 0; v-- {
		if !n.Has(v) {
			continue
		}
		if !e.spend() {
			return
		}
		s2 := relset.Of(v)
		if e.g.connected(s1, s2) {
			e.emit(s1, s2)
		}
		e.enumerateCmp(s1, s2, x.Union(relset.Below(v+1).Intersect(n)))
	}
}

func (e *enumerator) enumerateCmp(s1, s2, x relset.Set) {
	n := e.g.neighbours(s2, x)
	for sub := range n.Subsets() {
		if !e.spend() {
			return
		}
		if s := s2.Union(sub); e.known[s] && e.g.connected(s1, s) {
			e.emit(s1, s)
		}
	}
	x = x.Union(n)
	for sub := range n.Subsets() {
		if !e.spend() {
			return
		}
		e.enumerateCmp(s1, s2.Union(sub), x)
	}
}

func (e *enumerator) emit(s1, s2 relset.Set) {
	if e.valid != nil && !e.valid(s1, s2) {
		return
	}
	e.pairs = append(e.pairs, Pair{s1, s2})
	e.known[s1.Union(s2)] = true
}
