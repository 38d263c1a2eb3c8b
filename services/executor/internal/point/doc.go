// Package point is the short path of statements that read one row by its primary key: one lookup in storage and
// the evaluation of a few expressions, without pipelines or goroutines.
package point
