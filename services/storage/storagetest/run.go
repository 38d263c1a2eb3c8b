package storagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/bloom"
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/keys"
	"github.com/attunedb/attune/engine/rows"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/stats"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// Store is all of storage, as an executor and a planner use it.
type Store interface {
	Timestamp(ctx context.Context) (uint64, error)
	Scan(ctx context.Context, req *access.Scan) (access.Rows, error)
	Split(ctx context.Context, req *access.Scan, n int) ([]access.Span, error)
	Lookup(ctx context.Context, req *access.Lookup) (*access.Found, error)
	Write(ctx context.Context, w *access.Write) (*access.Written, error)
	Commit(ctx context.Context, txn uint64) (uint64, error)
	Rollback(ctx context.Context, txn uint64) error
	Heartbeat(ctx context.Context, txns []uint64) ([]uint64, error)
	BuildIndex(ctx context.Context, table catalog.TableID, index catalog.IndexID, revision int64) (*access.IndexBuilt, error)
	DeleteSpan(ctx context.Context, span access.Span) error
	Analyze(ctx context.Context, tables []catalog.TableID) error
	Statistics(ctx context.Context, tables []catalog.TableID) ([]*stats.Table, error)
}

// Run checks a store; open gives an empty one over a catalog each time.
func Run(t *testing.T, open func(t *testing.T, c *Catalog) Store) {
	for _, c := range []struct {
		name string
		run  func(w *world, c *Catalog)
	}{
		{"scan against a model", scanModel}, {"lookup", lookups}, {"transactions", transactions}, {"own writes", ownWrites},
		{"schema versions", schemaVersions}, {"build index", buildIndex}, {"statistics and split", statistics},
		{"delete span", deleteSpan}, {"bad requests", badRequests},
	} {
		t.Run(c.name, func(t *testing.T) {
			cat := NewCatalog()
			table := People(7, 1)
			cat.Put(table)
			c.run(&world{t: t, s: open(t, cat), table: table, rows: map[int64]person{}}, cat)
		})
	}
}

func randomPerson(r *rand.Rand, id int64) person {
	p := person{id: id, age: r.Int32N(20), pay: r.Int64N(5000) * 100, scale: r.Int32N(4)}
	if r.IntN(4) > 0 {
		p.name = fmt.Sprintf("n%d", id*7919%100000)
	}
	return p
}

// call applies an operator to a column and a constant.
func call(name string, c expr.Expr, v types.Datum) expr.Expr {
	fn, _, err := compute.Resolve(name, []types.Type{c.Type(), types.Of(v.Kind())})
	if err != nil {
		panic(err)
	}
	return &expr.Call{Fn: fn, Args: []expr.Expr{c, expr.NewConst(v)}, Typ: types.Of(types.Bool)}
}

