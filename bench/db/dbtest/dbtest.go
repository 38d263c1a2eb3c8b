// Package dbtest is what every driver of a database must do, as tests that each driver's own test runs.
package dbtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/attunedb/attune/bench/db"
)

// patience bounds a test: whatever takes longer hangs.
const patience = time.Minute

// Run runs the suite. open returns a database that the suite may create tables dbtest_… in; the suite closes it.
func Run(t *testing.T, open func(t *testing.T) db.DB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 4*patience)
	defer cancel()
	d := open(t)
	s := &suite{ctx: ctx, db: d}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	for _, test := range []struct {
		name string
		run  func(t *testing.T)
	}{
		{"About", s.about},
		{"RoundTrip", s.roundTrip},
		{"Null", s.null},
		{"Decimals", s.decimals},
		{"Rows", s.rows},
		{"Batch", s.batch},
		{"BatchErrors", s.batchErrors},
		{"Each", s.each},
		{"Errors", s.errors},
		{"Statements", s.statements},
		{"Cancel", s.cancel},
		{"CancelBatch", s.cancelBatch},
		{"Load", s.load},
		{"LoadErrors", s.loadErrors},
		{"Transactions", s.transactions},
		{"Concurrent", s.concurrent},
	} {
		t.Run(test.name, test.run)
	}
}

type suite struct {
	ctx context.Context
	db  db.DB
}

// conn opens a connection for a test.
func (s *suite) conn(t *testing.T) db.Conn {
	t.Helper()
	c, err := s.db.Open(s.ctx)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close of a connection: %v", err)
		}
	})
	return c
}

// table makes a table that the end of the test drops.
func (s *suite) table(t *testing.T, c db.Conn, columns string) string {
	t.Helper()
	name := "dbtest_" + strings.ToLower(strings.ReplaceAll(t.Name()[strings.LastIndexByte(t.Name(), '/')+1:], "#", "_"))
	exec(t, s.ctx, c, "DROP TABLE IF EXISTS "+name)
	exec(t, s.ctx, c, "CREATE TABLE "+name+" ("+columns+")")
	t.Cleanup(func() { exec(t, s.ctx, c, "DROP TABLE "+name) })
	return name
}

func exec(t *testing.T, ctx context.Context, c db.Conn, sql string, args ...any) int64 {
	t.Helper()
	n, err := c.Exec(ctx, sql, args...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

func query(t *testing.T, ctx context.Context, c db.Conn, sql string, args ...any) [][]any {
	t.Helper()
	var out [][]any
	n, err := c.Query(ctx, sql, collect(&out), args...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	if n != int64(len(out)) {
		t.Errorf("%s: %d rows, of which it gave %d", sql, n, len(out))
	}
	return out
}

func collect(out *[][]any) func(row []any) error {
	return func(row []any) error {
		*out = append(*out, append([]any(nil), row...))
		return nil
	}
}

func prepare(t *testing.T, ctx context.Context, c db.Conn, sql string) db.Stmt {
	t.Helper()
	st, err := c.Prepare(ctx, sql)
	if err != nil {
		t.Fatalf("prepare %s: %v", sql, err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Errorf("close of a statement: %v", err)
		}
	})
	return st
}

// same compares values: times by the instant, and NaN is itself.
func same(a, b any) bool {
	switch x := a.(type) {
	case time.Time:
		y, ok := b.(time.Time)
		return ok && x.Equal(y)
	case float64:
		y, ok := b.(float64)
		return ok && (x == y || math.IsNaN(x) && math.IsNaN(y))
	case []byte:
		y, ok := b.([]byte)
		return ok && bytes.Equal(x, y)
	}
	return reflect.DeepEqual(a, b)
}

func sameRows(a, b [][]any) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if len(a[i]) != len(b[i]) {
			return false
		}
		for k := range a[i] {
			if !same(a[i][k], b[i][k]) {
				return false
			}
		}
	}
	return true
}

