// Package expr is the tree of a bound scalar expression and its evaluation over batches.
//
// Expressions are immutable after they were built and may be shared by plans and goroutines. Every node
// knows its type; conversions are explicit Cast nodes. A column is named by an ID in logical
// plans and by an ordinal in physical ones: see Column.
package expr
