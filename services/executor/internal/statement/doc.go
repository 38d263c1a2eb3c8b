// Package statement is how the executor asks the planner for statements.
package statement
