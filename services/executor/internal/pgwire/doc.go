// Package pgwire is the PostgreSQL door: it speaks PostgreSQL's frontend/backend protocol 3.0 with clients and runs what they ask in
// sessions of the executor. The protocol is described in the PostgreSQL manual, chapter "Frontend/Backend Protocol".
//
// One goroutine serves a connection. It reads into one buffer as much as there is, and writes from one buffer, at Sync, at Flush, when the
// buffer is full, and before it waits for data of a COPY; so a point query costs one read and one write. Rows go from the columns of
// a batch straight into that buffer.
//
// Invariants:
//
//  1. Whatever bytes arrive, the answer is a proper message: a message that cannot be framed gets 08P01 and the end of the connection; one
//     that can be framed but not read, or is larger than the limit, gets an error, and the session goes on.
//  2. In the extended protocol everything between an error and the next Sync is skipped; each Sync and each Query is answered by
//     exactly one ReadyForQuery.
//  3. A portal runs once, when it is first executed. What a row limit holds back is kept, within a bound, until it is fetched
//     or the transaction ends.
//  4. All buffers, portals, connections and waiting times are bounded by Config.
//
// Authentication is trust; TLS, GSSAPI, replication and function calls are refused with a clear error.
package pgwire
