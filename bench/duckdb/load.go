package main

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/attunedb/attune/bench/db/duckdb/link"
)

// loadRows is how many rows are put into a table in one statement.
const loadRows = 50_000

// staging takes a load's rows as text, from where DuckDB casts them into the table's types.
const staging = "attune_load"

// pieces reads the data of a load as it comes.
type pieces struct {
	queue <-chan request
	data  []byte
	err   error
}

func (p *pieces) Read(b []byte) (int, error) {
	for len(p.data) == 0 {
		if p.err != nil {
			return 0, p.err
		}
		r, ok := <-p.queue
		switch {
		case !ok:
			p.err = errors.New("the client left in the middle of a load")
		case r.Kind == link.Data:
			p.data = r.Data
		case r.Kind != link.LoadEnd:
			p.err = fmt.Errorf("a message of kind %d in the middle of a load", r.Kind)
		case r.Error != "":
			p.err = errors.New(r.Error)
		default:
			p.err = io.EOF
		}
	}
	n := copy(b, p.data)
	p.data = p.data[n:]
	return n, nil
}

// load runs a load in a transaction, which takes in all of the data or nothing, and reads the data to its end in any case.
func (s *session) load(r request) (count int64, err error) {
	data := &pieces{queue: s.queue}
	defer func() {
		_, _ = io.Copy(io.Discard, data)
	}()
	l := &loading{session: s, ctx: r.ctx, table: r.SQL, columns: r.Names}
	if err := l.exec("BEGIN"); err != nil {
		return 0, err
	}
	if count, err = l.run(data); err == nil {
		err = l.exec("COMMIT")
	}
	if err != nil {
		l.ctx = context.WithoutCancel(r.ctx)
		// After a COMMIT that failed there is nothing to roll back.
		_ = l.exec("ROLLBACK")
		return 0, err
	}
	return count, nil
}

type loading struct {
	*session
	ctx     context.Context
	table   string
	columns []string
	insert  string
}

func (l *loading) exec(sql string) error {
	_, err := l.conn.(driver.ExecerContext).ExecContext(l.ctx, sql, nil)
	return err
}

func (l *loading) run(data io.Reader) (int64, error) {
	width, err := l.begin()
	if err != nil {
		return 0, err
	}
	in := newCopyReader(data, width)
	row := make([]any, width)
	values := make([]driver.Value, width)
	count := int64(0)
	for more := true; more; {
		appender, err := duckdb.NewAppender(l.conn, "temp", "main", staging)
		if err != nil {
			return 0, err
		}
		n := 0
		for ; n < loadRows; n++ {
			if err = in.read(row); err != nil {
				break
			}
			for i, v := range row {
				values[i] = v
			}
			if err = appender.AppendRow(values...); err != nil {
				break
			}
		}
		closed := appender.CloseWithCancel(l.ctx)
		if errors.Is(err, io.EOF) {
			more, err = false, nil
		}
		if err = errors.Join(err, closed, l.ctx.Err()); err != nil {
			return 0, err
		}
		count += int64(n)
		if n == 0 {
			break
		}
		if err := l.exec(l.insert); err != nil {
			return 0, err
		}
		if err := l.exec("DELETE FROM temp." + staging); err != nil {
			return 0, err
		}
	}
	return count, l.exec("DROP TABLE temp." + staging)
}

// begin makes the staging table, and returns how many columns it has.
func (l *loading) begin() (int, error) {
	list := strings.Join(l.columns, ", ")
	into := l.table + " (" + list + ")"
	if len(l.columns) == 0 {
		list, into = "*", l.table
	}
	st, err := l.prepare(l.ctx, "SELECT "+list+" FROM "+l.table)
	if err != nil {
		return 0, err
	}
	defer func() { _ = st.Close() }()
	width, err := st.ColumnCount()
	if err != nil {
		return 0, err
	}
	texts, casts := make([]string, width), make([]string, width)
	for i := range width {
		kind, err := st.ColumnType(i)
		if err != nil {
			return 0, err
		}
		texts[i] = fmt.Sprintf("c%d VARCHAR", i)
		if casts[i] = fmt.Sprintf("c%d", i); kind == duckdb.TYPE_BLOB {
			// PostgreSQL's text of bytes is \x and their digits.
			casts[i] = fmt.Sprintf("unhex(substr(c%d, 3))", i)
		}
	}
	l.insert = "INSERT INTO " + into + " SELECT " + strings.Join(casts, ", ") + " FROM temp." + staging
	return width, l.exec("CREATE TEMP TABLE " + staging + " (" + strings.Join(texts, ", ") + ")")
}
