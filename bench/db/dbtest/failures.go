package dbtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/attunedb/attune/bench/db"
)

// long makes a table, and returns a statement on it that runs for minutes unless it is canceled.
func (s *suite) long(t *testing.T, c db.Conn) string {
	t.Helper()
	name := s.table(t, c, "id bigint")
	var lines strings.Builder
	for i := range 1000 {
		fmt.Fprintln(&lines, i)
	}
	if _, err := s.db.Load(s.ctx, name, nil, strings.NewReader(lines.String())); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("SELECT count(*) FROM %[1]s a, %[1]s b, %[1]s c, %[1]s d WHERE (a.id + b.id * c.id + d.id) %% 7 = 3", name)
}

// errors carry the SQLSTATE of their cause, and the connection goes on after each.
func (s *suite) errors(t *testing.T) {
	c := s.conn(t)
	name := s.table(t, c, "id bigint PRIMARY KEY, small smallint NOT NULL, n integer CHECK (n > 0)")
	exec(t, s.ctx, c, "INSERT INTO "+name+" VALUES (1, 1, 1)")
	for _, test := range []struct{ sql, state string }{
		{"SELEC 1", "42601"},
		{"SELECT nothing FROM " + name, "42703"},
		{"SELECT * FROM dbtest_missing", "42P01"},
		{"SELECT no_such_function(1)", "42883"},
		{"CREATE TABLE " + name + " (x integer)", "42P07"},
		{"INSERT INTO " + name + " VALUES (1, 1, 1)", "23505"},
		{"INSERT INTO " + name + " VALUES (2, NULL, 1)", "23502"},
		{"INSERT INTO " + name + " VALUES (2, 2, -1)", "23514"},
		{"INSERT INTO " + name + " VALUES (2, 99999, 1)", "22003"},
		{"SELECT CAST('abc' AS integer)", "22P02"},
	} {
		_, err := c.Exec(s.ctx, test.sql)
		if db.SQLState(err) != test.state {
			t.Errorf("exec of %s: %v, want %s", test.sql, err, test.state)
		}
		if _, err = c.Query(s.ctx, test.sql, nil); db.SQLState(err) != test.state {
			t.Errorf("query of %s: %v, want %s", test.sql, err, test.state)
		}
		if got := query(t, s.ctx, c, "SELECT count(*) FROM "+name); !sameRows(got, [][]any{{int64(1)}}) {
			t.Fatalf("after %s the table has %v rows", test.sql, got)
		}
	}
	if _, err := c.Prepare(s.ctx, "SELECT * FROM dbtest_missing"); db.SQLState(err) != "42P01" {
		t.Errorf("prepare: %v", err)
	}
	if _, err := c.Exec(s.ctx, "SELECT id FROM "+name+" WHERE id = $1"); err == nil {
		t.Error("a statement ran without its argument")
	}
	if _, err := c.Exec(s.ctx, "SELECT id FROM "+name+" WHERE id = $1", int64(1), int64(2)); err == nil {
		t.Error("a statement ran with an argument too many")
	}
}

// statements: one of another connection, or a closed one, fails, and takes nothing along.
func (s *suite) statements(t *testing.T) {
	c, other := s.conn(t), s.conn(t)
	good := prepare(t, s.ctx, c, "SELECT 1")
	closed, err := c.Prepare(s.ctx, "SELECT 2")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := closed.Close(); err != nil {
			t.Fatalf("close: %v", err)
		}
	}
	calls := []db.Call{{Stmt: good}, {Stmt: closed}, {Stmt: good}}
	if !s.db.Traits().Shared { // there a statement is of no connection
		calls = append(calls, db.Call{Stmt: prepare(t, s.ctx, other, "SELECT 1")})
	}
	c.Batch(s.ctx, calls)
	for i, call := range calls {
		if bad := i == 1 || i == 3; bad != (call.Err != nil) {
			t.Errorf("call %d: %v", i, call.Err)
		}
	}
}

// canceled checks an error of a statement whose context ended.
func canceled(t *testing.T, what string, err, cause error) {
	t.Helper()
	if !errors.Is(err, cause) || db.SQLState(err) != "57014" {
		t.Errorf("%s: %v (state %q), want %v and 57014", what, err, db.SQLState(err), cause)
	}
}

// cancel: a statement ends soon after its context, and the connection goes on.
func (s *suite) cancel(t *testing.T) {
	c := s.conn(t)
	long := s.long(t, c)
	begin := time.Now()
	ended, cancel := context.WithTimeout(s.ctx, 50*time.Millisecond)
	defer cancel()
	_, err := c.Query(ended, long, nil)
	canceled(t, "query", err, context.DeadlineExceeded)
	_, err = c.Exec(ended, "SELECT 1")
	canceled(t, "exec with a context that has ended", err, context.DeadlineExceeded)
	if took := time.Since(begin); took > patience/2 {
		t.Errorf("it ended after %s", took)
	}
	if got := query(t, s.ctx, c, "SELECT 42"); !sameRows(got, [][]any{{int64(42)}}) {
		t.Errorf("afterwards: %v", got)
	}
}

