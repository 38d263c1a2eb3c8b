package scalar_test

import (
	"testing"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/services/planner/internal/bind"
	"github.com/attunedb/attune/services/planner/internal/scalar"
)

var table = &catalog.Table{ID: 1, Schema: "public", Name: "t", Columns: []catalog.Column{
	{Name: "a", Type: types.Of(types.Int4)}, {Name: "b", Type: types.Of(types.Int4)}, {Name: "v", Type: types.Type{Kind: types.Varchar, Mod: 9}},
}, Primary: catalog.Index{ID: catalog.PrimaryIndex, Columns: []int{0}}}

// parse binds an expression over a (column 1), b (column 2) and v (column 3).
func parse(t *testing.T, sql string) expr.Expr {
	t.Helper()
	r, err := bind.Bind(bind.Request{SQL: "select " + sql + " from t", Catalog: catalog.NewSnapshot(1, []*catalog.Table{table}, nil)})
	if err != nil {
		t.Fatal(sql, err)
	}
	return r.Logical.(*logical.Project).Items[0].Expr
}

func TestRejectsNulls(t *testing.T) {
	for sql, want := range map[string]bool{
		"a = 1": true, "b = 1": false, "a = b": true, "a = 1 or b = 1": false, "a = 1 and b = 1": true, "a = 1 or a > 5": true,
		"a is null": false, "a is not null": true, "not (a = 1)": true, "a in (1, 2)": true, "a not in (1, 2)": true,
		"coalesce(a, 0) = 0": false, "(a = 1) is true": true, "(a = 1) is not true": false, "(a = 1) is false": true,
		"a is distinct from 1": false, "a + b > 1": true, "case when a = 1 then true else false end": false,
		"a::text = 'x'": true, "(a = 1) is null": false, "false": true, "true": false, "null::bool": true,
	} {
		if got := scalar.RejectsNulls(parse(t, sql), func(id expr.ColumnID) bool { return id == 1 }); got != want {
			t.Errorf("%s: %v", sql, got)
		}
	}
}

func TestMayBeNull(t *testing.T) {
	for sql, want := range map[string]bool{
		"b": false, "a": true, "b = 5": false, "a = 5": true, "b + 1": true, "a is null": false, "coalesce(a, b)": false,
		"coalesce(a, a)": true, "b in (1, 2)": false, "b in (1, null)": true, "b > 1 and a > 1": true, "b::int8": false,
	} {
		if got := scalar.MayBeNull(parse(t, sql), func(id expr.ColumnID) bool { return id != 2 }); got != want {
			t.Errorf("%s: %v", sql, got)
		}
	}
}

func TestEqual(t *testing.T) {
	same, slots := scalar.Equal(parse(t, "a + 1"), parse(t, "a + 1"))
	if !same || len(slots) != 0 {
		t.Errorf("the same literal of the same slot: %v %v", same, slots)
	}
	both := parse(t, "(a + 1, a + 1) = (b, b)").(*expr.And)
	l, _, _ := scalar.Equality(both.Terms[0])
	r, _, _ := scalar.Equality(both.Terms[1])
	if same, slots = scalar.Equal(l, r); !same || len(slots) != 2 {
		t.Errorf("equality that rests on two literals: %v %v", same, slots)
	}
	if same, _ = scalar.Equal(parse(t, "a + 1"), parse(t, "a + 2")); same {
		t.Error("different literals are equal")
	}
}

func TestStripRelabelAndKnown(t *testing.T) {
	l, _, _ := scalar.Equality(parse(t, "v = 'x'"))
	if c, ok := scalar.StripRelabel(l).(*expr.Column); !ok || c.ID != 3 {
		t.Errorf("varchar as text is still the column, got %s", scalar.Text(l))
	}
	if _, ok := scalar.StripRelabel(parse(t, "v::varchar(2)")).(*expr.Column); ok {
		t.Error("a cast that cuts is no relabelling")
	}
	if v, ok := scalar.Known(parse(t, "-(3 + 4)")); !ok || v.Int() != -7 {
		t.Errorf("Known: %v %v", v, ok)
	}
	for _, sql := range []string{"a + 1", "1 / 0", "now()"} {
		if _, ok := scalar.Known(parse(t, sql)); ok {
			t.Errorf("%s has no value while planning", sql)
		}
	}
}
