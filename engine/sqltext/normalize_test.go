package sqltext

import (
	"fmt"
	"strings"
	"testing"

	"github.com/attunedb/attune/engine/sqlerr"
)

func render(t Template) string {
	parts := []string{t.Text}
	for _, l := range t.Literals {
		parts = append(parts, fmt.Sprintf("%s(%s)@%d", l.Kind, l.Text, l.Offset))
	}
	return strings.Join(parts, " | ")
}

func TestNormalize(t *testing.T) {
	for _, c := range []struct{ sql, want string }{
		{"SELECT * FROM T where A=1", "select * from t where a = {int4} | int4(1)@24"},
		{"select*from t where a = 1;", "select * from t where a = {int4} | int4(1)@24"},
		{"select -- c\n /* x /* nested */ y */ 1", "select {int4} | int4(1)@36"},
		{"select -1, +2", "select - {int4} , + {int4} | int4(1)@8 | int4(2)@12"},
		{"a=-1", "a = - {int4} | int4(1)@3"},
		{"a@-1", "a @- {int4} | int4(1)@3"},
		{"a != b", "a <> b"},
		{"a<>-b", "a <> - b"},
		{"2147483647 2147483648 9223372036854775808", "{int4} {int8} {numeric} | int4(2147483647)@0 | int8(2147483648)@11 | numeric(9223372036854775808)@22"},
		{"0000000000000000000001", "{int4} | int4(0000000000000000000001)@0"},
		{"1.5 .5 5. 1e5 1.5E-3", "{numeric} {numeric} {numeric} {numeric} {numeric} | numeric(1.5)@0 | numeric(.5)@4 | numeric(5.)@7 | numeric(1e5)@10 | numeric(1.5E-3)@14"},
		{"1_000 0xFF 0b101 0o17 0xFFFFFFFFFF 1_0.5_0", "{int4} {int4} {int4} {int4} {int8} {numeric} | int4(1000)@0 | int4(255)@6 | int4(5)@11 | int4(15)@17 | int8(1099511627775)@22 | numeric(10.50)@35"},
		{"1..10", "{int4} .. {int4} | int4(1)@0 | int4(10)@3"},
		{"'it''s' ''", "{string} {string} | string(it's)@0 | string()@8"},
		{"'a'  -- c\n  'b'", "{string} | string(ab)@0"},
		{"'a' 'b'", "{string} {string} | string(a)@0 | string(b)@4"},
		{`E'a\n\x41\101\u00e9\'' e'x'`, "{string} {string} | string(a\nAAé')@0 | string(x)@23"},
		{"E'a'\n'\\t'", "{string} | string(a\t)@0"},
		{"$$a$b$$ $q$ $$ $q$", "{string} {string} | string(a$b)@0 | string( $$ )@8"},
		{`B'01' x'fF'`, "{bit} {bit} | bit(b01)@0 | bit(xfF)@6"},
		{`U&'\0041' U&"a"`, `U&'\0041' U&"a"`},
		{`"A b"."c""d"`, `"A b" . "c""d"`},
		{"N'x'", "n {string} | string(x)@1"},
		{"$1::int4 + $12", "$1 :: int4 + $12"},
		{"TRUE and Null", "true and null"},
		{"f(a=>1, b:=2)", "f ( a => {int4} , b := {int4} ) | int4(1)@5 | int4(2)@11"},
		{"a/*x*/b", "a b"},
		{"a*/**/b", "a * b"},
		{"a$1$", "a$1$"},
		{"date'2020-01-01'", "date {string} | string(2020-01-01)@4"},
		{"select 1;; -- x\n;", "select {int4} | int4(1)@7"},
		{"a;b", "a ; b"},
		{"ÄB = 'é'", "Äb = {string} | string(é)@6"},
		{"", ""},
		{"$", "$"},
		{"$a", "$ a"},
	} {
		got, err := Normalize(c.sql)
		if err != nil {
			t.Errorf("%q: %v", c.sql, err)
			continue
		}
		if r := render(got); r != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.sql, r, c.want)
		}
	}
}

func TestNormalizeIdentity(t *testing.T) {
	a, _ := Normalize("SELECT a FROM t WHERE b = 5 AND c='x' and $2 > $1")
	b, _ := Normalize("select A from T\nwhere b=77 and c = 'longer' AND $2>$1 ;")
	if a.ID != b.ID || a.Text != b.Text || a.Params != 2 || a.ID == 0 {
		t.Errorf("templates differ: %+v %+v", a, b)
	}
	c, _ := Normalize("select a from t where b = 5000000000 and c='x' and $2 > $1")
	if a.ID == c.ID {
		t.Error("an int8 literal must not share the template of an int4 literal")
	}
}

