package enumerate

import (
	"fmt"
	"strconv"

	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/services/planner/internal/relset"
	"github.com/attunedb/attune/services/planner/internal/statistics"
)

// Leaf is one relation of a block.
type Leaf struct {
	// Node is a *logical.Scan or any node that is planned by itself.
	Node logical.Node
	// Preds are predicates over this leaf alone, applied right above or within it.
	Preds []expr.Expr
	// Rel is what is known of it with Preds applied. The caller of Extract fills it, and for leaves that are no scan Cost, the cost
	// of computing it.
	Rel  *statistics.Relation
	Cost float64
	// accesses are the ways to read a scan, best first; empty for other leaves.
	accesses []Access
}

// Scan returns the scan, nil when the leaf is something else.
func (l *Leaf) Scan() *logical.Scan { s, _ := l.Node.(*logical.Scan); return s }

// Term is one condition of inner joins and filters that needs two or more relations, or is held back by an operator.
type Term struct {
	Cond expr.Expr
	// needs are all relations that must be joined before the condition may be evaluated; rels those it names.
	needs, rels relset.Set
	// left and right are the sides of an equality whose operands name disjoint, non-empty sets; nil for other conditions.
	left, right         expr.Expr
	leftRels, rightRels relset.Set
	nullSafe            bool
	// scope are the tables of the join's left and right side where the condition was written.
	scopeLeft, scopeRight relset.Set
}

// Operator is a join that is not inner. Its left side is preserved.
type Operator struct {
	Kind      physical.JoinKind
	On        []expr.Expr
	Mark      logical.Column
	NullAware bool
	// left and right are the relations below each side as written; needs is what must be there on both before it applies.
	left, right, needs relset.Set
	leftKeys           []expr.Expr
	rightKeys          []expr.Expr
	residual           []expr.Expr
}

// Member is a column of a leaf in a Class.
type Member struct {
	Leaf int
	Col  *expr.Column
}

// Class is columns that are equal in the block's result and may be equated as early as they meet.
type Class struct{ Members []Member }

// Block is a tree of joins taken apart.
type Block struct {
	Leaves  []*Leaf
	Terms   []*Term
	Ops     []*Operator
	Classes []*Class
	// byCol is the leaf that gives a column; mark columns count as the right leaf of their join.
	byCol map[expr.ColumnID]int
	// marks are the operators that make a mark column.
	marks map[expr.ColumnID]*Operator
	all   relset.Set
	joins *statistics.Joins
	// guarded are the leaves on the right side of some operator.
	guarded relset.Set
	q       *statistics.Query
}

// Extract takes the joins and filters at the top of n apart. Leaves are numbered from left to right. It does not look into
// full joins, right sides of semi, anti and mark joins, or any other node: those become leaves.
func Extract(n logical.Node) (*Block, error) {
	b := &Block{byCol: make(map[expr.ColumnID]int), marks: make(map[expr.ColumnID]*Operator)}
	tables, err := b.walk(n)
	if err != nil {
		return nil, err
	}
	b.all = tables
	b.classify()
	return b, nil
}

func (b *Block) leaf(n logical.Node, preds []expr.Expr) (relset.Set, error) {
	i := len(b.Leaves)
	if i >= relset.Max {
		return relset.Set{}, fmt.Errorf("enumerate: more than %d relations in one block", relset.Max)
	}
	for _, c := range n.Columns() {
		b.byCol[c.ID] = i
	}
	b.Leaves = append(b.Leaves, &Leaf{Node: n, Preds: preds})
	return relset.Of(i), nil
}

// InBlock reports whether Extract would take n apart: a join it handles, a filter or a scan.
func InBlock(n logical.Node) bool {
	switch n := n.(type) {
	case *logical.Join:
		return n.Kind != physical.JoinFull
	case *logical.Filter, *logical.Scan:
		return true
	}
	return false
}

// joinCount is the number of leaves that taking n apart would give.
func joinCount(n logical.Node) int {
	switch n := n.(type) {
	case *logical.Filter:
		return joinCount(n.Input)
	case *logical.Join:
		switch n.Kind {
		case physical.JoinFull:
			return 1
		case physical.JoinSemi, physical.JoinAnti, physical.JoinMark:
			return joinCount(n.Left) + 1
		}
		return joinCount(n.Left) + joinCount(n.Right)
	}
	return 1
}

