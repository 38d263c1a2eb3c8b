package coord_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/attunedb/attune/platform/coord"
	"github.com/attunedb/attune/platform/coord/embedded"
)

// endpoint is the one etcd member of the package's tests; each test takes a prefix of its own.
var endpoint string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "coord")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	s, err := embedded.Start(ctx, embedded.Config{Dir: dir, NoSync: true}, slog.Default())
	if err != nil {
		panic(err)
	}
	defer s.Stop(context.Background())
	endpoint = s.Endpoint()
	return m.Run()
}

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func connect(t *testing.T, prefix string) *coord.Client {
	t.Helper()
	return connectTo(t, endpoint, prefix)
}

func connectTo(t *testing.T, endpoint, prefix string) *coord.Client {
	t.Helper()
	c, err := coord.Connect(testContext(t), coord.Config{
		Endpoints: []string{endpoint}, Prefix: prefix, LeaseTTL: time.Second, RetryBackoff: 5 * time.Millisecond,
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	return c
}

func decodeInt(key string, value []byte) (int, error) { return strconv.Atoi(string(value)) }

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestTransactionsCompareRevisions(t *testing.T) {
	ctx, c := testContext(t), connect(t, t.Name())
	if _, err := c.Get(ctx, "a"); !errors.Is(err, coord.ErrNotFound) {
		t.Fatalf("get of a missing key: %v", err)
	}
	created := must[int64](t)(c.Create(ctx, "a", []byte("1")))
	if _, err := c.Create(ctx, "a", []byte("2")); !errors.Is(err, coord.ErrConflict) {
		t.Fatalf("second create: %v", err)
	}
	updated := must[int64](t)(c.PutIfRevision(ctx, "a", []byte("2"), created))
	if _, err := c.PutIfRevision(ctx, "a", []byte("3"), created); !errors.Is(err, coord.ErrConflict) {
		t.Fatalf("stale update: %v", err)
	}
	kv := must[coord.KV](t)(c.Get(ctx, "a"))
	if string(kv.Value) != "2" || kv.ModRevision != updated || kv.CreateRevision != created {
		t.Fatalf("got %+v, want value 2, mod %d, create %d", kv, updated, created)
	}
	if _, err := c.DeleteIfRevision(ctx, "a", created); !errors.Is(err, coord.ErrConflict) {
		t.Fatalf("stale delete: %v", err)
	}
	// One failing condition keeps back every write of the transaction.
	_, err := c.Txn(ctx, []coord.Cond{{Key: "a", ModRevision: updated}, {Key: "b", ModRevision: 7}},
		[]coord.Op{{Key: "a", Delete: true}, {Key: "c", Value: []byte("x")}})
	if !errors.Is(err, coord.ErrConflict) {
		t.Fatalf("transaction with a false condition: %v", err)
	}
	must[int64](t)(c.Txn(ctx, []coord.Cond{{Key: "a", ModRevision: updated}, {Key: "b"}},
		[]coord.Op{{Key: "a", Delete: true}, {Key: "c", Value: []byte("x")}}))
	kvs, _, err := c.List(ctx, "")
	if err != nil || len(kvs) != 1 || kvs[0].Key != "c" {
		t.Fatalf("after the transaction: %v %v", kvs, err)
	}
}

func TestPrefixesKeepClustersApart(t *testing.T) {
	ctx := testContext(t)
	a, b := connect(t, t.Name()+"/a"), connect(t, t.Name()+"/b")
	must[int64](t)(a.Put(ctx, "k", []byte("1")))
	if _, err := b.Get(ctx, "k"); !errors.Is(err, coord.ErrNotFound) {
		t.Fatalf("the other cluster's key: %v", err)
	}
}

func TestMirrorFollowsItsPrefix(t *testing.T) {
	ctx, c := testContext(t), connect(t, t.Name())
	must[int64](t)(c.Put(ctx, "n/a", []byte("1")))
	m := must[*coord.Mirror[int]](t)(coord.NewMirror(ctx, c, "n/", decodeInt))
	defer m.Close()
	var mu sync.Mutex
	log := []string{}
	cancel := m.OnChange(func(s *coord.Snapshot[int], changes []coord.Change[int]) {
		mu.Lock()
		defer mu.Unlock()
		for _, ch := range changes {
			log = append(log, fmt.Sprintf("%s=%d deleted=%v", ch.Key, ch.Entry.Value, ch.Deleted))
		}
	})
	rev := must[int64](t)(c.Put(ctx, "n/b", []byte("2")))
	if err := m.WaitRevision(ctx, rev); err != nil {
		t.Fatal(err)
	}
	before := m.Snapshot()
	if v, ok := before.Get("n/b"); !ok || v != 2 || before.Len() != 2 {
		t.Fatalf("snapshot lacks n/b=2: %d %v", v, ok)
	}
	must[int64](t)(c.Put(ctx, "n/b", []byte("not a number")))
	rev = must[int64](t)(c.Delete(ctx, "n/a"))
	if err := m.WaitRevision(ctx, rev); err != nil {
		t.Fatal(err)
	}
	if before.Len() != 2 {
		t.Fatal("an old snapshot changed")
	}
	if s := m.Snapshot(); s.Len() != 0 || s.Bad()["n/b"] == nil {
		t.Fatalf("undecodable value: %d entries, bad %v", s.Len(), s.Bad())
	}
	rev = must[int64](t)(c.Put(ctx, "n/b", []byte("4")))
	if err := m.WaitRevision(ctx, rev); err != nil {
		t.Fatal(err)
	}
	if s := m.Snapshot(); s.Len() != 1 || len(s.Bad()) != 0 {
		t.Fatalf("a repaired value is still bad: %v", s.Bad())
	}
	cancel()
	mu.Lock()
	defer mu.Unlock()
	want := []string{"n/a=1 deleted=false", "n/b=2 deleted=false", "n/b=0 deleted=true", "n/a=0 deleted=true", "n/b=4 deleted=false"}
	if fmt.Sprint(log) != fmt.Sprint(want) {
		t.Fatalf("callbacks\n got %v\nwant %v", log, want)
	}
}

// A revision made by a write elsewhere never shows up as an event of the prefix, and must still be waited for.
func TestWaitRevisionOutsideOfThePrefix(t *testing.T) {
	ctx, c := testContext(t), connect(t, t.Name())
	m := must[*coord.Mirror[int]](t)(coord.NewMirror(ctx, c, "n/", decodeInt))
	defer m.Close()
	for i := range 20 {
		must[int64](t)(c.Put(ctx, "n/a", []byte(strconv.Itoa(i))))
		rev := must[int64](t)(c.Put(ctx, "elsewhere", nil))
		begin := time.Now()
		if err := m.WaitRevision(ctx, rev); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(begin); d > 2*time.Second {
			t.Fatalf("waited %v", d)
		}
		if v, _ := m.Snapshot().Get("n/a"); v != i || m.Snapshot().Revision() < rev {
			t.Fatalf("at revision %d: n/a=%d, want %d", m.Snapshot().Revision(), v, i)
		}
	}
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if err := m.WaitRevision(short, m.Snapshot().Revision()+1000); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("wait for a future revision: %v", err)
	}
}

// Thousands of writes land in several watch responses while many waiters race them: whoever waited for a revision must find
// its write.
func TestWaitRevisionSeesItsWriteUnderLoad(t *testing.T) {
	ctx, c := testContext(t), connect(t, t.Name())
	m := must[*coord.Mirror[int]](t)(coord.NewMirror(ctx, c, "n/", decodeInt))
	defer m.Close()
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 60 {
				key := fmt.Sprintf("n/%d", w)
				rev, err := c.Put(ctx, key, []byte(strconv.Itoa(i)))
				if err == nil {
					err = m.WaitRevision(ctx, rev)
				}
				if err != nil {
					t.Error(err)
					return
				}
				if v, _ := m.Snapshot().Get(key); v != i {
					t.Errorf("%s=%d, want %d", key, v, i)
				}
			}
		})
	}
	wg.Wait()
}

