package enumerate

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/attunedb/attune/services/planner/internal/relset"
)

func graph(n int, edges ...[2]int) *Hypergraph {
	g := &Hypergraph{N: n}
	for _, e := range edges {
		g.Edges = append(g.Edges, Hyperedge{relset.Of(e[0]), relset.Of(e[1])})
	}
	return g
}

func chain(n int) *Hypergraph {
	g := &Hypergraph{N: n}
	for i := 1; i < n; i++ {
		g.Edges = append(g.Edges, Hyperedge{relset.Of(i - 1), relset.Of(i)})
	}
	return g
}

func star(n int) *Hypergraph {
	g := &Hypergraph{N: n}
	for i := 1; i < n; i++ {
		g.Edges = append(g.Edges, Hyperedge{relset.Of(0), relset.Of(i)})
	}
	return g
}

func clique(n int) *Hypergraph {
	g := &Hypergraph{N: n}
	for i := range n {
		for j := i + 1; j < n; j++ {
			g.Edges = append(g.Edges, Hyperedge{relset.Of(i), relset.Of(j)})
		}
	}
	return g
}

// The numbers of pairs are the closed forms of Moerkotte and Neumann, "Analysis of Two Existing and One New Dynamic Programming
// Algorithm", VLDB 2006, table 3.
func TestPairCounts(t *testing.T) {
	for _, c := range []struct {
		name string
		g    *Hypergraph
		want int
	}{
		{"chain 5", chain(5), 20}, {"chain 10", chain(10), 165},
		{"star 5", star(5), 32}, {"star 10", star(10), 2304},
		{"clique 5", clique(5), 90}, {"clique 8", clique(8), 3025},
		{"cycle 5", graph(5, [2]int{0, 1}, [2]int{1, 2}, [2]int{2, 3}, [2]int{3, 4}, [2]int{4, 0}), 40},
	} {
		pairs, ok := c.g.Pairs(1<<20, nil)
		if !ok || len(pairs) != c.want {
			t.Errorf("%s: %d pairs (complete %v), want %d", c.name, len(pairs), ok, c.want)
		}
	}
}

// naivePairs is the textbook definition: all splits of all sets into two buildable parts with an edge between.
func naivePairs(g *Hypergraph) map[Pair]bool {
	g.index()
	out := make(map[Pair]bool)
	built := make(map[relset.Set]bool)
	for size := 1; size <= g.N; size++ {
		for s := range relset.Below(g.N).Subsets() {
			if s.Len() != size {
				continue
			}
			if size == 1 {
				built[s] = true
				continue
			}
			for s1 := range s.Subsets() {
				s2 := s.Minus(s1)
				if s2.Empty() || s1.Min() > s2.Min() || !built[s1] || !built[s2] || !g.connected(s1, s2) {
					continue
				}
				out[Pair{s1, s2}] = true
				built[s] = true
			}
		}
	}
	return out
}

func TestPairsMatchDefinitionOnRandomHypergraphs(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		n := 2 + rng.IntN(6)
		g := &Hypergraph{N: n}
		for range 1 + rng.IntN(2*n) {
			var l, r relset.Set
			for v := range n {
				switch rng.IntN(5) {
				case 0:
					l = l.With(v)
				case 1:
					r = r.With(v)
				}
			}
			if !l.Empty() && !r.Empty() {
				g.Edges = append(g.Edges, Hyperedge{l, r})
			}
		}
		g.Connect()
		want := naivePairs(g)
		pairs, ok := g.Pairs(1<<20, nil)
		if !ok {
			t.Fatalf("seed %d: over budget", seed)
		}
		built := make(map[relset.Set]bool)
		got := make(map[Pair]bool)
		for v := range n {
			built[relset.Of(v)] = true
		}
		for _, p := range pairs {
			if !built[p.S1] || !built[p.S2] {
				t.Fatalf("seed %d: pair %v %v before its parts", seed, p.S1, p.S2)
			}
			built[p.S1.Union(p.S2)] = true
			if p.S1.Min() > p.S2.Min() {
				p.S1, p.S2 = p.S2, p.S1
			}
			if got[p] {
				t.Fatalf("seed %d: pair %v %v twice", seed, p.S1, p.S2)
			}
			got[p] = true
			if !want[p] {
				t.Fatalf("seed %d: pair %v %v is not one", seed, p.S1, p.S2)
			}
		}
		if len(got) != len(want) {
			t.Fatalf("seed %d: %d pairs, want %d; edges %v", seed, len(got), len(want), g.Edges)
		}
	}
}

func TestPairsGiveUpInTime(t *testing.T) {
	for name, g := range map[string]*Hypergraph{"star": star(60), "clique": clique(60)} {
		start := time.Now()
		if _, ok := g.Pairs(20_000, nil); ok {
			t.Errorf("%s of 60: enumerated completely", name)
		}
		if d := time.Since(start); d > 2*time.Second {
			t.Errorf("%s of 60: gave up after %v", name, d)
		}
	}
	if _, ok := chain(60).Pairs(100_000, nil); !ok {
		t.Error("chain of 60: over budget")
	}
}
