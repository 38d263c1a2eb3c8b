package enumerate

import (
	"slices"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/services/planner/internal/cost"
	"github.com/attunedb/attune/services/planner/internal/statistics"
)

// Access is one way to read the rows of a scan that pass its local predicates.
type Access struct {
	// Index is the index that is walked; nil for a table scan.
	Index *catalog.Index
	// Equal are values of its leading columns, Low and High bound the next one.
	Equal     []expr.Expr
	Low, High physical.KeyBound
	Reverse   bool
	// Filter are the predicates that the span does not imply.
	Filter []expr.Expr
	// ExaminedRows is the expected number of rows in the span.
	ExaminedRows float64
	Cost         float64
	// single says that a unique key is bound as a whole: there is one row at the most, whatever statistics say.
	single bool
}

// sarg is a predicate that a span of an index can stand for: column op value.
type sarg struct {
	ordinal int
	op      string
	value   expr.Expr
	pred    int
}

var mirrored = map[string]string{"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

// sargs finds the predicates of a scan that bound a column by a value of its type.
func sargs(s *logical.Scan, preds []expr.Expr) []sarg {
	byID := make(map[expr.ColumnID]int, len(s.Cols))
	for i, c := range s.Cols {
		byID[c.ID] = s.Ordinals[i]
	}
	var out []sarg
	for i, p := range preds {
		call, ok := p.(*expr.Call)
		if !ok || len(call.Args) != 2 || mirrored[call.Fn.Name] == "" {
			continue
		}
		for flip := range 2 {
			a, b, op := call.Args[flip], call.Args[1-flip], call.Fn.Name
			if flip == 1 {
				op = mirrored[op]
			}
			c := plainColumn(a)
			if c == nil {
				continue
			}
			ord, mine := byID[c.ID]
			if !mine {
				continue
			}
			if v, ok := keyValue(b, s.Table.Columns[ord].Type); ok {
				out = append(out, sarg{ord, op, v, i})
				break
			}
		}
	}
	return out
}

// plainColumn returns the column that e is, or converts from one string kind to another.
func plainColumn(e expr.Expr) *expr.Column {
	if c, ok := e.(*expr.Cast); ok && varying(c.Arg.Type().Kind) && varying(c.To.Kind) && c.To.Mod == 0 {
		e = c.Arg
	}
	c, _ := e.(*expr.Column)
	return c
}

func varying(k types.Kind) bool { return k == types.Text || k == types.Varchar }

// keyValue returns e as a value that a key column of type t can be compared with as it is stored.
func keyValue(e expr.Expr, t types.Type) (expr.Expr, bool) {
	fixed := true
	expr.Walk(e, func(n expr.Expr) bool {
		switch n := n.(type) {
		case *expr.Column:
			fixed = false
		case *expr.Call:
			fixed = fixed && n.Fn.Volatility != compute.Volatile
		}
		return fixed
	})
	from := e.Type().Kind
	switch {
	case !fixed:
		return nil, false
	case from == t.Kind, varying(from) && varying(t.Kind):
		return e, true
	case from.IsInteger() && t.Kind.IsInteger() && from < t.Kind:
		if c, ok := e.(*expr.Const); ok && !c.Value.IsNull() {
			return &expr.Const{Value: types.NewInt(t.Kind, c.Value.Int()), Typ: types.Of(t.Kind), Slot: c.Slot}, true
		}
		return &expr.Cast{Arg: e, To: types.Of(t.Kind)}, true
	}
	return nil, false
}

// Usable lists the indexes that may be read, the primary first.
func Usable(t *catalog.Table) []*catalog.Index {
	out := []*catalog.Index{&t.Primary}
	for i := range t.Indexes {
		if t.Indexes[i].State == catalog.IndexPublic {
			out = append(out, &t.Indexes[i])
		}
	}
	return out
}

// Accesses lists the ways to read a scan, cheapest first; there is always the table scan. A lookup of a whole unique key goes before all
// others: a plan that scans a table that was empty when it was made would be kept while the table grows.
func Accesses(q *statistics.Query, s *logical.Scan, preds []expr.Expr, r *statistics.Relation, prices *cost.Prices) []Access {
	rowBytes := r.WidthBytes
	if r.Stats != nil && r.Stats.RowBytes > 0 {
		rowBytes = r.Stats.RowBytes
	}
	out := []Access{{Filter: preds, ExaminedRows: r.BaseRows, Cost: prices.TableScan(r.BaseRows, rowBytes, len(preds))}}
	args := sargs(s, preds)
	for _, ix := range Usable(s.Table) {
		a := Access{Index: ix}
		used := make(map[int]bool)
		for _, ord := range ix.Columns {
			i := slices.IndexFunc(args, func(g sarg) bool { return g.ordinal == ord && g.op == "=" })
			if i >= 0 {
				a.Equal = append(a.Equal, args[i].value)
				used[args[i].pred] = true
				continue
			}
			for _, g := range args {
				if g.ordinal != ord {
					continue
				}
				bound := physical.KeyBound{Value: g.value, Inclusive: g.op == "<=" || g.op == ">="}
				switch g.op {
				case ">", ">=":
					if a.Low.Value == nil {
						a.Low, used[g.pred] = bound, true
					}
				case "<", "<=":
					if a.High.Value == nil {
						a.High, used[g.pred] = bound, true
					}
				}
			}
			break
		}
		if len(used) == 0 {
			continue
		}
		var spanned []expr.Expr
		for i, p := range preds {
			if used[i] {
				spanned = append(spanned, p)
			} else {
				a.Filter = append(a.Filter, p)
			}
		}
		a.ExaminedRows = r.BaseRows * q.Selectivity(&expr.And{Terms: spanned})
		if len(a.Filter) == 0 {
			a.ExaminedRows = r.Rows
		}
		a.ExaminedRows = max(a.ExaminedRows, r.Rows)
		if (ix.Unique || ix.ID == catalog.PrimaryIndex) && len(a.Equal) == len(ix.Columns) {
			a.ExaminedRows, a.single = min(1, max(a.ExaminedRows, r.Rows)), true
		}
		a.Cost = prices.IndexScan(a.ExaminedRows, rowBytes, len(a.Filter), Covers(s.Table, ix, s.Ordinals))
		out = append(out, a)
	}
	slices.SortStableFunc(out, func(a, b Access) int {
		switch {
		case a.single != b.single && a.single, a.single == b.single && a.Cost < b.Cost:
			return -1
		case a.single != b.single && b.single, a.Cost > b.Cost:
			return 1
		}
		return 0
	})
	return out
}

// Covers reports whether an index holds all the given columns at its leaves.
func Covers(t *catalog.Table, ix *catalog.Index, ords []int) bool {
	if ix.ID == catalog.PrimaryIndex {
		return true
	}
	for _, o := range ords {
		if !slices.Contains(ix.Columns, o) && !slices.Contains(t.Primary.Columns, o) {
			return false
		}
	}
	return true
}

// Lookup is how an index join finds the rows of a scan.
type Lookup struct {
	Index *catalog.Index
	// Keys, over the outer input, equal the index's leading columns.
	Keys []expr.Expr
	// Filter are local predicates of the scan that the keys do not imply.
	Filter []expr.Expr
	// joined are the ordinals of key columns that are bound by the outer input.
	joined []int
	unique bool
}

// lookup returns the index of a leaf's table that binds the most columns by keys of the outer input (by ordinal) and by
// constants, nil when none begins with a column that the outer input binds.
func lookup(l *Leaf, keys map[int]expr.Expr) *Lookup {
	s := l.Scan()
	if s == nil {
		return nil
	}
	args := sargs(s, l.Preds)
	var best *Lookup
	for _, ix := range Usable(s.Table) {
		c := &Lookup{Index: ix}
		used := make(map[int]bool)
		for _, ord := range ix.Columns {
			if k, ok := keys[ord]; ok {
				c.Keys = append(c.Keys, k)
				c.joined = append(c.joined, ord)
				continue
			}
			i := slices.IndexFunc(args, func(g sarg) bool { return g.ordinal == ord && g.op == "=" })
			if i < 0 {
				break
			}
			c.Keys = append(c.Keys, args[i].value)
			used[args[i].pred] = true
		}
		if len(c.joined) == 0 {
			continue
		}
		for i, p := range l.Preds {
			if !used[i] {
				c.Filter = append(c.Filter, p)
			}
		}
		c.unique = (ix.Unique || ix.ID == catalog.PrimaryIndex) && len(c.Keys) == len(ix.Columns)
		if best == nil || len(c.Keys) > len(best.Keys) || c.unique && !best.unique {
			best = c
		}
	}
	return best
}
