package session

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/attunedb/attune/engine/access"
	"github.com/attunedb/attune/engine/keys"
	"github.com/attunedb/attune/engine/sqlerr"
	"github.com/attunedb/attune/engine/types"
)

func TestAHitAsksNoPlanner(t *testing.T) {
	w := newWorld(t)
	s := w.open(Options{})
	w.must(s, "insert into t values ($1, $2)", 1, "x")
	for range 3 {
		if got := w.must(s, "select * from t where a = $1", 1); got != "(a,b) 1,x SELECT 1" {
			t.Fatalf("got %q", got)
		}
	}
	other := w.open(Options{})
	if got := w.must(other, "SELECT *  FROM t WHERE a=1 -- again"); got != "(a,b) 1,x SELECT 1" {
		t.Fatalf("got %q", got)
	}
	if got := w.must(other, "select * from t where a = 2"); got != "(a,b) SELECT 0" {
		t.Fatalf("got %q", got)
	}
	if w.planner.asked != 3 {
		t.Errorf("the planner was asked %d times, want once for each of three templates", w.planner.asked)
	}
	if n := w.store.Calls["Timestamp"]; n != 1 {
		t.Errorf("%d timestamps: a point read outside a transaction needs none", n)
	}
}

// A plan whose template had a transition is asked for again, and runs on while the planner is away.
func TestAForgottenPlanOutlivesThePlanner(t *testing.T) {
	w := newWorld(t)
	now := time.Unix(0, 0)
	w.manager.deps.Clock = func() time.Time {
		now = now.Add(time.Millisecond)
		return now
	}
	s := w.open(Options{})
	plain := func() string {
		t.Helper()
		now = now.Add(time.Minute)
		return w.must(s, "select * from t where a = $1", 1)
	}
	prepared := func() string {
		t.Helper()
		now = now.Add(time.Minute)
		r := &recorder{}
		if err := s.Execute(t.Context(), &Request{Name: new("p"), Params: datums([]any{1})}, r); err != nil {
			t.Fatal(err)
		}
		return strings.Join(r.lines, " ")
	}
	w.must(s, "insert into t values ($1, $2)", 1, "x")
	if _, err := s.Prepare(t.Context(), "p", "select * from t where a = $1", nil); err != nil {
		t.Fatal(err)
	}
	plain()
	prepared()
	asked := w.planner.asked

	w.manager.deps.Plans.Forget(nil)
	w.planner.err = sqlerr.New(sqlerr.CannotConnectNow, "no planner")
	for range 2 {
		if got := plain(); got != "(a,b) 1,x SELECT 1" {
			t.Fatalf("got %q", got)
		}
		if got := prepared(); got != "(a,b) 1,x SELECT 1" {
			t.Fatalf("got %q", got)
		}
	}
	if n := w.planner.asked - asked; n != 4 {
		t.Errorf("asked %d times, want at each execution of a forgotten plan", n)
	}
	w.planner.err = nil
	for range 2 {
		plain()
		prepared()
	}
	if n := w.planner.asked - asked; n != 5 {
		t.Errorf("asked %d times, want once more for the planner that is back", n)
	}
}

