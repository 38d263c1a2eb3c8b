package profiler

import (
	"context"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/attunedb/attune/platform/profiler/analysis"
	"github.com/attunedb/attune/platform/profiler/files"
)

// The problems are planted in functions of their own, which the report must name. They must not be inlined away.

// table is locked as a whole for as long as one caller needs.
type table struct{ mu sync.Mutex }

//go:noinline
func (t *table) putSlowly() {
	t.mu.Lock()
	defer t.mu.Unlock()
	time.Sleep(2 * time.Millisecond)
}

func TestLockConvoy(t *testing.T) {
	var tab table
	n := start(t, "convoy", func(*node) work {
		return func(context.Context, string) error { tab.putSlowly(); return nil }
	})
	defer load(t, n, 12, same, 0)()
	p := profile(t, n, 600*time.Millisecond, false)
	if p.Verdict.Kind != analysis.LockBound {
		t.Fatalf("verdict:\n%s", tell(p))
	}
	if !strings.HasSuffix(p.Verdict.Subject, "(*table).putSlowly") {
		t.Errorf("the lock's holder is %q, path %q", p.Verdict.Subject, p.Verdict.Path)
	}
	none(t, p, analysis.HotKey, analysis.SlowDisk, analysis.ChattyPeer)
}

// keyLocks has a lock for each key.
type keyLocks struct {
	mu   sync.Mutex
	keys map[string]*sync.Mutex
}

func (k *keyLocks) of(key string) *sync.Mutex {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.keys[key] == nil {
		k.keys[key] = &sync.Mutex{}
	}
	return k.keys[key]
}

//go:noinline
func (k *keyLocks) withKeyLocked(key string) {
	l := k.of(key)
	l.Lock()
	defer l.Unlock()
	time.Sleep(2 * time.Millisecond)
}

// Updates that all meet in one key are a hot key; the same number of updates of keys of their own are none.
func TestHotKey(t *testing.T) {
	for name, key := range map[string]func(int, int) string{
		"hot": same, "spread": func(client, _ int) string { return strings.Repeat("k", client+1) },
	} {
		t.Run(name, func(t *testing.T) {
			locks := keyLocks{keys: map[string]*sync.Mutex{}}
			n := start(t, "keys", func(*node) work {
				return func(_ context.Context, key string) error { locks.withKeyLocked(key); return nil }
			})
			defer load(t, n, 12, key, 0)()
			p := profile(t, n, 600*time.Millisecond, false)
			if name == "spread" {
				none(t, p, analysis.HotKey, analysis.LockBound)
				return
			}
			if f := find(t, p, analysis.HotKey); !strings.HasSuffix(f.Subject, "(*keyLocks).withKeyLocked") {
				t.Errorf("the hot key is in %q", f.Subject)
			}
			if p.Verdict.Kind != analysis.LockBound {
				t.Errorf("verdict:\n%s", tell(p))
			}
		})
	}
}

// memory remembers everything that it was ever told.
type memory struct {
	mu   sync.Mutex
	kept [][]byte
}

//go:noinline
func (m *memory) remember() {
	b := make([]byte, 64<<10)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept = append(m.kept, b)
}

func TestLeak(t *testing.T) {
	var m memory
	n := start(t, "leak", func(*node) work {
		return func(context.Context, string) error { m.remember(); return nil }
	})
	defer load(t, n, 2, same, time.Millisecond)()
	p := profile(t, n, 1200*time.Millisecond, true)
	if f := find(t, p, analysis.Leak); !strings.HasSuffix(f.Subject, "(*memory).remember") {
		t.Errorf("the leak is in %q, path %q", f.Subject, f.Path)
	}
	none(t, p, analysis.LockBound, analysis.DiskBound, analysis.GoroutineLeak)
}

//go:noinline
func waitForever(ctx context.Context) { <-ctx.Done() }

func TestGoroutineLeak(t *testing.T) {
	var waiting sync.WaitGroup
	defer waiting.Wait()
	forgotten, end := context.WithCancel(context.Background())
	defer end()
	n := start(t, "goroutines", func(*node) work {
		return func(context.Context, string) error {
			waiting.Go(func() { waitForever(forgotten) })
			return nil
		}
	})
	defer load(t, n, 2, same, 2*time.Millisecond)()
	p := profile(t, n, 1200*time.Millisecond, true)
	if f := find(t, p, analysis.GoroutineLeak); !strings.HasSuffix(f.Subject, ".waitForever") {
		t.Errorf("the goroutines wait in %q", f.Subject)
	}
	none(t, p, analysis.Leak, analysis.LockBound)
}

