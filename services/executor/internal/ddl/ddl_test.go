package ddl_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/keys"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/plan/utility"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
	"github.com/attunedb/attune/services/executor/internal/ddl"
	"github.com/attunedb/attune/services/executor/internal/dml"
	"github.com/attunedb/attune/services/executor/internal/fake"
	"github.com/attunedb/attune/services/executor/internal/sequence"
)

type world struct {
	t       *testing.T
	catalog *fake.Catalog
	store   *fake.Store
	runner  *ddl.Runner
	txn     uint64
}

func newWorld(t *testing.T) *world {
	c := fake.NewCatalog()
	w := &world{t: t, catalog: c, store: fake.NewStore(c)}
	w.runner = &ddl.Runner{Catalog: c, Store: w.store, Sequences: sequence.New(fake.NewKV()), Log: slog.New(slog.DiscardHandler),
		NewTxn: func() uint64 { w.txn++; return w.txn }}
	return w
}

var int4 = types.Of(types.Int4)

// create makes a table of two integers, a and b, with a primary key over a or without one.
func (w *world) create(name string, keyed bool, fks ...catalog.ForeignKey) *catalog.Table {
	w.t.Helper()
	t := &catalog.Table{Name: name, Columns: []catalog.Column{{Name: "a", Type: int4}, {Name: "b", Type: int4}}, ForeignKeys: fks}
	if keyed {
		t.Primary = catalog.Index{Name: name + "_pkey", Columns: []int{0}, Unique: true}
		t.Columns[0].NotNull = true
	}
	created, _, err := w.runner.CreateTable(context.Background(), &utility.CreateTable{Table: t,
		Sequences: []*catalog.Sequence{{Name: name + "_a_seq", Start: 1, Increment: 1}}})
	if err != nil {
		w.t.Fatal(err)
	}
	return created
}

