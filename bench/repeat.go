package bench

import (
	"context"
	"fmt"

	gonum "gonum.org/v1/gonum/stat"

	"github.com/attunedb/attune/bench/stat"
)

// Repeated is several whole runs of the same.
type Repeated struct {
	Runs []*Result `json:"runs"`
	// Throughput is the mean over valid runs, with an interval from the spread between them alone: what another run would give. P50 and P99 are
	// the same of latency, in nanoseconds.
	Throughput Estimate `json:"throughput"`
	P50        Estimate `json:"p50"`
	P99        Estimate `json:"p99"`
	// Between is the standard deviation of throughput between runs relative to its mean; Within is what runs themselves say of their own
	// (the mean relative standard error). Where Between is far above Within, something changes from run to run that a longer run does not
	// average out, such as placement, caches or the state of the data.
	Between float64 `json:"between"`
	Within  float64 `json:"within"`
	// Diagnostics are about the runs together.
	Diagnostics []Diagnostic `json:"diagnostics,omitempty"`
}

// Repeat runs run n times, which is a whole run each, of its own Subject: run gets the number of the run, from 0. It ends early when ctx ends or a
// run was interrupted, and on an error, which it returns with what there is so far.
func Repeat(ctx context.Context, n int, run func(ctx context.Context, i int) (*Result, error)) (*Repeated, error) {
	if n < 1 {
		return nil, fmt.Errorf("bench: %d repetitions are none; at least one is needed", n)
	}
	rep := &Repeated{}
	var failed error
	for i := 0; i < n && (i == 0 || ctx.Err() == nil); i++ {
		res, err := run(ctx, i)
		if err != nil {
			failed = fmt.Errorf("bench: run %d of %d: %w", i+1, n, err)
			break
		}
		rep.Runs = append(rep.Runs, res)
		if res.Interrupted {
			break
		}
	}
	rep.summarize(n)
	return rep, failed
}

func (rep *Repeated) remark(severity Severity, code, format string, args ...any) {
	rep.Diagnostics = append(rep.Diagnostics, Diagnostic{Severity: severity, Code: code, Text: fmt.Sprintf(format, args...)})
}

func (rep *Repeated) summarize(n int) {
	var throughput, p50, p99, within []float64
	level := 0.95
	for _, r := range rep.Runs {
		if r.Interrupted || r.Latency.Count == 0 || invalid(r) {
			continue
		}
		level = r.Config.ConfidenceLevel
		throughput = append(throughput, r.Throughput.Value)
		p50, p99 = append(p50, float64(r.Latency.P50)), append(p99, float64(r.Latency.P99))
		if s := relativeSE(r.Throughput); r.Throughput.RelativeError != Unbounded {
			within = append(within, s.relative)
		}
	}
	rep.Throughput, rep.P50, rep.P99 = between(throughput, level), between(p50, level), between(p99, level)
	if len(throughput) < n {
		rep.remark(Doubt, "runs-missing", "%d of %d runs were valid and complete", len(throughput), n)
	}
	if len(throughput) < 2 {
		rep.remark(Doubt, "few-runs", "the spread between runs takes two runs at least")
		return
	}
	rep.Between = gonum.StdDev(throughput, nil) / rep.Throughput.Value
	if len(within) > 0 {
		rep.Within = gonum.Mean(within, nil)
	}
	const far = 3
	if rep.Within > 0 && rep.Between > far*rep.Within {
		rep.remark(Doubt, "runs-differ", "throughput spreads by %s between runs, and by %s within them: one run's interval does not say what another run gives",
			percent(rep.Between), percent(rep.Within))
	}
}

func invalid(r *Result) bool {
	for _, d := range r.Diagnostics {
		if d.Severity == Invalid {
			return true
		}
	}
	return false
}

// between is the mean of runs.
func between(x []float64, level float64) Estimate {
	i := stat.MeanInterval(x, level)
	e := Estimate{Value: i.Mean, High: Unbounded, Level: level, RelativeError: Unbounded}
	if i.Bounded() && i.Mean > 0 {
		e.Low, e.High, e.RelativeError = max(0, i.Low), i.High, i.RelativeError()
	}
	return e
}
