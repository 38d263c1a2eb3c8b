// Package physical is the plan an executor runs: a tree of operators with columns addressed by
// position, and what the planner believed of each.
//
// Plans are immutable once planning is done and are shared between executions; values that change from
// one execution to the next are expr.Param nodes. Every node has an ID, unique in its plan, by which
// executors report what really happened.
package physical
