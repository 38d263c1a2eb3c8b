// Package sqldiff holds Attune's answers against PostgreSQL's.
//
// Scripts (testdata/*.sql) run over the PostgreSQL wire and are compared with outputs that a real PostgreSQL wrote
// (testdata/*.out). Random queries from a seeded generator run on both systems when ATTUNE_PG_URL names a PostgreSQL
// server, and otherwise on Attune alone under settings that must not change an answer.
package sqldiff
