// Package relset is sets of relations of one join block, as bits.
//
// Relations are numbered from 0 to Max-1. Sets are plain values: comparable, usable as map keys, free of allocation.
package relset
