package bench

import (
	"math"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/attunedb/attune/bench/resource"
)

// Unbounded is the upper end and the relative error of an interval of which too little was seen: the largest number, which JSON can hold.
const Unbounded = math.MaxFloat64

// Estimate is a figure with its confidence interval, which is from 0 to Unbounded where too little was seen for one.
type Estimate struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	// Level is the interval's confidence level, RelativeError half its width relative to Value.
	Level         float64 `json:"level"`
	RelativeError float64 `json:"relative_error"`
}

// Latency summarises a histogram, in nanoseconds.
type Latency struct {
	Count                               int64 `json:"count"`
	Min, Mean, P50, P90, P95, P99, P999 int64
	Max                                 int64
	// Histogram has every recorded value to three significant digits.
	Histogram *hdrhistogram.Histogram `json:"-"`
}

// KindResult is what was seen of one kind of operations while measuring.
type KindResult struct {
	Name         string   `json:"name"`
	Throughput   Estimate `json:"throughput"` // operations per second
	Latency      Latency  `json:"latency"`
	Rows, Bytes  int64
	Errors       int64
	Retries      int64
	ErrorsByCode map[string]int64 `json:"errors_by_code,omitempty"` // by SQLSTATE, else by the error's type
}

// Window is an interval of the run.
type Window struct {
	// Begin is since the run's start.
	Begin time.Duration `json:"begin"`
	// Width is how long it was: about Config.Interval, less where a phase ended.
	Width  time.Duration `json:"width"`
	Phase  Phase         `json:"phase"`
	Ops    int64         `json:"ops"`
	Errors int64         `json:"errors"`
	// P50 and P99 are latencies in nanoseconds, to 1 %, 0 without operations. Rate is the intended arrivals per second, 0 in a closed loop.
	P50, P99 int64
	Rate     float64 `json:"rate,omitempty"`
}

// Phase of a run.
type Phase string

// The phases, in their order.
const (
	Warmup   Phase = "warm-up"
	Ramping  Phase = "ramp"
	Measure  Phase = "measurement"
	Cooldown Phase = "cool-down"
)

// Severity of a diagnostic.
type Severity string

// The severities: a Doubt concerns how far the figures can be trusted, an Invalid says that they cannot be.
const (
	Info    Severity = "info"
	Doubt   Severity = "doubt"
	Invalid Severity = "invalid"
)

// Diagnostic is a remark of the analysis, a sentence for a person.
type Diagnostic struct {
	Severity Severity `json:"severity"`
	// Code is stable, such as "not-steady", "interval-too-wide", "autocorrelated", "outliers", "error-rate", "client-bound"; all are in diagnose.go.
	Code string `json:"code"`
	Text string `json:"text"`
}

// Result is a run, analysed.
type Result struct {
	// Name says what ran on what, such as "ycsb-a/attune-grpc".
	Name    string    `json:"name"`
	Config  Config    `json:"config"`
	Started time.Time `json:"started"`
	// Steady says when throughput was found to be steady, since the start; negative if never.
	Steady time.Duration `json:"steady"`
	// Measured is how long the measurement took; Reached whether its interval is within the relative error that was asked for.
	Measured time.Duration `json:"measured"`
	Reached  bool          `json:"reached"`
	// Interrupted says that the run was ended early from outside; what was measured until then stands.
	Interrupted bool `json:"interrupted"`
	// Throughput and Latency are of all kinds together.
	Throughput  Estimate         `json:"throughput"`
	Latency     Latency          `json:"latency"`
	Kinds       []KindResult     `json:"kinds"`
	Series      []Window         `json:"series"`
	Resources   *resource.Report `json:"resources,omitempty"`
	Diagnostics []Diagnostic     `json:"diagnostics"`
	// Durability is what an acknowledged write is, in words.
	Durability string `json:"durability"`
}

// Progress receives a run's progress; calls do not overlap.
type Progress interface {
	// Phase tells that a phase began, with its bound.
	Phase(p Phase, limit time.Duration)
	// Tick tells the last window and how far the phase is, 0 to 1.
	Tick(w Window, done float64)
}
