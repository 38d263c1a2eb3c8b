// Package scale says how throughput grows with nodes: how it did, where it was measured, and how it would, where it cannot be.
//
//   - Fit fits the universal scalability law to throughput at several sizes.
//   - Closed and Open solve queueing networks: mean value analysis.
//   - Simulate makes a network of a cluster from measured service demands and stated assumptions, and solves it for each size.
//   - Efficiency compares the processor time per operation at N nodes with that at one, which is what one machine can measure.
//
// Everything here is pure. What a simulation assumes is data, a list that is printed beside its figures.
package scale
