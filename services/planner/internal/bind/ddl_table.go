package bind

import (
	"slices"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/utility"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/services/planner/internal/parse"
)

// maxColumns is PostgreSQL's limit.
const maxColumns = 1600

var serialTypes = map[string]types.Kind{
	"serial": types.Int4, "serial4": types.Int4, "bigserial": types.Int8, "serial8": types.Int8,
	"smallserial": types.Int2, "serial2": types.Int2,
}

// tableDef is a table being defined.
type tableDef struct {
	*binder
	name      catalog.Name
	table     *catalog.Table
	sequences []*catalog.Sequence
	// taken are constraint and index names in use.
	taken map[string]bool
	// later are constraints that need all columns.
	later []pendingConstraint
}

// pendingConstraint is a constraint and the column it was written at, empty for a table constraint.
type pendingConstraint struct {
	*pg.Constraint
	column string
}

func (b *binder) createTable(n *pg.CreateStmt) (*Result, error) {
	r := n.Relation
	switch {
	case r.Relpersistence == "t":
		return nil, b.unsupported(r.Location, "temporary tables are not supported")
	case len(n.InhRelations) > 0, n.Partspec != nil, n.Partbound != nil:
		return nil, b.unsupported(r.Location, "inheritance and partitioning are not supported")
	case n.OfTypename != nil:
		return nil, b.unsupported(r.Location, "typed tables are not supported")
	}
	d := &tableDef{binder: b, name: catalog.Name{Schema: b.creationSchema(), Name: r.Relname}, taken: map[string]bool{}}
	if r.Schemaname != "" {
		if r.Schemaname != catalog.DefaultSchema {
			return nil, b.errorf(r.Location, "3F000", "schema \"%s\" does not exist", r.Schemaname)
		}
		d.name.Schema = r.Schemaname
	}
	if b.cat.Table(d.name.Schema, d.name.Name) != nil && !n.IfNotExists {
		return nil, sqlerr.New(sqlerr.DuplicateTable, "relation \"%s\" already exists", d.name.Name)
	}
	d.table = &catalog.Table{Schema: d.name.Schema, Name: d.name.Name}
	for _, e := range n.TableElts {
		if err := d.element(e); err != nil {
			return nil, err
		}
	}
	for _, c := range n.Constraints {
		d.later = append(d.later, pendingConstraint{Constraint: c.GetConstraint()})
	}
	if len(d.table.Columns) > maxColumns {
		return nil, sqlerr.New(sqlerr.TooManyColumns, "tables can have at most %d columns", maxColumns)
	}
	// A foreign key to the table itself finds keys that are written after it.
	for _, foreign := range []bool{false, true} {
		for _, c := range d.later {
			if (c.Contype == pg.ConstrType_CONSTR_FOREIGN) == foreign {
				if err := d.constraint(c); err != nil {
					return nil, err
				}
			}
		}
	}
	return &Result{Tag: "CREATE TABLE", Utility: &utility.CreateTable{
		Table: d.table, IfNotExists: n.IfNotExists, Sequences: d.sequences,
	}}, nil
}

func (d *tableDef) element(n *pg.Node) error {
	switch n := n.GetNode().(type) {
	case *pg.Node_ColumnDef:
		return d.column(n.ColumnDef)
	case *pg.Node_Constraint:
		d.later = append(d.later, pendingConstraint{Constraint: n.Constraint})
		return nil
	}
	return d.unsupported(-1, "LIKE in CREATE TABLE is not supported")
}