func (s *suite) cancelBatch(t *testing.T) {
	owner, err := s.db.Open(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = owner.Close() })
	long := s.long(t, owner)
	c, err := s.db.Open(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }() // it may be lost to this
	st, err := c.Prepare(s.ctx, long)
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithTimeout(s.ctx, 50*time.Millisecond)
	defer cancel()
	calls := []db.Call{{Stmt: st}, {Stmt: st}}
	begin := time.Now()
	c.Batch(ended, calls)
	canceled(t, "the call that ran", calls[0].Err, context.DeadlineExceeded)
	canceled(t, "the call behind it", calls[1].Err, context.DeadlineExceeded)
	if took := time.Since(begin); took > patience/2 || calls[1].End.IsZero() {
		t.Errorf("it ended after %s, %v", took, calls[1].End)
	}
	if got := query(t, s.ctx, s.conn(t), "SELECT 42"); !sameRows(got, [][]any{{int64(42)}}) {
		t.Errorf("afterwards: %v", got)
	}
}

// load reads PostgreSQL's text format: escapes, NULL, columns in another order and left out, every type.
func (s *suite) load(t *testing.T) {
	c := s.conn(t)
	name := s.table(t, c, "id bigint, s text, n numeric(10,2), f double precision, b bytea, o boolean, d date, ts timestamp, extra integer DEFAULT 7")
	lines := strings.Join([]string{
		`a\tb\nc\\d\bx	1	12.50	1.5	\\x00ff5c	t	1995-03-15	2024-02-29 23:59:59.123456`,
		`\N	2	\N	\N	\N	\N	\N	\N`,
		`	3	-0.05	Infinity	\\x	f	1901-01-01	1901-01-01 00:00:00`,
		`\\N	4	0.00	0	\\x41	true	2000-01-01	2000-01-01 00:00:00`,
		`\x41\101\q "x", '日本'	5	7	1e10	\\x41	f	2000-01-01	2000-01-01 00:00:00.5`,
		"",
	}, "\n")
	n, err := s.db.Load(s.ctx, name, []string{"s", "id", "n", "f", "b", "o", "d", "ts"}, strings.NewReader(lines))
	if err != nil || n != 5 {
		t.Fatalf("load: %d, %v", n, err)
	}
	day := func(y, m, d int) time.Time { return time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC) }
	want := [][]any{
		{int64(1), "a\tb\nc\\d\bx", "12.50", 1.5, []byte{0, 0xff, 0x5c}, true, day(1995, 3, 15), time.Date(2024, 2, 29, 23, 59, 59, 123456000, time.UTC), int64(7)},
		{int64(2), nil, nil, nil, nil, nil, nil, nil, int64(7)},
		{int64(3), "", "-0.05", math.Inf(1), []byte{}, false, day(1901, 1, 1), day(1901, 1, 1), int64(7)},
		{int64(4), `\N`, "0.00", 0.0, []byte("A"), true, day(2000, 1, 1), day(2000, 1, 1), int64(7)},
		{int64(5), `AAq "x", '日本'`, "7.00", 1e10, []byte("A"), false, day(2000, 1, 1), day(2000, 1, 1).Add(time.Second / 2), int64(7)},
	}
	if got := query(t, s.ctx, c, "SELECT * FROM "+name+" ORDER BY id"); !sameRows(got, want) {
		t.Errorf("\n got %v\nwant %v", got, want)
	}
	if n, err := s.db.Load(s.ctx, name, []string{"id"}, strings.NewReader("")); err != nil || n != 0 {
		t.Errorf("an empty load: %d, %v", n, err)
	}
	if n, err := s.db.Load(s.ctx, name, []string{"id"}, strings.NewReader("6")); err != nil || n != 1 {
		t.Errorf("a last line without its end: %d, %v", n, err)
	}
}

type brokenReader struct{ err error }

func (b brokenReader) Read([]byte) (int, error) { return 0, b.err }

