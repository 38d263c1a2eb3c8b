package bind

import (
	"slices"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/sqlerr"
)

// fromClause binds a list of FROM items; an empty list is one row without columns.
func (b *binder) fromClause(items []*pg.Node, parent *scope) (*source, error) {
	if len(items) == 0 {
		return &source{node: &logical.Values{Rows: [][]expr.Expr{{}}}}, nil
	}
	var all *source
	for _, n := range items {
		s, err := b.fromItem(n, parent, all)
		if err != nil {
			return nil, err
		}
		if all == nil {
			all = s
			continue
		}
		if err := b.noDuplicates(all.rels, s.rels); err != nil {
			return nil, err
		}
		all = &source{
			node: combine(physical.JoinInner, all.node, s.node, nil),
			rels: slices.Concat(all.rels, s.rels),
			cols: slices.Concat(all.cols, s.cols),
		}
	}
	return all, nil
}

// combine joins two inputs, laterally when the right one refers to the left.
func combine(kind physical.JoinKind, left, right logical.Node, on expr.Expr) logical.Node {
	if logical.FreeColumns(right).Intersects(logical.OutputSet(left)) {
		return logical.NewApply(kind, left, right, on, logical.Column{})
	}
	return logical.NewJoin(kind, left, right, on, logical.Column{})
}

func (b *binder) noDuplicates(left, right []*relation) error {
	for _, r := range right {
		for _, l := range left {
			if l.name == r.name && (l.schema == r.schema || l.table == nil || r.table == nil) {
				return sqlerr.New(sqlerr.DuplicateAlias, "table name \"%s\" specified more than once", r.name)
			}
		}
	}
	return nil
}

// fromItem binds one FROM item. left are the items before it, which a LATERAL one may refer to.
func (b *binder) fromItem(n *pg.Node, parent *scope, left *source) (*source, error) {
	switch n := n.GetNode().(type) {
	case *pg.Node_RangeVar:
		return b.rangeVar(n.RangeVar, parent)
	case *pg.Node_RangeSubselect:
		return b.rangeSubselect(n.RangeSubselect, parent, left)
	case *pg.Node_JoinExpr:
		return b.join(n.JoinExpr, parent, left)
	case *pg.Node_RangeFunction:
		return nil, b.unsupported(functionLocation(n.RangeFunction), "functions in FROM are not supported")
	case *pg.Node_RangeTableSample:
		return nil, b.unsupported(n.RangeTableSample.Location, "TABLESAMPLE is not supported")
	}
	return nil, b.unsupported(location(n), "this kind of FROM item is not supported")
}

func functionLocation(f *pg.RangeFunction) int32 {
	if len(f.Functions) > 0 {
		if items := f.Functions[0].GetList().GetItems(); len(items) > 0 {
			return location(items[0])
		}
	}
	return -1
}

func (b *binder) rangeVar(r *pg.RangeVar, parent *scope) (*source, error) {
	if r.Schemaname == "" && r.Catalogname == "" {
		if cte := findCTE(parent, r.Relname); cte != nil {
			return b.cteRef(cte, r)
		}
	}
	t, err := b.table(r)
	if err != nil {
		return nil, err
	}
	scan := b.scan(t, r.Alias)
	rel := &relation{schema: t.Schema, name: scan.Alias, table: t, cols: visible(t, scan)}
	if r.Alias != nil {
		rel.schema = ""
		if err := b.renameColumns(rel, r.Alias); err != nil {
			return nil, err
		}
	}
	return &source{node: scan, rels: []*relation{rel}, cols: rel.cols}, nil
}

// scan reads all columns of a table, hidden ones too.
func (b *binder) scan(t *catalog.Table, alias *pg.Alias) *logical.Scan {
	s := &logical.Scan{Table: t, Alias: t.Name}
	if alias != nil {
		s.Alias = alias.Aliasname
	}
	for i, c := range t.Columns {
		s.Ordinals = append(s.Ordinals, i)
		s.Cols = append(s.Cols, b.newColumn(c.Name, c.Type))
	}
	return s
}

// visible returns the columns of a scan that can be named.
func visible(t *catalog.Table, s *logical.Scan) []named {
	var out []named
	for i, c := range t.Columns {
		if !c.Hidden {
			out = append(out, named{name: c.Name, expr: s.Cols[i].Ref()})
		}
	}
	return out
}

