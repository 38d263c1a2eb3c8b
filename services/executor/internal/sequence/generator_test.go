package sequence_test

import (
	"context"
	"math"
	"sync"
	"testing"

	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/services/executor/internal/fake"
	"github.com/attunedb/attune/services/executor/internal/sequence"
)

func seq(start, increment int64) *catalog.Sequence {
	return &catalog.Sequence{Schema: "public", Name: "s", OwnerTable: 7, Start: start, Increment: increment}
}

func TestNextCountsAcrossBlocksAndExecutors(t *testing.T) {
	ctx := context.Background()
	kv := fake.NewKV()
	kv.Races = 3
	seen := map[int64]bool{}
	var mu sync.Mutex
	var wait sync.WaitGroup
	for range 3 {
		g := sequence.New(kv)
		wait.Go(func() {
			for range 200 {
				v, err := g.Next(ctx, seq(10, 5))
				mu.Lock()
				if err != nil || seen[v] || v < 10 || (v-10)%5 != 0 {
					t.Errorf("value %d, %v", v, err)
				}
				seen[v] = true
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	g := sequence.New(fake.NewKV())
	for want := int64(1); want <= 100; want++ {
		if v, err := g.Next(ctx, seq(1, 1)); v != want || err != nil {
			t.Fatalf("got %d, %v, want %d", v, err, want)
		}
	}
}

func TestSetAndLimits(t *testing.T) {
	ctx := context.Background()
	g := sequence.New(fake.NewKV())
	q := seq(1, 1)
	for _, c := range []struct {
		value  int64
		called bool
		want   int64
	}{{100, true, 101}, {100, false, 100}, {math.MaxInt64 - 1, true, math.MaxInt64}} {
		if err := g.Set(ctx, q, c.value, c.called); err != nil {
			t.Fatal(err)
		}
		if v, err := g.Next(ctx, q); v != c.want || err != nil {
			t.Fatalf("after set %d: %d, %v, want %d", c.value, v, err, c.want)
		}
	}
	if _, err := g.Next(ctx, q); sqlerr.CodeOf(err) != "2200H" {
		t.Fatalf("beyond the last value: %v", err)
	}
}

// A table that is dropped and made anew begins from the start, though its sequence has the same name.
func TestForget(t *testing.T) {
	ctx := context.Background()
	g := sequence.New(fake.NewKV())
	q := seq(1, 1)
	if _, err := g.Next(ctx, q); err != nil {
		t.Fatal(err)
	}
	if err := g.Forget(ctx, q.OwnerTable, []*catalog.Sequence{q}); err != nil {
		t.Fatal(err)
	}
	again := *q
	again.OwnerTable = 8
	if v, err := g.Next(ctx, &again); v != 1 || err != nil {
		t.Fatalf("got %d, %v", v, err)
	}
}

func TestTakeGivesSuccessiveIdentifiers(t *testing.T) {
	ctx := context.Background()
	kv := fake.NewKV()
	a, b := sequence.New(kv), sequence.New(kv)
	next := map[int64]bool{}
	for i := range 50 {
		for _, g := range []*sequence.Generator{a, b} {
			n := 1 + i*37
			first, err := g.Take(ctx, 5, n)
			if err != nil {
				t.Fatal(err)
			}
			for v := first; v < first+int64(n); v++ {
				if next[v] {
					t.Fatalf("%d was given twice", v)
				}
				next[v] = true
			}
		}
	}
}