func (b *Block) walk(n logical.Node) (relset.Set, error) {
	switch n := n.(type) {
	case *logical.Filter:
		return b.walkFilter(n)
	case *logical.Join:
		if n.Kind == physical.JoinFull || len(b.Leaves)+joinCount(n) > relset.Max {
			break
		}
		return b.walkJoin(n, nil)
	}
	return b.leaf(n, nil)
}

func (b *Block) walkFilter(f *logical.Filter) (relset.Set, error) {
	terms := expr.Conjuncts(f.Cond)
	if j, ok := f.Input.(*logical.Join); ok && j.Kind == physical.JoinInner && len(b.Leaves)+joinCount(j) <= relset.Max {
		return b.walkJoin(j, terms)
	}
	in, err := b.walk(f.Input)
	if err != nil {
		return in, err
	}
	b.inner(terms, in, relset.Set{})
	return in, nil
}

// walkJoin takes a join apart; extra are terms of a filter right above an inner join.
func (b *Block) walkJoin(j *logical.Join, extra []expr.Expr) (relset.Set, error) {
	var none relset.Set
	left, right := j.Left, j.Right
	kind := j.Kind
	if kind == physical.JoinRight {
		left, right, kind = right, left, physical.JoinLeft
	}
	l, err := b.walk(left)
	if err != nil {
		return none, err
	}
	var r relset.Set
	switch kind {
	case physical.JoinInner, physical.JoinLeft:
		r, err = b.walk(right)
	default:
		var preds []expr.Expr
		if f, ok := right.(*logical.Filter); ok {
			if s, ok := f.Input.(*logical.Scan); ok {
				right, preds = s, expr.Conjuncts(f.Cond)
			}
		}
		r, err = b.leaf(right, preds)
	}
	if err != nil {
		return none, err
	}
	both := l.Union(r)
	if kind == physical.JoinInner {
		b.inner(append(expr.Conjuncts(j.On), extra...), l, r)
		return both, nil
	}
	op := &Operator{Kind: kind, Mark: j.Mark, NullAware: j.NullAware, left: l, right: r}
	b.operator(op, expr.Conjuncts(j.On))
	if kind == physical.JoinMark {
		b.marks[j.Mark.ID] = op
		b.byCol[j.Mark.ID] = r.Min()
	}
	return both, nil
}

// rels returns the leaves that an expression names. Volatile expressions belong to nobody.
func (b *Block) rels(e expr.Expr) (s relset.Set, volatile bool) {
	expr.Walk(e, func(n expr.Expr) bool {
		switch n := n.(type) {
		case *expr.Column:
			if i, ok := b.byCol[n.ID]; ok {
				s = s.With(i)
			}
		case *expr.Call:
			volatile = volatile || n.Fn.Volatility == compute.Volatile
		}
		return true
	})
	return s, volatile
}

// operator records an outer, semi, anti or mark join and what must precede it.
func (b *Block) operator(o *Operator, terms []expr.Expr) {
	names := relset.Set{}
	for _, t := range terms {
		rels, volatile := b.rels(t)
		if volatile {
			rels = rels.Union(o.left).Union(o.right)
		}
		if !o.NullAware && !rels.Empty() && rels.SubsetOf(o.right) && rels.Len() == 1 && !b.guarded.Intersects(rels) {
			// What a right row must be is decided before it is matched. A null-aware term that is NULL leaves the answer open, so it
			// is no filter.
			b.Leaves[rels.Min()].Preds = append(b.Leaves[rels.Min()].Preds, t)
			continue
		}
		o.On = append(o.On, t)
		names = names.Union(rels)
		l, r, nullSafe := equalitySides(t)
		if l != nil && !nullSafe {
			lr, _ := b.rels(l)
			rr, _ := b.rels(r)
			if rr.SubsetOf(o.left) && lr.SubsetOf(o.right) {
				l, r, lr, rr = r, l, rr, lr
			}
			if !lr.Empty() && !rr.Empty() && lr.SubsetOf(o.left) && rr.SubsetOf(o.right) && !volatile {
				o.leftKeys, o.rightKeys = append(o.leftKeys, l), append(o.rightKeys, r)
				continue
			}
		}
		o.residual = append(o.residual, t)
	}
	o.needs = names.Intersect(o.left)
	if o.needs.Empty() {
		o.needs = o.left
	}
	o.needs = b.absorb(o.needs, o.left).Union(o.right)
	b.guarded = b.guarded.Union(o.right)
	b.Ops = append(b.Ops, o)
}

