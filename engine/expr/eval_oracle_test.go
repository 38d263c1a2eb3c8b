package expr

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// naive evaluates e for one row, a datum at a time, by the definition of each node.
func naive(e Expr, row, params []types.Datum) (types.Datum, error) {
	null := types.Null(types.Bool)
	switch e := e.(type) {
	case *Const:
		return e.Value, nil
	case *Param:
		return params[e.Index], nil
	case *Column:
		return row[e.Ordinal], nil
	case *Call:
		args := make([]*vec.Vector, len(e.Args))
		strictNull := false
		for i, a := range e.Args {
			d, err := naive(a, row, params)
			if err != nil {
				return d, err
			}
			strictNull = strictNull || d.IsNull()
			b := vec.NewBuilder(a.Type(), 1)
			b.AppendDatum(d)
			args[i] = b.Finish()
		}
		if e.Fn.Strict && strictNull {
			return types.Null(e.Typ.Kind), nil
		}
		v, err := e.Fn.Eval(nil, args, nil, 1)
		if err != nil {
			return null, err
		}
		return v.DatumAt(0), nil
	case *And:
		out := types.NewBool(true)
		for _, t := range e.Terms {
			d, err := naive(t, row, params)
			if err != nil {
				return d, err
			}
			if d.IsNull() {
				out = null
			} else if !d.Bool() {
				return d, nil
			}
		}
		return out, nil
	case *Or:
		out := types.NewBool(false)
		for _, t := range e.Terms {
			d, err := naive(t, row, params)
			if err != nil {
				return d, err
			}
			if d.IsNull() {
				out = null
			} else if d.Bool() {
				return d, nil
			}
		}
		return out, nil
	case *Not:
		d, err := naive(e.Arg, row, params)
		if err != nil || d.IsNull() {
			return d, err
		}
		return types.NewBool(!d.Bool()), nil
	case *IsNull:
		d, err := naive(e.Arg, row, params)
		return types.NewBool(d.IsNull() != e.Negated), err
	case *TruthTest:
		d, err := naive(e.Arg, row, params)
		return types.NewBool((!d.IsNull() && d.Bool() == e.Want) != e.Negated), err
	case *IsDistinct:
		l, err := naive(e.Left, row, params)
		if err != nil {
			return l, err
		}
		r, err := naive(e.Right, row, params)
		if err != nil {
			return r, err
		}
		same := l.IsNull() && r.IsNull() || !l.IsNull() && !r.IsNull() && compute.CompareDatum(l, r) == 0
		return types.NewBool(same == e.Negated), nil
	case *Cast:
		d, err := naive(e.Arg, row, params)
		if err != nil {
			return d, err
		}
		return compute.CastDatum(nil, d, e.To, e.Explicit)
	case *Case:
		for _, w := range e.Whens {
			d, err := naive(w.Cond, row, params)
			if err != nil {
				return d, err
			}
			if !d.IsNull() && d.Bool() {
				return naive(w.Then, row, params)
			}
		}
		return naive(e.Else, row, params)
	case *Coalesce:
		d := types.Null(e.Type().Kind)
		for _, a := range e.Args {
			var err error
			if d, err = naive(a, row, params); err != nil || !d.IsNull() {
				return d, err
			}
		}
		return d, nil
	case *InList:
		d, err := naive(e.Arg, row, params)
		if err != nil {
			return d, err
		}
		unknown := d.IsNull()
		for _, item := range e.List {
			v, err := naive(item, row, params)
			if err != nil {
				return v, err
			}
			switch {
			case v.IsNull():
				unknown = true
			case !d.IsNull() && compute.CompareDatum(d, v) == 0:
				return types.NewBool(!e.Negated), nil
			}
		}
		if unknown {
			return null, nil
		}
		return types.NewBool(e.Negated), nil
	}
	return null, fmt.Errorf("no rule for %T", e)
}

// naivelyKept tells whether a filter keeps a row, term by term.
func naivelyKept(cond Expr, row, params []types.Datum) (bool, error) {
	for _, t := range Conjuncts(cond) {
		d, err := naive(t, row, params)
		if err != nil || d.IsNull() || !d.Bool() {
			return false, err
		}
	}
	return true, nil
}

// table is a batch and its rows.
type table struct {
	batch *vec.Batch
	rows  [][]types.Datum
}

func drawTable(t *rapid.T, kinds []types.Kind) table {
	n := rapid.IntRange(0, 40).Draw(t, "rows")
	tab := table{rows: make([][]types.Datum, n)}
	for i := range tab.rows {
		tab.rows[i] = make([]types.Datum, len(kinds))
	}
	cols := make([]*vec.Vector, len(kinds))
	for c, k := range kinds {
		nulls := rapid.Bool().Draw(t, "nulls")
		b := vec.NewBuilder(types.Of(k), n)
		for i := range n {
			tab.rows[i][c] = drawDatum(t, k, nulls)
			b.AppendDatum(tab.rows[i][c])
		}
		cols[c] = b.Finish()
	}
	tab.batch = vec.NewBatch(n, cols...)
	return tab
}

func drawSelection(t *rapid.T, n int) []int32 {
	sel := []int32{}
	for i := range n {
		if rapid.Bool().Draw(t, "live") {
			sel = append(sel, int32(i))
		}
	}
	return sel
}

