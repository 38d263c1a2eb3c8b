package relation

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/attunedb/attune/bench/db"
	"github.com/attunedb/attune/bench/workload"
)

// fake is a database whose answers are written down.
type fake struct {
	name    string
	answers map[string][][]any
	// fail gives errors of statements, slow how long a statement takes.
	fail map[string]error
	slow map[string]time.Duration
	// lose drops the last row of a load and doesn't tell; short tells of one less.
	lose, short bool
	analyze     string

	mu     sync.Mutex
	log    *[]string // shared by fakes that are compared
	loaded map[string][]string
	opened int
	open   int
}

func newFake(name string) *fake {
	return &fake{
		name: name, answers: map[string][][]any{}, fail: map[string]error{}, slow: map[string]time.Duration{}, loaded: map[string][]string{},
		log: new([]string),
	}
}

func (f *fake) Name() string                            { return f.name }
func (f *fake) Version(context.Context) (string, error) { return "fake", nil }
func (f *fake) Durability(context.Context) string       { return "none" }
func (f *fake) Traits() db.Traits                       { return db.Traits{Analyze: f.analyze} }
func (f *fake) Close() error                            { return nil }

func (f *fake) Open(context.Context) (db.Conn, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.fail["open"]; err != nil {
		return nil, err
	}
	f.opened++
	f.open++
	return &fakeConn{fake: f}, nil
}

func (f *fake) Load(_ context.Context, table string, _ []string, rows io.Reader) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	lines := bufio.NewScanner(rows)
	var all []string
	for lines.Scan() {
		all = append(all, lines.Text())
	}
	if err := lines.Err(); err != nil {
		return 0, err
	}
	n := int64(len(all))
	if f.lose {
		all = all[:len(all)-1]
	}
	if f.short {
		n--
	}
	f.loaded[table] = all
	f.answers["SELECT count(*) FROM "+table] = [][]any{{int64(len(all))}}
	return n, nil
}

type fakeConn struct {
	*fake
	closed bool
}

func (c *fakeConn) Exec(ctx context.Context, sql string, args ...any) (int64, error) {
	return c.Query(ctx, sql, nil, args...)
}

func (c *fakeConn) Query(ctx context.Context, sql string, each func(row []any) error, _ ...any) (int64, error) {
	c.mu.Lock()
	*c.log = append(*c.log, c.name+": "+sql)
	closed, slow, fail, rows := c.closed, c.slow[sql], c.fail[sql], c.answers[sql]
	c.mu.Unlock()
	if closed {
		return 0, errors.New("the connection is closed")
	}
	if slow > 0 {
		select {
		case <-time.After(slow):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	if fail != nil {
		return 0, fail
	}
	row := []any{}
	for _, r := range rows {
		row = append(row[:0], r...) // the callee's until it returns, and no longer
		if each != nil {
			if err := each(row); err != nil {
				return 0, err
			}
		}
	}
	return int64(len(rows)), nil
}

func (c *fakeConn) Prepare(context.Context, string) (db.Stmt, error) {
	return nil, errors.New("not prepared")
}

func (c *fakeConn) Batch(context.Context, []db.Call) {}

func (c *fakeConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.closed = true
		c.open--
	}
	return nil
}

// table makes a table with the given lines.
func table(name string, announced int64, lines ...string) Source {
	return Source{
		Table: workload.Table{Name: name, Create: "CREATE TABLE " + name, Columns: []string{"a"}, Indexes: []string{"CREATE INDEX ON " + name}},
		Rows:  announced,
		Open: func() (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(strings.Join(lines, "\n") + "\n")), nil
		},
	}
}

func queries(n int) []workload.Query {
	var out []workload.Query
	for i := range n {
		out = append(out, workload.Query{Name: fmt.Sprintf("q%d", i), SQL: fmt.Sprintf("SELECT %d", i)})
	}
	return out
}
