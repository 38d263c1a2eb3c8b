// Package load fills the tables of workloads, and runs the few statements around that.
package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/attunedb/attune/bench/db"
	"github.com/attunedb/attune/bench/workload"
)

// progressRows is after how many rows a load tells its progress.
const progressRows = 1000

// Rows receives the rows of a table, column by column, in PostgreSQL's text format of COPY. An error of writing stays until Copy returns it.
type Rows struct {
	w       *bufio.Writer
	begun   bool
	count   int64
	told    int64
	scratch []byte
	p       workload.Loading
}

func (r *Rows) sep() {
	if r.begun {
		r.w.WriteByte('\t')
	}
	r.begun = true
}

// Int appends a whole number to the row.
func (r *Rows) Int(v int64) {
	r.sep()
	r.scratch = strconv.AppendInt(r.scratch[:0], v, 10)
	r.w.Write(r.scratch)
}

// Float appends a number to the row, so that reading it gives the same number.
func (r *Rows) Float(v float64) {
	r.sep()
	r.scratch = strconv.AppendFloat(r.scratch[:0], v, 'g', -1, 64)
	r.w.Write(r.scratch)
}

// Text appends a string to the row. It does not keep v.
func (r *Rows) Text(v []byte) {
	r.sep()
	for _, c := range v {
		switch c {
		case '\t':
			r.w.WriteString(`\t`)
		case '\n':
			r.w.WriteString(`\n`)
		case '\r':
			r.w.WriteString(`\r`)
		case '\\':
			r.w.WriteString(`\\`)
		default:
			r.w.WriteByte(c)
		}
	}
}

// Time appends a time to the row, to the microsecond, as a timestamp without time zone in UTC.
func (r *Rows) Time(v time.Time) {
	r.sep()
	r.scratch = v.UTC().AppendFormat(r.scratch[:0], "2006-01-02 15:04:05.000000")
	r.w.Write(r.scratch)
}

// Null appends NULL to the row.
func (r *Rows) Null() {
	r.sep()
	r.w.WriteString(`\N`)
}

// End ends the row. Its error is that of the database, which has given up: there is no use in further rows.
func (r *Rows) End() error {
	r.begun = false
	r.count++
	if r.p != nil && r.count-r.told >= progressRows {
		r.p.Add(r.count - r.told)
		r.told = r.count
	}
	return r.w.WriteByte('\n')
}

// Copy loads into a table the rows that fill makes, of which there are total or, if it is 0, an unknown number. p may be nil.
func Copy(ctx context.Context, d db.DB, p workload.Loading, table string, columns []string, total int64, fill func(*Rows) error) error {
	if p != nil {
		p.Table(table, total)
	}
	pr, pw := io.Pipe()
	rows := &Rows{w: bufio.NewWriterSize(pw, 64<<10), p: p}
	filled := make(chan error, 1)
	go func() {
		err := fill(rows)
		if err == nil {
			err = rows.w.Flush()
		}
		pw.CloseWithError(err)
		filled <- err
	}()
	loaded, err := d.Load(ctx, table, columns, pr)
	// A load that ended early must not leave the other side waiting for a reader.
	pr.CloseWithError(errEnded)
	fillErr := <-filled
	if err != nil {
		return fmt.Errorf("load table %s: %w", table, err)
	}
	if fillErr != nil {
		return fmt.Errorf("load table %s: %w", table, fillErr)
	}
	if p != nil && rows.count > rows.told {
		p.Add(rows.count - rows.told)
	}
	if loaded != rows.count {
		return fmt.Errorf("load table %s: the database took %d rows of %d", table, loaded, rows.count)
	}
	if total > 0 && total != rows.count {
		return fmt.Errorf("load table %s: made %d rows, announced were %d", table, rows.count, total)
	}
	return nil
}

var errEnded = errors.New("the load ended before all rows were read")

// Exec runs statements one after the other on a connection of their own.
func Exec(ctx context.Context, d db.DB, statements ...string) error {
	conn, err := d.Open(ctx)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", d.Name(), err)
	}
	for _, s := range statements {
		if _, err := conn.Exec(ctx, s); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", s, err), conn.Close())
		}
	}
	return conn.Close()
}

// Finish runs what follows a load: the statements, and what refreshes the database's statistics of each table.
func Finish(ctx context.Context, d db.DB, tables []string, statements ...string) error {
	statements = slices.Clone(statements)
	if analyze := d.Traits().Analyze; analyze != "" {
		for _, t := range tables {
			statements = append(statements, analyze+" "+t)
		}
	}
	return Exec(ctx, d, statements...)
}

// Drop drops tables if they are there.
func Drop(ctx context.Context, d db.DB, tables ...string) error {
	statements := make([]string, len(tables))
	for i, t := range tables {
		statements[i] = "DROP TABLE IF EXISTS " + t
	}
	return Exec(ctx, d, statements...)
}

// Each runs a query on a connection of its own and calls each with every row.
func Each(ctx context.Context, d db.DB, sql string, each func(row []any) error, args ...any) error {
	conn, err := d.Open(ctx)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", d.Name(), err)
	}
	if _, err := conn.Query(ctx, sql, each, args...); err != nil {
		return errors.Join(fmt.Errorf("%s: %w", sql, err), conn.Close())
	}
	return conn.Close()
}

// Ints runs a query that gives one row of whole numbers; NULL counts as 0.
func Ints(ctx context.Context, d db.DB, sql string, args ...any) ([]int64, error) {
	var out []int64
	n := 0
	err := Each(ctx, d, sql, func(row []any) error {
		n++
		out = make([]int64, len(row))
		for i, v := range row {
			var err error
			if out[i], err = Int(v); err != nil {
				return err
			}
		}
		return nil
	}, args...)
	if err == nil && n != 1 {
		err = fmt.Errorf("%s: %d rows, want one", sql, n)
	}
	return out, err
}

// Int is a value of a row as a whole number; NULL counts as 0.
func Int(v any) (int64, error) {
	switch v := v.(type) {
	case nil:
		return 0, nil
	case int64:
		return v, nil
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%q is not a whole number", v)
		}
		return n, nil
	case float64:
		if n := int64(v); float64(n) == v {
			return n, nil
		}
	}
	return 0, fmt.Errorf("%v of type %T is not a whole number", v, v)
}
