// Package cost is phase 2 of planning: what a plan takes, in time.
//
// It takes a physical plan with row estimates and gives the expected nanoseconds with their uncertainty. A plan is cut
// into pipelines at its breakers (hash build, aggregation, sort), each pipeline is described by the features of
// engine/forest, and the sum of the predictions is the plan's. What the same plan took before comes first: the exact cache.
//
// Prices are the same unit costs per row and operator, cheap enough for the enumeration of joins.
//
// Invariants:
//
//  1. A Cost has finite Nanos > 0 and finite Spread ≥ 1.
//  2. Swapping the model never blocks or breaks a prediction under way; the last model is kept while the service is away.
package cost
