// Package feedback turns what executions did into the events that history and the cost model learn from.
//
// Slow executions and the first ones of every plan are reported one by one; all others are counted on their plan and
// reported once a second as an aggregate, so that a point statement at full rate costs a few atomic additions.
//
// Nothing here blocks: the Sink drops what it cannot hold and counts it.
package feedback
