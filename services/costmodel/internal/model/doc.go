// Package model is what a version of the cost model is: its account of itself, its artifact, and which version is in use. It does
// no I/O.
//
// Invariants:
//
//  1. A Model that Decode has returned can be used: its forest is valid and not constant, its classical half is complete.
//  2. A version is never used for two artifacts; versions order as they were made.
//  3. A Pointer remembers the versions used before the present one, the last first and none twice, within MaxPrevious.
package model
