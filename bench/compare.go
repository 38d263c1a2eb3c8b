package bench

import (
	"fmt"
	"math"
	"strings"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/attunedb/attune/bench/stat"
)

// Verdict is what a comparison finds of the second of two runs.
type Verdict string

// The verdicts. NoDifference says that none was shown, not that there is none.
const (
	Faster        Verdict = "faster"
	Slower        Verdict = "slower"
	NoDifference  Verdict = "no difference shown"
	NotComparable Verdict = "not comparable"
)

// Comparison compares two runs, b against a.
type Comparison struct {
	A string `json:"a"`
	B string `json:"b"`
	// Verdict is that of throughput in a closed loop, and of the 99th percentile in an open one, where throughput is what was asked for.
	Verdict Verdict `json:"verdict"`
	// Text is the verdict as a sentence or two.
	Text string `json:"text"`
	// Reasons say why runs are not comparable.
	Reasons []string `json:"reasons,omitempty"`
	// Level is the confidence level: a difference is shown if P is below 1 - Level.
	Level   float64  `json:"level"`
	Metrics []Metric `json:"metrics"`
}

// Metric is a figure of both runs.
type Metric struct {
	// Kind is the kind of operations, "" for all together. Name is "throughput", in operations per second, or "p50" or "p99", in nanoseconds.
	Kind string  `json:"kind,omitempty"`
	Name string  `json:"name"`
	A    float64 `json:"a"`
	B    float64 `json:"b"`
	// Ratio is B ÷ A, with its interval; the interval is 0 to Unbounded where too little was seen.
	Ratio Estimate `json:"ratio"`
	// P is the probability of a difference like this if there is none.
	P float64 `json:"p"`
	// Superiority is the probability that a window of b has the larger throughput than one of a (Mann and Whitney), 0.5 if there is no difference: the
	// effect's size against the spread within a run. It is of throughput only, else 0.
	Superiority float64 `json:"superiority,omitempty"`
	Verdict     Verdict `json:"verdict"`
}

// Compare compares b against a: throughput by Welch's test on means of batches, quantiles of latency by their order statistics, widened by how
// much the windows' quantiles spread beyond what independent operations would. All tests are on logarithms, so that they speak of ratios.
// Neither is changed.
func Compare(a, b *Result) *Comparison {
	c := &Comparison{A: a.Name, B: b.Name, Level: max(a.Config.ConfidenceLevel, b.Config.ConfidenceLevel)}
	if !(c.Level > 0 && c.Level < 1) {
		c.Level = 0.95
	}
	c.Reasons = obstacles(a, b)
	all := c.compare("", a.Throughput, b.Throughput, a.Latency, b.Latency, a, b)
	for i, k := range a.Kinds {
		if i < len(b.Kinds) && b.Kinds[i].Name == k.Name && len(a.Kinds) > 1 {
			c.compare(k.Name, k.Throughput, b.Kinds[i].Throughput, k.Latency, b.Kinds[i].Latency, a, b)
		}
	}
	if len(c.Reasons) > 0 {
		c.Verdict = NotComparable
		c.Text = fmt.Sprintf("%s and %s are not comparable: %s.", a.Name, b.Name, strings.Join(c.Reasons, "; "))
		return c
	}
	decisive := all[0]
	if a.Config.open() {
		decisive = all[2]
	}
	c.Verdict = decisive.Verdict
	c.Text = sentence(b.Name, decisive, c.Level, a.Config.RelativeError)
	if d := all[2]; !a.Config.open() && d.Verdict != NoDifference && d.Verdict != c.Verdict {
		c.Text += fmt.Sprintf(" Its 99th percentile is %s, %s of the other's.", d.Verdict, percent(d.Ratio.Value))
	}
	return c
}

