package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/attunedb/attune/bench"
)

// Number writes a value with about three significant digits, thousands in groups.
func Number(v float64) string {
	a := math.Abs(v)
	switch {
	case v >= bench.Unbounded:
		return "∞"
	case a >= 1000:
		return grouped(strconv.FormatFloat(v, 'f', 0, 64))
	case a >= 100, v == math.Trunc(v):
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case a >= 1:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case a >= 0.001:
		return strconv.FormatFloat(v, 'f', 2-int(math.Floor(math.Log10(a))), 64)
	}
	return strconv.FormatFloat(v, 'e', 2, 64)
}

func grouped(digits string) string {
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// duration writes a time with three significant digits.
func duration(d time.Duration) string {
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{time.Second, "s"}, {time.Millisecond, "ms"}, {time.Microsecond, "µs"}} {
		if d >= u.unit || -d >= u.unit {
			return Number(float64(d)/float64(u.unit)) + " " + u.name
		}
	}
	return fmt.Sprintf("%d ns", d.Nanoseconds())
}

// size writes a number of bytes in powers of 1024.
func size(b float64) string {
	for _, u := range []struct {
		unit float64
		name string
	}{{1 << 40, "TiB"}, {1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if b >= u.unit {
			return Number(b/u.unit) + " " + u.name
		}
	}
	return Number(b) + " B"
}

func percent(share float64) string { return Number(100*share) + " %" }

// Fact is something said of a run, or of a report.
type Fact struct{ Name, Text string }

// facts is what every figure is a figure of.
func (r *Report) facts() []Fact {
	fs := []Fact{
		{"suite", r.Suite}, {"commit", r.Commit},
		{"machine", fmt.Sprintf("%d cores, %s, %s", r.Machine.Cores, size(float64(r.Machine.MemoryBytes)), r.Machine.Kernel)},
		{"durability", r.Durability},
	}
	if !r.Started.IsZero() {
		fs = append(fs, Fact{"started", r.Started.UTC().Format("2006-01-02 15:04:05 UTC")})
	}
	if r.Elapsed > 0 {
		fs = append(fs, Fact{"took", duration(time.Duration(r.Elapsed * 1e9))})
	}
	if r.Interrupted {
		fs = append(fs, Fact{"interrupted", "the command was ended early: what is here was measured until then"})
	}
	return fs
}

// Method says how a run was measured, in sentences: what every benchmark must state.
func Method(res *bench.Result) []Fact {
	c := &res.Config
	return []Fact{
		{"warm-up", warmup(res)},
		{"ramp", ramp(c)},
		{"steady state", steady(res)},
		{"measurement", measurement(res)},
		{"confidence interval", interval(res)},
		{"arrivals", arrivals(c)},
		{"load", fmt.Sprintf("%d workers, %s, pipeline depth %d", c.Threads, connections(c), max(c.PipelineDepth, 1))},
		{"keys", keys(c)},
		{"durability", orElse(res.Durability, "not stated")},
		{"errors", failures(res)},
		{"machine's use", machineUse(res)},
	}
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func warmup(res *bench.Result) string {
	if res.Steady >= 0 && res.Steady < res.Config.WarmupDuration {
		return fmt.Sprintf("up to %s, ended when throughput was steady", duration(res.Config.WarmupDuration))
	}
	return fmt.Sprintf("%s, its bound", duration(res.Config.WarmupDuration))
}

func steady(res *bench.Result) string {
	if res.Steady < 0 {
		return "not found: throughput still drifted when the warm-up reached its bound"
	}
	return fmt.Sprintf("found %s after the start", duration(res.Steady))
}

func ramp(c *bench.Config) string {
	switch c.Ramp {
	case "", "none":
		return "none: all workers from the start"
	case "knee":
		bound := "throughput alone"
		if c.KneeLatency > 0 {
			bound = "throughput, or a 99th percentile above " + duration(c.KneeLatency)
		}
		return fmt.Sprintf("search for the knee in up to %d steps over %s, bounded by %s; measured at the last good rate", c.RampSteps,
			duration(c.RampDuration), bound)
	case "steps":
		return fmt.Sprintf("%d steps over %s", c.RampSteps, duration(c.RampDuration))
	}
	return fmt.Sprintf("%s over %s", c.Ramp, duration(c.RampDuration))
}

func measurement(res *bench.Result) string {
	c := &res.Config
	s := fmt.Sprintf("%s of up to %s", duration(res.Measured), duration(c.MeasurementDuration))
	switch {
	case res.Interrupted:
		return s + ", ended early from outside"
	case res.Reached:
		return s + fmt.Sprintf(", within the relative error of %s that was asked for", percent(c.RelativeError))
	case c.OperationCount > 0:
		return s + fmt.Sprintf(", or %s operations", grouped(strconv.FormatUint(c.OperationCount, 10)))
	}
	return s + fmt.Sprintf("; the relative error of %s that was asked for was not reached", percent(c.RelativeError))
}

func interval(res *bench.Result) string {
	t := res.Throughput
	return fmt.Sprintf("%s/s, %s to %s at a level of %s: ± %s", Number(t.Value), Number(t.Low), Number(t.High), percent(t.Level),
		percent(t.RelativeError))
}

func arrivals(c *bench.Config) string {
	switch c.Arrivals {
	case "", "closed":
		return "closed loop: a worker begins when it is done. Latency counts from the moment an operation is sent, so users who would have come " +
			"meanwhile are not seen waiting"
	}
	return fmt.Sprintf("open loop, %s arrivals at %s/s: latency counts from the intended start, so there is no coordinated omission", c.Arrivals,
		Number(c.Rate))
}

func connections(c *bench.Config) string {
	if c.Connections == 0 {
		return "a connection each"
	}
	return fmt.Sprintf("%d connections", c.Connections)
}

func keys(c *bench.Config) string {
	s := fmt.Sprintf("%s of %s, values of %d bytes, seed %d, scale %s", orElse(c.Distribution, "uniform"),
		grouped(strconv.FormatUint(c.KeySpaceSize, 10)), c.ValueSizeBytes, c.Seed, Number(c.Scale))
	if c.Distribution == "zipf" {
		s = fmt.Sprintf("%s, theta %s", s, Number(c.Theta))
	}
	return s
}

func failures(res *bench.Result) string {
	var errs, retries int64
	codes := map[string]int64{}
	for _, k := range res.Kinds {
		errs += k.Errors
		retries += k.Retries
		for code, n := range k.ErrorsByCode {
			codes[code] += n
		}
	}
	s := fmt.Sprintf("%s of %s operations failed, %s retries", Number(float64(errs)), Number(float64(res.Latency.Count+errs)), Number(float64(retries)))
	for i, code := range sortedKeys(codes) {
		s += []string{": ", ", "}[min(i, 1)] + fmt.Sprintf("%s × %d", code, codes[code])
	}
	return s
}

func machineUse(res *bench.Result) string {
	p := res.Resources
	if p == nil {
		return "not measured"
	}
	return fmt.Sprintf("CPU %s of %d cores (stolen %s), memory %s, busiest disk %s, read %s, written %s; network in %s, out %s, loopback %s",
		percent(p.CPU), p.Cores, percent(p.Steal), percent(p.MemoryShare), percent(p.DiskBusy), size(float64(p.DiskReadBytes)),
		size(float64(p.DiskWriteBytes)), size(float64(p.NetworkInBytes)), size(float64(p.NetworkOutBytes)), size(float64(p.LoopbackBytes)))
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// The words of a row's cells, empty where there is nothing to say.

func (r Row) interval() string {
	if r.CILow == nil || r.CIHigh == nil {
		return ""
	}
	return Number(*r.CILow) + " – " + Number(*r.CIHigh)
}

func optional(v *float64) string {
	if v == nil {
		return ""
	}
	return Number(*v)
}

func (r Row) met() string {
	switch {
	case r.Met == nil:
		return ""
	case *r.Met:
		return "met"
	}
	return "not met"
}

func (r Row) beside(others map[string]float64) string {
	var parts []string
	for _, name := range sortedKeys(others) {
		s := name + " " + Number(others[name])
		if ratio, ok := r.Ratios[name]; ok {
			s += " (" + Number(ratio) + "×)"
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, ", ")
}

func (r Row) use() string {
	if r.Use == nil {
		return ""
	}
	return fmt.Sprintf("CPU %s, memory %s, disk %s, network %s/s", percent(r.Use.CPU), percent(r.Use.Memory), percent(r.Use.Disk), size(r.Use.Network))
}

// columns of the table of figures.
var columns = []string{"figure", "value", "interval", "per core", "target", "", "peers", "limits", "use", "notes"}

// cells of a row, in the order of columns.
func (r Row) cells() []string {
	return []string{
		r.Name, Number(r.Value) + " " + r.Unit, r.interval(), optional(r.PerCore), optional(r.Target), r.met(), r.beside(r.Peers), r.beside(r.Limits),
		r.use(), r.Notes,
	}
}

// used drops columns that no row uses.
func used(head []string, rows [][]string) ([]string, [][]string) {
	var keep []int
	for i := range head {
		if i == 0 || slices.ContainsFunc(rows, func(r []string) bool { return r[i] != "" }) {
			keep = append(keep, i)
		}
	}
	pick := func(r []string) []string {
		out := make([]string, len(keep))
		for j, i := range keep {
			out[j] = r[i]
		}
		return out
	}
	out := make([][]string, len(rows))
	for i, r := range rows {
		out[i] = pick(r)
	}
	return pick(head), out
}

// figures is the table of all rows.
func (r *Report) figures() ([]string, [][]string) {
	rows := make([][]string, len(r.Rows))
	for i, row := range r.Rows {
		rows[i] = row.cells()
	}
	return used(columns, rows)
}

// latencies is the table of a run's kinds.
func latencies(res *bench.Result) ([]string, [][]string) {
	row := func(name string, t bench.Estimate, l bench.Latency, errs int64) []string {
		ns := func(v int64) string { return duration(time.Duration(v)) }
		return []string{
			name, Number(t.Value) + "/s", Number(t.Low) + " – " + Number(t.High), Number(float64(l.Count)), ns(l.Mean), ns(l.P50), ns(l.P90), ns(l.P95),
			ns(l.P99), ns(l.P999), ns(l.Max), Number(float64(errs)),
		}
	}
	head := []string{"operation", "throughput", "interval", "count", "mean", "p50", "p90", "p95", "p99", "p99.9", "max", "errors"}
	var rows [][]string
	var errs int64
	for _, k := range res.Kinds {
		errs += k.Errors
		rows = append(rows, row(k.Name, k.Throughput, k.Latency, k.Errors))
	}
	if len(res.Kinds) != 1 {
		rows = append(rows, row("all", res.Throughput, res.Latency, errs))
	}
	return head, rows
}

// verdict counts what is met, of the rows that have a target.
func (r *Report) verdict() string {
	var met, all int
	for _, row := range r.Rows {
		if row.Met != nil {
			all++
			if *row.Met {
				met++
			}
		}
	}
	s := fmt.Sprintf("%d figures", len(r.Rows))
	if all > 0 {
		s += fmt.Sprintf(", %d of %d targets met", met, all)
	}
	if n := len(r.Skipped); n > 0 {
		s += fmt.Sprintf(", %d could not be measured", n)
	}
	return s
}
