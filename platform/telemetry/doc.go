// Package telemetry is what a process shows of itself: structured logs, Prometheus metrics, sampled traces, and the HTTP
// endpoint that serves metrics, health and profiles.
//
// Nothing here is global: every process makes its own logger, registry and tracer and hands them down. Tracing costs nothing
// on the path that is not sampled: the decision is one random number at the root of a trace, and every later step looks at
// the sampled bit before it does any work.
package telemetry
