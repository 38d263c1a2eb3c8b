// Package sequence gives out numbers that are never given twice in the cluster: values of SQL sequences, and hidden row
// identifiers. An executor takes them from a shared counter in blocks, which are lost when it ends: there may be gaps, and
// the values of several executors interleave by blocks.
package sequence
