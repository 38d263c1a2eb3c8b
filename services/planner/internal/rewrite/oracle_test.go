package rewrite_test

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
	"github.com/attunedb/attune/engine/vec"
)

// row is a row by column ID.
type row map[expr.ColumnID]types.Datum

// oracle evaluates logical plans the slow and obvious way, Apply included.
type oracle struct {
	tables map[string][][]types.Datum
	ctes   map[int][][]types.Datum
}

func (o *oracle) expr(e expr.Expr, r row) (types.Datum, error) {
	bound := expr.Transform(e, func(n expr.Expr) expr.Expr {
		if c, ok := n.(*expr.Column); ok {
			d, known := r[c.ID]
			if !known {
				panic(fmt.Sprintf("column %s:%d is not there", c.Name, c.ID))
			}
			return &expr.Const{Value: d, Typ: c.Typ}
		}
		return n
	})
	return expr.Value(&compute.Env{}, bound, nil)
}

// truth is a condition's value: 1 true, 0 false, -1 NULL.
func (o *oracle) truth(e expr.Expr, r row) (int, error) {
	if e == nil {
		return 1, nil
	}
	d, err := o.expr(e, r)
	switch {
	case err != nil:
		return 0, err
	case d.IsNull():
		return -1, nil
	case d.Bool():
		return 1, nil
	}
	return 0, nil
}

func merge(a, b row) row {
	out := make(row, len(a)+len(b))
	for k, v := range a {
		out[k] = v
	}
	for k, v := range b {
		out[k] = v
	}
	return out
}

func nulls(cols []logical.Column) row {
	out := row{}
	for _, c := range cols {
		out[c.ID] = types.Null(c.Type.Kind)
	}
	return out
}

// rows evaluates n. outer holds the columns of enclosing applies. The rows hold exactly n's columns.
func (o *oracle) rows(n logical.Node, outer row) ([]row, error) {
	switch n := n.(type) {
	case *logical.Scan:
		var out []row
		for _, t := range o.tables[n.Table.Name] {
			r := row{}
			for i, c := range n.Cols {
				r[c.ID] = t[n.Ordinals[i]]
			}
			out = append(out, r)
		}
		return out, nil
	case *logical.CTERef:
		var out []row
		for _, t := range o.ctes[n.CTE] {
			r := row{}
			for i, c := range n.Cols {
				r[c.ID] = t[i]
			}
			out = append(out, r)
		}
		return out, nil
	case *logical.Values:
		var out []row
		for _, es := range n.Rows {
			r := row{}
			for i, e := range es {
				d, err := o.expr(e, outer)
				if err != nil {
					return nil, err
				}
				if i < len(n.Cols) {
					r[n.Cols[i].ID] = d
				}
			}
			out = append(out, r)
		}
		return out, nil
	case *logical.Filter:
		in, err := o.rows(n.Input, outer)
		var out []row
		for _, r := range in {
			t, err := o.truth(n.Cond, merge(outer, r))
			if err != nil {
				return nil, err
			}
			if t == 1 {
				out = append(out, r)
			}
		}
		return out, err
	case *logical.Project:
		in, err := o.rows(n.Input, outer)
		out := make([]row, len(in))
		for i, r := range in {
			out[i] = row{}
			all := merge(outer, r)
			for _, it := range n.Items {
				d, err := o.expr(it.Expr, all)
				if err != nil {
					return nil, err
				}
				out[i][it.ID] = d
			}
		}
		return out, err
	case *logical.Join:
		right, err := o.rows(n.Right, outer)
		if err != nil {
			return nil, err
		}
		return o.join(n.Kind, n.NullAware, n.Left, n.Right, n.On, n.Mark, outer, func(row) ([]row, error) { return right, nil })
	case *logical.Apply:
		return o.join(n.Kind, n.NullAware, n.Left, n.Right, n.On, n.Mark, outer, func(l row) ([]row, error) {
			return o.rows(n.Right, merge(outer, l))
		})
	case *logical.Aggregate:
		return o.aggregate(n, outer)
	case *logical.Sort:
		in, err := o.rows(n.Input, outer)
		if err != nil {
			return nil, err
		}
		return o.sort(in, n.Keys, outer)
	case *logical.Limit:
		return o.limit(n, outer)
	case *logical.SingleRow:
		in, err := o.rows(n.Input, outer)
		switch {
		case err != nil:
			return nil, err
		case len(in) > 1:
			return nil, sqlerr.New(sqlerr.CardinalityViolation, "more than one row returned by a subquery used as an expression")
		case len(in) == 0:
			return []row{nulls(n.Columns())}, nil
		}
		return in, nil
	case *logical.SetOp:
		return o.setOp(n, outer)
	case *logical.With:
		for i, d := range n.Defs {
			in, err := o.rows(d, outer)
			if err != nil {
				return nil, err
			}
			o.ctes[n.CTEs[i]] = tuples(in, d.Columns())
		}
		return o.rows(n.Body, outer)
	}
	return nil, fmt.Errorf("oracle: %T", n)
}

