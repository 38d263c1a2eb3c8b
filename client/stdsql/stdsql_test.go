package stdsql_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/attunedb/attune/client"
	"github.com/attunedb/attune/client/internal/fakeserver"
	"github.com/attunedb/attune/client/stdsql"
)

func openDB(t *testing.T, settings client.Settings) (*sql.DB, *fakeserver.Server) {
	t.Helper()
	srv := fakeserver.Start(t)
	c, err := client.Open(t.Context(), "executor:1", client.WithDialer(srv.Dial))
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(stdsql.NewConnector(c, settings))
	t.Cleanup(func() {
		_ = db.Close()
		_ = c.Close()
	})
	return db, srv
}

func code(err error) string {
	var e *client.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func TestQueries(t *testing.T) {
	db, _ := openDB(t, nil)
	rows, err := db.Query("rows 5")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for ; rows.Next(); n++ {
		var id int
		var name string
		if err := rows.Scan(&id, &name); err != nil || id != n {
			t.Errorf("row %d: %d %q %v", n, id, name, err)
		}
	}
	if rows.Err() != nil || n != 5 {
		t.Errorf("%d rows, %v", n, rows.Err())
	}
	r, err := db.Exec("INSERT")
	if err != nil {
		t.Fatal(err)
	}
	if affected, err := r.RowsAffected(); affected != 3 || err != nil {
		t.Errorf("%d %v", affected, err)
	}
	if _, err := r.LastInsertId(); code(err) != "0A000" {
		t.Errorf("LastInsertId: %v", err)
	}
	rows, err = db.Query("late 22012")
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
	}
	if code(rows.Err()) != "22012" {
		t.Errorf("late error: %v", rows.Err())
	}
	if _, err := db.Exec("fail 23505"); code(err) != "23505" {
		t.Errorf("%v", err)
	}
}

func TestParameters(t *testing.T) {
	db, _ := openDB(t, nil)
	var i int
	var s sql.NullString
	var d string
	var at time.Time
	now := time.Now().UTC().Truncate(time.Microsecond)
	err := db.QueryRow("echo", 7, nil, client.Decimal("1.50"), now).Scan(&i, &s, &d, &at)
	if err != nil || i != 7 || s.Valid || d != "1.50" || !at.Equal(now) {
		t.Errorf("%d %v %q %v: %v", i, s, d, at, err)
	}
	if _, err := db.Exec("echo", sql.Named("x", 1)); code(err) != "0A000" || !strings.Contains(err.Error(), `"x"`) {
		t.Errorf("a named parameter: %v", err)
	}
	if _, err := db.Exec("echo", struct{}{}); err == nil {
		t.Error("a struct as a parameter")
	}
	st, err := db.Prepare("echo $1")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	for want := range 3 {
		if err := st.QueryRow(want).Scan(&i); err != nil || i != want {
			t.Errorf("%d %v", i, err)
		}
	}
	if err := st.QueryRow(1, 2).Scan(&i); err == nil {
		t.Error("two arguments for one parameter")
	}
}

func TestColumnTypes(t *testing.T) {
	db, _ := openDB(t, nil)
	rows, err := db.Query("types")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	cts, err := rows.ColumnTypes()
	if err != nil {
		t.Fatal(err)
	}
	if p, s, ok := cts[6].DecimalSize(); cts[6].DatabaseTypeName() != "NUMERIC" || p != 10 || s != 2 || !ok {
		t.Errorf("numeric: %s %d %d %v", cts[6].DatabaseTypeName(), p, s, ok)
	}
	if n, ok := cts[8].Length(); cts[8].DatabaseTypeName() != "VARCHAR" || n != 9 || !ok {
		t.Errorf("varchar: %s %d %v", cts[8].DatabaseTypeName(), n, ok)
	}
	rows.Next()
	dest := make([]any, len(cts))
	for i := range dest {
		dest[i] = new(any)
	}
	if err := rows.Scan(dest...); err != nil {
		t.Fatal(err)
	}
	for i, ct := range cts {
		v := *dest[i].(*any)
		if !driver.IsValue(v) {
			t.Errorf("%s: %T is no driver.Value", ct.Name(), v)
		}
		texts := make([]any, len(cts))
		for j := range texts {
			texts[j] = new(sql.RawBytes)
		}
		if ct.ScanType() == nil {
			t.Errorf("%s: no scan type", ct.Name())
		}
	}
}

func TestTransactions(t *testing.T) {
	db, _ := openDB(t, nil)
	db.SetMaxOpenConns(1)
	tx, err := db.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelSnapshot, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec("INSERT"); err != nil {
		t.Error(err)
	}
	if err := tx.Commit(); err != nil {
		t.Error(err)
	}
	if _, err := db.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelLinearizable}); code(err) != "0A000" {
		t.Errorf("an isolation level that does not exist: %v", err)
	}
	tx, err = db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	_, _ = tx.Exec("fail 23505")
	if _, err := tx.Exec("INSERT"); code(err) != "25P02" {
		t.Errorf("in a failed transaction: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Error(err)
	}
	// A transaction left open by a statement ends when the connection goes back to the pool.
	if _, err := db.Exec("BEGIN"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("fail 22012"); code(err) != "22012" {
		t.Error(err)
	}
	if _, err := db.Exec("INSERT"); err != nil {
		t.Errorf("the pool gave out a connection in a failed transaction: %v", err)
	}
}

func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, srv := openDB(t, nil)
		db.SetMaxOpenConns(1)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if _, err := db.ExecContext(ctx, "sleep"); code(err) != "57014" || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		if srv.Canceled() != 1 || srv.Sessions() != 1 {
			t.Errorf("%d cancelled, %d sessions", srv.Canceled(), srv.Sessions())
		}
		if err := db.Ping(); err != nil {
			t.Error(err)
		}
	})
}

func TestSettings(t *testing.T) {
	db, _ := openDB(t, client.Settings{"attune.optimizer": "sta'tic", "timezone": "UTC"})
	var got string
	want := `"attune"."optimizer" = 'sta''tic'; "timezone" = 'UTC'`
	if err := db.QueryRow("SHOW ALL").Scan(&got); err != nil || got != want {
		t.Errorf("%s %v", got, err)
	}
}

func TestDataSourceNames(t *testing.T) {
	for dsn, problem := range map[string]string{
		"postgres://localhost:1":         "does not begin with attune://",
		"attune://":                      "names no host",
		"attune://me@localhost:1":        "users",
		"attune://localhost:1/db":        "takes no name",
		"attune://localhost:1?tls=maybe": "neither true nor false",
		"attune://a:1,b:2?%zz":           "invalid URL escape",
	} {
		if _, err := (stdsql.Driver{}).OpenConnector(dsn); err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%s: %v, want %q", dsn, err, problem)
		}
	}
	for _, dsn := range []string{"attune://localhost:1", "attune://a:1,b:2/?attune.optimizer=static&tls=true"} {
		if _, err := (stdsql.Driver{}).OpenConnector(dsn); err != nil {
			t.Errorf("%s: %v", dsn, err)
		}
	}
	db, err := sql.Open("attune", "attune://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.PingContext(t.Context()); code(err) != "08001" {
		t.Errorf("no server: %v", err)
	}
}
