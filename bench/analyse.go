package bench

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/attunedb/attune/bench/stat"
)

// analyse makes the result of what was seen. All workers that will end have ended.
func (r *runner) analyse(name string, started time.Time) *Result {
	res := &Result{
		Name: name, Config: r.cfg, Started: started, Steady: r.steady, Measured: r.measured, Interrupted: r.interrupted,
		Series: r.series, Resources: r.resources, Durability: r.opt.Durability,
	}
	level := r.cfg.ConfidenceLevel
	histograms := r.histograms()
	all := newHistogram()
	for kind, h := range histograms {
		all.Merge(h)
		k := r.total.kinds[kind]
		res.Kinds = append(res.Kinds, KindResult{
			Name:       r.names[kind],
			Throughput: estimate(k.ops, r.measured, stat.BatchMeans(r.kindRates(kind), level)),
			Latency:    summarize(h),
			Rows:       k.rows, Bytes: k.bytes, Errors: k.errors, Retries: k.retries,
			ErrorsByCode: r.errorsOf(kind),
		})
	}
	ops, _ := r.total.ops()
	rates := r.rates()
	batches := stat.BatchMeans(rates, level)
	res.Throughput = estimate(ops, r.measured, batches)
	res.Latency = summarize(all)
	res.Reached = batches.Independent && res.Throughput.RelativeError <= r.cfg.RelativeError
	r.diagnose(res, rates, batches)
	res.Diagnostics = r.remarks
	return res
}

// kindRates returns a kind's throughput by window of the measurement.
func (r *runner) kindRates(kind int) []float64 {
	var x []float64
	row := 0
	for _, w := range r.series {
		if w.Phase != Measure {
			continue
		}
		if whole(w, r.cfg.Interval) {
			x = append(x, float64(r.kindOps[row*len(r.names)+kind])/w.Width.Seconds())
		}
		row++
	}
	return x
}

func (r *runner) errorsOf(kind int) map[string]int64 {
	var codes map[string]int64
	for key, n := range r.total.errors {
		if key.kind == kind {
			if codes == nil {
				codes = map[string]int64{}
			}
			codes[key.code] += n
		}
	}
	return codes
}

// estimate is a rate over the whole measurement, with the width of the interval that was found from its windows.
func estimate(ops int64, measured time.Duration, b stat.Batches) Estimate {
	e := Estimate{High: Unbounded, Level: b.Level, RelativeError: Unbounded}
	if measured > 0 {
		e.Value = float64(ops) / measured.Seconds()
	}
	if !b.Bounded() || e.Value == 0 {
		return e
	}
	half := (b.High - b.Low) / 2
	e.Low, e.High, e.RelativeError = max(0, e.Value-half), e.Value+half, half/e.Value
	return e
}

// summarize returns the figures of a histogram.
func summarize(h *hdrhistogram.Histogram) Latency {
	l := Latency{Count: h.TotalCount(), Histogram: h}
	if l.Count == 0 {
		return l
	}
	l.Min, l.Mean, l.Max = h.Min(), int64(h.Mean()), h.Max()
	q := h.ValueAtPercentilesSlice([]float64{50, 90, 95, 99, 99.9})
	l.P50, l.P90, l.P95, l.P99, l.P999 = q[0], q[1], q[2], q[3], q[4]
	return l
}
