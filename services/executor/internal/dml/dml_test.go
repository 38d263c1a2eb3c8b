package dml_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/keys"
	"github.com/attunedb/attune/engine/plan/physical"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
	"github.com/attunedb/attune/services/executor/internal/dml"
	"github.com/attunedb/attune/services/executor/internal/fake"
)

var int4 = types.Of(types.Int4)

// tree is node(a int4 primary key, parent int4 references node): a table that refers to itself.
func tree() *catalog.Table {
	return &catalog.Table{ID: 1, Schema: "public", Name: "node", Version: 1,
		Columns:     []catalog.Column{{Name: "a", Type: int4, NotNull: true}, {Name: "parent", Type: int4}},
		Primary:     catalog.Index{ID: catalog.PrimaryIndex, Name: "node_pkey", Columns: []int{0}, Unique: true, State: catalog.IndexPublic},
		Indexes:     []catalog.Index{{ID: 2, Name: "filling", Columns: []int{1}, State: catalog.IndexWriteOnly}},
		ForeignKeys: []catalog.ForeignKey{{Name: "node_parent_fkey", Columns: []int{1}, RefTable: 1, RefColumns: []int{0}, RefIndex: 1}}}
}

type world struct {
	t       *testing.T
	catalog *fake.Catalog
	store   *fake.Store
	txn     uint64
	env     func(*dml.Env)
}

func newWorld(t *testing.T) *world {
	c := fake.NewCatalog(tree())
	return &world{t: t, catalog: c, store: fake.NewStore(c)}
}

func target() physical.Target {
	ref := physical.TableRef{ID: 1, Version: 1, Name: "node"}
	check := physical.ForeignKeyCheck{Name: "node_parent_fkey", Other: ref, Columns: []int{1}, OtherColumns: []int{0}}
	up := check
	up.OtherIndex = 1
	down := check
	down.Columns, down.OtherColumns = []int{0}, []int{1}
	return physical.Target{Table: ref, Parents: []physical.ForeignKeyCheck{up}, Children: []physical.ForeignKeyCheck{down}}
}

// column is int4 values with NULL for 0.
func column(values ...int32) *vec.Vector {
	b := vec.NewBuilder(int4, len(values))
	for _, v := range values {
		if v == 0 {
			b.AppendNull()
		} else {
			vec.Append(b, v)
		}
	}
	return b.Finish()
}

