// Package forest is the inference half of the learned cost model: the feature
// schema of a pipeline, the prediction target, and an ensemble of boosted
// regression trees flattened into arrays. Training lives elsewhere and hands a
// *Forest over; this package imports the standard library only, so that the
// planner can price a plan inside its own process in microseconds.
//
// The unit of prediction is a pipeline and the target is a time per source
// tuple, after M. Rieger and T. Neumann, "T3: Accurate and Fast Performance
// Prediction for Relational Database Systems With Compiled Decision Trees",
// SIGMOD 2025. Their trees are compiled to machine code; ours are walked as
// arrays, which is fast enough here and needs no code generation.
//
// Invariants:
//
//  1. FeatureNames and SchemaVersion change together. A Forest carries the
//     version it was trained for and predicts for no other.
//  2. A Forest that Validate has accepted is immutable. Predict, Covers and
//     Constant may then be called from any number of goroutines, never
//     allocate, and always terminate.
//  3. UnmarshalBinary either yields a Forest that Validate accepts or an error,
//     for any input whatever.
package forest