func sentence(name string, m Metric, level, relative float64) string {
	what := "Its " + m.Name
	switch m.Verdict {
	case NoDifference:
		text := fmt.Sprintf("%s: no difference is shown. %s is %s of the other's", name, what, percent(m.Ratio.Value))
		if m.Ratio.High == Unbounded {
			return text + "; too little was seen to say more."
		}
		text += fmt.Sprintf(", between %s and %s (p = %.2g)", percent(m.Ratio.Low), percent(m.Ratio.High), m.P)
		if m.Ratio.High-m.Ratio.Low > 4*relative {
			text += "; a difference within that may have been missed: measure longer"
		}
		return text + "."
	default:
		return fmt.Sprintf("%s is %s: %s is %s of the other's, between %s and %s at %s confidence (p = %.2g).", name, m.Verdict, strings.ToLower(what[:1])+what[1:],
			percent(m.Ratio.Value), percent(m.Ratio.Low), percent(m.Ratio.High), percent(level), m.P)
	}
}

// obstacles returns why two runs cannot be compared.
func obstacles(a, b *Result) []string {
	var reasons []string
	differs := func(what string, x, y any) {
		if x != y {
			reasons = append(reasons, fmt.Sprintf("%s was %v and %v", what, x, y))
		}
	}
	workload := func(name string) string { before, _, _ := strings.Cut(name, "/"); return before }
	differs("the workload", workload(a.Name), workload(b.Name))
	x, y := a.Config, b.Config
	ratio := func(r *float64) any {
		if r == nil {
			return "the workload's own"
		}
		return *r
	}
	differs("read_write_ratio", ratio(x.ReadWriteRatio), ratio(y.ReadWriteRatio))
	differs("key_space_size", x.KeySpaceSize, y.KeySpaceSize)
	differs("value_size_bytes", x.ValueSizeBytes, y.ValueSizeBytes)
	differs("distribution", x.Distribution, y.Distribution)
	if x.Distribution == "zipf" || x.Distribution == "latest" {
		differs("theta", x.Theta, y.Theta)
	}
	differs("scale", x.Scale, y.Scale)
	differs("threads", x.Threads, y.Threads)
	differs("pipeline_depth", x.PipelineDepth, y.PipelineDepth)
	differs("arrivals", x.Arrivals, y.Arrivals)
	if x.Ramp != RampKnee || y.Ramp != RampKnee {
		differs("rate", x.Rate, y.Rate)
	}
	differs("durability", a.Durability, b.Durability)
	for _, r := range []*Result{a, b} {
		for _, d := range r.Diagnostics {
			if d.Severity == Invalid {
				reasons = append(reasons, fmt.Sprintf("%s is not a valid run (%s)", r.Name, d.Code))
			}
		}
		if r.Latency.Count == 0 {
			reasons = append(reasons, r.Name+" has no measurement")
		}
	}
	return reasons
}

// compare adds the three metrics of a kind and returns them.
func (c *Comparison) compare(kind string, ta, tb Estimate, la, lb Latency, a, b *Result) []Metric {
	throughput := c.metric(kind, "throughput", ta.Value, tb.Value, relativeSE(ta), relativeSE(tb), true)
	if kind == "" {
		of := func(w Window) float64 { return float64(w.Ops) / w.Width.Seconds() }
		ba := stat.BatchMeans(seriesOf(a.Series, a.Config.Interval, of), c.Level)
		bb := stat.BatchMeans(seriesOf(b.Series, b.Config.Interval, of), c.Level)
		throughput.Superiority = stat.MannWhitney(ba.Means, bb.Means).Superiority
	}
	metrics := []Metric{throughput}
	for _, q := range []struct {
		name     string
		quantile float64
		of       func(Window) int64
	}{
		{"p50", 0.5, func(w Window) int64 { return w.P50 }},
		{"p99", 0.99, func(w Window) int64 { return w.P99 }},
	} {
		va, sa := quantileOf(la, q.quantile, designEffect(a, q.quantile, q.of))
		vb, sb := quantileOf(lb, q.quantile, designEffect(b, q.quantile, q.of))
		metrics = append(metrics, c.metric(kind, q.name, va, vb, sa, sb, false))
	}
	c.Metrics = append(c.Metrics, metrics...)
	return metrics
}

