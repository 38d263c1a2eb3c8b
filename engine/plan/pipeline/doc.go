// Package pipeline cuts a physical plan into the pipelines an executor runs, and describes each in the cost model's terms.
//
// The planner calls it with estimated row counts to predict, the executor with measured ones to teach: both see
// the same pipelines in the same order, which is the order in which they run.
package pipeline
