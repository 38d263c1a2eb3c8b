// Package stats is the STATS-CEB workload (Han et al.: Cardinality Estimation in DBMS: A Comprehensive Benchmark Evaluation, VLDB 2021): queries
// that count the rows of joins over a statistics site of Stack Exchange, real data with skew and correlation. The data and the
// queries are read from a directory at run time; none of them is part of this project.
//
// The directory has schema.sql and index.sql, a file TABLE.csv.gz with a header for each table, and queries.sql, where each query follows a line
// "-- NAME count=N" with the answer that it must give.
package stats

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/attunedb/attune/bench/workload"
	"github.com/attunedb/attune/bench/workload/relation"
)

// SharedVariable is the environment variable that names the directory in which data/stats is.
const SharedVariable = "ATTUNE_SHARED"

// New returns the workload of the data in a directory; "" is data/stats in the directory that SharedVariable names. Seed is of the order
// of queries.
func New(dir string, seed uint64) (*relation.Workload, error) {
	if dir == "" {
		shared := os.Getenv(SharedVariable)
		if shared == "" {
			return nil, fmt.Errorf("stats: no directory is given: name the one that has the data set, or the one above data/stats in %s", SharedVariable)
		}
		dir = filepath.Join(shared, "data", "stats")
	}
	if info, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("stats: the data set is not there: %w", err)
	} else if !info.IsDir() {
		return nil, fmt.Errorf("stats: %s is not a directory: the data set is one", dir)
	}
	sources, err := readSchema(dir)
	if err != nil {
		return nil, fmt.Errorf("stats: %w", err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "queries.sql"))
	if err != nil {
		return nil, fmt.Errorf("stats: %w", err)
	}
	queries, expected, err := parseQueries(string(text))
	if err != nil {
		return nil, fmt.Errorf("stats: queries.sql: %w", err)
	}
	return relation.New(relation.Spec{
		Name: "stats",
		Description: fmt.Sprintf("%d queries of STATS-CEB (Han et al., VLDB 2021), which count joins of real data of Stack Exchange; "+
			"every count is known.", len(queries)),
		Sources: sources, Queries: queries, Expected: expected, Seed: seed,
	})
}

var queryHead = regexp.MustCompile(`^-- (\S+) count=(\d+)$`)

// parseQueries reads queries and their counts.
func parseQueries(text string) ([]workload.Query, map[string]relation.Answer, error) {
	var queries []workload.Query
	expected := map[string]relation.Answer{}
	for at, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if head := queryHead.FindStringSubmatch(line); head != nil {
			queries = append(queries, workload.Query{Name: head[1]})
			expected[head[1]] = relation.Answer{Rows: [][]any{{head[2]}}}
			continue
		}
		if line == "" || strings.HasPrefix(line, "--") {
			continue
		}
		if len(queries) == 0 {
			return nil, nil, fmt.Errorf("line %d is before the first line \"-- NAME count=N\"", at+1)
		}
		q := &queries[len(queries)-1]
		q.SQL = strings.TrimSpace(q.SQL + " " + strings.TrimSuffix(line, ";"))
	}
	return queries, expected, nil
}

var (
	comment     = regexp.MustCompile(`(?m)--.*$`)
	createTable = regexp.MustCompile(`(?is)^CREATE\s+TABLE\s+(\w+)\s*\(`)
	createIndex = regexp.MustCompile(`(?is)^CREATE\s+INDEX\s+\w+\s+ON\s+(\w+)\b`)
	serial      = regexp.MustCompile(`(?i)\bSERIAL\b`)
)

