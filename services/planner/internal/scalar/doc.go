// Package scalar answers questions about bound scalar expressions that binding, rewriting and costing share: equality, substitution,
// volatility, strictness, and a text for people.
package scalar
