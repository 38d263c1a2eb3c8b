// Package learner is the trainer's mind: what it keeps of the measured pipelines, when it is time to train, and how a trained
// challenger fares against the champion. It does no I/O and reads no clock.
//
// Invariants:
//
//  1. What it keeps is bounded, by the reservoir, the drift monitor and the window of seen ids.
//  2. An execution under a known id changes nothing.
//  3. Samples that a challenger is judged on as held out shaped none of its trees.
//  4. Restore after Checkpoint gives a learner that learns on as if it had not stopped, but for drift, which it watches anew.
package learner
