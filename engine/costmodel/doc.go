// Package costmodel prices pipelines in time: a classical model whose unit costs
// follow every measurement, and a Predictor that prefers a learned forest where
// the forest can be trusted and says which of the two answered, and why.
//
// Invariants:
//
//  1. Every Prediction has finite Nanos > 0 and finite Spread ≥ 1, whatever the
//     features and whatever the model.
//  2. Unit costs are positive and stay within UnitRange of their defaults, so
//     that no run of bad measurements can make an operator free or unaffordable.
//  3. Predicting never blocks on training: a forest is swapped by one pointer.
package costmodel
