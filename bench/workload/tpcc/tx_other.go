package tpcc

import (
	"context"
	"fmt"
	"time"

	"github.com/attunedb/attune/bench"
	"github.com/attunedb/attune/bench/workload/internal/draw"
	"github.com/attunedb/attune/bench/workload/internal/load"
	"github.com/attunedb/attune/bench/workload/internal/session"
)

// stockOrders is how many last orders a stock-level transaction looks at.
const stockOrders = 20

// orderStatus is the Order-Status transaction, clause 2.6.
func (t *terminal) orderStatus(ctx context.Context, op *bench.Op) error {
	who := t.chooseCustomer(t.home, draw.Between(t.rng, 1, districts))
	return t.s.Transact(ctx, op, func() error {
		op.Rows = 0
		id, err := t.find(ctx, op, who)
		if err != nil {
			return err
		}
		customer, hasCustomer := one("customer", func([]any) error { return nil })
		var order int64
		last, hasOrder := one("customer's last order", func(row []any) (err error) { order, err = load.Int(row[0]); return err })
		err = t.do(ctx, op,
			t.s.Call(stmtCustomerStatus, customer, who.w, who.d, id),
			t.s.Call(stmtLastOrder, last, who.w, who.d, id))
		if err != nil {
			return err
		}
		if err := hasCustomer(); err != nil {
			return err
		}
		// Each customer has an order from the population on.
		if err := hasOrder(); err != nil {
			return err
		}
		lines := 0
		if err := t.do(ctx, op, t.s.Call(stmtLines, func([]any) error { lines++; return nil }, who.w, who.d, order)); err != nil {
			return err
		}
		if lines < minLines || lines > maxLines {
			return fmt.Errorf("order %d of warehouse %d, district %d has %d lines", order, who.w, who.d, lines)
		}
		return nil
	})
}

// delivery is the Delivery transaction, clause 2.7: the oldest new order of each district.
func (t *terminal) delivery(ctx context.Context, op *bench.Op) error {
	carrier := draw.Between(t.rng, 1, 10)
	return t.s.Transact(ctx, op, func() error {
		op.Rows = 0
		for d := int64(1); d <= districts; d++ {
			if err := t.deliver(ctx, op, d, carrier); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *terminal) deliver(ctx context.Context, op *bench.Op, d, carrier int64) error {
	var order int64
	err := t.do(ctx, op, t.s.Call(stmtOldest, func(row []any) (err error) { order, err = load.Int(row[0]); return err }, t.home, d))
	if err != nil || order == 0 {
		// A district without new orders is skipped, clause 2.7.4.2.
		return err
	}
	var customer, amount int64
	who, hasOrder := one("order", func(row []any) (err error) { customer, err = load.Int(row[0]); return err })
	sum, hasLines := one("sum of an order's lines", func(row []any) (err error) { amount, err = load.Int(row[0]); return err })
	before := op.Rows
	if err := t.do(ctx, op, t.s.Call(stmtDeleteNewOrder, nil, t.home, d, order)); err != nil {
		return err
	}
	if op.Rows != before+1 {
		// Below snapshot isolation, another delivery may have taken it since it was read.
		return session.ErrAgain
	}
	err = t.do(ctx, op,
		t.s.Call(stmtCarrier, who, carrier, t.home, d, order),
		t.s.Call(stmtDeliverLines, nil, time.Now().UTC(), t.home, d, order),
		t.s.Call(stmtOrderAmount, sum, t.home, d, order))
	if err != nil {
		return err
	}
	if err := hasOrder(); err != nil {
		return err
	}
	if err := hasLines(); err != nil {
		return err
	}
	return t.do(ctx, op, t.s.Call(stmtDeliverCustomer, nil, amount, t.home, d, customer))
}

// stockLevel is the Stock-Level transaction, clause 2.8: how many items of the last 20 orders of a district are low in stock.
func (t *terminal) stockLevel(ctx context.Context, op *bench.Op) error {
	threshold := draw.Between(t.rng, 10, 20)
	return t.s.Transact(ctx, op, func() error {
		op.Rows = 0
		var next int64
		district, hasDistrict := one("district", func(row []any) (err error) { next, err = load.Int(row[0]); return err })
		if err := t.do(ctx, op, t.s.Call(stmtDistrictNext, district, t.home, t.district)); err != nil {
			return err
		}
		if err := hasDistrict(); err != nil {
			return err
		}
		count, hasCount := one("count of items", func([]any) error { return nil })
		err := t.do(ctx, op, t.s.Call(stmtLowStock, count, t.home, t.district, next, next-stockOrders, threshold))
		if err != nil {
			return err
		}
		return hasCount()
	})
}
