package slt

import (
	"compress/gzip"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/attunedb/attune/test/harness"
)

// mustPass are the files whose SQL is covered: every record of them passes.
var mustPass = []string{"select1.test.gz", "select2.test.gz", "select3.test.gz"}

// quick are the files of an ordinary run; ATTUNE_SLT=all runs every file.
var quick = []string{"select1.test.gz", "select2.test.gz", "select3.test.gz", "evidence/", "random/aggregates/slt_good_0", "random/expr/slt_good_0",
	"random/groupby/slt_good_0", "random/select/slt_good_0"}

// without are the files that use what is not there, by what that is.
var without = map[string]string{"evidence/slt_lang_createview.test": "views", "evidence/slt_lang_dropview.test": "views"}

// postgres returns how many records of a file PostgreSQL 15 passes, of those files that were run there.
func postgres(t *testing.T, path string) map[string]int {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int{}
	for _, line := range strings.Split(string(text), "\n") {
		var name string
		var records, passed, skipped int
		if n, _ := fmt.Sscan(line, &name, &records, &passed, &skipped); n == 4 {
			out[name] = passed
		}
	}
	if len(out) == 0 {
		t.Fatalf("%s names no file", path)
	}
	return out
}

// TestFiles runs the corpus and prints a line for each file.
func TestFiles(t *testing.T) {
	dir := harness.Shared(t, "slt")
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".test.gz") && wanted(dir, path) {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	srv := harness.Start(t, "")
	passes := postgres(t, filepath.Join(dir, "pg15-pass.txt"))
	var total Result
	fmt.Printf("%-45s %8s %8s %8s %8s %8s\n", "file", "records", "passed", "failed", "skipped", "seconds")
	for _, f := range files {
		name, _ := filepath.Rel(dir, f)
		res, took := runFile(t, srv, f)
		total.Records, total.Passed = total.Records+res.Records, total.Passed+res.Passed
		total.Failed, total.Skipped = total.Failed+res.Failed, total.Skipped+res.Skipped
		fmt.Printf("%-45s %8d %8d %8d %8d %8.1f\n", name, res.Records, res.Passed, res.Failed, res.Skipped, took.Seconds())
		for _, why := range res.Failures {
			t.Logf("%s: %s", name, why)
		}
		plain := strings.TrimSuffix(name, ".gz")
		if n := passes[plain]; res.Passed < n && without[plain] == "" {
			t.Errorf("%s: %d records pass, on PostgreSQL %d", name, res.Passed, n)
		}
		for _, m := range mustPass {
			if name == m && res.Failed > 0 {
				t.Errorf("%s: %d records fail", name, res.Failed)
			}
		}
	}
	fmt.Printf("%-45s %8d %8d %8d %8d   %.2f %% of those not skipped\n", "total", total.Records, total.Passed, total.Failed, total.Skipped,
		100*float64(total.Passed)/float64(max(total.Passed+total.Failed, 1)))
}

func wanted(dir, path string) bool {
	if os.Getenv("ATTUNE_SLT") == "all" {
		return true
	}
	name, _ := filepath.Rel(dir, path)
	for _, q := range quick {
		if name == q || strings.HasPrefix(name, q) {
			return true
		}
	}
	return false
}

func runFile(t *testing.T, srv *harness.Server, path string) (Result, time.Duration) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	records, err := Parse(z)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	c := srv.Conn(t)
	defer func() { _ = c.Close(context.Background()) }()
	dropAll(t, srv)
	start := time.Now()
	res, err := Run(context.Background(), c.PgConn(), records)
	if err != nil {
		t.Errorf("%s: %v", path, err)
	}
	return res, time.Since(start)
}

// dropAll removes what the file before may have left.
func dropAll(t *testing.T, srv *harness.Server) {
	t.Helper()
	c := srv.Conn(t)
	defer func() { _ = c.Close(context.Background()) }()
	for _, name := range []string{"t1", "t2", "t3", "tab0", "tab1", "tab2", "tab3", "tab4", "x", "f2"} {
		harness.Exec(t, c, "DROP TABLE IF EXISTS "+name)
	}
	for i := range 70 {
		harness.Exec(t, c, fmt.Sprintf("DROP TABLE IF EXISTS t%d", i))
	}
}

func TestParse(t *testing.T) {
	in := `hash-threshold 8

# a comment
statement ok
CREATE TABLE t1(a INTEGER)

skipif postgresql
statement error
SELECT 1

onlyif mysql
query I nosort
SELECT 2
----
2

query IT rowsort label-1
SELECT a, b
FROM t1
----
1
x

query I valuesort
SELECT a FROM t1
----
9 values hashing to abc

halt

statement ok
NEVER
`
	got, err := Parse(strings.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 5 {
		t.Fatalf("%d records", len(got))
	}
	if got[0].SQL != "CREATE TABLE t1(a INTEGER)" || got[0].Skip || got[0].Query || got[0].Line != 4 {
		t.Errorf("first: %+v", got[0])
	}
	if !got[1].Skip || !got[2].Skip {
		t.Error("records for other databases are not skipped")
	}
	if q := got[3]; q.SQL != "SELECT a, b\nFROM t1" || q.Types != "IT" || q.Sort != "rowsort" || strings.Join(q.Want, ",") != "1,x" {
		t.Errorf("query: %+v", q)
	}
	if q := got[4]; q.Count != 9 || q.Hash != "abc" {
		t.Errorf("hashed query: %+v", q)
	}
}

func TestCheck(t *testing.T) {
	r := Record{Types: "IR", Sort: "rowsort", Want: []string{"1", "2.500", "NULL", "0.333"}}
	if err := r.check([][][]byte{{nil, []byte("0.33333")}, {[]byte("1"), []byte("2.5")}}); err != nil {
		t.Error(err)
	}
	if err := r.check([][][]byte{{[]byte("1"), []byte("2.5")}}); err == nil {
		t.Error("a missing row passes")
	}
	r.Want[0] = "2"
	if err := r.check([][][]byte{{nil, []byte("0.33333")}, {[]byte("1"), []byte("2.5")}}); err == nil {
		t.Error("a wrong value passes")
	}
}
