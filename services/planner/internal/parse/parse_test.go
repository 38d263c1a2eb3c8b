package parse

import (
	"strings"
	"testing"

	pg "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/attunedb/attune/engine/sqlerr"
)

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		name, sql string
		code      sqlerr.Code
		pos       int
		message   string
	}{
		{"syntax", "select 1,\n from t", "42601", 12, `syntax error at or near "from"`},
		{"position counts characters", "select 'é', 'ü' frm x y", "42601", 21, `syntax error at or near "x"`},
		{"end of input", "select (1", "42601", 10, "syntax error at end of input"},
		{"unterminated", "select 'x", "42601", 8, `unterminated quoted string at or near "'x"`},
		{"several", "select 1; select 2", "42601", 0, "cannot insert multiple commands into a prepared statement"},
		{"nul", "select 1\x00, 2", "22021", 0, `invalid byte sequence for encoding "UTF8"`},
		{"long", strings.Repeat(" ", MaxBytes+1), "54000", 0, "statement is too long: 8388609 bytes, of at most 8388608"},
		{"deep operators", "select 1" + strings.Repeat("+1", 200000), "54001", 0, "stack depth limit exceeded"},
		{"deep parentheses", "select " + strings.Repeat("(", 9000) + "1" + strings.Repeat(")", 9000), "54001", 0, "stack depth limit exceeded"},
		{"deep subqueries", strings.Repeat("select (", 9000), "54001", 0, "stack depth limit exceeded"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := One(c.sql)
			e := sqlerr.As(err)
			if e == nil || e.Code != c.code || e.Position != c.pos || e.Message != c.message {
				t.Errorf("got %#v", err)
			}
		})
	}
}

func TestLimitsAreNotTooTight(t *testing.T) {
	for _, sql := range []string{
		"", " -- nothing\n",
		"select 1" + strings.Repeat("+1", MaxDepth-10),
		"select 1 where 1=1" + strings.Repeat(" or 2=2", 20000),
		"insert into t values (1,'a')" + strings.Repeat(",(2,'b')", 20000),
		"select " + strings.Repeat("(select ", 400) + "1" + strings.Repeat(")", 400),
	} {
		if _, err := One(sql); err != nil {
			t.Errorf("%.40q: %v", sql, err)
		}
	}
}

// TestLiteralOffsets holds the scanner against the parser: every constant of the tree that came from a literal lies where the
// scanner found one.
func TestLiteralOffsets(t *testing.T) {
	for _, sql := range []string{
		"select 1, -2, 'a', E'b\\n', $$c$$, 1.5, 1e10, .5, 0xff, 1_000, b'01', x'1f', 9999999999, null, true",
		"select 'a'\n 'b', \"x\", u&'\\0041', n'nat', date '2020-01-01', interval '1 day' from t limit 5 offset 2",
		"/* 'x' 1 */ select 'é', 5 -- 7\n, 'it''s' in ('a', 'b') and x between -1 and - 2",
		"insert into t (a,b) values (1,'x'),(-2,$1) returning 3",
	} {
		s, err := One(sql)
		if err != nil {
			t.Fatalf("%q: %v", sql, err)
		}
		at := map[int32]bool{}
		for _, l := range s.Template.Literals {
			at[int32(l.Offset)] = true
		}
		constants := 0
		eachMessage(s.Node.ProtoReflect(), func(m protoreflect.Message) {
			c, ok := m.Interface().(*pg.A_Const)
			if !ok || c.Isnull || c.GetBoolval() != nil {
				return
			}
			constants++
			if sql[c.Location] == '-' || strings.HasPrefix(sql[c.Location:], "u&") {
				return
			}
			if !at[c.Location] {
				t.Errorf("%q: constant at %d is no literal", sql, c.Location)
			}
		})
		if constants < len(s.Template.Literals) {
			t.Errorf("%q: %d literals but %d constants", sql, len(s.Template.Literals), constants)
		}
	}
}

func eachMessage(m protoreflect.Message, visit func(protoreflect.Message)) {
	visit(m)
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.Message() == nil || f.IsMap():
		case f.IsList():
			for i := range v.List().Len() {
				eachMessage(v.List().Get(i).Message(), visit)
			}
		default:
			eachMessage(v.Message(), visit)
		}
		return true
	})
}
