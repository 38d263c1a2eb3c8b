// Package rewrite turns a bound plan into an equal one that is cheaper whatever the data: phase 3's rules.
//
// Each rule is a file rule_<identifier>.go; the identifier names it in EXPLAIN, settings (attune.rules.<identifier>), tests and
// metrics. A rule's comment says what it does, why the result is the same, and a statement for which a careless version is wrong.
//
// What Apply returns, whichever rules are on:
//
//  1. There is no Apply and no column is named that no input gives.
//  2. Join kinds are inner, left, full, semi, anti and mark; never right.
//  3. No rule used the value of a literal with a slot: the plan is right for every statement of the template.
//
// and with push_filters and prune_columns on:
//
//  4. Conditions of inner joins and filters stand at the lowest place that has their columns: on the join, or in one Filter
//     directly above a leaf. Column-free conditions go down the left side.
//  5. Scans, values and references to common table expressions give only columns that something needs. A Project stands only where something is
//     computed, or where the order of columns matters: at the root, below set operations and as a definition of a With.
//
// A mark or anti join with NullAware compares in three-valued logic: the mark is the OR over the right rows of On, and
// the anti join passes the rows for which that OR is false. Without NullAware a mark is never NULL.
//
// Implied equalities among inner joins (a = b and b = c, so a = c) are left to the enumeration, which works on classes of equal columns.
package rewrite
