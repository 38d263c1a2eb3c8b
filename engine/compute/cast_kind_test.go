package compute

import (
	"strings"
	"testing"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// pgCast is PostgreSQL 15's pg_cast over the kinds Attune has: target and castcontext.
var pgCast = map[string]string{
	"bool":        "int4:e text:a bpchar:a varchar:a",
	"int8":        "int2:a int4:a float4:i float8:i numeric:i",
	"int2":        "int8:i int4:i float4:i float8:i numeric:i",
	"int4":        "bool:e int8:i int2:a float4:i float8:i numeric:i",
	"text":        "bpchar:i varchar:i",
	"float4":      "int8:a int2:a int4:a float8:i numeric:a",
	"float8":      "int8:a int2:a int4:a float4:a numeric:a",
	"bpchar":      "text:i varchar:i",
	"varchar":     "text:i bpchar:i",
	"date":        "timestamp:i timestamptz:i",
	"timestamp":   "date:a timestamptz:i",
	"timestamptz": "date:a timestamp:a",
	"numeric":     "int8:a int2:a int4:a float4:i float8:i",
	"jsonb":       "bool:e int8:e int2:e int4:e float4:e float8:e numeric:e",
}

func TestCastKindMatchesCatalog(t *testing.T) {
	contexts := map[byte]Context{'i': Implicit, 'a': Assignment, 'e': Explicit}
	for from := types.Bool; from < types.KindCount; from++ {
		listed := map[string]Context{}
		for _, e := range strings.Fields(pgCast[from.Short()]) {
			name, c, _ := strings.Cut(e, ":")
			listed[name] = contexts[c[0]]
		}
		for to := types.Bool; to < types.KindCount; to++ {
			want, known := listed[to.Short()]
			switch {
			case from == to:
				want, known = Implicit, true
			case known:
			case to.IsString():
				want, known = Assignment, true
			case from.IsString():
				want, known = Explicit, true
			}
			got, ok := CastKind(from, to)
			if ok != known || known && got != want {
				t.Errorf("%s to %s: %d %v, want %d %v", from, to, got, ok, want, known)
			}
		}
		if c, ok := CastKind(types.Unknown, from); !ok || c != Implicit {
			t.Errorf("unknown to %s: %d %v", from, c, ok)
		}
		if _, ok := CastKind(from, types.Unknown); ok {
			t.Errorf("%s casts to unknown", from)
		}
	}
}

func TestCastStringLengths(t *testing.T) {
	char3, varchar3 := types.Type{Kind: types.Char, Mod: 3}, types.Type{Kind: types.Varchar, Mod: 3}
	text := types.Of(types.Text)
	for _, c := range []struct {
		from     types.Type
		in       string
		to       types.Type
		explicit bool
		want     string
		code     sqlerr.Code
	}{
		{text, "abcdef", varchar3, true, "abc", ""},
		{text, "abcdef", varchar3, false, "", sqlerr.StringDataRightTruncation},
		{text, "abc  ", varchar3, false, "abc", ""},
		{text, "a", char3, false, "a  ", ""},
		{text, "äöüß", char3, true, "äöü", ""},
		{text, "abcd", char3, false, "", sqlerr.StringDataRightTruncation},
		{char3, "a  ", text, false, "a", ""},
		{char3, "a  ", varchar3, false, "a", ""},
		{types.Of(types.Unknown), "abcdef", varchar3, true, "abc", ""},
		{types.Of(types.Int4), "1234", varchar3, false, "", sqlerr.StringDataRightTruncation},
		{types.Of(types.Int4), "1234", varchar3, true, "123", ""},
		{char3, "12 ", types.Of(types.Int4), true, "12", ""},
	} {
		d := types.NewString(c.from.Kind, c.in)
		if c.from.Kind == types.Int4 {
			d = types.NewInt(types.Int4, 1234)
		}
		out, err := Cast(nil, vec.FromDatum(c.from, d, 1), c.to, c.explicit)
		if sqlerr.CodeOf(err) != c.code {
			t.Errorf("%s %q to %s: %v", c.from, c.in, c.to, err)
			continue
		}
		if err != nil {
			continue
		}
		got := out.DatumAt(0)
		if got.Kind() == types.Int4 {
			got = types.NewString(types.Text, "12")
		}
		if got.Str() != c.want || out.Type() != c.to {
			t.Errorf("%s %q to %s: %q of %s", c.from, c.in, c.to, got.Str(), out.Type())
		}
	}
}

// A value that lies under a NULL, as a filtered kernel may leave it, must not fail a cast.
func TestCastIgnoresValuesUnderNull(t *testing.T) {
	valid := vec.NewBitmap(2)
	valid.Clear(0)
	big := vec.FromSlice(types.Of(types.Int8), []int64{1 << 40, 7}, valid)
	out, err := Cast(nil, big, types.Of(types.Int4), false)
	if err != nil || !out.IsNull(0) || vec.Values[int32](out)[1] != 7 {
		t.Errorf("%v", err)
	}
	floats := vec.FromSlice(types.Of(types.Float8), []float64{1e300, 2.5}, valid)
	for _, k := range []types.Kind{types.Int2, types.Int8, types.Float4, types.Numeric} {
		if _, err := Cast(nil, floats, types.Of(k), false); err != nil {
			t.Errorf("%s: %v", k, err)
		}
	}
	if d, err := CastDatum(nil, types.Null(types.Text), types.Of(types.Date), true); err != nil || !d.IsNull() || d.Kind() != types.Date {
		t.Errorf("%v %v", d, err)
	}
}
