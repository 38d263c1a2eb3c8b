package bind

import (
	"strconv"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/services/planner/internal/scalar"
)

func itoa(i int) string { return strconv.Itoa(i) }

// target is an output column of a SELECT before its ID is settled.
type target struct {
	name string
	// expr is bound; nil until then.
	expr expr.Expr
	// node is what was written; nil for a column that * stands for.
	node *pg.Node
	// group is 1 + the index of the group the target is, by ordinal or name.
	group int
}

// selecting is the state of binding one SELECT.
type selecting struct {
	*binder
	sel     *pg.SelectStmt
	scope   *scope
	targets []target
	aggs    *aggregates
	// after are the subqueries of everything that is evaluated above the aggregation.
	after []apply
	keys  []logical.SortKey
}

func (b *binder) selectCore(sel *pg.SelectStmt, parent *scope, opt queryOptions) (*query, error) {
	from, err := b.fromClause(sel.FromClause, parent)
	if err != nil {
		return nil, err
	}
	s := &selecting{binder: b, sel: sel, scope: &scope{parent: parent, from: from}}
	s.aggs = &aggregates{scope: s.scope}
	node, err := s.where(from.node, sel.WhereClause)
	if err != nil {
		return nil, err
	}
	if err := s.expandTargets(); err != nil {
		return nil, err
	}
	var before []apply
	groups, err := s.groupBy(&before)
	if err != nil {
		return nil, err
	}
	if err := s.bindTargets(opt); err != nil {
		return nil, err
	}
	having, err := s.above("HAVING").conjuncts(sel.HavingClause, "HAVING")
	if err != nil {
		return nil, err
	}
	if err := s.orderBy(); err != nil {
		return nil, err
	}
	if len(groups) > 0 || len(s.aggs.items) > 0 || sel.HavingClause != nil {
		node = attach(attach(node, before), s.aggs.inputs)
		if node, having, err = s.group(node, groups, having); err != nil {
			return nil, err
		}
	}
	node = attach(node, s.after)
	if cond := expr.Conjoin(having); cond != nil {
		node = &logical.Filter{Input: node, Cond: cond}
	}
	return s.output(node, parent)
}

// above returns the context for expressions above the aggregation.
func (s *selecting) above(clause string) *exprs {
	return &exprs{b: s.binder, scope: s.scope, clause: clause, aggs: s.aggs, pending: &s.after}
}

// where adds a WHERE clause.
func (s *selecting) where(n logical.Node, cond *pg.Node) (logical.Node, error) {
	return s.filter(n, s.scope, cond, "WHERE")
}

// filter adds a condition and the subqueries it needs.
func (b *binder) filter(n logical.Node, sc *scope, cond *pg.Node, clause string) (logical.Node, error) {
	if cond == nil {
		return n, nil
	}
	var subqueries []apply
	terms, err := b.withoutAggs(sc, clause, &subqueries).conjuncts(cond, clause)
	if err != nil {
		return nil, err
	}
	n = attach(n, subqueries)
	if e := expr.Conjoin(terms); e != nil {
		n = &logical.Filter{Input: n, Cond: e}
	}
	return n, nil
}

// expandTargets lists the output columns, with * written out.
func (s *selecting) expandTargets() error {
	for _, t := range s.sel.TargetList {
		res := t.GetResTarget()
		ref := res.Val.GetColumnRef()
		if ref == nil || ref.Fields[len(ref.Fields)-1].GetAStar() == nil {
			name := res.Name
			if name == "" {
				name, _ = outputName(res.Val)
			}
			s.targets = append(s.targets, target{name: name, node: res.Val})
			continue
		}
		cols, err := s.star(s.scope, ref)
		if err != nil {
			return err
		}
		for _, c := range cols {
			s.targets = append(s.targets, target{name: c.name, expr: s.reference(c.expr, ref.Location)})
		}
	}
	if len(s.targets) > 1664 {
		return sqlerr.New(sqlerr.TooManyColumns, "target lists can have at most 1664 entries")
	}
	return nil
}

// star returns the columns that * or t.* stands for.
func (b *binder) star(sc *scope, ref *pg.ColumnRef) ([]named, error) {
	if len(ref.Fields) == 1 {
		if sc.from == nil || len(sc.from.rels) == 0 {
			return nil, b.errorf(ref.Location, sqlerr.SyntaxError, "SELECT * with no tables specified is not valid")
		}
		return sc.from.cols, nil
	}
	schema, name := "", ref.Fields[len(ref.Fields)-2].GetString_().GetSval()
	if len(ref.Fields) == 3 {
		schema = ref.Fields[0].GetString_().GetSval()
	}
	r, err := b.relationNamed(sc, schema, name, ref.Location)
	if err != nil {
		return nil, err
	}
	return r.cols, nil
}