func TestLexicalErrors(t *testing.T) {
	for _, c := range []struct {
		sql  string
		code sqlerr.Code
		pos  int
		msg  string
	}{
		{"select 'abc", "42601", 8, `unterminated quoted string at or near "'abc"`},
		{"é 'abc", "42601", 3, `unterminated quoted string at or near "'abc"`},
		{`select "abc`, "42601", 8, `unterminated quoted identifier at or near ""abc"`},
		{"select /* abc", "42601", 8, `unterminated /* comment at or near "/* abc"`},
		{"select $x$ab", "42601", 8, `unterminated dollar-quoted string at or near "$x$ab"`},
		{"select 1a", "42601", 8, `trailing junk after numeric literal at or near "1a"`},
		{"select 1_", "42601", 8, `trailing junk after numeric literal at or near "1_"`},
		{"select 0x", "42601", 8, `invalid hexadecimal integer at or near "0x"`},
		{"select $1a", "42601", 8, `trailing junk after parameter at or near "$1a"`},
		{"select $0", "42P02", 8, "there is no parameter $0"},
		{"select $99999999999999999999", "42P02", 8, "there is no parameter $99999999999999999999"},
		{`select E'\ud800'`, "42601", 8, "invalid Unicode surrogate pair"},
		{`select E'\u12'`, "22025", 8, "invalid Unicode escape"},
		{`select E'\xff'`, "22021", 8, `invalid byte sequence for encoding "UTF8"`},
		{`select E'\000'`, "22021", 8, `invalid byte sequence for encoding "UTF8"`},
	} {
		_, err := Normalize(c.sql)
		e := sqlerr.As(err)
		if e == nil || e.Code != c.code || e.Position != c.pos || e.Message != c.msg {
			t.Errorf("%q: got %#v", c.sql, err)
		}
	}
}

func TestSplit(t *testing.T) {
	sql := "  select 1; -- one;\n;; insert into t values (';', $$;$$, \";\") /* ; */ ; select 2 -- end"
	got, err := Split(sql)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"select 1", "insert into t values (';', $$;$$, \";\")", "select 2"}
	if len(got) != len(want) {
		t.Fatalf("got %+v", got)
	}
	for i, s := range got {
		if s.Text != want[i] || sql[s.Offset:s.Offset+len(s.Text)] != s.Text {
			t.Errorf("statement %d: %q at %d", i, s.Text, s.Offset)
		}
	}
	if got, err := Split("select 1; select 'x"); err == nil || len(got) != 1 {
		t.Errorf("want one statement and an error, got %+v, %v", got, err)
	}
}

func TestFirstWord(t *testing.T) {
	for sql, want := range map[string]string{
		" /* c */ BEGIN;": "begin", "(select 1)": "select", "": "", "1": "", "'x": "", "commit": "commit",
	} {
		if got := FirstWord(sql); got != want {
			t.Errorf("%q: %q", sql, got)
		}
	}
}

// FuzzSplit checks invariant 3, that splitting a piece again changes nothing, and that normalising never panics.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{"select 1; select 2", "a'b;'';'c", "/*;*/;--;\n;", "$a$;$a$;", `E'\';';"x;"`, "'a'\n'b';U&'x';$1;1e5;0xf"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		_, _ = Normalize(sql)
		_ = FirstWord(sql)
		parts, err := Split(sql)
		if err != nil {
			return
		}
		end := 0
		for _, p := range parts {
			gapIsEmpty(t, sql[end:p.Offset])
			end = p.Offset + len(p.Text)
			if sql[p.Offset:end] != p.Text {
				t.Fatalf("%q is not at %d of %q", p.Text, p.Offset, sql)
			}
			again, err := Split(p.Text)
			if err != nil || len(again) != 1 || again[0].Text != p.Text {
				t.Fatalf("%q splits again into %+v, %v", p.Text, again, err)
			}
		}
		gapIsEmpty(t, sql[end:])
	})
}

func gapIsEmpty(t *testing.T, gap string) {
	if parts, err := Split(gap); err != nil || len(parts) != 0 {
		t.Fatalf("gap %q holds %+v, %v", gap, parts, err)
	}
}

func BenchmarkNormalizePointSelect(b *testing.B) {
	var n Normalizer
	b.ReportAllocs()
	for b.Loop() {
		if err := n.Normalize("SELECT abalance FROM pgbench_accounts WHERE aid = 123456"); err != nil {
			b.Fatal(err)
		}
	}
}
