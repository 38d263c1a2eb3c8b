// Package pgbinary encodes and decodes values in PostgreSQL's binary wire format, as binary parameters, results
// and COPY BINARY carry them: network byte order, dates and timestamps from 2000-01-01, numerics in base
// 10000, jsonb behind a version byte. Lengths and NULLs are the protocol's business.
//
// Decode treats its input as hostile: it never panics, and what it allocates is bounded by the input's length and the
// limits of the type.
package pgbinary
