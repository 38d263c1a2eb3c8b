// Package guard is the state machine of a template's plans: which plan is trusted, which is being tried, which was refused. It
// is pure: a Record and a Change give the next Record, and every replica that applies the same changes in the same order holds
// the same Record.
//
// The states and their moves:
//
//	(seen) ──► CANDIDATE ──► VALIDATING ──► ACCEPTED ──► ROLLED_BACK
//	              ▲  ▲            │             │             │
//	              │  └────────────┴─► REJECTED  │             │
//	              └──── superseded ─────────────┘             │
//	              └───────────────── tried again ─────────────┘
//
// A plan may be accepted or rejected without being tried first: a template's first plan is, since there is nothing to hold it
// against.
//
// Invariants:
//
//  1. At most one plan of a template is ACCEPTED.
//  2. Accepting a plan makes the one accepted before a CANDIDATE that stays known as good (Plan.GoodMicros).
//  3. Rolling the accepted plan back makes the plan that was good most recently ACCEPTED again, in the same step, so that
//     oscillation ends in the last good plan. A plan that was rolled back is not good until it is accepted again.
//  4. Versions grow with every transition of the template and never repeat, not even after Forget: a caller's old version
//     never matches by accident.
//  5. A Record is bounded: MaxPlans plans, MaxLog transitions.
package guard
