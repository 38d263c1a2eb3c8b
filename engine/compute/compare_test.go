package compute

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
	"github.com/attunedb/attune/engine/vec"
	"pgregory.net/rapid"
)

// drawDatum draws a value of a kind, often one of those that are easily got wrong.
func drawDatum(t *rapid.T, k types.Kind) types.Datum {
	switch k {
	case types.Bool:
		return types.NewBool(rapid.Bool().Draw(t, "bool"))
	case types.Int2, types.Int4, types.Int8:
		lo, hi := types.IntRange(k)
		return types.NewInt(k, rapid.OneOf(rapid.Int64Range(-2, 2), rapid.Int64Range(lo, hi)).Draw(t, "int"))
	case types.Float4:
		f := rapid.OneOf(rapid.SampledFrom([]float32{0, float32(math.Copysign(0, -1)), float32(math.NaN()), float32(math.Inf(1)),
			float32(math.Inf(-1)), 1.5}), rapid.Float32()).Draw(t, "float")
		return types.NewFloat(k, float64(f))
	case types.Float8:
		return types.NewFloat(k, rapid.OneOf(rapid.SampledFrom([]float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1),
			math.Inf(-1), -math.NaN(), math.Float64frombits(0xfff8000000000001)}), rapid.Float64()).Draw(t, "float"))
	case types.Numeric:
		text := rapid.OneOf(
			rapid.SampledFrom([]string{"0", "0.00", "1", "1.0", "1.00", "10", "1e1", "-1", "-1.0", "NaN", "inf", "-inf", "-0.1", "-0.15",
				"9223372036854775807", "9223372036854775808", "9223372036854775807.0", "100000000000000000000.00", "1e20", "-1e20", "1e-30"}),
			rapid.StringMatching(`-?[0-9]{1,25}(\.[0-9]{1,12})?`)).Draw(t, "numeric")
		d, _ := types.ParseDecimal(text)
		return types.NewNumeric(d)
	case types.Date:
		return types.NewDate(rapid.Int32().Draw(t, "date"))
	case types.Timestamp, types.TimestampTZ:
		return types.NewTimestamp(k, rapid.Int64().Draw(t, "micros"))
	case types.Interval:
		part := rapid.Int32Range(-2, 2)
		return types.NewInterval(types.IntervalValue{
			Months: part.Draw(t, "months"), Days: 30*part.Draw(t, "thirties") + part.Draw(t, "days"),
			Micros: rapid.OneOf(rapid.Int64Range(-3, 3), rapid.Just[int64](0)).Draw(t, "days of time")*pgtext.MicrosPerDay +
				rapid.OneOf(rapid.Int64Range(-2, 2), rapid.Int64()).Draw(t, "micros")/8,
		})
	case types.UUID:
		return types.NewUUID([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "uuid")))
	case types.Bytea:
		return types.NewBytea(rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 2, 0xfe, 0xff}), 0, 5).Draw(t, "bytes"))
	case types.Char:
		s := rapid.SampledFrom([]string{"", "a", "a ", "a  ", "ab", "a b", "  a", " "}).Draw(t, "char")
		return types.NewString(k, s)
	}
	return types.NewString(k, rapid.OneOf(rapid.StringMatching(`[ab\x01 ]{0,4}`), rapid.String()).Draw(t, "text"))
}

func sign(x int) int {
	switch {
	case x < 0:
		return -1
	case x > 0:
		return 1
	}
	return 0
}