// run runs a write over batches in a transaction of its own.
func (w *world) run(n physical.Node, batches ...*vec.Batch) (*dml.Result, error) {
	w.t.Helper()
	ctx := context.Background()
	ts, err := w.store.Timestamp(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	w.txn++
	env := &dml.Env{Store: w.store, Catalog: w.catalog.Snapshot(), Compute: &compute.Env{}, Commit: true,
		Snapshot: access.Snapshot{Timestamp: ts, Txn: w.txn}}
	if w.env != nil {
		w.env(env)
	}
	res, err := dml.Run(ctx, n, func(_ context.Context, emit func(*vec.Batch) error) error {
		for _, b := range batches {
			if err := emit(b); err != nil {
				return err
			}
		}
		return nil
	}, env)
	if err == nil && res.Staged {
		_, err = w.store.Commit(ctx, w.txn)
	}
	if err != nil {
		_ = w.store.Rollback(ctx, w.txn)
	}
	return res, err
}

func (w *world) live(ix catalog.IndexID) int {
	start, end := keys.IndexSpan(1, ix)
	return w.store.Live(start, end)
}

func insert() *physical.Insert { return &physical.Insert{Target: target(), Input: &physical.Values{}} }

func TestRowsOfAStatementMayReferToEachOther(t *testing.T) {
	w := newWorld(t)
	// The parent comes after its children, in another batch and another request.
	w.env = func(e *dml.Env) { e.ChunkBytes = 1 }
	res, err := w.run(insert(), vec.NewBatch(2, column(2, 3), column(1, 2)), vec.NewBatch(1, column(1), column(0)))
	if err != nil || res.Rows != 3 || w.live(1) != 3 {
		t.Fatalf("%+v, %v, %d rows", res, err, w.live(1))
	}
	if w.live(2) != 3 {
		t.Errorf("an index that is being filled has %d entries for 3 rows", w.live(2))
	}
	if _, err := w.run(insert(), vec.NewBatch(1, column(9), column(8))); sqlerr.CodeOf(err) != sqlerr.ForeignKeyViolation {
		t.Fatalf("got %v", err)
	}
	remove := &physical.Delete{Target: target(), Input: &physical.TableScan{Table: physical.TableRef{ID: 1}}}
	if _, err := w.run(remove, vec.NewBatch(1, column(1), column(0))); sqlerr.CodeOf(err) != sqlerr.ForeignKeyViolation {
		t.Fatalf("got %v", err)
	}
	res, err = w.run(remove, vec.NewBatch(3, column(1, 2, 3), column(0, 1, 2)))
	if err != nil || res.Rows != 3 || w.live(1) != 0 || w.live(2) != 0 {
		t.Fatalf("%+v, %v, %d rows", res, err, w.live(1))
	}
}

func TestKeysMayTradePlaces(t *testing.T) {
	w := newWorld(t)
	if _, err := w.run(insert(), vec.NewBatch(2, column(1, 2), column(0, 1))); err != nil {
		t.Fatal(err)
	}
	up := &physical.Update{Target: target(), Input: &physical.TableScan{Table: physical.TableRef{ID: 1}}, Set: []int{0}}
	// 1 becomes 2 and 2 becomes 1; the row that refers to 1 still finds one.
	res, err := w.run(up, vec.NewBatch(2, column(1, 2), column(0, 1), column(2, 1)))
	if err != nil || res.Rows != 2 || w.live(1) != 2 {
		t.Fatalf("%+v, %v", res, err)
	}
	if _, err := w.run(up, vec.NewBatch(1, column(1), column(1), column(7))); sqlerr.CodeOf(err) != sqlerr.ForeignKeyViolation {
		t.Fatalf("got %v", err)
	}
}

func TestARowThatComesTwiceIsChangedOnce(t *testing.T) {
	w := newWorld(t)
	if _, err := w.run(insert(), vec.NewBatch(1, column(1), column(0))); err != nil {
		t.Fatal(err)
	}
	join := &physical.HashJoin{Left: &physical.Values{}, Right: &physical.Values{}}
	up := &physical.Update{Target: target(), Input: join, Set: []int{0}}
	res, err := w.run(up, vec.NewBatch(2, column(1, 1), column(0, 0), column(5, 6)), vec.NewBatch(1, column(1), column(0), column(7)))
	if err != nil || res.Rows != 1 || w.live(1) != 1 {
		t.Fatalf("%+v, %v, %d rows", res, err, w.live(1))
	}
}

func TestStreamingAndBounds(t *testing.T) {
	w := newWorld(t)
	var batches []*vec.Batch
	for i := range int32(50) {
		batches = append(batches, vec.NewBatch(2, column(2*i+1, 2*i+2), column(0, 0)))
	}
	w.env = func(e *dml.Env) { e.ChunkBytes, e.MemoryBytes = 1000, 4000 }
	if res, err := w.run(insert(), batches...); err != nil || res.Rows != 100 || w.store.Calls["Write"] < 5 {
		t.Fatalf("%+v, %v in %d requests", res, err, w.store.Calls["Write"])
	}
	if w.live(1) != 100 {
		t.Fatalf("%d rows", w.live(1))
	}
	// What reads its own table waits for the end of its input, and so needs the memory.
	reading := insert()
	reading.Input = &physical.TableScan{Table: physical.TableRef{ID: 1}}
	if _, err := w.run(reading, batches...); sqlerr.CodeOf(err) != sqlerr.OutOfMemory {
		t.Fatalf("got %v", err)
	}
	w.env = func(e *dml.Env) {
		e.ChunkBytes = 200
		e.Where = func(row uint64) string { return fmt.Sprintf("row %d", row) }
	}
	_, err := w.run(insert(), vec.NewBatch(3, column(201, 202, 203), column(0, 0, 0)), vec.NewBatch(3, column(204, 50, 205), column(0, 0, 0)))
	if e := sqlerr.As(err); e == nil || e.Code != sqlerr.UniqueViolation || e.Where != "row 4" {
		t.Fatalf("got %+v", err)
	}
	if w.live(1) != 100 {
		t.Fatalf("%d rows after a failed insert", w.live(1))
	}
}

func TestStaleSchema(t *testing.T) {
	w := newWorld(t)
	old := insert()
	old.Table.Version = 7
	if _, err := w.run(old, vec.NewBatch(1, column(1), column(0))); err == nil || err.Error() != access.ErrStaleSchema.Error() {
		t.Fatalf("got %v", err)
	}
}
