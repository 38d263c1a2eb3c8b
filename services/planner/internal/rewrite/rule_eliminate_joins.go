package rewrite

import (
	"slices"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/services/planner/internal/algebra"
	"github.com/attunedb/attune/services/planner/internal/scalar"
)

// eliminateJoins is rule eliminate_joins.
//
// What: a left join goes away whose right side has at most one partner for each row and no column that is used; so does a mark join
// whose mark is not used, and an inner or semi join with the parent of a foreign key, all of whose rows are there and none of
// whose columns is used. The child's key columns must then not be NULL.
//
// Why it is sound: such a join neither multiplies nor removes rows: the unique key allows one partner, the foreign key, which holds
// at every snapshot, guarantees it.
//
// Careless versions fail for
//
//	SELECT c.* FROM child c JOIN parent p ON p.id = c.parent
//
// where a child whose parent is NULL has no partner, and where the parent is filtered by a condition.
func (r *rewriter) eliminateJoins(n logical.Node) (logical.Node, error) {
	return eliminate(n, r.output, false), nil
}

// eliminate rewrites n; need are the columns used above it, all of n's when everything is true.
func eliminate(n logical.Node, need logical.Set, everything bool) logical.Node {
	if everything {
		need = logical.OutputSet(n)
	}
	own := logical.ExprColumns(logical.Exprs(n)...)
	if j, ok := n.(*logical.Join); ok {
		if out := eliminateJoin(j, need); out != nil {
			return eliminate(out, need, false)
		}
	}
	inputs := n.Inputs()
	for i, in := range inputs {
		childNeed, childAll := union(own, need), false
		switch x := n.(type) {
		case *logical.Project, *logical.Aggregate:
			childNeed = own
		case *logical.SetOp:
			childAll = true
		case *logical.With:
			childAll = i < len(x.Defs)
		case *logical.Write:
			for _, id := range x.Source {
				childNeed.Add(id)
			}
		}
		inputs[i] = eliminate(in, childNeed, childAll)
	}
	return rebuild(n, inputs...)
}

// eliminateJoin returns what remains of a join that is not needed, nil when it is.
func eliminateJoin(j *logical.Join, need logical.Set) logical.Node {
	rightUsed := need.Intersects(logical.OutputSet(j.Right))
	switch j.Kind {
	case physical.JoinLeft:
		if !rightUsed && !isVolatile(j.Right) && atMostOneRow(j.Right, expr.Conjuncts(j.On)) {
			return j.Left
		}
	case physical.JoinMark:
		if !need.Has(j.Mark.ID) && !isVolatile(j.Right) {
			return j.Left
		}
	case physical.JoinInner:
		if !rightUsed {
			if cols, ok := foreignKeyJoin(j.Left, j.Right, j.On); ok {
				return requireValues(j.Left, cols)
			}
		}
		if !need.Intersects(logical.OutputSet(j.Left)) {
			if cols, ok := foreignKeyJoin(j.Right, j.Left, j.On); ok {
				return requireValues(j.Right, cols)
			}
		}
	case physical.JoinSemi:
		if cols, ok := foreignKeyJoin(j.Left, j.Right, j.On); ok {
			return requireValues(j.Left, cols)
		}
	}
	return nil
}

// requireValues drops rows of n in which one of the columns is NULL.
func requireValues(n logical.Node, cols []*expr.Column) logical.Node {
	notNull := NotNull(n)
	var terms []expr.Expr
	for _, c := range cols {
		if !notNull.Has(c.ID) {
			terms = append(terms, &expr.IsNull{Arg: c, Negated: true})
		}
	}
	return push(n, terms)
}

// foreignKeyJoin reports whether on equates just the columns of a foreign key of a table in child with the key of the whole table parent, and
// returns the child's columns.
func foreignKeyJoin(child, parent logical.Node, on expr.Expr) ([]*expr.Column, bool) {
	p, ok := parent.(*logical.Scan)
	if !ok {
		return nil, false
	}
	var childCols []*expr.Column
	var parentOrdinals []int
	for _, t := range expr.Conjuncts(on) {
		l, r, ok := scalar.Equality(t)
		if !ok {
			return nil, false
		}
		a, okA := scalar.StripRelabel(l).(*expr.Column)
		b, okB := scalar.StripRelabel(r).(*expr.Column)
		if !okA || !okB {
			return nil, false
		}
		if _, isParent := ordinalOf(p, a.ID); isParent {
			a, b = b, a
		}
		o, isParent := ordinalOf(p, b.ID)
		if !isParent {
			return nil, false
		}
		childCols, parentOrdinals = append(childCols, a), append(parentOrdinals, o)
	}
	if len(childCols) == 0 {
		return nil, false
	}
	found := false
	algebra.Walk(child, func(n logical.Node) bool {
		s, ok := n.(*logical.Scan)
		if !ok {
			return !found
		}
		for i := range s.Table.ForeignKeys {
			found = found || references(&s.Table.ForeignKeys[i], s, childCols, p.Table, parentOrdinals)
		}
		return !found
	})
	return childCols, found
}

func ordinalOf(s *logical.Scan, id expr.ColumnID) (int, bool) {
	for i, c := range s.Cols {
		if c.ID == id {
			return s.Ordinals[i], true
		}
	}
	return 0, false
}

// references reports whether a foreign key of the scanned table is the pairing of child columns and parent ordinals.
func references(fk *catalog.ForeignKey, s *logical.Scan, cols []*expr.Column, parent *catalog.Table, ordinals []int) bool {
	if fk.RefTable != parent.ID || len(fk.Columns) != len(cols) {
		return false
	}
	for i, c := range cols {
		o, ok := ordinalOf(s, c.ID)
		at := slices.Index(fk.RefColumns, ordinals[i])
		if !ok || at < 0 || fk.Columns[at] != o {
			return false
		}
	}
	return true
}
