// Package report is the one format in which every benchmark prints what it measured: a single JSON object.
//
// Names are stable, lower-case and dotted. Figures come with what they are figures of: the machine, the commit, and the durability
// setting they were measured under.
//
// Markdown and HTML print the same report for people, with the runs behind its figures: how each was measured, how sure it is, and curves of
// latency and throughput. A page needs nothing from outside.
package report

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Machine is where it ran.
type Machine struct {
	Cores       int    `json:"cores"`
	MemoryBytes uint64 `json:"memory_bytes"`
	Kernel      string `json:"kernel"`
}

// Row is one figure. Optional fields are left out where they are nil or empty.
type Row struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	// CILow and CIHigh bound the value at the level that Notes name.
	CILow  *float64 `json:"ci_low,omitempty"`
	CIHigh *float64 `json:"ci_high,omitempty"`
	// Target is the figure to reach, Met whether it is reached.
	Target *float64 `json:"target,omitempty"`
	Met    *bool    `json:"met,omitempty"`
	// Seed is the figure of the same name that is asked of a whole 16-core node, PerCore the value divided by this machine's cores.
	Seed    *float64 `json:"seed,omitempty"`
	PerCore *float64 `json:"per_core,omitempty"`
	// Peers are others' values in the same run, Limits what the machine can do of the same kind of work at all. Ratios, to both, are made
	// so that above 1 is good.
	Peers  map[string]float64 `json:"peers,omitempty"`
	Limits map[string]float64 `json:"limits,omitempty"`
	Ratios map[string]float64 `json:"ratios,omitempty"`
	// Use is what the machine was used to meanwhile.
	Use   *Use   `json:"use,omitempty"`
	Notes string `json:"notes,omitempty"`
	// Run names the run behind the figure, one of the report's.
	Run string `json:"run,omitempty"`
}

// Use is how much of the machine was in use while something was measured, client included: shares from 0 to 1, and bytes per second.
type Use struct {
	CPU     float64 `json:"cpu"`
	Memory  float64 `json:"memory"`
	Disk    float64 `json:"disk"`
	Network float64 `json:"network_bytes_per_second"`
}

// Skipped is a figure that could not be measured.
type Skipped struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

// Table is a further table of a report.
type Table struct {
	Title   string     `json:"title"`
	Note    string     `json:"note,omitempty"`
	Columns []string   `json:"columns"`
	Rows    [][]string `json:"rows"`
}

// Curve is a further chart of a report.
type Curve struct {
	Title  string   `json:"title"`
	X      string   `json:"x"`
	Y      string   `json:"y"`
	LogX   bool     `json:"log_x,omitempty"`
	Series []Series `json:"series"`
}

// Series is a line of a Curve. Low and High, where there are as many as Points, bound it.
type Series struct {
	Name   string       `json:"name"`
	Points [][2]float64 `json:"points"`
	Low    []float64    `json:"low,omitempty"`
	High   []float64    `json:"high,omitempty"`
}

// Against sets a target and whether it is met.
func (r Row) Against(target float64, met bool) Row {
	r.Target, r.Met = &target, &met
	return r
}

// Report is everything one command measured.
type Report struct {
	Suite      string  `json:"suite"`
	Commit     string  `json:"commit"`
	Machine    Machine `json:"machine"`
	Durability string  `json:"durability"`
	Rows       []Row   `json:"rows"`
	// Started is when the first measurement began, Elapsed what all took in seconds.
	Started time.Time `json:"started,omitzero"`
	Elapsed float64   `json:"elapsed_seconds,omitempty"`
	// Interrupted says that the command was ended early: the report is of what was measured until then.
	Interrupted bool      `json:"interrupted,omitempty"`
	Skipped     []Skipped `json:"skipped,omitempty"`
	Notes       []string  `json:"notes,omitempty"`
	Tables      []Table   `json:"tables,omitempty"`
	Curves      []Curve   `json:"curves,omitempty"`
	Runs        []Run     `json:"runs,omitempty"`
}

// New returns an empty report of this machine.
func New(ctx context.Context, suite, durability string) *Report {
	return &Report{Suite: suite, Commit: Commit(ctx), Machine: machine(), Durability: durability, Rows: []Row{}}
}

// Add appends a figure. A value that JSON cannot hold becomes 0 and is named in the notes.
func (r *Report) Add(row Row) {
	if math.IsNaN(row.Value) || math.IsInf(row.Value, 0) {
		row.Notes = strings.TrimSpace(row.Notes + " (not a finite number)")
		row.Value = 0
	}
	r.Rows = append(r.Rows, row)
}

// Skip lists a figure that could not be measured, with the reason.
func (r *Report) Skip(name, reason string) { r.Skipped = append(r.Skipped, Skipped{name, reason}) }

// Read reads a report that Write has written.
func Read(from io.Reader) (*Report, error) {
	var r Report
	if err := json.NewDecoder(from).Decode(&r); err != nil {
		return nil, fmt.Errorf("reading a report: %w", err)
	}
	if r.Suite == "" || r.Rows == nil {
		return nil, errors.New("reading a report: this JSON is no report: it has no suite or no rows")
	}
	return &r, nil
}

// Write prints the report as one indented JSON object.
func (r *Report) Write(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(r)
}

// Commit returns the version control revision that the program was built from, with "+" for a changed tree: as the build recorded it,
// else as git tells in the current directory, else "unknown".
func Commit(ctx context.Context) string {
	revision, modified := "", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				revision = s.Value
			case "vcs.modified":
				if s.Value == "true" {
					modified = "+"
				}
			}
		}
	}
	if revision != "" {
		return revision + modified
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "git", "rev-parse", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	if status, err := exec.CommandContext(ctx, "git", "status", "--porcelain", "--untracked-files=no").Output(); err == nil && len(status) > 0 {
		modified = "+"
	}
	return strings.TrimSpace(string(out)) + modified
}

func machine() Machine {
	m := Machine{Cores: runtime.GOMAXPROCS(0)}
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		m.MemoryBytes = uint64(info.Totalram) * uint64(info.Unit) //nolint:unconvert // 32-bit on some machines
	}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		m.Kernel = unix.ByteSliceToString(name.Sysname[:]) + " " + unix.ByteSliceToString(name.Release[:])
	}
	return m
}
