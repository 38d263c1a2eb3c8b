// Package logical is a bound statement as relational algebra: what is asked, not how it is computed.
//
// Columns are named by expr.ColumnID, unique in the statement, so that nodes may be moved without renumbering.
// Trees are immutable: a rewrite makes new nodes. A node's expressions may only name columns of its inputs and, below an
// Apply's right side, of the Apply's left side.
package logical
