package relation

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/attunedb/attune/bench"
	"github.com/attunedb/attune/bench/workload"
)

func small(t *testing.T, s Spec) *Workload {
	t.Helper()
	s.Name = "small"
	if s.Sources == nil {
		s.Sources = []Source{table("one", 2, "1", "2"), table("two", -1, "x", "y", "z")}
	}
	if s.Queries == nil {
		s.Queries = queries(3)
	}
	w, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestASpecIsChecked(t *testing.T) {
	good := func() Spec { return Spec{Name: "w", Sources: []Source{table("one", 1, "1")}, Queries: queries(2)} }
	for _, c := range []struct {
		want  string
		spoil func(*Spec)
	}{
		{"a name", func(s *Spec) { s.Name = "" }},
		{"a table", func(s *Spec) { s.Sources = nil }},
		{"a query", func(s *Spec) { s.Queries = nil }},
		{"columns", func(s *Spec) { s.Sources[0].Columns = nil }},
		{"two tables", func(s *Spec) { s.Sources = append(s.Sources, s.Sources[0]) }},
		{"two queries", func(s *Spec) { s.Queries = append(s.Queries, s.Queries[0]) }},
		{"a text", func(s *Spec) { s.Queries[1].SQL = "" }},
		{"unknown query", func(s *Spec) { s.Expected = map[string]Answer{"q7": {}} }},
	} {
		s := good()
		c.spoil(&s)
		if _, err := New(s); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v", c.want, err)
		}
	}
}

// told records what a load reports.
type told struct{ log []string }

func (p *told) Table(name string, rows int64) { p.log = append(p.log, fmt.Sprint(name, " ", rows)) }
func (p *told) Add(rows int64)                { p.log = append(p.log, fmt.Sprint(rows)) }

func TestPrepareLoadsEverything(t *testing.T) {
	f := newFake("db")
	f.analyze = "ANALYZE"
	p := &told{}
	w := small(t, Spec{})
	if err := w.Prepare(t.Context(), f, p); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"DROP TABLE IF EXISTS two", "DROP TABLE IF EXISTS one", "CREATE TABLE one", "CREATE TABLE two",
		"CREATE INDEX ON one", "CREATE INDEX ON two", "ANALYZE",
	}
	for i := range want {
		want[i] = "db: " + want[i]
	}
	if !slices.Equal(*f.log, want) {
		t.Errorf("statements: %q", *f.log)
	}
	if !slices.Equal(f.loaded["one"], []string{"1", "2"}) || !slices.Equal(f.loaded["two"], []string{"x", "y", "z"}) {
		t.Errorf("rows: %v", f.loaded)
	}
	if !slices.Equal(p.log, []string{"one 2", "2", "two 0", "3"}) {
		t.Errorf("progress: %q", p.log)
	}
	if f.open != 0 {
		t.Errorf("%d connections are left open", f.open)
	}
	if w.Rows() != 2 {
		t.Errorf("%d rows are known of", w.Rows())
	}
}

func TestPrepareNoticesLostRows(t *testing.T) {
	f := newFake("db")
	f.short = true
	if err := small(t, Spec{}).Prepare(t.Context(), f, nil); err == nil || !strings.Contains(err.Error(), "1 rows of one; 2 were sent") {
		t.Errorf("rows that the database did not take: %v", err)
	}
	w := small(t, Spec{Sources: []Source{table("one", 5, "1", "2")}})
	if err := w.Prepare(t.Context(), newFake("db"), nil); err == nil || !strings.Contains(err.Error(), "has 2 rows, and 5") {
		t.Errorf("rows that were not made: %v", err)
	}
	f = newFake("db")
	f.fail["CREATE INDEX ON two"] = errors.New("disk full")
	if err := small(t, Spec{}).Prepare(t.Context(), f, nil); err == nil || !strings.Contains(err.Error(), "index of two: disk full") {
		t.Errorf("a failed index: %v", err)
	}
}

func TestCheckComparesWhatIsKnown(t *testing.T) {
	ctx := t.Context()
	f := newFake("db")
	w := small(t, Spec{Expected: map[string]Answer{"q1": {Rows: [][]any{{"42"}}}}})
	if err := w.Prepare(ctx, f, nil); err != nil {
		t.Fatal(err)
	}
	f.answers["SELECT 1"] = [][]any{{int64(42)}}
	if err := w.Check(ctx, f); err != nil {
		t.Error(err)
	}
	f.answers["SELECT 1"] = [][]any{{int64(43)}}
	if err := w.Check(ctx, f); err == nil || !strings.Contains(err.Error(), "q1: row 1 of 1 is [42] and [43]") {
		t.Errorf("a wrong answer: %v", err)
	}
	f.fail["SELECT 1"] = errors.New("out of memory")
	if err := w.Check(ctx, f); err == nil || !strings.Contains(err.Error(), "out of memory") {
		t.Errorf("a failure: %v", err)
	}
	f = newFake("db")
	f.lose = true
	if err := w.Prepare(ctx, f, nil); err != nil {
		t.Fatal(err)
	}
	if err := w.Check(ctx, f); err == nil || !strings.Contains(err.Error(), "rows of one") || strings.Contains(err.Error(), "rows of two") {
		t.Errorf("a lost row: %v", err)
	}
}

