package bind

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/services/planner/internal/scalar"
)

// groupBy binds the GROUP BY clause. before collects the subqueries of its expressions.
func (s *selecting) groupBy(before *[]apply) ([]expr.Expr, error) {
	c := s.withoutAggs(s.scope, "GROUP BY", before)
	var out []expr.Expr
	for _, n := range s.sel.GroupClause {
		if n.GetGroupingSet() != nil {
			return nil, s.unsupported(n.GetGroupingSet().Location, "GROUPING SETS, ROLLUP and CUBE are not supported")
		}
		e, target, err := s.groupExpr(c, n)
		if err != nil {
			return nil, err
		}
		index := -1
		for i, g := range out {
			if same, slots := scalar.Equal(g, e); same {
				s.pin(slots...)
				index = i
			}
		}
		if index < 0 {
			out = append(out, e)
			index = len(out) - 1
		}
		if target >= 0 {
			s.targets[target].group = index + 1
			s.targets[target].expr = out[index]
		}
	}
	return out, nil
}

// groupExpr binds one group. target is the output column it was named by, -1 for none.
func (s *selecting) groupExpr(c *exprs, n *pg.Node) (e expr.Expr, target int, err error) {
	if i, ok := s.ordinal(n); ok {
		if i < 1 || i > len(s.targets) {
			return nil, -1, s.errorf(location(n), sqlerr.InvalidColumnReference, "GROUP BY position %d is not in select list", i)
		}
		e, err = s.targetAsGroup(c, i-1)
		return e, i - 1, err
	}
	if k := n.GetAConst(); k != nil {
		return nil, -1, s.errorf(k.Location, sqlerr.SyntaxError, "non-integer constant in GROUP BY")
	}
	// An input column takes precedence over an output column of that name.
	if ref := n.GetColumnRef(); ref != nil && len(ref.Fields) == 1 && ref.Fields[0].GetString_() != nil {
		e, err = s.unqualified(&scope{from: s.scope.from}, ref.Fields[0].GetString_().Sval, ref.Location)
		if err != nil || e != nil {
			return e, -1, err
		}
		i, err := s.targetNamed(n, "GROUP BY")
		if err != nil {
			return nil, -1, err
		}
		if i >= 0 {
			e, err = s.targetAsGroup(c, i)
			return e, i, err
		}
	}
	e, err = c.typed(n)
	return e, -1, err
}

func (s *selecting) targetAsGroup(c *exprs, i int) (expr.Expr, error) {
	if t := s.targets[i]; t.expr != nil {
		return t.expr, nil
	}
	return c.typed(s.targets[i].node)
}

// grouping rewrites expressions over a query's input into expressions over its groups and aggregates.
type grouping struct {
	*selecting
	exprs []expr.Expr
	items []logical.Item
	// input are the columns of the input; a reference to one of them must be grouped.
	input logical.Set
	// plain are the input columns that are groups themselves.
	plain logical.Set
}

// group builds the aggregation and rewrites what lies above it.
func (s *selecting) group(n logical.Node, groups []expr.Expr, having []expr.Expr) (logical.Node, []expr.Expr, error) {
	g := &grouping{selecting: s, exprs: groups, input: logical.OutputSet(n), plain: logical.Set{}}
	own := logical.OutputSet(n)
	for _, e := range groups {
		name := "group"
		if c, ok := e.(*expr.Column); ok {
			name = c.Name
			g.plain.Add(c.ID)
		}
		g.items = append(g.items, logical.Item{Column: s.outputColumn(name, e, own), Expr: e})
	}
	var err error
	for i := range s.targets {
		if s.targets[i].expr, err = g.rewrite(s.targets[i].expr); err != nil {
			return nil, nil, err
		}
	}
	for i := range having {
		if having[i], err = g.rewrite(having[i]); err != nil {
			return nil, nil, err
		}
	}
	for i := range s.keys {
		if s.keys[i].Expr, err = g.rewrite(s.keys[i].Expr); err != nil {
			return nil, nil, err
		}
	}
	for i := range s.after {
		if s.after[i].on != nil {
			if s.after[i].on, err = g.rewrite(s.after[i].on); err != nil {
				return nil, nil, err
			}
		}
		for id := range logical.FreeColumns(s.after[i].right) {
			if g.input.Has(id) && !g.grouped(id) {
				return nil, nil, g.subqueryError(s.after[i].right, id)
			}
		}
	}
	return logical.NewAggregate(n, g.items, s.aggs.items), having, nil
}

