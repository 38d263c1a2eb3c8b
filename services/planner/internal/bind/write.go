package bind

import (
	"slices"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/services/planner/internal/parse"
)

// stored binds an expression kept as SQL text in the catalog. what names it for messages.
func (b *binder) storedExpr(sql string, rel *relation, what string) (expr.Expr, error) {
	n, err := parse.Expression(sql)
	if err != nil {
		return nil, err
	}
	was := b.stored
	b.stored = true
	defer func() { b.stored = was }()
	var from *source
	if rel != nil {
		from = &source{rels: []*relation{rel}, cols: rel.cols}
	}
	return b.withoutAggs(&scope{from: from}, what, nil).bind(n)
}

// defaultValue returns a column's default, NULL when it has none.
func (b *binder) defaultValue(col *catalog.Column) (expr.Expr, error) {
	if col.Default == "" {
		return &expr.Const{Value: types.Null(col.Type.Kind), Typ: col.Type}, nil
	}
	e, err := b.storedExpr(col.Default, nil, "DEFAULT expressions")
	if err != nil {
		return nil, err
	}
	return b.assign(e, col.Name, col.Type, -1)
}

// rowOf makes the relation by which RETURNING and CHECK see a written row.
func (b *binder) rowOf(t *catalog.Table, alias string) ([]logical.Column, *relation) {
	row := make([]logical.Column, len(t.Columns))
	rel := &relation{schema: t.Schema, name: alias, table: t}
	for i, c := range t.Columns {
		row[i] = b.newColumn(c.Name, c.Type)
		if !c.Hidden {
			rel.cols = append(rel.cols, named{name: c.Name, expr: row[i].Ref()})
		}
	}
	return row, rel
}

// finishWrite binds CHECK constraints and RETURNING and makes the result.
func (b *binder) finishWrite(w *logical.Write, alias string, returning []*pg.Node, tag string) (*Result, error) {
	row, rel := b.rowOf(w.Table, alias)
	w.Row = row
	if w.Kind != logical.WriteDelete {
		for _, c := range w.Table.Checks {
			e, err := b.storedExpr(c.SQL, &relation{schema: rel.schema, name: w.Table.Name, cols: rel.cols}, "check constraints")
			if err != nil {
				return nil, err
			}
			if e, err = b.toBool(e, "CHECK", -1); err != nil {
				return nil, err
			}
			w.Checks = append(w.Checks, logical.BoundCheck{Name: c.Name, Cond: e})
		}
	}
	if len(returning) > 0 {
		s := &selecting{binder: b, sel: &pg.SelectStmt{TargetList: returning}, scope: &scope{from: &source{rels: []*relation{rel}, cols: rel.cols}}}
		if err := s.expandTargets(); err != nil {
			return nil, err
		}
		c := b.withoutAggs(s.scope, "RETURNING", nil)
		own := logical.Set{}
		for _, c := range w.Row {
			own.Add(c.ID)
		}
		for _, t := range s.targets {
			e := t.expr
			if e == nil {
				var err error
				if e, err = c.typed(t.node); err != nil {
					return nil, err
				}
			}
			w.Returning = append(w.Returning, logical.Item{Column: b.outputColumn(t.name, e, own), Expr: e})
		}
	}
	// What the foreign keys of a table refer to, and what refers to it, is part of the plan.
	for _, fk := range w.Table.ForeignKeys {
		if t := b.cat.TableByID(fk.RefTable); t != nil {
			b.tables[t.ID] = t
		}
	}
	for _, t := range b.cat.ReferencedBy(w.Table.ID) {
		b.tables[t.ID] = t
	}
	return &Result{Logical: b.withDefinitions(w), Tag: tag, Fields: fields(w.Columns()), Writes: true}, nil
}

// insertColumns resolves the column list of an INSERT or COPY; without one, all visible columns.
func (b *binder) insertColumns(t *catalog.Table, cols []*pg.Node) ([]int, error) {
	var out []int
	if len(cols) == 0 {
		for i, c := range t.Columns {
			if !c.Hidden {
				out = append(out, i)
			}
		}
		return out, nil
	}
	for _, n := range cols {
		name, at := n.GetString_().GetSval(), int32(-1)
		if res := n.GetResTarget(); res != nil {
			name, at = res.Name, res.Location
			if len(res.Indirection) > 0 {
				return nil, b.unsupported(at, "subscripts and composite values are not supported")
			}
		}
		i, ok := t.ColumnOrdinal(name)
		if !ok {
			return nil, b.errorf(at, sqlerr.UndefinedColumn, "column \"%s\" of relation \"%s\" does not exist", name, t.Name)
		}
		if slices.Contains(out, i) {
			return nil, b.errorf(at, sqlerr.DuplicateColumn, "column \"%s\" specified more than once", name)
		}
		out = append(out, i)
	}
	return out, nil
}

