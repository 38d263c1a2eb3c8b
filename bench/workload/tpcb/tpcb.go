// Package tpcb is the transaction that pgbench runs by default, "loosely based on TPC-B" (PostgreSQL manual, pgbench): a deposit that
// changes an account, a teller and a branch, and writes a line of history. Few branches and tellers make it a test of contention.
//
// Tables, sizes and statements are pgbench's, under names of their own. As there, a transaction runs at the database's default isolation.
package tpcb

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/attunedb/attune/bench"
	"github.com/attunedb/attune/bench/db"
	"github.com/attunedb/attune/bench/workload"
	"github.com/attunedb/attune/bench/workload/internal/draw"
	"github.com/attunedb/attune/bench/workload/internal/load"
	"github.com/attunedb/attune/bench/workload/internal/session"
)

const (
	name              = "tpcb"
	tellersPerBranch  = 10
	accountsPerBranch = 100_000
	maxDelta          = 5000
)

var tables = []string{"tpcb_history", "tpcb_accounts", "tpcb_tellers", "tpcb_branches"}

var create = []string{
	"CREATE TABLE tpcb_branches (bid int NOT NULL PRIMARY KEY, bbalance int NOT NULL, filler char(88))",
	"CREATE TABLE tpcb_tellers (tid int NOT NULL PRIMARY KEY, bid int NOT NULL, tbalance int NOT NULL, filler char(84))",
	"CREATE TABLE tpcb_accounts (aid int NOT NULL PRIMARY KEY, bid int NOT NULL, abalance int NOT NULL, filler char(84))",
	"CREATE TABLE tpcb_history (tid int NOT NULL, bid int NOT NULL, aid int NOT NULL, delta int NOT NULL, mtime timestamp NOT NULL, filler char(22))",
}

// The statements of a transaction, in their order.
const (
	updateAccount = iota
	selectAccount
	updateTeller
	updateBranch
	insertHistory
)

var statements = []string{
	updateAccount: "UPDATE tpcb_accounts SET abalance = abalance + $1 WHERE aid = $2",
	selectAccount: "SELECT abalance FROM tpcb_accounts WHERE aid = $1",
	updateTeller:  "UPDATE tpcb_tellers SET tbalance = tbalance + $1 WHERE tid = $2",
	updateBranch:  "UPDATE tpcb_branches SET bbalance = bbalance + $1 WHERE bid = $2",
	insertHistory: "INSERT INTO tpcb_history (tid, bid, aid, delta, mtime) VALUES ($1, $2, $3, $4, $5)",
}

type tpcb struct {
	cfg                         bench.Config
	branches, tellers, accounts int64
	tally                       session.Tally
}

// New returns the workload with cfg.Scale branches. A scale below 1 is one branch with that share of its accounts.
func New(cfg bench.Config) (workload.Workload, error) {
	if cfg.Scale < 0 {
		return nil, fmt.Errorf("workload %s: scale %g: the number of branches must be positive", name, cfg.Scale)
	}
	scale := cfg.Scale
	if scale == 0 {
		scale = 1
	}
	w := &tpcb{cfg: cfg, branches: max(1, int64(scale))}
	w.tellers = w.branches * tellersPerBranch
	w.accounts = w.branches * accountsPerBranch
	if scale < 1 {
		w.accounts = max(1, int64(scale*accountsPerBranch))
	}
	return w, nil
}

func (w *tpcb) Name() string { return name }

func (w *tpcb) Describe() string {
	return fmt.Sprintf("pgbench's TPC-B-like transaction over %d branches, %d tellers and %d accounts, at the database's default isolation; "+
		"a transaction that meets a conflict begins anew, at most %d times.", w.branches, w.tellers, w.accounts, session.MaxRetries)
}

func (w *tpcb) Prepare(ctx context.Context, d db.DB, p workload.Loading) error {
	if err := session.NeedTransactions(name, d); err != nil {
		return err
	}
	if err := w.Drop(ctx, d); err != nil {
		return err
	}
	if err := load.Exec(ctx, d, create...); err != nil {
		return err
	}
	w.tally = session.Tally{}
	err := load.Copy(ctx, d, p, "tpcb_branches", []string{"bid", "bbalance"}, w.branches, func(r *load.Rows) error {
		return fill(w.branches, func(i int64) error {
			r.Int(i + 1)
			r.Int(0)
			return r.End()
		})
	})
	if err != nil {
		return err
	}
	err = load.Copy(ctx, d, p, "tpcb_tellers", []string{"tid", "bid", "tbalance"}, w.tellers, func(r *load.Rows) error {
		return fill(w.tellers, func(i int64) error {
			r.Int(i + 1)
			r.Int(i/tellersPerBranch + 1)
			r.Int(0)
			return r.End()
		})
	})
	if err != nil {
		return err
	}
	err = load.Copy(ctx, d, p, "tpcb_accounts", []string{"aid", "bid", "abalance", "filler"}, w.accounts, func(r *load.Rows) error {
		return fill(w.accounts, func(i int64) error {
			r.Int(i + 1)
			r.Int(i/accountsPerBranch + 1)
			r.Int(0)
			r.Text(nil)
			return r.End()
		})
	})
	if err != nil {
		return err
	}
	return load.Finish(ctx, d, tables)
}

