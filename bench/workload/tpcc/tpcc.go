package tpcc

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/attunedb/attune/bench"
	"github.com/attunedb/attune/bench/db"
	"github.com/attunedb/attune/bench/workload"
	"github.com/attunedb/attune/bench/workload/internal/draw"
	"github.com/attunedb/attune/bench/workload/internal/load"
	"github.com/attunedb/attune/bench/workload/internal/session"
)

const name = "tpcc"

// The kinds of operations. NewOrder per minute is the specification's tpmC; the intended rollbacks count as new-orders (clause 5.4.2).
const (
	NewOrder = iota
	Payment
	OrderStatus
	Delivery
	StockLevel
)

var kinds = []string{"new_order", "payment", "order_status", "delivery", "stock_level"}

// mix is the share of each kind in percent, clause 5.2.3: the least that it allows, and new-orders for the rest.
var mix = [...]int64{NewOrder: 45, Payment: 43, OrderStatus: 4, Delivery: 4, StockLevel: 4}

type tpcc struct {
	cfg  bench.Config
	size sizes
	c    constants
	// orders and payments of the run since Prepare; rollbacks are not orders.
	orders, payments session.Tally
}

// New returns the workload with cfg.Scale warehouses.
func New(cfg bench.Config) (workload.Workload, error) {
	scale := cfg.Scale
	if scale == 0 {
		scale = 1
	}
	if scale < 0 || scale > 1 && scale != math.Trunc(scale) || scale > math.MaxInt16 {
		return nil, fmt.Errorf("workload %s: scale %g: it is the number of warehouses, a whole number, or below 1 for tests", name, cfg.Scale)
	}
	return &tpcc{cfg: cfg, size: newSizes(scale), c: newConstants(cfg.Seed)}, nil
}

func (w *tpcc) Name() string { return name }

func (w *tpcc) Describe() string {
	s := fmt.Sprintf("TPC-C (rev. 5.11) with %d warehouses, no keying and think time, amounts in whole cents, the mix 45/43/4/4/4 and 1 %% of new-orders "+
		"rolled back; transactions ask for REPEATABLE READ and begin anew after a conflict, at most %d times. Not an audited result.",
		w.size.warehouses, session.MaxRetries)
	if w.size.items < fullItems {
		s += fmt.Sprintf(" Reduced for tests to %d items and %d customers per district.", w.size.items, w.size.customers)
	}
	return s
}

func (w *tpcc) Prepare(ctx context.Context, d db.DB, p workload.Loading) error {
	if err := session.NeedTransactions(name, d); err != nil {
		return err
	}
	if err := w.Drop(ctx, d); err != nil {
		return err
	}
	if err := load.Exec(ctx, d, create...); err != nil {
		return err
	}
	w.orders, w.payments = session.Tally{}, session.Tally{}
	g := &generator{sizes: w.size, seed: w.cfg.Seed, c: w.c}
	if err := g.load(ctx, d, p); err != nil {
		return err
	}
	return load.Finish(ctx, d, tables, indexes...)
}

func (w *tpcc) Drop(ctx context.Context, d db.DB) error { return load.Drop(ctx, d, tables...) }

func (w *tpcc) Subject(ctx context.Context, d db.DB) (bench.Subject, error) {
	o, err := session.NewOpener(ctx, d, w.cfg, session.Options{Workload: name, Statements: statements(), Transactions: true, Snapshot: true})
	if err != nil {
		return nil, err
	}
	return &subject{w, o}, nil
}

type subject struct {
	w *tpcc
	o *session.Opener
}

func (s *subject) Kinds() []string { return kinds }

func (s *subject) Worker(ctx context.Context, id int) (bench.Worker, error) {
	sess, err := s.o.Open(ctx, id)
	if err != nil {
		return nil, err
	}
	n := int64(id)
	return &terminal{
		w: s.w, size: s.w.size, c: s.w.c, s: sess,
		rng:      draw.New(s.w.cfg.Seed, streamWorker, uint64(id)),
		home:     n%s.w.size.warehouses + 1,
		district: n/s.w.size.warehouses%districts + 1,
	}, nil
}

