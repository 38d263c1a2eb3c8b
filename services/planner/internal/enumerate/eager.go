package enumerate

import (
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/services/planner/internal/relset"
)

// Eager is the grouping above a block, as far as groupings below the joins must know it (W. Yan, P. Larson, "Eager Aggregation and Lazy
// Aggregation", VLDB 1995; M. Eich, G. Moerkotte, "Dynamic Programming: The Next Step", ICDE 2015). The aggregates above must be
// such that a row with a count of n can stand for n equal rows.
type Eager struct {
	// Needed are all columns that the grouping reads, for its keys and its arguments.
	Needed logical.Set
	// Groups are its keys.
	Groups []expr.Expr
}

// needed lists the columns of a set that anything outside of it reads: conditions not applied within it, and what is above.
func (v *solver) needed(s relset.Set) []expr.Expr { return v.b.Needed(s, v.o.Eager.Needed) }

// Needed lists the columns of a set of leaves that are read above the join of the set, given those that are read above
// the block, each once.
func (b *Block) Needed(s relset.Set, above logical.Set) []expr.Expr {
	var out []expr.Expr
	seen := make(logical.Set)
	add := func(e expr.Expr) {
		expr.Columns(e, func(c *expr.Column) {
			// A mark comes into being with its join.
			if o := b.marks[c.ID]; o != nil && !o.needs.SubsetOf(s) {
				return
			}
			if i, ok := b.byCol[c.ID]; ok && s.Has(i) && !seen.Has(c.ID) {
				seen.Add(c.ID)
				out = append(out, c)
			}
		})
	}
	for i := range s.All() {
		for _, c := range b.Leaves[i].Node.Columns() {
			if above.Has(c.ID) {
				add(c.Ref())
			}
		}
	}
	for _, c := range b.Classes {
		var first *expr.Column
		outside := false
		for _, m := range c.Members {
			switch {
			case !s.Has(m.Leaf):
				outside = true
			case first == nil:
				first = m.Col
			}
		}
		if outside && first != nil {
			add(first)
		}
	}
	for _, t := range b.Terms {
		if !t.needs.SubsetOf(s) {
			add(t.Cond)
		}
	}
	for _, o := range b.Ops {
		if o.needs.SubsetOf(s) {
			if above.Has(o.Mark.ID) || b.markRead(o, s) {
				add(o.Mark.Ref())
			}
			continue
		}
		for _, e := range o.On {
			add(e)
		}
	}
	return out
}

// markRead reports whether a condition outside s reads the mark of an operator within it.
func (b *Block) markRead(o *Operator, s relset.Set) bool {
	if o.Mark.ID == 0 {
		return false
	}
	for _, t := range b.Terms {
		if !t.needs.SubsetOf(s) && logical.ExprColumns(t.Cond).Has(o.Mark.ID) {
			return true
		}
	}
	return false
}

// groups is the expected number of groups among rows rows of a set.
func (v *solver) groups(s relset.Set, keys []expr.Expr, rows float64) float64 {
	if len(keys) == 0 {
		return 1
	}
	return v.b.q.Groups(keys, max(rows, 1))
}
