package scan

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/expr"
	"github.com/attunedb/attune/engine/keys"
	"github.com/attunedb/attune/engine/rows"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
	"github.com/attunedb/attune/services/storage/internal/mvcc"
)

const benchRows = 300_000

// benchView holds a table of five narrow columns and an index over the second.
func benchView(b *testing.B, flush bool) (View, *catalog.Table) {
	b.Helper()
	s, err := mvcc.Open(mvcc.Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	t := &catalog.Table{ID: 5, Name: "t", Version: 1,
		Columns: []catalog.Column{{Name: "id", Type: types.Of(types.Int4)}, {Name: "a", Type: types.Of(types.Int4)},
			{Name: "b", Type: types.Of(types.Int8)}, {Name: "c", Type: types.Of(types.Int4)}, {Name: "ts", Type: types.Of(types.Timestamp)}},
		Primary: catalog.Index{ID: catalog.PrimaryIndex, Columns: []int{0}, Unique: true},
		Indexes: []catalog.Index{{ID: 2, Columns: []int{1}, State: catalog.IndexPublic}}}
	e := rows.NewEncoder(t)
	for at := 0; at < benchRows; at += vec.BatchSize {
		n := min(vec.BatchSize, benchRows-at)
		batch := &vec.Batch{Len: n}
		for _, c := range t.Columns {
			out := vec.NewBuilder(c.Type, n)
			for i := range n {
				v := int64(at + i)
				switch {
				case c.Name == "a":
					v = v * 7919 % 1000
				case c.Type.Kind == types.Timestamp:
					out.AppendDatum(types.NewTimestamp(types.Timestamp, v*1000))
					continue
				}
				out.AppendDatum(types.NewInt(c.Type.Kind, v))
			}
			batch.Cols = append(batch.Cols, out.Finish())
		}
		w := s.NewBatch()
		for i := range n {
			ik, iv := rows.IndexEntry(t, &t.Indexes[0], batch, i)
			err := errors.Join(w.Put(e.PrimaryKey(nil, batch, i), 1, e.Value(nil, batch, i)), w.Put(ik, 1, iv))
			if err != nil {
				b.Fatal(err)
			}
		}
		if err := w.Commit(false); err != nil {
			b.Fatal(err)
		}
	}
	if flush {
		if err := s.Flush(); err != nil {
			b.Fatal(err)
		}
	}
	return View{Store: s, Timestamp: 10}, t
}

func drain(b *testing.B, v View, t *catalog.Table, req *access.Scan) int {
	r, err := Scan(v, t, req)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	n := 0
	for {
		batch, err := r.Next(context.Background())
		if errors.Is(err, io.EOF) {
			return n
		}
		if err != nil {
			b.Fatal(err)
		}
		n += batch.Rows()
	}
}

func BenchmarkScan(b *testing.B) {
	eq, _, err := compute.Resolve("=", []types.Type{types.Of(types.Int4), types.Of(types.Int4)})
	if err != nil {
		b.Fatal(err)
	}
	filter := &expr.Call{Fn: eq, Args: []expr.Expr{expr.At(1, types.Of(types.Int4), "a"), expr.NewConst(types.NewInt(types.Int4, 77))}, Typ: types.Of(types.Bool)}
	for _, flush := range []bool{true, false} {
		where := map[bool]string{true: "tables/", false: "memory/"}[flush]
		v, t := benchView(b, flush)
		for _, c := range []struct {
			name string
			req  access.Scan
			want int
		}{
			{"all", access.Scan{Index: 1, Columns: []int{0, 1, 2, 3, 4}}, benchRows},
			{"two columns", access.Scan{Index: 1, Columns: []int{0, 1}}, benchRows},
			{"filter", access.Scan{Index: 1, Columns: []int{0, 1}, Filter: filter}, benchRows / 1000},
			{"count", access.Scan{Index: 1}, benchRows},
			{"reverse", access.Scan{Index: 1, Columns: []int{0, 1}, Reverse: true}, benchRows},
			{"index only", access.Scan{Index: 2, Columns: []int{1, 0}}, benchRows},
			{"index, 600 rows fetched", access.Scan{Index: 2, Columns: []int{1, 2}, Span: access.Span{
				Start: keys.AppendDatum(keys.IndexPrefix(5, 2), types.NewInt(types.Int4, 5), false),
				End:   keys.AppendDatum(keys.IndexPrefix(5, 2), types.NewInt(types.Int4, 7), false)}}, 600},
		} {
			b.Run(where+c.name, func(b *testing.B) {
				for b.Loop() {
					if n := drain(b, v, t, &c.req); n != c.want {
						b.Fatalf("%d rows, want %d", n, c.want)
					}
				}
				b.ReportMetric(float64(c.want)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
			})
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	v, t := benchView(b, true)
	req := &access.Lookup{Index: 1, Columns: []int{0, 1, 2}, Keys: [][]byte{nil}}
	for i := 0; b.Loop(); i++ {
		req.Keys[0] = keys.AppendDatum(keys.IndexPrefix(5, 1), types.NewInt(types.Int4, int64(i*7919%benchRows)), false)
		f, err := Lookup(context.Background(), v, t, req)
		if err != nil || f.Batch.Len != 1 {
			b.Fatal(f, err)
		}
	}
}
