// Package store keeps on disk what was run and how it went: for each template its text, recent runs, plans with their times, a
// sample to run again, and the guard's record; and the measured row counts of canonical sub-plans.
//
// Everything but encoded events and plans is also in memory, so that a question costs no disk read unless it asks for those.
// The disk is a Pebble instance with one ordered key space: a byte for the kind, then big-endian identities.
//
// Invariants:
//
//  1. Ingest is idempotent: an event's message id and the ids of its executions are written in the same batch as what they
//     changed, so an event that is delivered again, also after a crash, counts nothing twice while its id is within the window.
//  2. When Ingest has returned nil, its events are on disk.
//  3. Everything is bounded: templates, plans, runs and transitions per template, sub-plans, ids. A full store forgets what was
//     used least recently, templates with an accepted plan last.
//  4. A guard record is replaced only by one of a higher revision.
//  5. After a write has failed the store refuses further writes: memory may be ahead of the disk, and a new Open, after which
//     events come again, is the way back.
//
// Encoded events and plans are opaque here.
package store
