package compute

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
	"github.com/attunedb/attune/engine/vec"
)

var castTypeNames = map[string]types.Kind{
	"bool": types.Bool, "smallint": types.Int2, "integer": types.Int4, "bigint": types.Int8, "real": types.Float4,
	"float8": types.Float8, "numeric": types.Numeric, "bytea": types.Bytea, "uuid": types.UUID, "date": types.Date,
	"timestamp": types.Timestamp, "timestamptz": types.TimestampTZ, "interval": types.Interval, "jsonb": types.JSONB,
	"text": types.Text, "varchar": types.Varchar,
}

func castType(t *testing.T, name string) types.Type {
	t.Helper()
	base, mod, hasMod := strings.Cut(strings.TrimSuffix(name, ")"), "(")
	k, known := castTypeNames[base]
	if !known {
		t.Fatalf("unknown type %q", name)
	}
	if !hasMod {
		return types.Of(k)
	}
	p, s, _ := strings.Cut(mod, ",")
	n, _ := strconv.Atoi(p)
	switch k {
	case types.Numeric:
		m, _ := strconv.Atoi(s)
		return types.NumericType(n, m)
	case types.Varchar:
		return types.Type{Kind: k, Mod: int32(n)}
	}
	return types.Type{Kind: k, Mod: int32(n) + 1}
}

func newYork(t *testing.T) *Env {
	t.Helper()
	loc, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Skipf("no time zone database: %v", err)
	}
	return &Env{Location: loc}
}

// TestCastPostgres holds every line of testdata/casts_postgres15.tsv against Cast, over a column in which a
// NULL and the value alternate.
func TestCastPostgres(t *testing.T) {
	f, err := os.Open("testdata/casts_postgres15.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	env := newYork(t)
	lines, n := bufio.NewScanner(f), 0
	for lines.Scan() {
		n++
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		cols := strings.Split(strings.ReplaceAll(lines.Text(), `\\`, `\`), "\t")
		from, to, want := castType(t, cols[0]), castType(t, cols[2]), strings.Join(cols[3:], "|")
		d, err := pgtext.Parse(from, cols[1], env.Text())
		if err != nil {
			t.Errorf("line %d: %v", n, err)
			continue
		}
		b := vec.NewBuilder(from, 3)
		for _, x := range []types.Datum{types.Null(from.Kind), d, types.Null(from.Kind)} {
			b.AppendDatum(x)
		}
		out, err := Cast(env, b.Finish(), to, true)
		var got string
		if err != nil {
			e := sqlerr.As(err)
			if e == nil {
				t.Errorf("line %d: %v carries no SQLSTATE", n, err)
				continue
			}
			got = string(e.Code) + "|" + e.Message
		} else {
			if !out.IsNull(0) || out.IsNull(1) || !out.IsNull(2) || out.Type() != to {
				t.Errorf("line %d: validity or type lost: %s", n, out.Type())
			}
			// PostgreSQL's cast of boolean to text spells it out.
			text, err := CastDatum(env, out.DatumAt(1), types.Of(types.Text), true)
			if err != nil {
				t.Fatal(err)
			}
			got = "ok|" + text.Str()
		}
		if got != want {
			t.Errorf("line %d: %s %q as %s\n got %s\nwant %s", n, cols[0], cols[1], cols[2], got, want)
		}
	}
	if n < 300 {
		t.Fatalf("only %d lines", n)
	}
}
