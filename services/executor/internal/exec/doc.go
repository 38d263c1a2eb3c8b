// Package exec runs a physical plan over column batches.
//
// A plan is cut into pipelines (engine/plan/pipeline). A source yields batches, operators pass them on by pushing,
// and a sink that holds rows back (a hash table, groups, a sort) ends the pipeline. Pipelines run one after the other, inputs
// first; within one, workers pull morsels from the source concurrently and push them through the same operators, each with its
// own state, so that no lock is taken per batch on the way (Leis et al., "Morsel-Driven Parallelism", SIGMOD 2014).
//
// Invariants:
//
//  1. A batch that was pushed is never changed by either side; it may carry a selection.
//  2. A column may be nil in a batch exactly where no operator above needs it: joins do not gather what nobody reads.
//  3. A pipeline whose source has an order, or whose sink needs one, runs with one worker, and every operator that
//     passes rows on keeps their order.
//  4. Run returns only after all its goroutines have ended and all streams are closed, however it ends.
//  5. Memory that is held across batches is charged to the query before it is used for more.
package exec
