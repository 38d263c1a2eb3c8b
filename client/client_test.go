package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/attunedb/attune/client"
	"github.com/attunedb/attune/client/internal/fakeserver"
)

func open(t testing.TB, opts ...client.Option) (*client.Client, *fakeserver.Server) {
	t.Helper()
	srv := fakeserver.Start(t)
	c, err := client.Open(t.Context(), "executor:1", append(opts, client.WithDialer(srv.Dial))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c, srv
}

func TestExecTellsTheResult(t *testing.T) {
	c, _ := open(t)
	r, err := c.Exec(t.Context(), "INSERT INTO t VALUES (1)")
	if err != nil {
		t.Fatal(err)
	}
	if r.Tag != "INSERT 0 3" || r.RowCount != 3 || r.Elapsed != time.Microsecond {
		t.Errorf("result %+v", r)
	}
	if len(r.Notices) != 1 || r.Notices[0].Severity != "NOTICE" || r.Notices[0].Content.Message != "well done" {
		t.Errorf("notices %+v", r.Notices)
	}
}

func TestQueryStreamsRows(t *testing.T) {
	c, _ := open(t)
	for _, n := range []int{0, 1, 2, 5} {
		rows, err := c.Query(t.Context(), "rows "+string(rune('0'+n)))
		if err != nil {
			t.Fatal(err)
		}
		got := 0
		for rows.Next() {
			var id int
			var name string
			if err := rows.Scan(&id, &name); err != nil {
				t.Fatal(err)
			}
			if id != got || name != "name "+string(rune('0'+got)) {
				t.Errorf("row %d: %d %q", got, id, name)
			}
			got++
		}
		if err := rows.Close(); err != nil || got != n || rows.Result().RowCount != int64(n) || !rows.Result().PlanCached {
			t.Errorf("%d rows of %d, %v, %+v", got, n, err, rows.Result())
		}
		if rows.Next() || rows.NextBatch() != nil {
			t.Error("rows after the end")
		}
	}
}

func TestBatchesAndRowsMix(t *testing.T) {
	c, _ := open(t)
	rows, err := c.Query(t.Context(), "rows 10 size 4")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if cols := rows.Columns(); len(cols) != 2 || cols[0].Name != "n" || cols[0].Type() != "bigint" || cols[1].Kind() != "text" {
		t.Fatalf("columns %+v", cols)
	}
	if !rows.Next() || rows.Values()[0] != int64(0) {
		t.Fatalf("first row %v", rows.Values())
	}
	b := rows.NextBatch()
	if b == nil || b.Rows() != 4 || b.Column(0).Int64s()[0] != 4 || b.Column(1).String(3) != "name 7" || b.Column(0).Int32s() != nil {
		t.Fatalf("batch %+v", b)
	}
	if !rows.Next() || rows.Values()[0] != int64(8) {
		t.Fatalf("row after the batch %v", rows.Values())
	}
}

func TestEveryTypeComesBack(t *testing.T) {
	c, _ := open(t)
	rows, err := c.Query(t.Context(), "types")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if !rows.Next() {
		t.Fatal(rows.Err())
	}
	want := []any{
		true, int64(-7), int64(70000), int64(7000000000), 1.5, 2.25, client.Decimal("12.50"), "grüße", "abc", []byte{0, 1, 255},
		time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC), time.Date(2024, 2, 29, 12, 30, 0, 5e8, time.UTC),
		time.Date(2024, 2, 29, 12, 30, 0, 0, time.UTC), client.Interval{Months: 1, Days: 2, Micros: 3e6},
		[16]byte{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff},
		json.RawMessage(`{"a": 1}`),
	}
	values := rows.Values()
	texts := make([]string, len(values))
	dest := make([]any, len(values))
	for i := range texts {
		dest[i] = &texts[i]
	}
	if err := rows.Scan(dest...); err != nil {
		t.Fatal(err)
	}
	for i, l := range fakeserver.Literals {
		if !reflect.DeepEqual(values[i], want[i]) {
			t.Errorf("%s: %#v, want %#v", l.Type, values[i], want[i])
		}
		if got := rows.Columns()[i].GoType(); got != reflect.TypeOf(want[i]) {
			t.Errorf("%s: Go type %s, value %T", l.Type, got, want[i])
		}
		if texts[i] != l.Text {
			t.Errorf("%s: text %q, want %q", l.Type, texts[i], l.Text)
		}
	}
	if !rows.Next() {
		t.Fatal(rows.Err())
	}
	for i, v := range rows.Values() {
		if v != nil {
			t.Errorf("NULL %d is %v", i, v)
		}
	}
	if err := rows.Scan(dest...); code(err) != "22004" {
		t.Errorf("NULL into a string: %v", err)
	}
	pointers := make([]any, len(values))
	for i := range pointers {
		p := &texts[i]
		pointers[i] = &p
	}
	if err := rows.Scan(pointers...); err != nil || *(pointers[0].(**string)) != nil {
		t.Errorf("NULL into a pointer to a pointer: %v", err)
	}
}

