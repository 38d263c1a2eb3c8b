// Package vec holds columns of values (Vector) and sets of columns of equal length (Batch).
//
// A Vector's buffers have Arrow's layout: a validity bitmap (least significant bit first, nil
// when nothing is null), and either fixed-width little-endian values or int32 offsets and bytes. So
// a vector goes on the wire as its buffers. Two deviations, both converted at the Flight SQL door:
// booleans take a byte each, and numerics take the 16-byte form of Decimal128's size described at DecimalWord.
//
// Ownership: a Vector that was handed on is read-only, for both sides, and may be shared by any
// number of goroutines. Only a Builder changes buffers, and Builder.Finish gives them away. A vector's memory lives as
// long as something refers to it.
//
// A batch may carry a selection vector: the positions of its rows that are still alive, in ascending
// order. Operators that filter set a selection instead of copying; those that need dense columns call Compact.
package vec
