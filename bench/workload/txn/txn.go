// Package txn measures transactions: of one row, and across ranges of the key space, between rows far apart in one table or in two tables.
// Both read first and write what follows from what they read, so that a database that loses updates is found out by Check.
//
// Transactions ask for REPEATABLE READ and begin anew after a conflict.
package txn

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/attunedb/attune/bench"
	"github.com/attunedb/attune/bench/db"
	"github.com/attunedb/attune/bench/keydist"
	"github.com/attunedb/attune/bench/workload"
	"github.com/attunedb/attune/bench/workload/internal/draw"
	"github.com/attunedb/attune/bench/workload/internal/load"
	"github.com/attunedb/attune/bench/workload/internal/session"
)

// The names of the workloads.
const (
	SingleRow  = "txn-single-row"  // read a counter, write it one higher
	CrossRange = "txn-cross-range" // move an amount between two accounts in the two halves of one table
	CrossTable = "txn-cross-table" // move an amount between two accounts in two tables
)

// Names lists the workloads.
func Names() []string { return []string{SingleRow, CrossRange, CrossTable} }

const (
	opening   = 1000 // balance of an account before the run
	maxAmount = 100
)

const streamWorker = 1

type txn struct {
	cfg  bench.Config
	name string
	// keys is the number of rows of each table. The second table is "" unless the workload has two.
	keys          int64
	first, second string
	begin         int64 // value of each row before the run
	tally         session.Tally
}

// New returns the workload of this name over cfg.KeySpaceSize rows in all; keys are drawn by cfg.Distribution.
func New(cfg bench.Config, name string) (workload.Workload, error) {
	cfg = cfg.WithDefaults()
	w := &txn{cfg: cfg, name: name, keys: int64(cfg.KeySpaceSize), begin: opening}
	switch name {
	case SingleRow:
		w.first, w.begin = "txn_counter", 0
	case CrossRange:
		w.first = "txn_account"
	case CrossTable:
		w.first, w.second = "txn_left", "txn_right"
		w.keys /= 2
	default:
		return nil, fmt.Errorf("workload txn: no workload is named %q; there are %v", name, Names())
	}
	if cfg.KeySpaceSize < 2 || cfg.KeySpaceSize > 1<<40 {
		return nil, fmt.Errorf("workload %s: a key space of %d keys, want 2 to %d", name, cfg.KeySpaceSize, uint64(1)<<40)
	}
	if _, err := w.drawKeys(); err != nil {
		return nil, fmt.Errorf("workload %s: %w", name, err)
	}
	return w, nil
}

func (w *txn) drawKeys() (keydist.Keys, error) {
	n := uint64(w.keys)
	if w.name == CrossRange {
		n /= 2
	}
	return keydist.New(w.cfg.Distribution, keydist.NewSpace(n), keydist.Shape{Theta: w.cfg.Theta})
}

func (w *txn) Name() string { return w.name }

func (w *txn) Describe() string {
	end := fmt.Sprintf(" at REPEATABLE READ; keys drawn by the distribution %s; after a conflict it begins anew, at most %d times.",
		w.cfg.Distribution, session.MaxRetries)
	switch w.name {
	case SingleRow:
		return fmt.Sprintf("BEGIN, read one of %d counters, write it one higher, COMMIT,", w.keys) + end
	case CrossRange:
		return fmt.Sprintf("BEGIN, read two of %d accounts, half the key space apart, move an amount from one to the other, COMMIT,", w.keys) + end
	default:
		return fmt.Sprintf("BEGIN, read an account in each of two tables of %d, move an amount from one to the other, COMMIT,", w.keys) + end
	}
}

func (w *txn) tables() []string {
	return slices.DeleteFunc([]string{w.first, w.second}, func(t string) bool { return t == "" })
}

