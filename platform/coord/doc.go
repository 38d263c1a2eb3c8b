// Package coord is how a process takes part in the cluster: registration by lease, elections, mirrored prefixes, and
// transactional reads and writes, all on etcd.
//
// Invariants:
//
//  1. Every call carries a deadline: the caller's, or Config.RequestTimeout where the caller has none that is earlier.
//  2. A Mirror's snapshot is the exact state of its prefix at one revision; it never shows half of a transaction.
//  3. Mirror.WaitRevision(ctx, r) returns nil only when the snapshot and every change callback reflect all writes up to r.
//  4. A leadership context is cancelled when the lease is known to be lost. A paused process may learn that late, so writes that
//     must not come from a deposed leader carry Leadership.Cond in their transaction.
//  5. When etcd is away, mirrors keep serving their last snapshot, and registrations and elections resume by themselves.
//
// Keys are relative to Config.Prefix, so several clusters can share one etcd.
package coord