func TestConstraints(t *testing.T) {
	w := newWorld(t)
	s := w.open(Options{})
	w.must(s, "insert into t values ($1, $2)", 1, "x")
	w.must(s, "insert into t values ($1, $2)", 2, "y")
	w.must(s, "insert into c values ($1, $2)", 10, 1)
	for _, c := range []struct {
		code sqlerr.Code
		sql  string
		args []any
		want string
	}{
		{sqlerr.UniqueViolation, "insert into t values ($1, $2)", []any{1, "z"},
			`duplicate key value violates unique constraint "t_pkey"|Key (a)=(1) already exists.|t_pkey`},
		{sqlerr.UniqueViolation, "insert into t values ($1, $2)", []any{3, "x"},
			`duplicate key value violates unique constraint "t_b_key"|Key (b)=(x) already exists.|t_b_key`},
		{sqlerr.NotNullViolation, "insert into t values ($1, $2)", []any{nil, "z"},
			`null value in column "a" of relation "t" violates not-null constraint|Failing row contains (null, z).|`},
		{sqlerr.CheckViolation, "insert into t values ($1, $2)", []any{0, nil},
			`new row for relation "t" violates check constraint "t_a_check"|Failing row contains (0, null).|t_a_check`},
		{sqlerr.ForeignKeyViolation, "insert into c values ($1, $2)", []any{11, 7},
			`insert or update on table "c" violates foreign key constraint "c_p_fkey"|Key (p)=(7) is not present in table "t".|c_p_fkey`},
		{sqlerr.ForeignKeyViolation, "delete from t where a = $1", []any{1},
			`update or delete on table "t" violates foreign key constraint "c_p_fkey" on table "c"|Key (a)=(1) is still referenced from table "c".|c_p_fkey`},
		{sqlerr.ForeignKeyViolation, "update t set a = $1 where a = $2", []any{5, 1},
			`update or delete on table "t" violates foreign key constraint "c_p_fkey" on table "c"|Key (a)=(1) is still referenced from table "c".|c_p_fkey`},
		{sqlerr.UniqueViolation, "update t set a = $1 where a = $2", []any{1, 2},
			`duplicate key value violates unique constraint "t_pkey"|Key (a)=(1) already exists.|t_pkey`},
	} {
		if got := describeError(w.fails(s, c.code, c.sql, c.args...)); got != c.want {
			t.Errorf("%s %v:\n got %s\nwant %s", c.sql, c.args, got, c.want)
		}
	}
	if got := w.must(s, "select * from t"); got != "(a,b) 1,x 2,y SELECT 2" {
		t.Errorf("something was half-applied: %q", got)
	}
	if n := w.store.Open(); n != 0 {
		t.Errorf("%d transactions were left behind", n)
	}
}

func TestUpdateMovesRowsAndEntries(t *testing.T) {
	w := newWorld(t)
	s := w.open(Options{})
	w.must(s, "insert into t values ($1, $2)", 1, "x")
	if got := w.must(s, "update t set a = $1 where a = $2", 9, 1); got != "UPDATE 1" {
		t.Fatalf("got %q", got)
	}
	if got := w.must(s, "update t set b = $1 where a = $2", "y", 9); got != "UPDATE 1" {
		t.Fatalf("got %q", got)
	}
	w.must(s, "insert into t values ($1, $2)", 1, "x")
	if got := w.must(s, "select * from t"); got != "(a,b) 1,x 9,y SELECT 2" {
		t.Fatalf("got %q", got)
	}
	start, end := keys.IndexSpan(1, 2)
	if n := w.store.Live(start, end); n != 2 {
		t.Errorf("the unique index has %d entries for 2 rows", n)
	}
	if got := w.must(s, "delete from t where a = $1", 9); got != "DELETE 1" {
		t.Fatalf("got %q", got)
	}
	if n := w.store.Live(start, end); n != 1 {
		t.Errorf("the unique index has %d entries for 1 row", n)
	}
}

func TestTransactionStates(t *testing.T) {
	w := newWorld(t)
	s, other := w.open(Options{}), w.open(Options{})
	step := func(sql, want string, code sqlerr.Code, status byte, args ...any) {
		t.Helper()
		got, c := run(s, sql, args...)
		if got != want || c != code || s.TxnStatus() != status {
			t.Fatalf("%s: %q %q %c, want %q %q %c", sql, got, c, s.TxnStatus(), want, code, status)
		}
	}
	step("BEGIN", "BEGIN", "", 'T')
	step("insert into t values ($1, $2) returning a", "(a) 1 INSERT 0 1", "", 'T', 1, "x")
	step("select * from t where a = $1", "(a,b) 1,x SELECT 1", "", 'T', 1)
	if got := w.must(other, "select * from t"); got != "(a,b) SELECT 0" {
		t.Fatalf("another session sees uncommitted rows: %q", got)
	}
	step("commit", "COMMIT", "", 'I')
	step("begin", "BEGIN", "", 'T')
	step("select * from t", "(a,b) 1,x SELECT 1", "", 'T')
	w.must(other, "insert into t values ($1, $2)", 2, "y")
	step("select * from t", "(a,b) 1,x SELECT 1", "", 'T')
	step("insert into t values ($1, $2)", "", sqlerr.UniqueViolation, 'E', 1, "z")
	step("select * from t", "", sqlerr.InFailedSQLTransaction, 'E')
	step("begin", "", sqlerr.InFailedSQLTransaction, 'E')
	step("commit", "ROLLBACK", "", 'I')
	step("begin", "BEGIN", "", 'T')
	step("nonsense", "", sqlerr.SyntaxError, 'E')
	step("rollback", "ROLLBACK", "", 'I')
	step("rollback", "ROLLBACK", "", 'I')
	step("begin read only", "BEGIN", "", 'T')
	step("insert into t values ($1, $2)", "", sqlerr.ReadOnlySQLTransaction, 'E', 3, "z")
	step("abort", "ROLLBACK", "", 'I')
	step("begin isolation level serializable", "", sqlerr.FeatureNotSupported, 'I')
	step("", "empty", "", 'I')
}

