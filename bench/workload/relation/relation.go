// Package relation is what workloads of queries over tables have in common: how tables are made, loaded and dropped, how queries are run
// as the operations of a benchmark, how their answers are compared between databases, and how they are timed side by side.
//
// A workload is a Spec: its tables, each with a stream of rows, and its queries. The package knows nothing of what they mean.
package relation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/attunedb/attune/bench/db"
	"github.com/attunedb/attune/bench/workload"
)

// Source is a table and its rows.
type Source struct {
	workload.Table
	// Rows is how many rows Open gives, negative if unknown.
	Rows int64
	// Open gives the rows as lines of PostgreSQL's text format of COPY, in the order of Table.Columns. Every call gives the same lines.
	// The caller closes what it got.
	Open func() (io.ReadCloser, error)
}

// Spec is a workload.
type Spec struct {
	// Name and Description are what Workload.Name and Workload.Describe return.
	Name, Description string
	// Sources are created and loaded in this order, and dropped in the opposite one.
	Sources []Source
	Queries []workload.Query
	// Expected are the answers that are known, by the query's name; nil if none is.
	Expected map[string]Answer
	// Seed is where workers' permutations of the queries come from.
	Seed uint64
	// Timeout bounds one query of Subject, Check and Answers. Default 10 minutes.
	Timeout time.Duration
}

// Workload runs a Spec. It is immutable and safe for concurrent use. It implements workload.Relational.
type Workload struct {
	spec Spec
}

var _ workload.Relational = (*Workload)(nil)

// New returns the workload of a Spec, or says what is wrong with it.
func New(s Spec) (*Workload, error) {
	if s.Timeout == 0 {
		s.Timeout = 10 * time.Minute
	}
	if s.Name == "" || len(s.Sources) == 0 || len(s.Queries) == 0 {
		return nil, fmt.Errorf("workload %q: a name, a table and a query are needed", s.Name)
	}
	seen := map[string]bool{}
	for _, t := range s.Sources {
		if t.Name == "" || t.Create == "" || len(t.Columns) == 0 || t.Open == nil {
			return nil, fmt.Errorf("workload %s: table %q needs a name, a statement that creates it, columns and rows", s.Name, t.Name)
		}
		if seen["table "+t.Name] {
			return nil, fmt.Errorf("workload %s: two tables are called %s", s.Name, t.Name)
		}
		seen["table "+t.Name] = true
	}
	for _, q := range s.Queries {
		if q.Name == "" || q.SQL == "" {
			return nil, fmt.Errorf("workload %s: query %q needs a name and a text", s.Name, q.Name)
		}
		if seen["query "+q.Name] {
			return nil, fmt.Errorf("workload %s: two queries are called %s", s.Name, q.Name)
		}
		seen["query "+q.Name] = true
	}
	for name := range s.Expected {
		if !seen["query "+name] {
			return nil, fmt.Errorf("workload %s: an answer is expected of the unknown query %s", s.Name, name)
		}
	}
	return &Workload{spec: s}, nil
}

// Name implements workload.Workload.
func (w *Workload) Name() string { return w.spec.Name }

// Describe implements workload.Workload.
func (w *Workload) Describe() string { return w.spec.Description }

// Tables implements workload.Relational.
func (w *Workload) Tables() []workload.Table {
	out := make([]workload.Table, len(w.spec.Sources))
	for i, s := range w.spec.Sources {
		out[i] = s.Table
	}
	return out
}

// Queries implements workload.Relational.
func (w *Workload) Queries() []workload.Query { return slices.Clone(w.spec.Queries) }

// Sources returns the tables with their rows.
func (w *Workload) Sources() []Source { return slices.Clone(w.spec.Sources) }

// Rows returns how many rows all tables have, as far as that is known.
func (w *Workload) Rows() int64 {
	var total int64
	for _, s := range w.spec.Sources {
		total += max(s.Rows, 0)
	}
	return total
}

