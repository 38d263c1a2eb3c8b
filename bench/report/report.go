// Package report is the one format in which every benchmark prints what it measured: a single JSON object.
//
// Names are stable, lower-case and dotted. Figures come with what they are figures of: the machine, the commit, and the durability
// setting they were measured under.
package report

import (
	"context"
	"encoding/json"
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
	// Peers are others' values in the same run, Ratios are made so that above 1 is good.
	Peers  map[string]float64 `json:"peers,omitempty"`
	Ratios map[string]float64 `json:"ratios,omitempty"`
	Notes  string             `json:"notes,omitempty"`
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
