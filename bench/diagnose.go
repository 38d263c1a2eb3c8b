package bench

import (
	"fmt"
	"math"
	"os"
	"slices"
	"time"

	"gonum.org/v1/gonum/floats"
	gonum "gonum.org/v1/gonum/stat"

	"github.com/attunedb/attune/bench/resource"
	"github.com/attunedb/attune/bench/stat"
)

const (
	// fewestTail is how many values beyond the 99th percentile make it more than chance.
	fewestTail = 10
	// clientShare of the machine's CPU, used by the load generator itself, makes it the bottleneck.
	clientShare = 0.8
	// idleShare of workers' time that is not the subject's, in a closed loop, says that the load generator is slow.
	idleShare = 0.2
	// lateShare of the median latency is the load generator's own lateness that can be borne.
	lateShare = 0.05
	// lateBearable is what a timer's precision explains.
	lateBearable = 20 * time.Microsecond
	// overloaded is the share of the measurement by which operations are late at its end.
	overloaded = 0.02
)

// diagnose remarks what makes a result doubtful.
func (r *runner) diagnose(res *Result, rates []float64, b stat.Batches) {
	ops, failed := r.total.ops()
	if r.interrupted {
		r.remark(Doubt, "interrupted", "the run was interrupted in its %s: this is what was seen until then", r.lastPhase())
	}
	if r.dead != "" {
		r.remark(Invalid, "subject-died", "%s", r.dead)
	}
	if r.stuck > 0 {
		r.remark(Invalid, "worker-stuck", "%d workers did not return within %v of being cancelled: what they did is missing from the latencies",
			r.stuck, stuckAfter)
	}
	if r.unfinished > 0 {
		r.remark(Doubt, "cut-off", "%d operations had not ended %v after the measurement and were cancelled; their latencies are not in the figures",
			r.unfinished, r.cfg.CooldownDuration)
	}
	if ops == 0 {
		r.remark(Invalid, "no-measurement", "no operation succeeded in the measurement: there are no figures")
	}
	if failed > 0 && float64(failed) > r.cfg.MaxErrorRate*float64(ops+failed) {
		r.remark(Invalid, "error-rate", "%s of operations failed, more than the %s that are allowed; most often: %s; the last: %v",
			percent(float64(failed)/float64(ops+failed)), percent(r.cfg.MaxErrorRate), r.commonest(), r.total.lastErr)
	}
	if ops == 0 {
		return
	}
	if n := uint64(ops + failed); r.cfg.OperationCount > n {
		r.remark(Doubt, "operations-missing", "%d of %d operations were done within the %v of the measurement", n, r.cfg.OperationCount, r.measured)
	}
	if r.cfg.WarmupDuration < r.cfg.Interval && r.cfg.Ramp == RampNone {
		r.remark(Info, "no-warm-up", "there was no warm-up")
	} else if res.Steady < 0 && !r.interrupted {
		r.remark(Doubt, "not-steady", "throughput was not found to be steady before the measurement; a longer warm-up than %v may help", r.cfg.WarmupDuration)
	}
	r.diagnoseInterval(res, b)
	r.diagnoseSeries(res, rates, b)
	r.diagnoseLoad(res, ops)
	if tail := float64(res.Latency.Count) / 100; tail < fewestTail {
		r.remark(Doubt, "few-samples", "the 99th percentile is of %d operations, of which %.0f are beyond it: it may be far off; measure longer",
			res.Latency.Count, math.Floor(tail))
	}
}

func (r *runner) lastPhase() Phase {
	last := Warmup
	for _, w := range r.series {
		if w.Phase != Cooldown {
			last = w.Phase
		}
	}
	return last
}

func percent(share float64) string { return fmt.Sprintf("%.3g %%", 100*share) }

// commonest is the error code that was seen most.
func (r *runner) commonest() string {
	codes := map[string]int64{}
	for key, n := range r.total.errors {
		codes[key.code] += n
	}
	best := ""
	for code, n := range codes {
		if best == "" || n > codes[best] || n == codes[best] && code < best {
			best = code
		}
	}
	return best
}

func (r *runner) diagnoseInterval(res *Result, b stat.Batches) {
	switch {
	case res.Throughput.RelativeError == Unbounded:
		r.remark(Doubt, "interval-too-wide", "the measurement of %v is too short for a confidence interval", r.measured.Round(time.Millisecond))
	case res.Throughput.RelativeError > r.cfg.RelativeError:
		r.remark(Doubt, "interval-too-wide", "throughput is known to ±%s at %s confidence, and ±%s was asked for: it was not reached in %v",
			percent(res.Throughput.RelativeError), percent(r.cfg.ConfidenceLevel), percent(r.cfg.RelativeError), r.measured.Round(time.Millisecond))
	}
	switch {
	case !b.Independent && res.Throughput.RelativeError != Unbounded:
		r.remark(Doubt, "autocorrelated", "throughput is still correlated over batches of %v: the interval is narrower than it should be; measure longer",
			time.Duration(b.Size)*r.cfg.Interval)
	case b.Size > 1 && b.Independent:
		if _, p := stat.VonNeumann(r.rates()); p < 0.01 {
			r.remark(Info, "autocorrelated", "windows of %v are correlated; the interval is from batches of %v, which are not",
				r.cfg.Interval, time.Duration(b.Size)*r.cfg.Interval)
		}
	}
}

