// Package utility is what a statement asks for when it is no query: definitions, transaction control, settings, COPY, EXPLAIN and the
// like, as plain values that the executor carries out. Response is what the planner gives for any statement.
package utility
