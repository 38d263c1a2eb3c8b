// Package stack puts services together in one process: all five with an embedded etcd and an embedded NATS server, or some of
// them against those of a cluster.
//
// Both shapes are wired alike. Every service has a gRPC server of its own, registers in etcd, and reaches the others by discovery
// there; in the embedded shape the addresses are in memory ("mem://planner"), and the executor's server listens on a port, too, which is the
// process's door. Data traffic between an executor and a storage node of one process takes no detour over gRPC.
//
// Invariant 1: a service is started when everything it needs answers, and stopped before what it needs.
// Invariant 2: a service is registered only while its server serves.
// Invariant 3: one process at a time uses a data directory.
package stack
