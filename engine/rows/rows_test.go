package rows

import (
	"bytes"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/keys"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// wideTable has a column of every kind; the primary key is made of the given columns.
func wideTable(primary ...int) *catalog.Table {
	t := &catalog.Table{ID: 300, Name: "wide", Version: 1, Primary: catalog.Index{ID: catalog.PrimaryIndex, Columns: primary, Unique: true}}
	for k := types.Bool; k < types.KindCount; k++ {
		t.Columns = append(t.Columns, catalog.Column{Name: k.Short(), Type: types.Of(k)})
	}
	return t
}

func randomDatum(r *rand.Rand, k types.Kind) types.Datum {
	switch k {
	case types.Bool:
		return types.NewBool(r.IntN(2) == 0)
	case types.Int2:
		return types.NewInt(k, int64(int16(r.Int())))
	case types.Int4:
		return types.NewInt(k, int64(r.Int32()))
	case types.Int8:
		return types.NewInt(k, r.Int64())
	case types.Float4:
		return types.NewFloat(k, float64(r.Float32()))
	case types.Float8:
		return types.NewFloat(k, r.NormFloat64())
	case types.Numeric:
		switch r.IntN(4) {
		case 0:
			return types.NewNumeric(types.Decimal{Form: types.DecimalForm(r.IntN(4))})
		case 1:
			v := new(big.Int).Lsh(big.NewInt(r.Int64()-r.Int64()), uint(r.IntN(90)))
			return types.NewNumeric(types.DecimalFromBig(v, int32(r.IntN(20))))
		}
		return types.NewNumeric(types.Decimal{Small: r.Int64N(1e6) - 5e5, Scale: int32(r.IntN(6))})
	case types.Date:
		return types.NewDate(r.Int32())
	case types.Timestamp, types.TimestampTZ:
		return types.NewTimestamp(k, r.Int64())
	case types.Interval:
		return types.NewInterval(types.IntervalValue{Micros: r.Int64(), Days: r.Int32(), Months: r.Int32()})
	case types.UUID:
		var u [16]byte
		for i := range u {
			u[i] = byte(r.Int())
		}
		return types.NewUUID(u)
	}
	n := r.IntN(12)
	if r.IntN(50) == 0 {
		n = 70000
	}
	return types.NewString(k, strings.Repeat(string(rune(r.IntN(3))), n/2)+strings.Repeat("x ", n/2))
}

func randomBatch(r *rand.Rand, t *catalog.Table, n int) *vec.Batch {
	b := &vec.Batch{Len: n}
	key := map[int]bool{}
	for _, o := range t.Primary.Columns {
		key[o] = true
	}
	for o, c := range t.Columns {
		out := vec.NewBuilder(c.Type, n)
		for range n {
			if !key[o] && r.IntN(5) == 0 {
				out.AppendNull()
			} else {
				out.AppendDatum(randomDatum(r, c.Type.Kind))
			}
		}
		b.Cols = append(b.Cols, out.Finish())
	}
	return b
}

func builders(t *catalog.Table, ordinals []int) []*vec.Builder {
	out := make([]*vec.Builder, len(ordinals))
	for i, o := range ordinals {
		out[i] = vec.NewBuilder(t.Columns[o].Type, 4)
	}
	return out
}

// same reports whether two values are the same, not only equal: numerics in scale, floats in sign.
func same(a, b types.Datum) bool {
	if a.Kind() == types.Numeric && !a.IsNull() && !b.IsNull() {
		return a.Numeric().String() == b.Numeric().String()
	}
	return a == b
}

func TestRowsRoundTrip(t *testing.T) {
	const seed = 7
	r := rand.New(rand.NewPCG(seed, seed))
	for _, primary := range [][]int{{3}, {7, 0}, {6, 14, 4, 5, 9}, {1, 8, 10, 15, 16}} {
		table := wideTable(primary...)
		for f := range primary {
			table.Primary.Desc = append(table.Primary.Desc, f%2 == 1)
		}
		b := randomBatch(r, table, 60)
		ordinals := r.Perm(len(table.Columns))
		ordinals = append(ordinals, ordinals[0])
		d, err := NewDecoder(table, &table.Primary, ordinals)
		if err != nil {
			t.Fatal(err)
		}
		out := builders(table, ordinals)
		for row := range b.Len {
			key, value := PrimaryKey(nil, table, b, row), Value(nil, table, b, row)
			if err := d.Decode(key, value, out); err != nil {
				t.Fatalf("key %v, row %d: %v", primary, row, err)
			}
		}
		for i, o := range ordinals {
			v := out[i].Finish()
			for row := range b.Len {
				if got, want := v.DatumAt(row), b.Cols[o].DatumAt(row); !same(got, want) {
					t.Fatalf("key %v, column %s, row %d: %v, want %v", primary, table.Columns[o].Name, row, got, want)
				}
			}
		}
	}
}

func TestColumnsAddedLater(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	full := wideTable(3)
	short := *full
	short.Columns = full.Columns[:9]
	b := randomBatch(r, full, 20)
	for row := range b.Len {
		old := Value(nil, &short, &vec.Batch{Cols: b.Cols[:9], Len: b.Len}, row)
		recent := Value(nil, full, b, row)
		key := PrimaryKey(nil, full, b, row)
		for _, c := range []struct {
			reader *catalog.Table
			value  []byte
		}{{full, old}, {&short, recent}} {
			ordinals := vec.Identity(len(c.reader.Columns))
			all := make([]int, len(ordinals))
			for i := range all {
				all[i] = i
			}
			d, err := NewDecoder(c.reader, &c.reader.Primary, all)
			if err != nil {
				t.Fatal(err)
			}
			out := builders(c.reader, all)
			if err := d.Decode(key, c.value, out); err != nil {
				t.Fatal(err)
			}
			for i := range all {
				want := types.Null(c.reader.Columns[i].Type.Kind)
				if i < 9 {
					want = b.Cols[i].DatumAt(row)
				}
				if got := out[i].Finish().DatumAt(0); !same(got, want) {
					t.Fatalf("column %d read by a schema of %d: %v, want %v", i, len(all), got, want)
				}
			}
		}
	}
}

func TestIndexEntries(t *testing.T) {
	table := &catalog.Table{ID: 5, Name: "t",
		Columns: []catalog.Column{{Name: "id", Type: types.Of(types.Int8)}, {Name: "a", Type: types.Of(types.Text)},
			{Name: "n", Type: types.Of(types.Numeric)}},
		Primary: catalog.Index{ID: catalog.PrimaryIndex, Columns: []int{0}, Unique: true, Desc: []bool{true}}}
	a := vec.NewBuilder(types.Of(types.Text), 3)
	a.AppendString("x")
	a.AppendString("x")
	a.AppendNull()
	n := vec.NewBuilder(types.Of(types.Numeric), 3)
	for range 3 {
		n.AppendDecimal(types.Decimal{Small: 150, Scale: 2})
	}
	b := vec.NewBatch(3, vec.FromSlice(types.Of(types.Int8), []int64{10, 11, 12}, nil), a.Finish(), n.Finish())
	for _, unique := range []bool{true, false} {
		ix := &catalog.Index{ID: 2, Columns: []int{1}, Unique: unique, Desc: []bool{true}}
		k0, v0 := IndexEntry(table, ix, b, 0)
		k1, _ := IndexEntry(table, ix, b, 1)
		k2, v2 := IndexEntry(table, ix, b, 2)
		if bytes.Equal(k0, k1) != unique {
			t.Errorf("unique %v: equal columns give equal keys: %v", unique, !unique)
		}
		if len(v2) != 0 || (len(v0) == 0) == unique {
			t.Errorf("unique %v: values %x and, with NULL, %x", unique, v0, v2)
		}
		if !Covers(table, ix, []int{1, 0}) || Covers(table, ix, []int{2}) {
			t.Errorf("unique %v: wrong cover", unique)
		}
		d, err := NewDecoder(table, ix, []int{0, 1})
		if err != nil {
			t.Fatal(err)
		}
		out := builders(table, []int{0, 1})
		for row, e := range [][2][]byte{{k0, v0}, {k2, v2}} {
			if err := d.Decode(e[0], e[1], out); err != nil {
				t.Fatal(err)
			}
			pk, err := d.PrimaryKey(keys.IndexPrefix(table.ID, catalog.PrimaryIndex), e[0], e[1])
			if err != nil || !bytes.Equal(pk, PrimaryKey(nil, table, b, 2*row)) {
				t.Fatalf("unique %v: primary key %x, %v", unique, pk, err)
			}
		}
		ids, as := out[0].Finish(), out[1].Finish()
		if ids.DatumAt(0).Int() != 10 || ids.DatumAt(1).Int() != 12 || as.DatumAt(0).Str() != "x" || !as.IsNull(1) {
			t.Errorf("unique %v: decoded %v %v %v %v", unique, ids.DatumAt(0), ids.DatumAt(1), as.DatumAt(0), as.DatumAt(1))
		}
	}
	if _, err := NewDecoder(table, &catalog.Index{ID: 3, Columns: []int{2}}, []int{2}); err == nil {
		t.Error("an index over a numeric claims to hold its display scale")
	}
}

// FuzzDecode hands arbitrary bytes to a decoder of every kind: it must fail or give columns, and never read out of bounds.
func FuzzDecode(f *testing.F) {
	r := rand.New(rand.NewPCG(3, 4))
	table := wideTable(3, 7)
	b := randomBatch(r, table, 8)
	for row := range b.Len {
		f.Add(PrimaryKey(nil, table, b, row), Value(nil, table, b, row))
	}
	ordinals := make([]int, len(table.Columns))
	for i := range ordinals {
		ordinals[i] = i
	}
	f.Fuzz(func(t *testing.T, key, value []byte) {
		d, err := NewDecoder(table, &table.Primary, ordinals)
		if err != nil {
			t.Fatal(err)
		}
		out := builders(table, ordinals)
		if d.Decode(key, value, out) != nil {
			return
		}
		for i := range out {
			v := out[i].Finish()
			if v.Len() != 1 {
				t.Fatalf("column %d has %d values", i, v.Len())
			}
			v.DatumAt(0)
		}
	})
}

func narrow(n int) (*catalog.Table, *vec.Batch) {
	table := &catalog.Table{ID: 5, Name: "t",
		Columns: []catalog.Column{{Name: "id", Type: types.Of(types.Int4)}, {Name: "a", Type: types.Of(types.Int4)},
			{Name: "b", Type: types.Of(types.Int8)}, {Name: "s", Type: types.Of(types.Text)}, {Name: "ts", Type: types.Of(types.Timestamp)}},
		Primary: catalog.Index{ID: catalog.PrimaryIndex, Columns: []int{0}, Unique: true}}
	return table, randomBatch(rand.New(rand.NewPCG(1, 1)), table, n)
}

func BenchmarkEncode(b *testing.B) {
	table, batch := narrow(vec.BatchSize)
	e := NewEncoder(table)
	var buf []byte
	for b.Loop() {
		for row := range batch.Len {
			buf = e.PrimaryKey(buf[:0], batch, row)
			buf = e.Value(buf, batch, row)
		}
	}
	b.ReportMetric(float64(b.N)*vec.BatchSize/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkDecode(b *testing.B) {
	table, batch := narrow(vec.BatchSize)
	e := NewEncoder(table)
	var ks, vs [][]byte
	for row := range batch.Len {
		ks, vs = append(ks, e.PrimaryKey(nil, batch, row)), append(vs, e.Value(nil, batch, row))
	}
	ordinals := []int{0, 1, 2, 4}
	d, err := NewDecoder(table, &table.Primary, ordinals)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		out := make([]*vec.Builder, len(ordinals))
		for i, o := range ordinals {
			out[i] = vec.NewBuilder(table.Columns[o].Type, vec.BatchSize)
		}
		for i := range ks {
			if err := d.Decode(ks[i], vs[i], out); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.N)*vec.BatchSize/b.Elapsed().Seconds(), "rows/s")
}
