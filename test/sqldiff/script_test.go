package sqldiff

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/attunedb/attune/test/harness"
)

var rewrite = flag.Bool("rewrite", false, "write testdata/*.out from the PostgreSQL server of ATTUNE_PG_URL")

// pgURL names a PostgreSQL server to compare with; empty when there is none. Its database must be empty, with the C
// collation and the time zone UTC.
func pgURL() string { return os.Getenv("ATTUNE_PG_URL") }

// attuneURL starts Attune, or takes the one of ATTUNE_URL.
func attuneURL(t *testing.T) string {
	if url := os.Getenv("ATTUNE_URL"); url != "" {
		return url
	}
	return harness.Start(t, "").URL()
}

func connect(t *testing.T, url string) *pgconn.PgConn {
	t.Helper()
	c, err := pgconn.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

const statementTimeout = 10 * time.Second

func runStatement(c *pgconn.PgConn, s *Statement) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), statementTimeout)
	defer cancel()
	return s.Run(ctx, c)
}

// TestScripts runs every script. Each statement's block in the .out file is its text, a line "----" and its answer.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	if *rewrite {
		if pgURL() == "" {
			t.Fatal("-rewrite takes its answers from PostgreSQL: set ATTUNE_PG_URL")
		}
		for _, f := range files {
			writeExpected(t, f)
		}
	}
	url := attuneURL(t)
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".sql"), func(t *testing.T) {
			statements := readScript(t, f)
			want := readExpected(t, f, statements)
			c := connect(t, url)
			for i := range statements {
				s := &statements[i]
				got, err := runStatement(c, s)
				if err != nil {
					t.Fatalf("%s:%d: %v\n%s", f, s.Line, err, s.SQL)
				}
				if !s.Same(got, want[i]) {
					t.Errorf("%s:%d:\n%s\ngot:\n%swant:\n%s", f, s.Line, s.SQL, got, want[i])
				}
			}
		})
	}
}

func readScript(t *testing.T, path string) []Statement {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return ParseScript(string(b))
}

func outPath(path string) string { return strings.TrimSuffix(path, ".sql") + ".out" }

func writeExpected(t *testing.T, path string) {
	t.Helper()
	c := connect(t, pgURL())
	var out strings.Builder
	statements := readScript(t, path)
	for i := range statements {
		got, err := runStatement(c, &statements[i])
		if err != nil {
			t.Fatalf("%s:%d: %v", path, statements[i].Line, err)
		}
		fmt.Fprintf(&out, "%s\n----\n%s\n", statements[i].SQL, got)
	}
	if err := os.WriteFile(outPath(path), []byte(out.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// readExpected finds each statement's block in order.
func readExpected(t *testing.T, path string, statements []Statement) []string {
	t.Helper()
	b, err := os.ReadFile(outPath(path))
	if err != nil {
		t.Fatal(err)
	}
	rest := string(b)
	want := make([]string, len(statements))
	for i := range statements {
		block, ok := strings.CutPrefix(rest, statements[i].SQL+"\n----\n")
		if !ok {
			t.Fatalf("%s: no answer for line %d of the script; run with -rewrite", outPath(path), statements[i].Line)
		}
		end := len(block)
		if i+1 < len(statements) {
			next := strings.Index(block, "\n"+statements[i+1].SQL+"\n----\n")
			if next < 0 {
				t.Fatalf("%s: no answer for line %d of the script; run with -rewrite", outPath(path), statements[i+1].Line)
			}
			end = next + 1
		}
		want[i], rest = strings.TrimSuffix(block[:end], "\n"), block[end:]
		if want[i] != "" {
			want[i] = strings.TrimRight(want[i], "\n") + "\n"
		}
	}
	return want
}

func TestParseScript(t *testing.T) {
	got := ParseScript("-- c\n\n--? state\nSELECT 1,\n 2;\nCOPY t FROM STDIN;\n1\n\\.\nSELECT 3;\n")
	if len(got) != 3 || got[0].SQL != "SELECT 1,\n 2;" || !got[0].StateOnly || got[0].Line != 4 || got[1].Data != "1\n" || got[1].StateOnly || got[2].SQL != "SELECT 3;" {
		t.Fatalf("%+v", got)
	}
}
