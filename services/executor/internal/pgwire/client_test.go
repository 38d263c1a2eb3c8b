package pgwire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

func connect(t testing.TB, s *Server, extra string) *pgconn.PgConn {
	t.Helper()
	c, err := pgconn.Connect(t.Context(), "postgres://me@"+s.Address()+"/db?sslmode=prefer"+extra)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

func code(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func TestStartupTellsTheSession(t *testing.T) {
	s, f := start(t, Config{})
	c := connect(t, s, "&application_name=tester&options=-c%20work_mem%3D1%5C%20MB%20--search-path%3Dx")
	if c.ParameterStatus("server_version") != "15.0 (Attune test)" || c.ParameterStatus("integer_datetimes") != "on" {
		t.Errorf("server_version %q", c.ParameterStatus("server_version"))
	}
	if o := f.asked; o.User != "me" || o.Database != "db" || o.Settings["application_name"] != "tester" ||
		o.Settings["work_mem"] != "1 MB" || o.Settings["search_path"] != "x" {
		t.Errorf("%+v", o)
	}
	if c.TxStatus() != 'I' || c.PID() == 0 {
		t.Errorf("status %c, process %d", c.TxStatus(), c.PID())
	}
	_, err := pgconn.Connect(t.Context(), "postgres://me@"+s.Address()+"/db?sslmode=disable&bogus=1")
	if code(err) != "42704" {
		t.Errorf("a setting that does not exist: %v", err)
	}
	_, err = pgconn.Connect(t.Context(), "postgres://me@"+s.Address()+"/db?sslmode=disable&replication=database")
	if code(err) != "0A000" {
		t.Errorf("replication: %v", err)
	}
}

func TestSimpleQuery(t *testing.T) {
	s, f := start(t, Config{})
	c := connect(t, s, "")
	rs, err := c.Exec(t.Context(), "rows 4; insert; rows 0").ReadAll()
	if err != nil || len(rs) != 3 {
		t.Fatalf("%d results, %v", len(rs), err)
	}
	if len(rs[0].Rows) != 4 || string(rs[0].Rows[3][1]) != "name 3" || rs[0].CommandTag.String() != "SELECT 4" ||
		rs[0].FieldDescriptions[0].DataTypeOID != 20 || rs[0].FieldDescriptions[0].DataTypeSize != 8 || rs[0].FieldDescriptions[1].Name != "name" {
		t.Errorf("%+v", rs[0])
	}
	if rs[1].CommandTag.String() != "INSERT 0 1" || rs[2].CommandTag.String() != "SELECT 0" {
		t.Errorf("%+v", rs[1:])
	}
	if rs, err := c.Exec(t.Context(), "  ").ReadAll(); err != nil || len(rs) != 1 || rs[0].CommandTag.String() != "" {
		t.Errorf("an empty query: %+v %v", rs, err)
	}
	rs, err = c.Exec(t.Context(), "insert; fail 23514; insert").ReadAll()
	var e *pgconn.PgError
	if !errors.As(err, &e) || len(rs) < 1 {
		t.Fatalf("%+v %v", rs, err)
	}
	want := pgconn.PgError{Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: "23514", Message: "it failed", Detail: "all of it", Hint: "try again",
		Position: 7, Where: "line 3", SchemaName: "public", TableName: "t", ColumnName: "c", DataTypeName: "integer", ConstraintName: "t_check"}
	if *e != want {
		t.Errorf("%+v", *e)
	}
	f.recorded()
	if _, err := c.Exec(t.Context(), "rows 1; late 22012").ReadAll(); code(err) != "22012" {
		t.Errorf("%v", err)
	}
	if _, err := c.Exec(t.Context(), "sel\xffect").ReadAll(); code(err) != "22021" {
		t.Errorf("a query that is not UTF-8: %v", err)
	}
	if _, err := c.Exec(t.Context(), "insert").ReadAll(); err != nil {
		t.Errorf("the session afterwards: %v", err)
	}
}

func TestTransactionStatus(t *testing.T) {
	s, _ := start(t, Config{})
	c := connect(t, s, "")
	for _, step := range []struct {
		sql    string
		status byte
	}{{"begin", 'T'}, {"rows 1", 'T'}, {"fail 22012", 'E'}, {"rows 1", 'E'}, {"rollback", 'I'}} {
		_, _ = c.Exec(t.Context(), step.sql).ReadAll()
		if c.TxStatus() != step.status {
			t.Errorf("after %s: %c, want %c", step.sql, c.TxStatus(), step.status)
		}
	}
	// An error that the door finds fails the transaction as well.
	_, _ = c.Exec(t.Context(), "begin").ReadAll()
	if r := c.ExecParams(t.Context(), "params int4", [][]byte{[]byte("x")}, nil, nil, nil).Read(); code(r.Err) != "22P02" {
		t.Errorf("%v", r.Err)
	}
	if c.TxStatus() != 'E' {
		t.Errorf("status %c after a bad parameter", c.TxStatus())
	}
}

func TestSettingsAndNotices(t *testing.T) {
	s, _ := start(t, Config{})
	var notices []string
	cfg, err := pgconn.ParseConfig("postgres://me@" + s.Address() + "/db?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	cfg.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { notices = append(notices, n.Severity+" "+n.Message) }
	c, err := pgconn.ConnectConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	if _, err := c.Exec(t.Context(), "set TimeZone Asia/Tokyo; notice well done").ReadAll(); err != nil {
		t.Fatal(err)
	}
	if c.ParameterStatus("TimeZone") != "Asia/Tokyo" {
		t.Errorf("TimeZone %q", c.ParameterStatus("TimeZone"))
	}
	if len(notices) != 1 || notices[0] != "NOTICE well done" {
		t.Errorf("%q", notices)
	}
}

// Every type goes out in text as PostgreSQL prints it, and in binary as pgx's own codecs read it.
func TestEveryTypeInBothFormats(t *testing.T) {
	s, _ := start(t, Config{})
	ctx := t.Context()
	c, err := pgx.Connect(ctx, "postgres://me@"+s.Address()+"/db?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	text, err := c.PgConn().Exec(ctx, "types").ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range everyText {
		if got := string(text[0].Rows[0][i]); got != v.text {
			t.Errorf("%s: text %q, want %q", v.typ, got, v.text)
		}
		if text[0].Rows[1][i] != nil {
			t.Errorf("%s: NULL is %q", v.typ, text[0].Rows[1][i])
		}
	}
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec} {
		rows, err := c.Query(ctx, "types", mode)
		if err != nil {
			t.Fatal(err)
		}
		rows.Next()
		values, err := rows.Values()
		if err != nil {
			t.Fatal(err)
		}
		for i, fd := range rows.FieldDescriptions() {
			// Encoding pgx's value as text closes the circle.
			raw, err := c.TypeMap().Encode(fd.DataTypeOID, 0, values[i], nil)
			if err != nil {
				t.Errorf("%s: %v", fd.Name, err)
				continue
			}
			if want := canonical(everyText[i].text); canonical(string(raw)) != want {
				t.Errorf("%v %s: %s, want %s", mode, fd.Name, raw, want)
			}
		}
		rows.Close()
		if rows.Err() != nil {
			t.Error(rows.Err())
		}
	}
}

// canonical takes away the differences between pgx's texts and PostgreSQL's.
func canonical(s string) string {
	return strings.TrimSuffix(strings.NewReplacer(" ", "", "Z", "", "days", "day", "00:00:03.000000", "00:00:03").Replace(s), "+00")
}

func TestParametersInBothFormats(t *testing.T) {
	s, _ := start(t, Config{})
	c := connect(t, s, "")
	sql := "params int4 text numeric"
	values := [][]byte{{0, 0, 0, 42}, []byte("naïve"), nil}
	for _, formats := range [][]int16{{1, 0, 0}, {1, 1, 1}} {
		r := c.ExecParams(t.Context(), sql, values, nil, formats, []int16{0}).Read()
		if r.Err != nil || string(r.Rows[0][0]) != "42" || string(r.Rows[0][1]) != "naïve" || r.Rows[0][2] != nil {
			t.Errorf("%v: %q %v", formats, r.Rows, r.Err)
		}
	}
	r := c.ExecParams(t.Context(), sql, [][]byte{[]byte("42"), []byte("x"), []byte("1.50")}, nil, nil, []int16{1, 0, 1}).Read()
	if r.Err != nil || !bytes.Equal(r.Rows[0][0], []byte{0, 0, 0, 42}) || string(r.Rows[0][1]) != "x" || len(r.Rows[0][2]) != 12 {
		t.Errorf("mixed result formats: %q %v", r.Rows, r.Err)
	}
	for _, bad := range []struct {
		values  [][]byte
		formats []int16
		results []int16
		code    string
	}{
		{[][]byte{nil}, nil, nil, "08P01"},
		{values, []int16{0, 0}, nil, "08P01"},
		{values, []int16{7}, nil, "22023"},
		{values, []int16{1, 0, 0}, []int16{0, 0}, "08P01"},
		{values, []int16{1, 0, 0}, []int16{9}, "22023"},
		{[][]byte{{1}, nil, nil}, []int16{1}, nil, "22P03"},
		{[][]byte{[]byte("x"), nil, nil}, nil, nil, "22P02"},
		{[][]byte{nil, []byte("\xff"), nil}, nil, nil, "22021"},
	} {
		if r := c.ExecParams(t.Context(), sql, bad.values, nil, bad.formats, bad.results).Read(); code(r.Err) != bad.code {
			t.Errorf("%q %v %v: %v, want %s", bad.values, bad.formats, bad.results, r.Err, bad.code)
		}
	}
	if r := c.ExecParams(t.Context(), sql, values, []uint32{1007}, []int16{1, 0, 0}, nil).Read(); code(r.Err) != "0A000" {
		t.Errorf("an array type: %v", r.Err)
	}
	if r := c.ExecParams(t.Context(), "", nil, nil, nil, nil).Read(); r.Err != nil || r.CommandTag.String() != "" {
		t.Errorf("an empty statement: %+v", r)
	}
	if r := c.ExecParams(t.Context(), "changing", nil, nil, nil, nil).Read(); code(r.Err) != "0A000" {
		t.Errorf("a result that is not as described: %v", r.Err)
	}
	if _, err := c.Exec(t.Context(), "insert").ReadAll(); err != nil {
		t.Errorf("the session afterwards: %v", err)
	}
}

func TestPreparedStatements(t *testing.T) {
	s, f := start(t, Config{})
	c := connect(t, s, "")
	d, err := c.Prepare(t.Context(), "st", "params int8 uuid", nil)
	if err != nil || len(d.ParamOIDs) != 2 || d.ParamOIDs[1] != 2950 || len(d.Fields) != 2 {
		t.Fatalf("%+v %v", d, err)
	}
	if _, err := c.Prepare(t.Context(), "st", "rows 1", nil); code(err) != "42P05" {
		t.Errorf("the same name again: %v", err)
	}
	f.recorded()
	r := c.ExecPrepared(t.Context(), "st", [][]byte{[]byte("7"), nil}, nil, nil).Read()
	if r.Err != nil || string(r.Rows[0][0]) != "7" {
		t.Errorf("%+v", r)
	}
	// A statement for itself: no implicit transaction, so one round trip and the executor's own retries.
	if calls := f.recorded(); len(calls) != 1 || calls[0] != "params int8 uuid implicit=false" {
		t.Errorf("%q", calls)
	}
	if err := c.Deallocate(t.Context(), "st"); err != nil {
		t.Error(err)
	}
	if r := c.ExecPrepared(t.Context(), "st", nil, nil, nil).Read(); code(r.Err) != "26000" {
		t.Errorf("a statement that is gone: %v", r.Err)
	}
	if d, err := c.Prepare(t.Context(), "none", "insert", nil); err != nil || d.Fields != nil {
		t.Errorf("a statement without rows: %+v %v", d, err)
	}
	if _, err := c.Prepare(t.Context(), "bad", "syntax", nil); code(err) != "42601" {
		t.Errorf("%v", err)
	}
}

// Statements up to a Sync are one transaction; the one before the Sync joins those before it.
func TestPipelineIsOneTransaction(t *testing.T) {
	s, f := start(t, Config{})
	c := connect(t, s, "")
	b := &pgconn.Batch{}
	for range 3 {
		b.ExecParams("insert", nil, nil, nil, nil)
	}
	if _, err := c.ExecBatch(t.Context(), b).ReadAll(); err != nil {
		t.Fatal(err)
	}
	want := "[insert implicit=true insert implicit=true insert implicit=true commit]"
	if got := fmt.Sprint(f.recorded()); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	b = &pgconn.Batch{}
	b.ExecParams("insert", nil, nil, nil, nil)
	b.ExecParams("fail 22012", nil, nil, nil, nil)
	b.ExecParams("insert", nil, nil, nil, nil)
	if _, err := c.ExecBatch(t.Context(), b).ReadAll(); code(err) != "22012" {
		t.Errorf("%v", err)
	}
	want = "[insert implicit=true fail 22012 implicit=true rollback]"
	if got := fmt.Sprint(f.recorded()); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestCopy(t *testing.T) {
	s, _ := start(t, Config{})
	c := connect(t, s, "")
	data := strings.Repeat("1\tname\n", 100_000)
	tag, err := c.CopyFrom(t.Context(), strings.NewReader(data), "copy in")
	if err != nil || tag.String() != "COPY 100000" {
		t.Errorf("%v %v", tag, err)
	}
	tag, err = c.CopyFrom(t.Context(), strings.NewReader("1\n2\n\\.\nignored\n"), "copy in")
	if err != nil || tag.String() != "COPY 2" {
		t.Errorf("an end mark: %v %v", tag, err)
	}
	broken := strings.Repeat("1\tname\n", 70_000) + "bad\n" + data
	_, err = c.CopyFrom(t.Context(), strings.NewReader(broken), "copy in")
	var e *pgconn.PgError
	if !errors.As(err, &e) || e.Code != "22P04" || e.Where != "COPY t, line 70001" {
		t.Errorf("a bad line: %v", err)
	}
	_, err = c.CopyFrom(t.Context(), io.MultiReader(strings.NewReader("1\n"), failing{}), "copy in")
	if code(err) != "57014" || !strings.Contains(err.Error(), "COPY from stdin failed") {
		t.Errorf("CopyFail: %v", err)
	}
	var out bytes.Buffer
	tag, err = c.CopyTo(t.Context(), &out, "copy out 50000")
	if err != nil || tag.String() != "COPY 50000" || strings.Count(out.String(), "\n") != 50000 || !strings.HasPrefix(out.String(), "0\tname 0\n1\t") {
		t.Errorf("%v %v, %d bytes", tag, err, out.Len())
	}
	if _, err := c.Exec(t.Context(), "insert").ReadAll(); err != nil {
		t.Errorf("the session afterwards: %v", err)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("the disk is gone") }

func TestCancelRequests(t *testing.T) {
	s, f := start(t, Config{})
	c := connect(t, s, "")
	done := make(chan error, 1)
	go func() {
		_, err := c.Exec(context.Background(), "sleep").ReadAll()
		done <- err
	}()
	for ended := false; !ended; {
		if err := c.CancelRequest(t.Context()); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-done:
			if ended = true; code(err) != "57014" {
				t.Errorf("%v", err)
			}
		case <-time.After(time.Millisecond): // the statement may not have begun
		}
	}
	// A COPY that waits for its client is woken.
	r, w := io.Pipe()
	go func() {
		_, err := c.CopyFrom(context.Background(), r, "copy in")
		done <- err
	}()
	if _, err := w.Write([]byte("1\n")); err != nil {
		t.Fatal(err)
	}
	f.recorded()
	for ended := false; !ended; {
		if err := c.CancelRequest(t.Context()); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-done:
			if ended = true; code(err) != "57014" {
				t.Errorf("%v", err)
			}
		case <-time.After(time.Millisecond):
			// pgx looks for the server's error before it sends the next piece.
			go func() { _, _ = w.Write([]byte("2\n")) }()
		}
	}
	_ = r.Close()
	if _, err := c.Exec(t.Context(), "insert").ReadAll(); err != nil {
		t.Errorf("the session afterwards: %v", err)
	}
}

func TestPsql(t *testing.T) {
	psql, err := exec.LookPath("psql")
	if err != nil {
		t.Skip("psql is not installed")
	}
	s, _ := start(t, Config{})
	host, port, _ := strings.Cut(s.Address(), ":")
	run := func(stdin string, args ...string) string {
		cmd := exec.Command(psql, append([]string{"-X", "-h", host, "-p", port, "-U", "me", "-At", "db"}, args...)...)
		cmd.Stdin = strings.NewReader(stdin)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Logf("psql: %v", err)
		}
		return string(out)
	}
	if got := run("rows 2;\nfail 23505;\ninsert;\n"); got != "0|name 0\n1|name 1\nERROR:  it failed\nLINE 1: fail 23505;\n              ^\nDETAIL:  all of it\nHINT:  try again\nCONTEXT:  line 3\nINSERT 0 1\n" {
		t.Errorf("%q", got)
	}
	if got := run("1\n2\n3\n\\.\n", "-c", "copy in"); got != "COPY 3\n" {
		t.Errorf("COPY IN: %q", got)
	}
	if got := run("", "-c", "copy out 2"); got != "0\tname 0\n1\tname 1\n" {
		t.Errorf("COPY OUT: %q", got)
	}
}
