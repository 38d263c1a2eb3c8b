package keys

import (
	"bytes"
	"cmp"
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

var allKinds = []types.Kind{types.Bool, types.Int2, types.Int4, types.Int8, types.Float4, types.Float8, types.Numeric,
	types.Text, types.Varchar, types.Char, types.Bytea, types.Date, types.Timestamp, types.TimestampTZ, types.Interval,
	types.UUID, types.JSONB}

// datum draws a value of kind k, with the extremes and near misses more often than chance would have them.
func datum(t *rapid.T, k types.Kind) types.Datum {
	if rapid.IntRange(0, 9).Draw(t, "null") == 0 {
		return types.Null(k)
	}
	switch k {
	case types.Bool:
		return types.NewBool(rapid.Bool().Draw(t, "v"))
	case types.Int2:
		return types.NewInt(k, int64(rapid.Int16().Draw(t, "v")))
	case types.Int4:
		return types.NewInt(k, int64(rapid.Int32().Draw(t, "v")))
	case types.Int8:
		return types.NewInt(k, rapid.Int64().Draw(t, "v"))
	case types.Date:
		return types.NewDate(rapid.Int32().Draw(t, "v"))
	case types.Timestamp, types.TimestampTZ:
		return types.NewTimestamp(k, rapid.Int64().Draw(t, "v"))
	case types.Float4:
		special := []float32{0, float32(math.Copysign(0, -1)), 1, -1, math.MaxFloat32, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN())}
		if rapid.Bool().Draw(t, "special") {
			return types.NewFloat(k, float64(rapid.SampledFrom(special).Draw(t, "v")))
		}
		return types.NewFloat(k, float64(rapid.Float32().Draw(t, "v")))
	case types.Float8:
		special := []float64{0, math.Copysign(0, -1), 1, -1, math.SmallestNonzeroFloat64, math.Inf(1), math.Inf(-1), math.NaN()}
		if rapid.Bool().Draw(t, "special") {
			return types.NewFloat(k, rapid.SampledFrom(special).Draw(t, "v"))
		}
		return types.NewFloat(k, rapid.Float64().Draw(t, "v"))
	case types.Numeric:
		return types.NewNumeric(decimal(t))
	case types.Interval:
		small := rapid.SampledFrom([]types.IntervalValue{{Months: 1}, {Days: 30}, {Micros: 30 * microsPerDay}, {Days: -1, Micros: microsPerDay},
			{}, {Months: math.MaxInt32, Days: math.MaxInt32, Micros: math.MaxInt64}, {Months: math.MinInt32, Days: math.MinInt32, Micros: math.MinInt64}})
		if rapid.Bool().Draw(t, "special") {
			return types.NewInterval(small.Draw(t, "v"))
		}
		return types.NewInterval(types.IntervalValue{Micros: rapid.Int64().Draw(t, "us"), Days: rapid.Int32().Draw(t, "d"), Months: rapid.Int32().Draw(t, "m")})
	case types.UUID:
		return types.NewUUID([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "v")))
	case types.Bytea:
		return types.NewBytea(rapid.SliceOf(rapid.SampledFrom([]byte{0, 1, 2, 0xfe, 0xff})).Draw(t, "v"))
	}
	return types.NewString(k, rapid.StringOf(rapid.SampledFrom([]rune{0, 1, ' ', 'a', 'b', 'ÿ', '世'})).Draw(t, "v"))
}