// Evaluation of a whole column, of a selection and of rows one by one agree with the definition, and fail exactly
// when the definition fails for a row.
func TestEvalAgreesWithDefinition(t *testing.T) { rapid.Check(t, evalAgrees) }

func FuzzEval(f *testing.F) { f.Fuzz(rapid.MakeFuzz(evalAgrees)) }

func evalAgrees(t *rapid.T) {
	g := newGenerator(t)
	tab := drawTable(t, g.columns)
	e := g.draw(g.anyKind(), 4)
	t.Logf("%s", String(e))
	p, err := Compile(e)
	if err != nil {
		t.Fatalf("compile: %v", err)
	}
	all := vec.Identity(len(tab.rows))
	sel := drawSelection(t, len(tab.rows))
	checkEval(t, p, e, tab, tab.batch, all, g.params)
	checkEval(t, p, e, tab, &vec.Batch{Cols: tab.batch.Cols, Sel: sel, Len: tab.batch.Len}, sel, g.params)
	for i := range all {
		checkEval(t, p, e, tab, tab.batch.Slice(i, i+1), all[i:i+1], g.params)
	}
	folded, bound := Fold(nil, e), Fold(nil, Bind(e, g.params))
	for _, other := range []Expr{folded, bound} {
		q, err := Compile(other)
		if err != nil {
			t.Fatalf("compile folded %s: %v", String(other), err)
		}
		got, err := q.Eval(nil, g.params, tab.batch)
		if err != nil {
			continue // checked above: folding takes failures away at most
		}
		want, err := p.Eval(nil, g.params, tab.batch)
		if err == nil {
			sameVectors(t, got, want)
		}
	}
}

func checkEval(t *rapid.T, p *Program, e Expr, tab table, b *vec.Batch, rows []int32, params []types.Datum) {
	want := make([]types.Datum, len(rows))
	var fails error
	for i, r := range rows {
		d, err := naive(e, tab.rows[r], params)
		if err != nil {
			fails = err
		}
		want[i] = d
	}
	got, err := p.Eval(nil, params, b)
	if (err != nil) != (fails != nil) {
		t.Fatalf("%s: error %v, by definition %v", String(e), err, fails)
	}
	if err != nil {
		return
	}
	if got.Len() != len(rows) || got.Kind() != e.Type().Kind {
		t.Fatalf("%d values of %s for %d rows of %s", got.Len(), got.Kind(), len(rows), e.Type())
	}
	for i := range want {
		if d := got.DatumAt(i); !sameDatum(d, want[i]) {
			t.Fatalf("%s at row %d: got %v, want %v", String(e), rows[i], d, want[i])
		}
	}
}

func sameDatum(a, b types.Datum) bool {
	if a.IsNull() || b.IsNull() {
		return a.IsNull() == b.IsNull()
	}
	return compute.CompareDatum(a, b) == 0
}

func sameVectors(t *rapid.T, got, want *vec.Vector) {
	if got.Len() != want.Len() {
		t.Fatalf("%d values, want %d", got.Len(), want.Len())
	}
	for i := range got.Len() {
		if !sameDatum(got.DatumAt(i), want.DatumAt(i)) {
			t.Fatalf("value %d: got %v, want %v", i, got.DatumAt(i), want.DatumAt(i))
		}
	}
}

// A filter keeps the rows for which every term is true, and does not look at a row that an earlier term excluded.
func TestFilterAgreesWithDefinition(t *testing.T) { rapid.Check(t, filterAgrees) }

func FuzzFilter(f *testing.F) { f.Fuzz(rapid.MakeFuzz(filterAgrees)) }

func filterAgrees(t *rapid.T) {
	g := newGenerator(t)
	tab := drawTable(t, g.columns)
	var terms []Expr
	for range rapid.IntRange(1, 4).Draw(t, "terms") {
		terms = append(terms, g.term())
	}
	cond := Conjoin(terms)
	p, err := CompileFilter(cond)
	if err != nil {
		t.Fatalf("compile %s: %v", String(cond), err)
	}
	sel := drawSelection(t, len(tab.rows))
	checkFilter(t, p, cond, tab, nil, vec.Identity(len(tab.rows)), g.params)
	checkFilter(t, p, cond, tab, sel, sel, g.params)
}

func checkFilter(t *rapid.T, p *Predicate, cond Expr, tab table, sel, rows []int32, params []types.Datum) {
	var want []int32
	var fails error
	for _, r := range rows {
		kept, err := naivelyKept(cond, tab.rows[r], params)
		if err != nil {
			fails = err
		}
		if kept {
			want = append(want, r)
		}
	}
	before := append([]int32(nil), sel...)
	got, err := p.Filter(nil, params, &vec.Batch{Cols: tab.batch.Cols, Sel: sel, Len: tab.batch.Len})
	if (err != nil) != (fails != nil) {
		t.Fatalf("%s: error %v, by definition %v", String(cond), err, fails)
	}
	for i := range before {
		if sel[i] != before[i] {
			t.Fatalf("the selection passed in was changed")
		}
	}
	if err != nil {
		return
	}
	if got.Rows() != len(want) {
		t.Fatalf("%s: %d rows, want %d", String(cond), got.Rows(), len(want))
	}
	for i, r := range want {
		if got.Row(i) != int(r) {
			t.Fatalf("%s: row %d is %d, want %d", String(cond), i, got.Row(i), r)
		}
	}
}