func (s *selecting) bindTargets(opt queryOptions) error {
	c := s.above("SELECT")
	for i := range s.targets {
		t := &s.targets[i]
		if t.expr != nil {
			continue
		}
		e, err := c.bind(t.node)
		if err != nil {
			return err
		}
		if _, isParam := e.(*expr.Param); !opt.keepUnknown || isParam && t.group > 0 {
			if e, err = s.settle(e, location(t.node)); err != nil {
				return err
			}
		}
		t.expr = e
	}
	return nil
}

// orderBy binds the sort keys. A name is an output column first; an expression is one over the input.
func (s *selecting) orderBy() error {
	c := s.above("ORDER BY")
	for _, n := range s.sel.SortClause {
		by := n.GetSortBy()
		e, err := s.sortExpr(c, by.Node)
		if err != nil {
			return err
		}
		key, err := s.sortKey(e, by)
		if err != nil {
			return err
		}
		s.keys = append(s.keys, key)
	}
	return nil
}

func (s *selecting) sortExpr(c *exprs, n *pg.Node) (expr.Expr, error) {
	if i, ok := s.ordinal(n); ok {
		if i < 1 || i > len(s.targets) {
			return nil, s.errorf(location(n), sqlerr.InvalidColumnReference, "ORDER BY position %d is not in select list", i)
		}
		return s.settleTarget(i-1, n)
	}
	if k := n.GetAConst(); k != nil {
		return nil, s.errorf(k.Location, sqlerr.SyntaxError, "non-integer constant in ORDER BY")
	}
	if i, err := s.targetNamed(n, "ORDER BY"); err != nil || i >= 0 {
		if err != nil {
			return nil, err
		}
		return s.settleTarget(i, n)
	}
	return c.typed(n)
}

// settleTarget returns an output expression that something else refers to, typed.
func (s *selecting) settleTarget(i int, n *pg.Node) (expr.Expr, error) {
	e, err := s.settle(s.targets[i].expr, location(n))
	s.targets[i].expr = e
	return e, err
}

// targetNamed finds the output column that an unqualified name means; -1 when none has it.
func (s *selecting) targetNamed(n *pg.Node, clause string) (int, error) {
	ref := n.GetColumnRef()
	if ref == nil || len(ref.Fields) != 1 || ref.Fields[0].GetString_() == nil {
		return -1, nil
	}
	name := ref.Fields[0].GetString_().Sval
	found := -1
	for i, t := range s.targets {
		if t.name != name {
			continue
		}
		if found >= 0 && t.expr != nil && s.targets[found].expr != nil {
			if same, slots := scalar.Equal(t.expr, s.targets[found].expr); same {
				s.pin(slots...)
				continue
			}
		}
		if found >= 0 {
			return -1, s.errorf(ref.Location, sqlerr.AmbiguousColumn, "%s \"%s\" is ambiguous", clause, name)
		}
		found = i
	}
	return found, nil
}

// output adds projection, DISTINCT, ORDER BY and LIMIT.
func (s *selecting) output(n logical.Node, parent *scope) (*query, error) {
	items := make([]logical.Item, 0, len(s.targets))
	own := logical.OutputSet(n)
	for _, t := range s.targets {
		items = append(items, logical.Item{Column: s.outputColumn(t.name, t.expr, own), Expr: t.expr})
	}
	visible := len(items)
	for k := range s.keys {
		i := s.findItem(items, s.keys[k].Expr)
		if i < 0 {
			if len(s.sel.DistinctClause) > 0 {
				return nil, s.errorf(location(s.sel.SortClause[k].GetSortBy().Node), sqlerr.InvalidColumnReference,
					"for SELECT DISTINCT, ORDER BY expressions must appear in select list")
			}
			e := s.keys[k].Expr
			items = append(items, logical.Item{Column: s.outputColumn("order", e, own), Expr: e})
			i = len(items) - 1
		}
		s.keys[k].Expr = items[i].Ref()
	}
	n = logical.NewProject(n, items)
	if len(s.sel.DistinctClause) > 0 {
		if on := s.sel.DistinctClause[0]; on.GetNode() != nil {
			return nil, s.unsupported(location(on), "SELECT DISTINCT ON is not supported")
		}
		if visible == 0 {
			return nil, s.unsupported(-1, "SELECT DISTINCT needs a column")
		}
		groups := make([]logical.Item, visible)
		for i := range groups {
			groups[i] = logical.Item{Column: items[i].Column, Expr: items[i].Ref()}
		}
		n = logical.NewAggregate(n, groups, nil)
	}
	if len(s.keys) > 0 {
		n = &logical.Sort{Input: n, Keys: s.keys}
	}
	n, err := s.limit(n, s.sel, parent)
	if err != nil {
		return nil, err
	}
	if len(items) > visible {
		pass := make([]logical.Item, visible)
		for i := range pass {
			pass[i] = logical.Item{Column: items[i].Column, Expr: items[i].Ref()}
		}
		n = logical.NewProject(n, pass)
	}
	return &query{node: n, cols: n.Columns()}, nil
}

