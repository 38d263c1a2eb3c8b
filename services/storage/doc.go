// Package storage owns rows: versions of them in the ordered key space, transactions over them, their statistics, and the ranges that
// this node leads.
//
// The parts, each a package below internal:
//
//	mvcc     versions of keys in Pebble
//	log      the durable sequence of commits that the rows are derived from
//	txn      timestamps, staging, conflict detection, group commit
//	scan     spans and keys into column batches, with what was pushed down
//	gather   statistics, as rows come
//	ranges   which keys this node may serve
//
// A Service is used in its own process through its methods, whose words are those of engine/access, and from others through
// StorageService, which Register adds to a gRPC server: both are doors to the same methods, and package storagetest holds
// both to the same promises.
//
// Invariants:
//  1. An acknowledged commit is on disk.
//  2. A request is answered only for keys whose range this node leads, and only for the newest schema it knows, after it knows
//     at least the catalog revision that the request names.
//  3. A read sees one snapshot: no commit in part, and none that is later.
//  4. Everything staged, queued and remembered is bounded; what exceeds a bound fails with an error or is done again later.
package storage
