package enumerate

import (
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/services/planner/internal/relset"
)

// Method is how a join is computed.
type Method uint8

// The methods.
const (
	Hash Method = iota
	Loop
	Index
)

// String returns the method's name in settings.
func (m Method) String() string { return [...]string{"hash", "loop", "index"}[m] }

// Key is a pair of join keys: Left over the left input, Right over the right one.
type Key struct {
	Left, Right expr.Expr
	NullSafe    bool
}

// Path is a way to compute the join of a set of leaves: a leaf, a join of two paths, or a grouping of one. Paths are
// immutable and share their parts.
type Path struct {
	Set relset.Set
	// Rows is the expected output, Cost the expected nanoseconds including the inputs.
	Rows, Cost float64

	// Leaf is the number of the leaf, -1 for other paths.
	Leaf   int
	Access *Access

	// Left and Right are the inputs of a join; the right one is built, held, or looked up. A grouping has Left only.
	Left, Right *Path
	Kind        physical.JoinKind
	Method      Method
	Keys        []Key
	// On are the further conditions of the join; Filter are those that apply to its result.
	On, Filter []expr.Expr
	Op         *Operator
	Lookup     *Lookup

	// Group marks a grouping by the columns that are still needed, with a count of the rows in each group.
	Group bool
	// Weighted tells that rows stand for several: some input was grouped.
	Weighted bool
	// Key is the canonical identity of what the path computes, 0 for none: that of the set, and of the groupings within it.
	Key uint64
	// Measured tells that Rows was measured.
	Measured bool
	// units is the sum over the hashed keys of the leaves and groupings that are joined.
	units uint64
}

// IsLeaf reports whether the path is a leaf.
func (p *Path) IsLeaf() bool { return p.Leaf >= 0 }

// Summary shows the order and methods of a path, such as "((a h b) i c)".
func (b *Block) Summary(p *Path) string {
	switch {
	case p.IsLeaf():
		l := b.Leaves[p.Leaf]
		name := "…"
		if s := l.Scan(); s != nil {
			if name = s.Alias; name == "" {
				name = s.Table.Name
			}
		}
		if p.Access != nil && p.Access.Index != nil {
			name += "[" + p.Access.Index.Name + "]"
		}
		return name
	case p.Group:
		return "γ" + b.Summary(p.Left)
	}
	sign := [...]string{"⋈", "×", "→"}[p.Method]
	switch p.Kind {
	case physical.JoinLeft, physical.JoinRight:
		sign += "ᴸ"
	case physical.JoinSemi:
		sign += "ˢ"
	case physical.JoinAnti:
		sign += "ᴬ"
	case physical.JoinMark:
		sign += "ᴹ"
	}
	return "(" + b.Summary(p.Left) + " " + sign + " " + b.Summary(p.Right) + ")"
}