func (d *tableDef) column(n *pg.ColumnDef) error {
	for _, c := range d.table.Columns {
		if c.Name == n.Colname {
			return sqlerr.New(sqlerr.DuplicateColumn, "column \"%s\" specified more than once", n.Colname)
		}
	}
	if n.CollClause != nil {
		if name := lastName(n.CollClause.Collname); name != "C" && name != "POSIX" && name != "default" {
			return d.unsupported(n.CollClause.Location, "collation \"%s\" is not supported", name)
		}
	}
	col := catalog.Column{Name: n.Colname}
	kind, serial := serialTypes[lastName(n.TypeName.GetNames())]
	if serial && len(n.TypeName.Names) == 1 {
		col.Type, col.NotNull = types.Of(kind), true
		seq := &catalog.Sequence{Schema: d.name.Schema, Name: d.sequenceName(n.Colname), Start: 1, Increment: 1}
		d.sequences = append(d.sequences, seq)
		col.Default = "nextval('" + strings.ReplaceAll(seq.Name, "'", "''") + "')"
	} else {
		t, err := d.typeName(n.TypeName)
		if err != nil {
			return err
		}
		col.Type = t
	}
	d.table.Columns = append(d.table.Columns, col)
	at := &d.table.Columns[len(d.table.Columns)-1]
	for _, c := range n.Constraints {
		if err := d.columnConstraint(at, c.GetConstraint()); err != nil {
			return err
		}
	}
	return nil
}

func (d *tableDef) sequenceName(column string) string {
	for i := 0; ; i++ {
		name := objectLabel(d.name.Name, column, "seq", i)
		taken := d.cat.Sequence(d.name.Schema, name) != nil
		for _, s := range d.sequences {
			taken = taken || s.Name == name
		}
		if !taken {
			return name
		}
	}
}

// columnConstraint applies what concerns the column alone and keeps the rest for later.
func (d *tableDef) columnConstraint(col *catalog.Column, c *pg.Constraint) error {
	switch c.Contype {
	case pg.ConstrType_CONSTR_NOTNULL:
		col.NotNull = true
	case pg.ConstrType_CONSTR_NULL:
		if col.NotNull {
			return d.errorf(c.Location, sqlerr.SyntaxError, "conflicting NULL/NOT NULL declarations for column \"%s\" of table \"%s\"", col.Name, d.name.Name)
		}
	case pg.ConstrType_CONSTR_DEFAULT:
		if col.Default != "" {
			return d.errorf(c.Location, sqlerr.SyntaxError, "multiple default values specified for column \"%s\" of table \"%s\"", col.Name, d.name.Name)
		}
		return d.defaultClause(col, c.RawExpr)
	case pg.ConstrType_CONSTR_IDENTITY, pg.ConstrType_CONSTR_GENERATED:
		return d.unsupported(c.Location, "generated columns are not supported")
	case pg.ConstrType_CONSTR_CHECK, pg.ConstrType_CONSTR_PRIMARY, pg.ConstrType_CONSTR_UNIQUE, pg.ConstrType_CONSTR_FOREIGN:
		d.later = append(d.later, pendingConstraint{Constraint: c, column: col.Name})
	case pg.ConstrType_CONSTR_ATTR_DEFERRABLE, pg.ConstrType_CONSTR_ATTR_DEFERRED:
		return d.unsupported(c.Location, "deferrable constraints are not supported")
	case pg.ConstrType_CONSTR_ATTR_NOT_DEFERRABLE, pg.ConstrType_CONSTR_ATTR_IMMEDIATE:
	default:
		return d.unsupported(c.Location, "this kind of constraint is not supported")
	}
	return nil
}

// defaultClause checks a default and keeps its text.
func (d *tableDef) defaultClause(col *catalog.Column, n *pg.Node) error {
	c := d.withoutAggs(&scope{}, "DEFAULT expressions", nil)
	if ref := findColumnRef(n); ref != nil {
		return d.errorf(ref.Location, sqlerr.FeatureNotSupported, "cannot use column reference in DEFAULT expression")
	}
	e, err := c.bind(n)
	if err != nil {
		return err
	}
	if _, err = d.coerce(e, col.Type, assigning, location(n)); err != nil {
		if sqlerr.CodeOf(err) == sqlerr.CannotCoerce {
			return sqlerr.New(sqlerr.DatatypeMismatch, "column \"%s\" is of type %s but default expression is of type %s", col.Name, col.Type.Kind, e.Type().Kind).
				WithHint("You will need to rewrite or cast the expression.")
		}
		return err
	}
	col.Default, err = parse.Text(n)
	return err
}

