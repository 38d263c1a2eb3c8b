package analysis

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Kind is what a finding says.
type Kind string

// Bottlenecks: a process has one of them as its verdict.
const (
	Idle         Kind = "idle"
	Unbound      Kind = "unbound" // it works, and nothing holds it up
	CPUBound     Kind = "cpu-bound"
	Throttled    Kind = "throttled"
	MemoryBound  Kind = "memory-bound"
	GCBound      Kind = "gc-bound"
	LockBound    Kind = "lock-bound"
	DiskBound    Kind = "disk-bound"
	NetworkBound Kind = "network-bound"
	QueueBound   Kind = "queue-bound"
	PeerBound    Kind = "peer-bound" // it waits for another process's handlers
)

// Further findings.
const (
	Leak          Kind = "leak"
	GoroutineLeak Kind = "goroutine-leak"
	ChattyPeer    Kind = "chatty-peer"
	FailingPeer   Kind = "failing-peer"
	SlowDisk      Kind = "slow-disk"
	GCStorm       Kind = "gc-storm"
	HotKey        Kind = "hot-key"
	BadPlan       Kind = "bad-plan"
	Neighbour     Kind = "noisy-neighbour"
)

// Report is what was found. Its slices are ordered by what matters most, first.
type Report struct {
	Begin     time.Time  `json:"begin"`
	Elapsed   Seconds    `json:"elapsed_seconds"`
	Processes []*Process `json:"processes"`
	// Findings are about no single process, such as a template whose plan is bad.
	Findings []Finding `json:"findings,omitempty"`
	// Waits are who waited for whom.
	Waits []Wait `json:"waits,omitempty"`
	// Templates are the queries that took the most time.
	Templates []TemplateCost `json:"templates,omitempty"`
	// Recommendations are those of all findings.
	Recommendations []Recommendation `json:"recommendations,omitempty"`
	// Missing are processes that were asked and gave no profile, and why.
	Missing []Missing `json:"missing,omitempty"`
}

// Seconds is a time that JSON shows in seconds.
type Seconds float64

// Missing is a process without a profile.
type Missing struct {
	Process string `json:"process"`
	Reason  string `json:"reason"`
}

// Process is what was found of one process.
type Process struct {
	// Name is unique in the report.
	Name       string    `json:"name"`
	Services   []string  `json:"services"`
	Instance   string    `json:"instance,omitempty"`
	Host       string    `json:"host,omitempty"`
	Version    string    `json:"version,omitempty"`
	Begin      time.Time `json:"begin"`
	Elapsed    Seconds   `json:"elapsed_seconds"`
	Processors int       `json:"processors"`
	// Verdict is what holds it up most; Findings are the rest, other bottlenecks included.
	Verdict  Finding   `json:"verdict"`
	Findings []Finding `json:"findings,omitempty"`
	Usage    Usage     `json:"usage"`
	// Attribution is CPU time by pprof label: "service", "template", "operator", "method".
	Attribution map[string][]Share `json:"attribution,omitempty"`
	Paths       []HotPath          `json:"paths,omitempty"`
	Files       []File             `json:"files,omitempty"`
	Devices     []Device           `json:"devices,omitempty"`
	Calls       []Call             `json:"calls,omitempty"`
	Arenas      []Arena            `json:"arenas,omitempty"`
	Timeline    []Moment           `json:"timeline,omitempty"`
	// Failures are parts that are missing or incomplete, and why.
	Failures   []string `json:"failures,omitempty"`
	Overhead   float64  `json:"overhead"`
	Continuous bool     `json:"continuous,omitempty"`
	// Flames are the call trees behind the figures.
	Flames []Flame `json:"-"`
}

// Flame is a call tree with what its values are.
type Flame struct {
	// Name is "cpu", "allocations", "heap", "growth", "goroutines", "mutex" or "block".
	Name string
	// Unit is "nanoseconds", "bytes" or "count".
	Unit string
	Root *Node
}

