package wire

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/stats"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// filler fills every exported field of a value by reflection, so that a field that the codec forgets makes the
// round trip fail. Values that must fit together (types of expressions, widths of inputs) are made by hand.
type filler struct {
	rng *rand.Rand
	n   int
}

func newFiller(seed uint64) *filler { return &filler{rng: rand.New(rand.NewPCG(seed, 3))} }

func (f *filler) next() int { f.n++; return f.n%50 + 1 }

var (
	exprType = reflect.TypeFor[expr.Expr]()
	nodeType = reflect.TypeFor[physical.Node]()
)

// fill sets v and everything below it. Interfaces for expressions get one without columns.
func (f *filler) fill(v reflect.Value) {
	switch v.Type() {
	case reflect.TypeFor[types.Type]():
		v.Set(reflect.ValueOf(types.Of(types.Int8)))
		return
	case reflect.TypeFor[types.Datum]():
		v.Set(reflect.ValueOf(types.NewInt(types.Int8, int64(f.next()))))
		return
	case reflect.TypeFor[physical.Source]():
		v.SetUint(uint64(physical.SourceFeedback))
		return
	case reflect.TypeFor[catalog.IndexState]():
		v.SetUint(uint64(catalog.IndexPublic))
		return
	case reflect.TypeFor[physical.SetOpKind]():
		v.SetUint(uint64(physical.SetExceptAll))
		return
	case reflect.TypeFor[physical.JoinKind]():
		v.SetUint(uint64(physical.JoinLeft))
		return
	case reflect.TypeFor[*compute.Aggregate]():
		fn, _, err := compute.ResolveAggregate("sum", []types.Type{types.Of(types.Int8)})
		if err != nil {
			panic(err)
		}
		v.Set(reflect.ValueOf(fn))
		return
	case reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.UnixMicro(int64(f.next())).UTC()))
		return
	case exprType:
		v.Set(reflect.ValueOf(expr.Expr(expr.NewConst(types.NewInt(types.Int8, int64(f.next()))))))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				f.fill(v.Field(i))
			}
		}
	case reflect.Slice:
		n := 2
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			f.fill(v.Index(i))
		}
	case reflect.String:
		v.SetString(fmt.Sprintf("s%d", f.next()))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(int64(f.next()))
	case reflect.Uint8, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(f.next()))
	case reflect.Float64:
		v.SetFloat(float64(f.next()) + 0.5)
	case reflect.Interface, reflect.Pointer:
		// Inputs and samples are set by who knows their shape.
	default:
		panic(fmt.Sprintf("filler: %s", v.Type()))
	}
}

// leaf is an input with one column of each of the given number.
func (f *filler) leaf(columns int) physical.Node {
	n := &physical.TableScan{}
	f.fill(reflect.ValueOf(n).Elem())
	n.Schema = make([]physical.Field, columns)
	n.Columns = make([]int, columns)
	for i := range columns {
		n.Schema[i] = physical.Field{Name: fmt.Sprintf("c%d", i), Type: types.Of(types.Int8)}
		n.Columns[i] = i
	}
	n.Runtime = []physical.RuntimeFilterUse{{FilterID: 3, Columns: []int{0, columns - 1}}}
	return n
}

// nodes returns one of every operator with every field set.
func (f *filler) nodes() []physical.Node {
	all := []physical.Node{&physical.TableScan{}, &physical.IndexScan{}, &physical.Values{}, &physical.HashJoin{},
		&physical.NestedLoopJoin{}, &physical.IndexJoin{}, &physical.Filter{}, &physical.Project{}, &physical.Aggregate{},
		&physical.Sort{}, &physical.TopK{}, &physical.Limit{}, &physical.SetOp{}, &physical.UnionAll{}, &physical.SingleRow{},
		&physical.With{}, &physical.CTEScan{}, &physical.Insert{}, &physical.Update{}, &physical.Delete{}}
	for _, n := range all {
		v := reflect.ValueOf(n).Elem()
		f.fill(v)
		for i := range v.NumField() {
			switch field := v.Field(i); {
			case field.Type() == nodeType:
				field.Set(reflect.ValueOf(f.leaf(4)))
			case field.Type() == reflect.TypeFor[[]physical.Node]():
				field.Set(reflect.ValueOf([]physical.Node{f.leaf(2), f.leaf(2)}))
			}
		}
		switch n := n.(type) {
		case *physical.TableScan:
			n.Columns, n.Runtime[0].Columns, n.Runtime[1].Columns = []int{4, 2}, []int{1}, []int{0, 1}
		case *physical.IndexScan:
			n.Runtime[0].Columns, n.Runtime[1].Columns = []int{1}, []int{0, 1}
		case *physical.With:
			n.Defs = []physical.Node{f.leaf(1), f.leaf(3)}
		case *physical.Aggregate:
			for i := range n.Aggs {
				n.Aggs[i].Args = n.Aggs[i].Args[:1]
			}
		case *physical.Update:
			n.Set = []int{0, 1}
		}
	}
	return all
}