func findColumnRef(n *pg.Node) *pg.ColumnRef {
	var found *pg.ColumnRef
	eachNodeOf(n, func(m *pg.Node) {
		if r := m.GetColumnRef(); r != nil && found == nil {
			found = r
		}
	})
	return found
}

// constraint adds a table constraint.
func (d *tableDef) constraint(c pendingConstraint) error {
	if c.Deferrable || c.Initdeferred {
		return d.unsupported(c.Location, "deferrable constraints are not supported")
	}
	switch c.Contype {
	case pg.ConstrType_CONSTR_PRIMARY:
		if len(d.table.Primary.Columns) > 0 {
			return d.errorf(c.Location, sqlerr.InvalidTableDefinition, "multiple primary keys for table \"%s\" are not allowed", d.name.Name)
		}
		ix, err := d.key(c)
		if err != nil {
			return err
		}
		ix.ID = catalog.PrimaryIndex
		d.table.Primary = *ix
		for _, o := range ix.Columns {
			d.table.Columns[o].NotNull = true
		}
	case pg.ConstrType_CONSTR_UNIQUE:
		ix, err := d.key(c)
		if err != nil {
			return err
		}
		d.table.Indexes = append(d.table.Indexes, *ix)
		d.table.Indexes[len(d.table.Indexes)-1].ID = catalog.PrimaryIndex + catalog.IndexID(len(d.table.Indexes))
	case pg.ConstrType_CONSTR_CHECK:
		check, err := d.check(c)
		if err != nil {
			return err
		}
		d.table.Checks = append(d.table.Checks, *check)
	case pg.ConstrType_CONSTR_FOREIGN:
		fk, err := d.foreignKey(c)
		if err != nil {
			return err
		}
		d.table.ForeignKeys = append(d.table.ForeignKeys, *fk)
	default:
		return d.unsupported(c.Location, "this kind of constraint is not supported")
	}
	return nil
}

// ordinals resolves the columns a constraint names.
func (d *tableDef) ordinals(keys []string, at int32, what string) ([]int, error) {
	var out []int
	for _, k := range keys {
		o, ok := d.table.ColumnOrdinal(k)
		if !ok {
			return nil, d.errorf(at, sqlerr.UndefinedColumn, "column \"%s\" named in key does not exist", k)
		}
		if slices.Contains(out, o) {
			return nil, d.errorf(at, sqlerr.DuplicateColumn, "column \"%s\" appears twice in %s constraint", k, what)
		}
		out = append(out, o)
	}
	return out, nil
}

// key makes the index of a primary key or unique constraint.
func (d *tableDef) key(c pendingConstraint) (*catalog.Index, error) {
	primary := c.Contype == pg.ConstrType_CONSTR_PRIMARY
	what := map[bool]string{true: "primary key", false: "unique"}[primary]
	keys := names(c.Keys)
	if len(keys) == 0 && c.column != "" {
		keys = []string{c.column}
	}
	switch {
	case c.Indexname != "":
		return nil, d.unsupported(c.Location, "a constraint USING an existing index is not supported")
	case c.NullsNotDistinct:
		return nil, d.unsupported(c.Location, "NULLS NOT DISTINCT is not supported")
	case len(c.Including) > 0:
		return nil, d.unsupported(c.Location, "INCLUDE is not supported")
	case len(keys) > 32:
		return nil, sqlerr.New(sqlerr.TooManyColumns, "cannot use more than 32 columns in an index")
	}
	cols, err := d.ordinals(keys, c.Location, what)
	if err != nil {
		return nil, err
	}
	if err := d.indexable(cols, c.Location); err != nil {
		return nil, err
	}
	ix := &catalog.Index{Columns: cols, Unique: true, Name: c.Conname, State: catalog.IndexPublic}
	if primary {
		ix.Name, err = d.label(c, objectLabel(d.name.Name, "", "pkey", 0), "", "pkey")
	} else {
		ix.Name, err = d.label(c, "", strings.Join(keys, "_"), "key")
	}
	return ix, err
}

