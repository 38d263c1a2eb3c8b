package scalar

import (
	"fmt"
	"strings"

	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
)

// Text renders e for people: columns as name and ID, literals with a slot as 'value'@slot.
func Text(e expr.Expr) string {
	var b strings.Builder
	write(&b, e)
	return b.String()
}

func write(b *strings.Builder, e expr.Expr) {
	switch e := e.(type) {
	case nil:
		b.WriteString("true")
	case *expr.Const:
		writeConst(b, e)
	case *expr.Column:
		if e.ID == 0 {
			fmt.Fprintf(b, "%s#%d", e.Name, e.Ordinal)
			return
		}
		fmt.Fprintf(b, "%s:%d", e.Name, e.ID)
	case *expr.Param:
		fmt.Fprintf(b, "$%d", e.Index+1)
	case *expr.Call:
		writeCall(b, e)
	case *expr.And:
		writeList(b, e.Terms, "(", " and ", ")")
	case *expr.Or:
		writeList(b, e.Terms, "(", " or ", ")")
	case *expr.Not:
		b.WriteString("not ")
		write(b, e.Arg)
	case *expr.IsNull:
		write(b, e.Arg)
		b.WriteString(map[bool]string{false: " is null", true: " is not null"}[e.Negated])
	case *expr.TruthTest:
		write(b, e.Arg)
		b.WriteString(map[bool]string{false: " is ", true: " is not "}[e.Negated])
		fmt.Fprintf(b, "%v", e.Want)
	case *expr.IsDistinct:
		write(b, e.Left)
		b.WriteString(map[bool]string{false: " is distinct from ", true: " is not distinct from "}[e.Negated])
		write(b, e.Right)
	case *expr.Cast:
		write(b, e.Arg)
		b.WriteString("::")
		b.WriteString(typeName(e.To))
	case *expr.Case:
		b.WriteString("case")
		for _, w := range e.Whens {
			b.WriteString(" when ")
			write(b, w.Cond)
			b.WriteString(" then ")
			write(b, w.Then)
		}
		b.WriteString(" else ")
		write(b, e.Else)
		b.WriteString(" end")
	case *expr.Coalesce:
		writeList(b, e.Args, "coalesce(", ", ", ")")
	case *expr.InList:
		write(b, e.Arg)
		b.WriteString(map[bool]string{false: " in ", true: " not in "}[e.Negated])
		writeList(b, e.List, "(", ", ", ")")
	default:
		fmt.Fprintf(b, "%T", e)
	}
}

func writeConst(b *strings.Builder, e *expr.Const) {
	switch {
	case e.Value.IsNull():
		b.WriteString("null")
	case e.Typ.Kind == types.Bool:
		fmt.Fprintf(b, "%v", e.Value.Bool())
	case e.Typ.Kind == types.Int4:
		fmt.Fprintf(b, "%d", e.Value.Int())
	case e.Typ.Kind.IsNumber():
		b.WriteString(pgtext.String(e.Value, nil))
		b.WriteString(":")
		b.WriteString(e.Typ.Kind.Short())
	default:
		b.WriteString("'")
		b.WriteString(pgtext.String(e.Value, nil))
		b.WriteString("'")
		if e.Typ.Kind != types.Text {
			b.WriteString(":")
			b.WriteString(e.Typ.Kind.Short())
		}
	}
	if e.Slot > 0 {
		fmt.Fprintf(b, "@%d", e.Slot)
	}
}

func writeCall(b *strings.Builder, e *expr.Call) {
	symbol := !isLetter(e.Fn.Name[0])
	switch {
	case symbol && len(e.Args) == 2:
		writeList(b, e.Args, "(", " "+e.Fn.Name+" ", ")")
	case symbol && len(e.Args) == 1:
		b.WriteString("(")
		b.WriteString(e.Fn.Name)
		b.WriteString(" ")
		write(b, e.Args[0])
		b.WriteString(")")
	default:
		writeList(b, e.Args, e.Fn.Name+"(", ", ", ")")
	}
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c == '_' }

func writeList(b *strings.Builder, es []expr.Expr, open, sep, end string) {
	b.WriteString(open)
	for i, e := range es {
		if i > 0 {
			b.WriteString(sep)
		}
		write(b, e)
	}
	b.WriteString(end)
}

func typeName(t types.Type) string {
	switch {
	case t.Mod == 0:
		return t.Kind.Short()
	case t.Kind == types.Numeric:
		return fmt.Sprintf("numeric(%d,%d)", t.Precision(), t.Scale())
	case t.Kind == types.Varchar || t.Kind == types.Char:
		return fmt.Sprintf("%s(%d)", t.Kind.Short(), t.Mod)
	}
	return fmt.Sprintf("%s(%d)", t.Kind.Short(), t.FractionDigits())
}