// outputColumn keeps the ID of a column that is passed on, once: own are the input's columns that were not yet, and it takes the
// column out. Everything else gets a fresh ID; so does a column of the query around this one, which is the outer row's and must
// not be the subquery's too.
func (b *binder) outputColumn(name string, e expr.Expr, own logical.Set) logical.Column {
	if c, ok := e.(*expr.Column); ok && own.Has(c.ID) {
		delete(own, c.ID)
		return logical.Column{ID: c.ID, Name: name, Type: c.Typ}
	}
	return b.newColumn(name, e.Type())
}

// findItem returns the item that computes e, -1 when there is none.
func (s *selecting) findItem(items []logical.Item, e expr.Expr) int {
	for i := range items {
		if same, slots := scalar.Equal(items[i].Expr, e); same && !scalar.IsVolatile(e) || items[i].Expr == e {
			s.pin(slots...)
			return i
		}
	}
	return -1
}

// outputName is the name PostgreSQL gives an unnamed output column, and how strongly (2: of a column or function, 1: of a
// construct or type, 0: none).
func outputName(n *pg.Node) (name string, strength int) {
	switch n := n.GetNode().(type) {
	case *pg.Node_ColumnRef:
		for _, f := range n.ColumnRef.Fields {
			if s := f.GetString_(); s != nil {
				name = s.Sval
			}
		}
		return name, 2
	case *pg.Node_FuncCall:
		return lastName(n.FuncCall.Funcname), 2
	case *pg.Node_AExpr:
		if n.AExpr.Kind == pg.A_Expr_Kind_AEXPR_NULLIF {
			return "nullif", 2
		}
	case *pg.Node_TypeCast:
		if name, strength = outputName(n.TypeCast.Arg); strength > 1 {
			return name, strength
		}
		return lastName(n.TypeCast.TypeName.GetNames()), 1
	case *pg.Node_CollateClause:
		return outputName(n.CollateClause.Arg)
	case *pg.Node_CaseExpr:
		if name, strength = outputName(n.CaseExpr.Defresult); strength > 1 {
			return name, strength
		}
		return "case", 1
	case *pg.Node_CoalesceExpr:
		return "coalesce", 2
	case *pg.Node_MinMaxExpr:
		if n.MinMaxExpr.Op == pg.MinMaxOp_IS_LEAST {
			return "least", 2
		}
		return "greatest", 2
	case *pg.Node_SubLink:
		switch n.SubLink.SubLinkType {
		case pg.SubLinkType_EXISTS_SUBLINK:
			return "exists", 2
		case pg.SubLinkType_EXPR_SUBLINK:
			if targets := n.SubLink.Subselect.GetSelectStmt().GetTargetList(); len(targets) > 0 {
				t := targets[0].GetResTarget()
				if t.Name != "" {
					return t.Name, 2
				}
				return outputName(t.Val)
			}
		}
	case *pg.Node_SqlvalueFunction:
		if name, ok := valueFunctionNames[n.SqlvalueFunction.Op]; ok {
			return name, 2
		}
	case *pg.Node_RowExpr:
		return "row", 2
	}
	return "?column?", 0
}

var valueFunctionNames = map[pg.SQLValueFunctionOp]string{
	pg.SQLValueFunctionOp_SVFOP_CURRENT_DATE:        "current_date",
	pg.SQLValueFunctionOp_SVFOP_CURRENT_TIMESTAMP:   "current_timestamp",
	pg.SQLValueFunctionOp_SVFOP_CURRENT_TIMESTAMP_N: "current_timestamp",
	pg.SQLValueFunctionOp_SVFOP_LOCALTIMESTAMP:      "localtimestamp",
	pg.SQLValueFunctionOp_SVFOP_LOCALTIMESTAMP_N:    "localtimestamp",
	pg.SQLValueFunctionOp_SVFOP_CURRENT_ROLE:        "current_role",
	pg.SQLValueFunctionOp_SVFOP_CURRENT_USER:        "current_user",
	pg.SQLValueFunctionOp_SVFOP_USER:                "user",
	pg.SQLValueFunctionOp_SVFOP_SESSION_USER:        "session_user",
	pg.SQLValueFunctionOp_SVFOP_CURRENT_CATALOG:     "current_catalog",
	pg.SQLValueFunctionOp_SVFOP_CURRENT_SCHEMA:      "current_schema",
}