// terminal is a worker: it has a home warehouse, and a district that its stock-level transactions look at (clause 2.8.1.1).
type terminal struct {
	w              *tpcc
	size           sizes
	c              constants
	s              *session.Session
	rng            *rand.Rand
	home, district int64
}

func (t *terminal) Close() error { return t.s.Close() }

func (t *terminal) Run(ctx context.Context, ops []bench.Op) {
	for i := range ops {
		op := &ops[i]
		op.Kind = choose(t.rng)
		switch op.Kind {
		case NewOrder:
			op.Err = t.newOrder(ctx, op)
		case Payment:
			op.Err = t.payment(ctx, op)
		case OrderStatus:
			op.Err = t.orderStatus(ctx, op)
		case Delivery:
			op.Err = t.delivery(ctx, op)
		case StockLevel:
			op.Err = t.stockLevel(ctx, op)
		}
		if op.Err != nil {
			op.Err = fmt.Errorf("%s: %w", kinds[op.Kind], op.Err)
		}
		op.End = time.Now()
	}
}

// choose draws a kind by the mix.
func choose(r *rand.Rand) int {
	n := r.Int64N(100)
	for kind, share := range mix {
		if n -= share; n < 0 {
			return kind
		}
	}
	return NewOrder
}

// do runs calls within the transaction and counts their rows.
func (t *terminal) do(ctx context.Context, op *bench.Op, calls ...db.Call) error {
	err := t.s.Do(ctx, calls...)
	for i := range calls {
		op.Rows += calls[i].Rows
	}
	return err
}

// otherWarehouse is any but the home warehouse; there is more than one.
func (t *terminal) otherWarehouse() int64 {
	w := draw.Between(t.rng, 1, t.size.warehouses-1)
	if w >= t.home {
		w++
	}
	return w
}

func (t *terminal) drawCustomer() int64 {
	return nurand(t.rng, rangeCustomer, t.c.customer, 1, t.size.customers)
}

// chosen is how a transaction names its customer: by last name, or if that is empty by number.
type chosen struct {
	w, d, id int64
	last     string
}

// chooseCustomer names a customer of a district, in 60 of 100 cases by last name (clauses 2.5.1.2 and 2.6.1.2).
func (t *terminal) chooseCustomer(w, d int64) chosen {
	c := chosen{w: w, d: d}
	if draw.Between(t.rng, 1, 100) <= 60 {
		c.last = lastName(nurand(t.rng, rangeLast, t.c.lastRun, 0, t.size.names-1))
	} else {
		c.id = t.drawCustomer()
	}
	return c
}

// find returns the customer's number: of those with the last name, ordered by first name, the one in the middle, rounded up.
func (t *terminal) find(ctx context.Context, op *bench.Op, c chosen) (int64, error) {
	if c.last == "" {
		return c.id, nil
	}
	var ids []int64
	err := t.do(ctx, op, t.s.Call(stmtByName, func(row []any) error {
		id, err := load.Int(row[0])
		ids = append(ids, id)
		return err
	}, c.w, c.d, c.last))
	if err != nil {
		return 0, err
	}
	if len(ids) == 0 {
		return 0, fmt.Errorf("warehouse %d, district %d has no customer with the last name %s", c.w, c.d, c.last)
	}
	return ids[(len(ids)+1)/2-1], nil
}

// one calls f with the only row of a call, and fails if there is another or none.
func one(what string, f func(row []any) error) (each func(row []any) error, check func() error) {
	n := 0
	return func(row []any) error {
			n++
			return f(row)
		}, func() error {
			if n != 1 {
				return fmt.Errorf("%s: %d rows, want one", what, n)
			}
			return nil
		}
}
