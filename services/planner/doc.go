// Package planner is the planner service: from SQL to the plan that runs.
//
// It owns no data. What it needs (the catalog, tables' statistics, measured row counts, the history of templates, the cost model) it
// keeps copies of, and plans on with the copies it has while their owners are away. Statements pass the five phases as packages of
// internal/, in this order: statistics, cost, rewrite and enumerate with physicalize, adapt, validate; internal/optimizer leads
// them through. The elected explorer tries plans in the background.
//
// Invariants:
//
//  1. A plan answers the statement as it was bound against one catalog snapshot, at least as new as the request asks for; the snapshot's
//     revision and the tables' versions go with it.
//  2. No model, statistic or feedback changes a result, only the way to it.
//  3. A statement that cannot be planned fails with an SQLSTATE and, where there is one, a position.
//  4. What history and the cost model say is waited for within a short bound; a planner without them plans with what it holds.
//  5. Everything that is kept has a bound, and every goroutine ends with Run.
package planner
