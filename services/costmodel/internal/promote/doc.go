// Package promote decides whether a trained model (the challenger) takes the
// place of the one in use (the champion), by replaying recent templates: which
// of the plans whose times are known would each model have chosen?
//
// Accuracy hardly predicts plan quality (V. Leis et al., "How Good Are Query
// Optimizers, Really?", PVLDB 9(3), 2015, section 5, on cost models; R. Heinrich
// et al., "How Good are Learned Cost Models, Really?", SIGMOD 2025), so the time
// of the chosen plans is compared first, then how well each model ranks plans,
// and q-error only where both are level.
//
// Invariants:
//
//  1. A challenger takes a champion's place only on enough replayed choices, and
//     never while it chooses worse or ranks worse, whatever its q-error.
//  2. A challenger that fails to price a pipeline is never promoted.
//  3. Equal evidence and models, equal decision.
package promote
