// Package statement is the planner's answer in the executor's own words: a plan to run, or a utility command to carry
// out, with what a session needs to know of either.
//
// Statements are immutable and shared by sessions.
package statement
