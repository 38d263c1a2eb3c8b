package tpcc

import (
	"context"
	"errors"
	"fmt"

	"github.com/attunedb/attune/bench/db"
	"github.com/attunedb/attune/bench/workload/internal/load"
)

// condition is a consistency condition of clause 3.3.2 as a query for a row that violates it.
type condition struct {
	number int
	what   string
	sql    string
}

const (
	delivered = "SELECT o_w_id AS dw, o_d_id AS dd, o_c_id AS dc, sum(ol_amount) AS ds FROM tpcc_orders, tpcc_order_line " +
		"WHERE ol_w_id = o_w_id AND ol_d_id = o_d_id AND ol_o_id = o_id AND ol_delivery_d IS NOT NULL GROUP BY o_w_id, o_d_id, o_c_id"
	paid = "SELECT h_c_w_id AS pw, h_c_d_id AS pd, h_c_id AS pc, sum(h_amount) AS ps FROM tpcc_history GROUP BY h_c_w_id, h_c_d_id, h_c_id"
)

var conditions = []condition{
	{1, "W_YTD is the sum of its districts' D_YTD",
		"SELECT w_id, w_ytd, s FROM tpcc_warehouse LEFT JOIN (SELECT d_w_id, sum(d_ytd) AS s FROM tpcc_district GROUP BY d_w_id) t " +
			"ON d_w_id = w_id WHERE s IS NULL OR s <> w_ytd LIMIT 1"},
	{2, "D_NEXT_O_ID - 1 is the highest O_ID",
		"SELECT d_w_id, d_id, d_next_o_id, m FROM tpcc_district LEFT JOIN (SELECT o_w_id, o_d_id, max(o_id) AS m FROM tpcc_orders " +
			"GROUP BY o_w_id, o_d_id) t ON o_w_id = d_w_id AND o_d_id = d_id WHERE m IS NULL OR m <> d_next_o_id - 1 LIMIT 1"},
	{2, "D_NEXT_O_ID - 1 is the highest NO_O_ID",
		"SELECT d_w_id, d_id, d_next_o_id, m FROM tpcc_district JOIN (SELECT no_w_id, no_d_id, max(no_o_id) AS m FROM tpcc_new_order " +
			"GROUP BY no_w_id, no_d_id) t ON no_w_id = d_w_id AND no_d_id = d_id WHERE m <> d_next_o_id - 1 LIMIT 1"},
	{3, "the NO_O_ID of a district have no gap",
		"SELECT no_w_id, no_d_id, min(no_o_id), max(no_o_id), count(*) FROM tpcc_new_order GROUP BY no_w_id, no_d_id " +
			"HAVING max(no_o_id) - min(no_o_id) + 1 <> count(*) LIMIT 1"},
	{4, "the sum of O_OL_CNT of a district is its number of order lines",
		"SELECT o_w_id, o_d_id, s, n FROM (SELECT o_w_id, o_d_id, sum(o_ol_cnt) AS s FROM tpcc_orders GROUP BY o_w_id, o_d_id) a FULL JOIN " +
			"(SELECT ol_w_id, ol_d_id, count(*) AS n FROM tpcc_order_line GROUP BY ol_w_id, ol_d_id) b ON ol_w_id = o_w_id AND ol_d_id = o_d_id " +
			"WHERE s IS NULL OR n IS NULL OR s <> n LIMIT 1"},
	{5, "O_CARRIER_ID is NULL if and only if there is a row in NEW-ORDER",
		"SELECT o_w_id, o_d_id, o_id, no_o_id, o_carrier_id, no_w_id FROM tpcc_orders FULL JOIN tpcc_new_order " +
			"ON no_w_id = o_w_id AND no_d_id = o_d_id AND no_o_id = o_id " +
			"WHERE o_id IS NULL OR (o_carrier_id IS NULL AND no_o_id IS NULL) OR (o_carrier_id IS NOT NULL AND no_o_id IS NOT NULL) LIMIT 1"},
	{6, "O_OL_CNT is the order's number of lines",
		"SELECT o_w_id, o_d_id, o_id, o_ol_cnt, n FROM tpcc_orders LEFT JOIN (SELECT ol_w_id, ol_d_id, ol_o_id, count(*) AS n FROM tpcc_order_line " +
			"GROUP BY ol_w_id, ol_d_id, ol_o_id) t ON ol_w_id = o_w_id AND ol_d_id = o_d_id AND ol_o_id = o_id WHERE n IS NULL OR n <> o_ol_cnt LIMIT 1"},
	{7, "OL_DELIVERY_D is NULL if and only if O_CARRIER_ID is",
		"SELECT o_w_id, o_d_id, o_id, ol_number FROM tpcc_orders, tpcc_order_line WHERE ol_w_id = o_w_id AND ol_d_id = o_d_id AND ol_o_id = o_id AND " +
			"((ol_delivery_d IS NULL AND o_carrier_id IS NOT NULL) OR (ol_delivery_d IS NOT NULL AND o_carrier_id IS NULL)) LIMIT 1"},
	{8, "W_YTD is the sum of H_AMOUNT",
		"SELECT w_id, w_ytd, s FROM tpcc_warehouse LEFT JOIN (SELECT h_w_id, sum(h_amount) AS s FROM tpcc_history GROUP BY h_w_id) t " +
			"ON h_w_id = w_id WHERE s IS NULL OR s <> w_ytd LIMIT 1"},
	{9, "D_YTD is the sum of H_AMOUNT",
		"SELECT d_w_id, d_id, d_ytd, s FROM tpcc_district LEFT JOIN (SELECT h_w_id, h_d_id, sum(h_amount) AS s FROM tpcc_history " +
			"GROUP BY h_w_id, h_d_id) t ON h_w_id = d_w_id AND h_d_id = d_id WHERE s IS NULL OR s <> d_ytd LIMIT 1"},
	{10, "C_BALANCE is what was delivered less what was paid",
		"SELECT c_w_id, c_d_id, c_id, c_balance, ds, ps FROM tpcc_customer LEFT JOIN (" + delivered + ") d ON dw = c_w_id AND dd = c_d_id AND dc = c_id " +
			"LEFT JOIN (" + paid + ") p ON pw = c_w_id AND pd = c_d_id AND pc = c_id WHERE c_balance <> coalesce(ds, 0) - coalesce(ps, 0) LIMIT 1"},
	{11, "orders that are not new are those of the population and the deliveries",
		"SELECT o_w_id, o_d_id, o, n, v FROM (SELECT o_w_id, o_d_id, count(*) AS o FROM tpcc_orders GROUP BY o_w_id, o_d_id) a " +
			"LEFT JOIN (SELECT no_w_id, no_d_id, count(*) AS n FROM tpcc_new_order GROUP BY no_w_id, no_d_id) b ON no_w_id = o_w_id AND no_d_id = o_d_id " +
			"JOIN (SELECT c_w_id, c_d_id, sum(c_delivery_cnt) AS v FROM tpcc_customer GROUP BY c_w_id, c_d_id) c ON c_w_id = o_w_id AND c_d_id = o_d_id " +
			"WHERE o - coalesce(n, 0) <> v + $1 LIMIT 1"},
	{12, "C_BALANCE and C_YTD_PAYMENT sum to what was delivered",
		"SELECT c_w_id, c_d_id, c_id, c_balance, c_ytd_payment, ds FROM tpcc_customer LEFT JOIN (" + delivered + ") d " +
			"ON dw = c_w_id AND dd = c_d_id AND dc = c_id WHERE c_balance + c_ytd_payment <> coalesce(ds, 0) LIMIT 1"},
}

