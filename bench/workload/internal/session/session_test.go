package session

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/attunedb/attune/bench"
	"github.com/attunedb/attune/bench/db"
	"github.com/attunedb/attune/bench/workload"
)

// sqlError is an error with a SQLSTATE.
type sqlError string

func (e sqlError) Error() string    { return "state " + string(e) }
func (e sqlError) SQLState() string { return string(e) }

// fake is a database that writes down what it is asked, and fails as fail says.
type fake struct {
	db.DB
	traits db.Traits
	log    []string
	open   int
	fail   func(sql string) error
}

func (f *fake) Name() string      { return "fake" }
func (f *fake) Traits() db.Traits { return f.traits }

func (f *fake) Open(context.Context) (db.Conn, error) {
	f.open++
	return &fakeConn{f: f}, nil
}

func (f *fake) run(sql string) error {
	f.log = append(f.log, sql)
	if f.fail != nil {
		return f.fail(sql)
	}
	return nil
}

type fakeConn struct {
	db.Conn
	f *fake
}

type fakeStmt struct{ sql string }

func (fakeStmt) Close() error { return nil }

func (c *fakeConn) Exec(_ context.Context, sql string, _ ...any) (int64, error) {
	return 0, c.f.run(sql)
}

func (c *fakeConn) Prepare(_ context.Context, sql string) (db.Stmt, error) {
	if strings.HasPrefix(sql, "refused") {
		return nil, sqlError(strings.TrimPrefix(sql, "refused "))
	}
	return fakeStmt{sql}, nil
}

func (c *fakeConn) Batch(_ context.Context, calls []db.Call) {
	c.f.log = append(c.f.log, fmt.Sprintf("batch of %d", len(calls)))
	for i := range calls {
		calls[i].Err = c.f.run(calls[i].Stmt.(fakeStmt).sql)
	}
}

func (c *fakeConn) Close() error {
	c.f.open--
	return nil
}

func opened(t *testing.T, f *fake, cfg bench.Config, opts Options) *Session {
	t.Helper()
	o, err := NewOpener(t.Context(), f, cfg, opts)
	if err != nil {
		t.Fatal(err)
	}
	s, err := o.Open(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestTransactionsBeginAnew(t *testing.T) {
	serialization := sqlError("40001")
	for name, c := range map[string]struct {
		commits, bodies []error // outcomes in turn; nil when they are used up
		want            error
		retries         int
		log             string
	}{
		"committed":          {nil, nil, nil, 0, "BEGIN body COMMIT"},
		"conflict in body":   {nil, []error{serialization}, nil, 1, "BEGIN body ROLLBACK BEGIN body COMMIT"},
		"conflict at commit": {[]error{serialization, sqlError("40P01")}, nil, nil, 2, "BEGIN body COMMIT ROLLBACK BEGIN body COMMIT ROLLBACK BEGIN body COMMIT"},
		"overtaken":          {nil, []error{fmt.Errorf("again: %w", ErrAgain)}, nil, 1, "BEGIN body ROLLBACK BEGIN body COMMIT"},
		"abandoned":          {nil, []error{ErrAbandon}, nil, 0, "BEGIN body ROLLBACK"},
		"another error":      {nil, []error{sqlError("22012")}, sqlError("22012"), 0, "BEGIN body ROLLBACK"},
	} {
		synctest.Test(t, func(t *testing.T) {
			commits, bodies := c.commits, c.bodies
			next := func(outcomes *[]error) error {
				if len(*outcomes) == 0 {
					return nil
				}
				err := (*outcomes)[0]
				*outcomes = (*outcomes)[1:]
				return err
			}
			f := &fake{traits: db.Traits{Transactions: true}}
			f.fail = func(sql string) error {
				if sql == "COMMIT" {
					return next(&commits)
				}
				return nil
			}
			s := opened(t, f, bench.Config{}, Options{Transactions: true})
			var op bench.Op
			err := s.Transact(t.Context(), &op, func() error {
				f.log = append(f.log, "body")
				return next(&bodies)
			})
			if !errors.Is(err, c.want) || op.Retries != c.retries || strings.Join(f.log, " ") != c.log {
				t.Errorf("%s: %v after %d retries: %v", name, err, op.Retries, f.log)
			}
		})
	}
}

func TestRetriesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{traits: db.Traits{Transactions: true}}
		s := opened(t, f, bench.Config{}, Options{Transactions: true})
		var op bench.Op
		begin := time.Now()
		err := s.Transact(t.Context(), &op, func() error { return sqlError("40001") })
		if db.SQLState(err) != "40001" || op.Retries != MaxRetries {
			t.Errorf("%v after %d retries", err, op.Retries)
		}
		if d := time.Since(begin); d == 0 || d > MaxRetries*maxBackoff {
			t.Errorf("pauses of %s in all", d)
		}
		op = bench.Op{}
		if err := s.Again(t.Context(), &op, func() error { return sqlError("40P01") }); err == nil || op.Retries != MaxRetries {
			t.Errorf("a statement: %v after %d retries", err, op.Retries)
		}
		ctx, cancel := context.WithCancel(t.Context())
		op = bench.Op{}
		err = s.Transact(ctx, &op, func() error { cancel(); return sqlError("40001") })
		if !errors.Is(err, context.Canceled) || f.log[len(f.log)-1] != "ROLLBACK" {
			t.Errorf("after the run has ended: %v", err)
		}
	})
}

