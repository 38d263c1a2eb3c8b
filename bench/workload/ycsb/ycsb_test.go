package ycsb

import (
	"math"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/attunedb/attune/bench"
	"github.com/attunedb/attune/bench/keydist"
	"github.com/attunedb/attune/bench/workload/internal/dbtest"
	"github.com/attunedb/attune/bench/workload/internal/draw"
	"github.com/attunedb/attune/bench/workload/internal/load"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

func TestMixes(t *testing.T) {
	want := map[string]map[string]float64{
		"a": {"read": 0.5, "update": 0.5},
		"b": {"read": 0.95, "update": 0.05},
		"c": {"read": 1},
		"d": {"read": 0.95, "insert": 0.05},
		"e": {"scan": 0.95, "insert": 0.05},
		"f": {"read": 0.5, "read_modify_write": 0.5},
	}
	for _, letter := range Names() {
		w, err := New(bench.Config{}, letter, Options{})
		if err != nil {
			t.Fatal(err)
		}
		k := &worker{w: w.(*ycsb), rng: draw.New(1)}
		const n = 50_000
		counts := map[string]int{}
		for range n {
			counts[kinds[k.choose()]]++
		}
		for kind, share := range want[letter] {
			dbtest.Within(t, letter+" "+kind, counts[kind], n, share)
		}
		if len(counts) != len(want[letter]) {
			t.Errorf("%s does %v", letter, counts)
		}
		distribution := keydist.Zipf
		if letter == "d" {
			distribution = keydist.Latest
		}
		if got := w.(*ycsb).mix.distribution; got != distribution {
			t.Errorf("%s draws from %s", letter, got)
		}
	}
}

func TestConfiguration(t *testing.T) {
	ratio := 0.2
	w, err := New(bench.Config{ReadWriteRatio: &ratio, Distribution: keydist.Hotspot}, "E", Options{Fields: 3})
	if err != nil {
		t.Fatal(err)
	}
	m := w.(*ycsb).mix
	if math.Abs(m.shares[Scan]-0.2) > 1e-9 || math.Abs(m.shares[Insert]-0.8) > 1e-9 || m.distribution != keydist.Hotspot {
		t.Errorf("%+v", m)
	}
	if mixes["e"].shares[Scan] != 0.95 {
		t.Error("a configuration changed the workload for all")
	}
	bad := -0.5
	for name, f := range map[string]func() error{
		"letter": func() error { _, err := New(bench.Config{}, "g", Options{}); return err },
		"fields": func() error { _, err := New(bench.Config{}, "a", Options{Fields: -1}); return err },
		"ratio":  func() error { _, err := New(bench.Config{ReadWriteRatio: &bad}, "a", Options{}); return err },
		"c that writes": func() error {
			_, err := New(bench.Config{ReadWriteRatio: &ratio}, "c", Options{})
			return err
		},
		"distribution": func() error { _, err := New(bench.Config{Distribution: "gauss"}, "a", Options{}); return err },
	} {
		if f() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestKeys(t *testing.T) {
	seen := map[string]bool{}
	for i := range uint64(10_000) {
		k := key(i)
		if len(k) != 24 || !strings.HasPrefix(k, "user") || seen[k] {
			t.Fatalf("record %d has the key %q", i, k)
		}
		seen[k] = true
	}
}

// TestSequence lets workers insert, fail and end in any order: the space must grow over finished records only, and to their end.
func TestSequence(t *testing.T) {
	s := newSequence(100)
	var finished sync.Map
	var workers sync.WaitGroup
	for id := range 8 {
		workers.Go(func() {
			r := draw.New(1, uint64(id))
			var held []uint64
			for range 2000 {
				n, _ := s.take()
				held = append(held, n)
				if len(held) < 3 || r.IntN(2) == 0 {
					continue
				}
				i := r.IntN(len(held))
				n = held[i]
				held = append(held[:i], held[i+1:]...)
				if _, twice := finished.LoadOrStore(n, true); twice {
					t.Errorf("record %d was inserted twice", n)
				}
				s.finish(n)
				if last := s.records.Len() - 1; last >= 100 {
					if _, ok := finished.Load(last); !ok {
						t.Errorf("record %d is in the space and not inserted", last)
					}
				}
			}
			for _, n := range held {
				s.giveBack(n)
			}
		})
	}
	workers.Wait()
	end := s.next
	for {
		n, again := s.take()
		if !again {
			break
		}
		s.finish(n)
	}
	if s.records.Len() != end || len(s.done) != 0 {
		t.Errorf("the space ends at %d with %d beyond, want %d and none", s.records.Len(), len(s.done), end)
	}
}

func TestEachWorkload(t *testing.T) {
	d := dbtest.Open(t)
	ctx := t.Context()
	for i, letter := range Names() {
		depth := 1 + 4*(i%2)
		w, err := New(bench.Config{KeySpaceSize: 300, ValueSizeBytes: 20, Threads: 4, PipelineDepth: depth, Seed: 2}, letter, Options{Fields: 4})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Prepare(ctx, d, nil); err != nil {
			t.Fatal(err)
		}
		if err := w.Check(ctx, d); err != nil {
			t.Fatalf("%s after the load: %v", letter, err)
		}
		// A second Subject goes on where the first ended.
		for i := 0; i == 0 || i == 1 && letter == "d"; i++ {
			s, err := w.Subject(ctx, d)
			if err != nil {
				t.Fatal(err)
			}
			runs := dbtest.Run(t, s, 4, 100, depth)
			t.Log(letter, dbtest.Counts(t, s, runs), dbtest.Retries(runs), "retries")
			for _, op := range runs[0] {
				rows, bytes := int64(1), int64(80)
				switch op.Kind {
				case Update:
					bytes = 20
				case ReadModifyWrite:
					rows, bytes = 2, 100
				case Scan:
					rows, bytes = op.Rows, op.Rows*80
				}
				if op.Rows != rows || op.Bytes != bytes || op.Rows > maxScan {
					t.Fatalf("%s: %s has %d rows of %d bytes", letter, kinds[op.Kind], op.Rows, op.Bytes)
				}
			}
			if err := w.Check(ctx, d); err != nil {
				t.Fatal(err)
			}
		}
		if err := load.Exec(ctx, d, "UPDATE usertable SET field2 = 'x' WHERE ycsb_key = '"+key(5)+"'"); err != nil {
			t.Fatal(err)
		}
		if err := w.Check(ctx, d); err == nil {
			t.Errorf("%s: a torn record is not found", letter)
		}
		if err := load.Exec(ctx, d, "DELETE FROM usertable WHERE ycsb_key = '"+key(5)+"'"); err != nil {
			t.Fatal(err)
		}
		if err := w.Check(ctx, d); err == nil {
			t.Errorf("%s: a lost record is not found", letter)
		}
		if err := w.Drop(ctx, d); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFailedInsertIsTriedAgain makes the database refuse a record for a while.
func TestFailedInsertIsTriedAgain(t *testing.T) {
	d := dbtest.Open(t)
	ctx := t.Context()
	ratio := 0.0
	w, err := New(bench.Config{KeySpaceSize: 50, ValueSizeBytes: 5, Threads: 1, ReadWriteRatio: &ratio}, "d", Options{Fields: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Prepare(ctx, d, nil); err != nil {
		t.Fatal(err)
	}
	s, err := w.Subject(ctx, d)
	if err != nil {
		t.Fatal(err)
	}
	if err := load.Exec(ctx, d, "INSERT INTO usertable VALUES ('"+key(50)+"', 'other')"); err != nil {
		t.Fatal(err)
	}
	ops := dbtest.Run(t, s, 1, 3, 1)[0]
	if ops[0].Err == nil || ops[1].Err != nil || ops[2].Err != nil {
		t.Errorf("inserting over a record: %v, %v, %v", ops[0].Err, ops[1].Err, ops[2].Err)
	}
	if n := s.(*subject).records.records.Len(); n != 53-1 {
		t.Errorf("the space ends at %d, want 52: 50 to 51 are there", n)
	}
}
