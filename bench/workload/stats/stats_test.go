package stats

import (
	"compress/gzip"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/attunedb/attune/bench/workload/relation/relationtest"
)

// write makes a data set of two tables in a directory.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	all := map[string]string{
		"schema.sql": "-- People\nCREATE TABLE folk (\n Id SERIAL PRIMARY KEY,\n Name TEXT);\n" +
			"CREATE TABLE notes (Id SERIAL PRIMARY KEY, FolkId INTEGER);\n",
		"index.sql": "create index i on Notes using btree(folkid);\nanalyze notes;\n",
		"folk.csv":  "Id,Name\n1,\"tab\there\"\n2,\n3,\"back\\slash, \"\"quote\"\"\nand line\"\n",
		"notes.csv": "Id,FolkId\n1,3\n2,3\n3,\n",
		"queries.sql": "-- a remark\n-- q1 count=2\nSELECT COUNT(*) FROM folk as f, notes as n\n WHERE f.Id = n.FolkId;\n" +
			"-- q2 count=1\nSELECT COUNT(*) FROM folk WHERE Name IS NULL;\n",
	}
	for name, text := range files {
		all[name] = text
	}
	for name, text := range all {
		if text == "" {
			continue
		}
		if strings.HasSuffix(name, ".csv") {
			f, err := os.Create(filepath.Join(dir, name+".gz"))
			if err != nil {
				t.Fatal(err)
			}
			z := gzip.NewWriter(f)
			if _, err := io.WriteString(z, text); err != nil {
				t.Fatal(err)
			}
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestADirectoryIsRead(t *testing.T) {
	w, err := New(write(t, nil), 1)
	if err != nil {
		t.Fatal(err)
	}
	tables := w.Tables()
	if len(tables) != 2 || tables[0].Name != "folk" || tables[1].Columns[1] != "FolkId" || len(tables[1].Indexes) != 1 || len(tables[0].Indexes) != 0 {
		t.Errorf("tables: %+v", tables)
	}
	if strings.Contains(tables[0].Create, "SERIAL") {
		t.Errorf("%s", tables[0].Create)
	}
	queries := w.Queries()
	if len(queries) != 2 || queries[0].SQL != "SELECT COUNT(*) FROM folk as f, notes as n WHERE f.Id = n.FolkId" {
		t.Errorf("queries: %+v", queries)
	}
	for i, want := range []string{"1\ttab\\there\n2\t\\N\n3\tback\\\\slash, \"quote\"\\nand line\n", "1\t3\n2\t3\n3\t\\N\n"} {
		r, err := w.Sources()[i].Open()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || r.Close() != nil || string(got) != want {
			t.Errorf("rows of %s: %q, %v", tables[i].Name, got, err)
		}
	}
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	t.Setenv(SharedVariable, "")
	for _, c := range []struct {
		name, dir, want string
	}{
		{"no directory given", "", SharedVariable},
		{"no such directory", filepath.Join(t.TempDir(), "nowhere"), "nowhere"},
		{"a table's file", write(t, map[string]string{"notes.csv": ""}), "notes.csv.gz"},
		{"the queries", write(t, map[string]string{"queries.sql": ""}), "queries.sql"},
		{"a query without a count", write(t, map[string]string{"queries.sql": "SELECT 1;"}), "line 1"},
		{"an index of no table", write(t, map[string]string{"index.sql": "create index i on other (x)"}), "other"},
		{"a schema that is something else", write(t, map[string]string{"schema.sql": "DROP TABLE folk;"}), "DROP TABLE"},
	} {
		if _, err := New(c.dir, 1); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestDamagedRows reads a file that is cut short and one with a row of other length.
func TestDamagedRows(t *testing.T) {
	dir := write(t, map[string]string{"notes.csv": "Id,FolkId\n1,3\n2\n"})
	w, err := New(dir, 1)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "folk.csv.gz")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, whole[:len(whole)-12], 0o600); err != nil {
		t.Fatal(err)
	}
	for _, s := range w.Sources() {
		r, err := s.Open()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(r); err == nil || !strings.Contains(err.Error(), s.Name) {
			t.Errorf("%s: damage is not noticed: %v", s.Name, err)
		}
		_ = r.Close()
	}
}

// TestCheckComparesCounts loads the small data set, and then spoils it.
func TestCheckComparesCounts(t *testing.T) {
	ctx := t.Context()
	d := relationtest.Postgres(t)
	w, err := New(write(t, nil), 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Prepare(ctx, d, nil); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Drop(context.Background(), d) }()
	if err := w.Check(ctx, d); err != nil {
		t.Error(err)
	}
	conn, err := d.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Exec(ctx, "DELETE FROM notes WHERE id = 1"); err != nil {
		t.Fatal(err)
	}
	if err := w.Check(ctx, d); err == nil || !strings.Contains(err.Error(), "q1") || strings.Contains(err.Error(), "q2") {
		t.Errorf("a lost row is not noticed: %v", err)
	}
}

// TestTheDataSet reads all of the real data set where it is to be had.
func TestTheDataSet(t *testing.T) {
	if os.Getenv(SharedVariable) == "" {
		t.Skip("set " + SharedVariable + " to read the real data set")
	}
	w, err := New("", 1)
	if err != nil {
		t.Skip(err)
	}
	if len(w.Queries()) < 100 || len(w.Tables()) != 8 {
		t.Errorf("%d queries, %d tables", len(w.Queries()), len(w.Tables()))
	}
	if n := len(relationtest.Rows(t, w.Sources()[0])); n != 40_325 {
		t.Errorf("%d users", n)
	}
}
