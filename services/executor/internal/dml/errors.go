package dml

import (
	"strings"
	"unicode/utf8"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/keys"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/types/pgtext"
	"github.com/attunedb/attune/engine/vec"
)

// maxValueBytes is how much of a value a failing row shows.
const maxValueBytes = 64

func (e *Env) text() *pgtext.Env { return &pgtext.Env{Location: e.Compute.Zone()} }

// failingRow returns PostgreSQL's detail of a row that breaks a constraint. b has all columns of the table.
func failingRow(e *Env, t *catalog.Table, b *vec.Batch, row int) string {
	var s strings.Builder
	env := e.text()
	for i := range t.Columns {
		if t.Columns[i].Hidden {
			continue
		}
		if s.Len() > 0 {
			s.WriteString(", ")
		}
		if b.Cols[i].IsNull(row) {
			s.WriteString("null")
			continue
		}
		v := string(pgtext.AppendAt(nil, b.Cols[i], row, env))
		if len(v) > maxValueBytes {
			cut := maxValueBytes
			for cut > 0 && !utf8.RuneStart(v[cut]) {
				cut--
			}
			v = v[:cut] + "..."
		}
		s.WriteString(v)
	}
	return "Failing row contains (" + s.String() + ")."
}

func errNotNull(e *Env, t *catalog.Table, col int, b *vec.Batch, row int) *sqlerr.Error {
	name := t.Columns[col].Name
	err := sqlerr.New(sqlerr.NotNullViolation, `null value in column "%s" of relation "%s" violates not-null constraint`, name, t.Name).
		WithDetail("%s", failingRow(e, t, b, row)).WithTable(t.Name, name, "")
	err.Schema = t.Schema
	return err
}

func errCheck(e *Env, t *catalog.Table, constraint string, b *vec.Batch, row int) *sqlerr.Error {
	err := sqlerr.New(sqlerr.CheckViolation, `new row for relation "%s" violates check constraint "%s"`, t.Name, constraint).
		WithDetail("%s", failingRow(e, t, b, row)).WithTable(t.Name, "", constraint)
	err.Schema = t.Schema
	return err
}

// KeyText returns an index key as PostgreSQL's details show it, such as "(a, b)=(1, x)"; empty when the key is not
// one of the index's.
func KeyText(t *catalog.Table, ix *catalog.Index, key []byte, env *pgtext.Env) string {
	_, _, rest, ok := keys.SplitPrefix(key)
	if !ok {
		return ""
	}
	names, values := make([]string, len(ix.Columns)), make([]string, len(ix.Columns))
	for i, o := range ix.Columns {
		d, r, err := keys.Decode(rest, t.Columns[o].Type, ix.Desc != nil && ix.Desc[i])
		if err != nil {
			return ""
		}
		rest = r
		names[i], values[i] = t.Columns[o].Name, nullText(d, env)
	}
	return pair(names, values)
}

func pair(names, values []string) string {
	return "(" + strings.Join(names, ", ") + ")=(" + strings.Join(values, ", ") + ")"
}

func nullText(d types.Datum, env *pgtext.Env) string {
	if d.IsNull() {
		return "null"
	}
	return pgtext.String(d, env)
}

// errDuplicate is the error of an insert whose key exists.
func errDuplicate(e *Env, t *catalog.Table, key []byte) *sqlerr.Error {
	_, id, _, _ := keys.SplitPrefix(key)
	ix := t.Index(id)
	if ix == nil {
		return sqlerr.New(sqlerr.UniqueViolation, `duplicate key value violates a unique constraint of "%s"`, t.Name)
	}
	err := sqlerr.New(sqlerr.UniqueViolation, `duplicate key value violates unique constraint "%s"`, ix.Name).
		WithTable(t.Name, "", ix.Name)
	err.Schema = t.Schema
	if text := KeyText(t, ix, key, e.text()); text != "" {
		return err.WithDetail("Key %s already exists.", text)
	}
	return err
}

// errParentMissing is the error of a required key that does not exist.
func errParentMissing(e *Env, t *catalog.Table, r requirement) *sqlerr.Error {
	p := r.check
	err := sqlerr.New(sqlerr.ForeignKeyViolation, `insert or update on table "%s" violates foreign key constraint "%s"`, t.Name, p.name).
		WithTable(t.Name, "", p.name)
	err.Schema = t.Schema
	values := p.decode(r.key, e.text())
	if values == nil {
		return err
	}
	names := make([]string, len(p.columns))
	for i, o := range p.columns {
		names[i] = t.Columns[o].Name
	}
	return err.WithDetail(`Key %s is not present in table "%s".`, pair(names, values), p.parent.Name)
}

// errStillReferenced is the error of a removed key that another table's row refers to.
func errStillReferenced(t *catalog.Table, c *childCheck, key string) *sqlerr.Error {
	err := sqlerr.New(sqlerr.ForeignKeyViolation,
		`update or delete on table "%s" violates foreign key constraint "%s" on table "%s"`, t.Name, c.name, c.child.Name).
		WithDetail(`Key %s is still referenced from table "%s".`, key, c.child.Name).WithTable(c.child.Name, "", c.name)
	err.Schema = c.child.Schema
	return err
}