// Usage is what a process used.
type Usage struct {
	BusyProcessors  float64 `json:"busy_processors"`
	CPUShare        float64 `json:"cpu_share"`
	GCShare         float64 `json:"gc_share"` // of its CPU time
	AllocationRate  float64 `json:"allocated_bytes_per_second"`
	CollectionRate  float64 `json:"collections_per_second"`
	HeapBytes       uint64  `json:"heap_bytes"`
	RSSBytes        uint64  `json:"rss_bytes"`
	LimitBytes      uint64  `json:"limit_bytes,omitempty"`
	Goroutines      int     `json:"goroutines"`
	LockWaiters     float64 `json:"lock_waiters"`    // goroutines that waited for a mutex, on average
	FileOperations  float64 `json:"file_operations"` // in flight, on average
	ServedPerSecond float64 `json:"served_calls_per_second"`
}

// Finding is what a rule found.
type Finding struct {
	Rule string `json:"rule"`
	Kind Kind   `json:"kind"`
	// Score is how much it matters, 0 to 1.
	Score float64 `json:"score"`
	// Subject is what it is about: a function, a peer's method, a class of files, a template.
	Subject string `json:"subject,omitempty"`
	// Summary says it in a sentence.
	Summary  string     `json:"summary"`
	Evidence []Evidence `json:"evidence,omitempty"`
	// Path is the call path that dominates, innermost function first.
	Path            []string         `json:"path,omitempty"`
	Recommendations []Recommendation `json:"recommendations,omitempty"`
}

// Evidence is a figure, and the threshold it was held against where it was.
type Evidence struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	// Unit is "share", "bytes", "bytes/s", "seconds", "/s" or what is counted.
	Unit string `json:"unit,omitempty"`
	// Threshold is what Value had to reach; 0 for a figure that only tells more.
	Threshold float64 `json:"threshold,omitempty"`
}

// String is the figure for a person.
func (e Evidence) String() string {
	s := e.Name + " " + Figure(e.Value, e.Unit)
	if e.Threshold != 0 {
		s += " (threshold " + Figure(e.Threshold, e.Unit) + ")"
	}
	return s
}

// Recommendation is what to do: it names a setting, a query, an index or a function, and why.
type Recommendation struct {
	// Process is whose it is; empty for the whole.
	Process string `json:"process,omitempty"`
	// Change is "setting", "query", "index", "code", "deployment".
	Change string `json:"change"`
	// Name is which.
	Name string `json:"name"`
	Text string `json:"text"`
	// Because is the evidence.
	Because string `json:"because"`
}

// Share is a part of CPU time.
type Share struct {
	Name  string  `json:"name"`
	Nanos int64   `json:"nanos"`
	Share float64 `json:"share"`
}

// HotPath is a function that dominates a profile, with the path that leads to it.
type HotPath struct {
	Profile string   `json:"profile"`
	Share   float64  `json:"share"`
	Value   int64    `json:"value"`
	Unit    string   `json:"unit"`
	Path    []string `json:"path"`
}

// Latency is a distribution of times, in seconds.
type Latency struct {
	Count uint64  `json:"count"`
	Mean  Seconds `json:"mean"`
	P50   Seconds `json:"p50"`
	P99   Seconds `json:"p99"`
	Max   Seconds `json:"max"`
}

// File is a class of files.
type File struct {
	Class      string  `json:"class"`
	ReadBytes  uint64  `json:"read_bytes"`
	WriteBytes uint64  `json:"write_bytes"`
	Reads      Latency `json:"reads"`
	Writes     Latency `json:"writes"`
	Syncs      Latency `json:"syncs"`
}

// Device is a block device of the machine.
type Device struct {
	Name       string  `json:"name"`
	Busy       float64 `json:"busy_share"`
	Mean       Seconds `json:"mean"`
	Queue      float64 `json:"queue_length"`
	ReadBytes  uint64  `json:"read_bytes"`
	WriteBytes uint64  `json:"write_bytes"`
}