func decimal(t *rapid.T) types.Decimal {
	switch rapid.IntRange(0, 12).Draw(t, "form") {
	case 0:
		return types.Decimal{Form: types.DecimalNaN}
	case 1:
		return types.Decimal{Form: types.DecimalPosInf}
	case 2:
		return types.Decimal{Form: types.DecimalNegInf}
	case 3:
		digits := rapid.StringMatching(`[1-9][0-9]{18,60}0{0,5}`).Draw(t, "digits")
		v, _ := new(big.Int).SetString(digits, 10)
		if rapid.Bool().Draw(t, "negative") {
			v.Neg(v)
		}
		return types.DecimalFromBig(v, int32(rapid.IntRange(0, 70).Draw(t, "scale")))
	case 4:
		return types.Decimal{Small: rapid.Int64().Draw(t, "coef"), Scale: int32(rapid.IntRange(0, 30).Draw(t, "scale"))}
	}
	return types.Decimal{Small: rapid.Int64Range(-1200, 1200).Draw(t, "coef"), Scale: int32(rapid.IntRange(0, 5).Draw(t, "scale"))}
}

// compare is the SQL order, written without regard to speed.
func compare(a, b types.Datum) int {
	switch {
	case a.IsNull() && b.IsNull():
		return 0
	case a.IsNull():
		return 1
	case b.IsNull():
		return -1
	}
	switch k := a.Kind(); k {
	case types.Float4, types.Float8:
		x, y := a.Float(), b.Float()
		switch {
		case x != x && y != y:
			return 0
		case x != x:
			return 1
		case y != y:
			return -1
		}
		return cmp.Compare(x+0, y+0)
	case types.Numeric:
		return a.Numeric().Cmp(b.Numeric())
	case types.Char:
		return strings.Compare(strings.TrimRight(a.Str(), " "), strings.TrimRight(b.Str(), " "))
	case types.Text, types.Varchar, types.Bytea, types.JSONB:
		return strings.Compare(a.Str(), b.Str())
	case types.Interval:
		return span(a).Cmp(span(b))
	case types.UUID:
		x, y := a.UUID(), b.UUID()
		return bytes.Compare(x[:], y[:])
	}
	return cmp.Compare(a.Int(), b.Int())
}

func span(d types.Datum) *big.Int {
	v := d.Interval()
	s := new(big.Int).Mul(big.NewInt(int64(v.Months)), big.NewInt(microsPerMonth))
	s.Add(s, new(big.Int).Mul(big.NewInt(int64(v.Days)), big.NewInt(microsPerDay)))
	return s.Add(s, big.NewInt(v.Micros))
}

func TestBytesOrderAsValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.SampledFrom(allKinds).Draw(t, "kind")
		desc := rapid.Bool().Draw(t, "desc")
		a, b := datum(t, k), datum(t, k)
		x, y := AppendDatum(nil, a, desc), AppendDatum(nil, b, desc)
		want := compare(a, b)
		if !a.IsNull() && !b.IsNull() && compute.CompareDatum(a, b) != want {
			t.Fatalf("%s: compute orders %v and %v otherwise", k, a, b)
		}
		if desc {
			want = -want
		}
		if got := bytes.Compare(x, y); got != want {
			t.Fatalf("%s: %v and %v compare %d, want %d (%x, %x)", k, a, b, got, want, x, y)
		}
		if want != 0 && (bytes.HasPrefix(x, y) || bytes.HasPrefix(y, x)) {
			t.Fatalf("%s: one of %x and %x is a prefix of the other", k, x, y)
		}
	})
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.SampledFrom(allKinds).Draw(t, "kind")
		desc := rapid.Bool().Draw(t, "desc")
		d := datum(t, k)
		typ := types.Of(k)
		v := vec.FromDatum(typ, d, 1)
		field := AppendAt([]byte("p"), v, 0, desc)
		if !bytes.Equal(field[1:], AppendDatum(nil, d, desc)) {
			t.Fatalf("AppendAt and AppendDatum differ: %x", field)
		}
		field = append(field, "rest"...)
		got, rest, err := Decode(field[1:], typ, desc)
		if err != nil || string(rest) != "rest" {
			t.Fatalf("decode of %x: %v, rest %q", field, err, rest)
		}
		if compare(got, d) != 0 || got.IsNull() != d.IsNull() {
			t.Fatalf("%s came back as %v, was %v", k, got, d)
		}
		if Exact(k) && got != d {
			t.Fatalf("exact %s came back as %#v, was %#v", k, got, d)
		}
		b := vec.NewBuilder(typ, 1)
		if rest, _, err = DecodeTo(field[1:], desc, b, nil); err != nil || string(rest) != "rest" {
			t.Fatalf("DecodeTo of %x: %v, rest %q", field, err, rest)
		}
		if c := b.Finish().DatumAt(0); compare(c, got) != 0 || c.IsNull() != got.IsNull() {
			t.Fatalf("DecodeTo gave %v, Decode %v", c, got)
		}
		if rest, err = Skip(field[1:], k, desc); err != nil || string(rest) != "rest" {
			t.Fatalf("Skip of %x: %v, rest %q", field, err, rest)
		}
	})
}