// metric tests the ratio of two figures with their relative standard errors.
func (c *Comparison) metric(kind, name string, a, b float64, sa, sb summaryError, moreIsBetter bool) Metric {
	m := Metric{Kind: kind, Name: name, A: a, B: b, P: 1, Verdict: NoDifference, Ratio: Estimate{High: Unbounded, Level: c.Level, RelativeError: Unbounded}}
	if !(a > 0 && b > 0) {
		return m
	}
	m.Ratio.Value = b / a
	d := stat.Welch(
		stat.Summary{Mean: math.Log(a), StandardError: sa.relative, DegreesOfFreedom: sa.df},
		stat.Summary{Mean: math.Log(b), StandardError: sb.relative, DegreesOfFreedom: sb.df}, c.Level)
	m.P = d.P
	if low, high := math.Exp(d.Low), math.Exp(d.High); d.Bounded() && !math.IsInf(high, 0) {
		m.Ratio.Low, m.Ratio.High, m.Ratio.RelativeError = low, high, (high-low)/2/m.Ratio.Value
	}
	if d.P < 1-c.Level {
		m.Verdict = Slower
		if (b > a) == moreIsBetter {
			m.Verdict = Faster
		}
	}
	return m
}

// summaryError is a relative standard error, with its degrees of freedom.
type summaryError struct{ relative, df float64 }

// batchDegrees are the degrees of freedom of an interval from batches: their number is between 10 and 64, and the quantile of Student's t
// hardly depends on it.
const batchDegrees = 15

// relativeSE is the standard error that an interval says.
func relativeSE(e Estimate) summaryError {
	if e.RelativeError == Unbounded || e.Level <= 0 {
		return summaryError{math.Inf(1), 0}
	}
	return summaryError{e.RelativeError / stat.StudentQuantile(batchDegrees, (1+e.Level)/2), batchDegrees}
}

// quantileOf returns a quantile of latency and its relative standard error: half the distance of the order statistics that enclose it with a
// probability of 0.68, times the root of the design effect.
func quantileOf(l Latency, q, effect float64) (float64, summaryError) {
	if l.Count == 0 || l.Histogram == nil {
		return 0, summaryError{math.Inf(1), 0}
	}
	value := float64(l.Histogram.ValueAtQuantile(100 * q))
	n := max(1, int64(float64(l.Count)/effect))
	low, high, ok := stat.QuantileRanks(n, q, 2*distuv.UnitNormal.CDF(1)-1)
	if !ok || value <= 0 {
		return value, summaryError{math.Inf(1), 0}
	}
	at := func(rank int64) float64 {
		return float64(l.Histogram.ValueAtQuantile(100 * (float64(rank) - 0.5) / float64(n)))
	}
	// Values are known to the histogram's resolution only.
	const resolution = 0.001
	relative := max((at(high)-at(low))/2/value, resolution)
	return value, summaryError{relative, max(1, min(float64(n)-1, batchDegrees))}
}

// designEffect is by how much the variance of a quantile exceeds that of independent operations: the windows' quantiles spread over batches, against
// what order statistics of as many operations would. It is at least 1.
func designEffect(r *Result, q float64, of func(Window) int64) float64 {
	x := seriesOf(r.Series, r.Config.Interval, func(w Window) float64 { return float64(of(w)) })
	b := stat.BatchMeans(x, 0.95)
	_, alone := quantileOf(r.Latency, q, 1)
	if !b.Bounded() || b.Mean <= 0 || math.IsInf(alone.relative, 0) {
		return 1
	}
	seen := b.StandardError / b.Mean
	return max(1, seen*seen/(alone.relative*alone.relative))
}
