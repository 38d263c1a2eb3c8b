package ddl

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/keys"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/services/executor/internal/sequence"
	"github.com/attunedb/attune/services/executor/internal/store"
)

// cleanupTimeout bounds what is done after a command failed or was cancelled.
const cleanupTimeout = 30 * time.Second

// schemaUndefined is PostgreSQL's SQLSTATE invalid_schema_name.
const schemaUndefined sqlerr.Code = "3F000"

// Edit is one change of the catalog, all or nothing.
type Edit struct {
	Put           []*catalog.Table
	Drop          []catalog.Name
	PutSequences  []*catalog.Sequence
	DropSequences []catalog.Name
}

// Catalog is the shared catalog.
type Catalog interface {
	// Snapshot returns the newest known state.
	Snapshot() *catalog.Snapshot
	// Update applies the edit that change returns for the catalog as it is; change may be called again when another change
	// comes first. A nil edit changes nothing. It returns a snapshot that has the change.
	Update(ctx context.Context, change func(*catalog.Snapshot) (*Edit, error)) (*catalog.Snapshot, error)
	// NextID returns a table ID that was never used.
	NextID(ctx context.Context) (catalog.TableID, error)
}

// Queries runs SQL in a transaction of its own and returns the number of rows, of which it needs no more than one.
type Queries func(ctx context.Context, sql string) (rows uint64, err error)

// Notice is a message that is no failure.
type Notice = *sqlerr.Error

// Runner carries commands out. It is safe for concurrent use.
type Runner struct {
	Catalog   Catalog
	Store     store.Store
	Sequences *sequence.Generator
	Log       *slog.Logger
	// NewTxn gives transaction identities.
	NewTxn func() uint64
}

// cleanup returns a context for undoing things after ctx may have ended.
func cleanup(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
}

// deleteSpan removes a span; what stays behind after a failure is garbage that nobody reads.
func (r *Runner) deleteSpan(ctx context.Context, start, end []byte) {
	if err := r.Store.DeleteSpan(ctx, access.Span{Start: start, End: end}); err != nil {
		r.Log.Warn("rows of a dropped object were not removed", "error", err)
	}
}

// forget removes what is left of a dropped table.
func (r *Runner) forget(ctx context.Context, t *catalog.Table, sequences []*catalog.Sequence) {
	ctx, cancel := cleanup(ctx)
	defer cancel()
	start, end := keys.TableSpan(t.ID)
	r.deleteSpan(ctx, start, end)
	if err := r.Sequences.Forget(ctx, t.ID, sequences); err != nil {
		r.Log.Warn("counters of a dropped table were not removed", "table", t.Name, "error", err)
	}
}

// find returns the table of a name, with PostgreSQL's error when there is none.
func find(s *catalog.Snapshot, n catalog.Name) (*catalog.Table, error) {
	if t := s.Table(n.Schema, n.Name); t != nil {
		return t, nil
	}
	return nil, sqlerr.New(sqlerr.UndefinedTable, `relation "%s" does not exist`, shown(n))
}

func shown(n catalog.Name) string {
	if n.Schema == "" || n.Schema == catalog.DefaultSchema {
		return n.Name
	}
	return n.Schema + "." + n.Name
}

// taken reports whether a table, index or sequence of the schema has the name.
func taken(s *catalog.Snapshot, schema, name string) bool {
	if s.Table(schema, name) != nil || s.Sequence(schema, name) != nil {
		return true
	}
	t, _ := findIndex(s, catalog.Name{Schema: schema, Name: name})
	return t != nil
}

// findIndex returns the table and index of that name, nil when there is none.
func findIndex(s *catalog.Snapshot, n catalog.Name) (table *catalog.Table, index *catalog.Index) {
	if n.Schema == "" {
		n.Schema = catalog.DefaultSchema
	}
	s.Tables(func(t *catalog.Table) {
		if t.Schema != n.Schema || table != nil {
			return
		}
		if t.Primary.Name == n.Name && !t.HasHiddenKey() {
			table, index = t, &t.Primary
			return
		}
		for i := range t.Indexes {
			if t.Indexes[i].Name == n.Name {
				table, index = t, &t.Indexes[i]
				return
			}
		}
	})
	return table, index
}

func errTaken(name string) *sqlerr.Error {
	return sqlerr.New(sqlerr.DuplicateTable, `relation "%s" already exists`, name)
}

func skipping(err *sqlerr.Error) Notice {
	c := *err
	c.Message += ", skipping"
	return &c
}

// clone returns a copy of t with the next version, whose slices of indexes and constraints may be changed.
func clone(t *catalog.Table) *catalog.Table {
	c := *t
	c.Version++
	c.Columns = append([]catalog.Column(nil), t.Columns...)
	c.Indexes = append([]catalog.Index(nil), t.Indexes...)
	c.Checks = append([]catalog.Check(nil), t.Checks...)
	c.ForeignKeys = append([]catalog.ForeignKey(nil), t.ForeignKeys...)
	return &c
}

// quoted returns an identifier in quotes.
func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func quotedTable(t *catalog.Table) string { return quoted(t.Schema) + "." + quoted(t.Name) }
