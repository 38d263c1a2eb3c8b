package tpcc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/attunedb/attune/bench"
	"github.com/attunedb/attune/bench/db"
	"github.com/attunedb/attune/bench/workload/internal/draw"
	"github.com/attunedb/attune/bench/workload/internal/load"
	"github.com/attunedb/attune/bench/workload/internal/session"
)

// line is a line of an order, with what the transaction reads of its item and stock.
type line struct {
	number, item, supply, quantity int64

	found        bool
	price        int64
	distInfo     string
	itemOriginal bool
	brand        byte // 'B' if item and stock are "ORIGINAL", else 'G'
}

// orderInput is what a terminal enters, clause 2.4.1.
type orderInput struct {
	district, customer int64
	lines              []line // by their number
	local              int64  // O_ALL_LOCAL
	rollback           bool
}

func (t *terminal) drawOrder() orderInput {
	in := orderInput{
		district: draw.Between(t.rng, 1, districts),
		customer: t.drawCustomer(),
		lines:    make([]line, draw.Between(t.rng, minLines, maxLines)),
		local:    1,
		rollback: draw.Between(t.rng, 1, 100) == 1,
	}
	for i := range in.lines {
		l := line{number: int64(i) + 1, supply: t.home, quantity: draw.Between(t.rng, 1, 10)}
		l.item = nurand(t.rng, rangeItem, t.c.item, 1, t.size.items)
		if t.size.warehouses > 1 && draw.Between(t.rng, 1, 100) == 1 {
			l.supply, in.local = t.otherWarehouse(), 0
		}
		in.lines[i] = l
	}
	if in.rollback {
		// An item that is not there, in the last line.
		in.lines[len(in.lines)-1].item = t.size.items + 1
	}
	return in
}

// newOrder is the New-Order transaction, clause 2.4.
func (t *terminal) newOrder(ctx context.Context, op *bench.Op) error {
	in := t.drawOrder()
	err := t.s.Transact(ctx, op, func() error {
		op.Rows = 0
		err := t.enterOrder(ctx, op, in)
		if db.SQLState(err) == "23505" {
			// The order's number is d_next_o_id, so it can be taken only by a transaction that was at the same district at the same time:
			// a database that looks for conflicts at commit may meet that one's rows first.
			err = errors.Join(session.ErrAgain, err)
		}
		return err
	})
	if !in.rollback {
		t.w.orders.CountTransaction(1, err)
	}
	return err
}

func (t *terminal) enterOrder(ctx context.Context, op *bench.Op, in orderInput) error {
	var wTax, dTax, orderID, discount int64
	warehouse, hasWarehouse := one("warehouse", func(row []any) (err error) { wTax, err = load.Int(row[0]); return err })
	customer, hasCustomer := one("customer", func(row []any) (err error) { discount, err = load.Int(row[0]); return err })
	district, hasDistrict := one("district", func(row []any) (err error) {
		if orderID, err = load.Int(row[0]); err != nil {
			return err
		}
		dTax, err = load.Int(row[1])
		return err
	})
	calls := []db.Call{
		t.s.Call(stmtWarehouse, warehouse, t.home),
		t.s.Call(stmtCustomerOrder, customer, t.home, in.district, in.customer),
		t.s.Call(stmtNextOrder, district, t.home, in.district),
	}
	lines := slices.Clone(in.lines)
	for i := range lines {
		l := &lines[i]
		calls = append(calls, t.s.Call(stmtItem, func(row []any) (err error) {
			l.found = true
			l.itemOriginal = containsOriginal(row[2])
			l.price, err = load.Int(row[0])
			return err
		}, l.item))
	}
	if err := t.do(ctx, op, calls...); err != nil {
		return err
	}
	for _, check := range []func() error{hasWarehouse, hasCustomer, hasDistrict} {
		if err := check(); err != nil {
			return err
		}
	}

	calls = append(calls[:0],
		t.s.Call(stmtInsertOrder, nil, orderID, in.district, t.home, in.customer, time.Now().UTC(), int64(len(lines)), in.local),
		t.s.Call(stmtInsertNewOrder, nil, orderID, in.district, t.home))
	lines, missing := inStockOrder(lines)
	for i := range lines {
		calls = append(calls, t.stockCall(in.district, &lines[i]))
	}
	if err := t.do(ctx, op, calls...); err != nil {
		return err
	}

	total := int64(0)
	calls = calls[:0]
	for i := range lines {
		l := &lines[i]
		if l.brand == 0 {
			return fmt.Errorf("warehouse %d has no stock of item %d", l.supply, l.item)
		}
		amount := l.quantity * l.price
		total += amount
		calls = append(calls, t.s.Call(stmtInsertLine, nil,
			orderID, in.district, t.home, l.number, l.item, l.supply, l.quantity, amount, l.distInfo))
	}
	if err := t.do(ctx, op, calls...); err != nil {
		return err
	}
	// The total is for the terminal's display alone; nothing stores it.
	_ = total * (100_00 - discount) / 100_00 * (100_00 + wTax + dTax) / 100_00
	if missing {
		return session.ErrAbandon
	}
	return nil
}

// inStockOrder takes out the line whose item is not there, and orders the others by their stock rows.
func inStockOrder(lines []line) (found []line, missing bool) {
	all := len(lines)
	found = slices.DeleteFunc(lines, func(l line) bool { return !l.found })
	missing = len(found) < all
	slices.SortFunc(found, func(a, b line) int {
		return cmp.Or(cmp.Compare(a.supply, b.supply), cmp.Compare(a.item, b.item), cmp.Compare(a.number, b.number))
	})
	return found, missing
}

func containsOriginal(v any) bool {
	s, ok := v.(string)
	return ok && strings.Contains(s, original)
}

func (t *terminal) stockCall(district int64, l *line) db.Call {
	remote := int64(0)
	if l.supply != t.home {
		remote = 1
	}
	return t.s.Call(stmtStock+int(district)-1, func(row []any) error {
		s, ok := row[1].(string)
		if !ok {
			return fmt.Errorf("s_dist_%02d is a %T", district, row[1])
		}
		l.distInfo = s
		l.brand = 'G'
		if l.itemOriginal && containsOriginal(row[2]) {
			l.brand = 'B'
		}
		return nil
	}, l.quantity, remote, l.supply, l.item)
}
