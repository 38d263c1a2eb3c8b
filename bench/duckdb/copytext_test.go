package main

import (
	"errors"
	"io"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/duckdb/duckdb-go/v2"
)

func readAll(text string, width int) ([][]any, error) {
	in := newCopyReader(iotest.OneByteReader(strings.NewReader(text)), width)
	var out [][]any
	for {
		row := make([]any, width)
		err := in.read(row)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		out = append(out, row)
	}
}

func TestCopyText(t *testing.T) {
	for text, want := range map[string][][]any{
		"":                         nil,
		"\n":                       {{""}},
		"a":                        {{"a"}},
		"a\n\nb\n":                 {{"a"}, {""}, {"b"}},
		`\N`:                       {{nil}},
		`\\N`:                      {{`\N`}},
		`x\N`:                      {{`xN`}},
		`\b\f\n\r\t\v\q\\`:         {{"\b\f\n\r\t\vq\\"}},
		`\101\1012\7\x41\x4g\xg`:   {{"AA2\x07A\x04gxg"}},
		"two\\\nlines\nnext\n":     {{"two\nlines"}, {"next"}},
		"even\\\\\nnext\n":         {{`even\`}, {"next"}},
		"a\\\tb\n":                 {{"a\tb"}},
		"a\n\\.\nafter":            {{"a"}},
		"last\\":                   {{`last\`}},
		strings.Repeat("x", 1<<17): {{strings.Repeat("x", 1<<17)}},
	} {
		if got, err := readAll(text, 1); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%.40q: %.80q, %v", text, got, err)
		}
	}
	if got, err := readAll("a\t\\N\t\n\t\tc\n", 3); err != nil || !reflect.DeepEqual(got, [][]any{{"a", nil, ""}, {"", "", "c"}}) {
		t.Errorf("three columns: %v, %v", got, err)
	}
	for _, bad := range []string{"a\n", "a\tb\tc\n"} {
		var wrong *formatError
		if got, err := readAll("x\ty\n"+bad, 2); !errors.As(err, &wrong) || !strings.HasPrefix(wrong.text, "line 2:") || len(got) != 1 {
			t.Errorf("%q: %v, %v", bad, got, err)
		}
	}
	broken := errors.New("broken")
	in := newCopyReader(io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(broken)), 1)
	row := make([]any, 1)
	if err := errors.Join(in.read(row), in.read(row)); !errors.Is(err, broken) {
		t.Errorf("a reader that fails: %v", err)
	}
}

// FuzzCopyText escapes what it reads, as PostgreSQL does, and reads it again.
func FuzzCopyText(f *testing.F) {
	f.Add("a\\tb\t\\N\n\\x41\tc")
	f.Fuzz(func(t *testing.T, text string) {
		rows, err := readAll(text, 2)
		if err != nil {
			return
		}
		var again strings.Builder
		escape := strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`)
		for _, row := range rows {
			for i, v := range row {
				if s, ok := v.(string); ok {
					again.WriteString(escape.Replace(s))
				} else {
					again.WriteString(`\N`)
				}
				again.WriteByte("\t\n"[i])
			}
		}
		if got, err := readAll(again.String(), 2); err != nil || !reflect.DeepEqual(got, rows) {
			t.Fatalf("%q became %q, %v", rows, got, err)
		}
	})
}

func TestValues(t *testing.T) {
	day := time.Date(1901, 2, 3, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		kind string
		v    any
		want any
	}{
		{"DECIMAL(5,2)", duckdb.Decimal{Width: 5, Scale: 2, Value: big.NewInt(-5)}, "-0.05"},
		{"DECIMAL(5,2)", duckdb.Decimal{Width: 5, Scale: 2, Value: big.NewInt(0)}, "0.00"},
		{"DECIMAL(5,0)", duckdb.Decimal{Width: 5, Value: big.NewInt(120)}, "120"},
		{"DECIMAL(5,2)", duckdb.Decimal{Width: 5, Scale: 2, Value: big.NewInt(12300)}, "123.00"},
		{"HUGEINT", big.NewInt(-7), int64(-7)},
		{"HUGEINT", new(big.Int).Lsh(big.NewInt(1), 64), "18446744073709551616"},
		{"UBIGINT", uint64(1 << 63), "9223372036854775808"},
		{"TINYINT", int8(-1), int64(-1)},
		{"FLOAT", float32(0.5), 0.5},
		{"DATE", day, day},
		{"INTERVAL", duckdb.Interval{}, "00:00:00"},
		{"INTERVAL", duckdb.Interval{Months: -13, Days: 1, Micros: -1}, "-1 years -1 mons +1 day -00:00:00.000001"},
		{"INTERVAL", duckdb.Interval{Months: 25, Micros: 100 * 3_600_000_000}, "2 years 1 mon 100:00:00"},
	} {
		if got, err := value(test.kind, test.v); err != nil || got != test.want {
			t.Errorf("%s %v is %v, %v, want %v", test.kind, test.v, got, err, test.want)
		}
	}
}
