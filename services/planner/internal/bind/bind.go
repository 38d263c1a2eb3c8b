package bind

import (
	"strings"
	"time"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/plan/logical"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/plan/utility"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/sqltext"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
	"github.com/attunedb/attune/services/planner/internal/parse"
)

// Request is a statement and what it is bound against.
type Request struct {
	SQL     string
	Catalog *catalog.Snapshot
	// ParamTypes are the declared types of $1, $2, …; Unknown ones and those beyond are inferred.
	ParamTypes []types.Type
	// Settings are the session's; the binder reads "search_path" and "timezone", and current_setting reads all.
	Settings map[string]string
	// Now is the statement's time, for literals such as 'today'; zero for none.
	Now time.Time
	// User and Database are what current_user and current_database() give.
	User, Database string
}

// Result is a bound statement. It is not changed after it was returned.
type Result struct {
	// Logical is the plan of a query or write, Utility any other command. Both are nil for an empty statement.
	Logical logical.Node
	Utility utility.Command
	// Inner is the statement within an EXPLAIN, and the query or insert of a COPY. It shares the literals and parameters of
	// the whole statement.
	Inner *Result
	// Tag is the first words of the command tag.
	Tag string
	// Fields are the output columns.
	Fields []physical.Field
	// ParamTypes are those of $1 … $n, all known.
	ParamTypes []types.Type
	// LiteralTypes has an entry for every literal, Unknown for those that are pinned.
	LiteralTypes []types.Type
	// PinnedLiterals are the indexes of literals whose value shaped the plan, ascending.
	PinnedLiterals []int
	// Tables are those the statement depends on, in order of ID.
	Tables []*catalog.Table
	// Writes says whether the statement changes rows.
	Writes bool
	// Cacheable says whether the plan may serve other statements of the template.
	Cacheable bool
	// Template is the normalised statement.
	Template sqltext.Template
	// NextColumn is the first column ID that is not used.
	NextColumn expr.ColumnID
}

// Bind parses and binds one statement.
func Bind(req Request) (*Result, error) {
	stmt, err := parse.One(req.SQL)
	if err != nil {
		return nil, err
	}
	b := &binder{
		req: req, cat: req.Catalog, sql: req.SQL, stmt: stmt,
		params:   append([]types.Type(nil), req.ParamTypes...),
		declared: len(req.ParamTypes),
		literals: make(map[int]int, len(stmt.Template.Literals)),
		pinned:   map[int]bool{},
		tables:   map[catalog.TableID]*catalog.Table{},
		places:   map[*expr.Column]int32{},
		nextID:   1,
	}
	if zone, ok := pgtext.FindZone(setting(req.Settings, "timezone")); ok {
		b.text.Location = zone
	}
	b.text.Now = req.Now
	b.env = compute.Env{Location: b.text.Location, TxnTime: req.Now, StatementTime: req.Now, User: req.User, Database: req.Database}
	for i, l := range stmt.Template.Literals {
		b.literals[l.Offset] = i
	}
	for len(b.params) < stmt.Template.Params {
		b.params = append(b.params, types.Type{})
	}
	if stmt.Node == nil {
		return &Result{Template: stmt.Template, NextColumn: 1}, nil
	}
	r, err := b.statement(stmt.Node)
	if err != nil {
		return nil, err
	}
	if err := b.finish(r); err != nil {
		return nil, err
	}
	return r, nil
}