// diagnoseSeries looks for what a mean hides.
func (r *runner) diagnoseSeries(res *Result, rates []float64, b stat.Batches) {
	const fewest = 20
	if len(rates) < fewest {
		return
	}
	mean := gonum.Mean(rates, nil)
	cut, _ := stat.MSER(rates, 5)
	if cut > 0 && cut < len(rates) && float64(cut) >= 0.05*float64(len(rates)) {
		before, after := gonum.Mean(rates[:cut], nil), gonum.Mean(rates[cut:], nil)
		if math.Abs(before-after) > r.cfg.RelativeError*mean {
			r.remark(Doubt, "warm-up-left", "in its first %v the measurement saw %.4g operations per second, and %.4g after: the warm-up was too short",
				time.Duration(cut)*r.cfg.Interval, before, after)
		}
	}
	if half := len(b.Means) / 2; half >= 4 {
		d := stat.Welch(stat.Summarize(b.Means[:half]), stat.Summarize(b.Means[half:]), r.cfg.ConfidenceLevel)
		if d.P < 0.01 && math.Abs(d.Mean) > r.cfg.RelativeError*mean {
			r.remark(Doubt, "trend", "throughput changed by %s from the first half of the measurement to the second", signed(d.Mean/mean))
		}
	}
	low, high := stat.TukeyFences(rates, 3)
	z := stat.ModifiedZ(rates)
	outliers := 0
	for i, v := range rates {
		if (v < low || v > high) && math.Abs(z[i]) > 3.5 {
			outliers++
		}
	}
	if outliers > 0 {
		severity := Info
		if float64(outliers) > 0.05*float64(len(rates)) {
			severity = Doubt
		}
		r.remark(severity, "outliers", "%d of %d windows are far out, from %.4g to %.4g operations per second where the median is %.4g",
			outliers, len(rates), floats.Min(rates), floats.Max(rates), stat.Median(rates))
	}
	if pause := longestPause(res.Series); pause > 0 && stat.Median(rates)*r.cfg.Interval.Seconds() >= 5 {
		r.remark(Doubt, "stall", "no operation ended for %v of the measurement", pause.Round(time.Millisecond))
	}
}

func signed(share float64) string { return fmt.Sprintf("%+.3g %%", 100*share) }

// longestPause is the longest time without operations in the measurement.
func longestPause(series []Window) time.Duration {
	var longest, pause time.Duration
	for _, w := range series {
		if w.Phase != Measure || w.Ops > 0 {
			pause = 0
			continue
		}
		pause += w.Width
		longest = max(longest, pause)
	}
	return longest
}

// diagnoseLoad asks whether it was the subject that was measured, and at the load that was meant.
func (r *runner) diagnoseLoad(res *Result, ops int64) {
	workers := int(r.crew.active.Load())
	available := time.Duration(workers) * r.measured
	busy := r.total.busy.Seconds() / max(available.Seconds(), 1e-9)
	if r.crew.schedule == nil {
		if idle := 1 - busy; idle > idleShare && r.cfg.OperationCount == 0 && ops >= 20*int64(workers) {
			r.remark(Doubt, "client-bound", "workers were outside the subject for %s of their time: the load generator had no processor, or is too slow for this subject",
				percent(idle))
		}
	} else {
		if r.backlog.Late.Seconds() > overloaded*r.measured.Seconds() {
			r.remark(Doubt, "overload", "operations were late by %v at the end, %d of them waiting: the rate is higher than what is served, and latency is that of a queue that grows",
				r.backlog.Late.Round(time.Millisecond), r.backlog.Operations)
		} else if float64(ops) < 0.95*float64(r.due) && r.cfg.OperationCount == 0 {
			r.remark(Doubt, "rate-not-reached", "%.4g operations per second succeeded of %.4g that were due",
				res.Throughput.Value, float64(r.due)/max(r.measured.Seconds(), 1e-9))
		}
		if busy > 0.9 {
			r.remark(Doubt, "workers-busy", "all %d workers were busy for %s of the time: operations waited for a worker; allow more threads", workers, percent(busy))
		}
		if n := r.total.lateCount; n > 0 {
			mean := r.total.late / time.Duration(n)
			if mean > lateBearable && mean.Seconds() > lateShare*float64(res.Latency.P50)/1e9 {
				r.remark(Doubt, "generator-late", "the load generator itself began operations %v late on average, at most %v: latencies include that",
					mean.Round(time.Microsecond), r.total.latest.Round(time.Microsecond))
			}
		}
	}
	if res.Resources == nil {
		return
	}
	own := slices.IndexFunc(res.Resources.Processes, func(p resource.Process) bool { return p.PID == os.Getpid() })
	if total := res.Resources.Elapsed.Seconds() * float64(res.Resources.Cores); own >= 0 && total > 0 {
		if used := res.Resources.Processes[own].CPUSeconds / total; used > clientShare {
			r.remark(Doubt, "client-bound", "the load generator's own process used %s of the machine's processors: it is what was measured, unless the subject runs in it",
				percent(used))
		}
	}
}