// rewrite replaces groups by their columns and refuses other columns of the input.
func (g *grouping) rewrite(e expr.Expr) (expr.Expr, error) {
	for i, ge := range g.exprs {
		if same, slots := scalar.Equal(ge, e); same {
			g.pin(slots...)
			return g.items[i].Ref(), nil
		}
	}
	if c, ok := e.(*expr.Column); ok {
		if !g.input.Has(c.ID) || g.grouped(c.ID) {
			return e, nil
		}
		at, known := g.places[c]
		if !known {
			at = -1
		}
		return nil, g.errorf(at, sqlerr.GroupingError, "column \"%s\" must appear in the GROUP BY clause or be used in an aggregate function", g.describe(c))
	}
	children := e.Children()
	changed := false
	for i, child := range children {
		next, err := g.rewrite(child)
		if err != nil {
			return nil, err
		}
		if next != child {
			children[i], changed = next, true
		}
	}
	if !changed {
		return e, nil
	}
	return e.WithChildren(children), nil
}

// grouped reports whether an input column has one value in each group: it is a group, or it depends on a primary key that is, and
// then it becomes a group too.
func (g *grouping) grouped(id expr.ColumnID) bool {
	if g.plain.Has(id) {
		return true
	}
	for _, r := range g.scope.from.rels {
		if r.table == nil || r.table.HasHiddenKey() {
			continue
		}
		var column *expr.Column
		byName := map[string]expr.ColumnID{}
		for i, c := range r.cols {
			if col, ok := c.expr.(*expr.Column); ok {
				if col.ID == id {
					column = col
				}
				byName[r.table.Columns[visibleOrdinal(r, i)].Name] = col.ID
			}
		}
		if column == nil {
			continue
		}
		for _, k := range r.table.Primary.Columns {
			if key, ok := byName[r.table.Columns[k].Name]; !ok || !g.plain.Has(key) {
				return false
			}
		}
		if len(r.table.Primary.Columns) == 0 {
			return false
		}
		g.plain.Add(id)
		g.items = append(g.items, logical.Item{Column: logical.Column{ID: id, Name: column.Name, Type: column.Typ}, Expr: column})
		return true
	}
	return false
}

// visibleOrdinal returns the ordinal of the i-th visible column of a base table.
func visibleOrdinal(r *relation, i int) int {
	for o := range r.table.Columns {
		if r.table.Columns[o].Hidden {
			continue
		}
		if i == 0 {
			return o
		}
		i--
	}
	return 0
}

// describe returns a column as relation.column.
func (g *grouping) describe(c *expr.Column) string {
	for _, r := range g.scope.from.rels {
		for _, n := range r.cols {
			if col, ok := n.expr.(*expr.Column); ok && col.ID == c.ID {
				return r.name + "." + n.name
			}
		}
	}
	return c.Name
}

// subqueryError is the error for a subquery that refers to a column that is not grouped.
func (g *grouping) subqueryError(n logical.Node, id expr.ColumnID) error {
	var found *expr.Column
	eachExpr(n, func(e expr.Expr) {
		expr.Columns(e, func(c *expr.Column) {
			if c.ID == id && found == nil {
				found = c
			}
		})
	})
	if found == nil {
		return g.errorf(-1, sqlerr.GroupingError, "subquery uses ungrouped column from outer query")
	}
	at, known := g.places[found]
	if !known {
		at = -1
	}
	return g.errorf(at, sqlerr.GroupingError, "subquery uses ungrouped column \"%s\" from outer query", g.describe(found))
}
