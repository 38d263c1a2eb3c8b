package bind

import (
	pg "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/plan/utility"
	"github.com/attunedb/attune/engine/sqlerr"
)

// eachNodeOf visits all nodes of a parse tree.
func eachNodeOf(n *pg.Node, visit func(*pg.Node)) {
	if n != nil {
		eachMessage(n.ProtoReflect(), visit)
	}
}

func eachMessage(m protoreflect.Message, visit func(*pg.Node)) {
	if n, ok := m.Interface().(*pg.Node); ok {
		visit(n)
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.Message() == nil || f.IsMap():
		case f.IsList():
			for i := range v.List().Len() {
				eachMessage(v.List().Get(i).Message(), visit)
			}
		default:
			eachMessage(v.Message(), visit)
		}
		return true
	})
}

func (b *binder) createIndex(n *pg.IndexStmt) (*Result, error) {
	t, err := b.table(n.Relation)
	if err != nil {
		return nil, err
	}
	switch {
	case n.AccessMethod != "" && n.AccessMethod != "btree":
		return nil, b.unsupported(-1, "access method \"%s\" is not supported", n.AccessMethod)
	case n.WhereClause != nil:
		return nil, b.unsupported(location(n.WhereClause), "partial indexes are not supported")
	case len(n.IndexIncludingParams) > 0:
		return nil, b.unsupported(-1, "INCLUDE is not supported")
	case n.NullsNotDistinct:
		return nil, b.unsupported(-1, "NULLS NOT DISTINCT is not supported")
	case len(n.IndexParams) > 32:
		return nil, sqlerr.New(sqlerr.TooManyColumns, "cannot use more than 32 columns in an index")
	}
	d := &tableDef{binder: b, table: t}
	ix := catalog.Index{Name: n.Idxname, Unique: n.Unique}
	label, descending := "", false
	for _, p := range n.IndexParams {
		e := p.GetIndexElem()
		if e.Name == "" {
			return nil, b.unsupported(location(e.Expr), "indexes over expressions are not supported")
		}
		o, ok := t.ColumnOrdinal(e.Name)
		if !ok {
			return nil, sqlerr.New(sqlerr.UndefinedColumn, "column \"%s\" does not exist", e.Name)
		}
		desc := e.Ordering == pg.SortByDir_SORTBY_DESC
		// NULLs sort last ascending and first descending; other orders have no key encoding.
		if e.NullsOrdering == pg.SortByNulls_SORTBY_NULLS_FIRST && !desc || e.NullsOrdering == pg.SortByNulls_SORTBY_NULLS_LAST && desc {
			return nil, b.unsupported(-1, "NULLS FIRST and NULLS LAST other than the default are not supported in an index")
		}
		ix.Columns, ix.Desc = append(ix.Columns, o), append(ix.Desc, desc)
		descending = descending || desc
		if label != "" {
			label += "_"
		}
		label += e.Name
	}
	if !descending {
		ix.Desc = nil
	}
	if err := d.indexable(ix.Columns, -1); err != nil {
		return nil, err
	}
	exists := func(name string) bool {
		found := false
		b.cat.Tables(func(t *catalog.Table) {
			found = found || t.Name == name || !t.HasHiddenKey() && t.Primary.Name == name
			for i := range t.Indexes {
				found = found || t.Indexes[i].Name == name
			}
		})
		return found
	}
	if ix.Name == "" {
		for i := 0; ix.Name == "" || exists(ix.Name); i++ {
			ix.Name = objectLabel(t.Name, label, "idx", i)
		}
	} else if exists(ix.Name) && !n.IfNotExists {
		return nil, sqlerr.New(sqlerr.DuplicateTable, "relation \"%s\" already exists", ix.Name)
	}
	return &Result{Tag: "CREATE INDEX", Utility: &utility.CreateIndex{
		Table: catalog.Name{Schema: t.Schema, Name: t.Name}, Index: ix, IfNotExists: n.IfNotExists,
	}}, nil
}

func (b *binder) alterTable(n *pg.AlterTableStmt) (*Result, error) {
	if n.Objtype != pg.ObjectType_OBJECT_TABLE || len(n.Cmds) != 1 ||
		n.Cmds[0].GetAlterTableCmd().GetSubtype() != pg.AlterTableType_AT_AddConstraint {
		return nil, b.unsupported(n.Relation.GetLocation(), "ALTER TABLE supports ADD of one constraint only")
	}
	t := b.lookupTable(n.Relation.Schemaname, n.Relation.Relname)
	cmd := &utility.AddConstraint{Table: b.objectName(n.Relation), IfExists: n.MissingOk}
	r := &Result{Tag: "ALTER TABLE", Utility: cmd}
	if t == nil {
		if n.MissingOk {
			return r, nil
		}
		_, err := b.table(n.Relation)
		return nil, err
	}
	// The definition works on a copy: its marks on columns are for the executor to make.
	shape := *t
	shape.Columns = append([]catalog.Column(nil), t.Columns...)
	shape.Indexes = append([]catalog.Index(nil), t.Indexes...)
	if shape.HasHiddenKey() {
		shape.Primary = catalog.Index{}
	}
	d := &tableDef{binder: b, name: catalog.Name{Schema: t.Schema, Name: t.Name}, table: &shape, taken: map[string]bool{}}
	d.taken[shape.Primary.Name] = true
	for i := range t.Indexes {
		d.taken[t.Indexes[i].Name] = true
	}
	for _, c := range t.Checks {
		d.taken[c.Name] = true
	}
	for _, c := range t.ForeignKeys {
		d.taken[c.Name] = true
	}
	c := pendingConstraint{Constraint: n.Cmds[0].GetAlterTableCmd().Def.GetConstraint()}
	if c.SkipValidation {
		return nil, b.unsupported(c.Location, "NOT VALID is not supported")
	}
	if err := d.constraint(c); err != nil {
		return nil, err
	}
	switch c.Contype {
	case pg.ConstrType_CONSTR_PRIMARY:
		cmd.Primary = &shape.Primary
	case pg.ConstrType_CONSTR_UNIQUE:
		ix := shape.Indexes[len(shape.Indexes)-1]
		ix.ID, ix.State = 0, catalog.IndexWriteOnly
		cmd.Unique = &ix
	case pg.ConstrType_CONSTR_CHECK:
		cmd.Check = &shape.Checks[len(shape.Checks)-1]
	case pg.ConstrType_CONSTR_FOREIGN:
		cmd.ForeignKey = &shape.ForeignKeys[len(shape.ForeignKeys)-1]
	}
	return r, nil
}

