package tpcc

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/attunedb/attune/bench"
	"github.com/attunedb/attune/bench/workload/internal/dbtest"
	"github.com/attunedb/attune/bench/workload/internal/load"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

func TestScales(t *testing.T) {
	for _, scale := range []float64{-1, 1.5, 40_000} {
		if _, err := New(bench.Config{Scale: scale}); err == nil {
			t.Errorf("scale %g is accepted", scale)
		}
	}
	w, err := New(bench.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if s := w.(*tpcc).size; s != (sizes{warehouses: 1, items: 100_000, customers: 3000, names: 1000, delivered: 2100}) {
		t.Errorf("sizes %+v", s)
	}
}

func small(t *testing.T, warehouses int64, depth int) *tpcc {
	t.Helper()
	w, err := New(bench.Config{Scale: 0.01, Seed: 11, Threads: 4, PipelineDepth: depth})
	if err != nil {
		t.Fatal(err)
	}
	w.(*tpcc).size.warehouses = warehouses
	return w.(*tpcc)
}

func TestConsistency(t *testing.T) {
	d := dbtest.Open(t)
	ctx := t.Context()
	w := small(t, 2, 1)
	begin := time.Now()
	if err := w.Prepare(ctx, d, nil); err != nil {
		t.Fatal(err)
	}
	if err := w.Check(ctx, d); err != nil {
		t.Fatalf("after the load: %v", err)
	}
	t.Logf("loaded and checked after %s", time.Since(begin))
	s, err := w.Subject(ctx, d)
	if err != nil {
		t.Fatal(err)
	}
	runs := dbtest.Run(t, s, 4, 250, 1)
	counts := dbtest.Counts(t, s, runs)
	if counts["new_order"] < 380 || counts["delivery"] < 15 {
		t.Errorf("counts %v", counts)
	}
	t.Logf("%v, %d retries, after %s", counts, dbtest.Retries(runs), time.Since(begin))
	if err := w.Check(ctx, d); err != nil {
		t.Fatal(err)
	}
	if n := w.orders.Acknowledged.Load(); n > int64(counts["new_order"]) || n < int64(counts["new_order"])*95/100 {
		t.Errorf("%d orders of %d new-orders: 1 %% should have been rolled back", n, counts["new_order"])
	}
	tamper(t, w)

	// The same with statements sent together.
	w.cfg.PipelineDepth = 8
	if s, err = w.Subject(ctx, d); err != nil {
		t.Fatal(err)
	}
	dbtest.Counts(t, s, dbtest.Run(t, s, 4, 50, 8))
	if err := w.Check(ctx, d); err != nil {
		t.Fatal(err)
	}
	if err := w.Drop(ctx, d); err != nil {
		t.Fatal(err)
	}
}

// tamper changes one thing for each condition and wants it to be found, and found to be mended.
func tamper(t *testing.T, w *tpcc) {
	t.Helper()
	d := dbtest.Open(t)
	violated := func(number int) bool {
		found := false
		for _, c := range conditions {
			if c.number != number {
				continue
			}
			bad, err := w.violation(t.Context(), d, c)
			if err != nil {
				t.Fatal(err)
			}
			found = found || bad != nil
		}
		return found
	}
	for _, c := range []struct {
		condition    int
		change, undo string
	}{
		{1, "UPDATE tpcc_district SET d_ytd = d_ytd + 1 WHERE d_w_id = 2 AND d_id = 3",
			"UPDATE tpcc_district SET d_ytd = d_ytd - 1 WHERE d_w_id = 2 AND d_id = 3"},
		{2, "UPDATE tpcc_district SET d_next_o_id = d_next_o_id + 1 WHERE d_w_id = 1 AND d_id = 3",
			"UPDATE tpcc_district SET d_next_o_id = d_next_o_id - 1 WHERE d_w_id = 1 AND d_id = 3"},
		{3, "INSERT INTO tpcc_new_order (no_w_id, no_d_id, no_o_id) VALUES (1, 1, 1)",
			"DELETE FROM tpcc_new_order WHERE no_w_id = 1 AND no_d_id = 1 AND no_o_id = 1"},
		{4, "INSERT INTO tpcc_order_line SELECT 1, ol_d_id, ol_w_id, 99, ol_i_id, ol_supply_w_id, ol_delivery_d, 1, 0, ol_dist_info FROM tpcc_order_line " +
			"WHERE ol_w_id = 1 AND ol_d_id = 2 AND ol_o_id = 1 AND ol_number = 1",
			"DELETE FROM tpcc_order_line WHERE ol_w_id = 1 AND ol_d_id = 2 AND ol_o_id = 1 AND ol_number = 99"},
		{5, "UPDATE tpcc_orders SET o_carrier_id = NULL WHERE o_w_id = 1 AND o_d_id = 4 AND o_id = 1",
			"UPDATE tpcc_orders SET o_carrier_id = 1 WHERE o_w_id = 1 AND o_d_id = 4 AND o_id = 1"},
		{6, "UPDATE tpcc_orders SET o_ol_cnt = o_ol_cnt + CASE WHEN o_id = 1 THEN 1 ELSE -1 END WHERE o_w_id = 1 AND o_d_id = 4 AND o_id < 3",
			"UPDATE tpcc_orders SET o_ol_cnt = o_ol_cnt - CASE WHEN o_id = 1 THEN 1 ELSE -1 END WHERE o_w_id = 1 AND o_d_id = 4 AND o_id < 3"},
		{7, "UPDATE tpcc_order_line SET ol_delivery_d = NULL WHERE ol_w_id = 1 AND ol_d_id = 4 AND ol_o_id = 1 AND ol_number = 2",
			"UPDATE tpcc_order_line SET ol_delivery_d = '2026-01-01' WHERE ol_w_id = 1 AND ol_d_id = 4 AND ol_o_id = 1 AND ol_number = 2"},
		{8, "UPDATE tpcc_warehouse SET w_ytd = w_ytd + 1 WHERE w_id = 1", "UPDATE tpcc_warehouse SET w_ytd = w_ytd - 1 WHERE w_id = 1"},
		{9, "UPDATE tpcc_history SET h_d_id = h_d_id + 1 WHERE h_w_id = 1 AND h_d_id = 1 AND h_c_id = 1 AND h_amount = 1000 AND h_c_w_id = 1",
			"UPDATE tpcc_history SET h_d_id = h_d_id - 1 WHERE h_w_id = 1 AND h_d_id = 2 AND h_c_d_id = 1 AND h_c_id = 1 AND h_amount = 1000 AND h_c_w_id = 1"},
		{10, "UPDATE tpcc_customer SET c_balance = c_balance + 1 WHERE c_w_id = 1 AND c_d_id = 1 AND c_id = 7",
			"UPDATE tpcc_customer SET c_balance = c_balance - 1 WHERE c_w_id = 1 AND c_d_id = 1 AND c_id = 7"},
		{11, "UPDATE tpcc_customer SET c_delivery_cnt = c_delivery_cnt + 1 WHERE c_w_id = 1 AND c_d_id = 1 AND c_id = 7",
			"UPDATE tpcc_customer SET c_delivery_cnt = c_delivery_cnt - 1 WHERE c_w_id = 1 AND c_d_id = 1 AND c_id = 7"},
		{12, "UPDATE tpcc_customer SET c_ytd_payment = c_ytd_payment + 1 WHERE c_w_id = 1 AND c_d_id = 1 AND c_id = 7",
			"UPDATE tpcc_customer SET c_ytd_payment = c_ytd_payment - 1 WHERE c_w_id = 1 AND c_d_id = 1 AND c_id = 7"},
	} {
		if err := load.Exec(t.Context(), d, c.change); err != nil {
			t.Fatal(err)
		}
		if !violated(c.condition) {
			t.Errorf("after %s condition %d holds", c.change, c.condition)
		}
		if c.condition == 8 {
			if err := w.Check(t.Context(), d); err == nil || !strings.Contains(err.Error(), "condition 8 does not hold") {
				t.Errorf("after %s the check says %v", c.change, err)
			}
		}
		if err := load.Exec(t.Context(), d, c.undo); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Check(t.Context(), d); err != nil {
		t.Errorf("after all was undone: %v", err)
	}
}