// Call is the traffic of one method with one peer.
type Call struct {
	Peer             string  `json:"peer"`
	Method           string  `json:"method"`
	Server           bool    `json:"server"`
	Calls            uint64  `json:"calls"`
	Failures         uint64  `json:"failures"`
	SentMessages     uint64  `json:"sent_messages"`
	ReceivedMessages uint64  `json:"received_messages"`
	SentBytes        uint64  `json:"sent_bytes"`
	ReceivedBytes    uint64  `json:"received_bytes"`
	Latency          Latency `json:"latency"`
	Queue            Latency `json:"queue"`
	Wire             Latency `json:"wire"`
	Handler          Latency `json:"handler"`
}

// Arena is memory outside of Go's heap.
type Arena struct {
	Owner  string `json:"owner"`
	Bytes  uint64 `json:"bytes"`
	Change int64  `json:"change_bytes"`
}

// Moment is the state of a process at a moment.
type Moment struct {
	At         time.Time `json:"at"`
	Processors float64   `json:"processors_busy"`
	HeapBytes  uint64    `json:"heap_bytes"`
	RSSBytes   uint64    `json:"rss_bytes"`
	Goroutines uint32    `json:"goroutines"`
	GCShare    float64   `json:"gc_share"`
	ReadRate   float64   `json:"read_bytes_rate"`
	WriteRate  float64   `json:"write_bytes_rate"`
	NetRate    float64   `json:"network_bytes_rate"`
	CallRate   float64   `json:"calls_rate"`
}

// Wait is how long one process waited for a method of another.
type Wait struct {
	From   string `json:"from"`
	To     string `json:"to"` // a process of the report, or a peer's address
	Method string `json:"method"`
	Calls  uint64 `json:"calls"`
	// Total is the time of all calls; InFlight how many were open on average.
	Total    Seconds `json:"total_seconds"`
	InFlight float64 `json:"in_flight"`
	// The mean of a call, and its parts; Server says whether those are the server's own account.
	Mean    Seconds `json:"mean"`
	Queue   Seconds `json:"queue"`
	Wire    Seconds `json:"wire"`
	Handler Seconds `json:"handler"`
	// On is the part that takes most: "queue", "wire" or "handler"; empty where no parts are known.
	On string `json:"on,omitempty"`
	// Bound is the verdict on the process waited for, where it was measured.
	Bound Kind `json:"bound,omitempty"`
}

// TemplateCost is what a query took in the span.
type TemplateCost struct {
	ID         string  `json:"id"`
	SQL        string  `json:"sql"`
	Executions uint64  `json:"executions"`
	Total      Seconds `json:"total_seconds"`
	// CPU is the CPU time labelled with it over all processes.
	CPU   Seconds `json:"cpu_seconds"`
	Share float64 `json:"share"` // of the time of all templates
}

// Figure writes a value with its unit for a person.
func Figure(v float64, unit string) string {
	switch unit {
	case "share":
		return trim(100*v) + " %"
	case "bytes":
		return Bytes(v)
	case "bytes/s":
		return Bytes(v) + "/s"
	case "seconds":
		return Duration(v)
	case "":
		return trim(v)
	case "/s":
		return trim(v) + "/s"
	}
	return trim(v) + " " + unit
}

// Bytes writes a number of bytes.
func Bytes(v float64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	i := 0
	for math.Abs(v) >= 1024 && i < len(units)-1 {
		v /= 1024
		i++
	}
	return trim(v) + " " + units[i]
}

// Duration writes a time that is given in seconds.
func Duration(v float64) string {
	switch a := math.Abs(v); {
	case a == 0:
		return "0 s"
	case a < 1e-6:
		return trim(v*1e9) + " ns"
	case a < 1e-3:
		return trim(v*1e6) + " µs"
	case a < 1:
		return trim(v*1e3) + " ms"
	}
	return trim(v) + " s"
}

// trim writes three significant digits.
func trim(v float64) string {
	switch a := math.Abs(v); {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "unknown"
	case a >= 100:
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return zeros(fmt.Sprintf("%.1f", v))
	case a >= 0.1 || a == 0:
		return zeros(fmt.Sprintf("%.2f", v))
	}
	return fmt.Sprintf("%.2g", v)
}

func zeros(s string) string { return strings.TrimSuffix(strings.TrimRight(s, "0"), ".") }
