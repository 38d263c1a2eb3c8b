// Package history is the service that remembers what was run: per template the recent runs, the plans with their times, the
// guard's verdict on each plan, and the true row counts of sub-plans. It learns from the feedback stream and answers the
// planner, the explorer, the trainer and people.
//
// # Replicas
//
// Every replica reads the whole feedback stream under a durable name of its own and holds all templates, so that any of them
// answers any question. What is decided, and not measured, is the guard's record of a template: it lives in a JetStream
// key-value bucket, one key a template, and a change is a write on condition of the key's revision. Every replica follows the
// bucket and keeps a copy on its own disk.
//
// There is no owner of a template. An owner chosen by hashing over the live replicas is only unique while all of them agree on
// who lives; two that do not would both decide. The condition on the revision is checked in one place whatever the replicas
// believe of each other, a replica that dies owns nothing that must be taken over, and one that is added serves at once. The
// price is that capacity to hold templates does not grow with replicas, only the capacity to answer; templates are bounded
// far below what one node holds. A replica with an empty disk takes the guard's records from the bucket and counts the runs
// that the stream still has.
//
// # Invariants
//
//  1. A feedback event is acknowledged only once its effect is on disk, and has its effect once, however often it is delivered.
//  2. A poisoned event is refused, counted and logged, once; it never stops the consumer and nothing of it is kept.
//  3. A transition is applied only in the version that the caller saw; of concurrent ones on one plan, on whatever replicas,
//     one applies.
//  4. When Transition has answered with applied, the record is in the bucket, and the plan's bytes too where history has them: a
//     replica that loses its disk loses no verdict.
//  5. A replica tells its watchers every transition that it learns of, each template's in order, or ends the watch with
//     RESOURCE_EXHAUSTED; a watcher then cannot rely on what it holds. The NATS subject carries the same, without that promise.
//  6. What was measured before a template was forgotten never counts again, not even on a replica that starts empty.
//
// A replica is ready once it has caught up with the bucket.
package history
