// Package slt runs SQL logic tests, in the format of SQLite's sqllogictest, over a PostgreSQL connection.
//
// A file is a list of records separated by blank lines: "statement ok|error" and SQL, or "query <types> <sort>
// [label]", SQL, "----" and the expected values, one a line, or "N values hashing to <md5>". Types are I (integer),
// R (real, printed with three digits) and T (text). skipif and onlyif name a database; this runner is "postgresql".
package slt
