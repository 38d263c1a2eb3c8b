package txn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/services/storage/internal/log"
	"github.com/attunedb/attune/services/storage/internal/log/logtest"
	"github.com/attunedb/attune/services/storage/internal/mvcc"
)

// rig is a manager that runs, over a file system that can be cut.
type rig struct {
	t     testing.TB
	store *mvcc.Store
	m     *Manager
	stop  func()
}

func start(t testing.TB, fs vfs.FS, cfg Config, remote log.Log, clock func() time.Time) *rig {
	t.Helper()
	store, err := mvcc.Open(mvcc.Config{Dir: "db", FS: fs, MemTableBytes: 4 << 20})
	if err != nil {
		t.Fatal(err)
	}
	l := remote
	if l == nil {
		if l, err = log.OpenLocal(store); err != nil {
			t.Fatal(err)
		}
	}
	m, err := New(context.Background(), cfg, Deps{Store: store, Log: l, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	var once sync.Once
	r := &rig{t: t, store: store, m: m}
	r.stop = func() {
		once.Do(func() {
			cancel()
			if err := errors.Join(<-done, store.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(r.stop)
	return r
}

func put(key, value string) Mutation {
	return Mutation{Kind: Put, Key: []byte(key), Value: []byte(value)}
}

func insert(key, value string) Mutation {
	return Mutation{Kind: Insert, Key: []byte(key), Value: []byte(value)}
}

func del(key string) Mutation { return Mutation{Kind: Delete, Key: []byte(key)} }

func require(key string) Mutation { return Mutation{Kind: Require, Key: []byte(key)} }

func (r *rig) now() uint64 {
	r.t.Helper()
	ts, err := r.m.Timestamp()
	if err != nil {
		r.t.Fatal(err)
	}
	return ts
}

func (r *rig) write(id, snapshot uint64, ms ...Mutation) {
	r.t.Helper()
	if v, err := r.m.Write(id, snapshot, nil, ms); v != nil || err != nil {
		r.t.Fatalf("write of %x: %v, %v", id, v, err)
	}
}

func (r *rig) commit(id uint64) uint64 {
	r.t.Helper()
	ts, err := r.m.Commit(context.Background(), id)
	if err != nil {
		r.t.Fatalf("commit of %x: %v", id, err)
	}
	return ts
}

func (r *rig) get(key string, ts uint64) string {
	r.t.Helper()
	v, ok, err := r.store.Get(nil, []byte(key), ts)
	if err != nil {
		r.t.Fatal(err)
	}
	if !ok {
		return "-"
	}
	return string(v)
}

func wantCode(t *testing.T, err error, code sqlerr.Code) {
	t.Helper()
	if sqlerr.CodeOf(err) != code {
		t.Fatalf("error %v, want SQLSTATE %s", err, code)
	}
}

func TestFirstCommitterWins(t *testing.T) {
	r := start(t, vfs.NewMem(), Config{}, nil, nil)
	s := r.now()
	r.write(1, s, put("k", "one"))
	r.write(2, s, put("k", "two"))
	r.write(3, s, put("other", "three"))
	first := r.commit(1)
	_, err := r.m.Commit(context.Background(), 2)
	wantCode(t, err, sqlerr.SerializationFailure)
	r.commit(3)
	if again := r.commit(1); again != first {
		t.Errorf("a repeated commit gives %d, not %d", again, first)
	}
	_, err = r.m.Commit(context.Background(), 2)
	wantCode(t, err, sqlerr.SerializationFailure)
	if got := r.get("k", r.now()); got != "one" {
		t.Errorf("k is %q", got)
	}
	if got := r.get("k", first-1); got != "-" {
		t.Errorf("before its commit k is %q", got)
	}
	_, err = r.m.Commit(context.Background(), 99)
	wantCode(t, err, sqlerr.NoActiveSQLTransaction)
}

func TestMutations(t *testing.T) {
	cases := []struct {
		name     string
		existing bool
		ms       []Mutation
		violates int // index, -1 for none
		want     string
	}{
		{"insert of a free key", false, []Mutation{insert("k", "a")}, -1, "a"},
		{"insert of a taken key", true, []Mutation{insert("k", "a")}, 0, "old"},
		{"insert twice", false, []Mutation{insert("k", "a"), insert("k", "b")}, 1, "-"},
		{"insert after delete", true, []Mutation{del("k"), insert("k", "a")}, -1, "a"},
		{"insert then delete", false, []Mutation{insert("k", "a"), del("k")}, -1, "-"},
		{"insert, delete, insert", false, []Mutation{insert("k", "a"), del("k"), insert("k", "b")}, -1, "b"},
		{"put over", true, []Mutation{put("k", "a"), put("k", "b")}, -1, "b"},
		{"put then delete", true, []Mutation{put("k", "a"), del("k")}, -1, "-"},
		{"require a live key", true, []Mutation{require("k")}, -1, "old"},
		{"require a missing key", false, []Mutation{require("k")}, 0, "-"},
		{"require a staged key", false, []Mutation{insert("k", "a"), require("k")}, -1, "a"},
		{"require a key staged as deleted", true, []Mutation{del("k"), require("k")}, 1, "old"},
		{"put of a required key", true, []Mutation{require("k"), put("k", "a")}, -1, "a"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := start(t, vfs.NewMem(), Config{}, nil, nil)
			if c.existing {
				r.write(1, 0, insert("k", "old"))
				r.commit(1)
			}
			v, err := r.m.Write(2, r.now(), nil, c.ms)
			if err != nil {
				t.Fatal(err)
			}
			if c.violates >= 0 {
				if v == nil || v.Mutation != c.violates {
					t.Fatalf("violation %v, want of mutation %d", v, c.violates)
				}
			} else if v != nil {
				t.Fatalf("violation %v", v)
			} else {
				r.commit(2)
			}
			if got := r.get("k", r.now()); got != c.want {
				t.Errorf("k is %q, want %q", got, c.want)
			}
			if s := r.m.Stats(); s.Txns != 0 || s.StagedBytes != 0 {
				t.Errorf("left behind: %+v", s)
			}
		})
	}
}

func TestRequiredKeyIsProtected(t *testing.T) {
	r := start(t, vfs.NewMem(), Config{}, nil, nil)
	r.write(1, 0, insert("p1", ""), insert("p2", ""), insert("p3", ""))
	r.commit(1)
	s := r.now()
	// The child first, then the deletion of its parent.
	r.write(2, s, require("p1"), insert("c1", ""))
	r.write(3, s, del("p1"))
	r.commit(2)
	_, err := r.m.Commit(context.Background(), 3)
	wantCode(t, err, sqlerr.SerializationFailure)
	// The deletion first.
	r.write(4, s, require("p2"), insert("c2", ""))
	r.write(5, s, del("p2"))
	r.commit(5)
	_, err = r.m.Commit(context.Background(), 4)
	wantCode(t, err, sqlerr.SerializationFailure)
	// An update of the parent does not stand in the way, nor does another child.
	r.write(6, s, require("p3"), insert("c3", ""))
	r.write(7, s, require("p3"), insert("c4", ""))
	r.write(8, s, put("p3", "changed"))
	r.commit(6)
	r.commit(8)
	r.commit(7)
}

func TestConflictsBeyondMemory(t *testing.T) {
	r := start(t, vfs.NewMem(), Config{RecentKeys: 4}, nil, nil)
	s := r.now()
	r.write(1, s, put("k", "one"))
	r.write(2, s, put("k", "two"), put("l", "two"))
	r.write(3, s, put("free", "three"))
	r.commit(1)
	for i := range uint64(20) {
		r.write(100+i, 0, put(fmt.Sprint("noise", i), ""))
		r.commit(100 + i)
	}
	_, err := r.m.Commit(context.Background(), 2)
	wantCode(t, err, sqlerr.SerializationFailure)
	r.commit(3)
}

func TestBounds(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	clock := func() time.Time { return now }
	r := start(t, vfs.NewMem(), Config{MaxTxnBytes: 2000, MaxTotalBytes: 3000, MaxTxns: 2, IdleTimeout: time.Hour}, nil, clock)
	big := strings.Repeat("x", 1500)
	r.write(1, 0, put("a", big))
	_, err := r.m.Write(1, 0, nil, []Mutation{put("b", big)})
	wantCode(t, err, sqlerr.ProgramLimitExceeded)
	_, err = r.m.Write(2, 0, nil, []Mutation{put("b", big)})
	wantCode(t, err, sqlerr.OutOfMemory)
	r.write(2, 0, put("b", "small"))
	_, err = r.m.Write(3, 0, nil, []Mutation{put("c", "")})
	wantCode(t, err, sqlerr.ConfigurationLimitExceeded)
	r.m.Rollback(1)
	for _, bad := range [][]byte{nil, {0xff, 1}, make([]byte, mvcc.MaxKeyBytes+1)} {
		if _, err := r.m.Write(4, 0, nil, []Mutation{{Kind: Put, Key: bad}}); err == nil {
			t.Errorf("a key of %d bytes is taken", len(bad))
		}
	}
	if unknown := r.m.Heartbeat([]uint64{2, 7}); !slices.Equal(unknown, []uint64{7}) {
		t.Errorf("unknown %v", unknown)
	}
	now = now.Add(50 * time.Minute)
	r.m.Heartbeat([]uint64{2})
	now = now.Add(50 * time.Minute)
	if n := r.m.Expire(); n != 0 {
		t.Errorf("%d expired in spite of the heartbeat", n)
	}
	now = now.Add(50 * time.Minute)
	if n := r.m.Expire(); n != 1 {
		t.Errorf("%d expired", n)
	}
	_, err = r.m.Commit(context.Background(), 2)
	wantCode(t, err, sqlerr.SerializationFailure)
	_, err = r.m.Overlay(2)
	wantCode(t, err, sqlerr.SerializationFailure)
	if s := r.m.Stats(); s.Txns != 0 || s.StagedBytes != 0 {
		t.Errorf("left behind: %+v", s)
	}
}

func TestOracleNeverGoesBack(t *testing.T) {
	fs := vfs.NewMem()
	now := time.Unix(1_700_000_000, 0)
	clock := func() time.Time { return now }
	last := uint64(0)
	for range 5 {
		r := start(t, fs, Config{}, nil, clock)
		for range 100 {
			ts, err := r.m.oracle.Next()
			if err != nil || ts <= last {
				t.Fatalf("%d after %d, %v", ts, last, err)
			}
			last = ts
		}
		if at := r.now(); at < last {
			t.Fatalf("snapshot %d below %d", at, last)
		}
		now = now.Add(-time.Minute)
		r.stop()
	}
}

func TestOverlay(t *testing.T) {
	r := start(t, vfs.NewMem(), Config{}, nil, nil)
	r.write(1, 0, insert("p", ""))
	r.commit(1)
	r.write(2, r.now(), put("b", "2"), put("d", "4"), del("c"), require("p"), put("a", "1"))
	o, err := r.m.Overlay(2)
	if err != nil {
		t.Fatal(err)
	}
	r.write(2, r.now(), put("bb", "later"))
	walk := func(lo, hi string, reverse bool) string {
		var b strings.Builder
		for c := o.Span([]byte(lo), []byte(hi), reverse); c.Valid(); c.Next() {
			v, deleted := c.Value()
			fmt.Fprintf(&b, "%s=%s%v ", c.Key(), v, deleted)
		}
		return b.String()
	}
	for _, c := range []struct {
		lo, hi  string
		reverse bool
		want    string
	}{
		{"a", "z", false, "a=1false b=2false c=true d=4false "},
		{"a", "z", true, "d=4false c=true b=2false a=1false "},
		{"b", "d", false, "b=2false c=true "},
		{"b", "d", true, "c=true b=2false "},
		{"aa", "ab", true, ""}, {"x", "z", false, ""}, {"A", "B", true, ""},
	} {
		if got := walk(c.lo, c.hi, c.reverse); got != c.want {
			t.Errorf("[%s, %s) reverse %v: %q, want %q", c.lo, c.hi, c.reverse, got, c.want)
		}
	}
}

func TestRecordRoundTrip(t *testing.T) {
	c := Commit{TxnID: 7, Timestamp: 9, Mutations: []Mutation{put("k", "v"), del("d"), require("r"),
		{Kind: DeleteSpan, Key: []byte("a"), Value: []byte("b")}}}
	b := appendRecord(nil, &c)
	got, err := decodeRecord(b)
	if err != nil || !bytes.Equal(appendRecord(nil, &got), b) {
		t.Fatalf("%+v, %v", got, err)
	}
	for n := range b {
		if _, err := decodeRecord(b[:n]); err == nil {
			t.Fatalf("a record cut to %d of %d bytes is taken", n, len(b))
		}
	}
}

func FuzzDecodeRecord(f *testing.F) {
	f.Add(appendRecord(nil, &Commit{TxnID: 7, Timestamp: 9, Mutations: []Mutation{put("k", "v"), del("d")}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := decodeRecord(b)
		if err != nil {
			return
		}
		if again, err := decodeRecord(appendRecord(nil, &c)); err != nil || len(again.Mutations) != len(c.Mutations) {
			t.Fatalf("%+v encodes to what decodes to %+v, %v", c, again, err)
		}
	})
}

// history is what the concurrent test saw of one transaction.
type history struct {
	snapshot, commit uint64
	reads            map[string]string
	writes           map[string]string
	conflict         bool
}

// TestSnapshotIsolation runs random transactions at once and holds what they saw against a serial model: every read sees exactly the
// commits at or below its snapshot, no two overlapping transactions that committed wrote one key, and every
// transaction that was refused met one that did.
func TestSnapshotIsolation(t *testing.T) {
	for _, recentKeys := range []int{0, 8} {
		t.Run(fmt.Sprint("recent ", recentKeys), func(t *testing.T) { checkIsolation(t, recentKeys) })
	}
}

func checkIsolation(t *testing.T, recentKeys int) {
	r := start(t, vfs.NewMem(), Config{RecentKeys: recentKeys}, nil, nil)
	var mu sync.Mutex
	var all []history
	var ids atomic.Uint64
	var wg sync.WaitGroup
	for w := range uint64(8) {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(w, 3))
			for range 150 {
				h, err := randomTxn(r, rnd, ids.Add(1))
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				all = append(all, h)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	verify(t, all)
}

func randomTxn(r *rig, rnd *rand.Rand, id uint64) (history, error) {
	h := history{reads: map[string]string{}, writes: map[string]string{}}
	var err error
	if h.snapshot, err = r.m.Timestamp(); err != nil {
		return h, err
	}
	for range 1 + rnd.IntN(4) {
		k := fmt.Sprint("k", rnd.IntN(12))
		if _, own := h.writes[k]; !own {
			v, ok, err := r.store.Get(nil, []byte(k), h.snapshot)
			if err != nil {
				return h, err
			}
			if !ok {
				v = []byte("-")
			}
			if seen, again := h.reads[k]; again && seen != string(v) {
				return h, fmt.Errorf("%s changed from %s to %s under snapshot %d", k, seen, v, h.snapshot)
			}
			h.reads[k] = string(v)
		}
		m := put(k, fmt.Sprint(id))
		h.writes[k] = fmt.Sprint(id)
		if rnd.IntN(4) == 0 {
			m, h.writes[k] = del(k), "-"
		}
		if _, err := r.m.Write(id, h.snapshot, nil, []Mutation{m}); err != nil {
			return h, err
		}
	}
	h.commit, err = r.m.Commit(context.Background(), id)
	if sqlerr.CodeOf(err) == sqlerr.SerializationFailure {
		h.conflict = true
		return h, nil
	}
	if err != nil {
		return h, err
	}
	after, err := r.m.Timestamp()
	if err == nil && after < h.commit {
		err = fmt.Errorf("snapshot %d after the acknowledged commit at %d", after, h.commit)
	}
	return h, err
}

func verify(t *testing.T, all []history) {
	t.Helper()
	var commits []history
	for _, h := range all {
		if !h.conflict {
			commits = append(commits, h)
		}
	}
	slices.SortFunc(commits, func(a, b history) int { return int(int64(a.commit - b.commit)) })
	state := map[string]string{}
	states := []map[string]string{{}}
	written := map[string][]uint64{}
	for i, c := range commits {
		if i > 0 && commits[i-1].commit == c.commit {
			t.Fatalf("two commits at %d", c.commit)
		}
		for k, v := range c.writes {
			for _, at := range written[k] {
				if at > c.snapshot {
					t.Fatalf("%s was written at %d and at %d by a transaction of snapshot %d", k, at, c.commit, c.snapshot)
				}
			}
			written[k] = append(written[k], c.commit)
			state[k] = v
		}
		states = append(states, maps.Clone(state))
	}
	conflicts := 0
	for _, h := range all {
		n, _ := slices.BinarySearchFunc(commits, h.snapshot+1, func(c history, ts uint64) int { return int(int64(c.commit - ts)) })
		for k, v := range h.reads {
			want, ok := states[n][k]
			if !ok {
				want = "-"
			}
			if v != want {
				t.Fatalf("snapshot %d saw %s=%s, want %s", h.snapshot, k, v, want)
			}
		}
		if h.conflict {
			conflicts++
			met := false
			for k := range h.writes {
				for _, at := range written[k] {
					met = met || at > h.snapshot
				}
			}
			if !met {
				t.Fatalf("the transaction of snapshot %d was refused without a conflict: %v", h.snapshot, h.writes)
			}
		}
	}
	if conflicts == 0 || len(commits) == 0 {
		t.Fatalf("%d commits, %d conflicts: the test shows nothing", len(commits), conflicts)
	}
}

// TestCrash cuts the power under load, with a random part of the unsynced writes kept. Afterwards every acknowledged transaction
// is there whole, and none is there in part.
func TestCrash(t *testing.T) {
	for seed := range uint64(6) {
		fs := vfs.NewCrashableMem()
		r := start(t, fs, Config{}, nil, nil)
		rnd := rand.New(rand.NewPCG(seed, 5))
		var acked [4]atomic.Uint64
		var wg sync.WaitGroup
		var stop atomic.Bool
		for w := range uint64(4) {
			wg.Go(func() {
				for n := uint64(1); !stop.Load(); n++ {
					id := w<<32 | n
					v := fmt.Sprint(n)
					if _, err := r.m.Write(id+1<<60, 0, nil, []Mutation{put(fmt.Sprint("a", w), v), put(fmt.Sprint("b", w), v)}); err != nil {
						t.Error(err)
						return
					}
					if _, err := r.m.Commit(context.Background(), id+1<<60); err != nil {
						t.Error(err)
						return
					}
					acked[w].Store(n)
				}
			})
		}
		for enough := 50 + rnd.Uint64N(300); !t.Failed(); {
			if acked[0].Load() >= enough && min(acked[1].Load(), acked[2].Load(), acked[3].Load()) > 0 {
				break
			}
			runtime.Gosched()
		}
		var floor [4]uint64
		for w := range floor {
			floor[w] = acked[w].Load()
		}
		clone := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rnd.IntN(101), RNG: rnd})
		before := r.now()
		stop.Store(true)
		wg.Wait()
		r.stop()
		r = start(t, clone, Config{}, nil, nil)
		at := r.now()
		if at < before {
			t.Errorf("seed %d: snapshot %d after the crash, %d before", seed, at, before)
		}
		for w := range floor {
			a, b := r.get(fmt.Sprint("a", w), at), r.get(fmt.Sprint("b", w), at)
			n := uint64(0)
			if _, err := fmt.Sscan(a, &n); err != nil || a != b || n < floor[w] {
				t.Errorf("seed %d: writer %d has a=%s b=%s, acknowledged %d", seed, w, a, b, floor[w])
			}
			if id := uint64(w)<<32 | n; r.commit(id+1<<60) == 0 {
				t.Errorf("seed %d: the last commit of writer %d is forgotten", seed, w)
			}
		}
		r.stop()
	}
}

// TestRemoteLog has the rows in a store that forgets what was not synced, and the log elsewhere.
func TestRemoteLog(t *testing.T) {
	fs, remote := vfs.NewCrashableMem(), new(logtest.Memory)
	r := start(t, fs, Config{}, remote, nil)
	for i := range uint64(50) {
		r.write(i+1, 0, put(fmt.Sprint("k", i%7), fmt.Sprint(i)))
		r.commit(i + 1)
	}
	last := r.commit(50)
	clone := fs.CrashClone(vfs.CrashCloneCfg{})
	r.stop()
	r = start(t, clone, Config{}, remote, nil)
	if got := r.get("k0", r.now()); got != "49" {
		t.Errorf("k0 is %q after the replay", got)
	}
	if got := r.commit(50); got != last {
		t.Errorf("the replayed commit is at %d, not %d", got, last)
	}
	clone = fs.CrashClone(vfs.CrashCloneCfg{})
	r.stop()
	remote.Flip(20)
	store, err := mvcc.Open(mvcc.Config{Dir: "db", FS: clone})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if _, err := New(context.Background(), Config{}, Deps{Store: store, Log: remote}); !errors.Is(err, log.ErrCorrupt) {
		t.Errorf("a log with a flipped bit is taken: %v", err)
	}
	if _, ok, _ := store.Get(nil, []byte("k5"), 1<<63); ok {
		ts, _, _ := store.Newest([]byte("k5"))
		if ts > last {
			t.Error("a record behind the damage was applied")
		}
	}
}

// TestDeposed has a second manager append to the same log: the first must refuse from then on.
func TestDeposed(t *testing.T) {
	remote := new(logtest.Memory)
	a := start(t, vfs.NewMem(), Config{}, remote, nil)
	b := start(t, vfs.NewMem(), Config{}, remote, nil)
	b.write(1, 0, put("k", "b"))
	b.commit(1)
	a.write(2, 0, put("k", "a"))
	_, err := a.m.Commit(context.Background(), 2)
	wantCode(t, err, sqlerr.StatementCompletionUnknown)
	a.write(3, 0, put("l", "a"))
	_, err = a.m.Commit(context.Background(), 3)
	wantCode(t, err, sqlerr.IOError)
	if got := a.get("k", a.now()); got != "-" {
		t.Errorf("the refused commit is visible: %q", got)
	}
}

func TestDeleteSpan(t *testing.T) {
	r := start(t, vfs.NewMem(), Config{}, nil, nil)
	r.write(1, 0, put("a", "1"), put("b", "2"), put("c", "3"))
	r.commit(1)
	if err := r.m.DeleteSpan(context.Background(), []byte("a"), []byte("c")); err != nil {
		t.Fatal(err)
	}
	at := r.now()
	if got := r.get("a", at) + r.get("b", at) + r.get("c", at); got != "--3" {
		t.Errorf("left: %q", got)
	}
}

func TestBackfill(t *testing.T) {
	r := start(t, vfs.NewMem(), Config{}, nil, nil)
	r.write(1, 0, insert("row", ""))
	r.commit(1)
	ts, release, err := r.m.Pin()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if oldest := r.m.OldestSnapshot(); oldest != ts {
		t.Errorf("oldest snapshot %d, pinned %d", oldest, ts)
	}
	// A writer removes an entry that is not filled in yet, another is about to take a key that it saw free.
	r.write(2, 0, del("gone"))
	r.commit(2)
	r.write(3, 0, insert("taken", "3"))
	if err := r.m.Backfill(context.Background(), ts, []Mutation{put("gone", "old"), put("taken", "old"), put("kept", "old")}); err != nil {
		t.Fatal(err)
	}
	_, err = r.m.Commit(context.Background(), 3)
	wantCode(t, err, sqlerr.SerializationFailure)
	at := r.now()
	if got := r.get("gone", at) + " " + r.get("taken", at) + " " + r.get("kept", at); got != "- old old" {
		t.Errorf("after the backfill: %s", got)
	}
	if err := r.m.Barrier(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestStaleSchemaIsRefusedAtCommit(t *testing.T) {
	store, err := mvcc.Open(mvcc.Config{Dir: "db", FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	l, err := log.OpenLocal(store)
	if err != nil {
		t.Fatal(err)
	}
	current := uint64(1)
	stale := sqlerr.New(sqlerr.SerializationFailure, "stale")
	m, err := New(context.Background(), Config{}, Deps{Store: store, Log: l, Check: func(vs []Version) error {
		for _, v := range vs {
			if v.Version != current {
				return stale
			}
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if _, err := m.Write(1, 0, []Version{{Table: 1, Version: 1}}, []Mutation{put("k", "v")}); err != nil {
		t.Fatal(err)
	}
	current = 2
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	_, err = m.Commit(ctx, 1)
	wantCode(t, err, sqlerr.SerializationFailure)
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestLogIsTrimmed(t *testing.T) {
	r := start(t, vfs.NewMem(), Config{LogRetainBytes: 1000}, nil, nil)
	for i := range uint64(200) {
		r.write(i+1, 0, put("k", strings.Repeat("x", 50)))
		r.commit(i + 1)
	}
	head, err := r.m.deps.Log.Head(context.Background())
	if err != nil || head < 150 || head > 200 {
		t.Errorf("the log begins at %d, %v", head, err)
	}
}

func BenchmarkCommit(b *testing.B) {
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprint(writers), func(b *testing.B) {
			store, err := mvcc.Open(mvcc.Config{Dir: b.TempDir()})
			if err != nil {
				b.Fatal(err)
			}
			defer store.Close()
			l, err := log.OpenLocal(store)
			if err != nil {
				b.Fatal(err)
			}
			m, err := New(context.Background(), Config{}, Deps{Store: store, Log: l})
			if err != nil {
				b.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan error, 1)
			go func() { done <- m.Run(ctx) }()
			var ids atomic.Uint64
			b.ResetTimer()
			var wg sync.WaitGroup
			for range writers {
				wg.Go(func() {
					for {
						id := ids.Add(1)
						if id > uint64(b.N) {
							return
						}
						if _, err := m.Write(id, 0, nil, []Mutation{put(fmt.Sprintf("key%09d", id), "0123456789012345678901234567890123456789")}); err != nil {
							b.Error(err)
						}
						if _, err := m.Commit(ctx, id); err != nil {
							b.Error(err)
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
			cancel()
			if err := <-done; err != nil {
				b.Error(err)
			}
		})
	}
}
