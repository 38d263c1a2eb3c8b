// Package lifecycle starts the parts of a process in order, keeps them running, and stops them in reverse.
//
// Invariants:
//
//  1. A component is started only after every component added before it has started and reported ready.
//  2. A component is stopped only after every component added after it has stopped or has overrun its deadline.
//  3. Start, Ready and Stop of each component run under a deadline; no call can hold the process for ever.
//  4. The first failure stops the whole group, and Run returns that failure.
//  5. Run functions are awaited: when Group.Stop returns without ErrDeadline, no goroutine of the group is left.
package lifecycle