func (s *suite) about(t *testing.T) {
	if name := s.db.Name(); name == "" || name != strings.ToLower(name) {
		t.Errorf("name %q", name)
	}
	if v, err := s.db.Version(s.ctx); err != nil || !strings.ContainsAny(v, "0123456789") {
		t.Errorf("version %q, %v", v, err)
	}
	if v := s.db.Durability(s.ctx); v == "" || strings.HasPrefix(v, "unknown") {
		t.Errorf("durability %q", v)
	}
	if analyze := s.db.Traits().Analyze; analyze != "" {
		exec(t, s.ctx, s.conn(t), analyze)
	}
}

// roundTrip sends values of every type of argument through a prepared statement, and reads them through a statement of each kind.
func (s *suite) roundTrip(t *testing.T) {
	c := s.conn(t)
	name := s.table(t, c, "id bigint PRIMARY KEY, i4 integer, i2 smallint, f double precision, s text, b bytea, o boolean, d date, ts timestamp, tz timestamptz")
	day := time.Date(1995, 3, 15, 0, 0, 0, 0, time.UTC)
	stamp := time.Date(2024, 2, 29, 23, 59, 59, 123456000, time.UTC)
	early := time.Date(1901, 1, 1, 0, 0, 0, 1000, time.UTC)
	want := [][]any{
		{int64(1), int64(-7), int64(3), 1.5, "text", []byte{0, 1, 0xff, '\\'}, true, day, stamp, stamp},
		{int64(math.MaxInt64), int64(math.MaxInt32), int64(math.MaxInt16), math.MaxFloat64, "", []byte{}, false, early.Truncate(24 * time.Hour), early, early},
		{int64(math.MinInt64), int64(math.MinInt32), int64(math.MinInt16), math.SmallestNonzeroFloat64, "a\tb\n\\N 'x' \"y\" $1 日本", bytes.Repeat([]byte{0xab}, 1000), true, day, stamp, stamp},
		{int64(3), int64(0), int64(0), math.Inf(1), strings.Repeat("long ", 5000), []byte("x"), true, day, stamp, stamp},
		{int64(4), int64(0), int64(0), math.NaN(), "t", []byte("x"), true, day, stamp, stamp},
		{int64(5), int64(0), int64(0), math.Inf(-1), "null", []byte("x"), true, day, stamp, stamp},
	}
	insert := prepare(t, s.ctx, c, "INSERT INTO "+name+" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
	calls := make([]db.Call, len(want))
	for i, row := range want {
		calls[i] = db.Call{Stmt: insert, Args: row}
	}
	c.Batch(s.ctx, calls)
	for i, call := range calls {
		if call.Err != nil || call.Rows != 1 {
			t.Fatalf("insert of %v: %d rows, %v", want[i][0], call.Rows, call.Err)
		}
	}
	selected := prepare(t, s.ctx, c, "SELECT * FROM "+name+" WHERE id = $1")
	for _, row := range want {
		var got [][]any
		one := []db.Call{{Stmt: selected, Args: row[:1], Each: collect(&got)}}
		c.Batch(s.ctx, one)
		if one[0].Err != nil || !sameRows(got, [][]any{row}) {
			t.Errorf("prepared: %v\n got %.200v\nwant %.200v", one[0].Err, got, row)
		}
		if got := query(t, s.ctx, c, "SELECT * FROM "+name+" WHERE id = $1", row[0]); !sameRows(got, [][]any{row}) {
			t.Errorf("query:\n got %.200v\nwant %.200v", got, row)
		}
	}
	for column, value := range map[string]any{"d": day, "ts": early, "tz": early, "s": "null", "o": false, "i2": int64(3), "f": 1.5, "b": []byte{}} {
		if got := query(t, s.ctx, c, "SELECT count(*) FROM "+name+" WHERE "+column+" = $1", value); got[0][0] == int64(0) {
			t.Errorf("no row where %s = %v", column, value)
		}
	}
}

func (s *suite) null(t *testing.T) {
	c := s.conn(t)
	name := s.table(t, c, "id bigint, i integer, f double precision, s text, b bytea, o boolean, ts timestamp, n numeric(10,2)")
	row := []any{int64(1), nil, nil, nil, nil, nil, nil, nil}
	exec(t, s.ctx, c, "INSERT INTO "+name+" VALUES ($1, $2, $3, $4, $5, $6, $7, $8)", row...)
	if got := query(t, s.ctx, c, "SELECT * FROM "+name); !sameRows(got, [][]any{row}) {
		t.Errorf("got %v", got)
	}
}

// decimals are strings both ways, with the digits of their scale.
func (s *suite) decimals(t *testing.T) {
	c := s.conn(t)
	name := s.table(t, c, "id bigint, n numeric(15,2)")
	texts := []string{"0.00", "0.05", "-0.05", "12.50", "-9999999999999.99", "1234567890123.45", "100.00"}
	for i, text := range texts {
		exec(t, s.ctx, c, "INSERT INTO "+name+" VALUES ($1, $2)", int64(i), text)
	}
	for i, row := range query(t, s.ctx, c, "SELECT n FROM "+name+" ORDER BY id") {
		if row[0] != texts[i] {
			t.Errorf("%s came back as %v", texts[i], row[0])
		}
	}
	if got := query(t, s.ctx, c, "SELECT sum(n) FROM "+name+" WHERE id IN (1, 3, 6)"); got[0][0] != "112.55" {
		t.Errorf("sum %v", got)
	}
}

// rows come in order and whole, however many, and Exec counts what it returns or changes.
func (s *suite) rows(t *testing.T) {
	c := s.conn(t)
	name := s.table(t, c, "id bigint PRIMARY KEY, s text")
	const total = 5000
	var lines strings.Builder
	for i := range total {
		fmt.Fprintf(&lines, "%d\tvalue %d\n", i, i)
	}
	if n, err := s.db.Load(s.ctx, name, []string{"id", "s"}, strings.NewReader(lines.String())); err != nil || n != total {
		t.Fatalf("load: %d, %v", n, err)
	}
	next := int64(0)
	n, err := c.Query(s.ctx, "SELECT id, s FROM "+name+" ORDER BY id", func(row []any) error {
		if row[0] != next || row[1] != fmt.Sprintf("value %d", next) {
			return fmt.Errorf("row %d is %v", next, row)
		}
		next++
		return nil
	})
	if err != nil || n != total || next != total {
		t.Errorf("%d rows, %d seen, %v", n, next, err)
	}
	if n, err := c.Query(s.ctx, "SELECT id FROM "+name, nil); err != nil || n != total {
		t.Errorf("rows that nobody reads: %d, %v", n, err)
	}
	for _, test := range []struct {
		sql  string
		want int64
	}{
		{"SELECT id FROM " + name + " WHERE id < 10", 10},
		{"UPDATE " + name + " SET s = 'x' WHERE id < 7", 7},
		{"DELETE FROM " + name + " WHERE id < 5", 5},
		{"DELETE FROM " + name + " WHERE id < 5", 0},
		{"INSERT INTO " + name + " VALUES (1, 'a'), (2, 'b')", 2},
	} {
		if n := exec(t, s.ctx, c, test.sql); n != test.want {
			t.Errorf("%s: %d rows, want %d", test.sql, n, test.want)
		}
	}
}

// batch runs more calls than travel together, in their order.
func (s *suite) batch(t *testing.T) {
	c := s.conn(t)
	name := s.table(t, c, "id bigint PRIMARY KEY, v bigint")
	exec(t, s.ctx, c, "INSERT INTO "+name+" VALUES (1, 1)")
	update := prepare(t, s.ctx, c, "UPDATE "+name+" SET v = v * 3 + $1 WHERE id = 1")
	read := prepare(t, s.ctx, c, "SELECT v FROM "+name+" WHERE id = $1")
	begin := time.Now()
	const steps = 100
	calls := make([]db.Call, 0, 2*steps)
	got := make([][][]any, steps)
	for i := range steps {
		calls = append(calls, db.Call{Stmt: update, Args: []any{int64(i)}}, db.Call{Stmt: read, Args: []any{int64(1)}, Each: collect(&got[i])})
		if i%10 == 9 { // stays within a bigint
			c.Batch(s.ctx, calls)
			exec(t, s.ctx, c, "UPDATE "+name+" SET v = v % 1000")
			for k, call := range calls {
				if call.Err != nil || call.Rows != 1 {
					t.Fatalf("call %d: %d rows, %v", k, call.Rows, call.Err)
				}
				if call.End.Before(begin) || call.End.After(time.Now()) || k > 0 && call.End.Before(calls[k-1].End) {
					t.Fatalf("call %d ended at %s", k, call.End.Sub(begin))
				}
			}
			calls = calls[:0]
		}
	}
	v := int64(1)
	for i := range steps {
		v = v*3 + int64(i)
		if !sameRows(got[i], [][]any{{v}}) {
			t.Fatalf("after step %d: %v, want %d", i, got[i], v)
		}
		if i%10 == 9 {
			v %= 1000
		}
	}
	c.Batch(s.ctx, nil)
	many := make([]db.Call, 2500)
	for i := range many {
		many[i] = db.Call{Stmt: read, Args: []any{int64(1)}}
	}
	c.Batch(s.ctx, many)
	for i, call := range many {
		if call.Err != nil || call.Rows != 1 {
			t.Fatalf("call %d of %d: %d rows, %v", i, len(many), call.Rows, call.Err)
		}
	}
}

// batchErrors: each call fails or succeeds for itself, and those around a failed one take effect.
func (s *suite) batchErrors(t *testing.T) {
	c := s.conn(t)
	name := s.table(t, c, "id bigint PRIMARY KEY")
	insert := prepare(t, s.ctx, c, "INSERT INTO "+name+" VALUES ($1)")
	calls := []db.Call{
		{Stmt: insert, Args: []any{int64(1)}}, {Stmt: insert, Args: []any{int64(1)}}, {Stmt: insert, Args: []any{int64(2)}},
		{Stmt: insert, Args: []any{nil}}, {Stmt: insert, Args: []any{}}, {Stmt: insert, Args: []any{struct{}{}}}, {Stmt: insert, Args: []any{int64(3)}},
	}
	c.Batch(s.ctx, calls)
	for i, state := range []string{"", "23505", "", "23502", "any", "any", ""} {
		call := calls[i]
		if state == "any" && call.Err == nil || state != "any" && (db.SQLState(call.Err) != state || (call.Err == nil) != (state == "")) {
			t.Errorf("call %d: %v, want %s", i, call.Err, state)
		}
		if call.End.IsZero() || call.Err != nil && call.Rows != 0 {
			t.Errorf("call %d: end %v, %d rows", i, call.End, call.Rows)
		}
	}
	if got := query(t, s.ctx, c, "SELECT id FROM "+name+" ORDER BY id"); !sameRows(got, [][]any{{int64(1)}, {int64(2)}, {int64(3)}}) {
		t.Errorf("rows %v", got)
	}
}

// each: what the callback fails with is returned, and the connection goes on.
func (s *suite) each(t *testing.T) {
	c := s.conn(t)
	name := s.table(t, c, "id bigint")
	var lines strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&lines, "%d\n", i)
	}
	if _, err := s.db.Load(s.ctx, name, nil, strings.NewReader(lines.String())); err != nil {
		t.Fatal(err)
	}
	enough := errors.New("enough")
	seen := 0
	stop := func([]any) error {
		seen++
		return enough
	}
	if _, err := c.Query(s.ctx, "SELECT id FROM "+name, stop); !errors.Is(err, enough) || seen != 1 {
		t.Errorf("after %d rows: %v", seen, err)
	}
	read := prepare(t, s.ctx, c, "SELECT id FROM "+name)
	calls := []db.Call{{Stmt: read, Each: stop}, {Stmt: read}}
	c.Batch(s.ctx, calls)
	if !errors.Is(calls[0].Err, enough) || calls[1].Err != nil || calls[1].Rows != 3000 {
		t.Errorf("batch: %v, then %d rows, %v", calls[0].Err, calls[1].Rows, calls[1].Err)
	}
	if got := query(t, s.ctx, c, "SELECT count(*) FROM "+name); !sameRows(got, [][]any{{int64(3000)}}) {
		t.Errorf("count %v", got)
	}
}
