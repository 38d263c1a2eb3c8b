package exec

import (
	"fmt"
	"sort"
	"strings"

	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// naive is the oracle: it evaluates a plan a row at a time, with nested loops and nothing clever.
type naive struct {
	store *fakeStore
}

type row []types.Datum

func (o *naive) value(e expr.Expr, r row) (types.Datum, error) {
	b := &vec.Batch{Len: 1}
	for _, d := range r {
		b.Cols = append(b.Cols, vec.FromDatum(types.Of(d.Kind()), d, 1))
	}
	v, err := expr.Eval(&compute.Env{}, e, nil, b)
	if err != nil {
		return types.Datum{}, err
	}
	return v.DatumAt(0), nil
}

func (o *naive) holds(e expr.Expr, r row) (is, null bool, err error) {
	if e == nil {
		return true, false, nil
	}
	d, err := o.value(e, r)
	return !d.IsNull() && d.Bool(), d.IsNull(), err
}

func (o *naive) run(n physical.Node) ([]row, error) {
	switch n := n.(type) {
	case *physical.TableScan:
		return o.scan(n)
	case *physical.Filter:
		return o.filter(n.Input, n.Cond)
	case *physical.Project:
		in, err := o.run(n.Input)
		if err != nil {
			return nil, err
		}
		var out []row
		for _, r := range in {
			p, err := o.values(n.Exprs, r)
			if err != nil {
				return nil, err
			}
			out = append(out, p)
		}
		return out, nil
	case *physical.HashJoin:
		var cond []expr.Expr
		l := len(n.Left.Head().Schema)
		return o.join(n.Kind, n.Left, n.Right, func(pair row) (bool, bool, error) {
			for i := range n.LeftKeys {
				a, err := o.value(n.LeftKeys[i], pair[:l])
				if err != nil {
					return false, false, err
				}
				b, err := o.value(n.RightKeys[i], pair[l:])
				if err != nil {
					return false, false, err
				}
				if a.IsNull() || b.IsNull() {
					if len(n.NullSafe) > 0 && n.NullSafe[i] && a.IsNull() && b.IsNull() {
						continue
					}
					return false, true, nil
				}
				if compute.CompareDatum(a, b) != 0 {
					return false, false, nil
				}
			}
			return o.holds(expr.Conjoin(append(cond, expr.Conjuncts(n.Residual)...)), pair)
		})
	case *physical.NestedLoopJoin:
		return o.join(n.Kind, n.Left, n.Right, func(pair row) (bool, bool, error) { return o.holds(n.On, pair) })
	case *physical.IndexJoin:
		def := o.store.tables[n.Table.ID].def
		inner := &physical.TableScan{Table: n.Table, Columns: n.Columns, Filter: n.Filter}
		for _, c := range n.Columns {
			inner.Schema = append(inner.Schema, physical.Field{Type: def.Columns[c].Type})
		}
		l := len(n.Input.Head().Schema)
		index := def.Index(n.Index)
		return o.join(n.Kind, n.Input, inner, func(pair row) (bool, bool, error) {
			for i, k := range n.Keys {
				a, err := o.value(k, pair[:l])
				if err != nil {
					return false, false, err
				}
				b := pair[l+position(n.Columns, index.Columns[i])]
				if a.IsNull() || b.IsNull() || compute.CompareDatum(a, b) != 0 {
					return false, false, nil
				}
			}
			return o.holds(n.Residual, pair)
		})
	case *physical.Aggregate:
		return o.aggregate(n)
	case *physical.UnionAll:
		var out []row
		for _, in := range n.All {
			rs, err := o.run(in)
			if err != nil {
				return nil, err
			}
			out = append(out, rs...)
		}
		return out, nil
	case *physical.SetOp:
		return o.setOp(n)
	case *physical.Sort:
		return o.sort(n.Input, n.Keys)
	}
	return nil, fmt.Errorf("naive: %T", n)
}

func position(in []int, want int) int {
	for i, v := range in {
		if v == want {
			return i
		}
	}
	panic("column is not read")
}

func (o *naive) scan(n *physical.TableScan) ([]row, error) {
	t := o.store.tables[n.Table.ID]
	var out []row
	for i := range t.rows.Len {
		var r row
		for _, c := range n.Columns {
			r = append(r, t.rows.Cols[c].DatumAt(i))
		}
		ok, _, err := o.holds(n.Filter, r)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, r)
		}
	}
	return out, nil
}

func (o *naive) filter(in physical.Node, cond expr.Expr) ([]row, error) {
	rs, err := o.run(in)
	if err != nil {
		return nil, err
	}
	var out []row
	for _, r := range rs {
		ok, _, err := o.holds(cond, r)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, r)
		}
	}
	return out, nil
}

