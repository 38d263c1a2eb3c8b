// Package log is the durable sequence of a range's commits. What a storage node keeps is derived from it: a commit is
// acknowledged once its record is appended, and a node that was away reads what it missed.
//
// Invariants:
//  1. Records are numbered from 1 without gaps, and a number is given out once.
//  2. An append names the number of the record before it, and is refused when that is not the last one: of two
//     writers that both believe to lead, one fails.
//  3. When Append returned nil the records survive any crash. After another error than ErrSequence nothing is known but that the records
//     are there whole or not at all; Tail tells.
//  4. A record carries a checksum over its number, its bytes and its predecessor's checksum. A reader that meets a gap, a changed
//     byte or a record of another history gets ErrCorrupt before it sees the record.
//
// Local keeps the log in the same Pebble store as the rows. Its AppendApply puts records and the changes they stand for into one
// batch that Pebble's own write-ahead log makes durable with one fsync, and many commits share a batch: a commit costs no more
// syncs than a write to Pebble does, and log and rows cannot part. The records themselves exist for readers (followers, backup), and
// are trimmed when none needs them.
package log