// Sort keys, hashes, equality and the scalar comparison all agree with Compare, for every kind.
func TestOrderAgrees(t *testing.T) {
	for k := types.Kind(0); k < types.KindCount; k++ {
		t.Run(k.Short(), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				x, y, z := drawDatum(t, k), drawDatum(t, k), drawDatum(t, k)
				b := vec.NewBuilder(types.Of(k), 3)
				for _, d := range []types.Datum{x, y, z} {
					b.AppendDatum(d)
				}
				v := b.Finish()
				c := Compare(v, 0, v, 1)
				if c != -Compare(v, 1, v, 0) || c < -1 || c > 1 {
					t.Fatalf("order is not antisymmetric: %d", c)
				}
				if d := CompareDatum(x, y); d != c {
					t.Fatalf("CompareDatum gives %d, Compare %d", d, c)
				}
				if c <= 0 && Compare(v, 1, v, 2) <= 0 && Compare(v, 0, v, 2) > 0 {
					t.Fatal("order is not transitive")
				}
				for _, desc := range []bool{false, true} {
					// What follows in a key of several columns must not change the order of the first.
					p := AppendSortKey(nil, v, 0, desc, false)
					q := AppendSortKey(nil, v, 1, desc, false)
					want := c
					if desc {
						want = -c
					}
					if got := bytes.Compare(append(p, 0xff), append(q, 0xff)); got != want {
						t.Fatalf("desc=%v: keys %x and %x give %d, want %d", desc, p, q, got, want)
					}
					if c != 0 && (bytes.HasPrefix(p, q) || bytes.HasPrefix(q, p)) {
						t.Fatalf("key %x is a prefix of %x", p, q)
					}
				}
				var h [3]uint64
				Hash(h[:], v, false)
				if c == 0 && h[0] != h[1] {
					t.Fatalf("equal values hash to %x and %x", h[0], h[1])
				}
				match := []bool{true, true, false}
				EqualRows(match, v, []int32{0, 0, 0}, v, []int32{1, 0, 0}, false)
				if match[0] != (c == 0) || !match[1] || match[2] {
					t.Fatalf("EqualRows gives %v, Compare %d", match, c)
				}
			})
		})
	}
}

func TestSortKeyNulls(t *testing.T) {
	b := vec.NewBuilder(types.Of(types.Int4), 2)
	b.AppendNull()
	vec.Append(b, int32(math.MinInt32))
	vec.Append(b, int32(math.MaxInt32))
	v := b.Finish()
	for _, desc := range []bool{false, true} {
		for _, first := range []bool{false, true} {
			for i := 1; i < 3; i++ {
				c := bytes.Compare(AppendSortKey(nil, v, 0, desc, first), AppendSortKey(nil, v, i, desc, first))
				if first != (c < 0) {
					t.Errorf("desc=%v nullsFirst=%v: NULL compares %d", desc, first, c)
				}
			}
		}
	}
}

func TestCompareKnownOrders(t *testing.T) {
	for k, ascending := range map[types.Kind]string{
		types.Float8:   "-Infinity|-1|0|1e-300|1|Infinity|NaN",
		types.Numeric:  "-Infinity|-10.1|-10|-9.99|-0.001|0|0.0001|1|1.01|99999999999999999999|1e30|Infinity|NaN",
		types.Interval: "-1 mon|-29 days|0|23:59:59|1 day 00:00:01|29 days|1 mon 1 day|1 year|361 days",
		types.Text:     "|A|B|a|aa|b|ä",
		types.UUID:     "00000000-0000-0000-0000-000000000001|7fffffff-0000-0000-0000-000000000000|80000000-0000-0000-0000-000000000000",
		types.Date:     "-infinity|0001-01-01 BC|1999-12-31|2000-01-01|infinity",
		types.Bytea:    `\x|\x00|\x0000|\x01|\xff|\xff00`,
	} {
		b := vec.NewBuilder(types.Of(k), 8)
		parts := strings.Split(ascending, "|")
		for _, s := range parts {
			d, err := pgtext.Parse(types.Of(k), s, nil)
			if err != nil {
				t.Fatal(err)
			}
			b.AppendDatum(d)
		}
		v := b.Finish()
		for i := range parts {
			for j := range parts {
				if got, want := Compare(v, i, v, j), sign(i-j); got != want {
					t.Errorf("%s: %s against %s: %d, want %d", k, parts[i], parts[j], got, want)
				}
			}
		}
	}
}