func TestPrefixes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := catalog.TableID(rapid.Uint64().Draw(t, "a")), catalog.TableID(rapid.Uint64().Draw(t, "b"))
		i, j := catalog.IndexID(rapid.Uint32().Draw(t, "i")), catalog.IndexID(rapid.Uint32().Draw(t, "j"))
		x, y := IndexPrefix(a, i), IndexPrefix(b, j)
		want := cmp.Or(cmp.Compare(a, b), cmp.Compare(i, j))
		if got := bytes.Compare(x, y); got != want {
			t.Fatalf("(%d, %d) and (%d, %d) compare %d, want %d", a, i, b, j, got, want)
		}
		table, index, rest, ok := SplitPrefix(append(x, 7))
		if !ok || table != a || index != i || !bytes.Equal(rest, []byte{7}) {
			t.Fatalf("(%d, %d) came back as (%d, %d), rest %x, %v", a, i, table, index, rest, ok)
		}
		lo, hi := TableSpan(a)
		if bytes.Compare(x, lo) < 0 || bytes.Compare(x, hi) >= 0 || bytes.Compare(hi, Limit()) > 0 {
			t.Fatalf("%x is outside its table's span [%x, %x)", x, lo, hi)
		}
	})
}

func TestPrefixEnd(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""}, {"\xff\xff", ""}, {"a", "b"}, {"a\xff", "b"}, {"a\x00", "a\x01"},
	} {
		if got := PrefixEnd([]byte(c.in)); string(got) != c.want {
			t.Errorf("PrefixEnd(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, k := range allKinds {
		f.Add(uint8(k), false, AppendDatum(nil, types.Null(k), false))
	}
	f.Add(uint8(types.Numeric), true, AppendDatum(nil, types.NewNumeric(types.Decimal{Small: -1234, Scale: 2}), true))
	f.Add(uint8(types.Text), false, AppendDatum(nil, types.NewString(types.Text, "a\x00b"), false))
	f.Add(uint8(types.Interval), false, AppendDatum(nil, types.NewInterval(types.IntervalValue{Days: -3}), false))
	f.Fuzz(func(t *testing.T, kind uint8, desc bool, b []byte) {
		typ := types.Of(types.Kind(kind))
		d, rest, err := Decode(b, typ, desc)
		if err != nil {
			return
		}
		used := b[:len(b)-len(rest)]
		if k := typ.Kind; k == types.Float4 || k == types.Float8 {
			// NaNs and negative zeros have other bit patterns than the one that is written.
			return
		}
		if again := AppendDatum(nil, d, desc); !bytes.Equal(again, used) {
			t.Fatalf("%s: %x decodes to %v, which encodes to %x", typ, used, d, again)
		}
	})
}

func BenchmarkAppendAt(b *testing.B) {
	v := vec.FromSlice(types.Of(types.Int8), []int64{1, 2, 3, 4}, nil)
	buf := make([]byte, 0, 64)
	for i := range b.N {
		buf = AppendAt(buf[:0], v, i&3, false)
	}
}
