// Package txn gives out timestamps and makes transactions atomic, durable and isolated.
//
// Isolation is snapshot isolation with first-committer-wins (Berenson et al., "A Critique of ANSI SQL Isolation Levels", 1995): a
// transaction reads as of its snapshot, its writes are staged in memory and overlaid on its own reads, and it commits only
// when nobody committed a write of one of its keys since. A required key (a referenced row) is shared: it must still be there at
// commit, and a concurrent deletion of it conflicts, but other writes of it do not.
//
// One goroutine commits. It takes all commits that wait, checks each against those before it, gives each a timestamp,
// and appends all their records in one append with the rows they change: one sync for the group.
//
// Invariants:
//  1. Timestamps only grow, also across restarts and when the clock goes back: the oracle persists a limit before it passes it.
//  2. A snapshot timestamp is given out only when every commit at or below it is applied, and every later commit gets a higher one. So a
//     read never sees half of a commit, and a snapshot never changes.
//  3. A commit is acknowledged after its record is durable and applied; a later Timestamp is at or above it.
//  4. The same transaction identifier commits once; asking again gives the same answer, while the answer is remembered.
//  5. When the fate of an append is unknown the manager refuses all further commits, until the log was read again at the next start.
package txn
