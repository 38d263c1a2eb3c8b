// Package compute holds the functions, operators, casts and aggregates of SQL as kernels over
// whole columns, with PostgreSQL's semantics, and the rules by which a call finds its overload.
//
// Kernels are dense: they see columns without a selection and all of one length. Who evaluates an
// expression over a selection gathers the live rows first, so that a row that was filtered out never raises
// an error. A strict kernel is told which rows are valid and must not fail for, or rely on, the others.
//
// Everything here is pure and safe for concurrent use, except accumulators, which have one owner.
package compute
