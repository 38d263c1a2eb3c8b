// Package optimizer takes a statement through the five phases (statistics, cost, rules, adaptation, validation) and gives the plan to
// run, with its account of how it came about.
//
// It holds no connection: tables' statistics, measured row counts, the history of templates and the model come through small
// interfaces, each of which may be absent. Without history there is no guard to ask, and the best candidate runs.
package optimizer