func TestParametersGoThrough(t *testing.T) {
	c, _ := open(t)
	type celsius float64
	str := "x"
	at := time.Date(2024, 1, 2, 3, 4, 5, 6000, time.FixedZone("CET", 3600))
	args := []any{
		true, 7, int16(8), uint64(math.MaxUint64), 2.5, float32(0.5), "text", []byte("bytes"), at, client.Decimal("1e3"),
		client.Interval{Days: 3}, [16]byte{1}, json.RawMessage(`{}`), nil, &str, (*int)(nil), celsius(21.5),
	}
	want := []any{
		true, int64(7), int64(8), client.Decimal("18446744073709551615"), 2.5, 0.5, "text", []byte("bytes"), at.UTC(), client.Decimal("1000"),
		client.Interval{Days: 3}, [16]byte{1}, "{}", nil, "x", nil, 21.5,
	}
	rows, err := c.Query(t.Context(), "echo", args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if !rows.Next() {
		t.Fatal(rows.Err())
	}
	for i, v := range rows.Values() {
		if !reflect.DeepEqual(v, want[i]) {
			t.Errorf("$%d: %#v, want %#v", i+1, v, want[i])
		}
	}
	for _, bad := range []any{struct{}{}, make(chan int), "a\x00b", client.Decimal("twelve"), time.Date(300000, 1, 1, 0, 0, 0, 0, time.UTC)} {
		if _, err := c.Exec(t.Context(), "echo", 1, bad); code(err) != "22023" || !strings.Contains(err.Error(), "$2") {
			t.Errorf("%T: %v", bad, err)
		}
		if client.CheckArg(bad) == nil {
			t.Errorf("CheckArg takes %T", bad)
		}
	}
}

func TestErrorsCarryEverything(t *testing.T) {
	c, _ := open(t)
	want := client.Error{
		Code: "23514", Message: "it failed", Detail: "all of it", Hint: "try again", Position: 7, Schema: "public", Table: "t",
		Column: "c", DataType: "integer", Constraint: "t_check", Where: "line 3",
	}
	_, err := c.Exec(t.Context(), "fail 23514")
	checkError(t, "Exec", err, want)
	_, err = c.Query(t.Context(), "fail 23514")
	checkError(t, "Query", err, want)
	s, serr := c.Session(t.Context())
	if serr != nil {
		t.Fatal(serr)
	}
	defer s.Close()
	_, err = s.Exec(t.Context(), "fail 23514")
	checkError(t, "Session", err, want)
	if client.IsRetryable(err) {
		t.Error("23514 is retryable")
	}
	if _, err = c.Exec(t.Context(), "fail 40001"); !client.IsRetryable(err) {
		t.Error("40001 is not retryable")
	}
	rows, err := c.Query(t.Context(), "late 22012")
	if err != nil {
		t.Fatal(err)
	}
	if !rows.Next() || rows.Next() || code(rows.Err()) != "22012" || code(rows.Close()) != "22012" {
		t.Errorf("late error %v", rows.Err())
	}
	if _, err := c.Prepare(t.Context(), "fail"); code(err) != "42601" {
		t.Errorf("Prepare: %v", err)
	}
}

func checkError(t *testing.T, what string, err error, want client.Error) {
	t.Helper()
	var e *client.Error
	if !errors.As(err, &e) {
		t.Fatalf("%s: %T %v", what, err, err)
	}
	if *e != want {
		t.Errorf("%s: %+v\nwant %+v", what, *e, want)
	}
}

func code(err error) string {
	var e *client.Error
	if errors.As(err, &e) {
		return e.SQLState()
	}
	return ""
}

func TestContextStopsTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, srv := open(t)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		_, err := c.Exec(ctx, "sleep")
		if code(err) != "57014" || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Exec: %v", err)
		}
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(20*time.Millisecond, cancel)
		_, err = c.Query(ctx, "sleep")
		if code(err) != "57014" || !errors.Is(err, context.Canceled) {
			t.Errorf("Query: %v", err)
		}
		eventually(t, func() bool { return srv.Canceled() >= 2 })
	})
}

// eventually waits for what another goroutine is about to do; the deadline only bounds a failing test.
func eventually(t *testing.T, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not happen in 10 s")
		}
	}
}

func TestSettings(t *testing.T) {
	c, _ := open(t, client.WithSettings(client.Settings{"a": "1"}))
	var got string
	if err := c.With(client.Settings{"b": "2"}).QueryRow(t.Context(), "SHOW ALL").Scan(&got); err != nil || got != "a = 1; b = 2" {
		t.Errorf("%q %v", got, err)
	}
	if err := c.QueryRow(t.Context(), "SHOW ALL").Scan(&got); err != nil || got != "a = 1" {
		t.Errorf("%q %v: With has changed the client", got, err)
	}
}