func TestEqualAcrossForms(t *testing.T) {
	for _, c := range []struct {
		k    types.Kind
		a, b string
	}{
		{types.Numeric, "1.0", "1.00"}, {types.Numeric, "100000000000000000000", "1e20"}, {types.Numeric, "NaN", "nan"},
		{types.Float8, "0", "-0"}, {types.Char, "a", "a   "}, {types.Interval, "24 hours", "1 day"}, {types.Interval, "30 days", "1 mon"},
		{types.Interval, "-1 day", "-24:00:00"},
	} {
		b := vec.NewBuilder(types.Of(c.k), 2)
		for _, s := range []string{c.a, c.b} {
			d, err := pgtext.Parse(types.Of(c.k), s, nil)
			if err != nil {
				t.Fatal(err)
			}
			b.AppendDatum(d)
		}
		v := b.Finish()
		var h [2]uint64
		Hash(h[:], v, false)
		if Compare(v, 0, v, 1) != 0 || h[0] != h[1] || !EqualRow([]*vec.Vector{v}, 0, []*vec.Vector{v}, 1, false) {
			t.Errorf("%s: %s and %s are not equal", c.k, c.a, c.b)
		}
	}
}

func TestHashColumns(t *testing.T) {
	ints := vec.FromSlice(types.Of(types.Int4), []int32{1, 2, 1, 2}, nil)
	wide := vec.FromSlice(types.Of(types.Int8), []int64{1, 2, 1, 2}, nil)
	text := vec.FromStrings(types.Of(types.Text), []string{"a", "a", "b", "b"})
	var h, w [4]uint64
	Hash(h[:], ints, false)
	Hash(w[:], wide, false)
	if h != w {
		t.Error("integer kinds hash differently")
	}
	Hash(h[:], text, true)
	seen := map[uint64]bool{}
	for _, x := range h {
		seen[x] = true
	}
	if len(seen) != 4 {
		t.Errorf("four rows have %d hashes", len(seen))
	}
	nulls := vec.Nulls(types.Of(types.Text), 2)
	Hash(h[:2], nulls, false)
	Hash(w[:2], vec.Nulls(types.Of(types.Int8), 2), false)
	if h[0] != h[1] || h[0] != w[0] {
		t.Error("NULLs hash differently")
	}
	match := []bool{true, true}
	EqualRows(match, nulls, []int32{0, 1}, nulls, []int32{1, 0}, true)
	if !match[0] || !match[1] {
		t.Error("NULLs are not equal in grouping")
	}
	EqualRows(match, nulls, []int32{0, 1}, nulls, []int32{1, 0}, false)
	if match[0] || match[1] {
		t.Error("NULLs are equal in a join")
	}
}

// The hash partitions rows between nodes, so it must not change.
func TestHashIsStable(t *testing.T) {
	for in, want := range map[string]uint64{"attune": 0x29dd301d0c56a612, "a longer key than sixteen bytes": 0x64c2165cf90b8f35} {
		if got := HashBytes([]byte(in)); got != want {
			t.Errorf("%q hashes to %#x", in, got)
		}
	}
	var h [1]uint64
	Hash(h[:], vec.FromSlice(types.Of(types.Int8), []int64{42}, nil), false)
	if h[0] != 0xe214404a24d5824a {
		t.Errorf("42 hashes to %#x", h[0])
	}
}

func BenchmarkHashInt8(b *testing.B) {
	v, vals := vec.MakeFixed[int64](types.Of(types.Int8), vec.BatchSize, nil)
	for i := range vals {
		vals[i] = int64(i) * 7919
	}
	dst := make([]uint64, vec.BatchSize)
	b.SetBytes(8 * vec.BatchSize)
	for b.Loop() {
		Hash(dst, v, false)
	}
}