// loadErrors: a load that fails loads nothing.
func (s *suite) loadErrors(t *testing.T) {
	c := s.conn(t)
	name := s.table(t, c, "id bigint PRIMARY KEY, v integer")
	var many strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&many, "%d\t%d\n", i, i)
	}
	for what, test := range map[string]struct{ lines, state string }{
		"a duplicate":     {many.String() + "5\t5\n", "23505"},
		"no number":       {many.String() + "50000\tx\n", "22P02"},
		"a column lacks":  {"1\t1\n2\n", "22P04"},
		"a column more":   {"1\t1\n2\t2\t2\n", "22P04"},
		"NULL in the key": {"1\t1\n\\N\t2\n", "23502"},
	} {
		if n, err := s.db.Load(s.ctx, name, []string{"id", "v"}, strings.NewReader(test.lines)); db.SQLState(err) != test.state || n != 0 {
			t.Errorf("%s: %d, %v, want %s", what, n, err, test.state)
		}
	}
	if _, err := s.db.Load(s.ctx, "dbtest_missing", []string{"id"}, strings.NewReader("1\n")); db.SQLState(err) != "42P01" {
		t.Errorf("a missing table: %v", err)
	}
	if _, err := s.db.Load(s.ctx, name, []string{"nothing"}, strings.NewReader("1\n")); db.SQLState(err) != "42703" {
		t.Errorf("a missing column: %v", err)
	}
	torn := io.MultiReader(strings.NewReader(many.String()), brokenReader{errors.New("the source broke")})
	if _, err := s.db.Load(s.ctx, name, []string{"id", "v"}, torn); err == nil || !strings.Contains(err.Error(), "the source broke") {
		t.Errorf("a reader that fails: %v", err)
	}
	if got := query(t, s.ctx, c, "SELECT count(*) FROM "+name); !sameRows(got, [][]any{{int64(0)}}) {
		t.Errorf("failed loads left %v rows", got)
	}
}

// transactions: what is rolled back never was, what is committed is seen by others, and a Batch in one is part of it.
func (s *suite) transactions(t *testing.T) {
	if !s.db.Traits().Transactions {
		t.Skipf("%s has no transactions over several statements", s.db.Name())
	}
	c, other := s.conn(t), s.conn(t)
	name := s.table(t, c, "id bigint PRIMARY KEY")
	insert := prepare(t, s.ctx, c, "INSERT INTO "+name+" VALUES ($1)")
	count := func(c db.Conn) any { return query(t, s.ctx, c, "SELECT count(*) FROM "+name)[0][0] }
	for i, end := range []string{"ROLLBACK", "COMMIT"} {
		exec(t, s.ctx, c, "BEGIN")
		exec(t, s.ctx, c, "INSERT INTO "+name+" VALUES (10)")
		calls := []db.Call{{Stmt: insert, Args: []any{int64(11)}}, {Stmt: insert, Args: []any{int64(12)}}}
		c.Batch(s.ctx, calls)
		if calls[0].Err != nil || calls[1].Err != nil {
			t.Fatalf("batch: %v, %v", calls[0].Err, calls[1].Err)
		}
		if inside, outside := count(c), count(other); inside != int64(3) || outside != int64(0) {
			t.Errorf("inside %v rows, outside %v", inside, outside)
		}
		exec(t, s.ctx, c, end)
		if got := count(other); got != int64(3*i) {
			t.Errorf("after %s: %v rows", end, got)
		}
	}
	exec(t, s.ctx, c, "BEGIN")
	calls := []db.Call{{Stmt: insert, Args: []any{int64(20)}}, {Stmt: insert, Args: []any{int64(10)}}, {Stmt: insert, Args: []any{int64(21)}}}
	c.Batch(s.ctx, calls)
	if calls[0].Err != nil || db.SQLState(calls[1].Err) != "23505" || db.SQLState(calls[2].Err) != "25P02" {
		t.Errorf("in a transaction that fails: %v, %v, %v", calls[0].Err, calls[1].Err, calls[2].Err)
	}
	exec(t, s.ctx, c, "ROLLBACK")
	if got := count(c); got != int64(3) {
		t.Errorf("after a failed transaction: %v rows", got)
	}
}

// concurrent uses several connections at once, and one by several where they are shared.
func (s *suite) concurrent(t *testing.T) {
	c := s.conn(t)
	name := s.table(t, c, "id bigint PRIMARY KEY, v bigint")
	const workers, each = 4, 50
	var wait sync.WaitGroup
	for w := range workers {
		own := c
		if w%2 == 1 || !s.db.Traits().Shared {
			own = s.conn(t)
		}
		wait.Go(func() {
			insert, err := own.Prepare(s.ctx, "INSERT INTO "+name+" VALUES ($1, $2)")
			if err != nil {
				t.Error(err)
				return
			}
			calls := make([]db.Call, each)
			for i := range calls {
				id := int64(w*each + i)
				calls[i] = db.Call{Stmt: insert, Args: []any{id, id * id}}
			}
			own.Batch(s.ctx, calls)
			for _, call := range calls {
				if call.Err != nil {
					t.Error(call.Err)
					return
				}
			}
		})
	}
	wait.Wait()
	rows := query(t, s.ctx, c, "SELECT id, v FROM "+name+" ORDER BY id")
	if len(rows) != workers*each {
		t.Fatalf("%d rows", len(rows))
	}
	for i, row := range rows {
		if id := int64(i); row[0] != id || row[1] != id*id {
			t.Fatalf("row %d is %v", i, row)
		}
	}
}
