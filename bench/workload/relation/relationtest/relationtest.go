// Package relationtest is what tests of relational workloads share.
package relationtest

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/attunedb/attune/bench/db"
	"github.com/attunedb/attune/bench/db/duckdb"
	"github.com/attunedb/attune/bench/db/pgwire"
	"github.com/attunedb/attune/bench/peer/postgres"
	"github.com/attunedb/attune/bench/workload/relation"
)

// Postgres returns the PostgreSQL server of ATTUNE_PG_URL, which must have none of the workload's tables, else starts a private one for
// the test; the test is skipped where none is installed.
func Postgres(t testing.TB) db.DB {
	t.Helper()
	d, why := startPostgres(t)
	if d == nil {
		t.Skip(why)
	}
	return d
}

func startPostgres(t testing.TB) (d db.DB, why error) {
	t.Helper()
	if url := os.Getenv("ATTUNE_PG_URL"); url != "" {
		return open(t, url, "postgres"), nil
	}
	s, err := postgres.Start(context.Background(), postgres.Options{Extra: map[string]string{"fsync": "off", "jit": "off"}})
	if errors.Is(err, postgres.ErrNotInstalled) {
		return nil, err
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return open(t, s.DSN(), "postgres"), nil
}

func startDuckDB(t testing.TB) (d db.DB, why error) {
	t.Helper()
	duck, err := duckdb.Open(context.Background(), duckdb.Options{})
	if errors.Is(err, duckdb.ErrNoProgram) {
		return nil, err
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := duck.Close(); err != nil {
			t.Error(err)
		}
	})
	return duck, nil
}

func open(t testing.TB, url, name string) db.DB {
	t.Helper()
	d, err := pgwire.Open(context.Background(), url, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// Databases are what a workload's answers are compared between: PostgreSQL and DuckDB where they are installed, and the Attune server of
// ATTUNE_URL if that is set.
type Databases []db.DB

// Servers starts what there is. The test is skipped where there is nothing.
func Servers(t testing.TB) Databases {
	t.Helper()
	var out Databases
	pg, noPostgres := startPostgres(t)
	if pg != nil {
		out = append(out, pg)
	}
	duck, noDuck := startDuckDB(t)
	if duck != nil {
		out = append(out, duck)
	}
	if url := os.Getenv("ATTUNE_URL"); url != "" {
		out = append(out, open(t, url, "attune-pg"))
	}
	if len(out) == 0 {
		t.Skip(errors.Join(noPostgres, noDuck))
	}
	return out
}

// Rows reads a table's rows as fields, and closes it.
func Rows(t testing.TB, s relation.Source) [][]string {
	t.Helper()
	r, err := s.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var out [][]string
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		out = append(out, strings.Split(lines.Text(), "\t"))
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if s.Rows >= 0 && int64(len(out)) != s.Rows {
		t.Errorf("%s: %d rows, and %d are announced", s.Name, len(out), s.Rows)
	}
	for i, row := range out {
		if len(row) != len(s.Columns) {
			t.Fatalf("%s: row %d has %d fields, not %d: %q", s.Name, i, len(row), len(s.Columns), row)
		}
	}
	return out
}

// Digest hashes all rows of a workload.
func Digest(t testing.TB, w *relation.Workload) string {
	t.Helper()
	h := sha256.New()
	for _, s := range w.Sources() {
		r, err := s.Open()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(h, r); err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Agree loads the workload into every database, checks it, and asks all queries: none may fail, and all databases must give the same
// answers. It returns those of the first database.
func (d Databases) Agree(t *testing.T, w *relation.Workload) map[string]relation.Answer {
	t.Helper()
	answers := ask(t, w, d[0])
	for _, other := range d[1:] {
		for _, difference := range relation.CompareAnswers(answers, ask(t, w, other)) {
			t.Errorf("%s and %s: %s", d[0].Name(), other.Name(), difference)
		}
	}
	return answers
}

func ask(t *testing.T, w *relation.Workload, d db.DB) map[string]relation.Answer {
	t.Helper()
	ctx := t.Context()
	if err := w.Prepare(ctx, d, nil); err != nil {
		t.Fatalf("%s: %v", d.Name(), err)
	}
	defer func() {
		if err := w.Drop(context.Background(), d); err != nil {
			t.Error(err)
		}
	}()
	if err := w.Check(ctx, d); err != nil {
		t.Error(err)
	}
	answers, err := w.Answers(ctx, d)
	if err != nil {
		t.Fatalf("%s: %v", d.Name(), err)
	}
	for name, a := range answers {
		if a.Error != "" {
			t.Errorf("%s: %s: %s", d.Name(), name, a.Error)
		}
	}
	return answers
}
