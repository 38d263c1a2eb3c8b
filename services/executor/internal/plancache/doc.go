// Package plancache keeps the planner's answers by normalised statement, so that a statement seen before asks no
// other service.
//
// Invariants:
//
//  1. A statement that is handed out was bound to the present version of every table it depends on.
//  2. An entry is used for a text only if the text's pinned literals equal those the entry was planned with.
//  3. The cache holds at most its number of variants; the least recently used template goes first.
//  4. A plan that is forgotten serves on only for as long as the planner cannot be asked for another.
//  5. Asking again for a template's plan takes at most one part in twenty of the time, however often it is due.
//  6. Of several concurrent misses of one statement, one asks the planner.
package plancache
