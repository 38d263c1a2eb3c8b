package algebra

import (
	"fmt"
	"strings"

	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/services/planner/internal/scalar"
)

// Text renders a tree, one node a line, inputs indented below.
func Text(n logical.Node) string {
	var b strings.Builder
	write(&b, n, 0)
	return b.String()
}

func write(b *strings.Builder, n logical.Node, depth int) {
	b.WriteString(strings.Repeat("  ", depth))
	b.WriteString(Line(n))
	b.WriteByte('\n')
	for _, in := range n.Inputs() {
		write(b, in, depth+1)
	}
}

// Line renders a node without its inputs.
func Line(n logical.Node) string {
	switch n := n.(type) {
	case *logical.Scan:
		name := n.Table.Name
		if n.Alias != "" && n.Alias != name {
			name += " " + n.Alias
		}
		return fmt.Sprintf("scan %s [%s]", name, columns(n.Cols))
	case *logical.Values:
		rows := make([]string, 0, len(n.Rows))
		for i, r := range n.Rows {
			if i == 5 {
				rows = append(rows, fmt.Sprintf("… %d more", len(n.Rows)-5))
				break
			}
			rows = append(rows, "("+exprs(r)+")")
		}
		return fmt.Sprintf("values [%s] %s", columns(n.Cols), strings.Join(rows, ", "))
	case *logical.CTERef:
		return fmt.Sprintf("cte %d %s [%s]", n.CTE, n.Name, columns(n.Cols))
	case *logical.Filter:
		return "filter " + conjuncts(n.Cond)
	case *logical.Project:
		return "project " + items(n.Items)
	case *logical.Join:
		return "join " + strings.ToLower(n.Kind.String()) + joinRest(n.NullAware, n.Mark, n.On)
	case *logical.Apply:
		return "apply " + strings.ToLower(n.Kind.String()) + joinRest(n.NullAware, n.Mark, n.On)
	case *logical.Aggregate:
		var parts []string
		if len(n.Groups) > 0 {
			parts = append(parts, "by "+items(n.Groups))
		}
		for _, a := range n.Aggs {
			parts = append(parts, aggregate(a))
		}
		return "aggregate " + strings.Join(parts, "; ")
	case *logical.Sort:
		return "sort " + keys(n.Keys)
	case *logical.Limit:
		s := "limit"
		if n.Count != nil {
			s += " " + scalar.Text(n.Count)
		}
		if n.Offset != nil {
			s += " offset " + scalar.Text(n.Offset)
		}
		return s
	case *logical.SetOp:
		names := [...]string{"union all", "union", "intersect", "intersect all", "except", "except all"}
		return fmt.Sprintf("%s [%s]", names[n.Kind], columns(n.Cols))
	case *logical.With:
		return fmt.Sprintf("with %v", n.CTEs)
	case *logical.Write:
		return writeLine(n)
	}
	return n.Op()
}

func writeLine(n *logical.Write) string {
	s := fmt.Sprintf("%s %s %v", n.Op(), n.Table.Name, n.Source)
	if n.Kind == logical.WriteUpdate {
		s += fmt.Sprintf(" set %v", n.Set)
	}
	if len(n.Returning) > 0 || len(n.Checks) > 0 {
		s += fmt.Sprintf(" row [%s]", columns(n.Row))
	}
	if len(n.Returning) > 0 {
		s += " returning " + items(n.Returning)
	}
	for _, c := range n.Checks {
		s += fmt.Sprintf(" check %s (%s)", c.Name, scalar.Text(c.Cond))
	}
	return s
}

func joinRest(nullAware bool, mark logical.Column, on expr.Expr) string {
	s := ""
	if nullAware {
		s += " null-aware"
	}
	if mark.ID != 0 {
		s += fmt.Sprintf(" mark %s:%d", mark.Name, mark.ID)
	}
	if on != nil {
		s += " on " + conjuncts(on)
	}
	return s
}

func conjuncts(e expr.Expr) string {
	var parts []string
	for _, c := range expr.Conjuncts(e) {
		parts = append(parts, scalar.Text(c))
	}
	return strings.Join(parts, " and ")
}

func aggregate(a logical.AggItem) string {
	s := fmt.Sprintf("%s:%d=%s(", a.Name, a.ID, a.Fn.Name)
	if a.Distinct {
		s += "distinct "
	}
	if len(a.Args) == 0 {
		s += "*"
	}
	s += exprs(a.Args)
	if len(a.OrderBy) > 0 {
		s += " order by " + keys(a.OrderBy)
	}
	s += ")"
	if a.Filter != nil {
		s += " filter " + scalar.Text(a.Filter)
	}
	return s
}

func keys(ks []logical.SortKey) string {
	parts := make([]string, len(ks))
	for i, k := range ks {
		parts[i] = scalar.Text(k.Expr)
		if k.Desc {
			parts[i] += " desc"
		}
		if k.NullsFirst != k.Desc {
			parts[i] += map[bool]string{true: " nulls first", false: " nulls last"}[k.NullsFirst]
		}
	}
	return strings.Join(parts, ", ")
}

func items(its []logical.Item) string {
	parts := make([]string, len(its))
	for i, it := range its {
		if c, ok := it.Expr.(*expr.Column); ok && c.ID == it.ID && c.Name == it.Name {
			parts[i] = fmt.Sprintf("%s:%d", it.Name, it.ID)
			continue
		}
		parts[i] = fmt.Sprintf("%s:%d=%s", it.Name, it.ID, scalar.Text(it.Expr))
	}
	return strings.Join(parts, ", ")
}

func exprs(es []expr.Expr) string {
	parts := make([]string, len(es))
	for i, e := range es {
		parts[i] = scalar.Text(e)
	}
	return strings.Join(parts, ", ")
}

func columns(cols []logical.Column) string {
	parts := make([]string, len(cols))
	for i, c := range cols {
		parts[i] = fmt.Sprintf("%s:%d", c.Name, c.ID)
	}
	return strings.Join(parts, " ")
}
