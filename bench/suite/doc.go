// Package suite says what runs together: the table of workloads by name, and suites, which measure a database beside its peers and the
// machine's limits and fill one report.
//
// Invariants:
//
//  1. A suite never ends without its report: what fails, is not there, or no longer fits into the budget is listed as not measured,
//     with the reason; when the context ends, the report has what was measured until then.
//  2. A peer gets the same data, the same configuration and the same length as the database it is compared with, in the same run.
//  3. Nothing is measured at the same time as something else.
package suite
