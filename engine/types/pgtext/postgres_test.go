package pgtext

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

var typeNames = map[string]types.Kind{
	"bool": types.Bool, "smallint": types.Int2, "integer": types.Int4, "bigint": types.Int8, "real": types.Float4,
	"float8": types.Float8, "numeric": types.Numeric, "bytea": types.Bytea, "uuid": types.UUID, "date": types.Date,
	"timestamp": types.Timestamp, "timestamptz": types.TimestampTZ, "interval": types.Interval, "jsonb": types.JSONB,
}

func typeOf(t *testing.T, name string) types.Type {
	t.Helper()
	base, mod, hasMod := strings.Cut(strings.TrimSuffix(name, ")"), "(")
	k, known := typeNames[base]
	if !known {
		t.Fatalf("unknown type %q", name)
	}
	if !hasMod {
		return types.Of(k)
	}
	p, s, _ := strings.Cut(mod, ",")
	n, _ := strconv.Atoi(p)
	if k == types.Numeric {
		m, _ := strconv.Atoi(s)
		return types.NumericType(n, m)
	}
	return types.Type{Kind: k, Mod: int32(n) + 1}
}

// TestPostgresText holds every line of testdata/postgres15.tsv against Parse and Append.
func TestPostgresText(t *testing.T) {
	f, err := os.Open("testdata/postgres15.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	loc, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Skipf("no time zone database: %v", err)
	}
	env := &Env{Location: loc}
	unescape := strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\t`, "\t")
	lines, n := bufio.NewScanner(f), 0
	for lines.Scan() {
		n++
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		cols := strings.Split(lines.Text(), "\t")
		for i := range cols {
			cols[i] = unescape.Replace(cols[i])
		}
		typ, in, want := typeOf(t, cols[0]), cols[1], strings.Join(cols[2:], "|")
		d, err := Parse(typ, in, env)
		got := ""
		if err != nil {
			e := sqlerr.As(err)
			if e == nil {
				t.Errorf("line %d: %v carries no SQLSTATE", n, err)
				continue
			}
			got = string(e.Code) + "|" + e.Message
			if e.Detail != "" {
				got += "|" + e.Detail
			}
		} else {
			got = "ok|" + string(Append(nil, d, env))
			if at := string(AppendAt(nil, vec.FromDatum(typ, d, 1), 0, env)); "ok|"+at != got {
				t.Errorf("line %d: AppendAt gives %q, Append %q", n, at, got)
			}
		}
		if got != want {
			t.Errorf("line %d: %s %q\n got %s\nwant %s", n, cols[0], in, got, want)
		}
	}
	if n < 400 {
		t.Fatalf("only %d lines", n)
	}
}
