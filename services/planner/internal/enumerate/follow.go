package enumerate

import (
	"context"
	"errors"
	"slices"

	"github.com/attunedb/attune/services/planner/internal/relset"
)

// Guide is the order and the methods of a plan that is to be made again: a tree over names of leaves.
type Guide struct {
	// Names are those of the leaves below, sorted: see ScanName.
	Names []string
	// Left and Right are the inputs of a join, Left that of a grouping; both are nil for a leaf.
	Left, Right *Guide
	Method      Method
	Group       bool
	// Index is the index that a leaf is read through, or that an index join looks up in; empty for a table scan.
	Index string
}

// ErrGuide reports that a block does not fit its guide.
var ErrGuide = errors.New("enumerate: the statement does not fit the plan to follow")

// Names lists the names of all leaves of the block, sorted.
func (b *Block) Names() []string { return b.names(b.all) }

func (b *Block) names(s relset.Set) []string {
	var out []string
	for i := range s.All() {
		out = append(out, leafNames(b.Leaves[i].Node)...)
	}
	slices.Sort(out)
	return out
}

// Follow makes the path that a guide prescribes, with costs and rows of its own, as they were measured where they were.
func (s *Search) Follow(ctx context.Context, g *Guide, o Options) (*Path, error) {
	p, err := s.follow(g, o)
	if err == nil && s.b.q.Prefetch(ctx, p.keys(nil)) > 0 {
		return s.follow(g, o)
	}
	return p, err
}

func (s *Search) follow(g *Guide, o Options) (*Path, error) {
	v := &solver{b: s.b, o: o, cards: make(map[relset.Set]float64), table: make(map[relset.Set][]*Path), keep: 1}
	return v.follow(g, s.b.all)
}

func (v *solver) follow(g *Guide, set relset.Set) (*Path, error) {
	if set.Len() == 1 {
		i := set.Min()
		scan := v.b.Leaves[i].Scan()
		if g.Group && scan != nil && v.o.Eager != nil {
			return v.followGroup(g, set)
		}
		return v.followLeaf(g, i)
	}
	if g.Group {
		if set != v.b.all && v.o.Eager != nil {
			return v.followGroup(g, set)
		}
		return v.follow(g.Left, set)
	}
	if g.Right == nil {
		return nil, ErrGuide
	}
	left, ok := v.subset(set, g.Left.Names)
	if !ok {
		return nil, ErrGuide
	}
	l, err := v.follow(g.Left, left)
	if err != nil {
		return nil, err
	}
	r, err := v.follow(g.Right, set.Minus(left))
	if err != nil {
		return nil, err
	}
	st, ok := v.b.step(l.Set, r.Set)
	if !ok {
		return nil, ErrGuide
	}
	var found *Path
	v.collect = func(p *Path) {
		if p.Method == g.Method && p.Left.Set == l.Set &&
			(g.Method != Index || p.Lookup.Index.Name == g.Index) && (found == nil || p.Cost < found.Cost) {
			found = p
		}
	}
	defer func() { v.collect = nil }()
	v.o.Force = g.Method.String()
	first, second := l, r
	if st.s1 != l.Set {
		first, second = r, l
	}
	v.alternatives(st, first, second)
	if found == nil {
		return nil, ErrGuide
	}
	return found, nil
}

func (v *solver) followGroup(g *Guide, set relset.Set) (*Path, error) {
	in, err := v.follow(g.Left, set)
	if err != nil {
		return nil, err
	}
	groups := v.groups(set, v.needed(set), in.Rows)
	return v.grouped(in, groups), nil
}

func (v *solver) followLeaf(g *Guide, i int) (*Path, error) {
	for g.Group {
		g = g.Left
	}
	v.leaf(i)
	p := *v.table[relset.Of(i)][0]
	l := v.b.Leaves[i]
	if l.Scan() == nil {
		return &p, nil
	}
	for k := range l.accesses {
		a := &l.accesses[k]
		if name := indexName(a); name == g.Index {
			p.Access, p.Cost = a, a.Cost
			return &p, nil
		}
	}
	// The leaf of an index join is not read by itself.
	return &p, nil
}

func indexName(a *Access) string {
	if a.Index == nil {
		return ""
	}
	return a.Index.Name
}

// subset finds the leaves of a set whose names are the given ones.
func (v *solver) subset(set relset.Set, names []string) (relset.Set, bool) {
	var out relset.Set
	left := slices.Clone(names)
	for i := range set.All() {
		mine := leafNames(v.b.Leaves[i].Node)
		rest := slices.Clone(left)
		all := true
		for _, n := range mine {
			k := slices.Index(rest, n)
			if k < 0 {
				all = false
				break
			}
			rest = slices.Delete(rest, k, k+1)
		}
		if all && len(mine) > 0 {
			out, left = out.With(i), rest
		}
	}
	return out, len(left) == 0 && !out.Empty() && out != set
}