func scanModel(w *world, _ *Catalog) {
	r := rand.New(rand.NewPCG(11, 12))
	var people []person
	for id := range int64(600) {
		people = append(people, randomPerson(r, id*3))
	}
	w.add(people...)
	// Some of them go and change in a transaction that stays open, which alone sees that.
	before, ts, txn := maps(w.rows), w.now(), w.next()
	for range 60 {
		id := r.Int64N(600) * 3
		if p, ok := w.rows[id]; ok {
			w.remove(txn, ts, id)
			if r.IntN(2) == 0 {
				p.age, p.name = r.Int32N(20), fmt.Sprintf("changed%d", id)
				w.stage(txn, ts, p.mutations(w.table, access.Insert)...)
				w.rows[id] = p
			}
		}
	}
	for i := range 200 {
		model, snapshot := before, access.Snapshot{Timestamp: ts}
		if r.IntN(2) == 0 {
			model, snapshot.Txn = w.rows, txn
		}
		req := access.Scan{Snapshot: snapshot, Index: []catalog.IndexID{1, ByAge, ByName, ByPay}[r.IntN(4)],
			Reverse: r.IntN(3) == 0, BatchRows: []int{0, 1, 7, 100}[r.IntN(4)]}
		req.Columns = r.Perm(4)[:r.IntN(4)+1]
		keep := func(person) bool { return true }
		if at := slices.Index(req.Columns, Age); at >= 0 && r.IntN(2) == 0 {
			v := r.Int32N(20)
			req.Filter = call("<", expr.At(at, types.Of(types.Int4), "age"), types.NewInt(types.Int4, int64(v)))
			keep = func(p person) bool { return p.age < v }
		}
		if at := slices.Index(req.Columns, ID); at >= 0 && r.IntN(3) == 0 {
			f, in := bloomOf(r)
			req.Blooms = []access.Bloom{{Columns: []int{at}, Filter: f}}
			prior := keep
			keep = func(p person) bool { return prior(p) && in(p.id) }
		}
		if r.IntN(3) == 0 {
			req.Limit = 1 + r.Int64N(50)
		}
		if req.Index == ByAge && r.IntN(2) == 0 {
			lo, hi := r.Int32N(20), r.Int32N(20)
			prefix := keys.IndexPrefix(w.table.ID, ByAge)
			req.Span = access.Span{Start: keys.AppendDatum(slices.Clone(prefix), types.NewInt(types.Int4, int64(lo)), false),
				End: keys.AppendDatum(slices.Clone(prefix), types.NewInt(types.Int4, int64(hi)), false)}
			prior := keep
			keep = func(p person) bool { return prior(p) && p.age >= lo && p.age < hi }
		}
		want := []string{}
		all := sorted(model, req.Index)
		if req.Reverse {
			slices.Reverse(all)
		}
		for _, p := range all {
			if keep(p) && (req.Limit == 0 || int64(len(want)) < req.Limit) {
				want = append(want, p.text(req.Columns))
			}
		}
		if got := w.mustScan(req); !slices.Equal(got, want) {
			w.t.Fatalf("scan %d, %+v:\n%q, want\n%q", i, req, got, want)
		}
	}
}

func maps(in map[int64]person) map[int64]person {
	out := make(map[int64]person, len(in))
	for k, v := range in {
		out[k] = v
	}
	return out
}

// bloomOf returns a filter of some identifiers, and what it lets through.
func bloomOf(r *rand.Rand) (*bloom.Filter, func(id int64) bool) {
	f := bloom.New(100, 0.02)
	hash := func(id int64) uint64 {
		var h [1]uint64
		compute.Hash(h[:], vec.FromSlice(types.Of(types.Int8), []int64{id}, nil), false)
		return h[0]
	}
	for range 100 {
		f.Add([]uint64{hash(r.Int64N(600) * 3)})
	}
	return f, func(id int64) bool { return f.Contains(hash(id)) }
}

