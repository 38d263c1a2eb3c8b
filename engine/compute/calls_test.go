package compute

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
	"github.com/attunedb/attune/engine/vec"
)

// The files calls_*.txt hold one call a line with what PostgreSQL 15.18 answered under TimeZone America/New_York:
// the type and text of the result, or ERROR, SQLSTATE and message. A call is name(args), arg op arg or
// op arg; an argument is kind 'text' or null::kind, where the kind unknown is an untyped literal.
//
// A line whose answer is followed by " <> " states on purpose another answer than PostgreSQL's, after the mark.
func TestCallsAnswerAsPostgreSQL(t *testing.T) {
	files, err := filepath.Glob("testdata/calls_*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no calls: %v", err)
	}
	env := testEnv(t)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			lines := bufio.NewScanner(f)
			for n := 1; lines.Scan(); n++ {
				call, want, ok := strings.Cut(lines.Text(), " => ")
				if !ok {
					t.Fatalf("%s:%d: no answer", file, n)
				}
				if _, ours, ok := strings.Cut(want, " <> "); ok {
					want = ours
				}
				if got := answer(env, strings.ReplaceAll(call, `\n`, "\n")); !sameAnswer(got, want) {
					t.Errorf("%s:%d: %s\n got %s\nwant %s", file, n, call, got, want)
				}
			}
		})
	}
}

// sameAnswer compares answers, floats to 15 digits: the last bits of transcendental functions are the C library's.
func sameAnswer(got, want string) bool {
	if got == want {
		return true
	}
	const prefix = "double precision "
	g, gok := strings.CutPrefix(got, prefix)
	w, wok := strings.CutPrefix(want, prefix)
	if !gok || !wok {
		return false
	}
	x, err1 := strconv.ParseFloat(g, 64)
	y, err2 := strconv.ParseFloat(w, 64)
	return err1 == nil && err2 == nil && math.Abs(x-y) <= 1e-15*math.Max(math.Abs(x), math.Abs(y))*4
}

func testEnv(t testing.TB) *Env {
	loc, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	return &Env{Location: loc}
}

var argument = regexp.MustCompile(`^(?:null::(\w+)|(\w+) '((?:[^']|'')*)')`)

// parseCall reads a call of the test files.
func parseCall(env *Env, s string) (name string, args []types.Datum, err error) {
	rest := s
	arg := func() bool {
		m := argument.FindStringSubmatch(rest)
		if m == nil {
			return false
		}
		rest = strings.TrimSpace(rest[len(m[0]):])
		k := kindNamed(m[1] + m[2])
		d := types.Null(k)
		switch {
		case m[2] == "unknown":
			d = types.NewString(types.Unknown, strings.ReplaceAll(m[3], "''", "'"))
		case m[2] != "":
			if d, err = pgtext.Parse(types.Of(k), strings.ReplaceAll(m[3], "''", "'"), env.Text()); err != nil {
				return false
			}
		}
		args = append(args, d)
		return true
	}
	if open := strings.IndexByte(s, '('); open > 0 && regexp.MustCompile(`^"?\w+"?$`).MatchString(s[:open]) {
		name, rest = strings.Trim(s[:open], `"`), s[open+1:]
		for rest != ")" {
			if !arg() {
				return "", nil, fmt.Errorf("argument at %q: %w", rest, err)
			}
			rest = strings.TrimPrefix(rest, ", ")
		}
		return name, args, nil
	}
	arg()
	name, rest, _ = strings.Cut(rest, " ")
	if !arg() || rest != "" {
		return "", nil, fmt.Errorf("argument at %q: %w", rest, err)
	}
	return name, args, nil
}

func kindNamed(short string) types.Kind {
	for k := types.Kind(0); k < types.KindCount; k++ {
		if k.Short() == short {
			return k
		}
	}
	return types.Unknown
}

// answer evaluates a call over a row, with a second, NULL row beside it for strict functions.
func answer(env *Env, call string) string {
	name, args, err := parseCall(env, call)
	if err != nil {
		return "UNREADABLE " + err.Error()
	}
	out, err := evalCall(env, name, args)
	if err != nil {
		message := err.Error()
		if e := sqlerr.As(err); e != nil {
			message = e.Message
		}
		return fmt.Sprintf("ERROR %s %s", sqlerr.CodeOf(err), message)
	}
	text := "NULL"
	if !out.IsNull(0) {
		text = strings.ReplaceAll(textOf(env, out, 0), "\n", `\n`)
	}
	return out.Type().Kind.String() + " " + text
}

func evalCall(env *Env, name string, args []types.Datum) (*vec.Vector, error) {
	ts := make([]types.Type, len(args))
	for i, d := range args {
		ts[i] = types.Of(d.Kind())
	}
	f, to, err := Resolve(name, ts)
	if err != nil {
		return nil, err
	}
	cols := make([]*vec.Vector, len(args))
	var valid vec.Bitmap
	for i, d := range args {
		if d, err = CastDatum(env, d, to[i], false); err != nil {
			return nil, err
		}
		b := vec.NewBuilder(to[i], 2)
		b.AppendDatum(d)
		if f.Strict {
			b.AppendNull()
		} else {
			b.AppendDatum(d)
		}
		cols[i] = b.Finish()
		if f.Strict {
			valid = vec.And(valid, cols[i].Validity(), 2)
		}
	}
	if valid.CountNull(2) == 2 {
		return vec.Nulls(types.Of(f.Ret), 2), nil
	}
	out, err := f.Eval(env, cols, valid, 2)
	if err != nil {
		return nil, err
	}
	if out.Len() != 2 || out.Kind() != f.Ret {
		return nil, fmt.Errorf("%s gave %d values of %s", f.ID(), out.Len(), out.Kind())
	}
	if f.Strict && len(args) > 0 && !out.IsNull(1) {
		return nil, fmt.Errorf("%s gave a value for NULL", f.ID())
	}
	return out, nil
}
