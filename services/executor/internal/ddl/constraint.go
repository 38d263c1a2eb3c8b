package ddl

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/plan/utility"
	"github.com/attunedb/attune/engine/sqlerr"
)

func spanOf(start, end []byte) access.Span { return access.Span{Start: start, End: end} }

// AddConstraint adds a constraint to a table and checks the rows that are there.
func (r *Runner) AddConstraint(ctx context.Context, u *utility.AddConstraint, query Queries) ([]Notice, error) {
	t, err := find(r.Catalog.Snapshot(), u.Table)
	if err != nil {
		if e := sqlerr.As(err); u.IfExists && e != nil {
			return []Notice{skipping(e)}, nil
		}
		return nil, err
	}
	switch {
	case u.Primary != nil:
		return nil, r.addPrimaryKey(ctx, t, u.Primary)
	case u.Unique != nil:
		return nil, r.addIndex(ctx, u.Table, u.Unique)
	case u.Check != nil:
		return nil, r.addCheck(ctx, t, u.Check, query)
	case u.ForeignKey != nil:
		return nil, r.addForeignKey(ctx, t, u.ForeignKey, query)
	}
	return nil, sqlerr.New(sqlerr.FeatureNotSupported, "this form of ALTER TABLE is not supported")
}

func constraintTaken(t *catalog.Table, name string) error {
	used := slices.ContainsFunc(t.Checks, func(c catalog.Check) bool { return c.Name == name }) ||
		slices.ContainsFunc(t.ForeignKeys, func(k catalog.ForeignKey) bool { return k.Name == name }) ||
		slices.ContainsFunc(t.Indexes, func(ix catalog.Index) bool { return ix.Name == name }) || t.Primary.Name == name
	if !used {
		return nil
	}
	return sqlerr.New(sqlerr.DuplicateObject, `constraint "%s" for relation "%s" already exists`, name, t.Name)
}

// alter changes a table by its ID. change gets a copy to change.
func (r *Runner) alter(ctx context.Context, id catalog.TableID, change func(s *catalog.Snapshot, t *catalog.Table, e *Edit) error) error {
	_, err := r.Catalog.Update(ctx, func(s *catalog.Snapshot) (*Edit, error) {
		t := s.TableByID(id)
		if t == nil {
			return nil, errVanished
		}
		c := clone(t)
		e := &Edit{Put: []*catalog.Table{c}}
		return e, change(s, c, e)
	})
	return err
}

// verify runs the query of rows that break a constraint that all writers respect already; if there are any, or it fails,
// the constraint is taken back.
func (r *Runner) verify(ctx context.Context, id catalog.TableID, sql string, query Queries, broken error, takeBack func(*catalog.Snapshot, *catalog.Table, *Edit) error) error {
	n, err := query(ctx, sql)
	if err == nil && n == 0 {
		return nil
	}
	if err == nil {
		err = broken
	}
	undo, cancel := cleanup(ctx)
	defer cancel()
	if uerr := r.alter(undo, id, takeBack); uerr != nil {
		r.Log.Error("an unfinished constraint was not removed", "table", id, "error", uerr)
	}
	return err
}

func (r *Runner) addCheck(ctx context.Context, t *catalog.Table, c *catalog.Check, query Queries) error {
	err := r.alter(ctx, t.ID, func(_ *catalog.Snapshot, t *catalog.Table, _ *Edit) error {
		if err := constraintTaken(t, c.Name); err != nil {
			return err
		}
		t.Checks = append(t.Checks, *c)
		return nil
	})
	if err != nil {
		return err
	}
	sql := fmt.Sprintf("SELECT 1 FROM %s WHERE NOT (%s) LIMIT 1", quotedTable(t), c.SQL)
	broken := sqlerr.New(sqlerr.CheckViolation, `check constraint "%s" of relation "%s" is violated by some row`, c.Name, t.Name).
		WithTable(t.Name, "", c.Name)
	return r.verify(ctx, t.ID, sql, query, broken, func(_ *catalog.Snapshot, t *catalog.Table, _ *Edit) error {
		t.Checks = slices.DeleteFunc(t.Checks, func(k catalog.Check) bool { return k.Name == c.Name })
		return nil
	})
}

func (r *Runner) addForeignKey(ctx context.Context, t *catalog.Table, k *catalog.ForeignKey, query Queries) error {
	var parent *catalog.Table
	err := r.alter(ctx, t.ID, func(s *catalog.Snapshot, t *catalog.Table, e *Edit) error {
		if err := constraintTaken(t, k.Name); err != nil {
			return err
		}
		added := *k
		var err error
		if parent, err = linkForeignKey(s, t, &added); err != nil {
			return err
		}
		t.ForeignKeys = append(t.ForeignKeys, added)
		e.raise(parent)
		if parent == nil {
			parent = t
		}
		return nil
	})
	if err != nil {
		return err
	}
	var match, present []string
	for i, o := range k.Columns {
		child := "c." + quoted(t.Columns[o].Name)
		match = append(match, fmt.Sprintf("p.%s = %s", quoted(parent.Columns[k.RefColumns[i]].Name), child))
		present = append(present, child+" IS NOT NULL")
	}
	sql := fmt.Sprintf("SELECT 1 FROM %s AS c WHERE %s AND NOT EXISTS (SELECT 1 FROM %s AS p WHERE %s) LIMIT 1", quotedTable(t),
		strings.Join(present, " AND "), quotedTable(parent), strings.Join(match, " AND "))
	broken := sqlerr.New(sqlerr.ForeignKeyViolation, `insert or update on table "%s" violates foreign key constraint "%s"`, t.Name, k.Name).
		WithDetail(`A row's key is not present in table "%s".`, parent.Name).WithTable(t.Name, "", k.Name)
	return r.verify(ctx, t.ID, sql, query, broken, func(s *catalog.Snapshot, t *catalog.Table, e *Edit) error {
		t.ForeignKeys = slices.DeleteFunc(t.ForeignKeys, func(f catalog.ForeignKey) bool { return f.Name == k.Name })
		e.raise(s.TableByID(parent.ID))
		return nil
	})
}