func (b *binder) insert(n *pg.InsertStmt) (*Result, error) {
	if n.OnConflictClause != nil {
		return nil, b.unsupported(n.OnConflictClause.Location, "INSERT … ON CONFLICT is not supported")
	}
	if n.Override == pg.OverridingKind_OVERRIDING_SYSTEM_VALUE || n.Override == pg.OverridingKind_OVERRIDING_USER_VALUE {
		return nil, b.unsupported(-1, "OVERRIDING is not supported")
	}
	var parent *scope
	if n.WithClause != nil {
		var err error
		if parent, err = b.withClause(n.WithClause, nil); err != nil {
			return nil, err
		}
	}
	t, err := b.table(n.Relation)
	if err != nil {
		return nil, err
	}
	cols, err := b.insertColumns(t, n.Cols)
	if err != nil {
		return nil, err
	}
	var input logical.Node
	sel := n.SelectStmt.GetSelectStmt()
	switch {
	case sel == nil:
		cols, input = nil, &logical.Values{Rows: [][]expr.Expr{{}}}
	case len(sel.ValuesLists) > 0 && len(sel.SortClause) == 0 && sel.LimitCount == nil && sel.LimitOffset == nil && sel.WithClause == nil:
		input, cols, err = b.insertValues(t, cols, len(n.Cols) > 0, sel, parent, n)
	default:
		input, cols, err = b.insertQuery(t, cols, len(n.Cols) > 0, sel, parent, n)
	}
	if err != nil {
		return nil, err
	}
	w, err := b.insertInto(t, cols, input)
	if err != nil {
		return nil, err
	}
	alias := t.Name
	if n.Relation.Alias != nil {
		alias = n.Relation.Alias.Aliasname
	}
	return b.finishWrite(w, alias, n.ReturningList, "INSERT")
}

// tooFewOrMany checks the number of values against the columns; without a list, trailing columns get their defaults.
func (b *binder) targetCount(cols []int, values int, listed bool, at, extra int32) ([]int, error) {
	switch {
	case values > len(cols):
		return nil, b.errorf(extra, sqlerr.SyntaxError, "INSERT has more expressions than target columns")
	case values < len(cols) && listed:
		return nil, b.errorf(at, sqlerr.SyntaxError, "INSERT has more target columns than expressions")
	}
	return cols[:values], nil
}

func (b *binder) insertValues(t *catalog.Table, cols []int, listed bool, sel *pg.SelectStmt, parent *scope, n *pg.InsertStmt) (logical.Node, []int, error) {
	var subqueries []apply
	c := b.withoutAggs(&scope{parent: parent}, "VALUES", &subqueries)
	width := len(sel.ValuesLists[0].GetList().GetItems())
	at, extra := int32(-1), int32(-1)
	if width < len(cols) && len(n.Cols) > width {
		at = n.Cols[width].GetResTarget().GetLocation()
	}
	if width > len(cols) {
		extra = location(sel.ValuesLists[0].GetList().GetItems()[len(cols)])
	}
	cols, err := b.targetCount(cols, width, listed, at, extra)
	if err != nil {
		return nil, nil, err
	}
	v := &logical.Values{}
	for _, o := range cols {
		v.Cols = append(v.Cols, b.newColumn(t.Columns[o].Name, t.Columns[o].Type))
	}
	for _, l := range sel.ValuesLists {
		items := l.GetList().GetItems()
		if len(items) != width {
			return nil, nil, b.errorf(location(items[0]), sqlerr.SyntaxError, "VALUES lists must all be the same length")
		}
		row := make([]expr.Expr, width)
		for i, item := range items {
			col := &t.Columns[cols[i]]
			if item.GetSetToDefault() != nil {
				if row[i], err = b.defaultValue(col); err != nil {
					return nil, nil, err
				}
				continue
			}
			e, err := c.bind(item)
			if err != nil {
				return nil, nil, err
			}
			if row[i], err = b.assign(e, col.Name, col.Type, location(item)); err != nil {
				return nil, nil, err
			}
		}
		v.Rows = append(v.Rows, row)
	}
	if len(subqueries) == 0 {
		return v, cols, nil
	}
	if len(v.Rows) > 1 {
		return nil, nil, b.unsupported(-1, "subqueries in VALUES of several rows are not supported")
	}
	// One row with subqueries is a SELECT of it.
	items := make([]logical.Item, len(v.Cols))
	for i := range items {
		items[i] = logical.Item{Column: v.Cols[i], Expr: v.Rows[0][i]}
	}
	return logical.NewProject(attach(&logical.Values{Rows: [][]expr.Expr{{}}}, subqueries), items), cols, nil
}

