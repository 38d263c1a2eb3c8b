package analysis

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// Diff is the difference between two profiles of the same kind. Both are taken as shares of their own total, so that two lengths, loads or
// machines can be compared.
type Diff struct {
	// Name is the profile's kind, as in Flame.
	Name        string `json:"name"`
	Unit        string `json:"unit"`
	BeforeTotal int64  `json:"before_total"`
	AfterTotal  int64  `json:"after_total"`
	// Root is the merged tree.
	Root *DiffNode `json:"-"`
	// Grown and Shrunk are the functions whose own share changed most, largest change first. What the runtime does for a function, such as to
	// allocate or to lock, is its own.
	Grown  []Change `json:"grown,omitempty"`
	Shrunk []Change `json:"shrunk,omitempty"`
}

// DiffNode is a function in the merged tree. Before and After are shares of the totals, with what it called.
type DiffNode struct {
	Name          string
	Before, After float64
	// Children by falling After, then Before.
	Children []*DiffNode
}

// Change is a function whose share changed.
type Change struct {
	Function string  `json:"function"`
	Before   float64 `json:"before"` // share of the total in the function itself
	After    float64 `json:"after"`
	// Path is the heaviest path to it in the profile in which it is larger, innermost first.
	Path []string `json:"path"`
}

// Bounds and threshold of changes that are listed.
const (
	maxChanges = 20
	minChange  = 0.005
)

// Compare sets two profiles of a kind against each other. A nil one is empty: everything of the other is then new, or gone.
func Compare(name string, before, after *Calls) *Diff {
	d := &Diff{Name: name}
	b, a := &merging{}, map[string]*self{}
	for _, side := range []struct {
		c     *Calls
		after bool
		total *int64
	}{{before, false, &d.BeforeTotal}, {after, true, &d.AfterTotal}} {
		if side.c == nil {
			continue
		}
		d.Unit = cmp.Or(d.Unit, side.c.Unit)
		*side.total = side.c.Total
		if side.c.Total <= 0 {
			continue
		}
		for _, p := range side.c.Paths {
			share := float64(p.Value) / float64(side.c.Total)
			n := b
			n.add(share, side.after)
			for _, f := range slices.Backward(p.Frames) {
				n = n.child(f)
				n.add(share, side.after)
			}
			path := p.Frames
			if o := own(path); o != nil {
				path = o
			}
			if len(path) > 0 {
				if a[path[0]] == nil {
					a[path[0]] = &self{paths: map[string]float64{}}
				}
				a[path[0]].add(share, side.after, path)
			}
		}
	}
	d.Root = b.finish("all")
	d.changes(a)
	return d
}

// self is a function's own share on both sides, and by path where it is larger.
type self struct {
	before, after float64
	paths         map[string]float64
}

func (s *self) add(share float64, after bool, path []string) {
	// Shares of both sides are kept apart by a mark, to choose between them in the end.
	mark := "-"
	if after {
		mark = "+"
		s.after += share
	} else {
		s.before += share
	}
	s.paths[mark+strings.Join(path, "\n")] += share
}

func (s *self) heaviest() []string {
	mark := "+"
	if s.before > s.after {
		mark = "-"
	}
	var best string
	for p, v := range s.paths {
		if strings.HasPrefix(p, mark) && (best == "" || v > s.paths[best] || v == s.paths[best] && p < best) {
			best = p
		}
	}
	if best == "" {
		return nil
	}
	return strings.Split(best[1:], "\n")
}

func (d *Diff) changes(functions map[string]*self) {
	var all []Change
	for name, s := range functions {
		if math.Abs(s.after-s.before) >= minChange {
			all = append(all, Change{Function: name, Before: s.before, After: s.after, Path: s.heaviest()})
		}
	}
	slices.SortFunc(all, func(a, b Change) int {
		return cmp.Or(cmp.Compare(b.After-b.Before, a.After-a.Before), cmp.Compare(a.Function, b.Function))
	})
	for _, c := range all {
		if c.After > c.Before && len(d.Grown) < maxChanges {
			d.Grown = append(d.Grown, c)
		}
	}
	for _, c := range slices.Backward(all) {
		if c.After < c.Before && len(d.Shrunk) < maxChanges {
			d.Shrunk = append(d.Shrunk, c)
		}
	}
}

type merging struct {
	before, after float64
	children      map[string]*merging
}

func (m *merging) add(share float64, after bool) {
	if after {
		m.after += share
	} else {
		m.before += share
	}
}

func (m *merging) child(name string) *merging {
	if m.children == nil {
		m.children = map[string]*merging{}
	}
	c := m.children[name]
	if c == nil {
		c = &merging{}
		m.children[name] = c
	}
	return c
}

func (m *merging) finish(name string) *DiffNode {
	n := &DiffNode{Name: name, Before: m.before, After: m.after}
	for name, c := range m.children {
		if c.before+c.after > 2*minShare {
			n.Children = append(n.Children, c.finish(name))
		}
	}
	slices.SortFunc(n.Children, func(a, b *DiffNode) int {
		return cmp.Or(cmp.Compare(b.After, a.After), cmp.Compare(b.Before, a.Before), cmp.Compare(a.Name, b.Name))
	})
	return n
}
