package train

import (
	"math"
	"slices"
	"sort"
)

// binned is a set of rows with every varying feature cut into a few levels.
type binned struct {
	// features lists the raw feature behind each column, in raw order; constant
	// features have no column.
	features []int
	// cuts holds, for each column, ascending raw values between levels: a raw
	// value's code is the number of cuts at or below it.
	cuts [][]float64
	// codes holds, for each row, the code in each column, as golearn wants it.
	codes [][]float64
}

// bin cuts each feature of rows into at most levels levels of about equal
// weight, where it has that many distinct values, and drops constant features.
func bin(rows [][]float64, levels int) binned {
	var b binned
	column := make([]float64, len(rows))
	for feature := range rows[0] {
		for i, row := range rows {
			column[i] = row[feature]
		}
		slices.Sort(column)
		if cuts := cutPoints(column, levels); len(cuts) > 0 {
			b.features = append(b.features, feature)
			b.cuts = append(b.cuts, cuts)
		}
	}
	b.codes = make([][]float64, len(rows))
	for i, row := range rows {
		b.codes[i] = b.encode(row)
	}
	return b
}

// encode is the codes of one raw row.
func (b *binned) encode(row []float64) []float64 {
	codes := make([]float64, len(b.features))
	for c, feature := range b.features {
		cuts, x := b.cuts[c], row[feature]
		codes[c] = float64(sort.Search(len(cuts), func(k int) bool { return cuts[k] > x }))
	}
	return codes
}

// rawThreshold turns a split of codes (code < threshold) into the raw value for
// which raw < value decides the same for every raw value, seen or not.
func (b *binned) rawThreshold(column int, threshold float64) float64 {
	// Codes are whole numbers, so code < threshold is code < ⌈threshold⌉, and a
	// code reaches k exactly where its raw value reaches the k-th cut.
	return b.cuts[column][int(math.Ceil(threshold))-1]
}

// cutPoints returns fewer than levels ascending cuts for ascending values, each
// strictly above some value and at most the next distinct one.
func cutPoints(values []float64, levels int) []float64 {
	distinct := slices.Compact(slices.Clone(values))
	var cuts []float64
	if len(distinct) <= levels {
		for i := 1; i < len(distinct); i++ {
			cuts = append(cuts, between(distinct[i-1], distinct[i]))
		}
		return cuts
	}
	for k := 1; k < levels; k++ {
		// The first position at or after the quantile where the value changes.
		i := max(1, len(values)*k/levels)
		for i < len(values) && values[i] == values[i-1] {
			i++
		}
		if i == len(values) {
			break
		}
		cut := between(values[i-1], values[i])
		if len(cuts) == 0 || cut > cuts[len(cuts)-1] {
			cuts = append(cuts, cut)
		}
	}
	return cuts
}

// between is a value in (low, high], the middle where floats allow.
func between(low, high float64) float64 {
	if mid := low/2 + high/2; mid > low && mid <= high {
		return mid
	}
	return high
}