func (b *binder) insertQuery(t *catalog.Table, cols []int, listed bool, sel *pg.SelectStmt, parent *scope, n *pg.InsertStmt) (logical.Node, []int, error) {
	q, err := b.query(sel, parent, queryOptions{keepUnknown: true})
	if err != nil {
		return nil, nil, err
	}
	at := int32(-1)
	if len(q.cols) < len(n.Cols) {
		at = n.Cols[len(q.cols)].GetResTarget().GetLocation()
	}
	if cols, err = b.targetCount(cols, len(q.cols), listed, at, targetLocation(sel, len(cols))); err != nil {
		return nil, nil, err
	}
	want := make([]types.Type, len(cols))
	for i, o := range cols {
		want[i] = t.Columns[o].Type
		c := q.cols[i]
		// The message for a type that does not fit names the column.
		if _, err := b.assign(c.Ref(), t.Columns[o].Name, want[i], targetLocation(sel, i)); err != nil {
			return nil, nil, err
		}
	}
	if q, err = b.retype(q, want, sel); err != nil {
		return nil, nil, err
	}
	return q.node, cols, nil
}

// insertInto completes an insert's input: defaults for the columns that are not given. input's columns correspond to cols.
func (b *binder) insertInto(t *catalog.Table, cols []int, input logical.Node) (*logical.Write, error) {
	given := input.Columns()
	items := make([]logical.Item, 0, len(t.Columns))
	own := logical.OutputSet(input)
	source := make([]expr.ColumnID, len(t.Columns))
	for o := range t.Columns {
		col := &t.Columns[o]
		var e expr.Expr
		var err error
		if i := slices.Index(cols, o); i >= 0 {
			if e, err = b.assign(given[i].Ref(), col.Name, col.Type, -1); err != nil {
				return nil, err
			}
		} else if e, err = b.defaultValue(col); err != nil {
			return nil, err
		}
		item := logical.Item{Column: b.outputColumn(col.Name, e, own), Expr: e}
		source[o] = item.ID
		items = append(items, item)
	}
	return &logical.Write{Kind: logical.WriteInsert, Table: t, Input: logical.NewProject(input, items), Source: source}, nil
}

// writeTarget binds the table an UPDATE or DELETE changes, with the other tables it names.
func (b *binder) writeTarget(r *pg.RangeVar, others []*pg.Node, parent *scope) (*logical.Scan, *source, error) {
	t, err := b.table(r)
	if err != nil {
		return nil, nil, err
	}
	scan := b.scan(t, r.Alias)
	rel := &relation{schema: t.Schema, name: scan.Alias, table: t, cols: visible(t, scan)}
	if r.Alias != nil {
		rel.schema = ""
		if err := b.renameColumns(rel, r.Alias); err != nil {
			return nil, nil, err
		}
	}
	all := &source{node: scan, rels: []*relation{rel}, cols: rel.cols}
	if len(others) == 0 {
		return scan, all, nil
	}
	from, err := b.fromClause(others, parent)
	if err != nil {
		return nil, nil, err
	}
	if err := b.noDuplicates(all.rels, from.rels); err != nil {
		return nil, nil, err
	}
	return scan, &source{
		node: combine(0, scan, from.node, nil),
		rels: slices.Concat(all.rels, from.rels),
		cols: slices.Concat(all.cols, from.cols),
	}, nil
}

func (b *binder) delete(n *pg.DeleteStmt) (*Result, error) {
	var parent *scope
	if n.WithClause != nil {
		var err error
		if parent, err = b.withClause(n.WithClause, nil); err != nil {
			return nil, err
		}
	}
	scan, from, err := b.writeTarget(n.Relation, n.UsingClause, parent)
	if err != nil {
		return nil, err
	}
	if n.WhereClause.GetCurrentOfExpr() != nil {
		return nil, b.unsupported(-1, "WHERE CURRENT OF is not supported")
	}
	node, err := b.filter(from.node, &scope{parent: parent, from: from}, n.WhereClause, "WHERE")
	if err != nil {
		return nil, err
	}
	w := &logical.Write{Kind: logical.WriteDelete, Table: scan.Table, Input: node}
	for _, c := range scan.Cols {
		w.Source = append(w.Source, c.ID)
	}
	return b.finishWrite(w, scan.Alias, n.ReturningList, "DELETE")
}

