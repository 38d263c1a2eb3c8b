// Package train builds the learned cost model: an ensemble of boosted regression
// trees, each grown by golearn, flattened into a forest.Forest that planners walk
// in their own process.
//
// golearn's tree search tries every distinct value of every feature and rescans
// the rows for each, so features are binned to at most MaxLevels levels first
// and constant ones are left out; thresholds are mapped back to raw values when
// a tree is flattened, exactly, so that a planner never sees a bin.
//
// Boosting follows J. H. Friedman, "Greedy Function Approximation: A Gradient
// Boosting Machine", Annals of Statistics 29(5), 2001 (residuals of the squared
// loss, shrinkage), with the row and column sampling of his "Stochastic Gradient
// Boosting", 2002. The members of the ensemble see different rows and columns;
// their disagreement is the uncertainty, as in B. Lakshminarayanan et al.,
// "Simple and Scalable Predictive Uncertainty Estimation using Deep Ensembles",
// NIPS 2017.
//
// Invariants:
//
//  1. A Result's Forest passes Validate and is not constant; anything less is an
//     error and the caller keeps the model it has.
//  2. Equal Set and Config, equal Forest, on one kind of processor.
//  3. Rows listed in Result.HeldOut shaped no tree. They do choose how many trees
//     are kept.
package train
