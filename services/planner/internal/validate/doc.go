// Package validate is phase 5 of planning, the guard: which of the candidates may serve a user.
//
// It is pure. It takes what history knows of a template, the candidates of this planning and their predicted times, and
// gives the plan to run with the transitions of plan states to record. States:
//
//	CANDIDATE → VALIDATING → ACCEPTED or REJECTED; ACCEPTED → ROLLED_BACK
//
// Invariants:
//
//  1. Prediction alone never accepts a plan: ACCEPTED follows a measurement.
//  2. Without any measurement of the template the static choice goes first.
//  3. A plan that was not measured runs for a user only if its predicted gain exceeds the uncertainty of the model and of row counts; otherwise
//     it is queued for the explorer.
//  4. Among measured plans, the choice is never one whose median is above SlowerLimit times the median of another that is not
//     rejected. A plan once rejected or rolled back does not come back.
package validate
