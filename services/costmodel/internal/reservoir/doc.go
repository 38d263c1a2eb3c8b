// Package reservoir keeps the sliding sample of executed pipelines that the cost
// model is trained on, stratified by query template, so that a template run a
// million times does not crowd out one run ten times.
//
// Within a template a full stratum lets each arrival replace a random sample, so
// that the age of what is kept falls off exponentially: C. C. Aggarwal, "On
// Biased Reservoir Sampling in the Presence of Stream Evolution", VLDB 2006,
// Algorithm 2.1. Between templates, room is taken from the largest stratum, and
// a new template beyond the bound pushes out the one unseen for longest.
//
// Invariants:
//
//  1. At most Config.Total samples, Config.PerTemplate of one template, and
//     Config.Templates templates, at any time.
//  2. No sample is unusable: features are finite and ≥ 0, time is positive.
//  3. The sample added last is in the reservoir.
package reservoir