// indexable refuses kinds without an order to index by.
func (d *tableDef) indexable(cols []int, at int32) error {
	for _, o := range cols {
		if t := d.table.Columns[o].Type; t.Kind == types.JSONB {
			return d.unsupported(at, "an index over a column of type %s is not supported", t.Kind)
		}
	}
	return nil
}

// label returns a constraint's name: the written one, or PostgreSQL's choice, which is made unique.
func (d *tableDef) label(c pendingConstraint, fixed, columns, suffix string) (string, error) {
	if c.Conname != "" {
		if d.taken[c.Conname] {
			return "", sqlerr.New(sqlerr.DuplicateObject, "constraint \"%s\" for relation \"%s\" already exists", c.Conname, d.name.Name)
		}
		d.taken[c.Conname] = true
		return c.Conname, nil
	}
	for i := 0; ; i++ {
		name := fixed
		if name == "" || i > 0 {
			name = objectLabel(d.name.Name, columns, suffix, i)
		}
		if !d.taken[name] {
			d.taken[name] = true
			return name, nil
		}
	}
}

// objectLabel is PostgreSQL's ChooseRelationName: table_columns_suffix, cut to 63 bytes from the longer part, with a number when the plain
// name is taken.
func objectLabel(table, columns, suffix string, try int) string {
	if try > 0 {
		suffix += itoa(try)
	}
	room := 63 - len(suffix) - 1
	if columns != "" {
		room--
	}
	for len(table)+len(columns) > room {
		if len(table) > len(columns) {
			table = table[:len(table)-1]
		} else {
			columns = columns[:len(columns)-1]
		}
	}
	table, columns = strings.ToValidUTF8(table, ""), strings.ToValidUTF8(columns, "")
	if columns == "" {
		return table + "_" + suffix
	}
	return table + "_" + columns + "_" + suffix
}

// check binds a CHECK constraint, to see that it is right, and keeps its text.
func (d *tableDef) check(c pendingConstraint) (*catalog.Check, error) {
	rel := &relation{name: d.name.Name}
	for _, col := range d.table.Columns {
		if !col.Hidden {
			rel.cols = append(rel.cols, named{name: col.Name, expr: d.newColumn(col.Name, col.Type).Ref()})
		}
	}
	ctx := d.withoutAggs(&scope{from: &source{rels: []*relation{rel}, cols: rel.cols}}, "check constraints", nil)
	ctx.clause = "check constraint"
	e, err := ctx.condition(c.RawExpr, "CHECK")
	if err != nil {
		return nil, err
	}
	columns := map[string]bool{}
	expr.Columns(e, func(col *expr.Column) { columns[col.Name] = true })
	label := ""
	if len(columns) == 1 {
		for name := range columns {
			label = name
		}
	}
	out := &catalog.Check{}
	if out.Name, err = d.label(c, "", label, "check"); err != nil {
		return nil, err
	}
	out.SQL, err = parse.Text(c.RawExpr)
	return out, err
}