func TestHowTransactionsBegin(t *testing.T) {
	f := &fake{traits: db.Traits{Transactions: true}}
	opts := Options{Transactions: true, Snapshot: true}
	if s := opened(t, f, bench.Config{}, opts); s.o.begin != "BEGIN ISOLATION LEVEL REPEATABLE READ" {
		t.Errorf("begins with %s", s.o.begin)
	}
	f.fail = func(sql string) error {
		if strings.Contains(sql, "ISOLATION") {
			return errors.New("syntax error")
		}
		return nil
	}
	if s := opened(t, f, bench.Config{}, opts); s.o.begin != "BEGIN" {
		t.Errorf("without isolation levels it begins with %s", s.o.begin)
	}
	f.fail = func(string) error { return errors.New("down") }
	if _, err := NewOpener(t.Context(), f, bench.Config{}, opts); err == nil || !strings.Contains(err.Error(), "down") {
		t.Errorf("a database that is down: %v", err)
	}
}

func TestWhatCannotBe(t *testing.T) {
	var unsupported *workload.Unsupported
	f := &fake{}
	if _, err := NewOpener(t.Context(), f, bench.Config{}, Options{Transactions: true}); !errors.As(err, &unsupported) {
		t.Errorf("no transactions: %v", err)
	}
	f.traits = db.Traits{Transactions: true, Shared: true}
	if _, err := NewOpener(t.Context(), f, bench.Config{Connections: 2}, Options{Transactions: true}); err == nil {
		t.Error("transactions share a connection")
	}
	f.traits.Shared = false
	if _, err := NewOpener(t.Context(), f, bench.Config{Connections: 2}, Options{}); err == nil {
		t.Error("connections are shared that cannot be")
	}
	for state, want := range map[string]bool{"0A000": true, "42883": true, "53200": false} {
		o, err := NewOpener(t.Context(), f, bench.Config{}, Options{Statements: []string{"refused " + state}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err = o.Open(t.Context(), 0); err == nil || errors.As(err, &unsupported) != want {
			t.Errorf("a statement refused with %s: %v", state, err)
		}
	}
	if f.open != 0 {
		t.Errorf("%d connections stay open", f.open)
	}
}

func TestConnectionsAreShared(t *testing.T) {
	f := &fake{traits: db.Traits{Shared: true}}
	o, err := NewOpener(t.Context(), f, bench.Config{Threads: 5, Connections: 2}, Options{Statements: []string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		var sessions []*Session
		for id := range 5 {
			s, err := o.Open(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			sessions = append(sessions, s)
		}
		if f.open != 2 || sessions[0].link != sessions[4].link || sessions[0].link == sessions[1].link {
			t.Errorf("%d connections are open", f.open)
		}
		for i, s := range sessions {
			if err := errors.Join(s.Close(), s.Close()); err != nil {
				t.Fatal(err)
			}
			if want := []int{2, 2, 2, 1, 0}[i]; f.open != want {
				t.Errorf("after %d ends, %d connections are open, want %d", i+1, f.open, want)
			}
		}
	}
}

func TestPipelining(t *testing.T) {
	for _, c := range []struct {
		depth     int
		pipelined bool
		log       string
	}{
		{1, true, "batch of 1,a,batch of 1,b,batch of 1,a"},
		{4, false, "batch of 1,a,batch of 1,b,batch of 1,a"},
		{4, true, "batch of 3,a,b,a"},
	} {
		f := &fake{traits: db.Traits{Pipelined: c.pipelined}}
		s := opened(t, f, bench.Config{PipelineDepth: c.depth}, Options{Statements: []string{"a", "b"}})
		calls := []db.Call{s.Call(0, nil), s.Call(1, nil), s.Call(0, nil)}
		s.Send(t.Context(), calls)
		if got := strings.Join(f.log, ","); got != c.log {
			t.Errorf("depth %d: sent %s", c.depth, got)
		}
		f.fail = func(sql string) error {
			if sql == "b" {
				return sqlError("22012")
			}
			return nil
		}
		f.log = nil
		if err := s.Do(t.Context(), calls...); db.SQLState(err) != "22012" {
			t.Errorf("depth %d: %v", c.depth, err)
		}
		if n := len(f.log); n != 4 {
			t.Errorf("depth %d: after a failure it sent %v", c.depth, f.log)
		}
	}
}

func TestTally(t *testing.T) {
	var tally Tally
	tally.CountTransaction(1, nil)
	tally.CountTransaction(1, errors.New("the body failed"))
	tally.CountTransaction(1, &CommitError{sqlError("40001")})
	tally.CountTransaction(1, &CommitError{errors.New("the connection broke")})
	tally.CountTransaction(1, &CommitError{sqlError("40003")})
	tally.Count(5, sqlError("23505"))
	tally.Count(5, sqlError("08006"))
	if a, u := tally.Acknowledged.Load(), tally.Unknown.Load(); a != 1 || u != 7 {
		t.Errorf("%d acknowledged, %d unknown", a, u)
	}
	for found, ok := range map[int64]bool{0: false, 1: true, 8: true, 9: false} {
		if err := tally.Holds("rows", found); (err == nil) != ok {
			t.Errorf("%d found: %v", found, err)
		}
	}
}
