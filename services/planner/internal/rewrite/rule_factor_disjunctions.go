package rewrite

import (
	"slices"

	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/services/planner/internal/scalar"
)

// factorDisjunctions is rule factor_disjunctions.
//
// What: terms that all arms of a disjunction have in common are taken out of it, so that a join's equality can be one:
// (A AND B) OR (A AND C) becomes A AND (B OR C), and A OR (A AND B) becomes A.
//
// Why it is sound: conjunction and disjunction distribute over each other in three-valued logic too, so the condition has the same value
// for every row, NULL included. A volatile term is left alone, since it would be evaluated less often; so are terms that are
// the same only because two literals of the text happen to be, as the plan also serves texts in which they are not.
//
// A careless version fails for
//
//	SELECT * FROM t WHERE (t.a = 1 AND t.b = 2) OR (t.a = 1 AND t.b = 3)
//
// if the plan were then used for a text whose second 1 is a 4.
func (r *rewriter) factorDisjunctions(n logical.Node) (logical.Node, error) {
	return factorIn(n), nil
}

func factorIn(n logical.Node) logical.Node {
	inputs := n.Inputs()
	for i, in := range inputs {
		inputs[i] = factorIn(in)
	}
	n = rebuild(n, inputs...)
	switch x := n.(type) {
	case *logical.Filter:
		if cond, ok := factor(x.Cond); ok {
			c := *x
			c.Cond = cond
			return &c
		}
	case *logical.Join:
		if cond, ok := factor(x.On); ok {
			c := *x
			c.On = cond
			return &c
		}
	}
	return n
}

// factor takes common terms out of the disjunctions among the terms of a condition, which may be nil.
func factor(cond expr.Expr) (out expr.Expr, changed bool) {
	var terms []expr.Expr
	for _, t := range expr.Conjuncts(cond) {
		or, ok := t.(*expr.Or)
		if !ok {
			terms = append(terms, t)
			continue
		}
		common, rest := commonTerms(or)
		if len(common) == 0 {
			terms = append(terms, t)
			continue
		}
		changed = true
		terms = append(terms, common...)
		if rest != nil {
			terms = append(terms, rest)
		}
	}
	return expr.Conjoin(terms), changed
}

// commonTerms splits a disjunction into the terms of all its arms and what is left of them, nil where an arm has nothing else.
func commonTerms(or *expr.Or) (common []expr.Expr, rest expr.Expr) {
	arms := disjuncts(or)
	terms := make([][]expr.Expr, len(arms))
	for i, a := range arms {
		terms[i] = expr.Conjuncts(a)
	}
	for _, t := range terms[0] {
		if !scalar.IsVolatile(t) && !slices.ContainsFunc(terms[1:], func(arm []expr.Expr) bool { return indexOf(arm, t) < 0 }) {
			common = append(common, t)
		}
	}
	if len(common) == 0 {
		return nil, nil
	}
	left := make([]expr.Expr, len(arms))
	for i, arm := range terms {
		for _, c := range common {
			// A term that an arm has twice is taken out twice.
			for at := indexOf(arm, c); at >= 0; at = indexOf(arm, c) {
				arm = slices.Delete(slices.Clone(arm), at, at+1)
			}
		}
		if len(arm) == 0 {
			return common, nil
		}
		left[i] = expr.Conjoin(arm)
	}
	return common, &expr.Or{Terms: left}
}

// disjuncts returns the arms of a disjunction, flattened.
func disjuncts(e expr.Expr) []expr.Expr {
	or, ok := e.(*expr.Or)
	if !ok {
		return []expr.Expr{e}
	}
	var out []expr.Expr
	for _, t := range or.Terms {
		out = append(out, disjuncts(t)...)
	}
	return out
}

// indexOf finds a term that is the same for every text that the plan serves, -1 for none.
func indexOf(terms []expr.Expr, t expr.Expr) int {
	return slices.IndexFunc(terms, func(x expr.Expr) bool {
		same, pins := scalar.Equal(x, t)
		return same && len(pins) == 0
	})
}
