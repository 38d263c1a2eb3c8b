package mvcc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/cockroachkvs"
	"github.com/cockroachdb/pebble/v2/vfs"
)

func open(t testing.TB) *Store {
	t.Helper()
	s, err := Open(Config{Dir: "db", FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestComparerHoldsPebblesLaws checks the comparer with the keys of this package, zero bytes and prefixes of each other among them.
func TestComparerHoldsPebblesLaws(t *testing.T) {
	var prefixes, suffixes [][]byte
	for _, k := range []string{"a", "a\x00", "a\x00\x00b", "ab", "\x01\x02\x00\xff\x00\x01", "\x09", "a\x09"} {
		prefixes = append(prefixes, appendBound(nil, []byte(k)))
	}
	for _, ts := range []uint64{1, 2, 1 << 40, 1<<64 - 1} {
		suffixes = append(suffixes, appendVersion(nil, nil, ts)[1:])
	}
	c := cockroachkvs.Comparer
	if err := pebble.CheckComparer(&c, prefixes, suffixes); err != nil {
		t.Fatal(err)
	}
	if c.Compare(appendVersion(nil, []byte("a"), 2), appendVersion(nil, []byte("a"), 1)) >= 0 {
		t.Error("a newer version does not come first")
	}
}

// model keeps every state by its timestamp.
type model map[uint64]map[string]string

func (m model) rows(ts uint64, lo, hi string, reverse bool) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m[ts])) {
		if k >= lo && k < hi {
			out = append(out, k+"="+m[ts][k])
		}
	}
	if reverse {
		slices.Reverse(out)
	}
	return out
}

func collect(t *testing.T, s *Store, lo, hi string, ts uint64, reverse bool) []string {
	t.Helper()
	it, err := s.NewIter([]byte(lo), []byte(hi), ts, reverse)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for it.Next() {
		out = append(out, string(it.Key())+"="+string(it.Value()))
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAgainstModel(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { runModel(t, seed) })
	}
}

