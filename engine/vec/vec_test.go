package vec

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/attunedb/attune/engine/types"
)

// kinds are one kind of every physical form.
var kinds = []types.Kind{types.Bool, types.Int2, types.Int4, types.Int8, types.Float4, types.Float8, types.Numeric,
	types.Text, types.Bytea, types.Date, types.Timestamp, types.Interval, types.UUID}

func drawDatum(t *rapid.T, k types.Kind) types.Datum {
	if rapid.IntRange(0, 4).Draw(t, "null") == 0 {
		return types.Null(k)
	}
	i := rapid.Int64().Draw(t, "value")
	switch k {
	case types.Bool:
		return types.NewBool(i&1 == 0)
	case types.Int2:
		return types.NewInt(k, int64(int16(i)))
	case types.Int4:
		return types.NewInt(k, int64(int32(i)))
	case types.Date:
		return types.NewDate(int32(i))
	case types.Float4:
		return types.NewFloat(k, float64(float32(i)))
	case types.Float8:
		return types.NewFloat(k, float64(i))
	case types.Numeric:
		if i%3 == 0 {
			c := new(big.Int).Mul(big.NewInt(i), big.NewInt(1<<62))
			return types.NewNumeric(types.DecimalFromBig(c, 7))
		}
		return types.NewNumeric(types.Decimal{Small: i, Scale: 2})
	case types.Interval:
		return types.NewInterval(types.IntervalValue{Micros: i, Days: int32(i), Months: -int32(i)})
	case types.UUID:
		return types.NewUUID([16]byte{byte(i), 15: byte(i >> 8)})
	case types.Bytea:
		return types.NewBytea([]byte(rapid.StringN(0, 9, -1).Draw(t, "bytes")))
	case types.Text:
		return types.NewString(k, rapid.StringN(0, 9, -1).Draw(t, "text"))
	}
	return types.NewTimestamp(k, i)
}

// same compares by what a reader sees: datums hold pointers.
func same(a, b types.Datum) bool {
	if a.Kind() != b.Kind() || a.IsNull() != b.IsNull() {
		return false
	}
	if a.IsNull() {
		return true
	}
	if a.Kind() == types.Numeric {
		x, y := a.Numeric(), b.Numeric()
		return x.Scale == y.Scale && x.Form == y.Form && x.Coef().Cmp(y.Coef()) == 0
	}
	return a.Int() == b.Int() && a.Str() == b.Str() && a.Interval() == b.Interval() && a.UUID() == b.UUID()
}

func check(t *rapid.T, what string, v *Vector, want []types.Datum) {
	if v.Len() != len(want) {
		t.Fatalf("%s: %d values, want %d", what, v.Len(), len(want))
	}
	nulls := 0
	for i, w := range want {
		if !same(v.DatumAt(i), w) {
			t.Fatalf("%s: value %d is %+v, want %+v", what, i, v.DatumAt(i), w)
		}
		if w.IsNull() {
			nulls++
		}
	}
	if got := v.Validity().CountNull(v.Len()); got != nulls {
		t.Fatalf("%s: %d NULLs are counted, want %d", what, got, nulls)
	}
}

// TestColumnOperations holds every way of making and taking apart a column against a slice of values.
func TestColumnOperations(t *testing.T) {
	for _, k := range kinds {
		typ := types.Of(k)
		t.Run(k.Short(), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				n := rapid.IntRange(0, 70).Draw(t, "n")
				want := make([]types.Datum, n)
				b := NewBuilder(typ, rapid.IntRange(0, 9).Draw(t, "capacity"))
				for i := range want {
					want[i] = drawDatum(t, k)
					b.AppendDatum(want[i])
				}
				v := b.Finish()
				check(t, "builder", v, want)

				var sel []int32
				var picked []types.Datum
				for range rapid.IntRange(0, 20).Draw(t, "picks") {
					p := rapid.IntRange(-1, n-1).Draw(t, "pick")
					sel = append(sel, int32(p))
					if p < 0 {
						picked = append(picked, types.Null(k))
					} else {
						picked = append(picked, want[p])
					}
				}
				check(t, "gather", Gather(v, sel), picked)

				lo := rapid.IntRange(0, n).Draw(t, "lo")
				hi := rapid.IntRange(lo, n).Draw(t, "hi")
				part := v.Slice(lo, hi)
				check(t, "slice", part, want[lo:hi])
				check(t, "concat", Concat(typ, v, part, Nulls(typ, 2)),
					append(append(append([]types.Datum{}, want...), want[lo:hi]...), types.Null(k), types.Null(k)))

				copied, err := FromBuffers(typ, n, v.Buffers())
				if err != nil {
					t.Fatal(err)
				}
				check(t, "buffers", copied, want)
			})
		})
	}
}

func TestBatchSelection(t *testing.T) {
	b := &Batch{Cols: []*Vector{FromSlice(types.Of(types.Int4), []int32{10, 11, 12, 13}, nil), nil}, Sel: []int32{1, 3}, Len: 4}
	if b.Rows() != 2 || b.Row(1) != 3 {
		t.Fatalf("%d rows, the second at %d", b.Rows(), b.Row(1))
	}
	c := b.Compact()
	if c.Len != 2 || c.Sel != nil || c.Cols[1] != nil || Values[int32](c.Cols[0])[1] != 13 {
		t.Errorf("compacted: %+v", c)
	}
	if s := b.Slice(1, 2); s.Rows() != 1 || s.Row(0) != 3 {
		t.Errorf("slice of a selection: %+v", s)
	}
	if s := c.Slice(1, 2); s.Rows() != 1 || Values[int32](s.Cols[0])[0] != 13 {
		t.Errorf("slice: %+v", s)
	}
}

func TestAnd(t *testing.T) {
	a, b := NewBitmap(10), NewBitmap(10)
	a.Clear(3)
	b.Clear(9)
	got := And(a, b, 10)
	for i := range 10 {
		if got.Valid(i) != (i != 3 && i != 9) {
			t.Errorf("bit %d is %v", i, got.Valid(i))
		}
	}
	if n := got.CountNull(10); n != 2 {
		t.Errorf("%d nulls", n)
	}
	if And(nil, nil, 10) != nil {
		t.Error("nothing and nothing has nulls")
	}
}

func TestViewOfAnotherWidthPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("an int4 column is viewed as int64")
		}
	}()
	Values[int64](FromSlice(types.Of(types.Int4), []int32{1}, nil))
}

func BenchmarkGather(b *testing.B) {
	v, values := MakeFixed[int64](types.Of(types.Int8), BatchSize, nil)
	for i := range values {
		values[i] = int64(i)
	}
	sel := Identity(BatchSize)
	b.SetBytes(8 * BatchSize)
	for b.Loop() {
		Gather(v, sel)
	}
}
