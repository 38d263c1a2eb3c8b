// Package bus carries events over NATS JetStream: a publisher that never blocks its caller, and durable consumers that are
// idempotent.
//
// Invariants:
//
//  1. Publish takes bounded time whatever the state of NATS. When the ring is full the oldest event is dropped and counted.
//  2. An event that was not dropped reaches the stream at least once, in the publisher's order except across retries, and is
//     sent again under the same message id, so that the stream drops the duplicate within its window.
//  3. A message is acknowledged only after the handler succeeded for every event in it.
//  4. Within the consumer's memory of ids a handler is not given an event again that it once handled.
//  5. A message that keeps failing ends as a dead letter, logged and counted; it does not stop those behind it.
package bus
