package relation

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestCanonical(t *testing.T) {
	at := time.Date(2020, 2, 3, 4, 5, 6, 7000, time.FixedZone("", 3600))
	for _, c := range []struct{ in, want any }{
		{nil, nil}, {true, "true"}, {int64(-7), "-7"}, {[]byte{1, 255}, "01ff"}, {2.5, 2.5}, {math.Inf(1), "+Inf"}, {math.NaN(), "NaN"},
		{"1.500", "1.5"}, {"100.00", "100"}, {"-0.00", "0"}, {"-10.10", "-10.1"}, {"0.0010", "0.001"},
		{"100", "100"}, {"", ""}, {"-", "-"}, {".", "."}, {"5.", "5."}, {".50", ".50"}, {"1.2.0", "1.2.0"}, {"1-2.0", "1-2.0"}, {"v1.0", "v1.0"},
		{"-.0", "-.0"}, {"0070", "0070"},
		{at, "2020-02-03 03:05:06.000007"}, {time.Date(2020, 2, 3, 0, 0, 0, 0, time.UTC), "2020-02-03"},
	} {
		if got := Canonical(c.in); got != c.want {
			t.Errorf("%v: %v, want %v", c.in, got, c.want)
		}
	}
}

func TestCompareAnswers(t *testing.T) {
	rows := func(rows ...[]any) Answer { return Answer{Rows: rows} }
	ordered := func(rows ...[]any) Answer { return Answer{Rows: rows, Ordered: true} }
	for _, c := range []struct {
		name string
		a, b Answer
		want string // "" for the same
	}{
		{"equal", rows([]any{"1", nil}), rows([]any{"1", nil}), ""},
		{"empty", rows(), Answer{}, ""},
		{"another order", rows([]any{"1"}, []any{"2"}), rows([]any{"2"}, []any{"1"}), ""},
		{"another order that counts", ordered([]any{"1"}, []any{"2"}), ordered([]any{"2"}, []any{"1"}), "the same rows in another order"},
		{"other rows in an order that counts", ordered([]any{"1"}, []any{"2"}), ordered([]any{"1"}, []any{"3"}), "row 2 of 2 is [2] and [3]"},
		{"a bag, not a set", rows([]any{"1"}, []any{"1"}, []any{"2"}), rows([]any{"1"}, []any{"2"}, []any{"2"}), "row 2"},
		{"one row more", rows([]any{"1"}), rows([]any{"1"}, []any{"2"}), "1 rows and 2 rows"},
		{"one column more", rows([]any{"1"}), rows([]any{"1", "2"}), "1 columns and 2 columns"},
		{"null is not empty", rows([]any{nil}), rows([]any{""}), "<nil>"},
		{"null is not zero", rows([]any{nil}), rows([]any{0.0}), "<nil>"},
		{"decimals are exact", rows([]any{"1.0000001"}), rows([]any{"1.0000002"}), "row 1"},
		{"floats are near", rows([]any{1.0000001}), rows([]any{1.0000002}), ""},
		{"floats are not near enough", rows([]any{1.00001}), rows([]any{1.00002}), "row 1"},
		{"floats of opposite sign", rows([]any{1e-9}), rows([]any{-1e-9}), "row 1"},
		{"a float and a decimal", rows([]any{"33.333333333333333"}), rows([]any{33.33333333}), ""},
		{"a float and a word", rows([]any{"x"}), rows([]any{33.3}), "row 1"},
		{"floats do not decide the order", rows([]any{0.30000001, "a"}, []any{0.3, "b"}), rows([]any{0.29999999, "a"}, []any{0.3, "b"}), ""},
		{"the second failed", rows(), Answer{Error: "no memory"}, "the second failed: no memory"},
		{"the first failed", Answer{Error: "no memory"}, rows(), "the first failed: no memory"},
		{"both failed", Answer{Error: "x"}, Answer{Error: "y"}, "both failed: x; y"},
	} {
		got := CompareAnswers(map[string]Answer{"q": c.a}, map[string]Answer{"q": c.b})
		if c.want == "" && len(got) > 0 || c.want != "" && (len(got) != 1 || got[0].Query != "q" || !strings.Contains(got[0].Text, c.want)) {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	got := CompareAnswers(map[string]Answer{"b": {}, "c": {}}, map[string]Answer{"a": {}, "b": {}})
	if len(got) != 2 || got[0].String() != "a: only the second was asked" || got[1].String() != "c: only the first was asked" {
		t.Errorf("%v", got)
	}
}

func TestAnswersSurviveJSON(t *testing.T) {
	a := Answer{Rows: [][]any{{nil, "12345678901234567890.5", 0.1, "x"}}, Ordered: true}
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	var b Answer
	if err := json.Unmarshal(text, &b); err != nil || !reflect.DeepEqual(a, b) {
		t.Errorf("%s: %v, %v", text, b, err)
	}
}