// readSchema reads the tables and their indexes. Keys are declared as numbers rather than as sequences, which not every database has
// and nothing draws from.
func readSchema(dir string) ([]relation.Source, error) {
	var sources []relation.Source
	tables, err := statements(filepath.Join(dir, "schema.sql"))
	if err != nil {
		return nil, err
	}
	for _, sql := range tables {
		m := createTable.FindStringSubmatch(sql)
		if m == nil {
			return nil, fmt.Errorf("schema.sql: a statement that creates no table: %.60q", sql)
		}
		path := filepath.Join(dir, m[1]+".csv.gz")
		columns, err := header(path)
		if err != nil {
			return nil, err
		}
		sources = append(sources, relation.Source{
			Table: workload.Table{Name: m[1], Create: serial.ReplaceAllString(sql, "INTEGER"), Columns: columns},
			Rows:  -1,
			Open:  func() (io.ReadCloser, error) { return openRows(path) },
		})
	}
	indexes, err := statements(filepath.Join(dir, "index.sql"))
	if err != nil {
		return nil, err
	}
	for _, sql := range indexes {
		m := createIndex.FindStringSubmatch(sql)
		if m == nil {
			continue // such as ANALYZE, which the runner does in its own time
		}
		found := false
		for i := range sources {
			if strings.EqualFold(sources[i].Name, m[1]) {
				sources[i].Indexes, found = append(sources[i].Indexes, sql), true
			}
		}
		if !found {
			return nil, fmt.Errorf("index.sql: an index of the unknown table %s", m[1])
		}
	}
	return sources, nil
}

// statements reads the statements of a file.
func statements(path string) ([]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var out []string
	for sql := range strings.SplitSeq(comment.ReplaceAllString(string(text), ""), ";") {
		if sql = strings.TrimSpace(sql); sql != "" {
			out = append(out, sql)
		}
	}
	return out, nil
}

// header reads the names of a file's columns.
func header(path string) ([]string, error) {
	r, err := openRows(path)
	if err != nil {
		return nil, err
	}
	return r.columns, r.Close()
}

// rows turns comma-separated values into lines of PostgreSQL's text format of COPY. An empty value is NULL.
type rows struct {
	path    string
	file    *os.File
	zip     *gzip.Reader
	csv     *csv.Reader
	columns []string
	line    []byte
	at      int
}

func openRows(path string) (*rows, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bufio.NewReaderSize(f, 1<<16))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	r := &rows{path: path, file: f, zip: z, csv: csv.NewReader(z)}
	r.csv.ReuseRecord = true
	head, err := r.csv.Read()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: header: %w", path, err), r.Close())
	}
	r.columns = append(r.columns, head...)
	return r, nil
}

// batchBytes is about how much of the lines is made at once.
const batchBytes = 32 << 10

// Read implements io.Reader.
func (r *rows) Read(b []byte) (int, error) {
	if r.at == len(r.line) {
		r.line, r.at = r.line[:0], 0
		for len(r.line) < batchBytes {
			record, err := r.csv.Read()
			if err != nil {
				if errors.Is(err, io.EOF) && len(r.line) > 0 {
					break
				}
				if !errors.Is(err, io.EOF) {
					return 0, fmt.Errorf("%s: %w", r.path, err)
				}
				return 0, io.EOF
			}
			r.line = appendLine(r.line, record)
		}
	}
	n := copy(b, r.line[r.at:])
	r.at += n
	return n, nil
}

// Close implements io.Closer.
func (r *rows) Close() error { return errors.Join(r.zip.Close(), r.file.Close()) }

var escapes = []struct{ from, to []byte }{
	{[]byte(`\`), []byte(`\\`)}, {[]byte("\t"), []byte(`\t`)}, {[]byte("\n"), []byte(`\n`)}, {[]byte("\r"), []byte(`\r`)},
}

func appendLine(b []byte, record []string) []byte {
	for i, field := range record {
		if i > 0 {
			b = append(b, '\t')
		}
		switch {
		case field == "":
			b = append(b, '\\', 'N')
		case strings.ContainsAny(field, "\\\t\n\r"):
			value := []byte(field)
			for _, e := range escapes {
				value = bytes.ReplaceAll(value, e.from, e.to)
			}
			b = append(b, value...)
		default:
			b = append(b, field...)
		}
	}
	return append(b, '\n')
}
