package load

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/attunedb/attune/bench/db"
)

// loader is a database whose Load is a function.
type loader struct {
	db.DB
	f func(rows io.Reader) (int64, error)
}

func (l loader) Load(_ context.Context, _ string, _ []string, rows io.Reader) (int64, error) {
	return l.f(rows)
}

type progress struct {
	tables []string
	rows   int64
	calls  int
}

func (p *progress) Table(name string, _ int64) { p.tables = append(p.tables, name) }

func (p *progress) Add(rows int64) {
	p.rows += rows
	p.calls++
}

func TestRowsAreInCopyFormat(t *testing.T) {
	var got string
	d := loader{f: func(r io.Reader) (int64, error) {
		b, err := io.ReadAll(r)
		got = string(b)
		return 2, err
	}}
	err := Copy(t.Context(), d, nil, "t", []string{"a"}, 2, func(r *Rows) error {
		r.Int(-5)
		r.Text([]byte("tab\tline\nreturn\rback\\slash é"))
		r.Null()
		if err := r.End(); err != nil {
			return err
		}
		r.Float(0.1)
		r.Text(nil)
		r.Time(time.Date(2026, 2, 3, 4, 5, 6, 7000, time.FixedZone("", 3600)))
		return r.End()
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `-5	tab\tline\nreturn\rback\\slash é	\N` + "\n0.1\t\t2026-02-03 03:05:06.000007\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func numbers(n int) func(*Rows) error {
	return func(r *Rows) error {
		for i := range n {
			r.Int(int64(i))
			if err := r.End(); err != nil {
				return err
			}
		}
		return nil
	}
}

func all(r io.Reader) (int64, error) {
	b, err := io.ReadAll(r)
	return int64(strings.Count(string(b), "\n")), err
}

func TestProgress(t *testing.T) {
	var p progress
	if err := Copy(t.Context(), loader{f: all}, &p, "t", nil, 2500, numbers(2500)); err != nil {
		t.Fatal(err)
	}
	if p.rows != 2500 || p.calls != 3 || len(p.tables) != 1 {
		t.Errorf("%+v", p)
	}
}

func TestLoadsThatFail(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		f     func(io.Reader) (int64, error)
		total int64
		fill  func(*Rows) error
		want  string
	}{
		"the database gives up at once": {func(io.Reader) (int64, error) { return 0, broken }, 0, numbers(1_000_000), "load table t: broken"},
		"the database gives up midway": {func(r io.Reader) (int64, error) {
			_, err := io.CopyN(io.Discard, r, 100_000)
			return 0, errors.Join(err, broken)
		}, 0, numbers(1_000_000), "load table t: broken"},
		"the rows cannot be made": {all, 0, func(r *Rows) error { return errors.Join(numbers(10)(r), broken) }, "broken"},
		"rows are lost": {func(r io.Reader) (int64, error) {
			n, err := all(r)
			return n - 1, err
		}, 0, numbers(10), "took 9 rows of 10"},
		"the database stops reading without an error": {func(io.Reader) (int64, error) { return 0, nil }, 0, numbers(1_000_000), errEnded.Error()},
		"other rows than announced":                   {all, 11, numbers(10), "made 10 rows, announced were 11"},
	} {
		if err := Copy(t.Context(), loader{f: c.f}, nil, "t", nil, c.total, c.fill); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestInt(t *testing.T) {
	for _, c := range []struct {
		v    any
		want int64
		ok   bool
	}{{nil, 0, true}, {int64(-3), -3, true}, {"12345678901", 12345678901, true}, {2.0, 2, true}, {2.5, 0, false}, {"1.5", 0, false}, {true, 0, false}} {
		got, err := Int(c.v)
		if (err == nil) != c.ok || c.ok && got != c.want {
			t.Errorf("%v (%T): %d, %v", c.v, c.v, got, err)
		}
	}
}
