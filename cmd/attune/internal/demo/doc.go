// Package demo shows that Attune learns: it makes a data set whose statistics mislead, runs the same join queries round after
// round, once planned from statistics alone and once with what was learned, and reports what changed.
//
// # The data
//
// A shop with seven tables. Every trap in it is one that single-table statistics and samples cannot show, because the two
// halves of it lie in different tables: one member in a hundred places three purchases in five; a fortieth of the products
// fills most baskets, and these are made by one maker in a hundred; half of the members, in most of the regions, buy next to
// nothing. A filter on a small table then selects few of its rows and most of the facts, or most of its rows and
// hardly a fact. Some queries have no trap: learning must leave them alone.
//
// # The measurement
//
// In a round every query runs with attune.optimizer = static and = learned, one right after the other, and which is first
// alternates, so that noise and warm caches serve both alike. Short queries repeat, and the median of a round counts. Times are
// wall-clock times at the client, up to the last row.
// Between rounds the run waits, for a bounded time, until the background's work has come to rest.
//
// Invariant 1: a data set is a function of seed and scale alone.
// Invariant 2: every execution of a query, of either kind, in every round, must give the same rows in any order; the run is not
// valid otherwise.
package demo
