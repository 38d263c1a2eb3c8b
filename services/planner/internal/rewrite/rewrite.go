package rewrite

import (
	"slices"
	"strings"

	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/services/planner/internal/algebra"
	"github.com/attunedb/attune/services/planner/internal/scalar"
)

// Rule is a rewrite rule.
type Rule struct {
	// ID is its identifier.
	ID string
	// Required rules are always on: the plan could not be run without them.
	Required bool
	apply    func(*rewriter, logical.Node) (logical.Node, error)
}

// rules are in the order in which they are applied first.
var rules = []Rule{
	{ID: "inline_ctes", apply: (*rewriter).inlineCTEs},
	{ID: "decorrelate_subqueries", Required: true, apply: (*rewriter).decorrelateSubqueries},
	{ID: "fold_constants", apply: (*rewriter).foldConstants},
	{ID: "factor_disjunctions", apply: (*rewriter).factorDisjunctions},
	{ID: "merge_projections", apply: (*rewriter).mergeProjections},
	{ID: "simplify_outer_joins", apply: (*rewriter).simplifyOuterJoins},
	{ID: "push_filters", apply: (*rewriter).pushFilters},
	{ID: "eliminate_joins", apply: (*rewriter).eliminateJoins},
	{ID: "infer_predicates", apply: (*rewriter).inferPredicates},
	{ID: "eliminate_sorts", apply: (*rewriter).eliminateSorts},
	{ID: "push_limit", apply: (*rewriter).pushLimit},
	{ID: "prune_columns", apply: (*rewriter).pruneColumns},
}

// EagerAggregation is the identifier of the rule that PushAggregate applies.
const EagerAggregation = "push_aggregates_through_joins"

// maxPasses bounds how often the rules that feed each other are repeated.
const maxPasses = 4

// Rules returns the identifiers of all rules, in order of application.
func Rules() []string {
	out := make([]string, 0, len(rules)+1)
	for _, r := range rules {
		out = append(out, r.ID)
	}
	return append(out, EagerAggregation)
}

// Enabled reports whether a rule is on under the given settings.
func Enabled(id string, settings map[string]string) bool {
	for _, r := range rules {
		if r.ID == id && r.Required {
			return true
		}
	}
	switch strings.ToLower(settings["attune.rules."+id]) {
	case "off", "false", "no", "0":
		return false
	}
	return true
}

// Result is a rewritten plan.
type Result struct {
	Plan logical.Node
	// Applied are the identifiers of the rules that changed the plan, in order of their first change.
	Applied []string
	// NextColumn is the first column ID that is not used.
	NextColumn expr.ColumnID
}

// Apply rewrites a bound plan. next is the first free column ID. It fails with 0A000 for a correlated subquery that it cannot unnest.
func Apply(n logical.Node, next expr.ColumnID, settings map[string]string) (*Result, error) {
	output := n.Columns()
	r := &rewriter{next: next, output: logical.OutputSet(n)}
	once := map[string]bool{"inline_ctes": true, "decorrelate_subqueries": true}
	for pass := range maxPasses {
		before := n
		for _, rule := range rules {
			if pass > 0 && once[rule.ID] || !Enabled(rule.ID, settings) {
				continue
			}
			was := n
			out, err := rule.apply(r, n)
			if err != nil {
				return nil, err
			}
			n = out
			if algebra.Same(n, was) {
				n = was
				continue
			}
			if !slices.Contains(r.applied, rule.ID) {
				r.applied = append(r.applied, rule.ID)
			}
		}
		if n == before {
			break
		}
	}
	n = r.keepOutput(n, output)
	return &Result{Plan: n, Applied: r.applied, NextColumn: r.next}, nil
}

// rewriter is the state of one rewriting.
type rewriter struct {
	next expr.ColumnID
	// output are the columns of the whole plan.
	output  logical.Set
	applied []string
}

func (r *rewriter) newID() expr.ColumnID {
	id := r.next
	r.next++
	return id
}

func (r *rewriter) newColumn(name string, t types.Type) logical.Column {
	return logical.Column{ID: r.newID(), Name: name, Type: t}
}

// keepOutput puts a projection on top where the output's columns, their order or names are not the plan's any more.
func (r *rewriter) keepOutput(n logical.Node, want []logical.Column) logical.Node {
	if w, ok := n.(*logical.With); ok {
		body := r.keepOutput(w.Body, want)
		if body == w.Body {
			return n
		}
		return &logical.With{CTEs: w.CTEs, Defs: w.Defs, Body: body}
	}
	if _, ok := n.(*logical.Write); ok || slices.Equal(n.Columns(), want) {
		return n
	}
	if p, ok := n.(*logical.Project); ok {
		items := make([]logical.Item, 0, len(want))
		for _, c := range want {
			if i := slices.IndexFunc(p.Items, func(it logical.Item) bool { return it.ID == c.ID }); i >= 0 {
				items = append(items, logical.Item{Column: c, Expr: p.Items[i].Expr})
			}
		}
		if len(items) == len(want) && !slices.ContainsFunc(p.Items, func(it logical.Item) bool { return scalar.IsVolatile(it.Expr) }) {
			return logical.NewProject(p.Input, items)
		}
	}
	return logical.NewProject(n, pass(want))
}

// join returns a join with all its properties.
func join(kind joinKind, left, right logical.Node, on expr.Expr, mark logical.Column, nullAware bool) *logical.Join {
	j := logical.NewJoin(kind, left, right, on, mark)
	j.NullAware = nullAware
	return j
}

// filter puts conditions on n; none leave it as it is. A filter below is merged.
func filter(n logical.Node, terms []expr.Expr) logical.Node {
	if len(terms) == 0 {
		return n
	}
	if f, ok := n.(*logical.Filter); ok {
		n, terms = f.Input, append(expr.Conjuncts(f.Cond), terms...)
	}
	return &logical.Filter{Input: n, Cond: expr.Conjoin(terms)}
}

// pass returns items that pass columns on.
func pass(cols []logical.Column) []logical.Item {
	items := make([]logical.Item, len(cols))
	for i, c := range cols {
		items[i] = logical.Item{Column: c, Expr: c.Ref()}
	}
	return items
}

// call builds a call of an overload by its identifier; the caller knows that it exists.
func call(id string, t types.Type, args ...expr.Expr) expr.Expr {
	fn, ok := compute.ByID(id)
	if !ok {
		return nil
	}
	return &expr.Call{Fn: fn, Args: args, Typ: t}
}

// equal returns the condition that two columns of one type are equal, NULLs included where either may be NULL.
func equal(a, b expr.Expr, nullable bool) expr.Expr {
	k := a.Type().Kind
	if !nullable && k == b.Type().Kind {
		if e := call("="+"("+k.Short()+","+k.Short()+")", types.Of(types.Bool), a, b); e != nil {
			return e
		}
	}
	return &expr.IsDistinct{Left: a, Right: b, Negated: true}
}
