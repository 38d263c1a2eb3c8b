// Package analysis reads profiles of processes and says what holds each of them up.
//
// Analyze takes what every process measured of itself in the same span of time and finds, by a table of rules, one verdict per process
// (what it is bound by, or that it is idle), further findings (a leak, a chatty peer, a hot key, a bad plan), and for each finding the
// evidence, the call path, peer or template it is about, and what to do about it. Compare sets two profiles against each other.
//
// A rule is a verb phrase and a file, rule_*.go. It documents its thresholds as constants, why a process for which it fires has that
// problem, and a counter-example for which it must not fire.
//
// Scores can be compared: the score of a bottleneck is the share, among the goroutines that ran or waited for something that is
// scarce, of those that were held up by it. Eight goroutines of which one computes and seven wait for its lock are lock-bound with 7/8.
//
// Invariants:
//
//  1. Analyze does no I/O, changes nothing of its input and gives the same report for the same input.
//  2. A finding carries at least one figure with the threshold that it passed.
//  3. A part that was not measured is never taken for a zero: rules that need it do not fire, and the report names what is missing.
//  4. No input makes it panic: profiles come from other processes, and perhaps from other programs.
package analysis
