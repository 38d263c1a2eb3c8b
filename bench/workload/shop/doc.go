// Package shop is a data set that misleads statistics, and queries over it: what `attune demo` runs.
//
// A shop with seven tables. Every trap in it is one that single-table statistics and samples cannot show, because the two
// halves of it lie in different tables: one member in a hundred places three purchases in five; a fortieth of the products
// fills most baskets, and these are made by one maker in a hundred; half of the members, in most of the regions, buy next to
// nothing. A filter on a small table then selects few of its rows and most of the facts, or most of its rows and
// hardly a fact. Some queries have no trap: learning must leave them alone.
//
// Invariant: a data set is a function of seed and scale alone.
package shop
