// Package demo shows that Attune learns: it loads a data set whose statistics mislead (bench/workload/shop), runs the same join queries round
// after round, once planned from statistics alone and once with what was learned, and reports what changed.
//
// # The measurement
//
// In a round every query runs with attune.optimizer = static and = learned, one right after the other, and which is first
// alternates, so that noise and warm caches serve both alike. Short queries repeat, and the median of a round counts. Times are
// wall-clock times at the client, up to the last row.
// Between rounds the run waits, for a bounded time, until the background's work has come to rest.
//
// Invariant: every execution of a query, of either kind, in every round, must give the same rows in any order; the run is not
// valid otherwise.
package demo
