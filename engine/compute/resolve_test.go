package compute

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
)

func typesNamed(names ...string) []types.Type {
	var out []types.Type
	for _, n := range names {
		out = append(out, types.Of(kindNamed(n)))
	}
	return out
}

func TestResolve(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		want string // the identifier, then the kinds to cast to; or SQLSTATE and message
		hint string
	}{
		{name: "+", args: []string{"int4", "int8"}, want: "+(int4,int8) int4 int8"},
		{name: "+", args: []string{"int2", "numeric"}, want: "+(numeric,numeric) numeric numeric"},
		{name: "+", args: []string{"float4", "numeric"}, want: "+(float4,float8) float4 float8"},
		{name: "+", args: []string{"date", "unknown"}, want: "42725 operator is not unique: date + unknown",
			hint: "Could not choose a best candidate operator. You might need to add explicit type casts."},
		{name: "-", args: []string{"date", "unknown"}, want: "-(date,date) date date"},
		{name: "+", args: []string{"timestamp", "unknown"}, want: "+(timestamp,interval) timestamp interval"},
		{name: "=", args: []string{"varchar", "varchar"}, want: "=(text,text) text text"},
		{name: "=", args: []string{"bpchar", "varchar"}, want: "=(bpchar,bpchar) bpchar bpchar"},
		{name: "=", args: []string{"bpchar", "text"}, want: "=(text,text) text text"},
		{name: "=", args: []string{"date", "timestamptz"}, want: "=(date,timestamptz) date timestamptz"},
		{name: "!=", args: []string{"int4", "int4"}, want: "<>(int4,int4) int4 int4"},
		{name: "-", args: []string{"int4"}, want: "-(int4) int4"},
		{name: "-", args: []string{"unknown"}, want: "42725 operator is not unique: - unknown",
			hint: "Could not choose a best candidate operator. You might need to add explicit type casts."},
		{name: "||", args: []string{"text", "int4"}, want: "||(text,unknown) text int4"},
		{name: "||", args: []string{"unknown", "unknown"}, want: "||(text,text) text text"},
		{name: "date_trunc", args: []string{"unknown", "date"}, want: "date_trunc(text,timestamptz) text timestamptz"},
		{name: "round", args: []string{"int4"}, want: "round(float8) float8"},
		{name: "round", args: []string{"int4", "int4"}, want: "round(numeric,int4) numeric int4"},
		{name: "length", args: []string{"unknown"}, want: "length(text) text"},
		{name: "abs", args: []string{"unknown"}, want: "abs(float8) float8"},
		{name: "concat", args: []string{"int4", "unknown", "date"}, want: "concat(unknown...) int4 text date"},
		{name: "greatest", args: []string{"int4", "numeric", "unknown"}, want: "greatest(numeric...) numeric numeric numeric"},
		{name: "lower", args: []string{"int4"}, want: "42883 function lower(integer) does not exist",
			hint: "No function matches the given name and argument types. You might need to add explicit type casts."},
		{name: "+", args: []string{"int4", "text"}, want: "42883 operator does not exist: integer + text",
			hint: "No operator matches the given name and argument types. You might need to add explicit type casts."},
		{name: "~", args: []string{"text"}, want: "42883 operator does not exist: ~ text",
			hint: "No operator matches the given name and argument type. You might need to add an explicit type cast."},
		{name: "+", args: []string{"unknown", "unknown"}, want: "42725 operator is not unique: unknown + unknown",
			hint: "Could not choose a best candidate operator. You might need to add explicit type casts."},
		{name: "nothing", want: "42883 function nothing() does not exist",
			hint: "No function matches the given name and argument types. You might need to add explicit type casts."},
	} {
		f, to, err := Resolve(c.name, typesNamed(c.args...))
		got, hint := "", ""
		if err != nil {
			e := sqlerr.As(err)
			got, hint = fmt.Sprintf("%s %s", e.Code, e.Message), e.Hint
		} else {
			got = f.ID()
			for _, k := range to {
				got += " " + k.Kind.Short()
			}
		}
		if got != c.want || hint != c.hint {
			t.Errorf("%s%v\n got %s (%s)\nwant %s (%s)", c.name, c.args, got, hint, c.want, c.hint)
		}
	}
}

// A modifier of an argument that has the parameter's kind is not cast away.
func TestResolveKeepsModifiers(t *testing.T) {
	n := types.NumericType(10, 2)
	_, to, err := Resolve("+", []types.Type{n, types.Of(types.Int4)})
	if err != nil || to[0] != n || to[1] != types.Of(types.Numeric) {
		t.Errorf("got %v, %v", to, err)
	}
}

// common_types.txt holds lists of kinds with the type PostgreSQL 15.18 gives COALESCE over them.
func TestCommonTypeAsPostgreSQL(t *testing.T) {
	f, err := os.Open("testdata/common_types.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		kinds, want, _ := strings.Cut(lines.Text(), " => ")
		got := ""
		if c, err := CommonTypeFor("COALESCE", typesNamed(strings.Split(kinds, ", ")...)...); err != nil {
			got = fmt.Sprintf("ERROR %s %s", sqlerr.CodeOf(err), sqlerr.As(err).Message)
		} else {
			got = c.Kind.String()
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", kinds, got, want)
		}
	}
}

func TestCommonTypeModifier(t *testing.T) {
	v10 := types.Type{Kind: types.Varchar, Mod: 10}
	for _, c := range []struct {
		args []types.Type
		want types.Type
	}{
		{[]types.Type{v10, v10}, v10},
		{[]types.Type{v10, types.Of(types.Varchar)}, types.Of(types.Varchar)},
		{[]types.Type{types.Of(types.Text), v10}, types.Of(types.Text)},
		{[]types.Type{types.NumericType(10, 2), types.Of(types.Int4)}, types.Of(types.Numeric)},
		{[]types.Type{types.Of(types.Unknown)}, types.Of(types.Text)},
	} {
		if got, err := CommonType(c.args...); err != nil || got != c.want {
			t.Errorf("%v: got %v, %v, want %v", c.args, got, err, c.want)
		}
	}
}
