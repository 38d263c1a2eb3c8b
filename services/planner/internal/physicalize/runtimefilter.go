package physicalize

import (
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/services/planner/internal/enumerate"
)

// selective is the share of probe rows with a partner below which a runtime filter is made even where nothing restricts the build side.
const selective = 0.6

// noteMatch remembers how many probe rows of a hash join find a partner.
func (b *pathBuilder) noteMatch(j *physical.HashJoin, p *enumerate.Path) {
	if b.matchShare == nil {
		b.matchShare = make(map[int]float64)
	}
	right := b.block.Estimate(p.Right.Set).Rows
	switch j.Kind {
	case physical.JoinInner:
		b.matchShare[j.ID] = b.block.MatchShare(p.Left.Set, p.Right.Set, right)
	case physical.JoinSemi:
		left := b.block.Estimate(p.Left.Set).Rows
		b.matchShare[j.ID] = min(1, b.block.Estimate(p.Set).Rows/max(left, 1e-9))
	case physical.JoinRight:
		b.matchShare[j.ID] = 1
	}
}

// runtimeFilters lets hash joins whose build side is restricted filter the scan that gives their probe keys. Nodes between
// the scan and the join then give fewer rows than their own predicates say: their estimates are lowered, and they are not
// counted for feedback any more.
func (b *builder) runtimeFilters(root physical.Node) {
	last := 0
	physical.Walk(root, func(n physical.Node) {
		j, ok := n.(*physical.HashJoin)
		if !ok || j.NullSafe != nil {
			return
		}
		share, ok := b.matchShare[j.ID]
		if !ok || !restricted(j.Right) && share > selective {
			return
		}
		var scan physical.Node
		var cols []int
		var way []physical.Node
		for _, k := range j.LeftKeys {
			c, ok := k.(*expr.Column)
			if !ok {
				return
			}
			s, at, path := trace(j.Left, c.Ordinal)
			if s == nil || scan != nil && s != scan {
				return
			}
			scan, way = s, path
			cols = append(cols, at)
		}
		if scan == nil {
			return
		}
		last++
		j.FilterID = last
		use := physical.RuntimeFilterUse{FilterID: last, Columns: cols}
		switch s := scan.(type) {
		case *physical.TableScan:
			s.Runtime = append(s.Runtime, use)
		case *physical.IndexScan:
			s.Runtime = append(s.Runtime, use)
		}
		for _, n := range way {
			h := n.Head()
			h.Est.SubplanKey = 0
			h.Est.Rows *= share
		}
	})
}

// restricted reports whether a sub-plan holds anything that lets only some rows through.
func restricted(n physical.Node) bool {
	found := false
	physical.Walk(n, func(n physical.Node) {
		switch n := n.(type) {
		case *physical.TableScan:
			found = found || n.Filter != nil
		case *physical.IndexScan:
			found = found || n.Filter != nil || len(n.Equal) > 0 || n.Low.Value != nil || n.High.Value != nil
		case *physical.IndexJoin:
			found = found || n.Filter != nil || n.Kind == physical.JoinSemi || n.Kind == physical.JoinAnti
		case *physical.Filter, *physical.Limit, *physical.TopK, *physical.Values:
			found = true
		}
	})
	return found
}

// trace follows an output column of n down to the scan that reads it, through operators that let a row be dropped below them when
// its value matches nothing above. way are the nodes from n to the scan.
func trace(n physical.Node, ordinal int) (scan physical.Node, column int, way []physical.Node) {
	for {
		way = append(way, n)
		switch x := n.(type) {
		case *physical.TableScan, *physical.IndexScan:
			return n, ordinal, way
		case *physical.Filter:
			n = x.Input
		case *physical.Sort:
			n = x.Input
		case *physical.Project:
			c, ok := x.Exprs[ordinal].(*expr.Column)
			if !ok {
				return nil, 0, nil
			}
			n, ordinal = x.Input, c.Ordinal
		case *physical.Aggregate:
			if ordinal >= len(x.Groups) {
				return nil, 0, nil
			}
			c, ok := x.Groups[ordinal].(*expr.Column)
			if !ok {
				return nil, 0, nil
			}
			n, ordinal = x.Input, c.Ordinal
		case *physical.IndexJoin:
			if ordinal >= len(x.Input.Head().Schema) {
				return nil, 0, nil
			}
			n = x.Input
		case *physical.HashJoin:
			next, at, ok := side(x.Kind, x.Left, x.Right, ordinal)
			if !ok {
				return nil, 0, nil
			}
			n, ordinal = next, at
		case *physical.NestedLoopJoin:
			next, at, ok := side(x.Kind, x.Left, x.Right, ordinal)
			if !ok {
				return nil, 0, nil
			}
			n, ordinal = next, at
		default:
			return nil, 0, nil
		}
	}
}

// side returns the input of a join that an output column comes from, if rows of that input may be dropped.
func side(k physical.JoinKind, l, r physical.Node, ordinal int) (physical.Node, int, bool) {
	width := len(l.Head().Schema)
	if ordinal < width {
		return l, ordinal, k != physical.JoinRight && k != physical.JoinFull
	}
	return r, ordinal - width, k == physical.JoinInner || k == physical.JoinRight
}
