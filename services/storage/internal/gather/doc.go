// Package gather keeps statistics of tables as they are written.
//
// Row counts are exact: they change in the same batch as the rows. All else comes from a stats.Builder for each table, which
// sees every inserted row a moment after its commit; updates and deletions age it, and when a fifth of a table has changed, or rows
// were missed because they came faster than they could be looked at, the table is read anew in the background. After a
// restart each table is read once. Nobody has to run ANALYZE.
package gather
