package client_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/attunedb/attune/client"
)

func session(t *testing.T, c *client.Client) *client.Session {
	t.Helper()
	s, err := c.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestSessionIsBusyWhileRowsAreOpen(t *testing.T) {
	c, _ := open(t)
	s := session(t, c)
	rows, err := s.Query(t.Context(), "rows 7")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Exec(t.Context(), "SELECT 1"); !errors.Is(err, client.ErrBusy) || code(err) != "55006" {
		t.Errorf("a second statement: %v", err)
	}
	rows.Next()
	if err := rows.Close(); err != nil {
		t.Error(err)
	}
	if _, err := s.Exec(t.Context(), "SELECT 1"); err != nil {
		t.Errorf("after Close: %v", err)
	}
}

func TestSessionCancelKeepsTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, srv := open(t)
		s := session(t, c)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Millisecond, cancel)
		_, err := s.Exec(ctx, "sleep")
		if code(err) != "57014" || !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		if srv.Canceled() != 1 {
			t.Error("the server went on")
		}
		if _, err := s.Exec(t.Context(), "SELECT 1"); err != nil {
			t.Errorf("the session afterwards: %v", err)
		}
		if _, err := s.Exec(ctx, "SELECT 1"); code(err) != "57014" || s.Err() != nil {
			t.Errorf("canceled before it was sent: %v, %v", err, s.Err())
		}
	})
}

