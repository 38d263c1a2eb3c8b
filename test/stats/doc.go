// Package stats tests Attune on the STATS data set: loading through COPY, and every query's count with the static and
// with the learned optimizer. The data is not part of this repository: see harness.Shared.
package stats
