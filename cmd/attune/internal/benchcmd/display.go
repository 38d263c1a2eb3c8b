package benchcmd

import (
	"fmt"
	"io"
	"time"

	"github.com/attunedb/attune/bench"
	"github.com/attunedb/attune/cmd/attune/internal/progress"
)

// Display shows what a suite does: on a terminal a bar with the phase, operations per second and the 99th percentile, and everywhere a line
// for each part that ended. It implements suite.Watch.
type Display struct {
	line     *progress.Line
	terminal bool

	step string
}

// phaseSteps is how finely a phase's bar moves.
const phaseSteps = 1000

// NewDisplay writes to w, which is a terminal or not.
func NewDisplay(w io.Writer, terminal bool, now func() time.Time) *Display {
	return &Display{line: progress.New(w, terminal, now), terminal: terminal}
}

// Step implements suite.Watch.
func (d *Display) Step(name string) {
	d.step = name
	d.line.Begin(name, 0)
}

// Done implements suite.Watch.
func (d *Display) Done(outcome string) {
	d.line.End("%-34s %s", d.step, outcome)
}

// Phase implements bench.Progress.
func (d *Display) Phase(p bench.Phase, limit time.Duration) {
	if d.terminal {
		d.line.Begin(fmt.Sprintf("%s, %s", d.step, p), phaseSteps)
		d.line.Note("up to %s", limit.Round(100*time.Millisecond))
	}
}

// Tick implements bench.Progress.
func (d *Display) Tick(w bench.Window, done float64) {
	if !d.terminal {
		return
	}
	d.line.Set(int64(done * phaseSteps))
	if w.Width > 0 {
		errs := ""
		if w.Errors > 0 {
			errs = fmt.Sprintf("  %d errors", w.Errors)
		}
		d.line.Note("%8.0f/s  p99 %s%s", float64(w.Ops)/w.Width.Seconds(), time.Duration(w.P99).Round(time.Microsecond), errs)
	}
}

// Table implements workload.Loading.
func (d *Display) Table(name string, rows int64) {
	if d.terminal {
		d.line.Begin(d.step+", "+name, rows)
	}
}

// Add implements workload.Loading.
func (d *Display) Add(rows int64) {
	if d.terminal {
		d.line.Add(rows)
	}
}

// Note writes a line of its own.
func (d *Display) Note(format string, args ...any) { d.line.End(format, args...) }
