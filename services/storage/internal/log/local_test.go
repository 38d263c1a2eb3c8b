package log_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/attunedb/attune/services/storage/internal/log"
	"github.com/attunedb/attune/services/storage/internal/log/logtest"
	"github.com/attunedb/attune/services/storage/internal/mvcc"
)

func openStore(t *testing.T, fs vfs.FS) *mvcc.Store {
	t.Helper()
	s, err := mvcc.Open(mvcc.Config{Dir: "db", FS: fs, MemTableBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func openLocal(t *testing.T, s *mvcc.Store) *log.Local {
	t.Helper()
	l, err := log.OpenLocal(s)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestConformance(t *testing.T) {
	t.Run("local", func(t *testing.T) {
		logtest.Run(t, func(t *testing.T) logtest.Subject {
			fs := vfs.NewMem()
			s := openStore(t, fs)
			t.Cleanup(func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
			return logtest.Subject{Log: openLocal(t, s), Reopen: func() log.Log {
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				s = openStore(t, fs)
				return openLocal(t, s)
			}}
		})
	})
	t.Run("memory", func(t *testing.T) {
		logtest.Run(t, func(*testing.T) logtest.Subject { return logtest.Subject{Log: new(logtest.Memory)} })
	})
}

// TestCrash cuts the power while appends run, keeping a random part of what was not synced: every acknowledged record must
// be there with the change it stands for, and no other change.
func TestCrash(t *testing.T) {
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 1))
		fs := vfs.NewCrashableMem()
		s := openStore(t, fs)
		l := openLocal(t, s)
		var acknowledged atomic.Uint64
		stop, done := make(chan struct{}), make(chan error, 1)
		go func() {
			for i := uint64(1); ; i++ {
				select {
				case <-stop:
					done <- nil
					return
				default:
				}
				b := s.NewBatch()
				if err := b.Put([]byte("k"), i, fmt.Append(nil, i)); err != nil {
					done <- err
					return
				}
				if _, err := l.AppendApply(context.Background(), log.Seq(i-1), [][]byte{fmt.Append(nil, i)}, b); err != nil {
					done <- err
					return
				}
				acknowledged.Store(i)
			}
		}()
		for acknowledged.Load() < 20+r.Uint64N(200) {
		}
		floor := acknowledged.Load()
		crashed := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: r.IntN(101), RNG: r})
		close(stop)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = openStore(t, crashed)
		l = openLocal(t, s)
		tail, err := l.Tail(context.Background())
		if err != nil || uint64(tail) < floor {
			t.Fatalf("seed %d: %d records after the crash, %v; %d were acknowledged", seed, tail, err, floor)
		}
		n := log.Seq(0)
		err = l.Read(context.Background(), 1, func(e log.Entry) error {
			n++
			if string(e.Payload) != fmt.Sprint(e.Seq) {
				return fmt.Errorf("record %d holds %q", e.Seq, e.Payload)
			}
			return nil
		})
		if err != nil || n != tail {
			t.Fatalf("seed %d: %d of %d records read, %v", seed, n, tail, err)
		}
		ts, live, err := s.Newest([]byte("k"))
		if err != nil || !live || ts != uint64(tail) {
			t.Fatalf("seed %d: the rows are at %d, %v, the log at %d", seed, ts, err, tail)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCorruption changes the stored bytes behind the log's back: a reader gets the records before the damage and ErrCorrupt.
func TestCorruption(t *testing.T) {
	name := func(seq byte) []byte { return []byte("log/r/\x00\x00\x00\x00\x00\x00\x00" + string(rune(seq))) }
	damages := map[string]func(t *testing.T, s *mvcc.Store, b *mvcc.Batch) error{
		"flipped bit": func(t *testing.T, s *mvcc.Store, b *mvcc.Batch) error {
			v, _, err := s.System(nil, name(3))
			v[len(v)-1] ^= 1
			return errors.Join(err, b.SetSystem(name(3), v))
		},
		"missing record": func(_ *testing.T, _ *mvcc.Store, b *mvcc.Batch) error {
			return b.DeleteSystemSpan(name(3), name(4))
		},
		"record of another place": func(t *testing.T, s *mvcc.Store, b *mvcc.Batch) error {
			v, _, err := s.System(nil, name(4))
			return errors.Join(err, b.SetSystem(name(3), v))
		},
		"cut": func(t *testing.T, s *mvcc.Store, b *mvcc.Batch) error {
			v, _, err := s.System(nil, name(3))
			return errors.Join(err, b.SetSystem(name(3), v[:5]))
		},
	}
	for what, damage := range damages {
		t.Run(what, func(t *testing.T) {
			s := openStore(t, vfs.NewMem())
			defer s.Close()
			l := openLocal(t, s)
			if _, err := l.Append(context.Background(), 0, [][]byte{[]byte("a"), []byte("b"), []byte("c"), []byte("d")}); err != nil {
				t.Fatal(err)
			}
			b := s.NewBatch()
			if err := damage(t, s, b); err != nil {
				t.Fatal(err)
			}
			if err := b.Commit(false); err != nil {
				t.Fatal(err)
			}
			seen := 0
			err := l.Read(context.Background(), 1, func(log.Entry) error { seen++; return nil })
			if !errors.Is(err, log.ErrCorrupt) || seen != 2 {
				t.Errorf("%d records seen, then %v", seen, err)
			}
		})
	}
}
