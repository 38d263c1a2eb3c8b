package kv

import (
	"os"
	"strings"
	"testing"

	"github.com/attunedb/attune/bench"
	"github.com/attunedb/attune/bench/workload/internal/dbtest"
	"github.com/attunedb/attune/bench/workload/internal/load"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

func TestBadConfigurations(t *testing.T) {
	for name, c := range map[string]struct {
		cfg      bench.Config
		workload string
	}{
		"unknown name":         {bench.Config{}, "upsert"},
		"range in few keys":    {bench.Config{KeySpaceSize: 99}, RangeRead},
		"unknown distribution": {bench.Config{Distribution: "gauss"}, PointRead},
		"too many keys":        {bench.Config{KeySpaceSize: 1 << 50}, PointRead},
	} {
		if _, err := New(c.cfg, c.workload); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestEachWorkload(t *testing.T) {
	d := dbtest.Open(t)
	ctx := t.Context()
	for i, name := range Names() {
		for _, depth := range []int{1, 8}[i%2 : i%2+1] {
			cfg := bench.Config{KeySpaceSize: 500, ValueSizeBytes: 30, Threads: 3, PipelineDepth: depth, Distribution: "zipf"}
			w, err := New(cfg, name)
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Prepare(ctx, d, nil); err != nil {
				t.Fatal(err)
			}
			rows := int64(0)
			// A second Subject goes on where the first ended.
			for range 2 {
				s, err := w.Subject(ctx, d)
				if err != nil {
					t.Fatal(err)
				}
				runs := dbtest.Run(t, s, 3, 60, depth)
				counts := dbtest.Counts(t, s, runs)
				for _, ops := range runs {
					for _, op := range ops {
						rows += op.Rows
						if op.Bytes != op.Rows*30 {
							t.Fatalf("%s: %d bytes in %d rows", name, op.Bytes, op.Rows)
						}
					}
				}
				if name == Mixed {
					dbtest.Within(t, "reads", counts["read"], 180, 0.6)
				}
				if err := w.Check(ctx, d); err != nil {
					t.Fatal(err)
				}
			}
			want := int64(360) // two Subjects, three workers, 60 operations
			if name == RangeRead || name == BatchWrite {
				want *= together
			}
			if rows != want {
				t.Errorf("%s: %d rows, want %d", name, rows, want)
			}
		}
	}
}

func TestCheckFindsWhatIsWrong(t *testing.T) {
	d := dbtest.Open(t)
	w, err := New(bench.Config{KeySpaceSize: 500, ValueSizeBytes: 30}, PointRead)
	if err != nil {
		t.Fatal(err)
	}
	for tamper, want := range map[string]string{
		"DELETE FROM kv WHERE k = 7":                                    "499 keys from 0 to 499",
		"UPDATE kv SET v = 'short' WHERE k = 8":                         "1 values",
		"INSERT INTO kv VALUES (501, 'abcdefghijabcdefghijabcdefghij')": "inserted rows",
		"UPDATE kv SET k = -1 WHERE k = 0":                              "from -1",
	} {
		if err := w.Prepare(t.Context(), d, nil); err != nil {
			t.Fatal(err)
		}
		if err := w.Check(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		if err := load.Exec(t.Context(), d, tamper); err != nil {
			t.Fatal(err)
		}
		if err := w.Check(t.Context(), d); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("after %s the check says %v", tamper, err)
		}
	}
}

func TestRatioAndRepetition(t *testing.T) {
	d := dbtest.Open(t)
	ratio := 0.9
	kinds := func(seed uint64) string {
		w, err := New(bench.Config{KeySpaceSize: 100, ValueSizeBytes: 10, Seed: seed, ReadWriteRatio: &ratio}, Mixed)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Prepare(t.Context(), d, nil); err != nil {
			t.Fatal(err)
		}
		s, err := w.Subject(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		runs := dbtest.Run(t, s, 1, 400, 4)
		dbtest.Within(t, "reads", dbtest.Counts(t, s, runs)["read"], 400, 0.9)
		var out strings.Builder
		for _, op := range runs[0] {
			out.WriteByte(byte('0' + op.Kind))
		}
		var values string
		if err := load.Each(t.Context(), d, "SELECT v FROM kv ORDER BY k", func(row []any) error { values += row[0].(string); return nil }); err != nil {
			t.Fatal(err)
		}
		return out.String() + values
	}
	a, b, other := kinds(4), kinds(4), kinds(5)
	if a != b {
		t.Error("two runs of one seed differ")
	}
	if a == other {
		t.Error("two seeds give the same run")
	}
}

func TestSubjectNeedsItsRows(t *testing.T) {
	d := dbtest.Open(t)
	w, err := New(bench.Config{KeySpaceSize: 100}, PointRead)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Prepare(t.Context(), d, nil); err != nil {
		t.Fatal(err)
	}
	if err := load.Exec(t.Context(), d, "DELETE FROM kv WHERE k = 3"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Subject(t.Context(), d); err == nil || !strings.Contains(err.Error(), "99 rows of 100") {
		t.Errorf("the subject says %v", err)
	}
	if err := w.Drop(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Subject(t.Context(), d); err == nil {
		t.Error("there is a subject without a table")
	}
}

// TestMissingRowIsAnError deletes a key behind a worker's back.
func TestMissingRowIsAnError(t *testing.T) {
	d := dbtest.Open(t)
	for _, name := range []string{PointRead, PointWrite, RangeRead} {
		w, err := New(bench.Config{KeySpaceSize: 100, Threads: 1}, name)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Prepare(t.Context(), d, nil); err != nil {
			t.Fatal(err)
		}
		s, err := w.Subject(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		if err := load.Exec(t.Context(), d, "DELETE FROM kv WHERE k < 50"); err != nil {
			t.Fatal(err)
		}
		failed := 0
		for _, op := range dbtest.Run(t, s, 1, 40, 1)[0] {
			if op.Err != nil {
				failed++
			}
		}
		if failed == 0 || name != RangeRead && failed == 40 {
			t.Errorf("%s: %d of 40 operations failed on half the keys", name, failed)
		}
	}
}