func (w *world) insert(name string, rows ...[2]int32) error {
	w.t.Helper()
	t := w.catalog.Snapshot().Table("", name)
	var a, b []int32
	for _, r := range rows {
		a, b = append(a, r[0]), append(b, r[1])
	}
	batch := vec.NewBatch(len(rows), vec.FromSlice(int4, a, nil), vec.FromSlice(int4, b, nil))
	if t.HasHiddenKey() {
		batch.Cols = append(batch.Cols, vec.Nulls(types.Of(types.Int8), len(rows)))
	}
	ts, err := w.store.Timestamp(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	w.txn++
	_, err = dml.Run(context.Background(), &physical.Insert{Target: physical.Target{Table: physical.TableRef{ID: t.ID, Version: t.Version}},
		Input: &physical.Values{}}, func(_ context.Context, emit func(*vec.Batch) error) error { return emit(batch) },
		&dml.Env{Store: w.store, Catalog: w.catalog.Snapshot(), Compute: &compute.Env{}, Commit: true, RowIDs: w.runner.Sequences,
			Snapshot: access.Snapshot{Timestamp: ts, Txn: w.txn}})
	return err
}

func (w *world) live(name string, ix catalog.IndexID) int {
	start, end := keys.IndexSpan(w.catalog.Snapshot().Table("", name).ID, ix)
	return w.store.Live(start, end)
}

func expect(t *testing.T, err error, code sqlerr.Code, detail string) {
	t.Helper()
	e := sqlerr.As(err)
	if e == nil || e.Code != code || !strings.Contains(e.Detail, detail) {
		t.Fatalf("got %v (%+v), want %s with %q", err, e, code, detail)
	}
}

func none(context.Context, string) (uint64, error) { return 0, nil }

func TestCreateIndex(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	before := w.create("t", true)
	if err := w.insert("t", [2]int32{1, 5}, [2]int32{2, 5}); err != nil {
		t.Fatal(err)
	}
	index := func(name string, unique bool) error {
		_, _, err := w.runner.CreateIndex(ctx, &utility.CreateIndex{Table: catalog.Name{Name: "t"},
			Index: catalog.Index{Name: name, Columns: []int{1}, Unique: unique}})
		return err
	}
	expect(t, index("u", true), sqlerr.UniqueViolation, "is duplicated")
	if tb := w.catalog.Snapshot().Table("", "t"); len(tb.Indexes) != 0 || tb.Version <= before.Version {
		t.Fatalf("after a failed index: %+v", tb)
	}
	if w.live("t", 2) != 0 {
		t.Fatal("entries of a failed index stayed")
	}
	if err := index("i", false); err != nil {
		t.Fatal(err)
	}
	if ix := w.catalog.Snapshot().Table("", "t").Indexes[0]; ix.State != catalog.IndexPublic || w.live("t", ix.ID) != 2 {
		t.Fatalf("%+v with %d entries", ix, w.live("t", ix.ID))
	}
	expect(t, index("i", false), sqlerr.DuplicateTable, "")
	_, err := w.runner.DropIndex(ctx, &utility.DropIndex{Indexes: []catalog.Name{{Name: "i"}}})
	if err != nil || w.live("t", 2) != 0 {
		t.Fatalf("%v, %d entries", err, w.live("t", 2))
	}
	_, err = w.runner.DropIndex(ctx, &utility.DropIndex{Indexes: []catalog.Name{{Name: "i"}}})
	expect(t, err, sqlerr.UndefinedObject, "")
}

func TestForeignKeysTieTables(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	p := w.create("p", true)
	w.create("c", true, catalog.ForeignKey{Name: "c_b_fkey", Columns: []int{1}, RefTable: p.ID, RefColumns: []int{0}})
	now := w.catalog.Snapshot().Table("", "p")
	if now.Version <= p.Version {
		t.Fatal("a parent's plans must learn of its child: its version did not change")
	}
	_, err := w.runner.DropTable(ctx, &utility.DropTable{Tables: []catalog.Name{{Name: "p"}}})
	expect(t, err, sqlerr.DependentObjectsStillExist, "constraint c_b_fkey on table c depends on table p")
	err = w.runner.Truncate(ctx, []catalog.Name{{Name: "p"}})
	expect(t, err, sqlerr.FeatureNotSupported, `Table "c" references "p".`)
	if err := w.insert("p", [2]int32{1, 1}); err != nil {
		t.Fatal(err)
	}
	if err := w.runner.Truncate(ctx, []catalog.Name{{Name: "p"}, {Name: "c"}}); err != nil {
		t.Fatal(err)
	}
	s := w.catalog.Snapshot()
	if fk := s.Table("", "c").ForeignKeys[0]; fk.RefTable != s.Table("", "p").ID || w.live("p", 1) != 0 {
		t.Fatalf("after truncate the child refers to %d, the parent is %d with %d rows", fk.RefTable, s.Table("", "p").ID, w.live("p", 1))
	}
	if q := s.Sequence("", "p_a_seq"); q == nil || q.OwnerTable != s.Table("", "p").ID {
		t.Fatalf("sequence %+v", q)
	}
	notices, err := w.runner.DropTable(ctx, &utility.DropTable{Tables: []catalog.Name{{Name: "p"}}, Cascade: true})
	if err != nil || len(notices) != 1 || len(w.catalog.Snapshot().Table("", "c").ForeignKeys) != 0 {
		t.Fatalf("%v %v", notices, err)
	}
	if w.catalog.Snapshot().Sequence("", "p_a_seq") != nil {
		t.Fatal("a sequence outlived its table")
	}
	_, _, err = w.runner.CreateTable(ctx, &utility.CreateTable{Table: &catalog.Table{Name: "x", Columns: []catalog.Column{{Name: "a", Type: types.Of(types.Text)}},
		ForeignKeys: []catalog.ForeignKey{{Name: "f", Columns: []int{0}, RefTable: w.catalog.Snapshot().Table("", "c").ID, RefColumns: []int{0}}}}})
	expect(t, err, sqlerr.DatatypeMismatch, "incompatible types: text and integer")
}

func TestAddPrimaryKeyRebuilds(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	old := w.create("t", false)
	if !old.HasHiddenKey() {
		t.Fatalf("%+v", old)
	}
	if err := w.insert("t", [2]int32{3, 30}, [2]int32{1, 10}, [2]int32{3, 31}); err != nil {
		t.Fatal(err)
	}
	add := func() error {
		_, err := w.runner.AddConstraint(ctx, &utility.AddConstraint{Table: catalog.Name{Name: "t"},
			Primary: &catalog.Index{Name: "t_pkey", Columns: []int{0}}}, none)
		return err
	}
	expect(t, add(), sqlerr.UniqueViolation, "Key (a)=(3) is duplicated.")
	if now := w.catalog.Snapshot().Table("", "t"); now.ID != old.ID || len(now.Checks) != 0 || dml.Rebuilding(now) {
		t.Fatalf("after a failed rebuild: %+v", now)
	}
	n := 0
	w.catalog.Snapshot().Tables(func(*catalog.Table) { n++ })
	if n != 1 {
		t.Fatalf("%d tables after a failed rebuild", n)
	}
	w2 := newWorld(t)
	w2.create("t", false)
	if err := w2.insert("t", [2]int32{3, 30}, [2]int32{1, 10}); err != nil {
		t.Fatal(err)
	}
	w = w2
	if err := add(); err != nil {
		t.Fatal(err)
	}
	now := w.catalog.Snapshot().Table("", "t")
	if now.HasHiddenKey() || len(now.Columns) != 2 || !now.Columns[0].NotNull || w.live("t", 1) != 2 {
		t.Fatalf("%+v with %d rows", now, w.live("t", 1))
	}
	expect(t, w.insert("t", [2]int32{1, 11}), sqlerr.UniqueViolation, "Key (a)=(1) already exists.")
	expect(t, add(), sqlerr.InvalidTableDefinition, "")
}

func TestAConstraintThatRowsBreakIsTakenBack(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	w.create("t", true)
	var asked string
	found := func(_ context.Context, sql string) (uint64, error) {
		asked = sql
		if len(w.catalog.Snapshot().Table("", "t").Checks)+len(w.catalog.Snapshot().Table("", "t").ForeignKeys) == 0 {
			t.Error("rows are checked before writers respect the constraint")
		}
		return 1, nil
	}
	add := func(u utility.AddConstraint) error {
		u.Table = catalog.Name{Name: "t"}
		_, err := w.runner.AddConstraint(ctx, &u, found)
		return err
	}
	expect(t, add(utility.AddConstraint{Check: &catalog.Check{Name: "positive", SQL: "a > 0"}}), sqlerr.CheckViolation, "")
	if asked != `SELECT 1 FROM "public"."t" WHERE NOT (a > 0) LIMIT 1` {
		t.Errorf("asked %s", asked)
	}
	expect(t, add(utility.AddConstraint{ForeignKey: &catalog.ForeignKey{Name: "f", Columns: []int{1}, RefColumns: []int{0}}}), sqlerr.ForeignKeyViolation, "")
	if asked != `SELECT 1 FROM "public"."t" AS c WHERE c."b" IS NOT NULL AND NOT EXISTS (SELECT 1 FROM "public"."t" AS p WHERE p."a" = c."b") LIMIT 1` {
		t.Errorf("asked %s", asked)
	}
	if now := w.catalog.Snapshot().Table("", "t"); len(now.Checks)+len(now.ForeignKeys) != 0 {
		t.Fatalf("%+v", now)
	}
}
