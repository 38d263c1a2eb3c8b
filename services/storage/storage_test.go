package storage_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/catalog"
	"github.com/attunedb/attune/engine/rows"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
	"github.com/attunedb/attune/engine/vec"
	"github.com/attunedb/attune/services/storage"
	"github.com/attunedb/attune/services/storage/storagetest"
)

// start runs a service until the test ends or stop is called.
func start(t testing.TB, cfg storage.Config, deps storage.Deps) (s *storage.Service, stop func()) {
	t.Helper()
	s, err := storage.New(cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-done, s.Close()); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	ready, cancelReady := context.WithTimeout(ctx, 10*time.Second)
	defer cancelReady()
	if err := s.Ready(ready); err != nil {
		t.Fatal(err)
	}
	return s, stop
}

// dial serves a service over an in-memory listener and returns a connection to it.
func dial(t testing.TB, s *storage.Service) *grpc.ClientConn {
	t.Helper()
	l := bufconn.Listen(1 << 20)
	server := grpc.NewServer(grpc.MaxRecvMsgSize(64<<20), grpc.WaitForHandlers(true))
	s.Register(server)
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	conn, err := grpc.NewClient("passthrough:///storage", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return conn
}

func TestConformance(t *testing.T) {
	t.Run("local", func(t *testing.T) {
		storagetest.Run(t, func(t *testing.T, c *storagetest.Catalog) storagetest.Store {
			s, _ := start(t, storage.Config{Data: "data"}, storage.Deps{Catalog: c, FS: vfs.NewMem()})
			return s
		})
	})
	t.Run("grpc", func(t *testing.T) {
		storagetest.Run(t, func(t *testing.T, c *storagetest.Catalog) storagetest.Store {
			s, _ := start(t, storage.Config{Data: "data"}, storage.Deps{Catalog: c, FS: vfs.NewMem()})
			return storagetest.NewRemote(dial(t, s))
		})
	})
}

func insertions(t *catalog.Table, from, n int64) []access.Mutation {
	var out []access.Mutation
	for id := from; id < from+n; id++ {
		b := vec.NewBatch(1, vec.FromSlice(types.Of(types.Int8), []int64{id}, nil), vec.FromSlice(types.Of(types.Int4), []int32{int32(id)}, nil),
			vec.FromStrings(types.Of(types.Text), []string{fmt.Sprint("n", id)}), vec.Nulls(types.Of(types.Numeric), 1))
		out = append(out, access.Mutation{Kind: access.Insert, Key: rows.PrimaryKey(nil, t, b, 0), Value: rows.Value(nil, t, b, 0)})
	}
	return out
}

// TestRestart has counts, statistics and rows survive, a power cut included.
func TestRestart(t *testing.T) {
	c := storagetest.NewCatalog()
	table := storagetest.People(7, 1)
	table.Indexes = nil
	c.Put(table)
	fs := vfs.NewCrashableMem()
	s, stop := start(t, storage.Config{Data: "data"}, storage.Deps{Catalog: c, FS: fs})
	ctx := context.Background()
	for i := range int64(10) {
		_, err := s.Write(ctx, &access.Write{Snapshot: access.Snapshot{Txn: uint64(i) + 1}, Mutations: insertions(table, i*100, 100), Commit: true})
		if err != nil {
			t.Fatal(err)
		}
	}
	clone := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rand.New(rand.NewPCG(1, 1))})
	stop()
	s, _ = start(t, storage.Config{Data: "data"}, storage.Deps{Catalog: c, FS: clone})
	all, err := s.Statistics(ctx, nil)
	if err != nil || len(all) != 1 || all[0].RowCount != 1000 {
		t.Fatalf("after the crash: %+v, %v", all, err)
	}
	if err := s.Analyze(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if all, err = s.Statistics(ctx, nil); err != nil || all[0].Columns[0].Distinct != 1000 {
		t.Errorf("statistics after the crash: %+v, %v", all[0].Columns[0], err)
	}
	if ts, err := s.Commit(ctx, 10); err != nil || ts == 0 {
		t.Errorf("the last commit is forgotten: %v", err)
	}
}

// TestCollect replaces a row often and waits, with a clock of its own, for what nobody can read to go.
func TestCollect(t *testing.T) {
	var mu sync.Mutex
	now := time.Unix(1_700_000_000, 0)
	clock := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}
	c := storagetest.NewCatalog()
	table := storagetest.People(7, 1)
	c.Put(table)
	s, _ := start(t, storage.Config{Data: "data", CollectEvery: time.Millisecond, Retention: time.Minute},
		storage.Deps{Catalog: c, FS: vfs.NewMem(), Now: clock})
	ctx := context.Background()
	m := insertions(table, 1, 1)[0]
	m.Kind = access.Put
	put := func(id uint64) uint64 {
		t.Helper()
		w, err := s.Write(ctx, &access.Write{Snapshot: access.Snapshot{Txn: id}, Mutations: []access.Mutation{m}, Commit: true})
		if err != nil {
			t.Fatal(err)
		}
		return w.CommitTimestamp
	}
	first := put(1)
	read := func(ts uint64) error {
		_, err := s.Lookup(ctx, &access.Lookup{Snapshot: access.Snapshot{Timestamp: ts}, Table: access.TableVersion{ID: 7, Version: 1},
			Index: 1, Keys: [][]byte{m.Key}, Columns: []int{0}})
		return err
	}
	for id := range uint64(10) {
		put(id + 2)
	}
	if err := read(first); err != nil {
		t.Fatalf("a snapshot within the retention: %v", err)
	}
	mu.Lock()
	now = now.Add(time.Hour)
	mu.Unlock()
	last := put(100)
	deadline := time.Now().Add(10 * time.Second)
	for read(first) == nil {
		if time.Now().After(deadline) {
			t.Fatal("nothing was collected")
		}
		put(uint64(time.Now().UnixNano()))
	}
	if err := read(first); sqlerr.CodeOf(err) != sqlerr.SerializationFailure {
		t.Errorf("a snapshot beyond the retention: %v", err)
	}
	if err := read(last); err != nil {
		t.Errorf("a snapshot within the retention: %v", err)
	}
}
