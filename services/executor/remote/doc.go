// Package remote is the other services, and the coordination store, as the executor's domain sees them: it implements the
// domain's interfaces over gRPC, etcd and NATS. It encodes and decodes, routes and retries; it decides nothing.
package remote