func (o *naive) values(es []expr.Expr, r row) (row, error) {
	var out row
	for _, e := range es {
		d, err := o.value(e, r)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

func nulls(fs []physical.Field) row {
	var r row
	for _, f := range fs {
		r = append(r, types.Null(f.Type.Kind))
	}
	return r
}

func (o *naive) join(kind physical.JoinKind, left, right physical.Node, match func(row) (bool, bool, error)) ([]row, error) {
	ls, err := o.run(left)
	if err != nil {
		return nil, err
	}
	rs, err := o.run(right)
	if err != nil {
		return nil, err
	}
	var out []row
	hit := make([]bool, len(rs))
	for _, l := range ls {
		any, open := false, false
		for i, r := range rs {
			ok, null, err := match(append(append(row{}, l...), r...))
			if err != nil {
				return nil, err
			}
			open = open || null
			if !ok {
				continue
			}
			any, hit[i] = true, true
			if kind <= physical.JoinFull {
				out = append(out, append(append(row{}, l...), r...))
			}
		}
		switch kind {
		case physical.JoinLeft, physical.JoinFull:
			if !any {
				out = append(out, append(append(row{}, l...), nulls(right.Head().Schema)...))
			}
		case physical.JoinSemi, physical.JoinAnti:
			if any == (kind == physical.JoinSemi) {
				out = append(out, l)
			}
		case physical.JoinMark:
			mark := types.NewBool(any)
			if !any && open {
				mark = types.Null(types.Bool)
			}
			out = append(out, append(append(row{}, l...), mark))
		}
	}
	if kind == physical.JoinRight || kind == physical.JoinFull {
		for i, r := range rs {
			if !hit[i] {
				out = append(out, append(nulls(left.Head().Schema), r...))
			}
		}
	}
	return out, nil
}

// text is a row as a string in which equal values are equal.
func text(r row) string {
	var key []byte
	for _, d := range r {
		v := vec.FromDatum(types.Of(d.Kind()), d, 1)
		key = compute.AppendSortKey(key, v, 0, false, false)
	}
	return string(key)
}

func (o *naive) aggregate(n *physical.Aggregate) ([]row, error) {
	in, err := o.run(n.Input)
	if err != nil {
		return nil, err
	}
	var order []string
	members, keys := map[string][]row{}, map[string]row{}
	if len(n.Groups) == 0 {
		order, members[""] = []string{""}, nil
	}
	for _, r := range in {
		k, err := o.values(n.Groups, r)
		if err != nil {
			return nil, err
		}
		t := text(k)
		if _, ok := keys[t]; !ok {
			keys[t] = k
			if len(n.Groups) > 0 {
				order = append(order, t)
			}
		}
		members[t] = append(members[t], r)
	}
	var out []row
	for _, t := range order {
		r := append(row{}, keys[t]...)
		for _, a := range n.Aggs {
			d, err := o.aggregateOne(a, members[t])
			if err != nil {
				return nil, err
			}
			r = append(r, d)
		}
		out = append(out, r)
	}
	return out, nil
}

func (o *naive) aggregateOne(a physical.AggCall, members []row) (types.Datum, error) {
	acc := a.Fn.New(&compute.Env{})
	acc.Resize(1)
	seen := map[string]bool{}
	for _, m := range members {
		if ok, _, err := o.holds(a.Filter, m); err != nil || !ok {
			if err != nil {
				return types.Datum{}, err
			}
			continue
		}
		args, err := o.values(a.Args, m)
		if err != nil {
			return types.Datum{}, err
		}
		if a.Distinct && seen[text(args)] {
			continue
		}
		seen[text(args)] = true
		var cols []*vec.Vector
		for i, d := range args {
			cols = append(cols, vec.FromDatum(a.Args[i].Type(), d, 1))
		}
		if err := acc.Add([]int32{0}, cols); err != nil {
			return types.Datum{}, err
		}
	}
	v, err := acc.Result()
	if err != nil {
		return types.Datum{}, err
	}
	return v.DatumAt(0), nil
}

func (o *naive) setOp(n *physical.SetOp) ([]row, error) {
	ls, err := o.run(n.Left)
	if err != nil {
		return nil, err
	}
	rs, err := o.run(n.Right)
	if err != nil {
		return nil, err
	}
	right := map[string]int{}
	for _, r := range rs {
		right[text(r)]++
	}
	done := map[string]bool{}
	var out []row
	for _, l := range ls {
		k := text(l)
		switch n.Kind {
		case physical.SetIntersect:
			if right[k] > 0 && !done[k] {
				out = append(out, l)
			}
		case physical.SetIntersectAll:
			if right[k] > 0 {
				right[k]--
				out = append(out, l)
			}
		case physical.SetExcept:
			if right[k] == 0 && !done[k] {
				out = append(out, l)
			}
		case physical.SetExceptAll:
			if right[k] > 0 {
				right[k]--
			} else {
				out = append(out, l)
			}
		}
		done[k] = true
	}
	return out, nil
}

func (o *naive) sort(in physical.Node, keys []physical.SortKey) ([]row, error) {
	rs, err := o.run(in)
	if err != nil {
		return nil, err
	}
	enc := make(map[int]string, len(rs))
	idx := make([]int, len(rs))
	for i, r := range rs {
		idx[i] = i
		var k []byte
		for _, s := range keys {
			d, err := o.value(s.Expr, r)
			if err != nil {
				return nil, err
			}
			k = compute.AppendSortKey(k, vec.FromDatum(s.Expr.Type(), d, 1), 0, s.Desc, s.NullsFirst)
		}
		enc[i] = string(k)
	}
	sort.SliceStable(idx, func(a, b int) bool { return strings.Compare(enc[idx[a]], enc[idx[b]]) < 0 })
	out := make([]row, len(rs))
	for i, k := range idx {
		out[i] = rs[k]
	}
	return out, nil
}