func tuples(rows []row, cols []logical.Column) [][]types.Datum {
	out := make([][]types.Datum, len(rows))
	for i, r := range rows {
		for _, c := range cols {
			out[i] = append(out[i], r[c.ID])
		}
	}
	return out
}

func (o *oracle) join(kind physical.JoinKind, nullAware bool, leftNode, rightNode logical.Node, on expr.Expr, mark logical.Column,
	outer row, right func(row) ([]row, error)) ([]row, error) {
	left, err := o.rows(leftNode, outer)
	if err != nil {
		return nil, err
	}
	var out []row
	matched := map[int]bool{}
	var last []row
	for _, l := range left {
		rs, err := right(l)
		if err != nil {
			return nil, err
		}
		last = rs
		yes, unknown := false, false
		for i, r := range rs {
			t, err := o.truth(on, merge(outer, merge(l, r)))
			if err != nil {
				return nil, err
			}
			unknown = unknown || t < 0
			if t != 1 {
				continue
			}
			yes = true
			matched[i] = true
			switch kind {
			case physical.JoinInner, physical.JoinLeft, physical.JoinFull:
				out = append(out, merge(l, r))
			}
		}
		switch {
		case kind == physical.JoinSemi && yes, kind == physical.JoinAnti && !yes && !(nullAware && unknown):
			out = append(out, l)
		case kind == physical.JoinMark:
			v := types.NewBool(yes)
			if !yes && unknown && nullAware {
				v = types.Null(types.Bool)
			}
			out = append(out, merge(l, row{mark.ID: v}))
		case (kind == physical.JoinLeft || kind == physical.JoinFull) && !yes:
			out = append(out, merge(l, nulls(rightNode.Columns())))
		}
	}
	if kind == physical.JoinFull {
		if len(left) == 0 {
			if last, err = right(nil); err != nil {
				return nil, err
			}
		}
		for i, r := range last {
			if !matched[i] {
				out = append(out, merge(nulls(leftNode.Columns()), r))
			}
		}
	}
	return out, nil
}

func key(ds []types.Datum) string {
	var b strings.Builder
	for _, d := range ds {
		if d.IsNull() {
			b.WriteString("NULL|")
			continue
		}
		b.WriteString(pgtext.String(d, nil))
		b.WriteByte('|')
	}
	return b.String()
}

func (o *oracle) list(es []expr.Expr, r row) ([]types.Datum, error) {
	out := make([]types.Datum, len(es))
	for i, e := range es {
		d, err := o.expr(e, r)
		if err != nil {
			return nil, err
		}
		out[i] = d
	}
	return out, nil
}

func (o *oracle) aggregate(n *logical.Aggregate, outer row) ([]row, error) {
	in, err := o.rows(n.Input, outer)
	if err != nil {
		return nil, err
	}
	var groups []row
	index := map[string]int{}
	member := make([]int32, len(in))
	for i, r := range in {
		var ds []types.Datum
		g := row{}
		for _, it := range n.Groups {
			d, err := o.expr(it.Expr, merge(outer, r))
			if err != nil {
				return nil, err
			}
			ds = append(ds, d)
			g[it.ID] = d
		}
		at, ok := index[key(ds)]
		if !ok {
			at = len(groups)
			index[key(ds)] = at
			groups = append(groups, g)
		}
		member[i] = int32(at)
	}
	if len(n.Groups) == 0 && len(groups) == 0 {
		groups = []row{{}}
	}
	for _, a := range n.Aggs {
		acc := a.Fn.New(&compute.Env{})
		acc.Resize(len(groups))
		seen := map[string]bool{}
		for i, r := range in {
			all := merge(outer, r)
			if t, err := o.truth(a.Filter, all); err != nil || t != 1 {
				if err != nil {
					return nil, err
				}
				continue
			}
			ds, err := o.list(a.Args, all)
			if err != nil {
				return nil, err
			}
			id := fmt.Sprint(member[i], key(ds))
			if a.Distinct && seen[id] {
				continue
			}
			seen[id] = true
			args := make([]*vec.Vector, len(ds))
			for j, d := range ds {
				args[j] = vec.FromDatum(types.Of(a.Fn.Args[j]), d, 1)
			}
			if err := acc.Add([]int32{member[i]}, args); err != nil {
				return nil, err
			}
		}
		res, err := acc.Result()
		if err != nil {
			return nil, err
		}
		for g := range groups {
			groups[g][a.ID] = res.DatumAt(g)
		}
	}
	return groups, nil
}

