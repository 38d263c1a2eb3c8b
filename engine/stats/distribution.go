package stats

import (
	"cmp"
	"math"
	"slices"

	"github.com/attunedb/attune/engine/compute"
	"github.com/attunedb/attune/engine/types"
)

// run is one distinct value of a sorted sample: its first place and how often it is there.
type run struct{ from, count int }

// sampled is a value and the rank of its row in the sample.
type sampled struct {
	value types.Datum
	rank  int
}

// build derives a column's statistics from its state over rows rows and a sample in row order; whole tells that the sample has all rows.
func (c *columnState) build(column int, rows int64, slots []slot, whole bool) Column {
	out := Column{Min: c.min, Max: c.max}
	if rows == 0 {
		return out
	}
	present := rows - c.nulls
	out.NullFraction = float64(c.nulls) / float64(rows)
	if present == 0 {
		return out
	}
	out.WidthBytes = float64(c.bytes) / float64(present)
	values := make([]sampled, 0, len(slots))
	for rank := range slots {
		if v := slots[rank].row[column]; !v.IsNull() {
			values = append(values, sampled{v, rank})
		}
	}
	out.Distinct = min(c.estimate(), float64(present))
	if len(values) == 0 {
		return out
	}
	slices.SortStableFunc(values, func(a, b sampled) int { return compute.CompareDatum(a.value, b.value) })
	runs := runsOf(values)
	switch {
	case whole:
		out.Distinct = float64(len(runs))
	case len(runs) == len(values) && out.Distinct > 0.9*float64(present):
		// Nothing repeats in the sample, and the sketch does not object: a key.
		out.Distinct = float64(present)
	}
	out.Distinct = max(out.Distinct, float64(len(runs)))
	common := chooseCommon(runs, len(slots), rows, out.Distinct, out.NullFraction, whole)
	for _, r := range common {
		out.MostCommon = append(out.MostCommon, CommonValue{
			Value: values[r.from].value, Frequency: float64(r.count) / float64(len(slots))})
	}
	out.Histogram = histogram(values, runs, common)
	if out.Histogram != nil && len(common) == 0 {
		// The extremes of a sample fall short of those that were seen.
		out.Histogram[0], out.Histogram[len(out.Histogram)-1] = c.min, c.max
	}
	out.Correlation = correlation(values)
	return out
}

func runsOf(values []sampled) []run {
	var runs []run
	for i := range values {
		if i == 0 || compute.CompareDatum(values[i-1].value, values[i].value) != 0 {
			runs = append(runs, run{from: i})
		}
		runs[len(runs)-1].count++
	}
	return runs
}

// chooseCommon returns the values worth keeping as most common, most frequent first. The rule is PostgreSQL's analyze_mcv_list: a value
// stays when it is significantly more frequent than it would be estimated to be if it was left out, where the count in
// a sample is taken to be hypergeometric.
func chooseCommon(runs []run, sampleRows int, rows int64, distinct, nullFraction float64, whole bool) []run {
	var common []run
	for _, r := range runs {
		if r.count > 1 {
			common = append(common, r)
		}
	}
	if len(runs) <= MaxCommon && (whole || distinct <= 1.05*float64(len(runs))) {
		common = slices.Clone(runs)
	}
	slices.SortStableFunc(common, func(a, b run) int { return cmp.Compare(b.count, a.count) })
	complete := len(common) == len(runs)
	common = common[:min(len(common), MaxCommon)]
	if complete && len(common) == len(runs) {
		return common
	}
	if whole {
		// Every frequency is exact, but only values above the average are worth their place.
		for len(common) > 0 && float64(common[len(common)-1].count)*float64(len(runs)) <= 1.25*float64(sampleRows) {
			common = common[:len(common)-1]
		}
		return common
	}
	others := 0
	for _, r := range common {
		others += r.count
	}
	n, total := float64(sampleRows), float64(rows)
	for len(common) > 0 {
		last := float64(common[len(common)-1].count)
		others -= common[len(common)-1].count
		selectivity := min(max(1-float64(others)/n-nullFraction, 0), 1)
		if rest := distinct - float64(len(common)-1); rest > 1 {
			selectivity /= rest
		}
		k := total * last / n
		variance := n * k * (total - k) * (total - n) / (total * total * (total - 1))
		if last > selectivity*n+2*math.Sqrt(variance)+0.5 {
			break
		}
		common = common[:len(common)-1]
	}
	return common
}

// histogram returns equi-depth bounds over the values that are not common.
func histogram(values []sampled, runs, common []run) []types.Datum {
	skip := map[int]bool{}
	for _, r := range common {
		skip[r.from] = true
	}
	rest := make([]types.Datum, 0, len(values))
	distinct := 0
	for _, r := range runs {
		if skip[r.from] {
			continue
		}
		distinct++
		for i := range r.count {
			rest = append(rest, values[r.from+i].value)
		}
	}
	if distinct < 2 {
		return nil
	}
	bounds := min(distinct, Buckets+1)
	out := make([]types.Datum, bounds)
	for i := range out {
		out[i] = rest[i*(len(rest)-1)/(bounds-1)]
	}
	return out
}

// correlation is Pearson's, between the rank of a value and that of its row.
func correlation(sorted []sampled) float64 {
	n := float64(len(sorted))
	if n < 2 {
		return 1
	}
	var sx, sy, sxx, syy, sxy float64
	for i, v := range sorted {
		x, y := float64(i), float64(v.rank)
		sx, sy, sxx, syy, sxy = sx+x, sy+y, sxx+x*x, syy+y*y, sxy+x*y
	}
	d := math.Sqrt((n*sxx - sx*sx) * (n*syy - sy*sy))
	if d == 0 {
		return 1
	}
	return (n*sxy - sx*sy) / d
}