func (w *txn) Prepare(ctx context.Context, d db.DB, p workload.Loading) error {
	if err := session.NeedTransactions(w.name, d); err != nil {
		return err
	}
	if err := w.Drop(ctx, d); err != nil {
		return err
	}
	w.tally = session.Tally{}
	for _, table := range w.tables() {
		if err := load.Exec(ctx, d, "CREATE TABLE "+table+" (k bigint NOT NULL PRIMARY KEY, v bigint NOT NULL)"); err != nil {
			return err
		}
		err := load.Copy(ctx, d, p, table, []string{"k", "v"}, w.keys, func(r *load.Rows) error {
			for k := range w.keys {
				r.Int(k)
				r.Int(w.begin)
				if err := r.End(); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return load.Finish(ctx, d, w.tables())
}

func (w *txn) Drop(ctx context.Context, d db.DB) error { return load.Drop(ctx, d, w.tables()...) }

// The statements of a connection; those of the second account follow those of the first.
const (
	stmtRead = iota
	stmtWrite
	stmtReadSecond
	stmtWriteSecond
)

func (w *txn) Subject(ctx context.Context, d db.DB) (bench.Subject, error) {
	second := w.second
	if second == "" {
		second = w.first
	}
	o, err := session.NewOpener(ctx, d, w.cfg, session.Options{
		Workload: w.name,
		Statements: []string{
			stmtRead:        "SELECT v FROM " + w.first + " WHERE k = $1",
			stmtWrite:       "UPDATE " + w.first + " SET v = $1 WHERE k = $2",
			stmtReadSecond:  "SELECT v FROM " + second + " WHERE k = $1",
			stmtWriteSecond: "UPDATE " + second + " SET v = $1 WHERE k = $2",
		},
		Transactions: true,
		Snapshot:     true,
	})
	if err != nil {
		return nil, err
	}
	return &subject{w, o}, nil
}

type subject struct {
	w *txn
	o *session.Opener
}

func (s *subject) Kinds() []string {
	if s.w.name == SingleRow {
		return []string{"increment"}
	}
	return []string{"transfer"}
}

func (s *subject) Worker(ctx context.Context, id int) (bench.Worker, error) {
	keys, err := s.w.drawKeys()
	if err != nil {
		return nil, err
	}
	sess, err := s.o.Open(ctx, id)
	if err != nil {
		return nil, err
	}
	return &worker{w: s.w, s: sess, keys: keys, rng: draw.New(s.w.cfg.Seed, streamWorker, uint64(id))}, nil
}

type worker struct {
	w    *txn
	s    *session.Session
	rng  *rand.Rand
	keys keydist.Keys
}

func (k *worker) Close() error { return k.s.Close() }

func (k *worker) Run(ctx context.Context, ops []bench.Op) {
	for i := range ops {
		op := &ops[i]
		if k.w.name == SingleRow {
			op.Err = k.increment(ctx, op)
		} else {
			op.Err = k.transfer(ctx, op)
		}
		op.End = time.Now()
		k.w.tally.CountTransaction(1, op.Err)
	}
}

func (k *worker) increment(ctx context.Context, op *bench.Op) error {
	key := int64(k.keys.Next(k.rng))
	op.Rows = 1
	return k.s.Transact(ctx, op, func() error {
		var v int64
		read := k.s.Call(stmtRead, into(&v), key)
		if err := k.do(ctx, read); err != nil {
			return err
		}
		return k.do(ctx, k.s.Call(stmtWrite, nil, v+1, key))
	})
}

func (k *worker) transfer(ctx context.Context, op *bench.Op) error {
	first, second := int64(k.keys.Next(k.rng)), int64(k.keys.Next(k.rng))
	if k.w.name == CrossRange {
		second += k.w.keys / 2
	}
	amount := draw.Between(k.rng, -maxAmount, maxAmount)
	op.Rows = 2
	return k.s.Transact(ctx, op, func() error {
		var from, to int64
		if err := k.do(ctx, k.s.Call(stmtRead, into(&from), first), k.s.Call(stmtReadSecond, into(&to), second)); err != nil {
			return err
		}
		// No account is overdrawn.
		moved := max(min(amount, from), -to)
		return k.do(ctx, k.s.Call(stmtWrite, nil, from-moved, first), k.s.Call(stmtWriteSecond, nil, to+moved, second))
	})
}

// do runs calls that have one row each.
func (k *worker) do(ctx context.Context, calls ...db.Call) error {
	if err := k.s.Do(ctx, calls...); err != nil {
		return err
	}
	for i := range calls {
		if calls[i].Rows != 1 {
			return fmt.Errorf("%s: call %d with %v has %d rows, want one", k.w.name, i, calls[i].Args, calls[i].Rows)
		}
	}
	return nil
}

func into(to *int64) func(row []any) error {
	return func(row []any) (err error) {
		*to, err = load.Int(row[0])
		return err
	}
}

// Check verifies that all rows are there; that each increment that was acknowledged counts once; and that transfers have conserved the
// total and overdrawn no account.
func (w *txn) Check(ctx context.Context, d db.DB) error {
	total, rows, lowest := int64(0), int64(0), int64(0)
	for _, table := range w.tables() {
		v, err := load.Ints(ctx, d, "SELECT sum(v), count(*), min(v) FROM "+table)
		if err != nil {
			return err
		}
		total, rows, lowest = total+v[0], rows+v[1], min(lowest, v[2])
	}
	want := w.keys * int64(len(w.tables()))
	var errs []error
	if rows != want {
		errs = append(errs, fmt.Errorf("%d rows, want %d", rows, want))
	}
	if w.name == SingleRow {
		errs = append(errs, w.tally.Holds("increments", total))
	} else {
		if total != want*opening {
			errs = append(errs, fmt.Errorf("the accounts hold %d in total, want %d", total, want*opening))
		}
		if lowest < 0 {
			errs = append(errs, fmt.Errorf("an account holds %d", lowest))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("workload %s: %w", w.name, err)
	}
	return nil
}