// Check verifies the twelve consistency conditions of clause 3.3.2, and that the database holds the orders and payments that were
// acknowledged. In condition 11 the deliveries of the run are counted, which the specification's 2,100 leaves out.
func (w *tpcc) Check(ctx context.Context, d db.DB) error {
	var errs []error
	for _, c := range conditions {
		bad, err := w.violation(ctx, d, c)
		if err != nil {
			return fmt.Errorf("workload %s: consistency condition %d: %w", name, c.number, err)
		}
		if bad != nil {
			errs = append(errs, fmt.Errorf("consistency condition %d does not hold (%s): row %v", c.number, c.what, bad))
		}
	}
	sums, err := load.Ints(ctx, d, "SELECT sum(d_next_o_id) FROM tpcc_district")
	if err != nil {
		return err
	}
	errs = append(errs, w.orders.Holds("orders", sums[0]-w.size.warehouses*districts*(w.size.customers+1)))
	if sums, err = load.Ints(ctx, d, "SELECT count(*) FROM tpcc_history"); err != nil {
		return err
	}
	errs = append(errs, w.payments.Holds("payments", sums[0]-w.size.warehouses*districts*w.size.customers))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("workload %s: %w", name, err)
	}
	return nil
}

// violation returns a row that violates a condition; nil if there is none.
func (w *tpcc) violation(ctx context.Context, d db.DB, c condition) (bad []any, err error) {
	var args []any
	if c.number == 11 {
		args = []any{w.size.delivered}
	}
	err = load.Each(ctx, d, c.sql, func(row []any) error {
		bad = append(bad, row...)
		return nil
	}, args...)
	return bad, err
}
