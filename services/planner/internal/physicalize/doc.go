// Package physicalize turns a rewritten logical plan into physical ones: it drives the enumeration of each block of joins, chooses
// operators for everything else, replaces column IDs by ordinals and literals by parameters, and writes onto every node what
// was believed of it.
//
// A Session holds what several plans of one statement share: knowledge of the leaves, the ways to order joins. Each call of
// Plan gives the plan under one Variant.
//
// Invariants:
//
//  1. All plans of a session give the same rows.
//  2. A literal of the statement that is not pinned appears in a plan as a parameter, never as a value.
//  3. Two plans with one identity (see Identity) differ in parameters, estimates and runtime filters only.
package physicalize