func TestExpecting(t *testing.T) {
	f := newFake("db")
	f.answers["SELECT 0"] = [][]any{{1.5, "a"}}
	f.fail["SELECT 2"] = errors.New("no")
	w := small(t, Spec{})
	answers, err := w.Answers(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	if answers["q2"].Error != "no" || len(answers) != 3 {
		t.Errorf("%v", answers)
	}
	if w, err = w.Expecting(answers); err != nil {
		t.Fatal(err)
	}
	f.answers["SELECT 0"] = [][]any{{1.6, "a"}}
	err = w.Check(t.Context(), f)
	if err == nil || !strings.Contains(err.Error(), "q0") || strings.Contains(err.Error(), "q2") {
		t.Errorf("%v", err)
	}
}

func TestAnswersEndWithTheirContext(t *testing.T) {
	f := newFake("db")
	f.fail["open"] = errors.New("refused")
	if _, err := small(t, Spec{}).Answers(t.Context(), f); err == nil || !strings.Contains(err.Error(), "open db: refused") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f = newFake("db")
	f.slow["SELECT 0"] = time.Hour
	if _, err := small(t, Spec{}).Answers(ctx, f); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func kinds(t *testing.T, w *Workload, f *fake, id, n int) []int {
	t.Helper()
	s, err := w.Subject(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	worker, err := s.Worker(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer worker.Close()
	var out []int
	ops := make([]bench.Op, 4) // permutations begin and end within a batch
	for len(out) < n {
		worker.Run(t.Context(), ops)
		for _, op := range ops {
			if op.Err != nil || op.End.IsZero() {
				t.Errorf("%+v", op)
			}
			out = append(out, op.Kind)
		}
	}
	return out[:n]
}

func TestWorkersRunPermutations(t *testing.T) {
	w := small(t, Spec{Queries: queries(10), Seed: 5})
	f := newFake("db")
	got := kinds(t, w, f, 1, 40)
	for i := 0; i < 40; i += 10 {
		if p := slices.Sorted(slices.Values(got[i : i+10])); !slices.Equal(p, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) {
			t.Errorf("not a permutation: %v", got[i:i+10])
		}
	}
	if slices.Equal(got[:10], got[10:20]) {
		t.Error("every round has the same order")
	}
	if !slices.Equal(got, kinds(t, w, f, 1, 40)) {
		t.Error("a worker's choices depend on more than its number and the seed")
	}
	if slices.Equal(got, kinds(t, w, f, 2, 40)) || slices.Equal(got, kinds(t, small(t, Spec{Queries: queries(10), Seed: 6}), f, 1, 40)) {
		t.Error("another worker, or another seed, has the same order")
	}
	if f.open != 0 {
		t.Errorf("%d connections are left open", f.open)
	}
}

func TestAWorkerGoesOnAfterAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake("db")
		f.answers["SELECT 0"] = [][]any{{int64(1)}, {int64(2)}}
		f.fail["SELECT 1"] = errors.New("cancelled")
		f.slow["SELECT 2"] = time.Hour
		w := small(t, Spec{Timeout: time.Minute})
		s, err := w.Subject(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(s.Kinds(), []string{"q0", "q1", "q2"}) {
			t.Errorf("%v", s.Kinds())
		}
		worker, err := s.Worker(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		ops := make([]bench.Op, 6)
		worker.Run(t.Context(), ops)
		for _, op := range ops {
			switch op.Kind {
			case 0:
				if op.Err != nil || op.Rows != 2 {
					t.Errorf("%+v", op)
				}
			case 1:
				if op.Err == nil || op.Err.Error() != "cancelled" {
					t.Errorf("%+v", op)
				}
			case 2:
				if !errors.Is(op.Err, context.DeadlineExceeded) {
					t.Errorf("%+v", op)
				}
			}
		}
		if err := worker.Close(); err != nil || f.open != 0 {
			t.Errorf("%v, %d connections are left open", err, f.open)
		}
	})
}

func TestTheContract(t *testing.T) {
	w := small(t, Spec{Description: "what it is"})
	if w.Name() != "small" || w.Describe() != "what it is" || len(w.Tables()) != 2 || w.Tables()[1].Name != "two" {
		t.Errorf("%+v", w)
	}
	q := w.Queries()
	q[0] = workload.Query{}
	if reflect.DeepEqual(q, w.Queries()) {
		t.Error("a caller can change the queries")
	}
}
