package expr

import (
	"strings"
	"sync"
	"testing"

	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

var (
	int4 = types.Of(types.Int4)
	text = types.Of(types.Text)
)

func num(v int64) *Const { return NewConst(types.NewInt(types.Int4, v)) }

func truth(v bool) *Const { return NewConst(types.NewBool(v)) }

func null(k types.Kind) *Const { return &Const{Value: types.Null(k), Typ: types.Of(k)} }

// call applies the overload that the arguments' types select.
func call(t testing.TB, name string, args ...Expr) *Call {
	t.Helper()
	ts := make([]types.Type, len(args))
	for i, a := range args {
		ts[i] = a.Type()
	}
	fn, to, err := compute.Resolve(name, ts)
	if err != nil {
		t.Fatal(err)
	}
	for i := range args {
		if args[i].Type().Kind != to[i].Kind {
			args[i] = &Cast{Arg: args[i], To: to[i]}
		}
	}
	return &Call{Fn: fn, Args: args, Typ: fn.Type(to)}
}

func ints(values ...int32) *vec.Batch {
	return vec.NewBatch(len(values), vec.FromSlice(int4, values, nil))
}

// Branches are evaluated for the rows that need them alone: what guards a division keeps it from failing.
func TestBranchesGuard(t *testing.T) {
	a := At(0, int4, "a")
	zero := call(t, "=", a, num(0))
	safe := call(t, ">", call(t, "/", num(10), a), num(3))
	batch := ints(0, 1, 2, 0, 5)
	for name, e := range map[string]Expr{
		"case":     &Case{Whens: []When{{Cond: zero, Then: truth(false)}}, Else: safe},
		"and":      &And{Terms: []Expr{&Not{Arg: zero}, safe}},
		"or":       &Not{Arg: &Or{Terms: []Expr{zero, &Not{Arg: safe}}}},
		"coalesce": &Coalesce{Args: []Expr{&Case{Whens: []When{{Cond: zero, Then: truth(false)}}, Else: null(types.Bool)}, safe}},
	} {
		v, err := Eval(nil, e, nil, batch)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i, want := range []bool{false, true, true, false, false} {
			if v.IsNull(i) || v.DatumAt(i).Bool() != want {
				t.Errorf("%s: row %d is %v, want %v", name, i, v.DatumAt(i), want)
			}
		}
	}
	if _, err := Eval(nil, safe, nil, batch); sqlerr.CodeOf(err) != sqlerr.DivisionByZero {
		t.Errorf("unguarded: got %v", err)
	}
	kept, err := Filter(nil, &And{Terms: []Expr{call(t, "<>", a, num(0)), safe}}, nil, batch)
	if err != nil || kept.Rows() != 2 {
		t.Errorf("filter: got %v, %v", kept, err)
	}
}

func TestFilterKeepsTheBatchWhenNothingIsDropped(t *testing.T) {
	b := ints(1, 2, 3)
	got, err := Filter(nil, call(t, ">", At(0, int4, "a"), num(0)), nil, b)
	if err != nil || got != b {
		t.Errorf("got %p for %p, %v", got, b, err)
	}
	if got, err = Filter(nil, nil, nil, b); err != nil || got != b {
		t.Errorf("no condition: got %p for %p, %v", got, b, err)
	}
}

func TestDeepExpressionsFailCleanly(t *testing.T) {
	deep := func(n int) Expr {
		var e Expr = At(0, int4, "a")
		for range n {
			e = call(t, "+", e, num(1))
		}
		return e
	}
	if v, err := Eval(nil, deep(MaxDepth-1), nil, ints(1)); err != nil || v.DatumAt(0).Int() != MaxDepth {
		t.Errorf("at the limit: %v, %v", v, err)
	}
	if _, err := Eval(nil, deep(MaxDepth+1), nil, ints(1)); sqlerr.CodeOf(err) != sqlerr.StatementTooComplex {
		t.Errorf("beyond the limit: %v", err)
	}
}

func TestIllTypedExpressionsAreRefused(t *testing.T) {
	plus, _ := compute.ByID("+(int4,int4)")
	for name, e := range map[string]Expr{
		"argument":  &Call{Fn: plus, Args: []Expr{num(1), NewConst(types.NewString(types.Text, "x"))}, Typ: int4},
		"arity":     &Call{Fn: plus, Args: []Expr{num(1)}, Typ: int4},
		"result":    &Call{Fn: plus, Args: []Expr{num(1), num(2)}, Typ: text},
		"term":      &And{Terms: []Expr{num(1), truth(true)}},
		"branch":    &Case{Whens: []When{{Cond: truth(true), Then: num(1)}}, Else: truth(true)},
		"condition": &Case{Whens: []When{{Cond: num(1), Then: num(1)}}, Else: num(2)},
		"element":   &InList{Arg: num(1), List: []Expr{truth(true)}},
		"ordinal":   At(3, int4, "a"),
		"kind":      At(0, text, "a"),
		"parameter": &Param{Index: 2, Typ: int4},
		"constant":  &Const{Value: types.NewBool(true), Typ: text},
		"nil":       &Not{},
	} {
		if v, err := Eval(nil, e, nil, ints(1)); err == nil {
			t.Errorf("%s: got %v", name, v.DatumAt(0))
		}
	}
}

// One program serves many goroutines.
func TestProgramIsConcurrent(t *testing.T) {
	p, err := Compile(&InList{Arg: call(t, "+", At(0, int4, "a"), num(1)), List: []Expr{num(2), &Param{Typ: int4}}})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for n := range 50 {
				v, err := p.Eval(nil, []types.Datum{types.NewInt(types.Int4, int64(w))}, ints(make([]int32, n+1)...))
				if err != nil || v.DatumAt(n).Bool() != (w == 1) {
					t.Errorf("worker %d: %v, %v", w, v, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestFold(t *testing.T) {
	a := At(0, int4, "a")
	divide := call(t, "/", num(1), num(0))
	slot := &Const{Value: types.NewInt(types.Int4, 2), Typ: int4, Slot: 1}
	isA := call(t, "=", a, num(1))
	date := types.Of(types.Date)
	stamp := types.Of(types.TimestampTZ)
	for _, c := range []struct {
		in   Expr
		want string
	}{
		{call(t, "+", num(1), call(t, "*", num(2), num(3))), "7"},
		{call(t, "+", a, call(t, "*", num(2), num(3))), "(a + 6)"},
		{call(t, "+", slot, num(1)), "(2 + 1)"},
		{divide, "(1 / 0)"},
		{&Case{Whens: []When{{Cond: truth(false), Then: divide}}, Else: num(4)}, "4"},
		{&Case{Whens: []When{{Cond: isA, Then: num(1)}, {Cond: truth(true), Then: num(2)}, {Cond: isA, Then: num(3)}}, Else: num(4)},
			"CASE WHEN (a = 1) THEN 1 ELSE 2 END"},
		{&And{Terms: []Expr{isA, truth(true)}}, "(a = 1)"},
		{&And{Terms: []Expr{isA, truth(false)}}, "false"},
		{&And{Terms: []Expr{isA, &And{Terms: []Expr{isA, isA}}}}, "((a = 1) AND (a = 1) AND (a = 1))"},
		{&Or{Terms: []Expr{isA, truth(true)}}, "true"},
		{&Or{Terms: []Expr{null(types.Bool), truth(false)}}, "NULL"},
		{&Coalesce{Args: []Expr{null(types.Int4), a, num(3), divide}}, "COALESCE(a, 3)"},
		{&Coalesce{Args: []Expr{null(types.Int4), null(types.Int4)}}, "NULL"},
		{call(t, "+", a, null(types.Int4)), "NULL"},
		{call(t, "now"), "now()"},
		{call(t, "random"), "random()"},
		{&InList{Arg: num(1), List: []Expr{num(2), num(1)}}, "true"},
		{&Cast{Arg: num(5), To: text}, "'5'"},
		{&Cast{Arg: NewConst(types.NewString(types.Text, "today")), To: date, Explicit: true}, "'today'::date"},
		{&Cast{Arg: NewConst(types.NewDate(0)), To: stamp}, "'1970-01-01'::date::timestamp with time zone"},
		{&IsDistinct{Left: num(1), Right: null(types.Int4)}, "true"},
	} {
		if got := String(Fold(nil, c.in)); got != c.want {
			t.Errorf("%s: got %s, want %s", String(c.in), got, c.want)
		}
	}
	if got := Fold(nil, isA); got != Expr(isA) {
		t.Error("what does not fold was copied")
	}
}

func TestString(t *testing.T) {
	a, name := At(0, int4, "a"), At(1, text, "name")
	e := &Or{Terms: []Expr{
		&And{Terms: []Expr{
			&Not{Arg: call(t, "~~", name, NewConst(types.NewString(types.Text, "O'%")))},
			&IsNull{Arg: a, Negated: true},
			&TruthTest{Arg: &IsDistinct{Left: a, Right: &Param{Index: 1, Typ: int4}}, Want: true},
		}},
		&InList{Arg: call(t, "-", a), List: []Expr{num(1), num(2)}, Negated: true},
		call(t, "<", &Column{ID: 7, Ordinal: -1, Typ: int4}, &Case{Whens: []When{{Cond: truth(true), Then: num(1)}}, Else: call(t, "length", name)}),
	}}
	want := "(((NOT (name LIKE 'O''%')) AND (a IS NOT NULL) AND ((a IS DISTINCT FROM $2) IS TRUE)) OR " +
		"((- a) NOT IN (1, 2)) OR (#7 < CASE WHEN true THEN 1 ELSE length(name) END))"
	if got := String(e); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestKeyAndEqual(t *testing.T) {
	a, b := At(0, int4, "a"), At(1, types.Of(types.Int8), "b")
	less := call(t, "<", a, b)
	more := call(t, ">", b, a)
	for _, c := range []struct {
		x, y       Expr
		equal, key bool
	}{
		{less, call(t, "<", At(0, int4, "other name"), b), true, true},
		{less, more, false, true},
		{less, call(t, ">", a, b), false, false},
		{call(t, "=", a, b), call(t, "=", b, a), false, true},
		{call(t, "-", a, b), call(t, "-", b, a), false, false},
		{&And{Terms: []Expr{less, more}}, &And{Terms: []Expr{more, less}}, false, true},
		{&And{Terms: []Expr{less, more}}, &Or{Terms: []Expr{less, more}}, false, false},
		{&InList{Arg: a, List: []Expr{num(1), num(2)}}, &InList{Arg: a, List: []Expr{num(2), num(1)}}, false, true},
		{num(1), &Const{Value: types.NewInt(types.Int4, 1), Typ: int4, Slot: 4}, true, true},
		{num(1), NewConst(types.NewInt(types.Int8, 1)), false, false},
		{null(types.Int4), NewConst(types.NewString(types.Text, "null")), false, false},
		{&Cast{Arg: a, To: text}, &Cast{Arg: a, To: text, Explicit: true}, false, false},
		{&Cast{Arg: a, To: types.Type{Kind: types.Varchar, Mod: 3}}, &Cast{Arg: a, To: types.Type{Kind: types.Varchar, Mod: 4}}, false, false},
		{&IsNull{Arg: a}, &IsNull{Arg: a, Negated: true}, false, false},
	} {
		if got := Equal(c.x, c.y); got != c.equal {
			t.Errorf("Equal(%s, %s) = %v", String(c.x), String(c.y), got)
		}
		if got := Key(c.x) == Key(c.y); got != c.key {
			t.Errorf("Key(%s) %s\nKey(%s) %s", String(c.x), Key(c.x), String(c.y), Key(c.y))
		}
	}
}

func TestVolatility(t *testing.T) {
	for name, want := range map[string][2]bool{"random": {true, false}, "now": {false, false}, "pi": {false, true}} {
		e := call(t, "+", &Cast{Arg: &Cast{Arg: call(t, name), To: text, Explicit: true}, To: types.Of(types.Float8), Explicit: true}, num(1))
		if got := [2]bool{IsVolatile(e), IsImmutable(e)}; got != want {
			t.Errorf("%s: volatile, immutable are %v, want %v", name, got, want)
		}
	}
}

func TestValueAndBind(t *testing.T) {
	e := call(t, "||", &Param{Index: 0, Typ: text}, NewConst(types.NewString(types.Text, "!")))
	params := []types.Datum{types.NewString(types.Text, "hey")}
	if d, err := Value(nil, e, params); err != nil || d.Str() != "hey!" {
		t.Errorf("got %v, %v", d, err)
	}
	if got := String(Fold(nil, Bind(e, params))); got != "'hey!'" {
		t.Errorf("bound and folded: %s", got)
	}
	if got := String(Bind(e, nil)); !strings.Contains(got, "$1") {
		t.Errorf("without values: %s", got)
	}
}

func BenchmarkFilterInt4(b *testing.B) {
	values := make([]int32, vec.BatchSize)
	for i := range values {
		values[i] = int32(i*2654435761) >> 8 & 1023
	}
	p, err := CompileFilter(&And{Terms: []Expr{
		call(b, ">=", At(0, int4, "a"), num(100)), call(b, "<", At(0, int4, "a"), num(600)),
	}})
	if err != nil {
		b.Fatal(err)
	}
	batch := ints(values...)
	b.SetBytes(4 * vec.BatchSize)
	for b.Loop() {
		if _, err := p.Filter(nil, nil, batch); err != nil {
			b.Fatal(err)
		}
	}
}
