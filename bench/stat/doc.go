// Package stat has the statistics of benchmark runs: intervals that allow for autocorrelation, the end of a warm-up, outliers,
// and whether two samples differ. It is pure: the same numbers give the same answers.
//
// Slices that go in are not changed and not kept, unless a function says so. What cannot be estimated from so few values has the
// widest answer: an interval without bounds, a significance of 1.
package stat