func TestQueryRow(t *testing.T) {
	c, _ := open(t)
	var n int64
	if err := c.QueryRow(t.Context(), "rows 3").Scan(&n, nil); err != nil || n != 0 {
		t.Errorf("%d %v", n, err)
	}
	if err := c.QueryRow(t.Context(), "rows 0").Scan(&n, nil); !errors.Is(err, client.ErrNoRows) {
		t.Errorf("no rows: %v", err)
	}
	if err := c.QueryRow(t.Context(), "late 40001").Scan(&n); code(err) != "40001" {
		t.Errorf("a failure behind the first row: %v", err)
	}
}

func TestScanRefusesWhatDoesNotFit(t *testing.T) {
	c, _ := open(t)
	rows, err := c.Query(t.Context(), "echo", 70000, "abc", -1)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	rows.Next()
	for _, test := range []struct {
		dest any
		at   int
		code string
	}{
		{new(int16), 0, "22003"}, {new(uint), 2, "22003"}, {new(bool), 0, "42804"}, {new(int), 1, "22023"},
		{new(time.Time), 1, "42804"}, {7, 0, "22023"}, {new(struct{}), 0, "42804"},
	} {
		dest := make([]any, 3)
		dest[test.at] = test.dest
		if err := rows.Scan(dest...); code(err) != test.code {
			t.Errorf("column %d into %T: %v, want %s", test.at+1, test.dest, err, test.code)
		}
	}
	var u8 uint8
	if err := rows.Scan(nil, nil, &u8); code(err) != "22003" {
		t.Errorf("-1 into uint8: %v", err)
	}
	if err := rows.Scan(&u8); err == nil {
		t.Error("one destination for three columns")
	}
}

func TestPreparedOnTheClient(t *testing.T) {
	c, _ := open(t)
	st, err := c.Prepare(t.Context(), "echo $1")
	if err != nil {
		t.Fatal(err)
	}
	if len(st.Params()) != 1 || st.Params()[0].Kind() != "int8" || len(st.Columns()) != 1 {
		t.Errorf("%+v %+v", st.Params(), st.Columns())
	}
	if _, err := st.Exec(t.Context()); code(err) != "08P01" {
		t.Errorf("a missing argument: %v", err)
	}
	if _, err := st.Exec(t.Context(), 1); err != nil {
		t.Error(err)
	}
}

func TestCopyFrom(t *testing.T) {
	c, srv := open(t)
	data := strings.Repeat("1,one\n", 200_000)
	r, err := c.CopyFrom(t.Context(), "COPY t FROM STDIN", strings.NewReader(data))
	if err != nil || r.RowCount != 200_000 || srv.Copied() != data {
		t.Errorf("%+v %v, %d bytes", r, err, len(srv.Copied()))
	}
	_, err = c.CopyFrom(t.Context(), "COPY t FROM STDIN", io.MultiReader(strings.NewReader("good\nbad\n"), strings.NewReader(data)))
	var e *client.Error
	if !errors.As(err, &e) || e.Code != "22P04" || e.Where != "COPY t, line 2" {
		t.Errorf("a bad line: %v", err)
	}
	broken := errors.New("the disk is gone")
	_, err = c.CopyFrom(t.Context(), "COPY t FROM STDIN", io.MultiReader(strings.NewReader("x\n"), failingReader{broken}))
	if !errors.Is(err, broken) || code(err) != "57014" {
		t.Errorf("a reader that fails: %v", err)
	}
	if srv.Copied() != data {
		t.Error("a failed COPY was loaded")
	}
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

func TestOpenWithoutServer(t *testing.T) {
	for _, target := range []string{"", "127.0.0.1:1", "127.0.0.1:1,127.0.0.1:2"} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		if _, err := client.Open(ctx, target); code(err) != "08001" {
			t.Errorf("%q: %v", target, err)
		}
		cancel()
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := client.Open(ctx, "127.0.0.1:1"); code(err) != "08001" || !errors.Is(err, context.Canceled) && err == nil {
		t.Errorf("canceled: %v", err)
	}
}

func TestLostServer(t *testing.T) {
	c, srv := open(t)
	s, err := c.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Exec(t.Context(), "SELECT 1"); err != nil {
		t.Fatal(err)
	}
	srv.Stop()
	if _, err := s.Exec(t.Context(), "SELECT 1"); code(err)[:2] != "08" || client.IsRetryable(err) {
		t.Errorf("session: %v", err)
	}
	if s.Err() == nil {
		t.Error("the session does not know")
	}
	if _, err := s.Exec(t.Context(), "SELECT 1"); code(err) != "08003" {
		t.Errorf("session again: %v", err)
	}
	if _, err := c.Exec(t.Context(), "SELECT 1"); code(err) != "08006" {
		t.Errorf("client: %v", err)
	}
}