func (b *binder) update(n *pg.UpdateStmt) (*Result, error) {
	var parent *scope
	if n.WithClause != nil {
		var err error
		if parent, err = b.withClause(n.WithClause, nil); err != nil {
			return nil, err
		}
	}
	scan, from, err := b.writeTarget(n.Relation, n.FromClause, parent)
	if err != nil {
		return nil, err
	}
	if n.WhereClause.GetCurrentOfExpr() != nil {
		return nil, b.unsupported(-1, "WHERE CURRENT OF is not supported")
	}
	sc := &scope{parent: parent, from: from}
	node, err := b.filter(from.node, sc, n.WhereClause, "WHERE")
	if err != nil {
		return nil, err
	}
	var subqueries []apply
	set, values, err := b.setClauses(scan.Table, n.TargetList, b.withoutAggs(sc, "UPDATE", &subqueries))
	if err != nil {
		return nil, err
	}
	node = attach(node, subqueries)
	w := &logical.Write{Kind: logical.WriteUpdate, Table: scan.Table, Set: set}
	var items []logical.Item
	own := logical.OutputSet(node)
	for _, c := range scan.Cols {
		delete(own, c.ID)
		items = append(items, logical.Item{Column: c, Expr: c.Ref()})
		w.Source = append(w.Source, c.ID)
	}
	for i, e := range values {
		item := logical.Item{Column: b.outputColumn(scan.Table.Columns[set[i]].Name, e, own), Expr: e}
		items = append(items, item)
		w.Source = append(w.Source, item.ID)
	}
	w.Input = logical.NewProject(node, items)
	return b.finishWrite(w, scan.Alias, n.ReturningList, "UPDATE")
}

// setClauses binds SET a = x, (b, c) = (y, z), (d, e) = (SELECT …).
func (b *binder) setClauses(t *catalog.Table, targets []*pg.Node, c *exprs) (set []int, values []expr.Expr, err error) {
	rows := map[*pg.Node][]expr.Expr{}
	var source *pg.Node
	for _, n := range targets {
		res := n.GetResTarget()
		o, ok := t.ColumnOrdinal(res.Name)
		if !ok {
			return nil, nil, b.errorf(res.Location, sqlerr.UndefinedColumn, "column \"%s\" of relation \"%s\" does not exist", res.Name, t.Name)
		}
		if slices.Contains(set, o) {
			return nil, nil, b.errorf(res.Location, sqlerr.SyntaxError, "multiple assignments to same column \"%s\"", res.Name)
		}
		if len(res.Indirection) > 0 {
			return nil, nil, b.unsupported(res.Location, "subscripts and composite values are not supported")
		}
		col := &t.Columns[o]
		value := res.Val
		var e expr.Expr
		if m := value.GetMultiAssignRef(); m != nil {
			// Only the first column of (a, b) = … carries the source in the parser's output.
			if m.Source.GetNode() != nil && m.Colno == 1 {
				source = m.Source
			}
			if row := source.GetRowExpr(); row != nil {
				if len(row.Args) != int(m.Ncolumns) {
					return nil, nil, b.errorf(row.Location, sqlerr.SyntaxError, "number of columns does not match number of values")
				}
				value = row.Args[m.Colno-1]
			} else if link := source.GetSubLink(); link != nil {
				if rows[source] == nil {
					if rows[source], err = c.scalarRow(link); err != nil {
						return nil, nil, err
					}
				}
				if len(rows[source]) != int(m.Ncolumns) {
					return nil, nil, b.errorf(link.Location, sqlerr.SyntaxError, "number of columns does not match number of values")
				}
				e = rows[source][m.Colno-1]
			} else {
				return nil, nil, b.unsupported(location(source), "source for a multiple-column UPDATE item must be a sub-SELECT or ROW() expression")
			}
		}
		switch {
		case e != nil:
		case value.GetSetToDefault() != nil:
			e, err = b.defaultValue(col)
		default:
			e, err = c.bind(value)
		}
		if err != nil {
			return nil, nil, err
		}
		if e, err = b.assign(e, col.Name, col.Type, location(value)); err != nil {
			return nil, nil, err
		}
		set, values = append(set, o), append(values, e)
	}
	return set, values, nil
}
