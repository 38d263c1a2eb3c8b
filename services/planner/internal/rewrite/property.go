package rewrite

import (
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/services/planner/internal/scalar"
)

type joinKind = physical.JoinKind

// NotNull returns the output columns of n that are never NULL.
func NotNull(n logical.Node) logical.Set {
	switch n := n.(type) {
	case *logical.Scan:
		out := logical.Set{}
		for i, o := range n.Ordinals {
			if n.Table.Columns[o].NotNull {
				out.Add(n.Cols[i].ID)
			}
		}
		return out
	case *logical.Filter:
		return withRejected(NotNull(n.Input), n.Input, n.Cond)
	case *logical.Project:
		in, out := NotNull(n.Input), logical.Set{}
		addItems(out, n.Items, in)
		return out
	case *logical.Join:
		switch n.Kind {
		case physical.JoinInner:
			out := union(NotNull(n.Left), NotNull(n.Right))
			return withRejected(out, n, n.On)
		case physical.JoinFull:
			return logical.Set{}
		case physical.JoinMark:
			out := NotNull(n.Left)
			if !n.NullAware {
				out.Add(n.Mark.ID)
			}
			return out
		}
		return NotNull(n.Left)
	case *logical.Aggregate:
		in, out := NotNull(n.Input), logical.Set{}
		addItems(out, n.Groups, in)
		for _, a := range n.Aggs {
			if a.Fn.Name == "count" {
				out.Add(a.ID)
			}
		}
		return out
	case *logical.SetOp:
		l, r, out := NotNull(n.Left), NotNull(n.Right), logical.Set{}
		lc, rc := n.Left.Columns(), n.Right.Columns()
		for i, c := range n.Cols {
			if l.Has(lc[i].ID) && (r.Has(rc[i].ID) || n.Kind != logical.Union && n.Kind != logical.UnionAll) {
				out.Add(c.ID)
			}
		}
		return out
	case *logical.Values:
		out := logical.Set{}
		for i, c := range n.Cols {
			nullable := false
			for _, row := range n.Rows {
				nullable = nullable || scalar.MayBeNull(row[i], func(expr.ColumnID) bool { return true })
			}
			if !nullable {
				out.Add(c.ID)
			}
		}
		return out
	case *logical.Sort:
		return NotNull(n.Input)
	case *logical.Limit:
		return NotNull(n.Input)
	case *logical.With:
		return NotNull(n.Body)
	}
	return logical.Set{}
}

func addItems(out logical.Set, items []logical.Item, in logical.Set) {
	for _, it := range items {
		if !scalar.MayBeNull(it.Expr, func(id expr.ColumnID) bool { return !in.Has(id) }) {
			out.Add(it.ID)
		}
	}
}

// withRejected adds the columns of n for which cond is not true when they are NULL.
func withRejected(out logical.Set, n logical.Node, cond expr.Expr) logical.Set {
	if cond == nil {
		return out
	}
	own := logical.OutputSet(n)
	for id := range logical.ExprColumns(cond) {
		if own.Has(id) && !out.Has(id) && scalar.RejectsNulls(cond, func(c expr.ColumnID) bool { return c == id }) {
			out.Add(id)
		}
	}
	return out
}

func union(sets ...logical.Set) logical.Set {
	out := logical.Set{}
	for _, s := range sets {
		for id := range s {
			out.Add(id)
		}
	}
	return out
}

// maxKeys bounds how many keys are followed through a plan.
const maxKeys = 8

// Keys returns sets of output columns whose values no two rows of n share. The empty set means at most one row. NULLs count as
// values: a key column is never NULL, or the operator itself made the rows distinct.
func Keys(n logical.Node) []logical.Set {
	out := keys(n)
	if len(out) > maxKeys {
		out = out[:maxKeys]
	}
	return out
}

