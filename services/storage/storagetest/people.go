package storagetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/rows"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
)

// person is a row of People. An empty name is NULL.
type person struct {
	id   int64
	age  int32
	name string
	// pay is in hundredths, displayed with scale digits.
	pay   int64
	scale int32
}

func (p person) datums() []types.Datum {
	name := types.Null(types.Text)
	if p.name != "" {
		name = types.NewString(types.Text, p.name)
	}
	pay := types.Decimal{Small: p.pay, Scale: 2}.Rescale(int(p.scale))
	return []types.Datum{types.NewInt(types.Int8, p.id), types.NewInt(types.Int4, int64(p.age)), name, types.NewNumeric(pay)}
}

func (p person) batch(t *catalog.Table) *vec.Batch {
	b := &vec.Batch{Len: 1}
	for i, d := range p.datums() {
		b.Cols = append(b.Cols, vec.FromDatum(t.Columns[i].Type, d, 1))
	}
	return b
}

// text returns the columns at ordinals in one form for comparison.
func (p person) text(ordinals []int) string {
	all := p.datums()
	parts := make([]string, len(ordinals))
	for i, o := range ordinals {
		parts[i] = datumText(all[o])
	}
	return strings.Join(parts, "|")
}

func datumText(d types.Datum) string {
	switch {
	case d.IsNull():
		return "NULL"
	case d.Kind() == types.Numeric:
		return d.Numeric().String()
	case d.Kind() == types.Text:
		return d.Str()
	}
	return fmt.Sprint(d.Int())
}

// mutations returns what writes a person and its index entries with the given kind for the row.
func (p person) mutations(t *catalog.Table, kind access.MutationKind) []access.Mutation {
	b := p.batch(t)
	out := []access.Mutation{{Kind: kind, Key: rows.PrimaryKey(nil, t, b, 0), Value: rows.Value(nil, t, b, 0)}}
	for i := range t.Indexes {
		k, v := rows.IndexEntry(t, &t.Indexes[i], b, 0)
		m := access.Mutation{Kind: access.Put, Key: k, Value: v}
		if kind == access.Insert && t.Indexes[i].Unique {
			m.Kind = access.Insert
		}
		if kind == access.Delete {
			m.Kind, m.Value = access.Delete, nil
		}
		out = append(out, m)
	}
	if kind == access.Delete {
		out[0].Value = nil
	}
	return out
}

// world is a subject with a table and what should be in it.
type world struct {
	t     *testing.T
	s     Store
	table *catalog.Table
	rows  map[int64]person
	txn   uint64
}

func (w *world) version() access.TableVersion {
	return access.TableVersion{ID: w.table.ID, Version: w.table.Version}
}

func (w *world) now() uint64 {
	w.t.Helper()
	ts, err := w.s.Timestamp(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	return ts
}

func (w *world) next() uint64 {
	w.txn++
	return w.txn<<8 | 0x5a00000000000000
}

// stage writes mutations in a transaction that stays open.
func (w *world) stage(txn, ts uint64, ms ...access.Mutation) {
	w.t.Helper()
	res, err := w.s.Write(context.Background(), &access.Write{Snapshot: access.Snapshot{Timestamp: ts, Txn: txn},
		Tables: []access.TableVersion{w.version()}, Mutations: ms})
	if err != nil || res.Violation != nil {
		w.t.Fatalf("write: %+v, %v", res, err)
	}
}

// add inserts people and commits.
func (w *world) add(people ...person) {
	w.t.Helper()
	var ms []access.Mutation
	for _, p := range people {
		ms = append(ms, p.mutations(w.table, access.Insert)...)
		w.rows[p.id] = p
	}
	res, err := w.s.Write(context.Background(), &access.Write{Snapshot: access.Snapshot{Txn: w.next()},
		Tables: []access.TableVersion{w.version()}, Mutations: ms, Commit: true})
	if err != nil || res.Violation != nil || res.CommitTimestamp == 0 {
		w.t.Fatalf("insert: %+v, %v", res, err)
	}
}

func (w *world) remove(txn, ts uint64, id int64) {
	w.t.Helper()
	w.stage(txn, ts, w.rows[id].mutations(w.table, access.Delete)...)
	delete(w.rows, id)
}

func (w *world) commit(txn uint64) uint64 {
	w.t.Helper()
	ts, err := w.s.Commit(context.Background(), txn)
	if err != nil {
		w.t.Fatal(err)
	}
	return ts
}

// scan returns the rows of a scan as text, and the error that ended it.
func (w *world) scan(req access.Scan) ([]string, error) {
	req.Table = w.version()
	if req.Index == 0 {
		req.Index = catalog.PrimaryIndex
	}
	r, err := w.s.Scan(context.Background(), &req)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	out := []string{}
	for {
		b, err := r.Next(context.Background())
		if errors.Is(err, io.EOF) {
			if n := r.Counters().ExaminedRows; req.Limit == 0 && n < uint64(len(out)) {
				w.t.Errorf("%d rows out of %d examined", len(out), n)
			}
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		if b.Rows() == 0 {
			w.t.Error("an empty batch")
		}
		if req.BatchRows > 0 && b.Rows() > req.BatchRows {
			w.t.Errorf("a batch of %d rows, asked for %d", b.Rows(), req.BatchRows)
		}
		out = append(out, batchText(b)...)
	}
}

func batchText(b *vec.Batch) []string {
	var out []string
	b = b.Compact()
	for row := range b.Len {
		parts := make([]string, len(b.Cols))
		for c := range parts {
			parts[c] = datumText(b.Cols[c].DatumAt(row))
		}
		out = append(out, strings.Join(parts, "|"))
	}
	return out
}

func (w *world) mustScan(req access.Scan) []string {
	w.t.Helper()
	out, err := w.scan(req)
	if err != nil {
		w.t.Fatalf("scan: %v", err)
	}
	return out
}

// sorted returns people in the order of an index.
func sorted(people map[int64]person, index catalog.IndexID) []person {
	out := make([]person, 0, len(people))
	for _, p := range people {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b person) int {
		order := 0
		switch index {
		case ByAge:
			order = cmp.Compare(a.age, b.age)
		case ByName:
			switch {
			case (a.name == "") != (b.name == ""):
				order = 1
				if b.name == "" {
					order = -1
				}
			default:
				order = cmp.Compare(a.name, b.name)
			}
		case ByPay:
			order = cmp.Or(cmp.Compare(b.pay, a.pay), cmp.Compare(a.age, b.age))
		}
		return cmp.Or(order, cmp.Compare(a.id, b.id))
	})
	return out
}

func wantCode(t *testing.T, what string, err error, code sqlerr.Code) {
	t.Helper()
	if err == nil || sqlerr.CodeOf(err) != code {
		t.Errorf("%s: %v, want SQLSTATE %s", what, err, code)
	}
}