// renameColumns applies the column names of an alias.
func (b *binder) renameColumns(r *relation, a *pg.Alias) error {
	if len(a.Colnames) > len(r.cols) {
		return sqlerr.New(sqlerr.InvalidColumnReference, "table \"%s\" has %d columns available but %d columns specified",
			r.name, len(r.cols), len(a.Colnames))
	}
	r.cols = slices.Clone(r.cols)
	for i, n := range a.Colnames {
		r.cols[i].name = n.GetString_().GetSval()
	}
	return nil
}

func (b *binder) rangeSubselect(r *pg.RangeSubselect, parent *scope, left *source) (*source, error) {
	sc := &scope{parent: parent, hidden: left}
	if r.Lateral {
		sc = &scope{parent: parent, from: left}
	}
	q, err := b.query(r.Subquery.GetSelectStmt(), sc, queryOptions{})
	if err != nil {
		return nil, err
	}
	rel := &relation{}
	for _, c := range q.cols {
		rel.cols = append(rel.cols, named{name: c.Name, expr: c.Ref()})
	}
	if r.Alias == nil {
		return &source{node: q.node, cols: rel.cols}, nil
	}
	rel.name = r.Alias.Aliasname
	if err := b.renameColumns(rel, r.Alias); err != nil {
		return nil, err
	}
	return &source{node: q.node, rels: []*relation{rel}, cols: rel.cols}, nil
}

var joinKinds = map[pg.JoinType]physical.JoinKind{
	pg.JoinType_JOIN_INNER: physical.JoinInner, pg.JoinType_JOIN_LEFT: physical.JoinLeft,
	pg.JoinType_JOIN_RIGHT: physical.JoinRight, pg.JoinType_JOIN_FULL: physical.JoinFull,
}

func (b *binder) join(n *pg.JoinExpr, parent *scope, outer *source) (*source, error) {
	left, err := b.fromItem(n.Larg, parent, outer)
	if err != nil {
		return nil, err
	}
	lateral := left
	if outer != nil {
		lateral = &source{rels: slices.Concat(outer.rels, left.rels), cols: slices.Concat(outer.cols, left.cols)}
	}
	right, err := b.fromItem(n.Rarg, parent, lateral)
	if err != nil {
		return nil, err
	}
	if err := b.noDuplicates(left.rels, right.rels); err != nil {
		return nil, err
	}
	kind := joinKinds[n.Jointype]
	out := &source{rels: slices.Concat(left.rels, right.rels), cols: slices.Concat(left.cols, right.cols)}
	var terms []expr.Expr
	var subqueries []apply
	switch {
	case n.IsNatural || len(n.UsingClause) > 0:
		if terms, out.cols, err = b.using(n, kind, left, right); err != nil {
			return nil, err
		}
	case n.Quals != nil:
		c := b.withoutAggs(&scope{parent: parent, from: out, hidden: outer}, "JOIN conditions", &subqueries)
		if kind == physical.JoinInner {
			terms, err = c.conjuncts(n.Quals, "JOIN/ON")
		} else {
			var e expr.Expr
			e, err = c.condition(n.Quals, "JOIN/ON")
			terms = expr.Conjuncts(e)
		}
		if err != nil {
			return nil, err
		}
	}
	if out.node, err = b.joinNodes(n, kind, left.node, right.node, terms, subqueries); err != nil {
		return nil, err
	}
	return b.joinAlias(n, out)
}

