package tpcc

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/attunedb/attune/bench"
	"github.com/attunedb/attune/bench/workload/internal/draw"
)

// payment is the Payment transaction, clause 2.5.
func (t *terminal) payment(ctx context.Context, op *bench.Op) error {
	district := draw.Between(t.rng, 1, districts)
	w, d := t.home, district
	if remote := draw.Between(t.rng, 1, 100) > 85; remote && t.size.warehouses > 1 {
		w, d = t.otherWarehouse(), draw.Between(t.rng, 1, districts)
	}
	who := t.chooseCustomer(w, d)
	amount := draw.Between(t.rng, 1_00, 5000_00)
	err := t.s.Transact(ctx, op, func() error {
		op.Rows = 0
		return t.pay(ctx, op, district, who, amount)
	})
	t.w.payments.CountTransaction(1, err)
	return err
}

func (t *terminal) pay(ctx context.Context, op *bench.Op, district int64, who chosen, amount int64) error {
	id, err := t.find(ctx, op, who)
	if err != nil {
		return err
	}
	var warehouseName, districtName, credit string
	warehouse, hasWarehouse := one("warehouse", func(row []any) error { return text(row[0], &warehouseName) })
	districtRow, hasDistrict := one("district", func(row []any) error { return text(row[0], &districtName) })
	customer, hasCustomer := one("customer", func(row []any) error { return text(row[10], &credit) })
	err = t.do(ctx, op,
		t.s.Call(stmtPayWarehouse, warehouse, amount, t.home),
		t.s.Call(stmtPayDistrict, districtRow, amount, t.home, district),
		t.s.Call(stmtPayCustomer, customer, amount, who.w, who.d, id))
	if err != nil {
		return err
	}
	for _, check := range []func() error{hasWarehouse, hasDistrict, hasCustomer} {
		if err := check(); err != nil {
			return err
		}
	}
	history := t.s.Call(stmtInsertHistory, nil, id, who.d, who.w, district, t.home, time.Now().UTC(), amount, warehouseName+"    "+districtName)
	if strings.TrimSpace(credit) != "BC" {
		return t.do(ctx, op, history)
	}
	data := fmt.Sprintf("%d %d %d %d %d %d.%02d|", id, who.d, who.w, district, t.home, amount/100, amount%100)
	each, hasData := one("customer's data", func([]any) error { return nil })
	if err := t.do(ctx, op, t.s.Call(stmtPayBadCustomer, each, data, who.w, who.d, id), history); err != nil {
		return err
	}
	return hasData()
}

// text stores a value that is a string.
func text(v any, to *string) error {
	s, ok := v.(string)
	if !ok {
		return fmt.Errorf("a %T instead of a string", v)
	}
	*to = s
	return nil
}