// Expecting returns the workload with answers to check, such as those of a database that is trusted. Answers that are errors are
// left out.
func (w *Workload) Expecting(answers map[string]Answer) (*Workload, error) {
	s := w.spec
	s.Expected = map[string]Answer{}
	for name, a := range answers {
		if a.Error == "" {
			s.Expected[name] = a
		}
	}
	return New(s)
}

// Prepare implements workload.Workload: it drops, creates and loads the tables one after the other, then makes the indexes and refreshes
// statistics. p may be nil.
func (w *Workload) Prepare(ctx context.Context, d db.DB, p workload.Loading) error {
	if err := w.Drop(ctx, d); err != nil {
		return err
	}
	conn, err := d.Open(ctx)
	if err != nil {
		return fmt.Errorf("%s: open %s: %w", w.spec.Name, d.Name(), err)
	}
	defer conn.Close()
	for _, s := range w.spec.Sources {
		if _, err := conn.Exec(ctx, s.Create); err != nil {
			return fmt.Errorf("%s: create table %s: %w", w.spec.Name, s.Name, err)
		}
		if err := w.load(ctx, d, s, p); err != nil {
			return err
		}
	}
	for _, s := range w.spec.Sources {
		for _, index := range s.Indexes {
			if _, err := conn.Exec(ctx, index); err != nil {
				return fmt.Errorf("%s: index of %s: %w", w.spec.Name, s.Name, err)
			}
		}
	}
	if analyze := d.Traits().Analyze; analyze != "" {
		if _, err := conn.Exec(ctx, analyze); err != nil {
			return fmt.Errorf("%s: %s: %w", w.spec.Name, analyze, err)
		}
	}
	return nil
}

// load copies one table and verifies that the database took as many rows as were sent.
func (w *Workload) load(ctx context.Context, d db.DB, s Source, p workload.Loading) (err error) {
	rows, err := s.Open()
	if err != nil {
		return fmt.Errorf("%s: rows of %s: %w", w.spec.Name, s.Name, err)
	}
	defer func() {
		if e := rows.Close(); e != nil && err == nil {
			err = fmt.Errorf("%s: rows of %s: %w", w.spec.Name, s.Name, e)
		}
	}()
	if p != nil {
		p.Table(s.Name, max(s.Rows, 0))
	}
	counted := &lineCounter{r: rows, p: p}
	loaded, err := d.Load(ctx, s.Name, s.Columns, counted)
	if err != nil {
		return fmt.Errorf("%s: load %s: %w", w.spec.Name, s.Name, err)
	}
	if s.Rows >= 0 && counted.lines != s.Rows {
		return fmt.Errorf("%s: table %s has %d rows, and %d were announced", w.spec.Name, s.Name, counted.lines, s.Rows)
	}
	if loaded != counted.lines {
		return fmt.Errorf("%s: %s says that it loaded %d rows of %s; %d were sent", w.spec.Name, d.Name(), loaded, s.Name, counted.lines)
	}
	return nil
}

// Drop implements workload.Workload. Tables that do not exist are no error.
func (w *Workload) Drop(ctx context.Context, d db.DB) error {
	conn, err := d.Open(ctx)
	if err != nil {
		return fmt.Errorf("%s: open %s: %w", w.spec.Name, d.Name(), err)
	}
	defer conn.Close()
	var errs []error
	for _, s := range slices.Backward(w.spec.Sources) {
		if _, err := conn.Exec(ctx, "DROP TABLE IF EXISTS "+s.Name); err != nil {
			errs = append(errs, fmt.Errorf("%s: drop table %s: %w", w.spec.Name, s.Name, err))
		}
	}
	return errors.Join(errs...)
}

// lineCounter counts the lines that pass and tells of them.
type lineCounter struct {
	r     io.Reader
	p     workload.Loading
	lines int64
}

// Read implements io.Reader.
func (c *lineCounter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	if lines := int64(bytes.Count(b[:n], []byte{'\n'})); lines > 0 {
		c.lines += lines
		if c.p != nil {
			c.p.Add(lines)
		}
	}
	return n, err
}