func keys(n logical.Node) []logical.Set {
	switch n := n.(type) {
	case *logical.Scan:
		return scanKeys(n)
	case *logical.Filter:
		return reduceKeys(Keys(n.Input), n.Cond, logical.OutputSet(n.Input))
	case *logical.Sort:
		return Keys(n.Input)
	case *logical.Limit:
		return Keys(n.Input)
	case *logical.With:
		return Keys(n.Body)
	case *logical.SingleRow:
		return []logical.Set{{}}
	case *logical.Project:
		renamed := map[expr.ColumnID]expr.ColumnID{}
		for _, it := range n.Items {
			if c, ok := it.Expr.(*expr.Column); ok {
				renamed[c.ID] = it.ID
			}
		}
		var out []logical.Set
		for _, k := range Keys(n.Input) {
			next, ok := logical.Set{}, true
			for id := range k {
				to, passed := renamed[id]
				ok = ok && passed
				next.Add(to)
			}
			if ok {
				out = append(out, next)
			}
		}
		return out
	case *logical.Values:
		if len(n.Rows) <= 1 {
			return []logical.Set{{}}
		}
	case *logical.Aggregate:
		k := logical.Set{}
		for _, g := range n.Groups {
			k.Add(g.ID)
		}
		return []logical.Set{k}
	case *logical.SetOp:
		if n.Kind == logical.Union || n.Kind == logical.Intersect || n.Kind == logical.Except {
			return []logical.Set{logical.OutputSet(n)}
		}
	case *logical.Join:
		return joinKeys(n)
	}
	return nil
}

func scanKeys(n *logical.Scan) []logical.Set {
	byOrdinal := map[int]expr.ColumnID{}
	for i, o := range n.Ordinals {
		byOrdinal[o] = n.Cols[i].ID
	}
	var out []logical.Set
	add := func(ix *catalog.Index) {
		k := logical.Set{}
		for _, o := range ix.Columns {
			id, read := byOrdinal[o]
			if !read || !n.Table.Columns[o].NotNull {
				return
			}
			k.Add(id)
		}
		if len(k) > 0 {
			out = append(out, k)
		}
	}
	add(&n.Table.Primary)
	for i := range n.Table.Indexes {
		if ix := &n.Table.Indexes[i]; ix.Unique && ix.State == catalog.IndexPublic {
			add(ix)
		}
	}
	return out
}

// joinKeys: a side that finds at most one partner leaves the other side's keys; otherwise pairs of keys are keys.
func joinKeys(n *logical.Join) []logical.Set {
	left := Keys(n.Left)
	switch n.Kind {
	case physical.JoinSemi, physical.JoinAnti, physical.JoinMark:
		return left
	case physical.JoinFull:
		return nil
	}
	right := Keys(n.Right)
	var out []logical.Set
	if hasKeyIn(right, equatedColumns(n.On, logical.OutputSet(n.Right))) {
		out = append(out, left...)
	}
	if n.Kind == physical.JoinInner && hasKeyIn(left, equatedColumns(n.On, logical.OutputSet(n.Left))) {
		out = append(out, right...)
	}
	if len(out) == 0 {
		for _, l := range left {
			for _, r := range right {
				out = append(out, union(l, r))
			}
		}
	}
	return out
}

func hasKeyIn(keys []logical.Set, fixed logical.Set) bool {
	for _, k := range keys {
		if k.SubsetOf(fixed) {
			return true
		}
	}
	return false
}

// equatedColumns returns the columns of own that cond makes equal to a value that does not depend on own.
func equatedColumns(cond expr.Expr, own logical.Set) logical.Set {
	out := logical.Set{}
	terms := expr.Conjuncts(cond)
	for changed := true; changed; {
		changed = false
		for _, t := range terms {
			l, r, ok := scalar.Equality(t)
			if d, isDistinct := t.(*expr.IsDistinct); isDistinct && d.Negated {
				l, r, ok = d.Left, d.Right, true
			}
			if !ok {
				continue
			}
			for _, side := range [2][2]expr.Expr{{l, r}, {r, l}} {
				c, isColumn := scalar.StripRelabel(side[0]).(*expr.Column)
				if !isColumn || !own.Has(c.ID) || out.Has(c.ID) || scalar.IsVolatile(side[1]) {
					continue
				}
				settled := true
				for id := range logical.ExprColumns(side[1]) {
					settled = settled && (!own.Has(id) || out.Has(id))
				}
				if settled {
					out.Add(c.ID)
					changed = true
				}
			}
		}
	}
	return out
}

// reduceKeys takes columns that a condition fixes to one value out of the keys.
func reduceKeys(keys []logical.Set, cond expr.Expr, own logical.Set) []logical.Set {
	fixed := equatedColumns(cond, own)
	if len(fixed) == 0 {
		return keys
	}
	out := make([]logical.Set, len(keys))
	for i, k := range keys {
		out[i] = logical.Set{}
		for id := range k {
			if !fixed.Has(id) {
				out[i].Add(id)
			}
		}
	}
	return out
}

// atMostOneRow reports whether n gives no more than one row when its columns satisfy the terms, whose other columns are constant.
func atMostOneRow(n logical.Node, terms []expr.Expr) bool {
	return hasKeyIn(Keys(n), equatedColumns(expr.Conjoin(terms), logical.OutputSet(n)))
}
