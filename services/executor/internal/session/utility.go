package session

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/keys"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/plan/utility"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
	"github.com/attunedb/attune/services/executor/internal/ddl"
	"github.com/attunedb/attune/services/executor/internal/plancache"
)

// utility carries a command out and completes the statement.
func (s *Session) utility(ctx context.Context, src *source, plan *plancache.Plan, sink *guardedSink, start time.Time) error {
	done := func(err error) error {
		if err != nil {
			return err
		}
		return sink.Complete(&Completion{Tag: plan.Tag, Nanos: s.m.deps.Clock().Sub(start).Nanoseconds()})
	}
	switch u := plan.Command.(type) {
	case *utility.Transaction:
		return s.transaction(ctx, u, plan.Tag, sink, start)
	case *utility.Set:
		return done(s.set(u))
	case *utility.Show:
		return s.show(u, sink, start)
	case *utility.Explain:
		return s.explain(ctx, src, u, sink, start)
	case *utility.Copy:
		return s.copy(ctx, src, u, sink, start)
	case *utility.Prepare:
		_, err := s.prepare(ctx, u.Name, u.SQL, u.ParamTypes)
		return done(err)
	case *utility.Execute:
		return s.executePrepared(ctx, u, sink, start)
	case *utility.Deallocate:
		return done(s.deallocate(u))
	case *utility.Discard:
		return done(s.discard())
	}
	return done(s.define(ctx, plan.Tag, plan.Command))
}

// define carries out commands that change the catalog or what storage holds as a whole.
func (s *Session) define(ctx context.Context, tag string, cmd utility.Command) error {
	if s.txn != nil && s.txn.readOnly || s.txn == nil && s.settings.allReadOnly {
		if _, ok := cmd.(*utility.Analyze); !ok {
			return sqlerr.New(sqlerr.ReadOnlySQLTransaction, "cannot execute %s in a read-only transaction", tag)
		}
	}
	if s.txn != nil && s.txn.implicit {
		// A definition stands for itself: what the script did before it is kept, as it would be had each statement been sent alone.
		if _, err := s.commit(ctx); err != nil {
			return err
		}
	}
	r := s.m.ddl
	switch u := cmd.(type) {
	case *utility.CreateTable:
		t, notices, err := r.CreateTable(ctx, u)
		s.notices(notices)
		if err == nil && t != nil && s.txn != nil {
			s.undo(func(ctx context.Context) error {
				_, err := r.DropTable(ctx, &utility.DropTable{Tables: []catalog.Name{{Schema: t.Schema, Name: t.Name}}, IfExists: true, Cascade: true})
				return err
			})
		}
		return err
	case *utility.CreateIndex:
		if err := s.nothingStaged(tag); err != nil {
			return err
		}
		created, notices, err := r.CreateIndex(ctx, u)
		s.notices(notices)
		if err == nil && created && s.txn != nil {
			s.undo(func(ctx context.Context) error {
				_, err := r.DropIndex(ctx, &utility.DropIndex{Indexes: []catalog.Name{{Schema: u.Table.Schema, Name: u.Index.Name}}, IfExists: true})
				return err
			})
		}
		return err
	case *utility.DropTable:
		if s.txn != nil && !s.allMissing(u) {
			return errInTransaction(tag)
		}
		notices, err := r.DropTable(ctx, u)
		s.notices(notices)
		return err
	case *utility.DropIndex:
		if s.txn != nil {
			return errInTransaction(tag)
		}
		notices, err := r.DropIndex(ctx, u)
		s.notices(notices)
		return err
	case *utility.AddConstraint:
		if s.txn != nil {
			return errInTransaction(tag)
		}
		notices, err := r.AddConstraint(ctx, u, s.count)
		s.notices(notices)
		return err
	case *utility.Truncate:
		if s.txn == nil {
			return r.Truncate(ctx, u.Tables)
		}
		return s.truncate(ctx, u)
	case *utility.Analyze:
		return r.Analyze(ctx, u)
	}
	return sqlerr.New(sqlerr.FeatureNotSupported, "%s is not supported", tag)
}

