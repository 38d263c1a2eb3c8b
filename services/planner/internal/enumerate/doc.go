// Package enumerate chooses the order and the methods of joins: phase 3 of planning, after the rewrite rules.
//
// It takes a block, which is a tree of joins, filters and leaves in logical form, with what phase 1 knows of the leaves, and
// gives a tree of Paths: which relations are joined in which order, by which method, through which access path. Several
// Paths come out of one block, one for each way of looking at cardinalities.
//
// Orders are enumerated by DPhyp over a hypergraph. Outer, semi, anti and mark joins keep their meaning by the conflict rules of
// CD-C. Where DPhyp would take too long, a greedy order is improved by dynamic programming over its intervals.
//
// Invariants:
//
//  1. Every Path computes the same rows as the block, whatever the estimates.
//  2. Row estimates depend on the set of relations, not on the order in which they were joined.
//  3. The work is bounded by the pair budget and polynomial beyond it.
package enumerate