func TestFirstCommitterWins(t *testing.T) {
	w := newWorld(t)
	s, other := w.open(Options{}), w.open(Options{})
	w.must(s, "insert into t values ($1, $2)", 1, "x")
	w.must(s, "begin")
	w.must(s, "update t set b = $1 where a = $2", "mine", 1)
	w.must(other, "update t set b = $1 where a = $2", "theirs", 1)
	w.fails(s, sqlerr.SerializationFailure, "commit")
	if s.TxnStatus() != 'I' || w.store.Open() != 0 {
		t.Fatalf("status %c, %d open transactions after a failed commit", s.TxnStatus(), w.store.Open())
	}
	if got := w.must(s, "select * from t"); got != "(a,b) 1,theirs SELECT 1" {
		t.Fatalf("got %q", got)
	}
}

func TestLostRacesAreRetriedOutsideTransactions(t *testing.T) {
	w := newWorld(t)
	s := w.open(Options{})
	left := 3
	w.store.Fail = func(method string) error {
		if method == "Write" && left > 0 {
			left--
			if left == 1 {
				return access.ErrStaleSchema
			}
			return sqlerr.New(sqlerr.SerializationFailure, "race")
		}
		return nil
	}
	if got := w.must(s, "insert into t values ($1, $2) returning a", 1, "x"); got != "(a) 1 INSERT 0 1" {
		t.Fatalf("got %q", got)
	}
	left = 1
	w.must(s, "begin")
	w.fails(s, sqlerr.SerializationFailure, "insert into t values ($1, $2)", 2, "y")
	if s.TxnStatus() != 'E' {
		t.Fatalf("status %c", s.TxnStatus())
	}
}

func TestScripts(t *testing.T) {
	w := newWorld(t)
	s := w.open(Options{})
	script := func(sql string) (string, error) {
		r := &recorder{in: "3\tz\n"}
		err := s.Execute(context.Background(), &Request{SQL: sql, Script: true}, r)
		return strings.Join(r.lines, " "), err
	}
	if got, err := script("copy t from stdin; select * from t; ;"); got != "COPY 1 (a,b) 3,z SELECT 1" || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
	// The implicit transaction takes the first statement back when the second fails, and the error points into the script.
	got, err := script("truncate c; nonsense")
	if e := sqlerr.As(err); e == nil || e.Position != 13 {
		t.Fatalf("%q, %v", got, err)
	}
	r := &recorder{in: "4\tw\n"}
	err = s.Execute(context.Background(), &Request{SQL: "copy t from stdin; nonsense; copy t from stdin", Script: true}, r)
	if sqlerr.CodeOf(err) != sqlerr.SyntaxError || s.TxnStatus() != 'I' {
		t.Fatalf("%v, status %c", err, s.TxnStatus())
	}
	if got := w.must(s, "select * from t"); got != "(a,b) 3,z SELECT 1" {
		t.Fatalf("half of a script was kept: %q", got)
	}
	if got, err := script("begin; select * from t"); got != "BEGIN (a,b) 3,z SELECT 1" || err != nil || s.TxnStatus() != 'T' {
		t.Fatalf("%q, %v, %c", got, err, s.TxnStatus())
	}
	if got, err := script("rollback"); got != "ROLLBACK" || err != nil || s.TxnStatus() != 'I' {
		t.Fatalf("%q, %v, %c", got, err, s.TxnStatus())
	}
	if got, err := script(" ; "); got != "empty" || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
}

