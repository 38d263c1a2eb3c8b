// Package costmodel is the service that learns how long pipelines take. It turns the feedback stream into versions of the cost
// model, decides which one planners use, keeps the versions, and predicts for those who do not hold a model themselves.
//
// # Replicas
//
// Every replica serves every version: artifacts lie in a JetStream object store, and which version is in use is a key in etcd
// that replicas and planners watch. One replica, elected in etcd, is the trainer. It alone reads the feedback stream, under one
// durable name for the service, so that a new trainer goes on where the old one stopped; what it has learnt from it lies as a
// checkpoint in the same object store, so that replicas need no disk. A trainer that dies takes the samples since its last
// checkpoint with it, a few seconds of a sliding sample; reading the stream on every replica would save them at the price of
// that work on each.
//
// # Invariants
//
//  1. The pointer is moved by a transaction on condition of its own revision, and by the trainer on condition of its leadership
//     too: of two who believe to be trainer, or of a trainer and a person, one moves it.
//  2. The pointer only ever names a version whose artifact is stored and was decoded and checked by whoever moved it: valid,
//     not constant, all numbers finite.
//  3. While the pointer is pinned only people move it.
//  4. There is a version in use from the first trainer's first moment on: the classical model alone, with the unit costs as they
//     are calibrated then.
//  5. A challenger replaces a champion on the plans it would choose, see internal/promote. The one exception is newer unit
//     costs for the same trees, which must predict better and choose no worse.
//  6. An event under a known id teaches nothing; a poisoned one is refused, counted and logged, and never stops the consumer.
//  7. Training runs on one goroutine and takes at most Config.TrainShare of a core over time.
//  8. Stored versions are bounded; those in use or to be gone back to stay.
//  9. Checkpoints are named by the term of their trainer; a deposed one cannot replace those of its successor.
package costmodel
