// Package adapt is phase 4 of planning: what a plan may use at this moment.
//
// It takes the expected time, rows and widths of a plan and the session's settings, and gives a degree of parallelism and a memory
// hint, with the selectivity bucket that tells executions of one template apart. What is decided is recorded in the plan's
// report and taken as the parallelism of the cost prediction; executors hold the grants and decide on the day.
package adapt