// setting returns a setting whose name may be in any case.
func setting(all map[string]string, name string) string {
	if v, ok := all[name]; ok {
		return v
	}
	for k, v := range all {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return ""
}

// binder is the state of binding one statement.
type binder struct {
	req  Request
	cat  *catalog.Snapshot
	sql  string
	stmt *parse.Statement
	text pgtext.Env
	env  compute.Env

	params   []types.Type
	declared int
	// literals gives the index of the literal at a byte offset; pinned holds the slots whose value shaped the plan.
	literals map[int]int
	pinned   map[int]bool
	// stored is true while text of the catalog is bound: its constants have no slots and its errors no position.
	stored bool

	tables map[catalog.TableID]*catalog.Table
	// places are the offsets of column references, for errors that are found after binding.
	places map[*expr.Column]int32
	nextID expr.ColumnID
	// ctes are the definitions that are used, in order of definition.
	ctes []*cteDef
	// once is true when the plan must not be used again.
	once bool
}

// newID returns a fresh column ID.
func (b *binder) newID() expr.ColumnID {
	id := b.nextID
	b.nextID++
	return id
}

func (b *binder) newColumn(name string, t types.Type) logical.Column {
	return logical.Column{ID: b.newID(), Name: name, Type: t}
}

// at gives err the position of a node of the parse tree.
func (b *binder) at(err error, location int32) error {
	if err == nil || b.stored || location < 0 {
		return err
	}
	if e := sqlerr.As(err); e != nil {
		return e.At(sqltext.CharPosition(b.sql, int(location)))
	}
	return err
}

// errorf returns an error at a node of the parse tree.
func (b *binder) errorf(location int32, code sqlerr.Code, format string, args ...any) *sqlerr.Error {
	e := sqlerr.New(code, format, args...)
	if b.stored || location < 0 {
		return e
	}
	return e.At(sqltext.CharPosition(b.sql, int(location)))
}

func (b *binder) unsupported(location int32, format string, args ...any) error {
	return b.errorf(location, sqlerr.FeatureNotSupported, format, args...)
}

// pin makes the values of literals part of the plan.
func (b *binder) pin(slots ...int) {
	for _, s := range slots {
		if s > 0 {
			b.pinned[s] = true
		}
	}
}

// schemas returns the search path.
func (b *binder) schemas() []string {
	path := setting(b.req.Settings, "search_path")
	if path == "" {
		return []string{catalog.DefaultSchema}
	}
	var out []string
	for _, s := range strings.Split(path, ",") {
		s = strings.TrimSpace(s)
		if n := len(s); n >= 2 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0] {
			s = s[1 : n-1]
		} else {
			s = strings.ToLower(s)
		}
		if s != "" && s != "$user" && s != "pg_catalog" {
			out = append(out, s)
		}
	}
	return out
}

// lookupTable finds a table by name and notes the dependency; nil when there is none.
func (b *binder) lookupTable(schema, name string) *catalog.Table {
	var t *catalog.Table
	if schema != "" {
		t = b.cat.Table(schema, name)
	} else {
		for _, s := range b.schemas() {
			if t = b.cat.Table(s, name); t != nil {
				break
			}
		}
	}
	if t != nil {
		b.tables[t.ID] = t
	}
	return t
}

// table finds the table a statement is about.
func (b *binder) table(r *pg.RangeVar) (*catalog.Table, error) {
	if r.Catalogname != "" && b.req.Database != "" && r.Catalogname != b.req.Database {
		return nil, b.unsupported(r.Location, "cross-database references are not implemented: %q", qualified(r.Catalogname, qualified(r.Schemaname, r.Relname)))
	}
	if t := b.lookupTable(r.Schemaname, r.Relname); t != nil {
		return t, nil
	}
	return nil, b.errorf(r.Location, sqlerr.UndefinedTable, "relation \"%s\" does not exist", qualified(r.Schemaname, r.Relname))
}

// qualified joins the parts of a name that are there.
func qualified(schema, name string) string {
	if schema == "" {
		return name
	}
	return schema + "." + name
}

// objectName returns the name under which an object is made or dropped.
func (b *binder) objectName(r *pg.RangeVar) catalog.Name {
	if r.Schemaname != "" {
		return catalog.Name{Schema: r.Schemaname, Name: r.Relname}
	}
	for _, s := range b.schemas() {
		if b.cat.Table(s, r.Relname) != nil {
			return catalog.Name{Schema: s, Name: r.Relname}
		}
	}
	return catalog.Name{Schema: b.creationSchema(), Name: r.Relname}
}

func (b *binder) creationSchema() string {
	if path := b.schemas(); len(path) > 0 {
		return path[0]
	}
	return catalog.DefaultSchema
}