// absorb adds to the relations of a condition what must be joined with them before it may be evaluated, where it was written
// above the relations of scope: the conflict rules of CD-C (G. Moerkotte, P. Fender, M. Eich, "On the Correct and Complete
// Enumeration of the Core Search Space", SIGMOD 2013) for left, semi, anti and mark joins, narrowed to the case that
// the right side of such a join is entered only through the join itself.
func (b *Block) absorb(s, scope relset.Set) relset.Set {
	for changed := true; changed; {
		changed = false
		for _, o := range b.Ops {
			if o.right.Intersects(s) && o.needs.SubsetOf(scope) && !o.needs.SubsetOf(s) {
				s, changed = s.Union(o.needs), true
			}
		}
	}
	return s
}

// inner records conditions that were written over the relations left and right (empty for a filter).
func (b *Block) inner(terms []expr.Expr, left, right relset.Set) {
	scope := left.Union(right)
	for _, t := range terms {
		rels, volatile := b.rels(t)
		needs := rels
		if rels.Empty() || volatile {
			needs = scope
		}
		needs = b.absorb(needs, scope)
		if needs.Len() == 1 {
			l := b.Leaves[needs.Min()]
			l.Preds = append(l.Preds, t)
			continue
		}
		term := &Term{Cond: t, needs: needs, rels: rels, scopeLeft: left, scopeRight: right}
		if l, r, nullSafe := equalitySides(t); l != nil && !volatile {
			lr, _ := b.rels(l)
			rr, _ := b.rels(r)
			if !lr.Empty() && !rr.Empty() && !lr.Intersects(rr) {
				term.left, term.right, term.leftRels, term.rightRels, term.nullSafe = l, r, lr, rr, nullSafe
			}
		}
		b.Terms = append(b.Terms, term)
	}
}

// equalitySides returns the operands of an equality of one kind, nil for anything else.
func equalitySides(e expr.Expr) (l, r expr.Expr, nullSafe bool) {
	switch e := e.(type) {
	case *expr.Call:
		if e.Fn.Name == "=" && len(e.Args) == 2 && e.Args[0].Type().Kind == e.Args[1].Type().Kind {
			return e.Args[0], e.Args[1], false
		}
	case *expr.IsDistinct:
		if e.Negated && e.Left.Type().Kind == e.Right.Type().Kind {
			return e.Left, e.Right, true
		}
	}
	return nil, nil, false
}

// classify turns equalities between plain columns into classes, where every relation concerned is joined by inner joins only.
func (b *Block) classify() {
	parent := make(map[expr.ColumnID]expr.ColumnID)
	cols := make(map[expr.ColumnID]*expr.Column)
	var order []expr.ColumnID
	var find func(id expr.ColumnID) expr.ColumnID
	find = func(id expr.ColumnID) expr.ColumnID {
		if p, ok := parent[id]; ok && p != id {
			r := find(p)
			parent[id] = r
			return r
		}
		return id
	}
	add := func(c *expr.Column) {
		if _, ok := parent[c.ID]; !ok {
			parent[c.ID], cols[c.ID] = c.ID, c
			order = append(order, c.ID)
		}
	}
	kept := b.Terms[:0]
	for _, t := range b.Terms {
		l, okL := t.left.(*expr.Column)
		r, okR := t.right.(*expr.Column)
		if !okL || !okR || t.nullSafe || t.needs.Intersects(b.guarded) || l.Typ.Kind.IsFloat() {
			kept = append(kept, t)
			continue
		}
		add(l)
		add(r)
		parent[find(l.ID)] = find(r.ID)
	}
	b.Terms = kept
	byRoot := make(map[expr.ColumnID]*Class)
	for _, id := range order {
		root := find(id)
		c := byRoot[root]
		if c == nil {
			c = &Class{}
			byRoot[root] = c
			b.Classes = append(b.Classes, c)
		}
		c.Members = append(c.Members, Member{b.byCol[id], cols[id]})
	}
	b.equateWithin()
}

