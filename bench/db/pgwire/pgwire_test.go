package pgwire

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/attunedb/attune/bench/db"
	"github.com/attunedb/attune/bench/db/dbtest"
	"github.com/attunedb/attune/bench/peer/postgres"
)

// TestPostgres runs the suite of all drivers on a private server, and what is this driver's own.
func TestPostgres(t *testing.T) {
	server, err := postgres.Start(context.Background(), postgres.Options{})
	if errors.Is(err, postgres.ErrNotInstalled) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	open := func(t *testing.T) db.DB {
		d, err := Open(context.Background(), server.DSN(), "postgres")
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	dbtest.Run(t, open)
	t.Run("Own", func(t *testing.T) { testOwn(t, open(t)) })
}

func testOwn(t *testing.T, d db.DB) {
	ctx := context.Background()
	if got := d.Durability(ctx); got != "fsync, group commit" {
		t.Errorf("durability %q", got)
	}
	if d.Traits().Analyze != "ANALYZE" {
		t.Errorf("traits %+v", d.Traits())
	}
	c, err := d.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// An error that only the commit finds is the call's.
	for _, sql := range []string{
		"CREATE TABLE parent (id bigint PRIMARY KEY)",
		"CREATE TABLE child (id bigint REFERENCES parent DEFERRABLE INITIALLY DEFERRED)",
	} {
		if _, err := c.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	insert, err := c.Prepare(ctx, "INSERT INTO child VALUES ($1)")
	if err != nil {
		t.Fatal(err)
	}
	read, err := c.Prepare(ctx, "SELECT count(*) FROM child")
	if err != nil {
		t.Fatal(err)
	}
	calls := []db.Call{{Stmt: read}, {Stmt: insert, Args: []any{int64(1)}}, {Stmt: read}}
	for _, some := range [][]db.Call{calls, calls[1:2]} {
		c.Batch(ctx, some)
	}
	if calls[0].Err != nil || db.SQLState(calls[1].Err) != "23503" || calls[1].Rows != 0 || calls[2].Err != nil {
		t.Errorf("%v, %v (%d rows), %v", calls[0].Err, calls[1].Err, calls[1].Rows, calls[2].Err)
	}
	got := []any{}
	_, err = c.Query(ctx, "SELECT 'infinity'::date, '-infinity'::timestamptz, '1 day 02:00'::interval, 1.5::real, '{1,2}'::int[], 1::numeric", func(row []any) error {
		got = append(got, row...)
		return nil
	})
	want := []any{"infinity", "-infinity", "1 day 02:00:00", 1.5, "{1,2}", "1"}
	for i := range want {
		if err != nil || got[i] != want[i] {
			t.Errorf("column %d: %v, %v, want %v", i, got[i], err, want[i])
		}
	}
	// The server ends the connection in the middle of a batch.
	die, err := c.Prepare(ctx, "SELECT pg_terminate_backend(pg_backend_pid())")
	if err != nil {
		t.Fatal(err)
	}
	calls = []db.Call{{Stmt: read}, {Stmt: die}, {Stmt: read}}
	c.Batch(ctx, calls)
	if calls[0].Err != nil || db.SQLState(calls[1].Err) != "57P01" || calls[2].Err == nil || calls[2].End.IsZero() {
		t.Errorf("%v, %v, %v", calls[0].Err, calls[1].Err, calls[2].Err)
	}
}

func TestNobodyThere(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for dsn, want := range map[string]string{
		"postgres://x@127.0.0.1:1/x":      "refused",
		"postgres://x@127.0.0.1:port/x":   "port",
		"host=/nonexistent/directory/x":   "no such file",
		"postgres://x@127.0.0.1:1/x?=&%x": "x",
	} {
		if _, err := Open(ctx, dsn, "nobody"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", dsn, err)
		}
	}
}

// TestText compares the text form, which servers send that have no binary one, with the binary form.
func TestText(t *testing.T) {
	stamp := time.Date(2024, 2, 29, 1, 2, 3, 450000000, time.UTC)
	for _, test := range []struct {
		oid  uint32
		text string
		want any
	}{
		{pgtype.BoolOID, "t", true}, {pgtype.BoolOID, "f", false}, {pgtype.Int8OID, "-9223372036854775808", int64(math.MinInt64)},
		{pgtype.Float8OID, "-Infinity", math.Inf(-1)}, {pgtype.Float4OID, "0.1", float64(float32(0.1))}, {pgtype.NumericOID, "1.50", "1.50"},
		{pgtype.DateOID, "2024-02-29", stamp.Truncate(24 * time.Hour)}, {pgtype.TimestampOID, "2024-02-29 01:02:03.45", stamp},
		{pgtype.TimestamptzOID, "2024-02-29 03:02:03.45+02", stamp}, {pgtype.DateOID, "infinity", "infinity"}, {pgtype.TextOID, "x", "x"},
	} {
		got, err := decode(test.oid, textFormat, []byte(test.text))
		if at, ok := got.(time.Time); ok {
			if !at.Equal(test.want.(time.Time)) {
				t.Errorf("%s is %v", test.text, got)
			}
		} else if err != nil || got != test.want {
			t.Errorf("%s is %v, %v", test.text, got, err)
		}
	}
	if got, err := decode(pgtype.ByteaOID, textFormat, []byte(`\x00ff`)); err != nil || string(got.([]byte)) != "\x00\xff" {
		t.Errorf("bytea %v, %v", got, err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, oid := range []uint32{pgtype.BoolOID, pgtype.Int4OID, pgtype.DateOID, pgtype.TimestamptzOID, pgtype.ByteaOID} {
		f.Add(oid, int16(1), []byte{0, 0, 0, 1})
		f.Add(oid, int16(0), []byte("2024-01-01"))
	}
	f.Fuzz(func(_ *testing.T, oid uint32, format int16, data []byte) {
		_, _ = decode(oid, format&1, data)
	})
}
