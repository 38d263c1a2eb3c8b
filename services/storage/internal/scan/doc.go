// Package scan reads spans and keys of tables and indexes into column batches, as of a snapshot and with a transaction's own
// writes on top, and applies what was pushed down: projection, Bloom filters, condition, limit.
//
// Only the columns that are asked for are decoded. A secondary index that does not hold all of them is walked for primary keys,
// whose rows are then fetched a batch at a time in key order.
package scan
