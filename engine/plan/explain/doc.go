// Package explain renders physical plans for people (text) and programs (JSON), laid out as PostgreSQL's EXPLAIN is, with what really
// happened beside what was expected, and the planner's account of its decision.
//
// Costs are expected milliseconds. Everything here is pure and safe for concurrent use.
package explain