func (d *tableDef) foreignKey(c pendingConstraint) (*catalog.ForeignKey, error) {
	for _, action := range []string{c.FkUpdAction, c.FkDelAction} {
		if action != "" && action != "a" && action != "r" {
			return nil, d.unsupported(c.Location, "foreign key actions other than NO ACTION and RESTRICT are not supported")
		}
	}
	if c.FkMatchtype == "f" || c.FkMatchtype == "p" {
		return nil, d.unsupported(c.Location, "MATCH FULL and MATCH PARTIAL are not supported")
	}
	keys := names(c.FkAttrs)
	if len(keys) == 0 && c.column != "" {
		keys = []string{c.column}
	}
	var cols []int
	for _, k := range keys {
		o, ok := d.table.ColumnOrdinal(k)
		if !ok {
			return nil, d.errorf(c.Location, sqlerr.UndefinedColumn, "column \"%s\" referenced in foreign key constraint does not exist", k)
		}
		cols = append(cols, o)
	}
	parent := d.table
	if c.Pktable.Relname != d.name.Name || c.Pktable.Schemaname != "" && c.Pktable.Schemaname != d.name.Schema {
		var err error
		if parent, err = d.binder.table(c.Pktable); err != nil {
			return nil, err
		}
	}
	fk := &catalog.ForeignKey{Columns: cols, RefTable: parent.ID}
	if len(c.PkAttrs) == 0 {
		if len(parent.Primary.Columns) == 0 || parent.HasHiddenKey() {
			return nil, sqlerr.New(sqlerr.UndefinedObject, "there is no primary key for referenced table \"%s\"", parent.Name)
		}
		fk.RefColumns, fk.RefIndex = slices.Clone(parent.Primary.Columns), catalog.PrimaryIndex
	} else {
		for _, k := range names(c.PkAttrs) {
			o, ok := parent.ColumnOrdinal(k)
			if !ok {
				return nil, d.errorf(c.Location, sqlerr.UndefinedColumn, "column \"%s\" referenced in foreign key constraint does not exist", k)
			}
			fk.RefColumns = append(fk.RefColumns, o)
		}
	}
	if len(fk.RefColumns) != len(fk.Columns) {
		return nil, d.errorf(c.Location, sqlerr.InvalidForeignKey, "number of referencing and referenced columns for foreign key disagree")
	}
	if !d.matchIndex(fk, parent) {
		return nil, sqlerr.New(sqlerr.InvalidForeignKey, "there is no unique constraint matching given keys for referenced table \"%s\"", parent.Name)
	}
	var err error
	if fk.Name, err = d.label(c, "", strings.Join(keys, "_"), "fkey"); err != nil {
		return nil, err
	}
	for i := range fk.Columns {
		child, ref := d.table.Columns[fk.Columns[i]], parent.Columns[fk.RefColumns[i]]
		if !sameKeyKind(child.Type.Kind, ref.Type.Kind) {
			return nil, d.errorf(c.Location, sqlerr.DatatypeMismatch, "foreign key constraint \"%s\" cannot be implemented", fk.Name).
				WithDetail("Key columns \"%s\" and \"%s\" are of incompatible types: %s and %s.", child.Name, ref.Name, child.Type, ref.Type)
		}
	}
	return fk, nil
}

// sameKeyKind reports whether values of two kinds can be looked up as one another's keys.
func sameKeyKind(a, b types.Kind) bool {
	text := func(k types.Kind) bool { return k == types.Text || k == types.Varchar }
	return a == b || a.IsInteger() && b.IsInteger() || text(a) && text(b)
}

// matchIndex finds the unique index over exactly the referenced columns and puts the columns in its order.
func (d *tableDef) matchIndex(fk *catalog.ForeignKey, parent *catalog.Table) bool {
	try := func(ix *catalog.Index) bool {
		if !ix.Unique && ix.ID != catalog.PrimaryIndex || len(ix.Columns) != len(fk.RefColumns) || len(ix.Columns) == 0 {
			return false
		}
		cols := make([]int, len(ix.Columns))
		for i, o := range ix.Columns {
			at := slices.Index(fk.RefColumns, o)
			if at < 0 {
				return false
			}
			cols[i] = fk.Columns[at]
		}
		fk.Columns, fk.RefColumns, fk.RefIndex = cols, slices.Clone(ix.Columns), ix.ID
		return true
	}
	if try(&parent.Primary) {
		return true
	}
	for i := range parent.Indexes {
		if try(&parent.Indexes[i]) {
			return true
		}
	}
	return false
}