func (o *oracle) sort(in []row, keys []logical.SortKey, outer row) ([]row, error) {
	var failed error
	sort.SliceStable(in, func(i, j int) bool {
		for _, k := range keys {
			a, err := o.expr(k.Expr, merge(outer, in[i]))
			b, err2 := o.expr(k.Expr, merge(outer, in[j]))
			if err != nil || err2 != nil {
				failed = err
				return false
			}
			switch {
			case a.IsNull() && b.IsNull():
				continue
			case a.IsNull() || b.IsNull():
				return a.IsNull() == k.NullsFirst
			}
			if c := compute.CompareDatum(a, b); c != 0 {
				return c < 0 != k.Desc
			}
		}
		return false
	})
	return in, failed
}

func (o *oracle) limit(n *logical.Limit, outer row) ([]row, error) {
	in, err := o.rows(n.Input, outer)
	if err != nil {
		return nil, err
	}
	if n.Offset != nil {
		d, err := o.expr(n.Offset, outer)
		if err != nil {
			return nil, err
		}
		in = in[min(int(d.Int()), len(in)):]
	}
	if n.Count != nil {
		d, err := o.expr(n.Count, outer)
		if err != nil {
			return nil, err
		}
		in = in[:min(int(d.Int()), len(in))]
	}
	return in, nil
}

func (o *oracle) setOp(n *logical.SetOp, outer row) ([]row, error) {
	l, err := o.rows(n.Left, outer)
	if err != nil {
		return nil, err
	}
	r, err := o.rows(n.Right, outer)
	if err != nil {
		return nil, err
	}
	left, right := tuples(l, n.Left.Columns()), tuples(r, n.Right.Columns())
	counts := map[string]int{}
	for _, t := range right {
		counts[key(t)]++
	}
	var all [][]types.Datum
	switch n.Kind {
	case logical.UnionAll, logical.Union:
		all = slices.Concat(left, right)
	case logical.Intersect, logical.IntersectAll:
		for _, t := range left {
			if counts[key(t)] > 0 {
				all = append(all, t)
				if n.Kind == logical.IntersectAll {
					counts[key(t)]--
				}
			}
		}
	default:
		for _, t := range left {
			if counts[key(t)] > 0 {
				if n.Kind == logical.ExceptAll {
					counts[key(t)]--
				}
				continue
			}
			all = append(all, t)
		}
	}
	distinct := n.Kind == logical.Union || n.Kind == logical.Intersect || n.Kind == logical.Except
	seen := map[string]bool{}
	var out []row
	for _, t := range all {
		if distinct && seen[key(t)] {
			continue
		}
		seen[key(t)] = true
		x := row{}
		for i, c := range n.Cols {
			x[c.ID] = t[i]
		}
		out = append(out, x)
	}
	return out, nil
}

// answer evaluates a plan to sorted text rows, or its error's SQLSTATE.
func answer(t *testing.T, tables map[string][][]types.Datum, n logical.Node) []string {
	t.Helper()
	o := &oracle{tables: tables, ctes: map[int][][]types.Datum{}}
	rows, err := o.rows(n, row{})
	if err != nil {
		if sqlerr.As(err) == nil {
			t.Fatal(err)
		}
		return []string{"error " + string(sqlerr.CodeOf(err))}
	}
	var out []string
	for _, tuple := range tuples(rows, n.Columns()) {
		out = append(out, key(tuple))
	}
	sort.Strings(out)
	return out
}
