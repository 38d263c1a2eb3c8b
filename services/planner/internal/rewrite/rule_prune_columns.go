package rewrite

import (
	"slices"

	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/services/planner/internal/algebra"
	"github.com/attunedb/attune/services/planner/internal/scalar"
)

// pruneColumns is rule prune_columns.
//
// What: scans, values, projections, aggregations, UNION ALL and common table expressions give only the columns that something above
// needs; a scan whose rows are only counted gives none.
//
// Why it is sound: a column that nothing names cannot change the result. The columns of UNION, INTERSECT and EXCEPT all take part in the
// comparison of rows, and volatile items stay, since they are evaluated for their effect.
//
// A careless version fails for
//
//	SELECT a FROM (SELECT a, b FROM t UNION SELECT x, y FROM s) q
//
// where dropping b would merge rows that differ in it.
func (r *rewriter) pruneColumns(n logical.Node) (logical.Node, error) {
	p := &pruner{ctes: map[int]map[int]bool{}}
	return p.prune(n, r.output), nil
}

type pruner struct {
	// ctes are the positions that references to each definition need.
	ctes map[int]map[int]bool
}

// prune returns n with the columns of need, and maybe others.
func (p *pruner) prune(n logical.Node, need logical.Set) logical.Node {
	own := logical.ExprColumns(logical.Exprs(n)...)
	switch x := n.(type) {
	case *logical.Scan:
		return pruneScan(x, need)
	case *logical.Values:
		return pruneValues(x, need)
	case *logical.CTERef:
		if p.ctes[x.CTE] == nil {
			p.ctes[x.CTE] = map[int]bool{}
		}
		for i, c := range x.Cols {
			if need.Has(c.ID) {
				p.ctes[x.CTE][i] = true
			}
		}
		return x
	case *logical.Project:
		items := keepItems(x.Items, need)
		uses := logical.Set{}
		for _, it := range items {
			for id := range logical.ExprColumns(it.Expr) {
				uses.Add(id)
			}
		}
		in := p.prune(x.Input, uses)
		if len(items) == len(x.Items) {
			return rebuild(x, in)
		}
		return logical.NewProject(in, items)
	case *logical.Aggregate:
		var aggs []logical.AggItem
		for _, a := range x.Aggs {
			if need.Has(a.ID) {
				aggs = append(aggs, a)
			}
		}
		if len(aggs) < len(x.Aggs) {
			x = logical.NewAggregate(x.Input, x.Groups, aggs)
			own = logical.ExprColumns(logical.Exprs(x)...)
		}
		return rebuild(x, p.prune(x.Input, own))
	case *logical.Join:
		left, right := union(own, need), union(own, need)
		return rebuild(x, p.prune(x.Left, left), p.prune(x.Right, right))
	case *logical.SetOp:
		return p.pruneSetOp(x, need)
	case *logical.With:
		return p.pruneWith(x, need)
	case *logical.Write:
		uses := logical.Set{}
		for _, id := range x.Source {
			uses.Add(id)
		}
		return rebuild(x, p.prune(x.Input, uses))
	}
	inputs := n.Inputs()
	for i, in := range inputs {
		inputs[i] = p.prune(in, union(own, need))
	}
	return rebuild(n, inputs...)
}

func keepItems(items []logical.Item, need logical.Set) []logical.Item {
	var out []logical.Item
	for _, it := range items {
		if need.Has(it.ID) || scalar.IsVolatile(it.Expr) {
			out = append(out, it)
		}
	}
	return out
}

func pruneScan(s *logical.Scan, need logical.Set) logical.Node {
	out := &logical.Scan{Table: s.Table, Alias: s.Alias}
	for i, c := range s.Cols {
		if need.Has(c.ID) {
			out.Ordinals, out.Cols = append(out.Ordinals, s.Ordinals[i]), append(out.Cols, c)
		}
	}
	if len(out.Cols) == len(s.Cols) {
		return s
	}
	return out
}

func pruneValues(v *logical.Values, need logical.Set) logical.Node {
	var keep []int
	out := &logical.Values{Rows: make([][]expr.Expr, len(v.Rows))}
	for i, c := range v.Cols {
		used := need.Has(c.ID)
		for _, row := range v.Rows {
			used = used || scalar.IsVolatile(row[i])
		}
		if used {
			keep = append(keep, i)
			out.Cols = append(out.Cols, c)
		}
	}
	if len(keep) == len(v.Cols) {
		return v
	}
	for j, row := range v.Rows {
		out.Rows[j] = make([]expr.Expr, len(keep))
		for k, i := range keep {
			out.Rows[j][k] = row[i]
		}
	}
	return out
}

// positions cuts n to the columns at the given positions.
func positions(n logical.Node, cols []logical.Column, keep []int) logical.Node {
	want := make([]logical.Column, len(keep))
	for k, i := range keep {
		want[k] = cols[i]
	}
	if slices.Equal(n.Columns(), want) {
		return n
	}
	return logical.NewProject(n, pass(want))
}

func (p *pruner) pruneSetOp(s *logical.SetOp, need logical.Set) logical.Node {
	var keep []int
	var cols []logical.Column
	for i, c := range s.Cols {
		if need.Has(c.ID) || s.Kind != logical.UnionAll {
			keep, cols = append(keep, i), append(cols, c)
		}
	}
	side := func(in logical.Node) logical.Node {
		all := in.Columns()
		uses := logical.Set{}
		for _, i := range keep {
			uses.Add(all[i].ID)
		}
		return positions(p.prune(in, uses), all, keep)
	}
	left, right := side(s.Left), side(s.Right)
	if len(keep) == len(s.Cols) {
		return rebuild(s, left, right)
	}
	return &logical.SetOp{Kind: s.Kind, Left: left, Right: right, Cols: cols}
}

// pruneWith prunes the body first, then the definitions from the last to the first, since each is used only by what comes after.
func (p *pruner) pruneWith(w *logical.With, need logical.Set) logical.Node {
	body := p.prune(w.Body, need)
	defs := slices.Clone(w.Defs)
	kept := map[int][]int{}
	for i := len(defs) - 1; i >= 0; i-- {
		all := defs[i].Columns()
		var keep []int
		uses := logical.Set{}
		for c := range all {
			if p.ctes[w.CTEs[i]][c] {
				keep = append(keep, c)
				uses.Add(all[c].ID)
			}
		}
		kept[w.CTEs[i]] = keep
		defs[i] = positions(p.prune(defs[i], uses), all, keep)
	}
	cut := func(n logical.Node) logical.Node {
		return algebra.Transform(n, func(n logical.Node) logical.Node {
			c, ok := n.(*logical.CTERef)
			if !ok || len(kept[c.CTE]) == len(c.Cols) {
				return n
			}
			out := &logical.CTERef{CTE: c.CTE, Name: c.Name}
			for _, i := range kept[c.CTE] {
				out.Cols = append(out.Cols, c.Cols[i])
			}
			return out
		})
	}
	inputs := make([]logical.Node, 0, len(defs)+1)
	for _, d := range defs {
		inputs = append(inputs, cut(d))
	}
	return rebuild(w, append(inputs, cut(body))...)
}
