// Package stats holds what is known of tables' contents: row counts, distinct values, frequent values, histograms and
// row samples, how they are gathered from column batches, and how they merge.
//
// Statistics are immutable once built and may be shared. They describe one moment; ModifiedRows says how much was written
// since, so that a reader can age them.
package stats
