// Package bench measures how fast something is, and says how sure it is of that.
//
// What is measured is a Subject: it opens Workers, each of which runs operations one after the other. Run drives Workers through
// the phases of a benchmark: warm-up until the throughput is steady, ramp, steady measurement, cool-down; and analyses
// what it saw into a Result: throughput and latency with confidence intervals that allow for autocorrelation, the use of the machine,
// and whatever makes the figures doubtful.
//
// The packages below:
//
//	bench/stat          statistics of samples and series: intervals, steady state, significance; pure
//	bench/arrival       when operations begin: closed loop, constant rate, Poisson
//	bench/keydist       which keys they touch: uniform, Zipf, latest, hotspot
//	bench/resource      what the machine and its processes used meanwhile, from /proc
//	bench/db            databases under one small interface: Attune over gRPC, PostgreSQL's protocol, DuckDB
//	bench/limit         what the machine itself can do: echo, Pebble, memory copy, disk
//	bench/workload/...  workloads, a package each
//	bench/suite         what runs together: targets, tpch, stats, micro, scale
//	bench/report        the format of results: JSON, Markdown, HTML
package bench