// joinNodes builds the join; its condition's subqueries go below or, for an inner join, above it.
func (b *binder) joinNodes(n *pg.JoinExpr, kind physical.JoinKind, left, right logical.Node, terms []expr.Expr, subqueries []apply) (logical.Node, error) {
	if kind == physical.JoinInner && len(subqueries) > 0 {
		node := attach(combine(kind, left, right, nil), subqueries)
		if cond := expr.Conjoin(terms); cond != nil {
			node = &logical.Filter{Input: node, Cond: cond}
		}
		return node, nil
	}
	for _, s := range subqueries {
		// A subquery of an outer join's condition is evaluated on the side it refers to.
		free := logical.FreeColumns(s.right)
		for id := range logical.ExprColumns(s.on) {
			free.Add(id)
		}
		onLeft, onRight := free.Intersects(logical.OutputSet(left)), free.Intersects(logical.OutputSet(right))
		switch {
		case onLeft && onRight:
			return nil, b.unsupported(location(n.Quals), "a subquery in the condition of an outer join may refer to one side only")
		case onLeft:
			left = attach(left, []apply{s})
		default:
			right = attach(right, []apply{s})
		}
	}
	on := expr.Conjoin(terms)
	switch kind {
	case physical.JoinRight:
		if logical.FreeColumns(right).Intersects(logical.OutputSet(left)) {
			return nil, b.lateralSide(n)
		}
		return logical.NewJoin(physical.JoinLeft, right, left, on, logical.Column{}), nil
	case physical.JoinFull:
		if logical.FreeColumns(right).Intersects(logical.OutputSet(left)) {
			return nil, b.lateralSide(n)
		}
	}
	return combine(kind, left, right, on), nil
}

func (b *binder) lateralSide(n *pg.JoinExpr) error {
	return b.errorf(location(n.Rarg), sqlerr.InvalidColumnReference, "invalid reference to FROM-clause entry").
		WithDetail("The combining JOIN type must be INNER or LEFT for a LATERAL reference.")
}

// using binds NATURAL and USING: the equalities, and the columns that * gives, merged ones first.
func (b *binder) using(n *pg.JoinExpr, kind physical.JoinKind, left, right *source) ([]expr.Expr, []named, error) {
	var columns []string
	if n.IsNatural {
		for _, l := range left.cols {
			if countNamed(right.cols, l.name) > 0 && !slices.Contains(columns, l.name) {
				columns = append(columns, l.name)
			}
		}
	} else {
		columns = names(n.UsingClause)
	}
	var terms []expr.Expr
	var cols []named
	for i, name := range columns {
		if slices.Contains(columns[:i], name) {
			return nil, nil, sqlerr.New(sqlerr.DuplicateColumn, "column name \"%s\" appears more than once in USING clause", name)
		}
		l, err := usingColumn(left.cols, name, "left")
		if err != nil {
			return nil, nil, err
		}
		r, err := usingColumn(right.cols, name, "right")
		if err != nil {
			return nil, nil, err
		}
		eq, err := b.call("=", []expr.Expr{l, r}, -1)
		if err != nil {
			return nil, nil, err
		}
		terms = append(terms, eq)
		both, err := b.common("JOIN/USING", []expr.Expr{l, r}, []*pg.Node{nil, nil})
		if err != nil {
			return nil, nil, err
		}
		merged := both[0]
		switch kind {
		case physical.JoinRight:
			merged = both[1]
		case physical.JoinFull:
			merged = &expr.Coalesce{Args: both}
		}
		cols = append(cols, named{name: name, expr: merged})
	}
	for _, side := range [][]named{left.cols, right.cols} {
		for _, c := range side {
			if !slices.Contains(columns, c.name) {
				cols = append(cols, c)
			}
		}
	}
	return terms, cols, nil
}

func countNamed(cols []named, name string) int {
	n := 0
	for _, c := range cols {
		if c.name == name {
			n++
		}
	}
	return n
}

func usingColumn(cols []named, name, side string) (expr.Expr, error) {
	switch countNamed(cols, name) {
	case 0:
		return nil, sqlerr.New(sqlerr.UndefinedColumn, "column \"%s\" specified in USING clause does not exist in %s table", name, side)
	case 1:
	default:
		return nil, sqlerr.New(sqlerr.AmbiguousColumn, "common column name \"%s\" appears more than once in %s table", name, side)
	}
	for _, c := range cols {
		if c.name == name {
			return c.expr, nil
		}
	}
	return nil, nil
}

// joinAlias gives a join its alias, which hides the relations within.
func (b *binder) joinAlias(n *pg.JoinExpr, s *source) (*source, error) {
	if n.JoinUsingAlias != nil {
		return nil, b.unsupported(-1, "an alias of JOIN … USING is not supported")
	}
	if n.Alias == nil {
		return s, nil
	}
	r := &relation{name: n.Alias.Aliasname, cols: s.cols}
	if err := b.renameColumns(r, n.Alias); err != nil {
		return nil, err
	}
	return &source{node: s.node, rels: []*relation{r}, cols: r.cols}, nil
}