func TestEveryOperatorSurvives(t *testing.T) {
	f := newFiller(1)
	for _, n := range f.nodes() {
		got, err := NodeFromProto(NodeToProto(n))
		if err != nil {
			t.Errorf("%s: %v", n.Op(), err)
			continue
		}
		if !reflect.DeepEqual(got, n) {
			t.Errorf("%s changes on the way:\n got %+v\nwant %+v", n.Op(), got, n)
		}
	}
}

func TestPlanSurvives(t *testing.T) {
	f := newFiller(2)
	p := &physical.Plan{}
	f.fill(reflect.ValueOf(p).Elem())
	p.Root = f.leaf(3)
	got, err := PlanFromProto(PlanToProto(p))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, p) {
		t.Errorf("the plan changes on the way:\n got %+v\nwant %+v", got, p)
	}
}

func TestEveryExpressionSurvives(t *testing.T) {
	int8Type, boolType := types.Of(types.Int8), types.Of(types.Bool)
	c := func(v int64) expr.Expr { return expr.NewConst(types.NewInt(types.Int8, v)) }
	yes := expr.Expr(&expr.Const{Value: types.NewBool(true), Typ: boolType, Slot: 7})
	fn, _, err := compute.Resolve("+", []types.Type{int8Type, int8Type})
	if err != nil {
		t.Fatal(err)
	}
	// It takes an argument of every kind.
	join, _, err := compute.Resolve("||", []types.Type{types.Of(types.Text), int8Type})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []expr.Expr{
		yes, &expr.Const{Value: types.Null(types.Numeric), Typ: types.NumericType(10, 2)},
		expr.At(3, types.Type{Kind: types.Varchar, Mod: 9}, "name"), &expr.Param{Index: 4, Typ: int8Type},
		&expr.Call{Fn: fn, Args: []expr.Expr{c(1), c(2)}, Typ: int8Type},
		&expr.Call{Fn: join, Args: []expr.Expr{expr.At(0, types.Of(types.Text), "t"), c(2)}, Typ: types.Of(types.Text)},
		&expr.And{Terms: []expr.Expr{yes, yes}}, &expr.Or{Terms: []expr.Expr{yes, yes}}, &expr.Not{Arg: yes},
		&expr.IsNull{Arg: c(1), Negated: true}, &expr.TruthTest{Arg: yes, Want: true, Negated: true},
		&expr.IsDistinct{Left: c(1), Right: c(2), Negated: true},
		&expr.Cast{Arg: c(1), To: types.Of(types.Text), Explicit: true},
		&expr.Case{Whens: []expr.When{{Cond: yes, Then: c(1)}, {Cond: yes, Then: c(2)}}, Else: c(3)},
		&expr.Coalesce{Args: []expr.Expr{c(1), c(2)}}, &expr.InList{Arg: c(1), List: []expr.Expr{c(2), c(3)}, Negated: true},
	} {
		got, err := ExprFromProto(ExprToProto(e))
		if err != nil {
			t.Errorf("%T: %v", e, err)
		} else if !reflect.DeepEqual(got, e) {
			t.Errorf("%T changes on the way: %+v, want %+v", e, got, e)
		}
	}
}