// equateWithin keeps the equalities between two columns of one leaf that follow from a class: no join evaluates them.
func (b *Block) equateWithin() {
	for _, c := range b.Classes {
		first := make(map[int]*expr.Column)
		for _, m := range c.Members {
			if f, ok := first[m.Leaf]; ok {
				fn, kinds, err := compute.Resolve("=", typesOf(f, m.Col))
				if err == nil && len(kinds) == 2 {
					b.Leaves[m.Leaf].Preds = append(b.Leaves[m.Leaf].Preds, &expr.Call{Fn: fn,
						Args: []expr.Expr{f, m.Col}, Typ: boolType})
				}
				continue
			}
			first[m.Leaf] = m.Col
		}
	}
}

// Estimator returns the estimates of the block's sets. The leaves' Rel must be set. It must be called before Solve.
func (b *Block) Estimator(q *statistics.Query) *statistics.Joins {
	rels := make([]*statistics.Relation, len(b.Leaves))
	for i, l := range b.Leaves {
		rels[i] = l.Rel
	}
	var classes []*statistics.Class
	for _, c := range b.Classes {
		sc := &statistics.Class{}
		for _, m := range c.Members {
			if col := q.Column(m.Col.ID); col != nil {
				sc.Members = append(sc.Members, statistics.Member{Rel: m.Leaf, Col: col})
			}
		}
		classes = append(classes, sc)
	}
	var preds []*statistics.Predicate
	for _, t := range b.Terms {
		preds = append(preds, &statistics.Predicate{Rels: t.needs, Cond: t.Cond})
	}
	var ops []*statistics.Operator
	for _, o := range b.Ops {
		ops = append(ops, &statistics.Operator{Kind: o.Kind, Right: o.right, Needs: o.needs,
			LeftKeys: o.leftKeys, RightKeys: o.rightKeys, Residual: o.residual})
	}
	b.q = q
	b.joins = statistics.NewJoins(q, rels, classes, preds, ops)
	return b.joins
}

// All returns the set of all leaves.
func (b *Block) All() relset.Set { return b.all }

// leafNames are the names of everything that is read below a node, in no order.
func leafNames(n logical.Node) []string {
	switch n := n.(type) {
	case *logical.Scan:
		return []string{ScanName(n.Table.Name, n.Alias)}
	case *logical.CTERef:
		return []string{CTEName(n.CTE)}
	case *logical.Values:
		return []string{ValuesName}
	}
	var out []string
	for _, in := range n.Inputs() {
		out = append(out, leafNames(in)...)
	}
	return out
}

// ValuesName is the name of literal rows in a Guide.
const ValuesName = "values"

// ScanName is the name of a table in a Guide.
func ScanName(table, alias string) string {
	if alias == "" {
		alias = table
	}
	return table + " " + alias
}

// CTEName is the name of a common table expression in a Guide.
func CTEName(cte int) string { return "cte " + strconv.Itoa(cte) }

// Estimate is what is believed of a set of leaves.
func (b *Block) Estimate(s relset.Set) physical.Estimate { return b.joins.Estimate(s) }

// MatchShare is the chance that a row of the left set of an inner join finds a partner among rows rows of the right set.
func (b *Block) MatchShare(left, right relset.Set, rows float64) float64 {
	return b.joins.MatchShare(left, right, rows)
}

// SplitKeys takes the condition of a single join apart: equalities between the sides, and the rest.
func SplitKeys(j *logical.Join) (keys []Key, rest []expr.Expr) {
	left, right := logical.OutputSet(j.Left), logical.OutputSet(j.Right)
	for _, t := range expr.Conjuncts(j.On) {
		l, r, nullSafe := equalitySides(t)
		if l != nil {
			lc, rc := logical.ExprColumns(l), logical.ExprColumns(r)
			switch {
			case len(lc) > 0 && len(rc) > 0 && lc.SubsetOf(left) && rc.SubsetOf(right):
				keys = append(keys, Key{l, r, nullSafe})
				continue
			case len(lc) > 0 && len(rc) > 0 && lc.SubsetOf(right) && rc.SubsetOf(left):
				keys = append(keys, Key{r, l, nullSafe})
				continue
			}
		}
		rest = append(rest, t)
	}
	return keys, rest
}
