// Package tpcc is TPC-C (Transaction Processing Performance Council, TPC Benchmark C, Standard Specification, Revision 5.11, 2010): the
// wholesale supplier, with its nine tables, population, five transactions and consistency conditions. cfg.Scale is the number of warehouses.
//
// It follows the specification's schema, cardinalities, non-uniform random numbers, transaction profiles and mix, including the new-orders
// that roll back. It is no audited TPC-C, and differs in that
//
//   - there is no keying and no think time, so warehouses are few for the load and contention is higher (clause 5.2.5);
//   - amounts are whole cents in bigint, and taxes and discounts whole hundredths of a percent in int, so that all databases add alike (1.3);
//   - terminals are workers: worker i has home warehouse i mod W + 1, and nothing is displayed;
//   - deliveries run at once instead of from a queue (2.7.2), all ten districts in one transaction;
//   - there are no foreign keys;
//   - stock rows of a new-order are changed in the order of their keys, which avoids deadlocks;
//   - what a specification calls "current date" is a fixed day in the population, so that the same seed gives the same data.
//
// Transactions ask for REPEATABLE READ; the statements are such that READ COMMITTED gives no lost update either. A transaction that
// meets a conflict begins anew with the same input.
//
// A scale below 1 is one warehouse with that share of items and customers: for tests, not for figures.
package tpcc