func (b *binder) drop(n *pg.DropStmt) (*Result, error) {
	cascade := n.Behavior == pg.DropBehavior_DROP_CASCADE
	var objects []*pg.RangeVar
	for _, o := range n.Objects {
		parts := names(o.GetList().GetItems())
		r := &pg.RangeVar{Location: -1}
		if len(parts) > 0 {
			r.Relname = parts[len(parts)-1]
		}
		if len(parts) > 1 {
			r.Schemaname = parts[len(parts)-2]
		}
		objects = append(objects, r)
	}
	switch n.RemoveType {
	case pg.ObjectType_OBJECT_TABLE:
		cmd := &utility.DropTable{IfExists: n.MissingOk, Cascade: cascade}
		for _, r := range objects {
			if b.lookupTable(r.Schemaname, r.Relname) == nil && !n.MissingOk {
				return nil, sqlerr.New(sqlerr.UndefinedTable, "table \"%s\" does not exist", qualified(r.Schemaname, r.Relname))
			}
			cmd.Tables = append(cmd.Tables, b.objectName(r))
		}
		return &Result{Tag: "DROP TABLE", Utility: cmd}, nil
	case pg.ObjectType_OBJECT_INDEX:
		return b.dropIndex(n, objects)
	case pg.ObjectType_OBJECT_VIEW:
		return nil, b.unsupported(-1, "views are not supported")
	case pg.ObjectType_OBJECT_SCHEMA:
		return nil, b.unsupported(-1, "schemas are not supported")
	}
	return nil, b.unsupported(-1, "this kind of DROP is not supported")
}

func (b *binder) dropIndex(n *pg.DropStmt, objects []*pg.RangeVar) (*Result, error) {
	cmd := &utility.DropIndex{IfExists: n.MissingOk}
	for _, r := range objects {
		var owner *catalog.Table
		primary := false
		b.cat.Tables(func(t *catalog.Table) {
			if r.Schemaname != "" && r.Schemaname != t.Schema {
				return
			}
			if t.Primary.Name == r.Relname && !t.HasHiddenKey() {
				owner, primary = t, true
			}
			for i := range t.Indexes {
				if t.Indexes[i].Name == r.Relname {
					owner = t
				}
			}
		})
		switch {
		case owner == nil && !n.MissingOk:
			return nil, sqlerr.New(sqlerr.UndefinedObject, "index \"%s\" does not exist", r.Relname)
		case primary:
			return nil, sqlerr.New(sqlerr.DependentObjectsStillExist, "cannot drop index %s because constraint %s on table %s requires it", r.Relname, r.Relname, owner.Name).
				WithHint("You can drop constraint %s on table %s instead.", r.Relname, owner.Name)
		}
		name := catalog.Name{Schema: b.creationSchema(), Name: r.Relname}
		if owner != nil {
			name.Schema = owner.Schema
			b.tables[owner.ID] = owner
		}
		cmd.Indexes = append(cmd.Indexes, name)
	}
	return &Result{Tag: "DROP INDEX", Utility: cmd}, nil
}

func (b *binder) truncate(n *pg.TruncateStmt) (*Result, error) {
	if n.RestartSeqs {
		return nil, b.unsupported(-1, "TRUNCATE … RESTART IDENTITY is not supported")
	}
	cmd := &utility.Truncate{}
	listed := map[catalog.TableID]bool{}
	for _, r := range n.Relations {
		t, err := b.table(r.GetRangeVar())
		if err != nil {
			return nil, err
		}
		listed[t.ID] = true
		cmd.Tables = append(cmd.Tables, catalog.Name{Schema: t.Schema, Name: t.Name})
	}
	cascade := n.Behavior == pg.DropBehavior_DROP_CASCADE
	for id := range listed {
		for _, child := range b.cat.ReferencedBy(id) {
			switch {
			case listed[child.ID]:
			case cascade:
				return nil, b.unsupported(-1, "TRUNCATE … CASCADE of referencing tables is not supported")
			default:
				return nil, sqlerr.New(sqlerr.FeatureNotSupported, "cannot truncate a table referenced in a foreign key constraint").
					WithDetail("Table \"%s\" references \"%s\".", child.Name, b.cat.TableByID(id).Name).
					WithHint("Truncate table \"%s\" at the same time, or use TRUNCATE ... CASCADE.", child.Name)
			}
		}
	}
	return &Result{Tag: "TRUNCATE TABLE", Utility: cmd}, nil
}
