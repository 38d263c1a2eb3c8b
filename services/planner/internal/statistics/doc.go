// Package statistics is phase 1 of planning: what is known of one query.
//
// It takes the tables' statistics as storage keeps them, the predicates of a query, and the measured row counts of
// sub-plans that history remembers; it gives estimates of row counts, each with its source. The rest of the planner asks
// Query for leaves and groups, and Joins for sets of relations.
//
// What a number comes from, strongest first: a measured execution of the same sub-plan (found by a canonical key that does
// not depend on the order of joins), a measured execution of a part of it, scaled; the predicates evaluated on a row
// sample; histograms, frequent values and distinct counts; textbook constants.
//
// Invariants:
//
//  1. Every estimate is finite and not negative; a selectivity lies in [0, 1].
//  2. The estimate of a set of relations does not depend on how the set was put together.
//  3. With feedback off nothing measured has any influence.
package statistics