func (s *Session) undo(f func(context.Context) error) { s.txn.undo = append(s.txn.undo, f) }

func errInTransaction(tag string) error {
	return sqlerr.New(sqlerr.ActiveSQLTransaction, "%s cannot run inside a transaction block", tag).
		WithHint("Definitions take effect at once and cannot be rolled back: run it outside of BEGIN … COMMIT.")
}

// nothingStaged refuses to change a table's indexes under writes of the transaction that were made without them.
func (s *Session) nothingStaged(tag string) error {
	if s.txn != nil && s.txn.staged {
		return errInTransaction(tag)
	}
	return nil
}

func (s *Session) allMissing(u *utility.DropTable) bool {
	if !u.IfExists {
		return false
	}
	for _, n := range u.Tables {
		if s.m.snapshot().Table(n.Schema, n.Name) != nil {
			return false
		}
	}
	return true
}

// truncate removes the rows of tables as a part of the open transaction.
func (s *Session) truncate(ctx context.Context, u *utility.Truncate) error {
	tables, err := ddl.CheckTruncate(s.m.snapshot(), u.Tables)
	if err != nil {
		return err
	}
	for _, t := range tables {
		empty, err := s.empty(ctx, t)
		if err != nil {
			return err
		}
		if empty {
			continue
		}
		if err := s.inner(ctx, "DELETE FROM "+quoted(t.Schema)+"."+quoted(t.Name)); err != nil {
			return err
		}
	}
	return nil
}

// empty reports whether the transaction sees no row in a table.
func (s *Session) empty(ctx context.Context, t *catalog.Table) (bool, error) {
	snap, err := s.stamp(ctx)
	if err != nil {
		return false, err
	}
	start, end := keys.IndexSpan(t.ID, catalog.PrimaryIndex)
	rows, err := s.m.deps.Store.Scan(ctx, &access.Scan{Snapshot: snap, Table: access.TableVersion{ID: t.ID, Version: t.Version},
		Index: catalog.PrimaryIndex, Span: access.Span{Start: start, End: end}, Columns: t.Primary.Columns, Limit: 1})
	if err != nil {
		return false, err
	}
	defer rows.Close()
	return isEmpty(ctx, rows)
}

// inner runs a statement of the session's own in the open transaction and discards its result.
func (s *Session) inner(ctx context.Context, sql string) error {
	src, err := s.source(&Request{SQL: sql})
	if err != nil {
		return err
	}
	kept := src.keep()
	return s.once(ctx, &kept, &guardedSink{Sink: discard{}}, s.m.deps.Clock())
}

// count runs a query in a transaction of its own and counts its rows.
func (s *Session) count(ctx context.Context, sql string) (uint64, error) {
	src, err := s.source(&Request{SQL: sql})
	if err != nil {
		return 0, err
	}
	kept := src.keep()
	sink := &counting{}
	err = s.once(ctx, &kept, &guardedSink{Sink: sink}, s.m.deps.Clock())
	return sink.rows, err
}

func (s *Session) set(u *utility.Set) error {
	inTxn := s.txn != nil && !s.txn.implicit
	// A transaction's characteristics end with it, and mean nothing outside.
	local := u.Local || strings.HasPrefix(lower(u.Name), "transaction_")
	if local && !inTxn {
		s.notice("WARNING", sqlerr.New(sqlerr.NoActiveSQLTransaction, "%s can only be used in transaction blocks", localName(u)))
		return nil
	}
	if u.Reset && lower(u.Name) == "all" {
		before := s.Reported()
		s.settings.resetAll(inTxn)
		if s.opts.OnSetting != nil {
			s.reportChanges(before)
		}
		return nil
	}
	d, err := s.settings.set(u.Name, u.Value, u.Reset, inTxn, local)
	if err != nil {
		return err
	}
	if s.txn != nil && lower(u.Name) == "transaction_read_only" {
		_, v, _ := s.settings.get("transaction_read_only")
		s.txn.readOnly = v == "on"
	}
	if d.reported && s.opts.OnSetting != nil {
		_, v, _ := s.settings.get(lower(u.Name))
		s.opts.OnSetting(d.name, v)
	}
	return nil
}

