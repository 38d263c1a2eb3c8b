// Package fakeserver is a QueryService with a few canned statements, for the tests of the client.
//
//	rows N [size S]   N rows (n bigint, name text) in batches of S (2 by default)
//	types             one row with a value of every type, and one of NULLs
//	echo              the parameters as one row
//	fail CODE         an error with all its fields
//	late CODE         one row, then an error
//	sleep             runs until it is cancelled
//	hang              runs on when it is cancelled, until the call ends
//	BEGIN, COMMIT, ROLLBACK, SET name = value, SHOW ALL (what was SET, and the statement's settings)
//	anything else     INSERT 0 3 and a notice
//
// In a failed transaction everything but COMMIT and ROLLBACK fails with 25P02.
package fakeserver
