// Package crash kills a running Attune in the middle of a write load, again and again, and checks that every
// acknowledged commit is there afterwards and that no commit is there by half.
package crash