func TestMirrorResumesAfterCompaction(t *testing.T) {
	ctx, c := testContext(t), connect(t, t.Name())
	wire := newProxy(t, endpoint)
	must[int64](t)(c.Put(ctx, "n/gone", []byte("1")))
	must[int64](t)(c.Put(ctx, "n/kept", []byte("1")))
	m := must[*coord.Mirror[int]](t)(coord.NewMirror(ctx, connectTo(t, wire.addr(), t.Name()), "n/", decodeInt))
	defer m.Close()
	var mu sync.Mutex
	deleted := map[string]bool{}
	m.OnChange(func(_ *coord.Snapshot[int], changes []coord.Change[int]) {
		mu.Lock()
		defer mu.Unlock()
		for _, ch := range changes {
			deleted[ch.Key] = ch.Deleted
		}
	})

	wire.set(true)
	must[int64](t)(c.Delete(ctx, "n/gone"))
	must[int64](t)(c.Put(ctx, "n/kept", []byte("2")))
	rev := must[int64](t)(c.Put(ctx, "n/fresh", []byte("3")))
	if _, err := c.Etcd().Compact(ctx, rev); err != nil {
		t.Fatal(err)
	}
	wire.set(false)

	if err := m.WaitRevision(ctx, rev); err != nil {
		t.Fatal(err)
	}
	if m.Relists() != 1 {
		t.Fatalf("%d re-lists, want 1: the test did not reach the compacted path", m.Relists())
	}
	s := m.Snapshot()
	kept, _ := s.Get("n/kept")
	fresh, _ := s.Get("n/fresh")
	if s.Len() != 2 || kept != 2 || fresh != 3 {
		t.Fatalf("snapshot after the compaction: %d entries, kept=%d fresh=%d", s.Len(), kept, fresh)
	}
	mu.Lock()
	if gone, ok := deleted["n/gone"]; !ok || !gone {
		t.Error("the deletion that happened during the gap reached no callback")
	}
	mu.Unlock()
	rev = must[int64](t)(c.Put(ctx, "n/after", []byte("4")))
	if err := m.WaitRevision(ctx, rev); err != nil {
		t.Fatal(err)
	}
	if v, _ := m.Snapshot().Get("n/after"); v != 4 {
		t.Fatalf("n/after=%d: the watch did not resume", v)
	}
}
