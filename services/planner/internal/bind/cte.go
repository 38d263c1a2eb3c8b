package bind

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/sqlerr"
)

// cteDef is a common table expression.
type cteDef struct {
	name string
	// id numbers the definition in the plan.
	id   int
	node logical.Node
	cols []logical.Column
	// rebind binds the definition anew, for one that refers to an outer query: it cannot be computed once.
	rebind func() (*query, error)
	// correlated is true when it does.
	correlated bool
	refs       int
	// definition text, as the scope of its own references.
	stmt *pg.CommonTableExpr
}

// withClause binds the definitions of a WITH clause and returns the scope in which they are visible.
func (b *binder) withClause(w *pg.WithClause, parent *scope) (*scope, error) {
	if w.Recursive {
		return nil, b.unsupported(w.Location, "WITH RECURSIVE is not supported")
	}
	sc := &scope{parent: parent}
	for _, n := range w.Ctes {
		c := n.GetCommonTableExpr()
		for _, d := range sc.ctes {
			if d.name == c.Ctename {
				return nil, b.errorf(c.Location, sqlerr.DuplicateAlias, "WITH query name \"%s\" specified more than once", c.Ctename)
			}
		}
		sel := c.Ctequery.GetSelectStmt()
		if sel == nil {
			return nil, b.unsupported(c.Location, "data-modifying statements in WITH are not supported")
		}
		// The definition sees the ones before it.
		inner := &scope{parent: parent, ctes: sc.ctes[:len(sc.ctes):len(sc.ctes)]}
		def := &cteDef{name: c.Ctename, id: len(b.ctes) + 1, stmt: c}
		def.rebind = func() (*query, error) { return b.query(sel, inner, queryOptions{}) }
		q, err := def.rebind()
		if err != nil {
			return nil, err
		}
		if len(c.Aliascolnames) > len(q.cols) {
			return nil, b.errorf(c.Location, sqlerr.InvalidColumnReference, "WITH query \"%s\" has %d columns available but %d columns specified",
				c.Ctename, len(q.cols), len(c.Aliascolnames))
		}
		def.node, def.cols = q.node, q.cols
		def.correlated = len(logical.FreeColumns(q.node)) > 0
		b.ctes = append(b.ctes, def)
		sc.ctes = append(sc.ctes, def)
	}
	return sc, nil
}

func findCTE(s *scope, name string) *cteDef {
	for ; s != nil; s = s.parent {
		for _, d := range s.ctes {
			if d.name == name {
				return d
			}
		}
	}
	return nil
}

// cteRef refers to a common table expression from FROM.
func (b *binder) cteRef(def *cteDef, r *pg.RangeVar) (*source, error) {
	rel := &relation{name: def.name}
	if r.Alias != nil {
		rel.name = r.Alias.Aliasname
	}
	var node logical.Node
	if def.correlated {
		q, err := def.rebind()
		if err != nil {
			return nil, err
		}
		node = q.node
	} else {
		def.refs++
		ref := &logical.CTERef{CTE: def.id, Name: def.name}
		for _, c := range def.cols {
			ref.Cols = append(ref.Cols, b.newColumn(c.Name, c.Type))
		}
		node = ref
	}
	for i, c := range node.Columns() {
		name := c.Name
		if i < len(def.stmt.Aliascolnames) {
			name = def.stmt.Aliascolnames[i].GetString_().GetSval()
		}
		rel.cols = append(rel.cols, named{name: name, expr: c.Ref()})
	}
	if r.Alias != nil {
		if err := b.renameColumns(rel, r.Alias); err != nil {
			return nil, err
		}
	}
	return &source{node: node, rels: []*relation{rel}, cols: rel.cols}, nil
}

// withDefinitions puts the definitions that are used above the body.
func (b *binder) withDefinitions(body logical.Node) logical.Node {
	// A definition is used by the body, or by a later definition that is used.
	used := map[int]bool{}
	mark := func(n logical.Node) {
		eachNode(n, func(n logical.Node) {
			if r, ok := n.(*logical.CTERef); ok {
				used[r.CTE] = true
			}
		})
	}
	mark(body)
	for i := len(b.ctes) - 1; i >= 0; i-- {
		if d := b.ctes[i]; used[d.id] {
			mark(d.node)
		}
	}
	w := &logical.With{Body: body}
	for _, d := range b.ctes {
		if used[d.id] {
			w.CTEs = append(w.CTEs, d.id)
			w.Defs = append(w.Defs, d.node)
		}
	}
	if len(w.CTEs) == 0 {
		return body
	}
	return w
}

func eachNode(n logical.Node, visit func(logical.Node)) {
	visit(n)
	for _, in := range n.Inputs() {
		eachNode(in, visit)
	}
}
