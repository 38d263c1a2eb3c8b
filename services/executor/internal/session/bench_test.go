package session

import (
	"context"
	"testing"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
	"github.com/attunedb/attune/services/executor/internal/store"
)

// oneRow is storage that answers every lookup with the same row, so that the session's own work is what is measured.
type oneRow struct {
	store.Store
	found access.Found
}

func (o *oneRow) Lookup(context.Context, *access.Lookup) (*access.Found, error) { return &o.found, nil }

func BenchmarkPointStatement(b *testing.B) {
	w := newWorld(b)
	w.manager.deps.Store = &oneRow{found: access.Found{Key: []int32{0},
		Batch: vec.NewBatch(1, vec.FromSlice(int4, []int32{1}, nil), vec.FromStrings(textType, []string{"x"}))}}
	s, err := w.manager.Open(Options{})
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	if _, err := s.Prepare(ctx, "p", "select * from t where a = $1", nil); err != nil {
		b.Fatal(err)
	}
	name := "p"
	params := []types.Datum{types.NewInt(types.Int4, 1)}
	for _, c := range []struct {
		name string
		req  Request
	}{
		{"prepared", Request{Name: &name, Params: params}},
		{"text", Request{SQL: "select * from t where a = 1"}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Execute(ctx, &c.req, discard{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
