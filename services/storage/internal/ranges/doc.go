// Package ranges says which parts of the ordered key space this node may serve.
//
// Each range has a descriptor that all processes see, and a leader elected by lease. With the local log a range's data is on one
// node only, so only that node, its home, stands for election: another one would lead an empty range. The home is written once,
// when the range is made, under the node's own identity, which is kept with its data.
//
// Invariant: a node serves a key only while it holds the lease of the range that contains it.
package ranges
