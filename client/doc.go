// Package client is the Go client of Attune: SQL over gRPC, results as column batches.
//
// A Client holds connections to one or more executors and spreads statements over them. Its own methods (Exec, Query,
// QueryRow, Prepare, CopyFrom) run each statement in a transaction of its own, on whichever executor is at hand:
//
//	c, err := client.Open(ctx, "localhost:7400")
//	rows, err := c.Query(ctx, "SELECT id, name FROM users WHERE age > $1", 30)
//	for rows.Next() {
//		err = rows.Scan(&id, &name)
//	}
//	err = rows.Close()
//
// What needs state lives in a Session, which stays with one executor: transactions, SET, named prepared statements. Begin
// opens a session for one transaction. A Pipeline queues many operations of a session and sends them in one message, which is the
// fastest way to run many small statements.
//
// Analytic results are best read a batch at a time: see Rows.NextBatch and Vector.
//
// # Values
//
// Parameters are Go's booleans, integers, floats, strings, []byte, time.Time, [16]byte (uuid), json.RawMessage, Decimal, Interval,
// nil, pointers to these, and driver.Valuer. A string is accepted for a parameter of every type and read as PostgreSQL reads a
// literal. Results come as the same types; see Rows.Scan and Rows.Values.
//
// # Errors
//
// A failure is an *Error with PostgreSQL's SQLSTATE, found by errors.As. A statement whose context ended has code 57014 and
// matches context.Canceled or context.DeadlineExceeded by errors.Is. Error.Retryable says whether the same transaction may
// succeed when it is run again; Transact does so.
//
// # Concurrency
//
// A Client and a Stmt of a Client are safe for concurrent use. A Session, its Stmts, Tx, Pipeline and Rows have one user at a time.
package client
