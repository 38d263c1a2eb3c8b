// Package rpc is how services serve and call gRPC: servers with health, deadlines and drain; clients that find instances in
// etcd, balance over them by load, and retry what is safe; and an in-memory network, so that the embedded shape runs the same
// code as a cluster.
//
// Invariants:
//
//  1. An address decides how it is reached: "mem://name" through the process's Network, "unix:///path" by socket, else TCP.
//     Nothing else knows which shape the system has.
//  2. A server is NOT_SERVING until SetReady(true) and again from the first moment of Stop; clients of this package do not
//     send to an instance that is NOT_SERVING.
//  3. A panic in a handler fails that call with codes.Internal and nothing else.
//  4. Every unary call has a deadline: the caller's, else the client's default, else the server's.
//  5. Only UNAVAILABLE is retried, and only for methods that were declared safe.
package rpc
