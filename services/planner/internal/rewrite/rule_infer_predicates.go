package rewrite

import (
	"cmp"
	"slices"

	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/services/planner/internal/scalar"
)

// maxInferred bounds the predicates that one pass adds to a plan's region.
const maxInferred = 64

// inferPredicates is rule infer_predicates.
//
// What: where a = b holds, a condition on a alone is also tested on b, and at an outer, anti or mark join one on the preserved side's
// key also on the other side's.
//
// Why it is sound: equal values of the types concerned are the same value, so a condition that is true of one is true of the
// other; rows it removes could not have satisfied the equality. On the nullable side of an outer join they could not have been partners.
//
// Careless versions fail for
//
//	SELECT * FROM t LEFT JOIN s ON s.x = t.a WHERE t.a < 5
//
// if s.x < 5 were put above the join, where it would drop rows without partner; and for numerics, where 1.0 = 1.00 but their texts
// differ, if a condition on the text were copied.
func (r *rewriter) inferPredicates(n logical.Node) (logical.Node, error) {
	return infer(n, false), nil
}

// infer adds predicates in n and below. inside says that n belongs to a region whose root has been seen.
func infer(n logical.Node, inside bool) logical.Node {
	inRegion := false
	switch x := n.(type) {
	case *logical.Filter:
		inRegion = true
	case *logical.Join:
		inRegion = x.Kind == physical.JoinInner
	}
	inputs := n.Inputs()
	for i, in := range inputs {
		childInside := inRegion
		inputs[i] = infer(in, childInside)
	}
	n = rebuild(n, inputs...)
	if inRegion && !inside {
		f := factsOf(n)
		own := logical.OutputSet(n)
		if add := f.derive(own.Has); len(add) > 0 {
			n = push(n, add)
		}
	}
	if j, ok := n.(*logical.Join); ok && !j.NullAware && j.On != nil {
		switch j.Kind {
		case physical.JoinLeft, physical.JoinAnti, physical.JoinMark, physical.JoinSemi:
			return inferAcross(j)
		}
	}
	return n
}

// inferAcross adds to a join's condition what its equalities carry over from the left side.
func inferAcross(j *logical.Join) logical.Node {
	f := factsOf(j.Left)
	known := factsOf(j.Right)
	for _, t := range expr.Conjuncts(j.On) {
		f.add(t)
	}
	right := logical.OutputSet(j.Right)
	var add []expr.Expr
	for _, t := range f.derive(right.Has) {
		if !known.has(t) {
			add = append(add, t)
		}
	}
	if len(add) == 0 {
		return j
	}
	return join(j.Kind, j.Left, push(j.Right, add), j.On, j.Mark, j.NullAware)
}

// facts are conditions that hold for every row.
type facts struct {
	parent map[expr.ColumnID]expr.ColumnID
	column map[expr.ColumnID]*expr.Column
	// single are conditions over one column and no volatile function.
	single []expr.Expr
}

func factsOf(n logical.Node) *facts {
	f := &facts{parent: map[expr.ColumnID]expr.ColumnID{}, column: map[expr.ColumnID]*expr.Column{}}
	f.collect(n)
	return f
}

func (f *facts) collect(n logical.Node) {
	switch n := n.(type) {
	case *logical.Filter:
		f.collect(n.Input)
		for _, t := range expr.Conjuncts(n.Cond) {
			f.add(t)
		}
	case *logical.Join:
		switch n.Kind {
		case physical.JoinInner:
			f.collect(n.Left)
			f.collect(n.Right)
			for _, t := range expr.Conjuncts(n.On) {
				f.add(t)
			}
		case physical.JoinFull:
		default:
			f.collect(n.Left)
		}
	case *logical.Project:
		f.collect(n.Input)
	case *logical.Sort:
		f.collect(n.Input)
	case *logical.Aggregate:
		if len(n.Groups) > 0 {
			f.collect(n.Input)
		}
	}
}

func (f *facts) add(t expr.Expr) {
	if scalar.IsVolatile(t) {
		return
	}
	if l, r, ok := scalar.Equality(t); ok {
		a, okA := scalar.StripRelabel(l).(*expr.Column)
		b, okB := scalar.StripRelabel(r).(*expr.Column)
		if okA && okB {
			if a.Typ == b.Typ && a.ID != b.ID && exactEquality(a.Typ.Kind) != 0 {
				f.column[a.ID], f.column[b.ID] = a, b
				f.parent[f.root(a.ID)] = f.root(b.ID)
			}
			return
		}
	}
	if len(logical.ExprColumns(t)) == 1 {
		f.single = append(f.single, t)
	}
}

func (f *facts) root(id expr.ColumnID) expr.ColumnID {
	for {
		up, ok := f.parent[id]
		if !ok || up == id {
			return id
		}
		id = up
	}
}

func (f *facts) has(t expr.Expr) bool { return duplicate(f.single, t) }

// The degrees to which equal values of a kind are the same.
const (
	sameOrder = 1 // comparisons cannot tell them apart
	sameValue = 2 // nothing can
)

func exactEquality(k types.Kind) int {
	switch k {
	case types.Bool, types.Int2, types.Int4, types.Int8, types.Date, types.Timestamp, types.TimestampTZ, types.UUID,
		types.Text, types.Varchar, types.Bytea:
		return sameValue
	case types.Numeric, types.Float4, types.Float8, types.Char, types.Interval:
		return sameOrder
	}
	return 0
}

// derive returns the conditions that follow for columns which wanted accepts, and are not known.
func (f *facts) derive(wanted func(expr.ColumnID) bool) []expr.Expr {
	members := map[expr.ColumnID][]expr.ColumnID{}
	for id := range f.column {
		members[f.root(id)] = append(members[f.root(id)], id)
	}
	for _, ids := range members {
		slices.SortFunc(ids, cmp.Compare[expr.ColumnID])
	}
	var out []expr.Expr
	for _, t := range f.single {
		var from expr.ColumnID
		for id := range logical.ExprColumns(t) {
			from = id
		}
		if f.column[from] == nil || !copies(t, f.column[from]) {
			continue
		}
		for _, to := range members[f.root(from)] {
			if to == from || !wanted(to) || len(out) >= maxInferred {
				continue
			}
			next := scalar.Substitute(t, map[expr.ColumnID]expr.Expr{from: f.column[to]})
			if !f.has(next) && !duplicate(out, next) {
				out = append(out, next)
			}
		}
	}
	return out
}

// copies reports whether a condition on a column holds for equal values too.
func copies(t expr.Expr, c *expr.Column) bool {
	if exactEquality(c.Typ.Kind) == sameValue {
		return true
	}
	switch t := t.(type) {
	case *expr.InList:
		return isColumn(t.Arg)
	case *expr.Call:
		_, ok := scalar.Comparison(t)
		return ok && (isColumn(t.Args[0]) && !scalar.HasColumns(t.Args[1]) || isColumn(t.Args[1]) && !scalar.HasColumns(t.Args[0]))
	}
	return false
}

func isColumn(e expr.Expr) bool { _, ok := e.(*expr.Column); return ok }
