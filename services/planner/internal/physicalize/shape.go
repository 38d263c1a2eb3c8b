package physicalize

import (
	"slices"

	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/services/planner/internal/enumerate"
)

// ErrShape reports that a statement does not fit a shape.
var ErrShape = enumerate.ErrGuide

// Shape is the join orders, methods and access paths of a plan, by which the plan can be made again from the statement: with the
// statement's literals, the catalog of today and estimates of its own.
type Shape struct{ guides []*enumerate.Guide }

// ShapeOf reads the shape off a plan.
func ShapeOf(root physical.Node) *Shape {
	s := &Shape{}
	s.guide(root)
	return s
}

// guide returns the guide of n's subtree and remembers it.
func (s *Shape) guide(n physical.Node) *enumerate.Guide {
	g := &enumerate.Guide{}
	leaf := func(name, index string) { g.Names, g.Index = []string{name}, index }
	switch n := n.(type) {
	case *physical.TableScan:
		leaf(enumerate.ScanName(n.Table.Name, n.Table.Alias), "")
	case *physical.IndexScan:
		leaf(enumerate.ScanName(n.Table.Name, n.Table.Alias), n.IndexName)
	case *physical.CTEScan:
		leaf(enumerate.CTEName(n.CTE), "")
	case *physical.Values:
		leaf(enumerate.ValuesName, "")
	case *physical.HashJoin:
		g.Method, g.Left, g.Right = enumerate.Hash, s.guide(n.Left), s.guide(n.Right)
	case *physical.NestedLoopJoin:
		g.Method, g.Left, g.Right = enumerate.Loop, s.guide(n.Left), s.guide(n.Right)
	case *physical.IndexJoin:
		right := &enumerate.Guide{Names: []string{enumerate.ScanName(n.Table.Name, n.Table.Alias)}}
		g.Method, g.Index, g.Left, g.Right = enumerate.Index, n.IndexName, s.guide(n.Input), right
	case *physical.Aggregate:
		g.Group, g.Left = true, s.guide(n.Input)
	default:
		in := n.Inputs()
		if len(in) == 1 {
			return s.guide(in[0])
		}
		for _, c := range in {
			g.Names = append(g.Names, s.guide(c).Names...)
		}
	}
	for _, side := range []*enumerate.Guide{g.Left, g.Right} {
		if side != nil {
			g.Names = append(g.Names, side.Names...)
		}
	}
	slices.Sort(g.Names)
	s.guides = append(s.guides, g)
	return g
}

// find returns the guide for a block: the topmost node over exactly its leaves that is not the grouping above it.
func (s *Shape) find(names []string) *enumerate.Guide {
	var found *enumerate.Guide
	for _, g := range s.guides {
		if slices.Equal(g.Names, names) && (!g.Group || len(names) == 1) {
			found = g
		}
	}
	return found
}

func (b *builder) shaped(s *search, o enumerate.Options) (*enumerate.Path, error) {
	g := b.v.Shape.find(s.block.Names())
	if g == nil {
		return nil, ErrShape
	}
	if len(s.block.Leaves) == 1 {
		for g.Group {
			g = g.Left
		}
	}
	return s.search.Follow(b.s.ctx, g, o)
}
