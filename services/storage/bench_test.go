package storage_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/services/storage"
	"github.com/attunedb/attune/services/storage/storagetest"
)

const benchPeople = 100_000

// bench runs a service on disk with a filled table.
func bench(b *testing.B) (*storage.Service, []access.Mutation) {
	b.Helper()
	c := storagetest.NewCatalog()
	table := storagetest.People(7, 1)
	c.Put(table)
	s, _ := start(b, storage.Config{Data: b.TempDir()}, storage.Deps{Catalog: c})
	all := insertions(table, 0, benchPeople)
	for at := 0; at < len(all); at += 10_000 {
		if _, err := s.Write(context.Background(), &access.Write{Snapshot: access.Snapshot{Txn: uint64(at) + 1}, Mutations: all[at : at+10_000], Commit: true}); err != nil {
			b.Fatal(err)
		}
	}
	return s, all
}

func BenchmarkPointRead(b *testing.B) {
	s, all := bench(b)
	ctx := context.Background()
	for i := 0; b.Loop(); i++ {
		ts, err := s.Timestamp(ctx)
		if err != nil {
			b.Fatal(err)
		}
		f, err := s.Lookup(ctx, &access.Lookup{Snapshot: access.Snapshot{Timestamp: ts}, Table: access.TableVersion{ID: 7, Version: 1},
			Index: 1, Keys: [][]byte{all[i*7919%benchPeople].Key}, Columns: []int{0, 1, 2}})
		if err != nil || f.Batch.Len != 1 {
			b.Fatal(f, err)
		}
	}
}

// BenchmarkUpdate has 64 writers update single rows, each synced.
func BenchmarkUpdate(b *testing.B) {
	s, all := bench(b)
	ctx := context.Background()
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range 64 {
		wg.Go(func() {
			for {
				i := next.Add(1)
				if i > int64(b.N) {
					return
				}
				m := all[i*7919%benchPeople]
				m.Kind = access.Put
				_, err := s.Write(ctx, &access.Write{Snapshot: access.Snapshot{Txn: uint64(i) + 1<<40},
					Tables: []access.TableVersion{{ID: 7, Version: 1}}, Mutations: []access.Mutation{m}, Commit: true})
				if err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
}

// BenchmarkLoad inserts rows, 2,048 to a request, in one transaction of 100,000.
func BenchmarkLoad(b *testing.B) {
	c := storagetest.NewCatalog()
	table := storagetest.People(7, 1)
	c.Put(table)
	all := insertions(table, 0, benchPeople)
	for i := range b.N {
		b.StopTimer()
		s, stop := start(b, storage.Config{Data: b.TempDir() + fmt.Sprint(i)}, storage.Deps{Catalog: c})
		b.StartTimer()
		for at := 0; at < len(all); at += 2048 {
			_, err := s.Write(context.Background(), &access.Write{Snapshot: access.Snapshot{Txn: 5}, Mutations: all[at:min(at+2048, len(all))]})
			if err != nil {
				b.Fatal(err)
			}
		}
		if _, err := s.Commit(context.Background(), 5); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		stop()
		b.StartTimer()
	}
	b.ReportMetric(float64(b.N)*benchPeople/b.Elapsed().Seconds(), "rows/s")
}
