package tpcc

// Tables, clause 1.3. Names have a prefix, since the specification's are everybody's.
var tables = []string{
	"tpcc_order_line", "tpcc_new_order", "tpcc_orders", "tpcc_history", "tpcc_stock", "tpcc_customer", "tpcc_district", "tpcc_warehouse", "tpcc_item",
}

var create = []string{
	`CREATE TABLE tpcc_item (
	i_id int PRIMARY KEY, i_im_id int NOT NULL, i_name varchar(24) NOT NULL, i_price bigint NOT NULL, i_data varchar(50) NOT NULL)`,
	`CREATE TABLE tpcc_warehouse (
	w_id int PRIMARY KEY, w_name varchar(10) NOT NULL, w_street_1 varchar(20) NOT NULL, w_street_2 varchar(20) NOT NULL, w_city varchar(20) NOT NULL,
	w_state char(2) NOT NULL, w_zip char(9) NOT NULL, w_tax int NOT NULL, w_ytd bigint NOT NULL)`,
	`CREATE TABLE tpcc_district (
	d_id int NOT NULL, d_w_id int NOT NULL, d_name varchar(10) NOT NULL, d_street_1 varchar(20) NOT NULL, d_street_2 varchar(20) NOT NULL,
	d_city varchar(20) NOT NULL, d_state char(2) NOT NULL, d_zip char(9) NOT NULL, d_tax int NOT NULL, d_ytd bigint NOT NULL, d_next_o_id int NOT NULL,
	PRIMARY KEY (d_w_id, d_id))`,
	`CREATE TABLE tpcc_customer (
	c_id int NOT NULL, c_d_id int NOT NULL, c_w_id int NOT NULL, c_first varchar(16) NOT NULL, c_middle char(2) NOT NULL, c_last varchar(16) NOT NULL,
	c_street_1 varchar(20) NOT NULL, c_street_2 varchar(20) NOT NULL, c_city varchar(20) NOT NULL, c_state char(2) NOT NULL, c_zip char(9) NOT NULL,
	c_phone char(16) NOT NULL, c_since timestamp NOT NULL, c_credit char(2) NOT NULL, c_credit_lim bigint NOT NULL, c_discount int NOT NULL,
	c_balance bigint NOT NULL, c_ytd_payment bigint NOT NULL, c_payment_cnt int NOT NULL, c_delivery_cnt int NOT NULL, c_data varchar(500) NOT NULL,
	PRIMARY KEY (c_w_id, c_d_id, c_id))`,
	`CREATE TABLE tpcc_history (
	h_c_id int NOT NULL, h_c_d_id int NOT NULL, h_c_w_id int NOT NULL, h_d_id int NOT NULL, h_w_id int NOT NULL, h_date timestamp NOT NULL,
	h_amount bigint NOT NULL, h_data varchar(24) NOT NULL)`,
	`CREATE TABLE tpcc_stock (
	s_i_id int NOT NULL, s_w_id int NOT NULL, s_quantity int NOT NULL, s_dist_01 char(24) NOT NULL, s_dist_02 char(24) NOT NULL,
	s_dist_03 char(24) NOT NULL, s_dist_04 char(24) NOT NULL, s_dist_05 char(24) NOT NULL, s_dist_06 char(24) NOT NULL, s_dist_07 char(24) NOT NULL,
	s_dist_08 char(24) NOT NULL, s_dist_09 char(24) NOT NULL, s_dist_10 char(24) NOT NULL, s_ytd bigint NOT NULL, s_order_cnt int NOT NULL,
	s_remote_cnt int NOT NULL, s_data varchar(50) NOT NULL,
	PRIMARY KEY (s_w_id, s_i_id))`,
	`CREATE TABLE tpcc_orders (
	o_id int NOT NULL, o_d_id int NOT NULL, o_w_id int NOT NULL, o_c_id int NOT NULL, o_entry_d timestamp NOT NULL, o_carrier_id int,
	o_ol_cnt int NOT NULL, o_all_local int NOT NULL,
	PRIMARY KEY (o_w_id, o_d_id, o_id))`,
	`CREATE TABLE tpcc_new_order (
	no_o_id int NOT NULL, no_d_id int NOT NULL, no_w_id int NOT NULL,
	PRIMARY KEY (no_w_id, no_d_id, no_o_id))`,
	`CREATE TABLE tpcc_order_line (
	ol_o_id int NOT NULL, ol_d_id int NOT NULL, ol_w_id int NOT NULL, ol_number int NOT NULL, ol_i_id int NOT NULL, ol_supply_w_id int NOT NULL,
	ol_delivery_d timestamp, ol_quantity int NOT NULL, ol_amount bigint NOT NULL, ol_dist_info char(24) NOT NULL,
	PRIMARY KEY (ol_w_id, ol_d_id, ol_o_id, ol_number))`,
}

// indexes follow the load: for customers by last name, and for a customer's last order.
var indexes = []string{
	"CREATE INDEX tpcc_customer_last ON tpcc_customer (c_w_id, c_d_id, c_last, c_first)",
	"CREATE INDEX tpcc_orders_customer ON tpcc_orders (o_w_id, o_d_id, o_c_id, o_id)",
}

// Numbers of random streams: a worker's is streamWorker and its number, a table's is followed by what it is a part of.
const (
	streamWorker = iota
	streamConstants
	streamItem
	streamWarehouse
	streamDistrict
	streamCustomer
	streamHistory
	streamStock
	streamOrders
	streamOrderLine
)
