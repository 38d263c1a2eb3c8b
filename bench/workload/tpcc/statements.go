package tpcc

import "fmt"

// The prepared statements of a connection. stmtStock is the first of ten, one per district, which differ in the column they read.
const (
	stmtWarehouse = iota
	stmtNextOrder
	stmtCustomerOrder
	stmtInsertOrder
	stmtInsertNewOrder
	stmtItem
	stmtInsertLine

	stmtPayWarehouse
	stmtPayDistrict
	stmtByName
	stmtPayCustomer
	stmtPayBadCustomer
	stmtInsertHistory

	stmtCustomerStatus
	stmtLastOrder
	stmtLines

	stmtOldest
	stmtDeleteNewOrder
	stmtCarrier
	stmtDeliverLines
	stmtOrderAmount
	stmtDeliverCustomer

	stmtDistrictNext
	stmtLowStock

	stmtStock
)

func statements() []string {
	out := make([]string, stmtStock+districts)
	for i, sql := range map[int]string{
		stmtWarehouse:      "SELECT w_tax FROM tpcc_warehouse WHERE w_id = $1",
		stmtNextOrder:      "UPDATE tpcc_district SET d_next_o_id = d_next_o_id + 1 WHERE d_w_id = $1 AND d_id = $2 RETURNING d_next_o_id - 1, d_tax",
		stmtCustomerOrder:  "SELECT c_discount, c_last, c_credit FROM tpcc_customer WHERE c_w_id = $1 AND c_d_id = $2 AND c_id = $3",
		stmtInsertOrder:    "INSERT INTO tpcc_orders (o_id, o_d_id, o_w_id, o_c_id, o_entry_d, o_ol_cnt, o_all_local) VALUES ($1, $2, $3, $4, $5, $6, $7)",
		stmtInsertNewOrder: "INSERT INTO tpcc_new_order (no_o_id, no_d_id, no_w_id) VALUES ($1, $2, $3)",
		stmtItem:           "SELECT i_price, i_name, i_data FROM tpcc_item WHERE i_id = $1",
		stmtInsertLine: "INSERT INTO tpcc_order_line (ol_o_id, ol_d_id, ol_w_id, ol_number, ol_i_id, ol_supply_w_id, ol_quantity, ol_amount, " +
			"ol_dist_info) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",

		stmtPayWarehouse: "UPDATE tpcc_warehouse SET w_ytd = w_ytd + $1 WHERE w_id = $2 " +
			"RETURNING w_name, w_street_1, w_street_2, w_city, w_state, w_zip",
		stmtPayDistrict: "UPDATE tpcc_district SET d_ytd = d_ytd + $1 WHERE d_w_id = $2 AND d_id = $3 " +
			"RETURNING d_name, d_street_1, d_street_2, d_city, d_state, d_zip",
		stmtByName: "SELECT c_id FROM tpcc_customer WHERE c_w_id = $1 AND c_d_id = $2 AND c_last = $3 ORDER BY c_first, c_id",
		stmtPayCustomer: "UPDATE tpcc_customer SET c_balance = c_balance - $1, c_ytd_payment = c_ytd_payment + $1, c_payment_cnt = c_payment_cnt + 1 " +
			"WHERE c_w_id = $2 AND c_d_id = $3 AND c_id = $4 " +
			"RETURNING c_first, c_middle, c_last, c_street_1, c_street_2, c_city, c_state, c_zip, c_phone, c_since, c_credit, c_credit_lim, " +
			"c_discount, c_balance",
		stmtPayBadCustomer: "UPDATE tpcc_customer SET c_data = substr($1 || c_data, 1, 500) WHERE c_w_id = $2 AND c_d_id = $3 AND c_id = $4 RETURNING c_data",
		stmtInsertHistory: "INSERT INTO tpcc_history (h_c_id, h_c_d_id, h_c_w_id, h_d_id, h_w_id, h_date, h_amount, h_data) " +
			"VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",

		stmtCustomerStatus: "SELECT c_balance, c_first, c_middle, c_last FROM tpcc_customer WHERE c_w_id = $1 AND c_d_id = $2 AND c_id = $3",
		stmtLastOrder: "SELECT o_id, o_entry_d, o_carrier_id FROM tpcc_orders WHERE o_w_id = $1 AND o_d_id = $2 AND o_c_id = $3 " +
			"ORDER BY o_id DESC LIMIT 1",
		stmtLines: "SELECT ol_i_id, ol_supply_w_id, ol_quantity, ol_amount, ol_delivery_d FROM tpcc_order_line " +
			"WHERE ol_w_id = $1 AND ol_d_id = $2 AND ol_o_id = $3",

		stmtOldest:         "SELECT no_o_id FROM tpcc_new_order WHERE no_w_id = $1 AND no_d_id = $2 ORDER BY no_o_id LIMIT 1",
		stmtDeleteNewOrder: "DELETE FROM tpcc_new_order WHERE no_w_id = $1 AND no_d_id = $2 AND no_o_id = $3",
		stmtCarrier:        "UPDATE tpcc_orders SET o_carrier_id = $1 WHERE o_w_id = $2 AND o_d_id = $3 AND o_id = $4 RETURNING o_c_id",
		stmtDeliverLines:   "UPDATE tpcc_order_line SET ol_delivery_d = $1 WHERE ol_w_id = $2 AND ol_d_id = $3 AND ol_o_id = $4",
		stmtOrderAmount:    "SELECT sum(ol_amount) FROM tpcc_order_line WHERE ol_w_id = $1 AND ol_d_id = $2 AND ol_o_id = $3",
		stmtDeliverCustomer: "UPDATE tpcc_customer SET c_balance = c_balance + $1, c_delivery_cnt = c_delivery_cnt + 1 " +
			"WHERE c_w_id = $2 AND c_d_id = $3 AND c_id = $4",

		stmtDistrictNext: "SELECT d_next_o_id FROM tpcc_district WHERE d_w_id = $1 AND d_id = $2",
		stmtLowStock: "SELECT count(DISTINCT s_i_id) FROM tpcc_order_line, tpcc_stock WHERE ol_w_id = $1 AND ol_d_id = $2 AND ol_o_id < $3 " +
			"AND ol_o_id >= $4 AND s_w_id = $1 AND s_i_id = ol_i_id AND s_quantity < $5",
	} {
		out[i] = sql
	}
	for d := range districts {
		out[stmtStock+d] = fmt.Sprintf("UPDATE tpcc_stock SET s_quantity = CASE WHEN s_quantity >= $1 + 10 THEN s_quantity - $1 "+
			"ELSE s_quantity - $1 + 91 END, s_ytd = s_ytd + $1, s_order_cnt = s_order_cnt + 1, s_remote_cnt = s_remote_cnt + $2 "+
			"WHERE s_w_id = $3 AND s_i_id = $4 RETURNING s_quantity, s_dist_%02d, s_data", d+1)
	}
	return out
}