func TestPipelinedStatementsEndAtSync(t *testing.T) {
	w := newWorld(t)
	s, other := w.open(Options{}), w.open(Options{})
	implicit := func(sql string, args ...any) error {
		return s.Execute(context.Background(), &Request{SQL: sql, Params: datums(args), Implicit: true}, &recorder{})
	}
	if err := implicit("insert into t values ($1, $2)", 1, "x"); err != nil || s.TxnStatus() != 'I' {
		t.Fatalf("%v %c", err, s.TxnStatus())
	}
	if got := w.must(other, "select * from t"); got != "(a,b) SELECT 0" {
		t.Fatalf("visible before Sync: %q", got)
	}
	if err := s.Sync(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := implicit("insert into t values ($1, $2)", 2, "y"); err != nil {
		t.Fatal(err)
	}
	if err := implicit("insert into t values ($1, $2)", 1, "z"); sqlerr.CodeOf(err) != sqlerr.UniqueViolation {
		t.Fatal(err)
	}
	if err := s.Sync(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := w.must(other, "select * from t"); got != "(a,b) 1,x SELECT 1" {
		t.Fatalf("after a failed pipeline: %q", got)
	}
}

func TestCopy(t *testing.T) {
	w := newWorld(t)
	s := w.open(Options{})
	load := func(data string) (string, *sqlerr.Error) {
		r := &recorder{in: data}
		err := s.Execute(context.Background(), &Request{SQL: "copy t from stdin"}, r)
		return strings.Join(r.lines, " "), sqlerr.As(err)
	}
	if got, err := load("1\tx\n2\t\\N\n"); got != "COPY 2" || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
	for _, c := range []struct {
		data, where string
		code        sqlerr.Code
	}{
		{"3\ty\nfoo\tz\n", `COPY t, line 2, column a: "foo"`, sqlerr.InvalidTextRepresentation},
		{"3\ty\n4\n", `COPY t, line 2: "4"`, sqlerr.BadCopyFileFormat},
		{"3\ty\n4\tz\n1\tw\n", "COPY t, line 3", sqlerr.UniqueViolation},
		{"3\ty\n\\N\tz\n", "COPY t, line 2", sqlerr.NotNullViolation},
	} {
		if _, err := load(c.data); err == nil || err.Code != c.code || err.Where != c.where {
			t.Errorf("%q: %v at %q, want %s at %q", c.data, err, err.Where, c.code, c.where)
		}
	}
	r := &recorder{}
	if err := s.Execute(context.Background(), &Request{SQL: "copy t to stdout"}, r); err != nil {
		t.Fatal(err)
	}
	if r.out.String() != "1\tx\n2\t\\N\n" || r.lines[0] != "COPY 2" {
		t.Fatalf("%q %q", r.out.String(), r.lines)
	}
}

func TestSettings(t *testing.T) {
	w := newWorld(t)
	var told []string
	s := w.open(Options{User: "u", Settings: map[string]string{"application_name": "psql"},
		OnSetting: func(n, v string) { told = append(told, n+"="+v) }})
	show := func(name string) string { return strings.TrimPrefix(w.must(s, "show "+name), "("+name+") ") }
	for _, c := range []struct{ sql, name, want string }{
		{"set application_name = x", "application_name", "x SHOW"},
		{"set statement_timeout = '2s'", "statement_timeout", "2000 SHOW"},
		{"set attune.rules.push_filter = false", "attune.rules.push_filter", "off SHOW"},
		{"set my.own = 7", "my.own", "7 SHOW"},
	} {
		w.must(s, c.sql)
		if got := show(c.name); got != c.want {
			t.Errorf("%s: %q, want %q", c.sql, got, c.want)
		}
	}
	w.must(s, "set timezone = Europe/Berlin")
	if s.Zone().String() != "Europe/Berlin" {
		t.Errorf("zone %s", s.Zone())
	}
	w.fails(s, sqlerr.UndefinedObject, "set nosuch = 1")
	w.fails(s, sqlerr.UndefinedObject, "set attune.nosuch = 1")
	w.fails(s, sqlerr.UndefinedObject, "show nosuch")
	w.fails(s, sqlerr.InvalidParameterValue, "set timezone = Mars")
	w.fails(s, sqlerr.InvalidParameterValue, "set attune.optimizer = clever")
	w.fails(s, sqlerr.CantChangeRuntimeParam, "set server_version = 1")
	w.must(s, "begin")
	w.must(s, "set application_name = y")
	w.must(s, "set local timezone = UTC")
	w.must(s, "commit")
	if got := show("application_name"); got != "y SHOW" || s.Zone().String() != "Europe/Berlin" {
		t.Errorf("after commit: %q %s", got, s.Zone())
	}
	w.must(s, "begin")
	w.must(s, "set application_name = z")
	w.must(s, "rollback")
	if got := show("application_name"); got != "y SHOW" {
		t.Errorf("after rollback: %q", got)
	}
	if last := told[len(told)-1]; last != "application_name=y" {
		t.Errorf("told %q", told)
	}
	err := s.Execute(context.Background(), &Request{SQL: "show attune.optimizer", Settings: map[string]string{"attune.optimizer": "static"}}, &recorder{})
	if err != nil || show("attune.optimizer") != "learned"+" SHOW" {
		t.Errorf("a request's settings outlived it: %v", err)
	}
	if _, err := w.manager.Open(Options{Settings: map[string]string{"nosuch": "1"}}); sqlerr.CodeOf(err) != sqlerr.UndefinedObject {
		t.Errorf("open: %v", err)
	}
}

func TestPrepared(t *testing.T) {
	w := newWorld(t)
	s := w.open(Options{})
	ctx := context.Background()
	w.must(s, "insert into t values ($1, $2)", 1, "x")
	d, err := s.Prepare(ctx, "one", "select * from t where a = $1", nil)
	if err != nil || len(d.ParamTypes) != 1 || d.ParamTypes[0] != int4 || len(d.Fields) != 2 {
		t.Fatalf("%+v, %v", d, err)
	}
	if _, err := s.Prepare(ctx, "one", "select * from t", nil); sqlerr.CodeOf(err) != sqlerr.DuplicatePreparedStatement {
		t.Errorf("%v", err)
	}
	asked := w.planner.asked
	name := "one"
	for _, v := range []types.Datum{types.NewInt(types.Int4, 1), types.NewInt(types.Int8, 1), types.NewString(types.Text, "1")} {
		r := &recorder{}
		err := s.Execute(ctx, &Request{Name: &name, Params: []types.Datum{v}}, r)
		if got := strings.Join(r.lines, " "); got != "(a,b) 1,x SELECT 1" || err != nil {
			t.Errorf("%v: %q, %v", v, got, err)
		}
	}
	if got := w.must(s, "execute one(1)"); got != "(a,b) 1,x SELECT 1" {
		t.Errorf("execute: %q", got)
	}
	if w.planner.asked != asked+1 {
		t.Errorf("asked %d times for one EXECUTE", w.planner.asked-asked)
	}
	bad := s.Execute(ctx, &Request{Name: &name, Params: []types.Datum{types.NewInt(types.Int8, 1<<40)}}, &recorder{})
	if sqlerr.CodeOf(bad) != sqlerr.NumericValueOutOfRange {
		t.Errorf("%v", bad)
	}
	if err := s.Execute(ctx, &Request{Name: &name}, &recorder{}); sqlerr.CodeOf(err) != sqlerr.ProtocolViolation {
		t.Errorf("%v", err)
	}
	s.Unprepare("one")
	if err := s.Execute(ctx, &Request{Name: &name}, &recorder{}); sqlerr.CodeOf(err) != sqlerr.InvalidSQLStatementName {
		t.Errorf("%v", err)
	}
}

func TestDefinitionsInTransactions(t *testing.T) {
	w := newWorld(t)
	s := w.open(Options{})
	w.must(s, "begin")
	w.must(s, "create table d (a int)")
	if d := w.catalog.Snapshot().Table("", "d"); d == nil || !d.HasHiddenKey() {
		t.Fatalf("%+v", d)
	}
	w.must(s, "rollback")
	if w.catalog.Snapshot().Table("", "d") != nil {
		t.Fatal("the table outlived its transaction")
	}
	w.must(s, "create table d (a int)")
	w.fails(s, sqlerr.DuplicateTable, "create table d (a int)")
	w.must(s, "begin")
	w.fails(s, sqlerr.ActiveSQLTransaction, "drop table d")
	w.must(s, "rollback")
	w.must(s, "drop table d")
	w.fails(s, sqlerr.UndefinedTable, "drop table d")

	w.must(s, "insert into t values ($1, $2)", 1, "x")
	w.must(s, "insert into c values ($1, $2)", 1, 1)
	w.must(s, "begin")
	if got := w.must(s, "truncate c"); got != "TRUNCATE TABLE" {
		t.Fatal(got)
	}
	if got := w.must(s, "select * from c"); got != "(a,p) SELECT 0" {
		t.Fatalf("after truncate: %q", got)
	}
	w.must(s, "rollback")
	if got := w.must(s, "select * from c"); got != "(a,p) 1,1 SELECT 1" {
		t.Fatalf("after rollback: %q", got)
	}
	w.must(s, "truncate c")
	if got := w.must(s, "select * from c"); got != "(a,p) SELECT 0" {
		t.Fatalf("after truncate: %q", got)
	}
	w.must(s, "delete from t where a = $1", 1)
}

func TestCancelAndClose(t *testing.T) {
	w := newWorld(t)
	s := w.open(Options{})
	w.must(s, "insert into t values ($1, $2)", 1, "x")
	w.must(s, "begin")
	r := &recorder{onBatch: func() error { s.Cancel(); return context.Canceled }}
	if err := s.Execute(context.Background(), &Request{SQL: "select * from t"}, r); sqlerr.CodeOf(err) != sqlerr.QueryCanceled {
		t.Fatalf("got %v", err)
	}
	if s.TxnStatus() != 'E' {
		t.Fatalf("status %c", s.TxnStatus())
	}
	w.must(s, "rollback")
	w.must(s, "begin")
	w.must(s, "insert into t values ($1, $2)", 2, "y")
	s.Close()
	if w.store.Open() != 0 || w.manager.Sessions() != 0 {
		t.Fatalf("%d open transactions, %d sessions after Close", w.store.Open(), w.manager.Sessions())
	}
	w.fails(s, sqlerr.AdminShutdown, "select * from t")
}

// A sink whose panic would take the process down fails its statement only.
func TestPanics(t *testing.T) {
	w := newWorld(t)
	s := w.open(Options{})
	w.must(s, "insert into t values ($1, $2)", 1, "x")
	err := s.Execute(context.Background(), &Request{SQL: "select * from t where a = 1"}, &recorder{onBatch: func() error { panic("boom") }})
	if sqlerr.CodeOf(err) != sqlerr.InternalError {
		t.Fatalf("got %v", err)
	}
	if got := w.must(s, "select * from t where a = 1"); got != "(a,b) 1,x SELECT 1" {
		t.Fatalf("got %q", got)
	}
}

func TestFeedback(t *testing.T) {
	w := newWorld(t)
	s := w.open(Options{})
	for i := range 5 {
		w.must(s, "insert into t values ($1, $2)", i+1, nil)
	}
	w.manager.deps.Feedback.Flush()
	if len(w.events.runs) == 0 || !w.events.runs[0].WithPlan || !w.events.runs[0].Foreground || w.events.runs[0].Rows != 1 {
		t.Fatalf("%+v", w.events.runs)
	}
	count := uint64(len(w.events.runs))
	for _, a := range w.events.aggs {
		count += a.Count
	}
	if count != 5 {
		t.Fatalf("%d of 5 executions were reported", count)
	}
}

func TestHeartbeatsNoticeLostTransactions(t *testing.T) {
	w := newWorld(t)
	s := w.open(Options{})
	w.must(s, "begin")
	w.must(s, "insert into t values ($1, $2)", 1, "x")
	w.manager.beat(context.Background())
	w.must(s, "select * from t")
	if err := w.store.Rollback(context.Background(), s.txn.id); err != nil {
		t.Fatal(err)
	}
	w.manager.beat(context.Background())
	w.fails(s, sqlerr.SerializationFailure, "select * from t")
	w.must(s, "rollback")
}
