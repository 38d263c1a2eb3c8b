package enumerate

import (
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/services/planner/internal/relset"
)

// step is what happens when two sets meet: the operator and the conditions that become applicable.
type step struct {
	s1, s2 relset.Set
	// op is the join that is not inner, nil for an inner one; its left side is s1.
	op *Operator
	// keys pair an expression over s1 with one over s2. on are the other conditions of an inner join, filter those
	// that apply above an operator.
	keys       []Key
	on, filter []expr.Expr
}

// step returns what joining s1 and s2 means, and whether it keeps the meaning of the block. The operator's sides may come out
// exchanged.
func (b *Block) step(s1, s2 relset.Set) (*step, bool) {
	s := s1.Union(s2)
	var op *Operator
	for _, o := range b.Ops {
		if !o.right.Intersects(s) || s.SubsetOf(o.right) {
			continue
		}
		if !o.needs.SubsetOf(s) {
			return nil, false
		}
		if o.needs.SubsetOf(s1) || o.needs.SubsetOf(s2) {
			continue
		}
		preserved := o.needs.Minus(o.right)
		switch {
		case op != nil:
			return nil, false
		case preserved.SubsetOf(s1) && s2 == o.right:
		case preserved.SubsetOf(s2) && s1 == o.right:
			s1, s2 = s2, s1
		default:
			return nil, false
		}
		op = o
	}
	st := &step{s1: s1, s2: s2, op: op}
	if op != nil {
		for i := range op.leftKeys {
			st.keys = append(st.keys, Key{Left: op.leftKeys[i], Right: op.rightKeys[i]})
		}
		st.on = op.residual
	}
	for _, c := range b.Classes {
		var l, r *expr.Column
		for _, m := range c.Members {
			if l == nil && s1.Has(m.Leaf) {
				l = m.Col
			}
			if r == nil && s2.Has(m.Leaf) {
				r = m.Col
			}
		}
		if l != nil && r != nil {
			st.keys = append(st.keys, Key{Left: l, Right: r})
		}
	}
	for _, t := range b.Terms {
		if !t.needs.SubsetOf(s) || t.needs.SubsetOf(s1) || t.needs.SubsetOf(s2) {
			continue
		}
		switch {
		case op != nil:
			st.filter = append(st.filter, t.Cond)
		case t.left != nil && t.leftRels.SubsetOf(s1) && t.rightRels.SubsetOf(s2):
			st.keys = append(st.keys, Key{t.left, t.right, t.nullSafe})
		case t.left != nil && t.leftRels.SubsetOf(s2) && t.rightRels.SubsetOf(s1):
			st.keys = append(st.keys, Key{t.right, t.left, t.nullSafe})
		default:
			st.on = append(st.on, t.Cond)
		}
	}
	return st, true
}

// connected reports whether anything but a cross product joins the two sides.
func (st *step) connected() bool { return st.op != nil || len(st.keys) > 0 || len(st.on) > 0 }

// hypergraph returns the block's query graph.
func (b *Block) hypergraph() *Hypergraph {
	g := &Hypergraph{N: len(b.Leaves)}
	add := func(l, r relset.Set) {
		if !l.Empty() && !r.Empty() && !l.Intersects(r) {
			g.Edges = append(g.Edges, Hyperedge{l, r})
		}
	}
	seen := make(map[Hyperedge]bool)
	for _, c := range b.Classes {
		for i, m := range c.Members {
			for _, k := range c.Members[i+1:] {
				e := Hyperedge{relset.Of(min(m.Leaf, k.Leaf)), relset.Of(max(m.Leaf, k.Leaf))}
				if m.Leaf != k.Leaf && !seen[e] {
					seen[e] = true
					g.Edges = append(g.Edges, e)
				}
			}
		}
	}
	for _, t := range b.Terms {
		l, r := t.leftRels, t.rightRels
		if t.left == nil {
			l, r = t.needs.Intersect(t.scopeLeft), t.needs.Intersect(t.scopeRight)
			if l.Empty() || r.Empty() {
				first := relset.Of(t.needs.Min())
				l, r = first, t.needs.Minus(first)
			}
			add(l, r)
			continue
		}
		// What an operator must bring along stays on the side that it serves.
		for _, o := range b.Ops {
			if o.needs.SubsetOf(t.needs) {
				if l.Intersects(o.right) {
					l = l.Union(o.needs.Minus(r))
				} else if r.Intersects(o.right) {
					r = r.Union(o.needs.Minus(l))
				}
			}
		}
		add(l, r)
	}
	for _, o := range b.Ops {
		add(o.needs.Minus(o.right), o.right)
	}
	g.Connect()
	return g
}

// lookupKeys are the keys of a step by which rows of a leaf's table can be looked up: column ordinal → expression over
// the other side.
func (st *step) lookupKeys(l *Leaf) map[int]expr.Expr {
	s := l.Scan()
	if s == nil {
		return nil
	}
	keys := make(map[int]expr.Expr)
	for _, k := range st.keys {
		c := plainColumn(k.Right)
		if c == nil || k.NullSafe {
			continue
		}
		for i, col := range s.Cols {
			if col.ID != c.ID {
				continue
			}
			from, to := k.Left.Type().Kind, s.Table.Columns[s.Ordinals[i]].Type.Kind
			if from == to || varying(from) && varying(to) {
				keys[s.Ordinals[i]] = k.Left
			}
		}
	}
	return keys
}

// flip exchanges the sides of an inner step.
func (st *step) flip() *step {
	f := &step{s1: st.s2, s2: st.s1, on: st.on, filter: st.filter, keys: make([]Key, len(st.keys))}
	for i, k := range st.keys {
		f.keys[i] = Key{k.Right, k.Left, k.NullSafe}
	}
	return f
}

// kind is the kind of join of a step.
func (st *step) kind() physical.JoinKind {
	if st.op == nil {
		return physical.JoinInner
	}
	return st.op.Kind
}
