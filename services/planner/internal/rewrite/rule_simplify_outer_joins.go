package rewrite

import (
	"slices"

	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/services/planner/internal/scalar"
)

// simplifyOuterJoins is rule simplify_outer_joins.
//
// What: a left join whose null-extended rows fail a condition above becomes an inner join, and a full join a left or inner join. A
// null-aware anti or mark join whose comparison is never NULL loses that property.
//
// Why it is sound: an outer join gives the inner join's rows and null-extended ones; a condition that is not true for NULLs
// removes just the latter. (C. Galindo-Legaria, A. Rosenthal, "Outerjoin simplification and reordering", TODS 1997, section 3.)
//
// A careless version fails for
//
//	SELECT * FROM t LEFT JOIN s ON s.x = t.a WHERE s.y = 1 OR s.y IS NULL
//
// where the condition holds for null-extended rows, though it names s.y in a comparison.
func (r *rewriter) simplifyOuterJoins(n logical.Node) (logical.Node, error) {
	return simplifyBelow(n, nil), nil
}

// simplifyBelow rewrites n, of whose rows only those matter for which all terms are true.
func simplifyBelow(n logical.Node, terms []expr.Expr) logical.Node {
	one := func(in logical.Node, terms []expr.Expr) logical.Node {
		next := simplifyBelow(in, terms)
		if next == in {
			return n
		}
		return n.WithInputs([]logical.Node{next})
	}
	switch x := n.(type) {
	case *logical.Filter:
		return one(x.Input, slices.Concat(expr.Conjuncts(x.Cond), terms))
	case *logical.Project:
		by := replacements(x.Items)
		below := make([]expr.Expr, 0, len(terms))
		for _, t := range terms {
			below = append(below, scalar.Substitute(t, by))
		}
		return one(x.Input, below)
	case *logical.Sort:
		return one(x.Input, terms)
	case *logical.Aggregate:
		if len(x.Groups) == 0 {
			return one(x.Input, nil)
		}
		groups := map[expr.ColumnID]expr.Expr{}
		for _, g := range x.Groups {
			groups[g.ID] = g.Expr
		}
		var below []expr.Expr
		for _, t := range terms {
			if onlyOf(t, func(id expr.ColumnID) bool { return groups[id] != nil }) {
				below = append(below, scalar.Substitute(t, groups))
			}
		}
		return one(x.Input, below)
	case *logical.Join:
		return simplifyJoin(x, terms)
	}
	inputs := n.Inputs()
	changed := false
	for i, in := range inputs {
		if next := simplifyBelow(in, nil); next != in {
			inputs[i], changed = next, true
		}
	}
	if changed {
		return n.WithInputs(inputs)
	}
	return n
}

func onlyOf(e expr.Expr, own func(expr.ColumnID) bool) bool {
	for id := range logical.ExprColumns(e) {
		if !own(id) {
			return false
		}
	}
	return true
}

func rejects(terms []expr.Expr, side logical.Set) bool {
	for _, t := range terms {
		if scalar.RejectsNulls(t, side.Has) {
			return true
		}
	}
	return false
}

func simplifyJoin(j *logical.Join, terms []expr.Expr) logical.Node {
	kind, nullAware := j.Kind, j.NullAware
	left, right := j.Left, j.Right
	switch kind {
	case physical.JoinLeft:
		if rejects(terms, logical.OutputSet(right)) {
			kind = physical.JoinInner
		}
	case physical.JoinFull:
		noLeftOnly, noRightOnly := rejects(terms, logical.OutputSet(right)), rejects(terms, logical.OutputSet(left))
		switch {
		case noLeftOnly && noRightOnly:
			kind = physical.JoinInner
		case noRightOnly:
			kind = physical.JoinLeft
		case noLeftOnly:
			kind = physical.JoinLeft
			left, right = right, left
		}
	case physical.JoinAnti, physical.JoinMark:
		if nullAware && j.On != nil {
			notNull := union(NotNull(left), NotNull(right))
			if !scalar.MayBeNull(j.On, func(id expr.ColumnID) bool { return !notNull.Has(id) }) {
				nullAware = false
			}
		}
	}
	on := expr.Conjuncts(j.On)
	leftTerms, rightTerms := on, on
	switch kind {
	case physical.JoinInner:
		leftTerms = slices.Concat(terms, on)
		rightTerms = leftTerms
	case physical.JoinLeft, physical.JoinAnti, physical.JoinMark:
		leftTerms = terms
		if nullAware {
			rightTerms = nil
		}
	case physical.JoinSemi:
		leftTerms = slices.Concat(terms, on)
	case physical.JoinFull:
		leftTerms, rightTerms = nil, nil
	}
	newLeft, newRight := simplifyBelow(left, leftTerms), simplifyBelow(right, rightTerms)
	if kind == j.Kind && nullAware == j.NullAware && newLeft == j.Left && newRight == j.Right {
		return j
	}
	return join(kind, newLeft, newRight, j.On, j.Mark, nullAware)
}