func TestCatalogAndStatisticsSurvive(t *testing.T) {
	f := newFiller(3)
	table := &catalog.Table{}
	f.fill(reflect.ValueOf(table).Elem())
	for len(table.Columns) < 60 {
		table.Columns = append(table.Columns, table.Columns[0])
	}
	gotTable, err := TableFromProto(TableToProto(table))
	if err != nil || !reflect.DeepEqual(gotTable, table) {
		t.Errorf("table: %v\n got %+v\nwant %+v", err, gotTable, table)
	}
	seq := &catalog.Sequence{}
	f.fill(reflect.ValueOf(seq).Elem())
	gotSeq, err := SequenceFromProto(SequenceToProto(seq))
	if err != nil || !reflect.DeepEqual(gotSeq, seq) {
		t.Errorf("sequence: %v, got %+v, want %+v", err, gotSeq, seq)
	}
	st := &stats.Table{}
	f.fill(reflect.ValueOf(st).Elem())
	st.Sample = vec.NewBatch(1, vec.FromStrings(types.Of(types.Text), []string{"x"}))
	gotStats, err := StatsFromProto(StatsToProto(st, true))
	if err != nil {
		t.Fatal(err)
	}
	if v := gotStats.Sample.Cols[0].StringAt(0); v != "x" {
		t.Errorf("sample holds %q", v)
	}
	gotStats.Sample, st.Sample = nil, nil
	if !reflect.DeepEqual(gotStats, st) {
		t.Errorf("statistics:\n got %+v\nwant %+v", gotStats, st)
	}
}

func TestErrorSurvives(t *testing.T) {
	f := newFiller(4)
	e := &sqlerr.Error{}
	f.fill(reflect.ValueOf(e).Elem())
	e.Code = sqlerr.UniqueViolation
	got := ErrorFromStatus(ErrorToStatus(fmt.Errorf("while writing: %w", e)))
	if !reflect.DeepEqual(got, error(e)) {
		t.Errorf("got %+v, want %+v", got, e)
	}
}

// datums returns values at the edges of every kind.
func datums() []types.Datum {
	huge, _ := new(big.Int).SetString("-123456789012345678901234567890", 10)
	return []types.Datum{types.NewBool(true), types.NewInt(types.Int2, -32768), types.NewInt(types.Int4, 1<<31-1),
		types.NewInt(types.Int8, -1<<63), types.NewFloat(types.Float4, 1.5), types.NewFloat(types.Float8, -0.1),
		types.NewNumeric(types.Decimal{Small: 12345, Scale: 2}), types.NewNumeric(types.DecimalFromBig(huge, 5)),
		types.NewNumeric(types.Decimal{Form: types.DecimalNaN}), types.NewString(types.Text, "äöü"),
		types.NewString(types.Varchar, ""), types.NewString(types.Char, "a  "), types.NewBytea([]byte{0, 255}),
		types.NewDate(-1), types.NewTimestamp(types.Timestamp, 1), types.NewTimestamp(types.TimestampTZ, -1),
		types.NewInterval(types.IntervalValue{Micros: -1, Days: 2, Months: -3}), types.NewUUID([16]byte{1, 15: 9}),
		types.NewString(types.JSONB, `{"a": 1}`), types.Null(types.Date), types.NewString(types.Unknown, "?")}
}

func TestEveryDatumSurvives(t *testing.T) {
	for _, d := range datums() {
		got, err := DatumFromProto(DatumToProto(d))
		if err != nil || !reflect.DeepEqual(got, d) {
			t.Errorf("%s: %v: got %+v, want %+v", d.Kind(), err, got, d)
		}
	}
}

func TestBatchSurvives(t *testing.T) {
	for _, d := range datums() {
		b := vec.NewBuilder(types.Of(d.Kind()), 0)
		for i := range 100 {
			if i%3 == 0 {
				b.AppendNull()
			} else {
				b.AppendDatum(d)
			}
		}
		in := &vec.Batch{Cols: []*vec.Vector{b.Finish()}, Sel: []int32{0, 1, 50, 99}, Len: 100}
		got, err := BatchFromProto(BatchToProto(in))
		if err != nil {
			t.Fatal(err)
		}
		if got.Len != 4 || got.Sel != nil {
			t.Fatalf("%s: %d rows", d.Kind(), got.Len)
		}
		for i, at := range in.Sel {
			if want := in.Cols[0].DatumAt(int(at)); !reflect.DeepEqual(got.Cols[0].DatumAt(i), want) {
				t.Errorf("%s: row %d is %+v, want %+v", d.Kind(), i, got.Cols[0].DatumAt(i), want)
			}
		}
	}
}