func lookups(w *world, _ *Catalog) {
	w.add(person{id: 1, age: 30, name: "ann", pay: 100, scale: 2}, person{id: 2, age: 30, pay: 200, scale: 1},
		person{id: 3, age: 40, name: "bob", pay: 100, scale: 0}, person{id: 4, age: 50, pay: 0})
	key := func(index catalog.IndexID, d types.Datum, desc bool) []byte {
		return keys.AppendDatum(keys.IndexPrefix(w.table.ID, index), d, desc)
	}
	number := func(v int64) types.Datum { return types.NewInt(types.Int4, v) }
	id := func(v int64) types.Datum { return types.NewInt(types.Int8, v) }
	for _, c := range []struct {
		what    string
		index   catalog.IndexID
		keys    [][]byte
		columns []int
		filter  expr.Expr
		want    []string
	}{
		{"primary keys, one missing, one twice", 1, [][]byte{key(1, id(3), false), key(1, id(9), false), key(1, id(1), false), key(1, id(3), false)},
			[]int{Name, Pay}, nil, []string{"0:bob|1", "2:ann|1.00", "3:bob|1"}},
		{"a prefix of an index", ByAge, [][]byte{key(ByAge, number(40), false), key(ByAge, number(30), false)},
			[]int{ID, Name}, nil, []string{"0:3|bob", "1:1|ann", "1:2|NULL"}},
		{"covered", ByAge, [][]byte{key(ByAge, number(30), false)}, []int{Age, ID}, nil, []string{"0:30|1", "0:30|2"}},
		{"unique", ByName, [][]byte{key(ByName, types.NewString(types.Text, "bob"), false)}, []int{ID, Pay}, nil, []string{"0:3|1"}},
		{"unique, NULL", ByName, [][]byte{key(ByName, types.Null(types.Text), false)}, []int{ID}, nil, []string{"0:2", "0:4"}},
		{"equal numerics of other scale", ByPay, [][]byte{key(ByPay, types.NewNumeric(types.Decimal{Small: 1000, Scale: 3}), true)},
			[]int{ID, Pay}, nil, []string{"0:1|1.00", "0:3|1"}},
		{"filter", ByAge, [][]byte{key(ByAge, number(30), false), key(ByAge, number(40), false)}, []int{ID},
			call(">", expr.At(0, types.Of(types.Int8), "id"), id(1)), []string{"0:2", "1:3"}},
		{"nothing", 1, nil, []int{ID}, nil, nil},
	} {
		f, err := w.s.Lookup(context.Background(), &access.Lookup{Snapshot: access.Snapshot{Timestamp: w.now()}, Table: w.version(),
			Index: c.index, Keys: c.keys, Columns: c.columns, Filter: c.filter})
		if err != nil {
			w.t.Errorf("%s: %v", c.what, err)
			continue
		}
		var got []string
		for i, text := range batchText(f.Batch) {
			got = append(got, fmt.Sprintf("%d:%s", f.Key[i], text))
		}
		if !slices.Equal(got, c.want) {
			w.t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
}

func transactions(w *world, _ *Catalog) {
	ctx := context.Background()
	ann := person{id: 1, age: 30, name: "ann"}
	w.add(ann)
	old := w.now()
	a, b := w.next(), w.next()
	older := ann
	older.age = 31
	w.stage(a, old, older.mutations(w.table, access.Put)[0])
	w.stage(b, old, older.mutations(w.table, access.Put)[0])
	first := w.commit(a)
	if again := w.commit(a); again != first {
		w.t.Errorf("a repeated commit: %d, then %d", first, again)
	}
	_, err := w.s.Commit(ctx, b)
	wantCode(w.t, "the second committer", err, sqlerr.SerializationFailure)
	if now := w.now(); now < first {
		w.t.Errorf("snapshot %d after the commit at %d", now, first)
	}
	if got := w.mustScan(access.Scan{Snapshot: access.Snapshot{Timestamp: old}, Columns: []int{Age}}); !slices.Equal(got, []string{"30"}) {
		w.t.Errorf("the old snapshot sees %q", got)
	}
	if got := w.mustScan(access.Scan{Columns: []int{Age}}); !slices.Equal(got, []string{"31"}) {
		w.t.Errorf("the newest snapshot sees %q", got)
	}
	write := func(ms ...access.Mutation) *access.Written {
		w.t.Helper()
		res, err := w.s.Write(ctx, &access.Write{Snapshot: access.Snapshot{Txn: w.next()}, Tables: []access.TableVersion{w.version()}, Mutations: ms, Commit: true})
		if err != nil {
			w.t.Fatal(err)
		}
		return res
	}
	taken := person{id: 2, name: "ann"}.mutations(w.table, access.Insert)
	if v := write(taken...).Violation; v == nil || v.Kind != access.Insert || !bytes.Equal(taken[v.Mutation].Key[:2], keys.IndexPrefix(w.table.ID, ByName)) {
		w.t.Errorf("a taken name: %+v", v)
	}
	missing := person{id: 9}.mutations(w.table, access.Put)[0].Key
	if v := write(access.Mutation{Kind: access.Require, Key: missing}).Violation; v == nil || v.Kind != access.Require || v.Mutation != 0 {
		w.t.Errorf("a missing row: %+v", v)
	}
	c := w.next()
	w.stage(c, w.now(), person{id: 5}.mutations(w.table, access.Insert)...)
	if unknown, err := w.s.Heartbeat(ctx, []uint64{c, 12345}); err != nil || !slices.Equal(unknown, []uint64{12345}) {
		w.t.Errorf("heartbeat: %v, %v", unknown, err)
	}
	for range 2 {
		if err := w.s.Rollback(ctx, c); err != nil {
			w.t.Error(err)
		}
	}
	_, err = w.s.Commit(ctx, c)
	wantCode(w.t, "commit after rollback", err, sqlerr.NoActiveSQLTransaction)
	if got := w.mustScan(access.Scan{Columns: []int{ID}}); !slices.Equal(got, []string{"1"}) {
		w.t.Errorf("left: %q", got)
	}
}

func ownWrites(w *world, _ *Catalog) {
	w.add(person{id: 1, age: 1, name: "a"}, person{id: 2, age: 2, name: "b"})
	ts, txn := w.now(), w.next()
	w.stage(txn, ts, person{id: 3, age: 3, name: "c"}.mutations(w.table, access.Insert)...)
	w.stage(txn, ts, w.rows[1].mutations(w.table, access.Delete)...)
	own, others := access.Snapshot{Timestamp: ts, Txn: txn}, access.Snapshot{Timestamp: ts}
	for _, index := range []catalog.IndexID{1, ByAge, ByName} {
		if got := w.mustScan(access.Scan{Snapshot: own, Index: index, Columns: []int{ID, Pay}}); !slices.Equal(got, []string{"2|0", "3|0"}) {
			w.t.Errorf("index %d, own: %q", index, got)
		}
		if got := w.mustScan(access.Scan{Snapshot: others, Index: index, Columns: []int{ID, Pay}}); !slices.Equal(got, []string{"1|0", "2|0"}) {
			w.t.Errorf("index %d, others: %q", index, got)
		}
	}
	f, err := w.s.Lookup(context.Background(), &access.Lookup{Snapshot: own, Table: w.version(), Index: 1, Columns: []int{Name},
		Keys: [][]byte{w.rows[1].mutations(w.table, access.Put)[0].Key, person{id: 3}.mutations(w.table, access.Put)[0].Key}})
	if err != nil || !slices.Equal(batchText(f.Batch), []string{"c"}) || f.Key[0] != 1 {
		w.t.Errorf("lookup of own rows: %+v, %v", f, err)
	}
}

func schemaVersions(w *world, c *Catalog) {
	ctx := context.Background()
	w.add(person{id: 1})
	late := w.next()
	w.stage(late, w.now(), person{id: 2}.mutations(w.table, access.Insert)...)
	revision := c.Put(People(7, 2))
	_, err := w.scan(access.Scan{Columns: []int{ID}})
	if !errors.Is(err, access.ErrStaleSchema) {
		w.t.Errorf("scan for an old version: %v", err)
	}
	_, err = w.s.Lookup(ctx, &access.Lookup{Table: w.version(), Index: 1, Columns: []int{ID}, Keys: [][]byte{{7, 1}}})
	if !errors.Is(err, access.ErrStaleSchema) {
		w.t.Errorf("lookup for an old version: %v", err)
	}
	_, err = w.s.Write(ctx, &access.Write{Snapshot: access.Snapshot{Txn: w.next()}, Tables: []access.TableVersion{w.version()},
		Mutations: person{id: 3}.mutations(w.table, access.Insert)})
	if !errors.Is(err, access.ErrStaleSchema) {
		w.t.Errorf("write for an old version: %v", err)
	}
	_, err = w.s.Commit(ctx, late)
	wantCode(w.t, "commit of writes for an old version", err, sqlerr.SerializationFailure)
	w.table = People(7, 2)
	if got := w.mustScan(access.Scan{Snapshot: access.Snapshot{CatalogRevision: revision}, Columns: []int{ID}}); !slices.Equal(got, []string{"1"}) {
		w.t.Errorf("scan for the new version: %q", got)
	}
	// A revision that is not there yet is waited for.
	done := make(chan error, 1)
	go func() {
		_, err := w.scan(access.Scan{Snapshot: access.Snapshot{CatalogRevision: revision + 1}, Columns: []int{ID}})
		done <- err
	}()
	c.Put(People(8, 1))
	if err := <-done; err != nil {
		w.t.Errorf("scan of a later revision: %v", err)
	}
}

func buildIndex(w *world, c *Catalog) {
	ctx := context.Background()
	bare := People(7, 1)
	bare.Indexes = nil
	c.Put(bare)
	full := w.table
	w.table = bare
	for at := int64(0); at < 5000; at += 1000 {
		var people []person
		for id := at; id < at+1000; id++ {
			people = append(people, person{id: id, age: int32(id % 50), name: fmt.Sprintf("n%05d", id)})
		}
		w.add(people...)
	}
	late := w.next()
	w.stage(late, w.now(), person{id: 9000, name: "late"}.mutations(bare, access.Insert)...)
	next := *full
	next.Version = 2
	for i := range next.Indexes {
		next.Indexes[i].State = catalog.IndexWriteOnly
	}
	revision := c.Put(&next)
	w.table = &next
	// A writer knows the index already, and moves a row that is not in it yet.
	moved := w.rows[10]
	move := moved.mutations(&next, access.Delete)
	w.stage(w.txn+1000, w.now(), move...)
	moved.age, moved.name = 99, "moved"
	w.stage(w.txn+1000, w.now(), moved.mutations(&next, access.Insert)...)
	w.commit(w.txn + 1000)
	w.rows[10] = moved
	for _, ix := range []catalog.IndexID{ByAge, ByName} {
		built, err := w.s.BuildIndex(ctx, 7, ix, revision)
		if err != nil || built.Entries != 5000 || built.Duplicate != "" {
			w.t.Fatalf("index %d: %+v, %v", ix, built, err)
		}
	}
	_, err := w.s.Commit(ctx, late)
	wantCode(w.t, "a commit that knows nothing of the index", err, sqlerr.SerializationFailure)
	_, err = w.scan(access.Scan{Index: ByAge, Columns: []int{ID}})
	if !errors.Is(err, access.ErrStaleSchema) {
		w.t.Errorf("scan of an index that is not public: %v", err)
	}
	public := *full
	public.Version = 3
	public.Indexes = slices.Clone(full.Indexes[:2])
	for i := range public.Indexes {
		public.Indexes[i].State = catalog.IndexPublic
	}
	w.table = &public
	revision = c.Put(&public)
	for _, ix := range []catalog.IndexID{ByAge, ByName} {
		var want []string
		for _, p := range sorted(w.rows, ix) {
			want = append(want, p.text([]int{ID, Age, Name}))
		}
		got := w.mustScan(access.Scan{Snapshot: access.Snapshot{CatalogRevision: revision}, Index: ix, Columns: []int{ID, Age, Name}})
		if !slices.Equal(got, want) {
			w.t.Errorf("index %d does not hold the rows: %d entries, want %d", ix, len(got), len(want))
		}
	}
	// A unique index over what repeats.
	again := public
	again.Version = 4
	again.Indexes = append(slices.Clone(public.Indexes), catalog.Index{ID: 9, Name: "u", Columns: []int{Age, Pay}, Unique: true})
	built, err := w.s.BuildIndex(ctx, 7, 9, c.Put(&again))
	if err != nil || len(built.Duplicate) < len("(age, pay)=(0, 0)") || built.Duplicate[:12] != "(age, pay)=(" {
		w.t.Errorf("duplicates: %+v, %v", built, err)
	}
}

func statistics(w *world, _ *Catalog) {
	ctx := context.Background()
	for at := int64(0); at < 24000; at += 4000 {
		var people []person
		for id := at; id < at+4000; id++ {
			people = append(people, person{id: id, age: int32(id % 10), name: fmt.Sprintf("n%05d", id)})
		}
		w.add(people...)
	}
	one := func(rowCount float64) *stats.Table {
		w.t.Helper()
		all, err := w.s.Statistics(ctx, []catalog.TableID{7, 999})
		if err != nil || len(all) != 1 || all[0].ID != 7 || len(all[0].Columns) != 4 {
			w.t.Fatalf("statistics: %v, %v", all, err)
		}
		if all[0].RowCount != rowCount {
			w.t.Errorf("%g rows, want %g", all[0].RowCount, rowCount)
		}
		return all[0]
	}
	one(24000)
	txn, ts := w.next(), w.now()
	for id := range int64(100) {
		w.remove(txn, ts, id)
	}
	w.stage(txn, ts, person{id: 50000, age: 77}.mutations(w.table, access.Insert)...)
	w.commit(txn)
	one(23901)
	if err := w.s.Analyze(ctx, nil); err != nil {
		w.t.Fatal(err)
	}
	s := one(23901)
	if age := s.Columns[Age]; age.Max.Int() != 77 || age.Distinct < 10 || age.Distinct > 12 || len(age.MostCommon) < 10 {
		w.t.Errorf("age: %+v", age)
	}
	if id := s.Columns[ID]; id.Min.Int() != 100 || id.Distinct < 23000 {
		w.t.Errorf("id: %+v", id)
	}
	for _, index := range []catalog.IndexID{1, ByName} {
		lo, hi := keys.IndexSpan(7, index)
		req := access.Scan{Table: w.version(), Index: index, Columns: []int{ID}, Span: access.Span{Start: lo, End: hi}}
		spans, err := w.s.Split(ctx, &req, 4)
		if err != nil || len(spans) < 2 || len(spans) > 4 || !bytes.Equal(spans[0].Start, lo) || !bytes.Equal(spans[len(spans)-1].End, hi) {
			w.t.Fatalf("index %d: %v, %v", index, spans, err)
		}
		total := 0
		for i, span := range spans {
			if i > 0 && !bytes.Equal(spans[i-1].End, span.Start) {
				w.t.Errorf("index %d: a gap before part %d", index, i)
			}
			req.Span = span
			n := len(w.mustScan(req))
			if n < 23901/len(spans)/2 {
				w.t.Errorf("index %d: %d rows in part %d of %d", index, n, i, len(spans))
			}
			total += n
		}
		if total != 23901 {
			w.t.Errorf("index %d: %d rows in all parts", index, total)
		}
	}
}

func deleteSpan(w *world, c *Catalog) {
	w.add(person{id: 1, name: "a"}, person{id: 2, name: "b"})
	other := *w
	other.table, other.rows, other.txn = People(8, 1), map[int64]person{}, 500
	c.Put(other.table)
	other.add(person{id: 1})
	lo, hi := keys.IndexSpan(7, ByName)
	if err := w.s.DeleteSpan(context.Background(), access.Span{Start: lo, End: hi}); err != nil {
		w.t.Fatal(err)
	}
	if got := w.mustScan(access.Scan{Index: ByName, Columns: []int{ID}}); len(got) != 0 {
		w.t.Errorf("the index still has %q", got)
	}
	if got := w.mustScan(access.Scan{Columns: []int{ID}}); len(got) != 2 {
		w.t.Errorf("the rows: %q", got)
	}
	lo, hi = keys.TableSpan(7)
	for range 2 {
		if err := w.s.DeleteSpan(context.Background(), access.Span{Start: lo, End: hi}); err != nil {
			w.t.Fatal(err)
		}
	}
	if got := w.mustScan(access.Scan{Columns: []int{ID}}); len(got) != 0 {
		w.t.Errorf("the table still has %q", got)
	}
	if got := other.mustScan(access.Scan{Columns: []int{ID}}); len(got) != 1 {
		w.t.Errorf("the other table has %q", got)
	}
	if all, err := w.s.Statistics(context.Background(), []catalog.TableID{7}); err != nil || all[0].RowCount != 0 {
		w.t.Errorf("statistics: %+v, %v", all, err)
	}
}

func badRequests(w *world, _ *Catalog) {
	ctx := context.Background()
	w.add(person{id: 1})
	fails := func(what string, err error) {
		w.t.Helper()
		if err == nil {
			w.t.Errorf("%s is taken", what)
		}
	}
	_, err := w.scan(access.Scan{Columns: []int{4}})
	fails("a column that is not there", err)
	_, err = w.scan(access.Scan{Index: 77, Columns: []int{0}})
	fails("an index that is not there", err)
	_, err = w.scan(access.Scan{Columns: []int{0}, Snapshot: access.Snapshot{Timestamp: 1<<64 - 1}})
	fails("a snapshot of the future", err)
	_, err = w.scan(access.Scan{Columns: []int{0}, Filter: expr.At(3, types.Of(types.Bool), "x")})
	fails("a filter over a column that is not there", err)
	_, err = w.scan(access.Scan{Columns: []int{0}, Blooms: []access.Bloom{{Columns: []int{1}, Filter: bloom.New(1, 0.1)}}})
	fails("a Bloom filter over a column that is not there", err)
	_, err = w.s.Lookup(ctx, &access.Lookup{Table: w.version(), Index: 1, Columns: []int{0}, Keys: [][]byte{keys.IndexPrefix(8, 1)}})
	fails("a key of another table", err)
	_, err = w.s.Write(ctx, &access.Write{Mutations: []access.Mutation{{Kind: access.Put, Key: []byte{1}}}})
	fails("a write without a transaction", err)
	for _, key := range [][]byte{nil, {0xff, 'l', 'o', 'g'}} {
		_, err = w.s.Write(ctx, &access.Write{Snapshot: access.Snapshot{Txn: w.next()}, Mutations: []access.Mutation{{Kind: access.Put, Key: key}}})
		fails(fmt.Sprintf("a write of key %x", key), err)
	}
	fails("a span without ends", w.s.DeleteSpan(ctx, access.Span{}))
	fails("a span over the system", w.s.DeleteSpan(ctx, access.Span{Start: []byte{1}, End: []byte{0xff, 0xff}}))
	cancelled, cancel := context.WithCancel(ctx)
	r, err := w.s.Scan(cancelled, &access.Scan{Table: w.version(), Index: 1, Columns: []int{0}})
	if err != nil {
		w.t.Fatal(err)
	}
	cancel()
	_, err = r.Next(cancelled)
	fails("a read in a cancelled context", err)
	r.Close()
	r.Close()
	// A corrupt row is an error, not a wrong answer.
	key := rows.PrimaryKey(nil, w.table, person{id: 5}.batch(w.table), 0)
	res, err := w.s.Write(ctx, &access.Write{Snapshot: access.Snapshot{Txn: w.next()}, Commit: true,
		Mutations: []access.Mutation{{Kind: access.Put, Key: key, Value: []byte("nonsense")}}})
	if err != nil || res.CommitTimestamp == 0 {
		w.t.Fatal(res, err)
	}
	_, err = w.scan(access.Scan{Columns: []int{Name}})
	wantCode(w.t, "a malformed row", err, sqlerr.DataCorrupted)
}
