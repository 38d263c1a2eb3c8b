// Package executor is the service that users talk to: sessions, plan cache, running statements, and both doors, gRPC and the
// PostgreSQL wire protocol. It coordinates the statements of its own sessions and runs their plans.
//
// It owns no durable state: sessions die with it, their open transactions expire in storage.
//
// Invariants:
//
//  1. A statement whose plan is cached and current asks no other service than storage.
//  2. What was acknowledged is committed; a commit whose answer was lost is reported as unknown (40003), never as failed or done.
//  3. Feedback never delays a statement: what cannot be held is dropped and counted.
//  4. Everything a client can grow is bounded: sessions, prepared statements, statement length, result rows of a unary call, memory
//     and number of running statements.
//  5. Work in the background yields to the foreground.
package executor