func localName(u *utility.Set) string {
	if u.Local {
		return "SET LOCAL"
	}
	return "SET TRANSACTION"
}

var text = types.Of(types.Text)

func showFields(name string) []physical.Field {
	if lower(name) == "all" {
		return []physical.Field{{Name: "name", Type: text}, {Name: "setting", Type: text}, {Name: "description", Type: text}}
	}
	return []physical.Field{{Name: lower(name), Type: text}}
}

func (s *Session) show(u *utility.Show, sink *guardedSink, start time.Time) error {
	fields := showFields(u.Name)
	var rows [][]string
	if lower(u.Name) == "all" {
		for _, n := range s.settings.names() {
			if d, v, ok := s.settings.get(n); ok {
				rows = append(rows, []string{d.name, v, ""})
			}
		}
	} else {
		d, v, ok := s.settings.get(lower(u.Name))
		if !ok {
			return errUnknownSetting(lower(u.Name))
		}
		fields[0].Name = d.name
		rows = [][]string{{v}}
	}
	return s.table(sink, "SHOW", fields, rows, start)
}

// table sends rows of text as a result.
func (s *Session) table(sink *guardedSink, tag string, fields []physical.Field, rows [][]string, start time.Time) error {
	if err := sink.Fields(fields); err != nil {
		return err
	}
	b := &vec.Batch{Len: len(rows)}
	for c := range fields {
		out := vec.NewBuilder(text, len(rows))
		for _, r := range rows {
			out.AppendString(r[c])
		}
		b.Cols = append(b.Cols, out.Finish())
	}
	sink.sent = true
	if err := sink.Batch(b); err != nil {
		return err
	}
	return sink.Complete(&Completion{Tag: tag, Rows: uint64(len(rows)), Nanos: s.m.deps.Clock().Sub(start).Nanoseconds()})
}

func (s *Session) deallocate(u *utility.Deallocate) error {
	if u.Name == "" {
		clear(s.prepared)
		return nil
	}
	if s.prepared[u.Name] == nil {
		return errNoStatement(u.Name)
	}
	delete(s.prepared, u.Name)
	return nil
}

func (s *Session) discard() error {
	if s.txn != nil && !s.txn.implicit {
		return sqlerr.New(sqlerr.ActiveSQLTransaction, "DISCARD ALL cannot run inside a transaction block")
	}
	clear(s.prepared)
	s.sequences.mu.Lock()
	s.sequences.current = nil
	s.sequences.mu.Unlock()
	return s.set(&utility.Set{Name: "all", Reset: true})
}

// executePrepared runs EXECUTE.
func (s *Session) executePrepared(ctx context.Context, u *utility.Execute, sink *guardedSink, start time.Time) error {
	p := s.prepared[u.Name]
	if p == nil {
		return errNoStatement(u.Name)
	}
	if len(u.Args) != p.params() {
		return sqlerr.New(sqlerr.SyntaxError, "wrong number of parameters for prepared statement \"%s\"", u.Name).
			WithDetail("Expected %d parameters but got %d.", p.params(), len(u.Args))
	}
	src := p.source
	src.prepared = p
	src.params = make([]types.Datum, len(u.Args))
	env := s.env(ctx, start)
	for i, a := range u.Args {
		d, err := expr.Value(env, a, nil)
		if err != nil {
			return err
		}
		src.params[i] = d
	}
	if src.control != 0 {
		return s.control(ctx, &src, sink, start)
	}
	return s.once(ctx, &src, sink, start)
}

// quoted returns an identifier in quotes.
func quoted(name string) string {
	out := []byte{'"'}
	for i := range len(name) {
		if name[i] == '"' {
			out = append(out, '"')
		}
		out = append(out, name[i])
	}
	return string(append(out, '"'))
}

var errNoCopy = errors.New("session: no stream for COPY")