func fill(n int64, row func(i int64) error) error {
	for i := range n {
		if err := row(i); err != nil {
			return err
		}
	}
	return nil
}

func (w *tpcb) Drop(ctx context.Context, d db.DB) error { return load.Drop(ctx, d, tables...) }

func (w *tpcb) Subject(ctx context.Context, d db.DB) (bench.Subject, error) {
	o, err := session.NewOpener(ctx, d, w.cfg, session.Options{Workload: name, Statements: statements, Transactions: true})
	if err != nil {
		return nil, err
	}
	return &subject{w, o}, nil
}

type subject struct {
	w *tpcb
	o *session.Opener
}

func (s *subject) Kinds() []string { return []string{"deposit"} }

func (s *subject) Worker(ctx context.Context, id int) (bench.Worker, error) {
	sess, err := s.o.Open(ctx, id)
	if err != nil {
		return nil, err
	}
	return &worker{w: s.w, s: sess, rng: draw.New(s.w.cfg.Seed, uint64(id))}, nil
}

type worker struct {
	w   *tpcb
	s   *session.Session
	rng *rand.Rand
}

func (k *worker) Close() error { return k.s.Close() }

func (k *worker) Run(ctx context.Context, ops []bench.Op) {
	for i := range ops {
		op := &ops[i]
		op.Err = k.deposit(ctx, op)
		op.End = time.Now()
		k.w.tally.CountTransaction(1, op.Err)
	}
}

func (k *worker) deposit(ctx context.Context, op *bench.Op) error {
	aid := draw.Between(k.rng, 1, k.w.accounts)
	bid := draw.Between(k.rng, 1, k.w.branches)
	tid := draw.Between(k.rng, 1, k.w.tellers)
	delta := draw.Between(k.rng, -maxDelta, maxDelta)
	err := k.s.Transact(ctx, op, func() error {
		calls := []db.Call{
			k.s.Call(updateAccount, nil, delta, aid),
			k.s.Call(selectAccount, nil, aid),
			k.s.Call(updateTeller, nil, delta, tid),
			k.s.Call(updateBranch, nil, delta, bid),
			k.s.Call(insertHistory, nil, tid, bid, aid, delta, time.Now().UTC()),
		}
		if err := k.s.Do(ctx, calls...); err != nil {
			return err
		}
		for i := range calls {
			if calls[i].Rows != 1 {
				return fmt.Errorf("%s: %d rows, want one", statements[i], calls[i].Rows)
			}
		}
		return nil
	})
	if err == nil {
		op.Rows = int64(len(statements))
	}
	return err
}

// Check holds the balances against the history, for the whole and for each branch and teller, and the history against what was acknowledged.
func (w *tpcb) Check(ctx context.Context, d db.DB) error {
	sums, err := load.Ints(ctx, d, "SELECT count(*), sum(delta) FROM tpcb_history")
	if err != nil {
		return err
	}
	errs := []error{w.tally.Holds("lines of tpcb_history", sums[0])}
	for _, q := range []struct{ what, sql string }{
		{"accounts", "SELECT sum(abalance) FROM tpcb_accounts"},
		{"tellers", "SELECT sum(tbalance) FROM tpcb_tellers"},
		{"branches", "SELECT sum(bbalance) FROM tpcb_branches"},
	} {
		got, err := load.Ints(ctx, d, q.sql)
		if err != nil {
			return err
		}
		if got[0] != sums[1] {
			errs = append(errs, fmt.Errorf("balances of %s sum to %d, history to %d", q.what, got[0], sums[1]))
		}
	}
	for _, q := range []struct{ what, balances, history string }{
		{"branch", "SELECT bid, bbalance FROM tpcb_branches", "SELECT bid, sum(delta) FROM tpcb_history GROUP BY bid"},
		{"teller", "SELECT tid, tbalance FROM tpcb_tellers", "SELECT tid, sum(delta) FROM tpcb_history GROUP BY tid"},
		{"account", "SELECT aid, abalance FROM tpcb_accounts WHERE abalance <> 0", "SELECT aid, sum(delta) FROM tpcb_history GROUP BY aid"},
	} {
		balances, err := byKey(ctx, d, q.balances)
		if err != nil {
			return err
		}
		history, err := byKey(ctx, d, q.history)
		if err != nil {
			return err
		}
		errs = append(errs, compare(q.what, balances, history))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("workload %s: %w", name, err)
	}
	return nil
}

func byKey(ctx context.Context, d db.DB, sql string) (map[int64]int64, error) {
	out := map[int64]int64{}
	err := load.Each(ctx, d, sql, func(row []any) error {
		k, err := load.Int(row[0])
		if err != nil {
			return err
		}
		out[k], err = load.Int(row[1])
		return err
	})
	return out, err
}

// compare returns an error that names one difference and counts the others; a missing key is 0.
func compare(what string, balances, history map[int64]int64) error {
	var first error
	differ := 0
	note := func(k int64) {
		if balances[k] == history[k] {
			return
		}
		if differ++; first == nil {
			first = fmt.Errorf("%s %d has a balance of %d, its history sums to %d", what, k, balances[k], history[k])
		}
	}
	for k := range balances {
		note(k)
	}
	for k := range history {
		if _, both := balances[k]; !both {
			note(k)
		}
	}
	if differ > 1 {
		return fmt.Errorf("%w, and %d more differ", first, differ-1)
	}
	return first
}