// slowFile is a log on a disk that takes its time.
type slowFile struct {
	mu    sync.Mutex
	class *files.Class
}

//go:noinline
func (f *slowFile) Sync() {
	begin := time.Now()
	time.Sleep(30 * time.Millisecond)
	f.class.Synced(time.Since(begin))
}

//go:noinline
func (f *slowFile) commit() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.class.Wrote(100, time.Microsecond)
	f.Sync()
}

func TestSlowDisk(t *testing.T) {
	n := start(t, "disk", func(n *node) work {
		f := &slowFile{class: n.files.Class("wal")}
		// One committer at a time is there to sync: nobody waits for a lock.
		return func(context.Context, string) error { f.commit(); return nil }
	})
	defer load(t, n, 1, same, 0)()
	p := profile(t, n, 600*time.Millisecond, false)
	if p.Verdict.Kind != analysis.DiskBound || p.Verdict.Subject != "wal syncs" {
		t.Errorf("verdict on %q:\n%s", p.Verdict.Subject, tell(p))
	}
	if f := find(t, p, analysis.SlowDisk); f.Subject != "wal syncs" {
		t.Errorf("slow are %q", f.Subject)
	}
	none(t, p, analysis.LockBound, analysis.HotKey)
}

func TestChattyPeer(t *testing.T) {
	peer := start(t, "peer", idle)
	n := start(t, "chatty", func(n *node) work {
		conn := n.conn(t, peer.address)
		return func(ctx context.Context, _ string) error {
			for range 40 {
				if err := conn.Invoke(ctx, method, wrapperspb.String("one"), &wrapperspb.StringValue{}); err != nil {
					return err
				}
			}
			return nil
		}
	})
	defer load(t, n, 2, same, 5*time.Millisecond)()
	p := profile(t, n, 600*time.Millisecond, false)
	if f := find(t, p, analysis.ChattyPeer); f.Subject != peer.address+" "+method {
		t.Errorf("chatty is %q", f.Subject)
	}
	none(t, p, analysis.Leak, analysis.HotKey, analysis.SlowDisk, analysis.FailingPeer)
}

// tree is a live heap that is laborious to mark.
type tree struct{ left, right *tree }

func grow(depth int) *tree {
	if depth == 0 {
		return nil
	}
	return &tree{grow(depth - 1), grow(depth - 1)}
}

//go:noinline
func encodeWastefully() int {
	var n int
	for range 2000 {
		n += len(*waste())
	}
	return n
}

//go:noinline
func waste() *[]*int {
	s := make([]*int, 64)
	for i := range s {
		s[i] = new(int)
	}
	return &s
}

func TestGCStorm(t *testing.T) {
	live := grow(18)
	defer debug.SetGCPercent(debug.SetGCPercent(10))
	n := start(t, "storm", func(*node) work {
		return func(context.Context, string) error { encodeWastefully(); return nil }
	})
	defer load(t, n, 4, same, 0)()
	p := profile(t, n, time.Second, false)
	if p.Verdict.Kind != analysis.GCBound || !strings.HasSuffix(p.Verdict.Subject, ".waste") {
		t.Errorf("verdict on %q:\n%s", p.Verdict.Subject, tell(p))
	}
	if f := find(t, p, analysis.GCStorm); !strings.HasSuffix(f.Subject, ".waste") {
		t.Errorf("the storm is in %q", f.Subject)
	}
	none(t, p, analysis.LockBound, analysis.Leak, analysis.SlowDisk)
	if live == nil {
		t.Error("the live heap is gone")
	}
}

// planted are the kinds that a healthy process must not be told of.
var planted = []analysis.Kind{
	analysis.LockBound, analysis.HotKey, analysis.Leak, analysis.GoroutineLeak, analysis.DiskBound, analysis.SlowDisk, analysis.ChattyPeer,
	analysis.FailingPeer, analysis.GCBound, analysis.GCStorm, analysis.QueueBound, analysis.MemoryBound,
}

func TestAHealthyProcess(t *testing.T) {
	t.Run("idle", func(t *testing.T) {
		p := profile(t, start(t, "idle", idle), 600*time.Millisecond, true)
		if p.Verdict.Kind != analysis.Idle || len(p.Findings) > 0 {
			t.Errorf("an idle process:\n%s", tell(p))
		}
	})
	t.Run("with some load", func(t *testing.T) {
		n := start(t, "healthy", func(n *node) work {
			log := n.files.Class("wal")
			return func(context.Context, string) error {
				log.Wrote(100, 20*time.Microsecond)
				return nil
			}
		})
		defer load(t, n, 4, same, 5*time.Millisecond)()
		none(t, profile(t, n, 600*time.Millisecond, true), planted...)
	})
}
