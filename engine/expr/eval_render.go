package expr

import (
	"strconv"
	"strings"

	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
)

// String returns e as SQL for people, such as "((a + 1) > $1)": EXPLAIN, errors. It does not tell types apart; Key does.
func String(e Expr) string {
	var b strings.Builder
	render(&b, e)
	return b.String()
}

func render(b *strings.Builder, e Expr) {
	switch e := e.(type) {
	case nil:
		b.WriteString("<nil>")
	case *Const:
		renderConst(b, e)
	case *Column:
		switch {
		case e.Name != "":
			b.WriteString(e.Name)
		case e.ID != 0:
			b.WriteString("#" + strconv.Itoa(int(e.ID)))
		default:
			b.WriteString("@" + strconv.Itoa(e.Ordinal))
		}
	case *Param:
		b.WriteString("$" + strconv.Itoa(e.Index+1))
	case *Call:
		renderCall(b, e)
	case *And:
		renderList(b, "(", e.Terms, " AND ", ")")
	case *Or:
		renderList(b, "(", e.Terms, " OR ", ")")
	case *Not:
		renderList(b, "(NOT ", []Expr{e.Arg}, "", ")")
	case *IsNull:
		renderTest(b, e.Arg, e.Negated, "NULL")
	case *TruthTest:
		want := "FALSE"
		if e.Want {
			want = "TRUE"
		}
		renderTest(b, e.Arg, e.Negated, want)
	case *IsDistinct:
		sep := " IS DISTINCT FROM "
		if e.Negated {
			sep = " IS NOT DISTINCT FROM "
		}
		renderList(b, "(", []Expr{e.Left, e.Right}, sep, ")")
	case *Cast:
		render(b, e.Arg)
		b.WriteString("::" + e.To.String())
	case *Case:
		b.WriteString("CASE")
		for _, w := range e.Whens {
			b.WriteString(" WHEN ")
			render(b, w.Cond)
			b.WriteString(" THEN ")
			render(b, w.Then)
		}
		b.WriteString(" ELSE ")
		render(b, e.Else)
		b.WriteString(" END")
	case *Coalesce:
		renderList(b, "COALESCE(", e.Args, ", ", ")")
	case *InList:
		b.WriteByte('(')
		render(b, e.Arg)
		if e.Negated {
			b.WriteString(" NOT")
		}
		renderList(b, " IN (", e.List, ", ", "))")
	}
}

func renderTest(b *strings.Builder, arg Expr, negated bool, what string) {
	b.WriteByte('(')
	render(b, arg)
	b.WriteString(" IS ")
	if negated {
		b.WriteString("NOT ")
	}
	b.WriteString(what + ")")
}

func renderList(b *strings.Builder, open string, es []Expr, sep, end string) {
	b.WriteString(open)
	for i, e := range es {
		if i > 0 {
			b.WriteString(sep)
		}
		render(b, e)
	}
	b.WriteString(end)
}

func renderCall(b *strings.Builder, e *Call) {
	name := e.Fn.Name
	switch operator := strings.ContainsAny(name[:1], "+-*/<>=~!@#%^&|"); {
	case operator && len(e.Args) == 1:
		renderList(b, "("+name+" ", e.Args, "", ")")
	case operator && len(e.Args) == 2:
		switch name {
		case "~~":
			name = "LIKE"
		case "!~~":
			name = "NOT LIKE"
		case "~~*":
			name = "ILIKE"
		case "!~~*":
			name = "NOT ILIKE"
		}
		renderList(b, "(", e.Args, " "+name+" ", ")")
	default:
		renderList(b, name+"(", e.Args, ", ", ")")
	}
}

func renderConst(b *strings.Builder, e *Const) {
	d := e.Value
	switch k := d.Kind(); {
	case d.IsNull():
		b.WriteString("NULL")
	case k == types.Bool:
		b.WriteString(strconv.FormatBool(d.Bool()))
	case k.IsInteger(), k == types.Numeric && d.Numeric().Form == types.DecimalFinite:
		b.WriteString(pgtext.String(d, nil))
	default:
		b.WriteString("'" + strings.ReplaceAll(pgtext.String(d, nil), "'", "''") + "'")
		if !k.IsString() && k != types.Unknown {
			b.WriteString("::" + k.String())
		}
	}
}