func TestPipelineIsOneMessage(t *testing.T) {
	c, srv := open(t)
	s := session(t, c)
	st, err := s.Prepare(t.Context(), "echo $1")
	if err != nil {
		t.Fatal(err)
	}
	before := srv.Messages()
	p := s.Pipeline(t.Context())
	for i := range 100 {
		if err := p.QueueStmt(st, i); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Queue("fail 22012"); err != nil {
		t.Fatal(err)
	}
	if err := p.Queue("echo", "last"); err != nil {
		t.Fatal(err)
	}
	if err := p.Queue("echo", struct{}{}); code(err) != "22023" {
		t.Errorf("a bad argument: %v", err)
	}
	if err := p.Send(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Exec(t.Context(), "SELECT 1"); !errors.Is(err, client.ErrBusy) {
		t.Errorf("a statement beside the pipeline: %v", err)
	}
	for i := range 100 {
		rows, err := p.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			continue // unread rows are closed by the next Recv
		}
		if !rows.Next() || rows.Values()[0] != int64(i) {
			t.Errorf("result %d: %v", i, rows.Values())
		}
	}
	if _, err := p.RecvResult(); code(err) != "22012" {
		t.Errorf("the failing one: %v", err)
	}
	rows, err := p.Recv()
	if err != nil || !rows.Next() || rows.Values()[0] != "last" {
		t.Errorf("behind the failing one: %v", err)
	}
	if err := rows.Close(); err != nil {
		t.Error(err)
	}
	if got := srv.Messages() - before; got != 1 {
		t.Errorf("%d messages for 102 operations", got)
	}
	if _, err := p.Recv(); err == nil {
		t.Error("a result too many")
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func TestPipelineIsBoundedAndClosable(t *testing.T) {
	c, _ := open(t)
	s := session(t, c)
	p := s.Pipeline(t.Context())
	for range client.MaxPipelined {
		if err := p.Queue("rows 3"); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Queue("rows 3"); code(err) != "54000" {
		t.Errorf("beyond the bound: %v", err)
	}
	if err := p.Send(); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if _, err := s.Exec(t.Context(), "SELECT 1"); err != nil {
		t.Errorf("after Close: %v", err)
	}
}

func TestSessionStatements(t *testing.T) {
	c, _ := open(t)
	s, other := session(t, c), session(t, c)
	st, err := s.Prepare(t.Context(), "echo $1 $2")
	if err != nil {
		t.Fatal(err)
	}
	var a, b int
	if err := st.QueryRow(t.Context(), 1, 2).Scan(&a, &b); err != nil || a != 1 || b != 2 {
		t.Errorf("%d %d %v", a, b, err)
	}
	if err := other.Pipeline(t.Context()).QueueStmt(st, 1, 2); err == nil {
		t.Error("a statement in another session")
	}
	if err := st.Close(); err != nil {
		t.Error(err)
	}
	if _, err := st.Query(t.Context(), 1, 2); code(err) != "26000" {
		t.Errorf("a closed statement: %v", err)
	}
	// The answer to Close must not be taken for that of the statement behind it.
	if err := s.QueryRow(t.Context(), "echo", "next").Scan(new(string)); err != nil {
		t.Error(err)
	}
	if _, err := s.Prepare(t.Context(), "fail"); code(err) != "42601" {
		t.Errorf("%v", err)
	}
}

func TestTransactions(t *testing.T) {
	c, srv := open(t)
	tx, err := c.BeginTx(t.Context(), client.TxOptions{Isolation: client.RepeatableRead, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if tx.Session().TxnStatus() != client.StatusOpen {
		t.Errorf("status %c", tx.Session().TxnStatus())
	}
	if _, err := tx.Exec(t.Context(), "INSERT"); err != nil {
		t.Error(err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Error(err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Errorf("Rollback after Commit: %v", err)
	}
	if _, err := tx.Exec(t.Context(), "INSERT"); code(err) != "25P01" {
		t.Errorf("a statement after Commit: %v", err)
	}

	tx, err = c.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, _ = tx.Exec(t.Context(), "fail 23505")
	if tx.Session().TxnStatus() != client.StatusFailed {
		t.Errorf("status %c", tx.Session().TxnStatus())
	}
	if _, err := tx.Exec(t.Context(), "INSERT"); code(err) != "25P02" {
		t.Errorf("in a failed transaction: %v", err)
	}
	if err := tx.Commit(t.Context()); code(err) != "25P02" {
		t.Errorf("Commit of a failed transaction: %v", err)
	}
	eventually(t, func() bool { return srv.Sessions() == 0 })
}

func TestRollbackAfterTheContextEnded(t *testing.T) {
	c, _ := open(t)
	s := session(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	tx, err := s.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := tx.Commit(ctx); code(err) != "57014" {
		t.Errorf("Commit: %v", err)
	}
	if err := tx.Rollback(ctx); err != nil || s.TxnStatus() != client.StatusIdle {
		t.Errorf("Rollback: %v, status %c", err, s.TxnStatus())
	}
}

func TestTransactRetries(t *testing.T) {
	c, srv := open(t)
	runs := 0
	err := c.Transact(t.Context(), client.TxOptions{}, func(tx *client.Tx) error {
		if runs++; runs < 3 {
			_, err := tx.Exec(t.Context(), "fail 40001")
			return fmt.Errorf("transfer: %w", err)
		}
		_, err := tx.Exec(t.Context(), "INSERT")
		return err
	})
	if err != nil || runs != 3 {
		t.Errorf("%v after %d runs", err, runs)
	}
	runs = 0
	err = c.Transact(t.Context(), client.TxOptions{}, func(tx *client.Tx) error {
		runs++
		_, err := tx.Exec(t.Context(), "fail 23505")
		return err
	})
	if code(err) != "23505" || runs != 1 {
		t.Errorf("%v after %d runs", err, runs)
	}
	eventually(t, func() bool { return srv.Sessions() == 0 })
}

func TestCloseWhileRowsAreOpen(t *testing.T) {
	c, srv := open(t)
	s, err := c.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rows, err := s.Query(t.Context(), "rows 100000")
	if err != nil {
		t.Fatal(err)
	}
	rows.Next()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for rows.Next() {
	}
	if code(rows.Err()) != "08003" {
		t.Errorf("rows of a closed session: %v", rows.Err())
	}
	eventually(t, func() bool { return srv.Sessions() == 0 })
}

// A server that does not answer a cancellation costs the session, not the caller.
func TestSessionGivesUpAServerThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := open(t)
		s := session(t, c)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := s.Exec(ctx, "hang")
		if code(err) != "57014" || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		if took := time.Since(start); took != 6*time.Second {
			t.Errorf("it took %s, want the second of the context and five of grace", took)
		}
		if _, err := s.Exec(t.Context(), "SELECT 1"); code(err) != "08003" {
			t.Errorf("the session afterwards: %v", err)
		}
	})
}
