// Package bind gives a parsed statement its meaning: names become columns and tables of one catalog snapshot, calls become overloads with explicit
// conversions, and the statement becomes a logical plan or a utility command.
//
// Errors carry the SQLSTATE, message and position that PostgreSQL gives.
//
// Invariant 1: every literal of the statement is either a Const with Slot k+1, which a cached plan may replace by a parameter of
// type Result.LiteralTypes[k], or it is listed in Result.PinnedLiterals.
// Invariant 2: column IDs are unique in the statement; Result.NextColumn is free.
// Invariant 3: right joins are bound as left joins with the inputs exchanged; the plan holds no physical.JoinRight.
//
// Subqueries become Apply nodes below the operator that uses them: all of them are evaluated, also those in a branch of a CASE that is not
// taken. Column defaults and CHECK constraints are SQL text in the catalog; they are parsed and bound where they are used.
package bind
