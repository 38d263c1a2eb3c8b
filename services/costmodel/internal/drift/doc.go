// Package drift notices that predictions have become worse than they were, or
// are simply bad, for one template or over all, so that the model is trained
// again when the world changed and not by the clock.
//
// The watched value is |ln(measured ÷ predicted)|. A rise of its mean is found by
// the Page-Hinkley test: E. S. Page, "Continuous Inspection Schemes", Biometrika
// 41, 1954; D. V. Hinkley, "Inference about the change-point from cumulative sum
// tests", Biometrika 58, 1971; in the form of J. Gama et al., "A Survey on
// Concept Drift Adaptation", ACM Computing Surveys 46(4), 2014, section 3.2. That
// test compares with the past only, so a second one, a bound on the running
// mean, finds a model that was never good.
//
// Invariants:
//
//  1. A detector gives no alarm before Config.MinSamples observations, and after
//     an alarm stays in alarm until reset.
//  2. At most Config.Templates templates are watched; the one unseen for longest
//     is forgotten.
package drift
