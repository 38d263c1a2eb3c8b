package explain

import (
	"strconv"
	"strings"

	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
)

// scope are the names of the columns that ordinals point to.
type scope []string

func (s scope) concat(t scope) scope { return append(append(scope(nil), s...), t...) }

// scopeOf names a node's output columns: with the table's name where a scan gives them.
func scopeOf(n physical.Node) scope {
	schema := n.Head().Schema
	out := make(scope, len(schema))
	for i, f := range schema {
		out[i] = quote(f.Name)
	}
	qualify := func(t physical.TableRef, from int) {
		name := t.Alias
		if name == "" {
			name = t.Name
		}
		for i := from; i < len(out); i++ {
			out[i] = quote(name) + "." + out[i]
		}
	}
	in := n.Inputs()
	switch n := n.(type) {
	case *physical.TableScan:
		qualify(n.Table, 0)
	case *physical.IndexScan:
		qualify(n.Table, 0)
	case *physical.IndexJoin:
		left := scopeOf(in[0])
		copy(out, left)
		if len(out) > len(left) {
			qualify(n.Table, len(left))
		}
	case *physical.HashJoin:
		copy(out, joined(n.Kind, in))
	case *physical.NestedLoopJoin:
		copy(out, joined(n.Kind, in))
	case *physical.Filter, *physical.Sort, *physical.TopK, *physical.Limit, *physical.SingleRow:
		copy(out, scopeOf(in[0]))
	case *physical.Aggregate:
		names(out, n.Groups, scopeOf(in[0]))
	case *physical.Project:
		names(out, n.Exprs, scopeOf(in[0]))
	}
	return out
}

// joined names the columns that come out of a join from its inputs; a mark keeps its own name.
func joined(k physical.JoinKind, in []physical.Node) scope {
	if k >= physical.JoinSemi {
		return scopeOf(in[0])
	}
	return scopeOf(in[0]).concat(scopeOf(in[1]))
}

// names passes on the names of columns that are handed through.
func names(out scope, es []expr.Expr, in scope) {
	for i, e := range es {
		if c, ok := e.(*expr.Column); ok && c.Ordinal < len(in) && i < len(out) {
			out[i] = in[c.Ordinal]
		}
	}
}

func itoa(n int) string { return strconv.Itoa(n) }

func runtime(uses []physical.RuntimeFilterUse) string {
	parts := make([]string, len(uses))
	for i, u := range uses {
		parts[i] = "#" + itoa(u.FilterID)
	}
	return strings.Join(parts, ", ")
}

func (r *renderer) list(es []expr.Expr, s scope) string {
	parts := make([]string, len(es))
	for i, e := range es {
		parts[i] = r.expr(e, s)
	}
	return strings.Join(parts, ", ")
}

func (r *renderer) sortKeys(keys []physical.SortKey, s scope) string {
	parts := make([]string, len(keys))
	for i, k := range keys {
		parts[i] = r.expr(k.Expr, s)
		if k.Desc {
			parts[i] += " DESC"
		}
		if k.NullsFirst != k.Desc {
			parts[i] += map[bool]string{true: " NULLS FIRST", false: " NULLS LAST"}[k.NullsFirst]
		}
	}
	return strings.Join(parts, ", ")
}

func (r *renderer) keyPairs(n *physical.HashJoin) string {
	parts := make([]string, len(n.LeftKeys))
	for i := range parts {
		op := " = "
		if i < len(n.NullSafe) && n.NullSafe[i] {
			op = " IS NOT DISTINCT FROM "
		}
		parts[i] = r.expr(n.LeftKeys[i], scopeOf(n.Left)) + op + r.expr(n.RightKeys[i], scopeOf(n.Right))
	}
	if len(parts) == 0 {
		return ""
	}
	return "(" + strings.Join(parts, ") AND (") + ")"
}

func (r *renderer) indexCond(n *physical.IndexScan) string {
	var parts []string
	for i, e := range n.Equal {
		parts = append(parts, "key "+itoa(i+1)+" = "+r.expr(e, nil))
	}
	next := "key " + itoa(len(n.Equal)+1)
	bound := func(b physical.KeyBound, op string) {
		if b.Value == nil {
			return
		}
		if b.Inclusive {
			op += "="
		}
		parts = append(parts, next+" "+op+" "+r.expr(b.Value, nil))
	}
	bound(n.Low, ">")
	bound(n.High, "<")
	return strings.Join(parts, " AND ")
}

