// Package explore tries plans in the background, where it harms nobody: one at a time, on idle capacity, with a timeout at the best time
// so far, within a budget of the capacity, and never while a user waits.
//
// It takes the templates that cost the most. A plan that the guard queued comes first, then alternatives that were never measured. The
// rows of every plan that ran to its end are compared with those of the accepted plan: another answer is an error that is
// reported loudly, and the plan is rejected.
//
// R. Marcus et al., "Bao" (SIGMOD 2021) steers by hints at query time; exploring off line, with censored times, follows
// J. Yi et al., "LimeQO: Offline Exploration of Query Hints" (2024).
package explore
