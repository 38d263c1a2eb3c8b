package physicalize

import (
	"fmt"
	"sort"
	"strings"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// tables are rows in memory, by table.
type tables map[catalog.TableID][][]types.Datum

// relation is an intermediate result of the naive evaluators.
type relation struct {
	cols []expr.ColumnID
	typs []types.Type
	rows [][]types.Datum
}

// naive evaluates plans row by row, by definition and without any cleverness: the oracle.
type naive struct {
	data   tables
	cat    *catalog.Snapshot
	params []types.Datum
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// value evaluates e over one row, whose columns are named by cols or, when that is nil, by position.
func (v *naive) value(e expr.Expr, r relation, row []types.Datum) types.Datum {
	at := make(map[expr.ColumnID]int)
	for i, c := range r.cols {
		at[c] = i
	}
	bound := expr.Transform(e, func(n expr.Expr) expr.Expr {
		switch n := n.(type) {
		case *expr.Column:
			i := n.Ordinal
			if n.ID != 0 {
				i = at[n.ID]
			}
			return &expr.Const{Value: row[i], Typ: n.Typ}
		case *expr.Param:
			return &expr.Const{Value: v.params[n.Index], Typ: n.Typ}
		}
		return n
	})
	return must(expr.Value(&compute.Env{}, bound, nil))
}

func (v *naive) holds(e expr.Expr, r relation, row []types.Datum) (is, null bool) {
	if e == nil {
		return true, false
	}
	d := v.value(e, r, row)
	return !d.IsNull() && d.Bool(), d.IsNull()
}

func (v *naive) filter(r relation, cond expr.Expr) relation {
	out := r
	out.rows = nil
	for _, row := range r.rows {
		if ok, _ := v.holds(cond, r, row); ok {
			out.rows = append(out.rows, row)
		}
	}
	return out
}

func text(row []types.Datum) string {
	var b strings.Builder
	for _, d := range row {
		if d.IsNull() {
			b.WriteString("~|")
			continue
		}
		switch k := d.Kind(); {
		case k.IsInteger(), k == types.Bool, k.IsTemporal():
			fmt.Fprintf(&b, "%d|", d.Int())
		case k == types.Numeric:
			b.WriteString(d.Numeric().Reduce().String() + "|")
		case k.IsFloat():
			fmt.Fprintf(&b, "%v|", d.Float())
		default:
			b.WriteString(d.Str() + "|")
		}
	}
	return b.String()
}

// canonical is a result as a sorted list of lines.
func canonical(rows [][]types.Datum) []string {
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = text(r)
	}
	sort.Strings(out)
	return out
}

func nulls(ts []types.Type) []types.Datum {
	out := make([]types.Datum, len(ts))
	for i, t := range ts {
		out[i] = types.Null(t.Kind)
	}
	return out
}

func cat[T any](a, b []T) []T { return append(append([]T(nil), a...), b...) }

// join combines two relations; match tells whether a pair matches or leaves it open.
func join(kind physical.JoinKind, l, r relation, mark expr.ColumnID, match func(l, r []types.Datum) (is, open bool)) relation {
	out := relation{cols: l.cols, typs: l.typs}
	switch kind {
	case physical.JoinSemi, physical.JoinAnti:
	case physical.JoinMark:
		out.cols, out.typs = cat(l.cols, []expr.ColumnID{mark}), cat(l.typs, []types.Type{types.Of(types.Bool)})
	default:
		out.cols, out.typs = cat(l.cols, r.cols), cat(l.typs, r.typs)
	}
	used := make([]bool, len(r.rows))
	for _, a := range l.rows {
		any, open := false, false
		for i, b := range r.rows {
			is, o := match(a, b)
			open = open || o
			if !is {
				continue
			}
			any, used[i] = true, true
			if kind <= physical.JoinFull {
				out.rows = append(out.rows, cat(a, b))
			}
		}
		switch {
		case kind == physical.JoinSemi && any, kind == physical.JoinAnti && !any:
			out.rows = append(out.rows, a)
		case kind == physical.JoinMark:
			m := types.NewBool(any)
			if !any && open {
				m = types.Null(types.Bool)
			}
			out.rows = append(out.rows, cat(a, []types.Datum{m}))
		case !any && (kind == physical.JoinLeft || kind == physical.JoinFull):
			out.rows = append(out.rows, cat(a, nulls(r.typs)))
		}
	}
	if kind == physical.JoinRight || kind == physical.JoinFull {
		for i, b := range r.rows {
			if !used[i] {
				out.rows = append(out.rows, cat(nulls(l.typs), b))
			}
		}
	}
	return out
}

type agg struct {
	fn       *compute.Aggregate
	args     []expr.Expr
	distinct bool
	filter   expr.Expr
	typ      types.Type
}

func (v *naive) group(in relation, groups []expr.Expr, aggs []agg) [][]types.Datum {
	type bucket struct {
		key  []types.Datum
		rows [][]types.Datum
	}
	buckets := make(map[string]*bucket)
	var order []string
	for _, row := range in.rows {
		var key []types.Datum
		for _, g := range groups {
			key = append(key, v.value(g, in, row))
		}
		k := text(key)
		if buckets[k] == nil {
			buckets[k] = &bucket{key: key}
			order = append(order, k)
		}
		buckets[k].rows = append(buckets[k].rows, row)
	}
	if len(groups) == 0 && len(order) == 0 {
		buckets[""], order = &bucket{}, []string{""}
	}
	var out [][]types.Datum
	for _, k := range order {
		b := buckets[k]
		row := append([]types.Datum(nil), b.key...)
		for _, a := range aggs {
			acc := a.fn.New(&compute.Env{})
			acc.Resize(1)
			seen := make(map[string]bool)
			for _, r := range b.rows {
				if ok, _ := v.holds(a.filter, in, r); !ok {
					continue
				}
				var vals []types.Datum
				var cols []*vec.Vector
				for _, e := range a.args {
					d := v.value(e, in, r)
					vals = append(vals, d)
					cols = append(cols, vec.FromDatum(e.Type(), d, 1))
				}
				if a.distinct && seen[text(vals)] {
					continue
				}
				seen[text(vals)] = true
				if err := acc.Add([]int32{0}, cols); err != nil {
					panic(err)
				}
			}
			row = append(row, must(acc.Result()).DatumAt(0))
		}
		out = append(out, row)
	}
	return out
}

func (v *naive) scan(id catalog.TableID, ords []int) relation {
	t := v.cat.TableByID(id)
	out := relation{}
	for _, o := range ords {
		out.typs = append(out.typs, t.Columns[o].Type)
	}
	for _, r := range v.data[id] {
		var row []types.Datum
		for _, o := range ords {
			row = append(row, r[o])
		}
		out.rows = append(out.rows, row)
	}
	return out
}

// logical evaluates a logical plan.
func (v *naive) logical(n logical.Node) relation {
	out := relation{cols: ids(n.Columns())}
	for _, c := range n.Columns() {
		out.typs = append(out.typs, c.Type)
	}
	switch n := n.(type) {
	case *logical.Scan:
		out.rows = v.scan(n.Table.ID, n.Ordinals).rows
	case *logical.Values:
		for _, r := range n.Rows {
			var row []types.Datum
			for _, e := range r {
				row = append(row, v.value(e, relation{}, nil))
			}
			out.rows = append(out.rows, row)
		}
	case *logical.Filter:
		return v.filter(v.logical(n.Input), n.Cond)
	case *logical.Project:
		in := v.logical(n.Input)
		for _, r := range in.rows {
			var row []types.Datum
			for _, it := range n.Items {
				row = append(row, v.value(it.Expr, in, r))
			}
			out.rows = append(out.rows, row)
		}
	case *logical.Join:
		l, r := v.logical(n.Left), v.logical(n.Right)
		both := relation{cols: cat(l.cols, r.cols)}
		return join(n.Kind, l, r, n.Mark.ID, func(a, b []types.Datum) (bool, bool) {
			is, null := v.holds(n.On, both, cat(a, b))
			open := null && n.NullAware
			return is || open && n.Kind == physical.JoinAnti, open
		})
	case *logical.Aggregate:
		in := v.logical(n.Input)
		var groups []expr.Expr
		for _, g := range n.Groups {
			groups = append(groups, g.Expr)
		}
		var aggs []agg
		for _, a := range n.Aggs {
			aggs = append(aggs, agg{a.Fn, a.Args, a.Distinct, a.Filter, a.Type})
		}
		out.rows = v.group(in, groups, aggs)
	case *logical.Sort:
		return v.logical(n.Input)
	case *logical.SetOp:
		l, r := v.logical(n.Left), v.logical(n.Right)
		out.rows = setRows(n.Kind, l.rows, r.rows)
	default:
		panic(fmt.Sprintf("naive: %T", n))
	}
	return out
}

func setRows(k logical.SetKind, l, r [][]types.Datum) [][]types.Datum {
	count := make(map[string]int)
	for _, row := range r {
		count[text(row)]++
	}
	seen := make(map[string]bool)
	var out [][]types.Datum
	add := func(rows [][]types.Datum, keep func(string) bool) {
		for _, row := range rows {
			if keep(text(row)) {
				out = append(out, row)
			}
		}
	}
	once := func(t string) bool { ok := !seen[t]; seen[t] = true; return ok }
	take := func(t string) bool { count[t]--; return count[t] >= 0 }
	switch k {
	case logical.UnionAll:
		return cat(l, r)
	case logical.Union:
		add(cat(l, r), once)
	case logical.Intersect:
		add(l, func(t string) bool { return count[t] > 0 && once(t) })
	case logical.IntersectAll:
		add(l, take)
	case logical.Except:
		add(l, func(t string) bool { return count[t] == 0 && once(t) })
	case logical.ExceptAll:
		add(l, func(t string) bool { return !take(t) })
	}
	return out
}

// physical evaluates a physical plan.
func (v *naive) physical(n physical.Node) relation {
	out := relation{}
	for _, f := range n.Head().Schema {
		out.typs = append(out.typs, f.Type)
	}
	pos := func(r relation) relation { return relation{typs: r.typs, rows: r.rows} }
	switch n := n.(type) {
	case *physical.TableScan:
		return v.filter(v.scan(n.Table.ID, n.Columns), n.Filter)
	case *physical.IndexScan:
		ix := v.cat.TableByID(n.Table.ID).Index(n.Index)
		for _, r := range v.data[n.Table.ID] {
			ok := true
			for i, e := range n.Equal {
				ok = ok && compareDatum(r[ix.Columns[i]], v.value(e, out, nil), func(c int) bool { return c == 0 })
			}
			if n.Low.Value != nil {
				ok = ok && compareDatum(r[ix.Columns[len(n.Equal)]], v.value(n.Low.Value, out, nil),
					func(c int) bool { return c > 0 || c == 0 && n.Low.Inclusive })
			}
			if n.High.Value != nil {
				ok = ok && compareDatum(r[ix.Columns[len(n.Equal)]], v.value(n.High.Value, out, nil),
					func(c int) bool { return c < 0 || c == 0 && n.High.Inclusive })
			}
			if ok {
				var row []types.Datum
				for _, o := range n.Columns {
					row = append(row, r[o])
				}
				out.rows = append(out.rows, row)
			}
		}
		return v.filter(out, n.Filter)
	case *physical.Values:
		for _, r := range n.Rows {
			var row []types.Datum
			for _, e := range r {
				row = append(row, v.value(e, out, nil))
			}
			out.rows = append(out.rows, row)
		}
	case *physical.HashJoin:
		l, r := pos(v.physical(n.Left)), pos(v.physical(n.Right))
		return join(n.Kind, l, r, 0, func(a, b []types.Datum) (bool, bool) {
			open := false
			for i := range n.LeftKeys {
				x, y := v.value(n.LeftKeys[i], l, a), v.value(n.RightKeys[i], r, b)
				switch {
				case x.IsNull() || y.IsNull():
					if i >= len(n.NullSafe) || !n.NullSafe[i] || !(x.IsNull() && y.IsNull()) {
						return false, true
					}
				case !compareDatum(x, y, func(c int) bool { return c == 0 }):
					return false, open
				}
			}
			is, _ := v.holds(n.Residual, out, cat(a, b))
			return is, false
		})
	case *physical.NestedLoopJoin:
		l, r := pos(v.physical(n.Left)), pos(v.physical(n.Right))
		return join(n.Kind, l, r, 0, func(a, b []types.Datum) (bool, bool) { return v.holds(n.On, out, cat(a, b)) })
	case *physical.IndexJoin:
		in := pos(v.physical(n.Input))
		ix := v.cat.TableByID(n.Table.ID).Index(n.Index)
		r := relation{}
		for _, o := range n.Columns {
			r.typs = append(r.typs, v.cat.TableByID(n.Table.ID).Columns[o].Type)
		}
		full := v.data[n.Table.ID]
		index := relation{}
		for i := range full {
			index.rows = append(index.rows, []types.Datum{types.NewInt(types.Int8, int64(i))})
		}
		index.typs = r.typs
		return join(n.Kind, in, index, 0, func(a, b []types.Datum) (bool, bool) {
			row := full[b[0].Int()]
			for i, k := range n.Keys {
				if !compareDatum(row[ix.Columns[i]], v.value(k, in, a), func(c int) bool { return c == 0 }) {
					return false, false
				}
			}
			var cols []types.Datum
			for _, o := range n.Columns {
				cols = append(cols, row[o])
			}
			ok, _ := v.holds(n.Filter, r, cols)
			is, _ := v.holds(n.Residual, r, cat(a, cols))
			return ok && is, false
		}).widen(len(in.typs), n, full)
	case *physical.Filter:
		return v.filter(pos(v.physical(n.Input)), n.Cond)
	case *physical.Project:
		in := pos(v.physical(n.Input))
		for _, r := range in.rows {
			var row []types.Datum
			for _, e := range n.Exprs {
				row = append(row, v.value(e, in, r))
			}
			out.rows = append(out.rows, row)
		}
	case *physical.Aggregate:
		var aggs []agg
		for _, a := range n.Aggs {
			aggs = append(aggs, agg{a.Fn, a.Args, a.Distinct, a.Filter, a.Field.Type})
		}
		out.rows = v.group(pos(v.physical(n.Input)), n.Groups, aggs)
	case *physical.Sort:
		return v.physical(n.Input)
	case *physical.UnionAll:
		for _, in := range n.All {
			out.rows = append(out.rows, v.physical(in).rows...)
		}
	case *physical.SetOp:
		kind := [...]logical.SetKind{logical.Intersect, logical.IntersectAll, logical.Except, logical.ExceptAll}[n.Kind]
		out.rows = setRows(kind, v.physical(n.Left).rows, v.physical(n.Right).rows)
	default:
		panic(fmt.Sprintf("naive: %T", n))
	}
	return out
}

// widen replaces the row numbers that an index join's naive form carries by the columns themselves.
func (r relation) widen(left int, n *physical.IndexJoin, full [][]types.Datum) relation {
	if n.Kind != physical.JoinInner && n.Kind != physical.JoinLeft {
		return relation{typs: r.typs, rows: r.rows}
	}
	out := relation{typs: r.typs}
	for _, row := range r.rows {
		wide := append([]types.Datum(nil), row[:left]...)
		if len(row) != left+1 || row[left].IsNull() {
			wide = append(wide, nulls(r.typs[left:])...)
		} else {
			for _, o := range n.Columns {
				wide = append(wide, full[row[left].Int()][o])
			}
		}
		out.rows = append(out.rows, wide)
	}
	return out
}

func compareDatum(a, b types.Datum, holds func(int) bool) bool {
	if a.IsNull() || b.IsNull() {
		return false
	}
	if a.Kind().IsInteger() && b.Kind().IsInteger() || a.Kind().IsTemporal() {
		switch {
		case a.Int() < b.Int():
			return holds(-1)
		case a.Int() > b.Int():
			return holds(1)
		}
		return holds(0)
	}
	return holds(strings.Compare(text([]types.Datum{a}), text([]types.Datum{b})))
}
