// Package mvcc keeps versions of keys in Pebble and reads them as of a timestamp.
//
// Encoding. A version of user key K at timestamp T is the Pebble key K, 0x00, T (8 bytes), 0x09: the form of Pebble's own
// cockroachkvs package, whose comparer orders by K, then newest first, whose Split makes Bloom filters work on K, and whose
// column blocks store K, T and value apart. The stored value of a version is empty for a deletion, else 0x01 and the value.
// System entries (the log, counters) have no versions and begin with 0xff, where user keys never do.
//
// Invariants:
//  1. A version is written once and never changed.
//  2. Collect removes only versions that no snapshot at or above the horizon can see, and Horizon is raised, and noted with the removal, before the first
//     of them goes; a reader whose timestamp is below the horizon fails with ErrTooOld instead of seeing half.
package mvcc