func runModel(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 9))
	s := open(t)
	key := func() string {
		return []string{"a", "a\x00", "a\x00b", "ab", "b", "b\xff", "c", "d"}[r.IntN(8)] + string(rune('a'+r.IntN(3)))
	}
	m := model{0: {}}
	last := uint64(0)
	var retired []Retired
	for step := range 120 {
		ts := last + 1 + uint64(r.IntN(3))
		state := maps.Clone(m[last])
		for at := last + 1; at < ts; at++ {
			m[at] = state
		}
		state = maps.Clone(state)
		b := s.NewBatch()
		for range 1 + r.IntN(4) {
			k := key()
			var err error
			if r.IntN(3) == 0 {
				delete(state, k)
				err = b.Delete([]byte(k), ts)
			} else {
				state[k] = fmt.Sprint(step)
				if r.IntN(5) == 0 {
					state[k] = ""
				}
				err = b.Put([]byte(k), ts, []byte(state[k]))
			}
			if err != nil {
				t.Fatal(err)
			}
			retired = append(retired, Retired{Key: []byte(k), Timestamp: ts})
		}
		if err := b.Commit(false); err != nil {
			t.Fatal(err)
		}
		m[ts], last = state, ts
		if step%40 == 20 {
			if err := s.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		if step%30 == 29 {
			horizon := last - uint64(r.IntN(20))
			if step%60 == 29 {
				if _, err := s.CollectKeys(retired, horizon); err != nil {
					t.Fatal(err)
				}
			} else {
				for next := []byte("a"); next != nil; {
					var err error
					if next, _, err = s.CollectSpan(context.Background(), next, []byte("z"), horizon, 5); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		at := s.Horizon() + uint64(r.Int64N(int64(last-s.Horizon())+1))
		lo, hi := key(), key()
		for _, reverse := range []bool{false, true} {
			got, want := collect(t, s, lo, hi, at, reverse), m.rows(at, lo, hi, reverse)
			if !slices.Equal(got, want) {
				t.Fatalf("step %d, [%q, %q) at %d, reverse %v:\n%q, want\n%q", step, lo, hi, at, reverse, got, want)
			}
		}
		k := key()
		want, ok := m[at][k]
		v, found, err := s.Get(nil, []byte(k), at)
		if err != nil || found != ok || string(v) != want {
			t.Fatalf("get %q at %d: %q, %v, %v; want %q, %v", k, at, v, found, err, want, ok)
		}
		it, err := s.NewIter([]byte("a"), []byte("z"), at, false)
		if err != nil {
			t.Fatal(err)
		}
		if it.Lookup([]byte(k)) != ok || ok && (!bytes.Equal(it.Key(), []byte(k)) || string(it.Value()) != want) {
			t.Fatalf("lookup of %q at %d: %q=%q, want %q", k, at, it.Key(), it.Value(), want)
		}
		if err := it.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if h := s.Horizon(); h > 0 {
		if _, err := s.NewIter([]byte("a"), []byte("z"), h-1, false); !errors.Is(err, ErrTooOld) {
			t.Errorf("a snapshot below the horizon is read: %v", err)
		}
	}
}

func TestManyVersionsAreSoughtOver(t *testing.T) {
	s := open(t)
	b := s.NewBatch()
	for ts := uint64(1); ts <= 1000; ts++ {
		if err := b.Put([]byte("hot"), ts, []byte(fmt.Sprint(ts))); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Commit(false); err != nil {
		t.Fatal(err)
	}
	for _, reverse := range []bool{false, true} {
		it, err := s.NewIter([]byte("a"), []byte("z"), 500, reverse)
		if err != nil {
			t.Fatal(err)
		}
		if !it.Next() || string(it.Value()) != "500" || it.Steps > 3*maxSteps {
			t.Errorf("reverse %v: value %q after %d steps", reverse, it.Value(), it.Steps)
		}
		if err := it.Close(); err != nil {
			t.Fatal(err)
		}
	}
	removed, err := s.CollectKeys([]Retired{{Key: []byte("hot"), Timestamp: 1000}}, 900)
	if err != nil || removed != 899 {
		t.Errorf("%d versions removed, %v; want 899", removed, err)
	}
}

func TestHorizonSurvives(t *testing.T) {
	fs := vfs.NewMem()
	s, err := Open(Config{Dir: "db", FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	b := s.NewBatch()
	if err := errors.Join(b.Put([]byte("k"), 5, nil), b.Put([]byte("k"), 9, nil)); err != nil {
		t.Fatal(err)
	}
	if err := b.Commit(true); err != nil {
		t.Fatal(err)
	}
	if n, err := s.CollectKeys([]Retired{{Key: []byte("k"), Timestamp: 9}}, 10); n != 1 || err != nil {
		t.Fatalf("%d collected, %v", n, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(Config{Dir: "db", FS: fs}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, _, err := s.Get(nil, []byte("k"), 7); !errors.Is(err, ErrTooOld) {
		t.Errorf("after a restart a collected snapshot is read: %v", err)
	}
}

func TestDeleteSpanAndSystem(t *testing.T) {
	s := open(t)
	b := s.NewBatch()
	for _, k := range []string{"a", "b", "c"} {
		if err := errors.Join(b.Put([]byte(k), 1, []byte("v")), b.SetSystem([]byte(k), []byte("sys"))); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Commit(true); err != nil {
		t.Fatal(err)
	}
	b = s.NewBatch()
	if err := errors.Join(b.DeleteSpan([]byte("a"), []byte("c")), b.DeleteSystemSpan([]byte("b"), []byte("z"))); err != nil {
		t.Fatal(err)
	}
	if err := b.Commit(true); err != nil {
		t.Fatal(err)
	}
	if got := collect(t, s, "a", "z", 5, false); !slices.Equal(got, []string{"c=v"}) {
		t.Errorf("after deleting a and b: %q", got)
	}
	var names []string
	err := s.VisitSystem(nil, []byte("z"), func(name, value []byte) error {
		names = append(names, string(name)+string(value))
		return nil
	})
	if err != nil || !slices.Equal(names, []string{"asys"}) {
		t.Errorf("system entries %q, %v", names, err)
	}
}
