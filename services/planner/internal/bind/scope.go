package bind

import (
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/sqlerr"
)

// named is a column as names find it.
type named struct {
	name string
	// expr is the column, or for a column merged by a FULL JOIN USING its COALESCE.
	expr expr.Expr
}

// relation is what a qualified name refers to.
type relation struct {
	schema, name string
	cols         []named
	// table is the base table; nil for others.
	table *catalog.Table
}

// source is a part of a FROM clause.
type source struct {
	node logical.Node
	rels []*relation
	// cols are what * expands to and what unqualified names find.
	cols []named
}

// scope is what names may refer to in an expression. Scopes are chained from subqueries outwards.
type scope struct {
	parent *scope
	from   *source
	// hidden are relations of the same FROM clause that may not be referenced from here, for a better message.
	hidden *source
	// ctes are the common table expressions of this level.
	ctes []*cteDef
}

// column resolves an unqualified name; nil without error when there is none.
func (b *binder) unqualified(s *scope, name string, location int32) (expr.Expr, error) {
	for ; s != nil; s = s.parent {
		if s.from == nil {
			continue
		}
		var found expr.Expr
		for i := range s.from.cols {
			if s.from.cols[i].name != name {
				continue
			}
			if found != nil {
				return nil, b.errorf(location, sqlerr.AmbiguousColumn, "column reference \"%s\" is ambiguous", name)
			}
			found = s.from.cols[i].expr
		}
		if found != nil {
			return b.reference(found, location), nil
		}
	}
	return nil, nil
}

// relationNamed finds the relation of a qualified name, innermost first.
func (b *binder) relationNamed(s *scope, schema, name string, location int32) (*relation, error) {
	start := s
	for ; s != nil; s = s.parent {
		if s.from == nil {
			continue
		}
		if r := findRelation(s.from.rels, schema, name); r != nil {
			return r, nil
		}
	}
	for s = start; s != nil; s = s.parent {
		if s.hidden != nil && findRelation(s.hidden.rels, schema, name) != nil {
			return nil, b.errorf(location, sqlerr.UndefinedTable, "invalid reference to FROM-clause entry for table \"%s\"", name).
				WithDetail("There is an entry for table \"%s\", but it cannot be referenced from this part of the query.", name)
		}
	}
	for s = start; s != nil; s = s.parent {
		if s.from == nil {
			continue
		}
		for _, r := range s.from.rels {
			if r.table != nil && r.table.Name == name && r.name != name && schema == "" {
				return nil, b.errorf(location, sqlerr.UndefinedTable, "invalid reference to FROM-clause entry for table \"%s\"", name).
					WithHint("Perhaps you meant to reference the table alias \"%s\".", r.name)
			}
		}
	}
	return nil, b.errorf(location, sqlerr.UndefinedTable, "missing FROM-clause entry for table \"%s\"", name)
}

func findRelation(rels []*relation, schema, name string) *relation {
	for _, r := range rels {
		if r.name == name && (schema == "" || schema == r.schema) {
			return r
		}
	}
	return nil
}

// reference returns a copy of a column that remembers where it was written.
func (b *binder) reference(e expr.Expr, location int32) expr.Expr {
	c, ok := e.(*expr.Column)
	if !ok {
		return e
	}
	ref := *c
	if !b.stored {
		b.places[&ref] = location
	}
	return &ref
}

// columnOf resolves a name within one relation.
func (b *binder) columnOf(r *relation, name string, location int32) (expr.Expr, error) {
	var found expr.Expr
	for i := range r.cols {
		if r.cols[i].name != name {
			continue
		}
		if found != nil {
			return nil, b.errorf(location, sqlerr.AmbiguousColumn, "column reference \"%s\" is ambiguous", name)
		}
		found = r.cols[i].expr
	}
	if found == nil {
		e := b.errorf(location, sqlerr.UndefinedColumn, "column %s.%s does not exist", r.name, name)
		if near := nearest(name, r.cols); near != "" {
			e = e.WithHint("Perhaps you meant to reference the column \"%s.%s\".", r.name, near)
		}
		return nil, e
	}
	return b.reference(found, location), nil
}

// unknownColumn is the error for a name that nothing has.
func (b *binder) unknownColumn(s *scope, name string, location int32) error {
	e := b.errorf(location, sqlerr.UndefinedColumn, "column \"%s\" does not exist", name)
	for ; s != nil; s = s.parent {
		if s.from == nil {
			continue
		}
		for _, r := range s.from.rels {
			if near := nearest(name, r.cols); near != "" {
				return e.WithHint("Perhaps you meant to reference the column \"%s.%s\".", r.name, near)
			}
		}
	}
	return e
}

// nearest returns the column name closest to a misspelt one, empty when none is near.
func nearest(name string, cols []named) string {
	best, bestDistance := "", min(4, len(name)/2+1)
	for _, c := range cols {
		if d := distance(name, c.name, bestDistance); d < bestDistance {
			best, bestDistance = c.name, d
		}
	}
	return best
}

// distance is Levenshtein's, cut off at limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit || len(a) > 63 || len(b) > 63 {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
