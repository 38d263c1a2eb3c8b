// Package shell is the interactive SQL shell and its way to run scripts.
//
// Statements end at a semicolon at top level and run in one session, so that transactions and SET work. Lines that begin with a
// backslash, outside of a statement, are the shell's own commands. Results are drawn as psql draws them, or written as CSV or
// JSON; those two put nothing but rows on standard output.
//
// A Shell has one user at a time.
package shell
