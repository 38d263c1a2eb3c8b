// Package dml turns the rows that come out of a write's input into mutations, and sees to it that all constraints hold.
//
// Invariants:
//
//  1. A statement that reads the table it writes reads its input completely before it stages anything.
//  2. Every index of the table is maintained, those that are still being filled too.
//  3. Within a statement removals are staged before additions, and required keys come last: constraints are judged
//     by the statement's end, whatever the order of its rows.
//  4. A request holds at most a bounded number of bytes; what waits to be staged is bounded by the statement's memory.
//  5. After an error the transaction must be rolled back: a part of the statement may have been staged.
package dml