// expr renders an expression; a nil one is empty.
func (r *renderer) expr(e expr.Expr, s scope) string {
	if e == nil {
		return ""
	}
	var b strings.Builder
	r.write(&b, e, s, true)
	return b.String()
}

// write renders e; top tells that no operator is around it.
func (r *renderer) write(b *strings.Builder, e expr.Expr, s scope, top bool) {
	group := func(es []expr.Expr, sep string) {
		if !top {
			b.WriteByte('(')
		}
		for i, x := range es {
			if i > 0 {
				b.WriteString(sep)
			}
			r.write(b, x, s, false)
		}
		if !top {
			b.WriteByte(')')
		}
	}
	comma := func(es []expr.Expr) {
		for i, x := range es {
			if i > 0 {
				b.WriteString(", ")
			}
			r.write(b, x, s, true)
		}
		b.WriteByte(')')
	}
	switch e := e.(type) {
	case *expr.Const:
		b.WriteString(literal(e.Value))
	case *expr.Param:
		if e.Index < len(r.o.Params) {
			b.WriteString(literal(r.o.Params[e.Index]))
			return
		}
		b.WriteString("$" + itoa(e.Index+1))
	case *expr.Column:
		if e.Ordinal >= 0 && e.Ordinal < len(s) && s[e.Ordinal] != "" {
			b.WriteString(s[e.Ordinal])
			return
		}
		b.WriteString(quote(e.Name))
	case *expr.Call:
		symbol := !(e.Fn.Name[0] >= 'a' && e.Fn.Name[0] <= 'z' || e.Fn.Name[0] == '_')
		switch {
		case symbol && len(e.Args) == 2:
			group(e.Args, " "+e.Fn.Name+" ")
		case symbol && len(e.Args) == 1:
			b.WriteString(e.Fn.Name)
			r.write(b, e.Args[0], s, false)
		default:
			b.WriteString(e.Fn.Name + "(")
			comma(e.Args)
		}
	case *expr.And:
		group(e.Terms, " AND ")
	case *expr.Or:
		group(e.Terms, " OR ")
	case *expr.Not:
		b.WriteString("NOT ")
		r.write(b, e.Arg, s, false)
	case *expr.IsNull:
		r.write(b, e.Arg, s, false)
		b.WriteString(map[bool]string{false: " IS NULL", true: " IS NOT NULL"}[e.Negated])
	case *expr.TruthTest:
		r.write(b, e.Arg, s, false)
		b.WriteString(map[bool]string{false: " IS ", true: " IS NOT "}[e.Negated])
		b.WriteString(strings.ToUpper(strconv.FormatBool(e.Want)))
	case *expr.IsDistinct:
		group([]expr.Expr{e.Left, e.Right}, map[bool]string{false: " IS DISTINCT FROM ", true: " IS NOT DISTINCT FROM "}[e.Negated])
	case *expr.Cast:
		r.write(b, e.Arg, s, false)
		b.WriteString("::" + e.To.String())
	case *expr.Case:
		b.WriteString("CASE")
		for _, w := range e.Whens {
			b.WriteString(" WHEN ")
			r.write(b, w.Cond, s, true)
			b.WriteString(" THEN ")
			r.write(b, w.Then, s, true)
		}
		b.WriteString(" ELSE ")
		r.write(b, e.Else, s, true)
		b.WriteString(" END")
	case *expr.Coalesce:
		b.WriteString("COALESCE(")
		comma(e.Args)
	case *expr.InList:
		r.write(b, e.Arg, s, false)
		b.WriteString(map[bool]string{false: " IN (", true: " NOT IN ("}[e.Negated])
		comma(e.List)
	}
}

func literal(d types.Datum) string {
	if d.IsNull() {
		return "NULL"
	}
	text := pgtext.String(d, nil)
	if d.Kind().IsNumber() || d.Kind() == types.Bool {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}
